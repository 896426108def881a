//! The configuration of a producer (Kafka's `ProducerConfig`).
//!
//! The checks between keys, and what a key means that was not set, are Kafka's: idempotence is the
//! default and gives way silently to what excludes it, unless it was asked for.

use core::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    client::ConnectionKeys,
    config::{Acks, ConfigError, Millis},
};

/// The most requests in flight on a connection with which idempotence holds: the broker remembers
/// that many batches of each producer.
const MAX_IN_FLIGHT_FOR_IDEMPOTENCE: u32 = 5;

/// What a producer can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProducerConfig {
    /// How many replicas must have a record before it counts as sent.
    #[serde(rename = "acks")]
    pub acks: Acks,
    /// Whether the broker tells the producer's retries from new records. Not set means: yes, if
    /// `acks`, `retries` and `max.in.flight.requests.per.connection` allow it.
    #[serde(rename = "enable.idempotence", skip_serializing_if = "Option::is_none")]
    pub enable_idempotence: Option<bool>,
    /// The size up to which records of one partition are gathered in a batch.
    #[serde(rename = "batch.size")]
    pub batch_size: u32,
    /// How long a batch that is not full waits for more records.
    #[serde(rename = "linger.ms")]
    pub linger_ms: Millis,
    /// How many bytes of batches may wait to be sent or answered.
    #[serde(rename = "buffer.memory")]
    pub buffer_memory: u64,
    /// How long a send may wait for metadata and for room in the buffer.
    #[serde(rename = "max.block.ms")]
    pub max_block_ms: Millis,
    /// The largest request, and the largest record.
    #[serde(rename = "max.request.size")]
    pub max_request_size: u32,
    /// How many requests may be unanswered on one connection. With 1 the order survives retries
    /// without idempotence too.
    #[serde(rename = "max.in.flight.requests.per.connection")]
    pub max_in_flight_requests_per_connection: u32,
    /// How often a batch is sent again after a failure that may pass.
    #[serde(rename = "retries")]
    pub retries: u32,
    /// The wait before the first retry; it doubles with each.
    #[serde(rename = "retry.backoff.ms")]
    pub retry_backoff_ms: Millis,
    /// The longest wait before a retry.
    #[serde(rename = "retry.backoff.max.ms")]
    pub retry_backoff_max_ms: Millis,
    /// How long an answer is waited for.
    #[serde(rename = "request.timeout.ms")]
    pub request_timeout_ms: Millis,
    /// How long a record may take from its batch's creation to its end, retries included. Not set
    /// means 120 s, or what `linger.ms` and `request.timeout.ms` need if that is more.
    #[serde(rename = "delivery.timeout.ms", skip_serializing_if = "Option::is_none")]
    pub delivery_timeout_ms: Option<Millis>,
    /// Whether the partition is chosen without regard to the key.
    #[serde(rename = "partitioner.ignore.keys")]
    pub partitioner_ignore_keys: bool,
    /// The age at which metadata is asked for again, though nothing failed.
    #[serde(rename = "metadata.max.age.ms")]
    pub metadata_max_age_ms: Millis,
    /// The wait before the first attempt to connect again; it doubles with each.
    #[serde(rename = "reconnect.backoff.ms")]
    pub reconnect_backoff_ms: Millis,
    /// The longest wait before an attempt to connect again.
    #[serde(rename = "reconnect.backoff.max.ms")]
    pub reconnect_backoff_max_ms: Millis,
    /// How long a connection may take to stand.
    #[serde(rename = "socket.connection.setup.timeout.ms")]
    pub socket_connection_setup_timeout_ms: Millis,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            enable_idempotence: None,
            batch_size: 16_384,
            linger_ms: Millis(5),
            buffer_memory: 33_554_432,
            max_block_ms: Millis(60_000),
            max_request_size: 1_048_576,
            max_in_flight_requests_per_connection: 5,
            retries: i32::MAX.unsigned_abs(),
            retry_backoff_ms: Millis(100),
            retry_backoff_max_ms: Millis(1_000),
            request_timeout_ms: Millis(30_000),
            delivery_timeout_ms: None,
            partitioner_ignore_keys: false,
            metadata_max_age_ms: Millis(300_000),
            reconnect_backoff_ms: Millis(50),
            reconnect_backoff_max_ms: Millis(1_000),
            socket_connection_setup_timeout_ms: Millis(10_000),
        }
    }
}

