//! The configuration of a consumer (Kafka's `ConsumerConfig`), as far as one without a group needs
//! it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    client::ConnectionKeys,
    config::{ConfigError, Millis},
};

/// Where to begin without a position, and where to go on when the log no longer has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OffsetReset {
    /// At the first record that is still there.
    #[serde(rename = "earliest")]
    Earliest,
    /// After the last record that can be read.
    #[default]
    #[serde(rename = "latest")]
    Latest,
    /// Nowhere: the application must say.
    #[serde(rename = "none")]
    None,
}

/// What a consumer can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConsumerConfig {
    /// Where to begin without a position, and where to go on when the log no longer has it.
    #[serde(rename = "auto.offset.reset")]
    pub auto_offset_reset: OffsetReset,
    /// How much must be there before a fetch is answered early.
    #[serde(rename = "fetch.min.bytes")]
    pub fetch_min_bytes: u32,
    /// How much one fetch asks for in all.
    #[serde(rename = "fetch.max.bytes")]
    pub fetch_max_bytes: u32,
    /// How long a broker may keep a fetch when there is not enough to send.
    #[serde(rename = "fetch.max.wait.ms")]
    pub fetch_max_wait_ms: Millis,
    /// How much one fetch asks for from one partition.
    #[serde(rename = "max.partition.fetch.bytes")]
    pub max_partition_fetch_bytes: u32,
    /// How many records one poll is answered with at most.
    #[serde(rename = "max.poll.records")]
    pub max_poll_records: u32,
    /// The wait before the first retry; it doubles with each.
    #[serde(rename = "retry.backoff.ms")]
    pub retry_backoff_ms: Millis,
    /// The longest wait before a retry.
    #[serde(rename = "retry.backoff.max.ms")]
    pub retry_backoff_max_ms: Millis,
    /// How long an answer is waited for.
    #[serde(rename = "request.timeout.ms")]
    pub request_timeout_ms: Millis,
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

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            auto_offset_reset: OffsetReset::Latest,
            fetch_min_bytes: 1,
            fetch_max_bytes: 52_428_800,
            fetch_max_wait_ms: Millis(500),
            max_partition_fetch_bytes: 1_048_576,
            max_poll_records: 500,
            retry_backoff_ms: Millis(100),
            retry_backoff_max_ms: Millis(1_000),
            request_timeout_ms: Millis(30_000),
            metadata_max_age_ms: Millis(300_000),
            reconnect_backoff_ms: Millis(50),
            reconnect_backoff_max_ms: Millis(1_000),
            socket_connection_setup_timeout_ms: Millis(10_000),
        }
    }
}

impl ConsumerConfig {
    /// Checks what Kafka checks of each key.
    ///
    /// # Errors
    /// The first value that is out of its range, in Kafka's words.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if 1 <= self.max_poll_records {
            return Ok(());
        }
        let message = "Invalid value 0 for configuration max.poll.records: Value must be at \
                       least 1";
        Err(ConfigError { key: "max.poll.records", message: message.to_owned() })
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_kafkas_keys_is_read_and_an_unknown_key_is_refused() {
        let read = |text| serde_json::from_str::<ConsumerConfig>(text);
        let config = read(r#"{ "auto.offset.reset": "earliest" }"#).unwrap();
        assert_eq!(config.auto_offset_reset, OffsetReset::Earliest);
        assert!(read(r#"{ "group.id": "g" }"#).is_err());
    }

    #[test]
    fn a_poll_for_no_records_is_refused() {
        let config = ConsumerConfig { max_poll_records: 0, ..Default::default() };
        assert_eq!(config.validate().unwrap_err().key, "max.poll.records");
    }
}
