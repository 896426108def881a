//! Kafka's clients: the producer, the consumer, and a little of the admin client.
//!
//! Each is a [`Process`](crate::host::Process). An application is a value that wraps one: it gives
//! the client commands and takes its answers in the same step, and dies with it.
//!
//! | module | mirrors |
//! |---|---|
//! | [`producer`] | `KafkaProducer`, `RecordAccumulator`, `Sender`, `TransactionManager` |
//! | [`consumer`] | `KafkaConsumer` with assigned partitions, `SubscriptionState`, `Fetcher` |
//! | [`admin`] | `KafkaAdminClient`: create and describe topics |
//! | `metadata`, `network` | `Metadata`, `NetworkClient` |
//!
//! What they do not know: groups, transactions, compression.

pub mod admin;
mod backoff;
pub mod consumer;
mod keys;
mod metadata;
mod metadata_view;
mod network;
pub mod producer;
#[cfg(test)]
mod testing;

pub(crate) use keys::ConnectionKeys;
pub use metadata_view::{PartitionMetadata, TopicMetadata};
