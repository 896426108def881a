//! What clients do: produce records at a pace, read partitions.

use broker::client::{consumer::ConsumerConfig, producer::ProducerConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Period;

/// A producer with its application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Producer {
    /// The name of the node and of the client.
    #[schemars(extend("format" = "name"))]
    pub name: String,
    /// The topic it writes to.
    pub topic: String,
    /// The partition it writes to; if left out, Kafka's partitioner chooses.
    #[serde(default)]
    pub partition: Option<u32>,
    /// How many records it sends at most.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub records: u64,
    /// The time between two sends.
    #[serde(default = "ten_millis")]
    pub every: Period,
    /// How many bytes the value of a record has: it carries its producer and number.
    #[serde(default = "hundred_bytes")]
    #[schemars(range(min = 64, max = 16_777_216))]
    pub size: u32,
    /// When it sends the first record.
    #[serde(default)]
    pub start: Period,
    /// When it sends no more, even if records are left.
    #[serde(default)]
    pub stop: Option<Period>,
    /// The keys of its records.
    #[serde(default)]
    pub key: Keys,
    /// Configuration of the producer, under Kafka's keys.
    #[serde(default)]
    pub config: ProducerConfig,
}

fn ten_millis() -> Period {
    Period(core::time::Duration::from_millis(10))
}

fn hundred_bytes() -> u32 {
    100
}

/// The keys of a producer's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// No keys.
    #[default]
    None,
    /// Each record has a key of its own.
    Distinct,
    /// So many keys, one after the other, again and again.
    Cycle(u32),
}

/// A consumer with its application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// The name of the node and of the client.
    #[schemars(extend("format" = "name"))]
    pub name: String,
    /// The partitions it reads, such as `orders-0`.
    #[schemars(length(min = 1))]
    pub assign: Vec<String>,
    /// Configuration of the consumer, under Kafka's keys.
    #[serde(default)]
    pub config: ConsumerConfig,
}
