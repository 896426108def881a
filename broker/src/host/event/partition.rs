//! Events of one replica of one partition, told by the broker that holds it.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{
    BrokerId, ClientId, LeaderEpoch, Offset, PartitionEpoch, ProducerEpoch, ProducerId, Sequence,
    TopicId, TopicPartition,
};

/// What happened to a replica.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionEvent {
    /// A log was opened when the broker started, or created.
    Recovered(Recovered),
    /// One record batch was appended.
    Appended(Appended),
    /// A client's batch was recognised as one already appended, and was not appended again.
    DuplicateSuppressed {
        /// The partition.
        partition: TopicPartition,
        /// Where the batch stands already.
        base_offset: Offset,
        /// The producer's id.
        producer_id: ProducerId,
        /// The producer's epoch.
        producer_epoch: ProducerEpoch,
        /// The first sequence of the batch.
        base_sequence: Sequence,
        /// The request that brought it again.
        request: Option<RequestRef>,
    },
    /// The end of the log was cut away. A cut that takes nothing is not told.
    Truncated(Truncated),
    /// The high watermark of this replica changed, up or down.
    HighWatermarkMoved(HighWatermarkMoved),
    /// The first readable offset of this replica moved up.
    LogStartMoved {
        /// The partition.
        partition: TopicPartition,
        /// Where it was.
        from: Offset,
        /// Where it is.
        to: Offset,
        /// What moved it.
        reason: LogStartReason,
    },
    /// The broker applied a record that makes it leader, in a new leader epoch.
    BecameLeader {
        /// The partition.
        partition: TopicPartition,
        /// Its topic's id.
        topic_id: TopicId,
        /// The new epoch.
        leader_epoch: LeaderEpoch,
        /// The record's partition epoch.
        partition_epoch: PartitionEpoch,
        /// The end of its log at this moment: the leader-epoch start offset.
        log_end_offset: Offset,
        /// The committed ISR it starts with.
        isr: Vec<BrokerId>,
    },
    /// The broker applied a record that makes it follower, in a new leader epoch.
    BecameFollower {
        /// The partition.
        partition: TopicPartition,
        /// The new epoch.
        leader_epoch: LeaderEpoch,
        /// Whom it follows, if there is a leader.
        leader: Option<BrokerId>,
        /// The end of its log at this moment, before any truncation.
        log_end_offset: Offset,
    },
    /// This follower's log agrees with the leader of this epoch as far as it reaches: it has cut
    /// what it had to cut. Told once for each epoch.
    Reconciled {
        /// The partition.
        partition: TopicPartition,
        /// The epoch in which it follows.
        leader_epoch: LeaderEpoch,
        /// Whom it follows.
        leader: BrokerId,
        /// The end of its log now.
        log_end_offset: Offset,
    },
    /// The leader served a follower's fetch and counted what the follower has.
    FollowerFetched {
        /// The partition.
        partition: TopicPartition,
        /// The follower.
        follower: BrokerId,
        /// The leader's epoch.
        leader_epoch: LeaderEpoch,
        /// The follower's log end offset: it has everything below.
        fetch_offset: Offset,
    },
    /// The leader asks the controller for another ISR. Until the answer comes, both count.
    IsrProposed {
        /// The partition.
        partition: TopicPartition,
        /// The leader's epoch.
        leader_epoch: LeaderEpoch,
        /// The committed ISR.
        from: Vec<BrokerId>,
        /// The ISR it asks for.
        to: Vec<BrokerId>,
    },
    /// The leader learned that this ISR is committed, by answer or by metadata.
    IsrAdopted {
        /// The partition.
        partition: TopicPartition,
        /// The leader's epoch.
        leader_epoch: LeaderEpoch,
        /// The partition epoch of the record.
        partition_epoch: PartitionEpoch,
        /// The ISR.
        isr: Vec<BrokerId>,
    },
    /// The broker answers a client's produce request for this partition.
    ProduceAnswered(ProduceAnswered),
    /// A fetch was refused or could not be served; not told for a log that is only behind.
    FetchRefused {
        /// The partition.
        partition: TopicPartition,
        /// The follower, or none for a consumer.
        follower: Option<BrokerId>,
        /// Kafka's error code.
        error: i16,
    },
    /// The replica can no longer be used: its log failed.
    ReplicaFailed {
        /// The partition.
        partition: TopicPartition,
        /// What failed.
        error: String,
    },
    /// The replica is no longer assigned to this broker, or its topic is gone.
    ReplicaRemoved {
        /// The partition.
        partition: TopicPartition,
    },
}

