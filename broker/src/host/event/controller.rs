//! Events of the controller's record of the cluster.
//!
//! Each is told when the record that makes it true is on the disks of a majority of the quorum, not
//! when it was decided.
//!
//! A crash may come between the disk and the telling. So a controller that takes over tells again,
//! right after `ControllerActive`, what may not have been told (but not who was fenced or
//! registered, since the log does not say why, nor after what): what the last step before it
//! recorded, if it is alone, else what it did not know to be committed. A watcher knows by
//! `metadata_offset` what it was told already.
//!
//! What the voters of a quorum of several do is told too, so that its safety can be watched.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{
    BrokerEpoch, BrokerId, ControllerEpoch, ControllerId, LeaderEpoch, Offset, PartitionEpoch,
    ProducerId, TopicId, TopicPartition,
};

/// What the controller recorded.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControllerEvent {
    /// A controller has loaded its log and decides from now on.
    ControllerActive {
        /// The epoch in which it decides.
        controller_epoch: ControllerEpoch,
        /// The end of its log.
        end_offset: Offset,
    },
    /// A controller of several was deposed, and decides no more.
    ControllerResigned {
        /// The epoch in which it decided.
        controller_epoch: ControllerEpoch,
    },
    /// A voter of several was elected. It decides once all of its log is known to be committed.
    QuorumLeaderElected {
        /// Who.
        leader: ControllerId,
        /// The epoch that it leads.
        epoch: LeaderEpoch,
    },
    /// A voter of several has learned of an epoch or a leader, or has more of the log.
    VoterMoved(VoterState),
    /// A broker's incarnation was registered. It is fenced until it has caught up.
    Registered {
        /// The broker.
        broker: BrokerId,
        /// The epoch of the incarnation.
        broker_epoch: BrokerEpoch,
        /// Whether the incarnation before is known to have shut down cleanly.
        clean: bool,
    },
    /// A broker may not lead nor be in any ISR from now on.
    Fenced {
        /// The broker.
        broker: BrokerId,
        /// The epoch of the incarnation.
        broker_epoch: BrokerEpoch,
        /// Why.
        reason: FenceReason,
    },
    /// A broker may lead and be in ISRs from now on.
    Unfenced {
        /// The broker.
        broker: BrokerId,
        /// The epoch of the incarnation.
        broker_epoch: BrokerEpoch,
    },
    /// A broker is shutting down: its leaderships are moved.
    ShuttingDown {
        /// The broker.
        broker: BrokerId,
        /// The epoch of the incarnation.
        broker_epoch: BrokerEpoch,
    },
    /// A partition was created.
    PartitionCreated(PartitionRecord),
    /// A partition has a leader again, or another one, or the same in a new epoch.
    Elected(Election),
    /// A partition has no leader: nobody in its ISR is there.
    LeaderLost {
        /// Who led, if anybody.
        previous: Option<BrokerId>,
        /// The record as it stands now.
        record: PartitionRecord,
    },
    /// A partition's ISR changed, and not its leader. The ISR may be the one it was, if an unclean
    /// leader has said that it recovered.
    IsrChanged {
        /// The ISR before.
        previous: Vec<BrokerId>,
        /// The record as it stands now.
        record: PartitionRecord,
    },
    /// A leader's request for another ISR was refused.
    AlterPartitionRefused {
        /// The partition.
        partition: TopicPartition,
        /// Who asked.
        broker: BrokerId,
        /// Kafka's error code.
        error: i16,
    },
    /// A testbed asked for a leader that cannot be had, and nothing was recorded.
    ElectionRefused {
        /// The partition.
        partition: TopicPartition,
        /// Who should have led.
        leader: BrokerId,
        /// Kafka's error code.
        error: i16,
    },
    /// A topic, with all its partitions, was deleted.
    TopicDeleted {
        /// The topic's name.
        topic: String,
        /// The topic's id.
        topic_id: TopicId,
    },
    /// Producer ids from this one on were given to a broker.
    ProducerIdsAllocated {
        /// The broker.
        broker: BrokerId,
        /// The first of them.
        first: ProducerId,
    },
}

/// What a voter of the quorum knows and has.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VoterState {
    /// Which.
    pub voter: ControllerId,
    /// How many voters the quorum has.
    pub voters: u32,
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// Who leads that epoch, as far as it knows.
    pub leader: Option<ControllerId>,
    /// The end of what it has on disk.
    pub log_end: Offset,
    /// The first offset that it does not know to be committed.
    pub high_watermark: Offset,
    /// The batches that it has learned to be committed, in order.
    pub committed: Vec<CommittedBatch>,
}

/// A batch of the metadata log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CommittedBatch {
    /// The offset behind its last record.
    pub end_offset: Offset,
    /// The epoch in which it was written.
    pub epoch: LeaderEpoch,
    /// Its checksum.
    pub crc: u32,
}

/// Why a broker was fenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FenceReason {
    /// No heartbeat came within `broker.session.timeout.ms`.
    SessionTimeout,
    /// The broker asked for it, or has finished its controlled shutdown.
    Asked,
    /// A new incarnation of it registers.
    NewIncarnation,
}

/// A partition as the controller's log has it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PartitionRecord {
    /// The partition.
    pub partition: TopicPartition,
    /// Its topic's id.
    pub topic_id: TopicId,
    /// Who holds it, in order of preference.
    pub replicas: Vec<BrokerId>,
    /// The in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// The eligible leader replicas (KIP-966).
    pub elr: Vec<BrokerId>,
    /// The leader, if there is one.
    pub leader: Option<BrokerId>,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// The epoch of this record.
    pub partition_epoch: PartitionEpoch,
    /// `min(min.insync.replicas, number of replicas)` in force.
    pub min_insync_replicas: u32,
    /// Whether `unclean.leader.election.enable` is in force.
    pub unclean_leader_election: bool,
    /// The record's offset in the metadata log.
    pub metadata_offset: Offset,
}

/// How a leader was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ElectionKind {
    /// From the ISR.
    Isr,
    /// From the eligible leader replicas (KIP-966).
    Elr,
    /// The last leader there was, after everybody else was lost (KIP-966).
    LastKnownLeader,
    /// From outside the ISR: what it lacks is lost.
    Unclean,
}

/// A leader was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Election {
    /// Who led before, if anybody.
    pub previous: Option<BrokerId>,
    /// From where the new leader was taken.
    pub kind: ElectionKind,
    /// The record as it stands now.
    pub record: PartitionRecord,
}
