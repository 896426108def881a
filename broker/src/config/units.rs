//! The types of configuration values.

use core::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A duration in milliseconds, as Kafka's `….ms` keys give it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// The same as a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// For the fields of requests that hold milliseconds; the largest if it does not fit.
    pub fn to_wire(self) -> i32 {
        i32::try_from(self.0).unwrap_or(i32::MAX)
    }
}

/// How many replicas must have a record before the producer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Acks {
    /// None: the producer is not told at all.
    #[serde(rename = "0")]
    None,
    /// The leader alone.
    #[serde(rename = "1")]
    Leader,
    /// All in-sync replicas.
    #[serde(rename = "all", alias = "-1")]
    All,
}

impl Acks {
    /// As the Produce request has it.
    pub fn to_wire(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

/// Values that do not go together, said as Kafka says it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ConfigError {
    /// The key to look at first.
    pub key: &'static str,
    /// What is wrong with it.
    pub message: String,
}
