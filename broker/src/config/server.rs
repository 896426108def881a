//! The configuration of brokers and controllers (Kafka's `KafkaConfig`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CleanupPolicy, ConfigError, Millis, TopicConfig};

/// What `server.properties` can say. One struct serves brokers and controllers, as in Kafka; each
/// reads what concerns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// How long the controller waits for a broker's heartbeat before it fences it.
    #[serde(rename = "broker.session.timeout.ms")]
    pub broker_session_timeout_ms: Millis,
    /// How often a broker sends a heartbeat to the controller.
    #[serde(rename = "broker.heartbeat.interval.ms")]
    pub broker_heartbeat_interval_ms: Millis,
    /// How long a starting broker tries to register before it gives up.
    #[serde(rename = "initial.broker.registration.timeout.ms")]
    pub initial_broker_registration_timeout_ms: Millis,
    /// Whether a broker that is asked to end first has its leaderships moved.
    #[serde(rename = "controlled.shutdown.enable")]
    pub controlled_shutdown_enable: bool,
    /// How long a broker waits for an answer of the controller.
    #[serde(rename = "controller.socket.timeout.ms")]
    pub controller_socket_timeout_ms: Millis,
    /// How often the controller writes a no-op record to its log; 0 for never.
    #[serde(rename = "metadata.max.idle.interval.ms")]
    pub metadata_max_idle_interval_ms: Millis,
    /// How long a controller without a leader waits before it stands for election, at least; up to
    /// twice as long at random.
    #[serde(rename = "controller.quorum.election.timeout.ms")]
    pub controller_quorum_election_timeout_ms: Millis,
    /// How long a controller fetches from its leader in vain before it stands for election. A
    /// leader from which no majority fetches for one and a half times as long resigns.
    #[serde(rename = "controller.quorum.fetch.timeout.ms")]
    pub controller_quorum_fetch_timeout_ms: Millis,
    /// The longest pause after a lost election.
    #[serde(rename = "controller.quorum.election.backoff.max.ms")]
    pub controller_quorum_election_backoff_max_ms: Millis,
    /// How long a controller waits for the answer of another.
    #[serde(rename = "controller.quorum.request.timeout.ms")]
    pub controller_quorum_request_timeout_ms: Millis,
    /// The pause after a request to another controller that failed.
    #[serde(rename = "controller.quorum.retry.backoff.ms")]
    pub controller_quorum_retry_backoff_ms: Millis,
    /// How long a broker waits for an answer to what it forwards.
    #[serde(rename = "request.timeout.ms")]
    pub request_timeout_ms: Millis,
    /// How long a follower may not have caught up before it leaves the ISR.
    #[serde(rename = "replica.lag.time.max.ms")]
    pub replica_lag_time_max_ms: Millis,
    /// How long the leader may keep a follower's fetch when there is nothing to send.
    #[serde(rename = "replica.fetch.wait.max.ms")]
    pub replica_fetch_wait_max_ms: Millis,
    /// How much must be there before a follower's fetch is answered early.
    #[serde(rename = "replica.fetch.min.bytes")]
    pub replica_fetch_min_bytes: u32,
    /// How much one fetch asks for from one partition.
    #[serde(rename = "replica.fetch.max.bytes")]
    pub replica_fetch_max_bytes: u32,
    /// How much one fetch asks for in all.
    #[serde(rename = "replica.fetch.response.max.bytes")]
    pub replica_fetch_response_max_bytes: u32,
    /// How long a follower waits after a partition's fetch failed.
    #[serde(rename = "replica.fetch.backoff.ms")]
    pub replica_fetch_backoff_ms: Millis,
    /// How long a follower waits for the answer to a fetch.
    #[serde(rename = "replica.socket.timeout.ms")]
    pub replica_socket_timeout_ms: Millis,
    /// How often high watermarks are written to disk.
    #[serde(rename = "replica.high.watermark.checkpoint.interval.ms")]
    pub replica_high_watermark_checkpoint_interval_ms: Millis,
    /// How many connections a broker uses to fetch from one leader. Only 1 is modelled.
    #[serde(rename = "num.replica.fetchers")]
    pub num_replica_fetchers: u32,
    /// The most that any fetch is answered with.
    #[serde(rename = "fetch.max.bytes")]
    pub fetch_max_bytes: u32,
    /// The largest request that is read.
    #[serde(rename = "socket.request.max.bytes")]
    pub socket_request_max_bytes: u32,
    /// Default of `max.message.bytes`.
    #[serde(rename = "message.max.bytes")]
    pub message_max_bytes: u32,
    /// With acks=all, how many replicas must be in sync for a write to be accepted.
    #[serde(rename = "min.insync.replicas")]
    pub min_insync_replicas: u32,
    /// Whether a replica that is not in sync may lead when no other is left.
    #[serde(rename = "unclean.leader.election.enable")]
    pub unclean_leader_election_enable: bool,
    /// How often the controller looks for partitions that an unclean election would help.
    #[serde(rename = "unclean.leader.election.interval.ms")]
    pub unclean_leader_election_interval_ms: Millis,
    /// Whether the controller moves leaderships back to preferred leaders by itself.
    #[serde(rename = "auto.leader.rebalance.enable")]
    pub auto_leader_rebalance_enable: bool,
    /// How long after a partition came to be led by another broker than its preferred one the
    /// controller moves it back, in seconds.
    #[serde(rename = "leader.imbalance.check.interval.seconds")]
    pub leader_imbalance_check_interval_seconds: u32,
    /// Replicas of a topic that does not say.
    #[serde(rename = "default.replication.factor")]
    pub default_replication_factor: u32,
    /// Partitions of a topic that does not say.
    #[serde(rename = "num.partitions")]
    pub num_partitions: u32,
    /// Default of `segment.bytes`.
    #[serde(rename = "log.segment.bytes")]
    pub log_segment_bytes: u32,
    /// Default of `segment.ms`.
    #[serde(rename = "log.roll.ms")]
    pub log_roll_ms: Millis,
    /// Default of `segment.index.bytes`.
    #[serde(rename = "log.index.size.max.bytes")]
    pub log_index_size_max_bytes: u32,
    /// Default of `index.interval.bytes`.
    #[serde(rename = "log.index.interval.bytes")]
    pub log_index_interval_bytes: u32,
    /// Default of `retention.ms`, −1 for ever.
    #[serde(rename = "log.retention.ms")]
    pub log_retention_ms: i64,
    /// Default of `retention.bytes`, −1 without limit.
    #[serde(rename = "log.retention.bytes")]
    pub log_retention_bytes: i64,
    /// How often old segments are looked for.
    #[serde(rename = "log.retention.check.interval.ms")]
    pub log_retention_check_interval_ms: Millis,
    /// Default of `file.delete.delay.ms`.
    #[serde(rename = "log.segment.delete.delay.ms")]
    pub log_segment_delete_delay_ms: Millis,
    /// Default of `cleanup.policy`.
    #[serde(rename = "log.cleanup.policy")]
    pub log_cleanup_policy: CleanupPolicy,
    /// Sync after so many records (Kafka's `log.flush.interval.messages`).
    #[serde(rename = "flush.messages")]
    pub flush_messages: Option<u64>,
    /// Sync when the oldest unsynced record is so old (Kafka's `log.flush.interval.ms`).
    #[serde(rename = "flush.ms")]
    pub flush_ms: Option<Millis>,
    /// How often `flush.ms` is looked at. Kafka's default is never; it matters only with
    /// `flush.ms`.
    #[serde(rename = "log.flush.scheduler.interval.ms")]
    pub log_flush_scheduler_interval_ms: Millis,
    /// How often recovery points are written to disk.
    #[serde(rename = "log.flush.offset.checkpoint.interval.ms")]
    pub log_flush_offset_checkpoint_interval_ms: Millis,
    /// How often log start offsets are written to disk.
    #[serde(rename = "log.flush.start.offset.checkpoint.interval.ms")]
    pub log_flush_start_offset_checkpoint_interval_ms: Millis,
    /// How long an idle producer's state is kept.
    #[serde(rename = "producer.id.expiration.ms")]
    pub producer_id_expiration_ms: Millis,
    /// How often idle producers are looked for.
    #[serde(rename = "producer.id.expiration.check.interval.ms")]
    pub producer_id_expiration_check_interval_ms: Millis,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            broker_session_timeout_ms: Millis(9_000),
            broker_heartbeat_interval_ms: Millis(2_000),
            initial_broker_registration_timeout_ms: Millis(60_000),
            controlled_shutdown_enable: true,
            controller_socket_timeout_ms: Millis(30_000),
            metadata_max_idle_interval_ms: Millis(500),
            controller_quorum_election_timeout_ms: Millis(1_000),
            controller_quorum_fetch_timeout_ms: Millis(2_000),
            controller_quorum_election_backoff_max_ms: Millis(1_000),
            controller_quorum_request_timeout_ms: Millis(2_000),
            controller_quorum_retry_backoff_ms: Millis(20),
            request_timeout_ms: Millis(30_000),
            replica_lag_time_max_ms: Millis(30_000),
            replica_fetch_wait_max_ms: Millis(500),
            replica_fetch_min_bytes: 1,
            replica_fetch_max_bytes: 1_048_576,
            replica_fetch_response_max_bytes: 10_485_760,
            replica_fetch_backoff_ms: Millis(1_000),
            replica_socket_timeout_ms: Millis(30_000),
            replica_high_watermark_checkpoint_interval_ms: Millis(5_000),
            num_replica_fetchers: 1,
            fetch_max_bytes: 57_671_680,
            socket_request_max_bytes: 104_857_600,
            message_max_bytes: 1_048_588,
            min_insync_replicas: 1,
            unclean_leader_election_enable: false,
            unclean_leader_election_interval_ms: Millis(300_000),
            auto_leader_rebalance_enable: true,
            leader_imbalance_check_interval_seconds: 300,
            default_replication_factor: 1,
            num_partitions: 1,
            log_segment_bytes: 1_073_741_824,
            log_roll_ms: Millis(604_800_000),
            log_index_size_max_bytes: 10_485_760,
            log_index_interval_bytes: 4_096,
            log_retention_ms: 604_800_000,
            log_retention_bytes: -1,
            log_retention_check_interval_ms: Millis(300_000),
            log_segment_delete_delay_ms: Millis(60_000),
            log_cleanup_policy: CleanupPolicy::Delete,
            flush_messages: None,
            flush_ms: None,
            log_flush_scheduler_interval_ms: Millis(1_000),
            log_flush_offset_checkpoint_interval_ms: Millis(60_000),
            log_flush_start_offset_checkpoint_interval_ms: Millis(60_000),
            producer_id_expiration_ms: Millis(86_400_000),
            producer_id_expiration_check_interval_ms: Millis(600_000),
        }
    }
}

