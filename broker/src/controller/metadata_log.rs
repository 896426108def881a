//! The controller's log, `__cluster_metadata-0`: what is appended is durable before anybody hears
//! of it.
//!
//! Mirrors the part of `KafkaRaftClient` and `KafkaMetadataLog` that a quorum of one needs
//! (KIP-595): the leader epoch rises when a controller becomes active, the high watermark is the
//! end of what was synced, and observers read below it. Kafka wakes waiting fetches a moment before
//! the sync; here nothing leaves before it.
//!
//! It does not know what the records decide. A quorum of several takes the place of
//! [`MetadataLog::append`]'s sync.

use bytes::Bytes;

use crate::{
    config::{CleanupPolicy, ServerConfig, TopicConfig},
    host::{Disk, DiskError, Now, Timestamp},
    ids::{LeaderEpoch, Offset, TopicName, TopicPartition},
    log::{
        AppendError, Isolation, LeaderAppend, LogError, LogParameters, MinOneBatch, ReadError,
        Trust, UnifiedLog,
    },
    metadata::{MetadataRecord, RecordError, ReplayError},
    protocol::batch::{BatchBuilder, RecordBatch, batches},
};

/// The log directory of a controller.
const DIRECTORY: &str = "metadata";

/// The largest batch, which bounds what one decision may write (`KafkaRaftClient`'s 8 MiB).
const BATCH_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// How much is read at a time when the log is replayed.
const REPLAY_BYTES: u32 = 1024 * 1024;

/// Why the controller cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MetadataLogError {
    /// The disk failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A batch that the controller made was refused, or one that it reads is damaged.
    #[error("{0}")]
    Batch(String),
    /// A record that a controller wrote cannot be read.
    #[error("metadata record at offset {offset}: {error}")]
    Record { offset: Offset, error: RecordError },
    /// A record that a controller wrote cannot follow those before it.
    #[error("metadata record at offset {offset}: {error}")]
    Replay { offset: Offset, error: ReplayError },
}

impl From<DiskError> for MetadataLogError {
    fn from(error: DiskError) -> Self {
        Self::Log(error.into())
    }
}

impl From<ReadError> for MetadataLogError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Storage(error) => Self::Log(error),
            ReadError::OutOfRange { .. } => Self::Batch(error.to_string()),
        }
    }
}

impl From<AppendError> for MetadataLogError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Storage(error) => Self::Log(error),
            AppendError::Invalid { .. } => Self::Batch(error.to_string()),
        }
    }
}

/// The log. Everything below its high watermark is durable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MetadataLog {
    log: UnifiedLog,
    epoch: LeaderEpoch,
}

/// A record as it was found in the log.
pub(super) struct Replayed {
    pub(super) offset: Offset,
    /// When the batch was written that holds it.
    pub(super) written: Timestamp,
    pub(super) record: MetadataRecord,
}

impl MetadataLog {
    /// Opens the log, or begins it, and enters the epoch after the last. What was found, torn tail
    /// cut off, is made durable before anybody builds upon it: it may never have been synced.
    pub(super) fn open(
        now: Now,
        config: &ServerConfig,
        disk: &mut dyn Disk,
    ) -> Result<Self, MetadataLogError> {
        let partition = TopicPartition { topic: TopicName::cluster_metadata(), partition: 0 };
        let directory = format!("{DIRECTORY}/{partition}");
        disk.create_dir(&directory)?;
        let parameters = LogParameters {
            directory: directory.as_str().into(),
            partition,
            config: topic_config(config),
            producer_id_expiration_ms: config.producer_id_expiration_ms,
            trust: Trust::BelowRecoveryPoint,
            recovery_point: Offset::ZERO,
            log_start_offset: Offset::ZERO,
            high_watermark: None,
        };
        let (log, _) = UnifiedLog::load(parameters, now, disk)?;
        let epoch = log.latest_epoch().map_or(LeaderEpoch(1), LeaderEpoch::next);
        let mut log = Self { log, epoch };
        log.make_durable(disk)?;
        // The names of the directories themselves, which the log does not sync.
        disk.sync_dir(&directory)?;
        disk.sync_dir(DIRECTORY)?;
        disk.sync_dir("")?;
        Ok(log)
    }

    /// The epoch in which this controller writes.
    pub(super) fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// The first offset.
    pub(super) fn start_offset(&self) -> Offset {
        self.log.log_start_offset()
    }

    /// The end of what is durable, which is also the end of what was written.
    pub(super) fn end_offset(&self) -> Offset {
        self.log.high_watermark()
    }

    /// Writes records as one batch and makes them durable. Returns the offset of the first.
    pub(super) fn append(
        &mut self,
        now: Now,
        records: &[MetadataRecord],
        disk: &mut dyn Disk,
    ) -> Result<Offset, MetadataLogError> {
        let mut batch = BatchBuilder::new(None);
        for record in records {
            batch.append(now.wall, None, Some(&record.encode()), &[]);
        }
        let bytes = batch.build().into_bytes();
        match self.log.append_as_leader(now, bytes, self.epoch, disk)? {
            LeaderAppend::Appended { batch } => {
                self.make_durable(disk)?;
                Ok(batch.base_offset())
            }
            LeaderAppend::Duplicate { .. } => {
                panic!("a batch without producer id was taken for a duplicate")
            }
        }
    }

    fn make_durable(&mut self, disk: &mut dyn Disk) -> Result<(), MetadataLogError> {
        self.log.flush(disk)?;
        self.log.update_high_watermark(self.log.log_end_offset());
        Ok(())
    }

    /// Batches from `from` on, up to the end of what is durable.
    pub(super) fn read(
        &mut self,
        from: Offset,
        max_bytes: u32,
        disk: &mut dyn Disk,
    ) -> Result<Bytes, MetadataLogError> {
        let isolation = Isolation::HighWatermark;
        Ok(self.log.read(from, max_bytes, isolation, MinOneBatch::Yes, disk)?.records)
    }

    /// Where the log of somebody who has records up to `offset`, the last of them of `epoch`, parts
    /// from this one, if it does.
    pub(super) fn divergence(
        &self,
        epoch: LeaderEpoch,
        offset: Offset,
    ) -> Option<(LeaderEpoch, Offset)> {
        match self.log.end_offset_for_epoch(epoch) {
            Some((same, end)) if same == epoch && offset <= end => None,
            Some(earlier) => Some(earlier),
            None => Some((LeaderEpoch(0), self.start_offset())),
        }
    }

    /// All records, in order.
    pub(super) fn replay(
        &mut self,
        disk: &mut dyn Disk,
    ) -> Result<Vec<Replayed>, MetadataLogError> {
        let mut records = Vec::new();
        let mut at = self.start_offset();
        while at < self.end_offset() {
            for batch in batches(self.read(at, REPLAY_BYTES, disk)?) {
                let batch = batch.map_err(|error| MetadataLogError::Batch(error.to_string()))?;
                at = batch.next_offset();
                if !batch.is_control() {
                    records_of(&batch, &mut records)?;
                }
            }
        }
        Ok(records)
    }
}

fn records_of(batch: &RecordBatch, into: &mut Vec<Replayed>) -> Result<(), MetadataLogError> {
    for record in batch.records() {
        let record = record.map_err(|error| MetadataLogError::Batch(error.to_string()))?;
        let value = record.value.unwrap_or_default();
        let decoded = MetadataRecord::decode(&value)
            .map_err(|error| MetadataLogError::Record { offset: record.offset, error })?;
        let written = batch.max_timestamp();
        into.push(Replayed { offset: record.offset, written, record: decoded });
    }
    Ok(())
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
