//! Faults drawn from the seed.

use core::time::Duration;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Period, PeriodRange};

/// Random faults. They become a plan before the run starts, and end with the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Chaos {
    /// What may happen, each with its weight against the others.
    pub kinds: BTreeMap<ChaosKind, u32>,
    /// The time from the beginning of one fault to that of the next.
    pub every: PeriodRange,
    /// How long a fault lasts.
    #[serde(rename = "for")]
    pub lasts: PeriodRange,
    /// How many faults there are at once at most.
    #[schemars(range(min = 1, max = 100))]
    pub at_most: u32,
    /// Whom they meet.
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
            kinds: ChaosKind::ALL.into_iter().map(|kind| (kind, 1)).collect(),
            every: range(500, 4_000),
            lasts: range(500, 6_000),
            at_most: 1,
            targets: vec![TargetClass::Brokers],
            start: Period::default(),
            stop: None,
        }
    }
}

/// A kind of random fault.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ChaosKind {
    /// A process is killed and started again.
    Crash,
    /// A node loses power, and unsynced data as the seed decides, and is started again.
    PowerOff,
    /// A process stands still.
    Pause,
    /// A node is cut off from some of the others, one way or both ways.
    Cut,
    /// Links of a node are slow.
    SlowLink,
    /// One broker gets no metadata for a while.
    LateMetadata,
}

impl ChaosKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Crash, Self::PowerOff, Self::Pause, Self::Cut, Self::SlowLink, Self::LateMetadata];
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