impl ServerConfig {
    /// Checks what Kafka checks between keys (`KafkaConfig.validateValues`).
    ///
    /// # Errors
    /// The first pair of values that do not go together, in Kafka's words.
    pub fn validate(&self) -> Result<(), ConfigError> {
        at_most(
            ("replica.fetch.wait.max.ms", self.replica_fetch_wait_max_ms.0),
            ("replica.socket.timeout.ms", self.replica_socket_timeout_ms.0),
        )?;
        at_most(
            ("replica.fetch.wait.max.ms", self.replica_fetch_wait_max_ms.0),
            ("replica.lag.time.max.ms", self.replica_lag_time_max_ms.0),
        )?;
        let positive = [
            ("broker.heartbeat.interval.ms", self.broker_heartbeat_interval_ms.0),
            ("broker.session.timeout.ms", self.broker_session_timeout_ms.0),
            ("controller.quorum.election.timeout.ms", self.controller_quorum_election_timeout_ms.0),
            ("controller.quorum.fetch.timeout.ms", self.controller_quorum_fetch_timeout_ms.0),
            ("min.insync.replicas", u64::from(self.min_insync_replicas)),
            ("num.partitions", u64::from(self.num_partitions)),
            ("default.replication.factor", u64::from(self.default_replication_factor)),
        ];
        for (key, value) in positive {
            at_least_one(key, value)?;
        }
        if self.num_replica_fetchers != 1 {
            return Err(ConfigError {
                key: "num.replica.fetchers",
                message: "num.replica.fetchers: only 1 is modelled".to_owned(),
            });
        }
        Ok(())
    }

