//! The metadata log, `__cluster_metadata-0`: what it holds after a step is on disk.
//!
//! Mirrors `KafkaMetadataLog` (KIP-595). It is the log of any partition, epoch cache and all; what
//! is appended is synced before anything is said about it, so that a fetch acknowledges only what
//! no power loss takes back. It does not know who leads.

use bytes::Bytes;

use super::messages::OffsetAndEpoch;
use crate::{
    config::{CleanupPolicy, ServerConfig, TopicConfig},
    host::{Disk, DiskError, Now},
    ids::{LeaderEpoch, Offset, TopicName, TopicPartition},
    log::{
        FollowerAppendError, Isolation, LogError, LogParameters, MinOneBatch, ReadError, Trust,
        UnifiedLog,
    },
    protocol::batch::{RecordBatch, stamp},
};

/// The log directory of a controller.
const ROOT: &str = "metadata";

/// The largest batch, which bounds what one decision may write (`KafkaRaftClient`'s 8 MiB).
const BATCH_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// Why a voter cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RaftError {
    /// The disk failed, or a file on it holds nonsense.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log cannot be read where it should have records.
    #[error("{0}")]
    Read(String),
    /// The leader's log contradicts what is committed.
    #[error("the log agrees with the leader's up to {agrees}, and is committed up to {committed}")]
    Diverged {
        /// Where the logs part.
        agrees: Offset,
        /// The high watermark.
        committed: Offset,
    },
}

impl From<DiskError> for RaftError {
    fn from(error: DiskError) -> Self {
        Self::Log(error.into())
    }
}

impl From<ReadError> for RaftError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Storage(error) => Self::Log(error),
            ReadError::OutOfRange { .. } => Self::Read(error.to_string()),
        }
    }
}

/// What came of records from the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Appended {
    /// They are on disk.
    Yes,
    /// They are damaged or do not fit. The log is as it was; fetching again may help.
    Refused,
}

/// The log. Invariant between steps: all of it is on disk.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KafkaMetadataLog {
    log: UnifiedLog,
}

impl KafkaMetadataLog {
    /// Opens the log, or begins it. What was found, torn tail cut off, is made durable before
    /// anybody builds upon it: it may never have been synced.
    pub(super) fn open(
        now: Now,
        config: &ServerConfig,
        disk: &mut dyn Disk,
    ) -> Result<Self, RaftError> {
        let directory = directory();
        disk.create_dir(&directory)?;
        let parameters = LogParameters {
            directory: directory.as_str().into(),
            partition: partition(),
            config: topic_config(config),
            producer_id_expiration_ms: config.producer_id_expiration_ms,
            trust: Trust::BelowRecoveryPoint,
            recovery_point: Offset::ZERO,
            log_start_offset: Offset::ZERO,
            high_watermark: None,
        };
        let (mut log, _) = UnifiedLog::load(parameters, now, disk)?;
        log.flush(disk)?;
        // The names of the directories themselves, which the log does not sync.
        disk.sync_dir(&directory)?;
        disk.sync_dir(ROOT)?;
        disk.sync_dir("")?;
        Ok(Self { log })
    }

    /// Where it ends.
    pub(super) fn end(&self) -> OffsetAndEpoch {
        let epoch = self.log.latest_epoch().unwrap_or_default();
        OffsetAndEpoch { epoch, offset: self.log.log_end_offset() }
    }

    /// Where it begins.
    pub(super) fn start_offset(&self) -> Offset {
        self.log.log_start_offset()
    }

    /// The first offset that is not known to be committed.
    pub(super) fn high_watermark(&self) -> Offset {
        self.log.high_watermark()
    }

    /// More is known to be committed. It never goes back: what is said to be committed stays so.
    pub(super) fn raise_high_watermark(&mut self, to: Offset) {
        self.log.maybe_increment_high_watermark(to.min(self.log.log_end_offset()));
    }

