//! What a fault does. Each action is an object whose first key names it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bandwidth, Messages, Period, PeriodRange, Share, SignedPeriod, Target, Targets};
use broker::{config::TopicOverrides, host::DiskOperation};

/// Declares the actions: each a struct whose first key is the action's name.
macro_rules! actions {
    ($($(#[doc = $about:literal])+ $name:ident = $key:literal, $ends:ident {
        $(#[doc = $main_about:literal])+ $main:ident: $main_type:ty
        $(, $(#[$attribute:meta])* $field:ident: $type:ty)* $(,)?
    })*) => {
        $($(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(#[doc = $main_about])+
            #[serde(rename = $key)]
            pub $main: $main_type,
            $($(#[$attribute])* pub $field: $type,)*
        })*

        /// What a fault does; `highwater list --faults` explains each.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(untagged)]
        pub enum Action {
            $($(#[doc = $about])+ $name($name),)*
        }

        $(impl From<$name> for Action {
            fn from(action: $name) -> Self {
                Self::$name(action)
            }
        })*

        impl Action {
            /// The keys that name the actions, in the order of the documentation.
            pub const NAMES: &'static [&'static str] = &[$($key),*];

            /// The key that names it.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $key,)*
                }
            }

            /// Whether `for` and `until` mean anything.
            pub fn ending(&self) -> Ending {
                match self {
                    $(Self::$name(_) => Ending::$ends,)*
                }
            }
        }
    };
}

/// Whether an action can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It lasts, and can be undone.
    Undone,
    /// It is over at once.
    Momentary,
}

/// Groups of targets; links between different groups are meant, links within a group are not.
pub type Groups = Vec<Targets>;

actions! {
    /// Cuts the links between groups: nothing is delivered, what was sent is held until the heal.
    Cut = "cut", Undone {
        /// The groups. A list of two or more.
        groups: Groups,
        /// Only what the first group sends to the second is cut.
        #[serde(default)]
        one_way: bool,
    }
    /// Cuts nodes off from all others.
    Isolate = "isolate", Undone {
        /// The nodes.
        targets: Targets,
    }
    /// Ends the cuts between groups; `"all"` ends every cut.
    Heal = "heal", Momentary {
        /// The groups, or `"all"`.
        groups: Healed,
    }
    /// Kills processes (kill -9): what they wrote survives in the page cache. Undone by a start.
    Crash = "crash", Undone {
        /// The nodes.
        targets: Targets,
    }
    /// Cuts the power: what was not synced may be lost. Undone by a start.
    PowerOff = "power-off", Undone {
        /// The nodes.
        targets: Targets,
        /// What happens to data that was not synced.
        #[serde(default)]
        unsynced: Unsynced,
    }
    /// Asks processes to end (SIGTERM): a broker moves its leaderships and marks its shutdown as
    /// clean. Undone by a start.
    Shutdown = "shutdown", Undone {
        /// The nodes.
        targets: Targets,
    }
    /// Starts nodes that crashed, lost power or were shut down.
    Start = "start", Momentary {
        /// The nodes.
        targets: Targets,
    }
    /// Stops processes as a long garbage collection or a migration does: they do nothing, and
    /// know nothing of it. Undone by going on.
    Pause = "pause", Undone {
        /// The nodes.
        targets: Targets,
    }
    /// Makes links between groups slow.
    SlowLink = "slow-link", Undone {
        /// The groups. A list of two or more.
        groups: Groups,
        /// How long a message takes one way.
        latency: PeriodRange,
        /// Only what the first group sends to the second is slow.
        #[serde(default)]
        one_way: bool,
    }
    /// Limits what links between groups carry.
    Throttle = "throttle", Undone {
        /// The groups. A list of two or more.
        groups: Groups,
        /// How much a link carries one way.
        bandwidth: Bandwidth,
        /// Only what the first group sends to the second is limited.
        #[serde(default)]
        one_way: bool,
    }
    /// Loses packets on links between groups: they are sent again, so it is delay.
    Loss = "loss", Undone {
        /// The groups. A list of two or more.
        groups: Groups,
        /// How many of the packets are lost.
        share: Share,
        /// Only what the first group sends to the second is lost.
        #[serde(default)]
        one_way: bool,
    }
    /// Resets the connections between groups.
    Reset = "reset", Momentary {
        /// The groups. A list of two or more.
        groups: Groups,
    }
    /// Holds messages back, and what follows them on their connections, until it is undone.
    Hold = "hold", Undone {
        /// Which messages.
        messages: Messages,
    }
    /// Delays messages, and what follows them on their connections.
    Delay = "delay", Undone {
        /// Which messages.
        messages: Messages,
        /// By how long.
        by: PeriodRange,
    }
    /// Drops a message and resets its connection, so that both ends learn of it.
    DropWithReset = "drop-with-reset", Undone {
        /// Which messages.
        messages: Messages,
    }
    /// Lets disk operations fail with an input/output error (EIO).
    DiskError = "disk-error", Undone {
        /// The nodes.
        targets: Targets,
        /// Which operations.
        on: DiskCall,
        /// Only files whose path contains this.
        #[serde(default)]
        path: Option<String>,
        /// How many operations; every one if left out.
        #[serde(default)]
        #[schemars(range(min = 1))]
        count: Option<u64>,
    }
    /// Lets the disk be full: what needs room fails (ENOSPC).
    DiskFull = "disk-full", Undone {
        /// The nodes.
        targets: Targets,
    }
    /// Lets disk operations take until it is undone, which a time must tell.
    DiskStall = "disk-stall", Undone {
        /// The nodes.
        targets: Targets,
    }
    /// Makes every disk operation take longer.
    DiskSlow = "disk-slow", Undone {
        /// The nodes.
        targets: Targets,
        /// How much longer.
        latency: Period,
    }
    /// Flips one bit in a file, at a place drawn from the seed.
    DiskBitFlip = "disk-bit-flip", Momentary {
        /// The nodes.
        targets: Targets,
        /// Only files whose path contains this.
        path: String,
    }
    /// Crashes nodes and empties their disks. Undone by a start.
    DiskWipe = "disk-wipe", Undone {
        /// The nodes.
        targets: Targets,
    }
    /// Crashes a node in the middle of a step, at a disk operation that changes something. Undone
    /// by a start.
    CrashAtOperation = "crash-at-operation", Undone {
        /// The node.
        targets: Targets,
        /// At the n-th operation from now on, counted from 1.
        #[schemars(range(min = 1))]
        nth: u64,
        /// Only operations of this kind count.
        #[serde(default)]
        operation: Option<ChangingOperation>,
        /// Only files whose path contains this count.
        #[serde(default)]
        path: Option<String>,
        /// The machine loses power there, and this happens to data that was not synced. If left
        /// out, only the process dies.
        #[serde(default)]
        unsynced: Option<Unsynced>,
    }
    /// Sets clocks wrong. Undone by setting them right.
    Clock = "clock", Undone {
        /// The nodes.
        targets: Targets,
        /// Moves the wall clock.
        #[serde(default)]
        jump: Option<SignedPeriod>,
        /// Lets both clocks gain so many microseconds a second, or lose them if negative.
        #[serde(default)]
        #[schemars(range(min = -500_000, max = 500_000))]
        drift_ppm: Option<i32>,
    }
    /// Lets an in-sync replica lead a partition, in a new leader epoch, while everybody lives: the
    /// ISR stays as it is, and nobody is fenced. A controller does so by itself only at a preferred
    /// election.
    Elect = "elect", Momentary {
        /// Which partition, and who shall lead it.
        wanted: WantedLeader,
    }
    /// Asks for preferred-leader elections, as an operator does.
    ElectPreferred = "elect-preferred", Momentary {
        /// A partition, such as `orders-0`, or `all`.
        partition: String,
    }
    /// Moves a partition to other brokers. It is complete when all new replicas are in the ISR.
    Reassign = "reassign", Momentary {
        /// Which partition, and where to.
        wanted: WantedReplicas,
    }
    /// Changes the configuration of a topic.
    SetConfig = "set-config", Momentary {
        /// Which topic, and what.
        wanted: WantedConfig,
    }
    /// Adds partitions to a topic. No producer of the scenario writes to them.
    AddPartitions = "add-partitions", Momentary {
        /// Which topic, and how many it shall have.
        wanted: WantedPartitions,
    }
}

/// Where a partition shall be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedReplicas {
    /// The partition, such as `orders-0`.
    pub partition: String,
    /// The brokers that shall hold it, the preferred leader first. If empty, an unfinished move is
    /// taken back.
    pub replicas: Vec<String>,
}

/// What a topic shall be configured to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedConfig {
    /// The topic.
    pub topic: String,
    /// The values, under Kafka's keys. Those that are not named stay.
    pub config: TopicOverrides,
}

/// How many partitions a topic shall have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedPartitions {
    /// The topic.
    pub topic: String,
    /// How many in all, more than there are.
    #[schemars(range(min = 2, max = 1000))]
    pub count: u32,
}

/// Who shall lead a partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedLeader {
    /// The partition, such as `orders-0`.
    pub partition: String,
    /// A broker in the ISR, by name or role; the one that leads already gets a new epoch. If a role
    /// means several, the first of them.
    pub leader: Target,
}