    /// What these values say for a topic that says nothing.
    pub fn topic_defaults(&self) -> TopicConfig {
        TopicConfig {
            segment_bytes: self.log_segment_bytes,
            segment_ms: self.log_roll_ms,
            segment_index_bytes: self.log_index_size_max_bytes,
            index_interval_bytes: self.log_index_interval_bytes,
            retention_ms: self.log_retention_ms,
            retention_bytes: self.log_retention_bytes,
            cleanup_policy: self.log_cleanup_policy,
            max_message_bytes: self.message_max_bytes,
            min_insync_replicas: self.min_insync_replicas,
            unclean_leader_election_enable: self.unclean_leader_election_enable,
            flush_messages: self.flush_messages,
            flush_ms: self.flush_ms,
            file_delete_delay_ms: self.log_segment_delete_delay_ms,
        }
    }
}

fn at_most(small: (&'static str, u64), large: (&'static str, u64)) -> Result<(), ConfigError> {
    if small.1 <= large.1 {
        return Ok(());
    }
    let message =
        format!("{} ({}) should always be at most {} ({})", small.0, small.1, large.0, large.1);
    Err(ConfigError { key: small.0, message })
}

fn at_least_one(key: &'static str, value: u64) -> Result<(), ConfigError> {
    if 1 <= value {
        return Ok(());
    }
    Err(ConfigError { key, message: format!("{key} must be at least 1, not {value}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_go_together() {
        assert_eq!(ServerConfig::default().validate(), Ok(()));
    }

    #[test]
    fn a_fetch_wait_beyond_the_lag_is_refused_as_kafka_refuses_it() {
        let config = ServerConfig { replica_lag_time_max_ms: Millis(300), ..Default::default() };
        let error = config.validate().unwrap_err();
        assert_eq!(
            error.to_string(),
            "replica.fetch.wait.max.ms (500) should always be at most replica.lag.time.max.ms (300)"
        );
    }

    #[test]
    fn a_map_of_kafkas_keys_is_read_and_an_unknown_key_is_refused() {
        let read = |text| serde_json::from_str::<ServerConfig>(text);
        let config = read(r#"{ "replica.lag.time.max.ms": 2000 }"#).unwrap();
        assert_eq!(config.replica_lag_time_max_ms, Millis(2000));
        assert!(read(r#"{ "replica.lag.max.ms": 2000 }"#).is_err());
    }
}