impl ProducerConfig {
    /// Checks what Kafka checks between keys.
    ///
    /// # Errors
    /// The first values that do not go together, in Kafka's words.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check_idempotence()?;
        self.check_delivery_timeout()?;
        if self.max_in_flight_requests_per_connection < 1 {
            return refused(
                "max.in.flight.requests.per.connection",
                "Invalid value 0 for configuration max.in.flight.requests.per.connection: Value \
                 must be at least 1",
            );
        }
        Ok(())
    }

    /// Whether this producer is idempotent.
    pub fn idempotent(&self) -> bool {
        self.enable_idempotence.unwrap_or_else(|| self.against_idempotence().is_none())
    }

    /// How long a record may take from its batch's creation to its end.
    pub fn delivery_timeout(&self) -> Duration {
        let least = self.linger_ms.duration() + self.request_timeout_ms.duration();
        let default = Duration::from_secs(120).max(least);
        self.delivery_timeout_ms.map_or(default, Millis::duration)
    }

    pub(crate) fn connection_keys(&self) -> ConnectionKeys {
        ConnectionKeys {
            retry_backoff: self.retry_backoff_ms,
            retry_backoff_max: self.retry_backoff_max_ms,
            request_timeout: self.request_timeout_ms,
            metadata_max_age: self.metadata_max_age_ms,
            reconnect_backoff: self.reconnect_backoff_ms,
            reconnect_backoff_max: self.reconnect_backoff_max_ms,
            connection_setup_timeout: self.socket_connection_setup_timeout_ms,
        }
    }

    fn check_idempotence(&self) -> Result<(), ConfigError> {
        match (self.enable_idempotence, self.against_idempotence()) {
            (Some(true), Some((key, message))) => refused(key, message),
            (Some(true), None) | (Some(false) | None, _) => Ok(()),
        }
    }

    /// What excludes idempotence, if anything: the key, and what Kafka says to who asked for both.
    fn against_idempotence(&self) -> Option<(&'static str, &'static str)> {
        if self.retries == 0 {
            let message = "Must set retries to non-zero when using the idempotent producer.";
            return Some(("retries", message));
        }
        if self.acks != Acks::All {
            let message = "Must set acks to all in order to use the idempotent producer. \
                           Otherwise we cannot guarantee idempotence.";
            return Some(("acks", message));
        }
        if MAX_IN_FLIGHT_FOR_IDEMPOTENCE < self.max_in_flight_requests_per_connection {
            let message = "Must set max.in.flight.requests.per.connection to at most 5 to use \
                           the idempotent producer.";
            return Some(("max.in.flight.requests.per.connection", message));
        }
        None
    }

    fn check_delivery_timeout(&self) -> Result<(), ConfigError> {
        let least = self.linger_ms.duration() + self.request_timeout_ms.duration();
        if least <= self.delivery_timeout() {
            return Ok(());
        }
        refused(
            "delivery.timeout.ms",
            "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms",
        )
    }
}

fn refused(key: &'static str, message: &str) -> Result<(), ConfigError> {
    Err(ConfigError { key, message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idempotence_is_the_default() {
        assert!(ProducerConfig::default().idempotent());
        assert_eq!(ProducerConfig::default().validate(), Ok(()));
    }

    #[test]
    fn idempotence_gives_way_silently_to_what_excludes_it() {
        for text in [
            r#"{ "acks": "1" }"#,
            r#"{ "acks": "0" }"#,
            r#"{ "retries": 0 }"#,
            r#"{ "max.in.flight.requests.per.connection": 6 }"#,
        ] {
            let config: ProducerConfig = serde_json::from_str(text).unwrap();
            assert!(!config.idempotent(), "{text}");
            assert_eq!(config.validate(), Ok(()), "{text}");
        }
    }

    #[test]
    fn idempotence_that_was_asked_for_refuses_what_excludes_it() {
        for (text, key) in [
            (r#"{ "enable.idempotence": true, "acks": "1" }"#, "acks"),
            (r#"{ "enable.idempotence": true, "retries": 0 }"#, "retries"),
            (
                r#"{ "enable.idempotence": true, "max.in.flight.requests.per.connection": 6 }"#,
                "max.in.flight.requests.per.connection",
            ),
        ] {
            let config: ProducerConfig = serde_json::from_str(text).unwrap();
            assert_eq!(config.validate().unwrap_err().key, key);
        }
    }

    #[test]
    fn a_delivery_timeout_shorter_than_one_attempt_is_refused_as_kafka_refuses_it() {
        let text = r#"{ "delivery.timeout.ms": 2004, "request.timeout.ms": 2000 }"#;
        let config: ProducerConfig = serde_json::from_str(text).unwrap();
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"
        );
    }

    #[test]
    fn a_delivery_timeout_that_was_not_set_grows_with_the_request_timeout() {
        let text = r#"{ "request.timeout.ms": 200000 }"#;
        let config: ProducerConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config.validate(), Ok(()));
        assert_eq!(config.delivery_timeout(), Duration::from_millis(200_005));
    }

    #[test]
    fn a_key_that_kafka_does_not_know_is_refused() {
        assert!(serde_json::from_str::<ProducerConfig>(r#"{ "ack": "1" }"#).is_err());
    }
}