/// What is healed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Healed {
    /// Everything.
    All(All),
    /// The links between these groups.
    Groups(Groups),
}

/// The word `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum All {
    /// Everything.
    All,
}

/// What a power loss does to data that was not synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unsynced {
    /// It survives.
    Keep,
    /// It is lost.
    Drop,
    /// What was written up to some moment survives.
    Prefix,
    /// As a prefix, and one write survives in part.
    Torn,
    /// Each operation survives or not, on its own.
    EachOnItsOwn,
    /// The seed decides.
    #[default]
    BySeed,
}

/// Which disk operations fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiskCall {
    /// Reads.
    Read,
    /// Writes, and everything else that changes a file or a name.
    Write,
    /// Syncs of files and directories.
    Sync,
}

impl DiskCall {
    /// Whether it means this operation.
    pub fn means(self, operation: DiskOperation) -> bool {
        self == match operation {
            DiskOperation::ReadAt
            | DiskOperation::Len
            | DiskOperation::Exists
            | DiskOperation::List => Self::Read,
            DiskOperation::Create
            | DiskOperation::Append
            | DiskOperation::WriteAt
            | DiskOperation::Truncate
            | DiskOperation::Rename
            | DiskOperation::Remove
            | DiskOperation::CreateDir
            | DiskOperation::RemoveDir => Self::Write,
            DiskOperation::Sync | DiskOperation::SyncDir => Self::Sync,
        }
    }
}

/// The disk operations that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is the method of `broker::host::Disk` with its name")]
pub enum ChangingOperation {
    Create,
    Append,
    WriteAt,
    Truncate,
    Rename,
    Remove,
    CreateDir,
    RemoveDir,
    Sync,
    SyncDir,
}
