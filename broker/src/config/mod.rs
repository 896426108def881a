//! Kafka's configuration, under Kafka's names, units and defaults.
//!
//! Every struct here reads from a map of Kafka's keys and refuses keys it does not know. What a key
//! means is said where its field stands; the checks between keys are in `validate`.

mod server;
mod topic;
mod units;

pub use server::ServerConfig;
pub use topic::{CleanupPolicy, TopicConfig, TopicOverrides};
pub use units::{Acks, ConfigError, Millis};
