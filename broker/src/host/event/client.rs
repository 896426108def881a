//! Events of producers and consumers: what the clients themselves know.
//!
//! Acknowledgements and deliveries count only as they are told here, never as a broker tells them.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    host::OpenedId,
    ids::{
        BrokerId, ClientId, LeaderEpoch, Offset, ProducerEpoch, ProducerId, SendId, Sequence,
        TopicPartition,
    },
};

/// What happened in a producer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProducerEvent {
    /// The application asked for a record to be sent.
    Sent {
        /// The producer.
        producer: ClientId,
        /// The number of the send.
        send: SendId,
        /// The partition chosen for it, if one was yet.
        partition: Option<TopicPartition>,
        /// What the application sends. Not part of the trace.
        #[serde(skip)]
        value: Bytes,
    },
    /// A batch left for a broker, for the first time or again.
    Attempted(Attempt),
    /// The attempt ended: an answer came, or none will.
    AttemptEnded {
        /// The producer.
        producer: ClientId,
        /// The correlation id of the request.
        correlation: i32,
        /// The partition.
        partition: TopicPartition,
        /// How it ended.
        outcome: AttemptOutcome,
    },
    /// The send succeeded.
    Acknowledged {
        /// The producer.
        producer: ClientId,
        /// The number of the send.
        send: SendId,
        /// The partition.
        partition: TopicPartition,
        /// The record's offset as the answer gave it; none for a duplicate whose offset the broker
        /// no longer knows.
        offset: Option<Offset>,
    },
    /// The send failed, and the record was surely not appended.
    SendFailed {
        /// The producer.
        producer: ClientId,
        /// The number of the send.
        send: SendId,
        /// The partition, if one was chosen.
        partition: Option<TopicPartition>,
        /// Why.
        failure: SendFailure,
    },
    /// The send ended without certainty: the record may be in the log, now or later. With acks=0
    /// every send ends so.
    SendUnknown {
        /// The producer.
        producer: ClientId,
        /// The number of the send.
        send: SendId,
        /// The partition.
        partition: TopicPartition,
        /// Why.
        failure: SendFailure,
    },
    /// The producer has an id and an epoch to write under, for the first time or anew.
    ProducerIdAssigned {
        /// The producer.
        producer: ClientId,
        /// Its id.
        producer_id: ProducerId,
        /// Its epoch.
        producer_epoch: ProducerEpoch,
        /// Why it changed, in words; none for the first.
        reason: Option<String>,
    },
}

/// A batch left for a broker.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Attempt {
    /// The producer.
    pub producer: ClientId,
    /// The correlation id of the request.
    pub correlation: i32,
    /// The partition.
    pub partition: TopicPartition,
    /// To whom.
    pub broker: BrokerId,
    /// Over which connection: requests keep their order only within one.
    pub connection: OpenedId,
    /// Counted from 1 for each batch.
    pub attempt: u32,
    /// The acks asked for: 0, 1, or −1 for all.
    pub acks: i16,
    /// The producer's id, if idempotent.
    pub producer_id: Option<ProducerId>,
    /// The producer's epoch, if idempotent.
    pub producer_epoch: Option<ProducerEpoch>,
    /// The first sequence, if idempotent.
    pub base_sequence: Option<Sequence>,
    /// The sends in it, in order.
    pub sends: Vec<SendId>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// The broker answered with success and this offset of the first record.
    Succeeded {
        /// The offset; none where the broker did not say.
        base_offset: Option<Offset>,
    },
    /// The broker answered with this error code.
    Refused {
        /// Kafka's error code.
        error: i16,
    },
    /// The connection ended before an answer came.
    Disconnected,
    /// No answer came within `request.timeout.ms`.
    TimedOut,
    /// With acks=0: it was handed to the network, and no answer will come.
    NoAnswerExpected,
}

/// Why a send did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SendFailure {
    /// A broker refused it with this code, the last of its attempts.
    Refused {
        /// Kafka's error code.
        error: i16,
    },
    /// `delivery.timeout.ms` passed.
    DeliveryTimeout,
    /// `max.block.ms` passed without metadata or without room in the buffer.
    MaxBlock,
    /// It is larger than `max.request.size` or than the buffer.
    TooLarge,
    /// The producer was closed.
    Closed,
    /// acks=0: nobody was asked to confirm it.
    NotConfirmed,
    /// `retries` are used up after a lost connection or a timeout.
    RetriesExhausted,
}

/// What happened in a consumer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConsumerEvent {
    /// A record was handed to the application.
    Delivered(Delivery),
    /// The position moved other than by reading on.
    PositionReset {
        /// The consumer.
        consumer: ClientId,
        /// The partition.
        partition: TopicPartition,
        /// Where it stood, if anywhere.
        from: Option<Offset>,
        /// Where it stands.
        to: Offset,
        /// Why.
        reason: PositionResetReason,
    },
    /// The consumer cannot go on with this partition without help of its application
    /// (`auto.offset.reset` is `none`, or a batch is corrupt).
    ConsumerFailed {
        /// The consumer.
        consumer: ClientId,
        /// The partition.
        partition: TopicPartition,
        /// What it would tell its application.
        error: String,
    },
}

/// A record was handed to the application.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Delivery {
    /// The consumer.
    pub consumer: ClientId,
    /// The partition.
    pub partition: TopicPartition,
    /// The record's offset.
    pub offset: Offset,
    /// The leader epoch of its batch.
    pub leader_epoch: LeaderEpoch,
    /// The broker that served it.
    pub broker: BrokerId,
    /// The record's value. Not part of the trace.
    #[serde(skip)]
    pub value: Bytes,
}

/// What moved a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PositionResetReason {
    /// There was none: `auto.offset.reset` chose one.
    Initial,
    /// It was out of the log's range: `auto.offset.reset` chose another.
    OutOfRange,
    /// The application asked.
    Seek,
    /// The log was truncated below it (KIP-320).
    Truncation,
}
