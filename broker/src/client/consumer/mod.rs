//! The consumer (Kafka's `KafkaConsumer`): its commands, answers and settings.

mod api;
mod config;

pub use api::{ConsumerAnswer, ConsumerCommand, ConsumerError, ConsumerRecord};
pub use config::{ConsumerConfig, OffsetReset};
