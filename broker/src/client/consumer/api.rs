//! What an application says to a consumer, and what it is told (Kafka's `Consumer`,
//! `ConsumerRecord`, and the exceptions of `poll`).
//!
//! The style is Kafka's poll: the application asks once, and is answered once, with what is there
//! or as soon as something is. Meanwhile the consumer fetches ahead, no more than one answer for
//! each partition. What Kafka throws from a later poll comes at once as
//! [`ConsumerAnswer::Failed`]; it does not end a poll that waits.

use core::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use crate::{
    host::Timestamp,
    ids::{LeaderEpoch, Offset, TopicPartition},
};

/// What an application can ask of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerCommand {
    /// Read these partitions, and no others. Those that were assigned before keep their position.
    Assign {
        /// The partitions.
        partitions: Vec<TopicPartition>,
    },
    /// Go on reading an assigned partition at this offset.
    Seek {
        /// The partition.
        partition: TopicPartition,
        /// The next record to read.
        offset: Offset,
    },
    /// Go on reading assigned partitions at the first record that is still there.
    SeekToBeginning {
        /// The partitions; none means all.
        partitions: Vec<TopicPartition>,
    },
    /// Go on reading assigned partitions after the last record that can be read.
    SeekToEnd {
        /// The partitions; none means all.
        partitions: Vec<TopicPartition>,
    },
    /// Ask for records. Answered by one [`ConsumerAnswer::Records`]: at once if some are there,
    /// else as soon as some come, else empty when the time is over. A second poll while one waits
    /// takes its place.
    Poll {
        /// How long to wait; [`Duration::MAX`] for ever.
        timeout: Duration,
    },
    /// Close the connections and do nothing more. Answered by [`ConsumerAnswer::Closed`].
    Close,
}

/// What a consumer answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerAnswer {
    /// To a poll. Records of one partition are in the order of their offsets.
    Records(Vec<ConsumerRecord>),
    /// A partition cannot be read on. It rests until the application seeks.
    Failed {
        /// The partition.
        partition: TopicPartition,
        /// Why.
        error: ConsumerError,
    },
    /// The consumer is closed.
    Closed,
}

/// A record as the application gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerRecord {
    /// The partition it was read from.
    pub partition: TopicPartition,
    /// Its offset.
    pub offset: Offset,
    /// The leader epoch of its batch.
    pub leader_epoch: LeaderEpoch,
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value; none for a tombstone.
    pub value: Option<Bytes>,
}

/// Why a partition cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConsumerError {
    /// `NoOffsetForPartitionException`: no position, and `auto.offset.reset` is `none`.
    #[error("undefined offset with no reset policy")]
    NoOffset,
    /// `OffsetOutOfRangeException`: the log does not have it, and `auto.offset.reset` is `none`.
    #[error("fetch position {position} is out of range, and no reset policy is configured")]
    OffsetOutOfRange {
        /// The position.
        position: Offset,
    },
    /// `LogTruncationException`: the log was truncated below the position, and
    /// `auto.offset.reset` is `none`.
    #[error("truncation detected at fetch position {position}")]
    LogTruncation {
        /// The position.
        position: Offset,
        /// The first offset known to differ, if the leader could say.
        divergent: Option<Offset>,
    },
    /// `CorruptRecordException`: a batch is not what was written. It must not be skipped.
    #[error("record batch at fetch position {position} is corrupt")]
    Corrupt {
        /// The position.
        position: Offset,
    },
    /// The broker answered with a code that a fetch does not expect.
    #[error("unexpected error code {error} while fetching at offset {position}")]
    Unexpected {
        /// The position.
        position: Offset,
        /// Kafka's error code.
        error: i16,
    },
}
