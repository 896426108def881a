//! The producer (Kafka's `KafkaProducer`): its commands, answers and settings.

mod api;
mod config;

pub use api::{Header, ProducerAnswer, ProducerCommand};
pub use config::ProducerConfig;