    /// Appends a batch of the leader's own, with the next offsets. Returns the first.
    pub(super) fn append_as_leader(
        &mut self,
        now: Now,
        batch: &RecordBatch,
        epoch: LeaderEpoch,
        disk: &mut dyn Disk,
    ) -> Result<Offset, RaftError> {
        let base = self.log.log_end_offset();
        let stamped = stamp(batch, base, epoch).into_bytes();
        match self.append_as_follower(now, stamped, disk)? {
            Appended::Yes => Ok(base),
            Appended::Refused => panic!("a batch of the leader's own does not fit at {base}"),
        }
    }

    /// Appends what the leader sent.
    pub(super) fn append_as_follower(
        &mut self,
        now: Now,
        records: Bytes,
        disk: &mut dyn Disk,
    ) -> Result<Appended, RaftError> {
        match self.log.append_as_follower(now, records, disk) {
            Ok(_) => {}
            Err(FollowerAppendError::Storage(error)) => return Err(error.into()),
            Err(
                FollowerAppendError::Corrupt
                | FollowerAppendError::UnexpectedOffset { .. }
                | FollowerAppendError::OutOfOrder,
            ) => return Ok(Appended::Refused),
        }
        self.log.flush(disk)?;
        Ok(Appended::Yes)
    }

    /// Where a log that ends at `other` parts from this one, if it does
    /// (`ReplicatedLog.validateOffsetAndEpoch`). An empty log agrees with every other.
    pub(super) fn divergence(&self, other: OffsetAndEpoch) -> Option<OffsetAndEpoch> {
        if other.offset <= self.start_offset() {
            return None;
        }
        let (epoch, offset) = self
            .log
            .end_offset_for_epoch(other.epoch)
            .unwrap_or((LeaderEpoch(0), self.start_offset()));
        let agrees = epoch == other.epoch && other.offset <= offset;
        (!agrees).then_some(OffsetAndEpoch { epoch, offset })
    }

    /// Cuts the log where it parts from the leader's, which says where its own greatest epoch up to
    /// this one's last ends (`ReplicatedLog.truncateToEndOffset`).
    pub(super) fn truncate_to_end_of(
        &mut self,
        now: Now,
        leaders: OffsetAndEpoch,
        disk: &mut dyn Disk,
    ) -> Result<(), RaftError> {
        let to = match self.log.end_offset_for_epoch(leaders.epoch) {
            Some((epoch, offset)) if epoch == leaders.epoch => offset.min(leaders.offset),
            Some((_, offset)) => offset.min(leaders.offset),
            None => leaders.offset.min(self.log.log_end_offset()),
        };
        let committed = self.high_watermark();
        if to < committed {
            return Err(RaftError::Diverged { agrees: to, committed });
        }
        self.log.truncate_to(now, to, disk)?;
        Ok(())
    }

    /// Batches from `from` on.
    pub(super) fn read(
        &mut self,
        from: Offset,
        max_bytes: u32,
        isolation: Isolation,
        disk: &mut dyn Disk,
    ) -> Result<Bytes, RaftError> {
        Ok(self.log.read(from, max_bytes, isolation, MinOneBatch::Yes, disk)?.records)
    }
}

/// The directory of the metadata log.
pub(super) fn directory() -> String {
    format!("{ROOT}/{}", partition())
}

fn partition() -> TopicPartition {
    TopicPartition { topic: TopicName::cluster_metadata(), partition: 0 }
}

/// The metadata log keeps everything: snapshots are not modelled.
fn topic_config(config: &ServerConfig) -> TopicConfig {
    TopicConfig {
        cleanup_policy: CleanupPolicy::None,
        max_message_bytes: BATCH_BYTES_MAX,
        segment_ms: ServerConfig::default().log_roll_ms,
        segment_bytes: ServerConfig::default().log_segment_bytes,
        flush_messages: None,
        flush_ms: None,
        ..config.topic_defaults()
    }
}
