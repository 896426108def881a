//! The configuration of a topic (Kafka's `TopicConfig` and `LogConfig`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Millis;

/// What is done with old segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CleanupPolicy {
    /// They are deleted by time and size.
    #[default]
    #[serde(rename = "delete")]
    Delete,
    /// They are kept for ever. Compaction is not modelled.
    #[serde(rename = "none")]
    None,
}

/// The configuration in force for a topic: the broker's defaults under the topic's own values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicConfig {
    /// `segment.bytes`.
    pub segment_bytes: u32,
    /// `segment.ms`.
    pub segment_ms: Millis,
    /// `segment.index.bytes`.
    pub segment_index_bytes: u32,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u32,
    /// `retention.ms`, −1 for ever.
    pub retention_ms: i64,
    /// `retention.bytes`, −1 without limit.
    pub retention_bytes: i64,
    /// `cleanup.policy`.
    pub cleanup_policy: CleanupPolicy,
    /// `max.message.bytes`.
    pub max_message_bytes: u32,
    /// `min.insync.replicas`.
    pub min_insync_replicas: u32,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election_enable: bool,
    /// `flush.messages`: sync after so many records, none for never.
    pub flush_messages: Option<u64>,
    /// `flush.ms`: sync when the oldest unsynced record is so old, none for never.
    pub flush_ms: Option<Millis>,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: Millis,
}

/// What a topic says for itself; what it leaves out, the broker's defaults say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicOverrides {
    /// The size at which a segment is closed and a new one begun.
    #[serde(rename = "segment.bytes", default, skip_serializing_if = "Option::is_none")]
    pub segment_bytes: Option<u32>,
    /// The age at which a segment is closed and a new one begun.
    #[serde(rename = "segment.ms", default, skip_serializing_if = "Option::is_none")]
    pub segment_ms: Option<Millis>,
    /// The size of an index file; a full index closes its segment.
    #[serde(rename = "segment.index.bytes", default, skip_serializing_if = "Option::is_none")]
    pub segment_index_bytes: Option<u32>,
    /// How many bytes lie between two entries of an index.
    #[serde(rename = "index.interval.bytes", default, skip_serializing_if = "Option::is_none")]
    pub index_interval_bytes: Option<u32>,
    /// How long records are kept, −1 for ever.
    #[serde(rename = "retention.ms", default, skip_serializing_if = "Option::is_none")]
    pub retention_ms: Option<i64>,
    /// How many bytes of records are kept, −1 without limit.
    #[serde(rename = "retention.bytes", default, skip_serializing_if = "Option::is_none")]
    pub retention_bytes: Option<i64>,
    /// What is done with old segments.
    #[serde(rename = "cleanup.policy", default, skip_serializing_if = "Option::is_none")]
    pub cleanup_policy: Option<CleanupPolicy>,
    /// The largest record batch that is accepted.
    #[serde(rename = "max.message.bytes", default, skip_serializing_if = "Option::is_none")]
    pub max_message_bytes: Option<u32>,
    /// With acks=all, how many replicas must be in sync for a write to be accepted.
    #[serde(rename = "min.insync.replicas", default, skip_serializing_if = "Option::is_none")]
    pub min_insync_replicas: Option<u32>,
    /// Whether a replica that is not in sync may lead when no other is left.
    #[serde(
        rename = "unclean.leader.election.enable",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub unclean_leader_election_enable: Option<bool>,
    /// Sync after so many records.
    #[serde(rename = "flush.messages", default, skip_serializing_if = "Option::is_none")]
    pub flush_messages: Option<u64>,
    /// Sync when the oldest unsynced record is so old.
    #[serde(rename = "flush.ms", default, skip_serializing_if = "Option::is_none")]
    pub flush_ms: Option<Millis>,
    /// How long the files of a deleted segment stay.
    #[serde(rename = "file.delete.delay.ms", default, skip_serializing_if = "Option::is_none")]
    pub file_delete_delay_ms: Option<Millis>,
}

impl TopicOverrides {
    /// Lays these values over `defaults`.
    pub fn over(&self, defaults: &TopicConfig) -> TopicConfig {
        TopicConfig {
            segment_bytes: self.segment_bytes.unwrap_or(defaults.segment_bytes),
            segment_ms: self.segment_ms.unwrap_or(defaults.segment_ms),
            segment_index_bytes: self.segment_index_bytes.unwrap_or(defaults.segment_index_bytes),
            index_interval_bytes: self
                .index_interval_bytes
                .unwrap_or(defaults.index_interval_bytes),
            retention_ms: self.retention_ms.unwrap_or(defaults.retention_ms),
            retention_bytes: self.retention_bytes.unwrap_or(defaults.retention_bytes),
            cleanup_policy: self.cleanup_policy.unwrap_or(defaults.cleanup_policy),
            max_message_bytes: self.max_message_bytes.unwrap_or(defaults.max_message_bytes),
            min_insync_replicas: self.min_insync_replicas.unwrap_or(defaults.min_insync_replicas),
            unclean_leader_election_enable: self
                .unclean_leader_election_enable
                .unwrap_or(defaults.unclean_leader_election_enable),
            flush_messages: self.flush_messages.or(defaults.flush_messages),
            flush_ms: self.flush_ms.or(defaults.flush_ms),
            file_delete_delay_ms: self
                .file_delete_delay_ms
                .unwrap_or(defaults.file_delete_delay_ms),
        }
    }
}
