//! Kafka's clients: the producer, the consumer, and a little of the admin client.
//!
//! Each is a [`Process`](crate::host::Process). An application is a value that wraps one: it gives
//! the client commands and takes its answers in the same step, and dies with it.
//!
//! | module | mirrors |
//! |---|---|
//! | [`producer`] | `KafkaProducer`, `RecordAccumulator`, `Sender`, `TransactionManager` (idempotence) |
//! | [`consumer`] | `KafkaConsumer` with assigned partitions, `SubscriptionState`, `Fetcher` |
//! | [`admin`] | `KafkaAdminClient`: create and describe topics |
//! | `metadata`, `network` | `Metadata`, `NetworkClient` |
//!
//! What they do not know: groups, transactions, compression.

pub mod admin;

pub mod consumer;
mod metadata_view;

pub mod producer;

pub use metadata_view::{PartitionMetadata, TopicMetadata};

mod backoff;
mod keys;
use keys::ConnectionKeys;
