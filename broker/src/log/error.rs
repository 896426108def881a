//! What can go wrong with a log, as values.
//!
//! Mirrors `KafkaStorageException`, `OffsetOutOfRangeException`, `UnexpectedAppendOffsetException`
//! and the exceptions of `LogValidator` and `ProducerAppendInfo`.
//!
//! What this does not know: what the broker makes of them (an answer, a failed directory).

use thiserror::Error;

use crate::{host::DiskError, ids::Offset, protocol::ErrorCode};

/// The disk failed, or what it holds cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogError {
    /// A call to the disk failed; the log is marked failed and refuses all that follows.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A call to the disk failed earlier.
    #[error("the log failed before: {0}")]
    Failed(DiskError),
    /// A file that cannot be rebuilt from others holds nonsense.
    #[error("{path}: {reason}")]
    Corrupt {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why a leader did not append a batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// The batch breaks a rule. Nothing was appended; the code goes to the client.
    #[error("{reason}")]
    Invalid {
        /// Kafka's error code.
        code: ErrorCode,
        /// The rule, in words.
        reason: &'static str,
    },
    /// The disk failed. Whether the batch is there is unknown.
    #[error(transparent)]
    Storage(#[from] LogError),
}

/// Why a follower did not append what the leader sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FollowerAppendError {
    /// A batch is damaged (`CorruptRecordException`): fetching again may help. Nothing was
    /// appended.
    #[error("a batch from the leader is damaged")]
    Corrupt,
    /// The first batch begins before the end of the log (`UnexpectedAppendOffsetException`).
    /// Nothing was appended.
    #[error("batch {first}..={last} does not fit the log end {log_end}")]
    UnexpectedOffset {
        /// The first offset of the first batch.
        first: Offset,
        /// The last offset of the first batch.
        last: Offset,
        /// The end of the log.
        log_end: Offset,
    },
    /// The batches do not follow each other (`OffsetsOutOfOrderException`), or at a distance that
    /// no index can hold. Nothing was appended.
    #[error("the batches from the leader are not in order of offset")]
    OutOfOrder,
    /// The disk failed. Any part of the batches may be there.
    #[error(transparent)]
    Storage(#[from] LogError),
}

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The offset is before the log start or after the log end.
    #[error("offset {offset} is not within [{log_start}, {log_end}]")]
    OutOfRange {
        /// What was asked for.
        offset: Offset,
        /// The first offset.
        log_start: Offset,
        /// The end of the log.
        log_end: Offset,
    },
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] LogError),
}

/// Why the log start was not moved.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogStartError {
    /// The offset is above the high watermark: records that may yet be lost are not deleted.
    #[error("log start {offset} would lie above the high watermark {high_watermark}")]
    AboveHighWatermark {
        /// What was asked for.
        offset: Offset,
        /// The high watermark.
        high_watermark: Offset,
    },
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] LogError),
}

impl From<DiskError> for AppendError {
    fn from(error: DiskError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<DiskError> for FollowerAppendError {
    fn from(error: DiskError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<DiskError> for ReadError {
    fn from(error: DiskError) -> Self {
        Self::Storage(error.into())
    }
}

/// Finds the failed call to the disk within an error, by which a log is marked failed.
pub(super) trait Failure {
    /// The failed call, if that is what went wrong.
    fn disk_error(&self) -> Option<&DiskError>;
}

impl Failure for LogError {
    fn disk_error(&self) -> Option<&DiskError> {
        match self {
            Self::Disk(error) => Some(error),
            Self::Failed(_) | Self::Corrupt { .. } => None,
        }
    }
}

impl Failure for AppendError {
    fn disk_error(&self) -> Option<&DiskError> {
        match self {
            Self::Storage(error) => error.disk_error(),
            Self::Invalid { .. } => None,
        }
    }
}

impl Failure for FollowerAppendError {
    fn disk_error(&self) -> Option<&DiskError> {
        match self {
            Self::Storage(error) => error.disk_error(),
            Self::Corrupt | Self::UnexpectedOffset { .. } | Self::OutOfOrder => None,
        }
    }
}

impl Failure for ReadError {
    fn disk_error(&self) -> Option<&DiskError> {
        match self {
            Self::Storage(error) => error.disk_error(),
            Self::OutOfRange { .. } => None,
        }
    }
}

impl Failure for LogStartError {
    fn disk_error(&self) -> Option<&DiskError> {
        match self {
            Self::Storage(error) => error.disk_error(),
            Self::AboveHighWatermark { .. } => None,
        }
    }
}