/// A log was opened.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Recovered {
    /// The partition.
    pub partition: TopicPartition,
    /// Whether the shutdown before was clean, so that the files were trusted.
    pub clean: bool,
    /// The first offset.
    pub log_start_offset: Offset,
    /// The end.
    pub log_end_offset: Offset,
    /// The high watermark it begins with, from the checkpoint.
    pub high_watermark: Offset,
    /// Up to where the data was known to be on disk.
    pub recovery_point: Offset,
    /// How many bytes recovery cut from the end because they were no valid batches.
    pub cut_bytes: u64,
    /// Why it cut there, in words.
    pub cut_reason: Option<String>,
}

/// Who appended a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AppendOrigin {
    /// This broker as leader, for a client: it chose the offset.
    Leader,
    /// This broker as follower: it copied the batch with its offset and epoch.
    Follower,
}

/// The request of a client that an event belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct RequestRef {
    /// The client's id.
    pub client: ClientId,
    /// The request's correlation id, unique within the client.
    pub correlation: i32,
}

/// One record batch was appended.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Appended {
    /// The partition.
    pub partition: TopicPartition,
    /// By whom.
    pub origin: AppendOrigin,
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// The leader epoch stamped into it.
    pub leader_epoch: LeaderEpoch,
    /// Its CRC-32C, which does not cover offset and epoch.
    pub crc: u32,
    /// The producer's id, if idempotent.
    pub producer_id: Option<ProducerId>,
    /// The producer's epoch, if idempotent.
    pub producer_epoch: Option<ProducerEpoch>,
    /// The first sequence, if idempotent.
    pub base_sequence: Option<Sequence>,
    /// The request that brought it, on a leader.
    pub request: Option<RequestRef>,
    /// The batch as it stands in the log. Not part of the trace: the CRC stands for it.
    #[serde(skip)]
    pub batch: Bytes,
}

/// What made a replica cut its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TruncationReason {
    /// A follower cut to its own high watermark (before KIP-101).
    OwnHighWatermark,
    /// The leader's answer to `OffsetForLeaderEpoch` (KIP-101, KIP-279).
    LeaderEpochEndOffset,
    /// The leader's fetch response named a diverging epoch (KIP-595).
    DivergingEpoch,
    /// The leader's log ends before the follower's.
    BeyondLeaderEnd,
    /// The leader's log starts after the follower's end: everything was dropped.
    BeforeLeaderStart,
}

/// The end of a log was cut away.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Truncated {
    /// The partition.
    pub partition: TopicPartition,
    /// The end of the log before.
    pub from: Offset,
    /// The end of the log after.
    pub to: Offset,
    /// The log start after: it differs from before only if everything was dropped.
    pub log_start_offset: Offset,
    /// The high watermark before the cut.
    pub high_watermark: Offset,
    /// The leader epoch in which the replica followed when it cut.
    pub leader_epoch: LeaderEpoch,
    /// Why.
    pub reason: TruncationReason,
}

/// What a replica is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It believes that it leads.
    Leader,
    /// It follows, or waits for a leader.
    Follower,
}

/// The high watermark of a replica changed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HighWatermarkMoved {
    /// The partition.
    pub partition: TopicPartition,
    /// What the replica is.
    pub role: Role,
    /// The leader epoch it has adopted.
    pub leader_epoch: LeaderEpoch,
    /// The high watermark before.
    pub from: Offset,
    /// The high watermark now.
    pub to: Offset,
    /// The end of its log now.
    pub log_end_offset: Offset,
}

/// What moved the log start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogStartReason {
    /// `retention.ms`.
    RetentionTime,
    /// `retention.bytes`.
    RetentionSize,
    /// A `DeleteRecords` request.
    DeleteRecords,
    /// The leader's log start, copied by a follower.
    Leader,
}

/// The broker answers a produce request for one partition. For acks=0 there is no answer, and this
/// is told when the request is done.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProduceAnswered {
    /// The partition.
    pub partition: TopicPartition,
    /// The request.
    pub request: RequestRef,
    /// The acks that the client asked for: 0, 1, or −1 for all.
    pub acks: i16,
    /// Kafka's error code, 0 for success.
    pub error: i16,
    /// The offset of the batch's first record, on success and where it was appended.
    pub base_offset: Option<Offset>,
    /// The offset of its last record.
    pub last_offset: Option<Offset>,
    /// The leader's epoch at this moment.
    pub leader_epoch: LeaderEpoch,
    /// The high watermark at this moment.
    pub high_watermark: Offset,
    /// How many replicas the maximal ISR has at this moment.
    pub isr_size: u32,
    /// The effective `min.insync.replicas` at this moment.
    pub min_insync_replicas: u32,
}
