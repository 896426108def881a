//! The admin client (Kafka's `KafkaAdminClient`): its commands and answers.

mod api;

pub use api::{AdminAnswer, AdminCommand, AdminError, NewTopic};
