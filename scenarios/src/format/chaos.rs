//! Faults drawn from the seed.

use core::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Period, PeriodRange};

/// Random faults. They become a plan before the run starts, and end with the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Chaos {
    /// What may happen, each with its weight against the others.
    pub kinds: Weights,
    /// The time from the beginning of one fault to that of the next.
    pub every: PeriodRange,
    /// How long a fault lasts.
    #[serde(rename = "for")]
    pub lasts: PeriodRange,
    /// How many faults there are at once at most.
    #[schemars(range(min = 1, max = 100))]
    pub at_most: u32,
    /// Whom they meet. What operators do regards it not.
    #[schemars(length(min = 1))]
    pub targets: Vec<TargetClass>,
    /// When the first can begin.
    pub start: Period,
    /// When the last must be over; if left out, the end of the load.
    pub stop: Option<Period>,
}

impl Default for Chaos {
    fn default() -> Self {
        let range =
            |low, high| PeriodRange::Drawn([low, high].map(|ms| Period(Duration::from_millis(ms))));
        Self {
            kinds: Weights::EVEN,
            every: range(500, 4_000),
            lasts: range(500, 6_000),
            at_most: 1,
            targets: vec![TargetClass::Brokers],
            start: Period::default(),
            stop: None,
        }
    }
}

/// The weight of each kind of random fault; one that is left out does not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Weights {
    /// A process is killed and started again.
    pub crash: u32,
    /// A node loses power, and unsynced data as the seed decides, and is started again.
    pub power_off: u32,
    /// A process stands still.
    pub pause: u32,
    /// A node is cut off from some of the others, one way or both ways.
    pub cut: u32,
    /// Links of a node are slow.
    pub slow_link: u32,
    /// One broker gets no metadata for a while.
    pub late_metadata: u32,
    /// An operator asks that some broker leads a partition. If it is not in the ISR, it is refused.
    pub elect: u32,
    /// An operator asks for preferred leaders.
    pub elect_preferred: u32,
    /// An operator moves a partition to other brokers; sometimes to one more than it should have,
    /// and back after the time that a fault lasts.
    pub reassign: u32,
    /// An operator shuts down every broker in turn, and starts each again.
    pub rolling_restart: u32,
}

impl Weights {
    /// Each fault as often as the others, and no operator does anything.
    pub const EVEN: Self = Self {
        crash: 1,
        power_off: 1,
        pause: 1,
        cut: 1,
        slow_link: 1,
        late_metadata: 1,
        elect: 0,
        elect_preferred: 0,
        reassign: 0,
        rolling_restart: 0,
    };

    /// The kinds with their weights, in this order always.
    pub fn all(self) -> [(ChaosKind, u32); 10] {
        [
            (ChaosKind::Crash, self.crash),
            (ChaosKind::PowerOff, self.power_off),
            (ChaosKind::Pause, self.pause),
            (ChaosKind::Cut, self.cut),
            (ChaosKind::SlowLink, self.slow_link),
            (ChaosKind::LateMetadata, self.late_metadata),
            (ChaosKind::Elect, self.elect),
            (ChaosKind::ElectPreferred, self.elect_preferred),
            (ChaosKind::Reassign, self.reassign),
            (ChaosKind::RollingRestart, self.rolling_restart),
        ]
    }
}

/// A kind of random fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the field of `Weights` with its name")]
pub enum ChaosKind {
    Crash,
    PowerOff,
    Pause,
    Cut,
    SlowLink,
    LateMetadata,
    Elect,
    ElectPreferred,
    Reassign,
    RollingRestart,
}

/// Whom random faults meet.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TargetClass {
    /// Brokers.
    Brokers,
    /// Controllers.
    Controllers,
    /// Links of producers and consumers. Their processes are left alone.
    Clients,
}

impl TargetClass {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Brokers, Self::Controllers, Self::Clients];
}
