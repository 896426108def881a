//! A partition on disk: the log that leaders append to, followers copy, and consumers read.
//!
//! Mirrors `UnifiedLog`. It joins the files ([`LocalLog`]) with what must always agree with them:
//! the leader-epoch cache, the producer state, the log start and the high watermark. The
//! controller's metadata log is one of these, too.
//!
//! After a call to the disk that failed, the log is marked failed and refuses whatever would touch
//! the disk: what stands on it is not known any more.
//!
//! What this does not know: who leads, who follows, what a broker is. Whoever changes its role
//! decides on the high watermark and on truncation; this only keeps them within their bounds.

mod append;
mod read;
mod retention;
mod truncate;

use core::time::Duration;

pub use append::LeaderAppend;
pub use read::{FetchData, Isolation, MinOneBatch, TimestampAndOffset};
pub use retention::LogStartMove;

use super::{
    LogError,
    error::Failure,
    leader_epoch_file_cache::{EpochEntry, LeaderEpochFileCache},
    local_log::{FlushReach, LocalLog},
    producer_state_manager::{Expiry, ProducerStateManager},
};
use crate::{
    config::TopicConfig,
    host::{Disk, DiskError, Instant, Now},
    ids::{LeaderEpoch, Offset, TopicId, TopicPartition},
};

/// The log of one replica of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct UnifiedLog {
    partition: TopicPartition,
    topic_id: Option<TopicId>,
    local: LocalLog,
    epochs: LeaderEpochFileCache,
    producers: ProducerStateManager,
    producer_id_expiration: Duration,
    /// Invariant: not above the high watermark.
    log_start_offset: Offset,
    /// Invariant: not above the log end.
    high_watermark: Offset,
    failure: Option<DiskError>,
}

/// The parts of a log that was just loaded.
pub(super) struct Parts {
    pub(super) partition: TopicPartition,
    pub(super) topic_id: Option<TopicId>,
    pub(super) local: LocalLog,
    pub(super) epochs: LeaderEpochFileCache,
    pub(super) producers: ProducerStateManager,
    pub(super) producer_id_expiration: Duration,
    pub(super) log_start_offset: Offset,
}

impl UnifiedLog {
    pub(super) fn from_parts(parts: Parts) -> Self {
        Self {
            partition: parts.partition,
            topic_id: parts.topic_id,
            local: parts.local,
            epochs: parts.epochs,
            producers: parts.producers,
            producer_id_expiration: parts.producer_id_expiration,
            log_start_offset: parts.log_start_offset,
            high_watermark: parts.log_start_offset,
            failure: None,
        }
    }

    /// The partition.
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The id of its topic, if `partition.metadata` says it.
    pub fn topic_id(&self) -> Option<TopicId> {
        self.topic_id
    }

    /// The first offset that may be read.
    pub fn log_start_offset(&self) -> Offset {
        self.log_start_offset
    }

    /// The first offset that is not known to be committed.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// The offset of the next record.
    pub fn log_end_offset(&self) -> Offset {
        self.local.log_end_offset
    }

    /// Everything below is known to be on disk.
    pub fn recovery_point(&self) -> Offset {
        self.local.recovery_point
    }

    /// The newest leader epoch, even if it has no record yet.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest_epoch()
    }

    /// The leader epochs and where they begin, oldest first.
    pub fn epochs(&self) -> &[EpochEntry] {
        self.epochs.entries()
    }

    /// The configuration in force.
    pub fn config(&self) -> &TopicConfig {
        &self.local.config
    }

    /// The bytes of all segments.
    pub fn size(&self) -> u64 {
        self.local.segments.size()
    }

    /// The offset with which the oldest segment begins: where a log starts by its files alone.
    pub fn first_segment_base_offset(&self) -> Offset {
        self.local.segments.first().base_offset()
    }

    /// How many producers it remembers.
    pub fn producers(&self) -> usize {
        self.producers.len()
    }

    /// The call to the disk that failed, if one did.
    pub fn failure(&self) -> Option<&DiskError> {
        self.failure.as_ref()
    }

    /// Puts another configuration in force.
    pub fn update_config(&mut self, config: TopicConfig) {
        self.local.segments.active_mut().reconfigure(&config);
        self.local.config = config;
    }

    /// Where `epoch` ends: the greatest epoch in this log that is not above it, and the offset
    /// behind that one's last record. None if this log cannot tell.
    pub fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        self.epochs.end_offset_for(epoch, self.log_end_offset())
    }

    /// The leader epoch of the record at an offset.
    pub fn epoch_for_offset(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.epoch_for_offset(offset)
    }

    /// Notes that `epoch` begins at `offset`, even before it has a record.
    pub fn assign_epoch_start(
        &mut self,
        epoch: LeaderEpoch,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        self.usable()?;
        let result = self.epochs.assign(epoch, offset, disk).map_err(LogError::from);
        self.noted(result)
    }

    /// Sets the high watermark, up or down, within log start and log end. Returns from where to
    /// where it moved, if it did.
    pub fn update_high_watermark(&mut self, offset: Offset) -> Option<(Offset, Offset)> {
        let from = self.high_watermark;
        // The upper bound first: a log start never lies above the log end.
        let to = offset.min(self.log_end_offset()).max(self.log_start_offset);
        self.high_watermark = to;
        (from != to).then_some((from, to))
    }

    /// Raises the high watermark, if `offset` is above it.
    pub fn maybe_increment_high_watermark(&mut self, offset: Offset) -> Option<(Offset, Offset)> {
        let end = self.log_end_offset();
        assert!(offset <= end, "{}: high watermark {offset} above log end {end}", self.partition);
        if offset <= self.high_watermark {
            return None;
        }
        self.update_high_watermark(offset)
    }

    /// Makes everything durable that was appended. Does nothing if that is so already.
    pub fn flush(&mut self, disk: &mut dyn Disk) -> Result<(), LogError> {
        self.usable()?;
        let result = self.flush_parts(disk).map_err(LogError::from);
        self.noted(result)
    }

    fn flush_parts(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        self.producers.flush(disk)?;
        self.local.flush(FlushReach::LogEnd, disk)
    }

    /// Flushes what `flush.ms` asks for and what a roll left behind, and removes deleted files
    /// whose time has come.
    pub(super) fn on_flush_time(&mut self, now: Now, disk: &mut dyn Disk) -> Result<(), LogError> {
        self.usable()?;
        let result = self.flush_due_parts(now, disk).map_err(LogError::from);
        self.noted(result)
    }

    fn flush_due_parts(&mut self, now: Now, disk: &mut dyn Disk) -> Result<(), DiskError> {
        self.local.remove_due(now, disk)?;
        if self.local.flush_due().is_some_and(|due: Instant| due <= now.monotonic) {
            return self.flush_parts(disk);
        }
        if self.local.flush_wanted() {
            self.producers.flush(disk)?;
            self.local.flush_rolled(disk)?;
        }
        Ok(())
    }

    /// Leaves the log as a clean shutdown must: all durable, with a snapshot of producer state at
    /// its end.
    pub fn close(&mut self, disk: &mut dyn Disk) -> Result<(), LogError> {
        self.usable()?;
        let result = self.close_parts(disk).map_err(LogError::from);
        self.noted(result)
    }

    fn close_parts(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        self.producers.take_snapshot(disk)?;
        self.local.segments.active_mut().close(disk)?;
        self.flush_parts(disk)
    }

    /// Forgets producers that were silent for `producer.id.expiration.ms`.
    pub fn remove_expired_producers(&mut self, now: Now) {
        self.producers.remove_expired(self.expiry(now));
    }

    fn expiry(&self, now: Now) -> Expiry {
        Expiry::new(now.wall, self.producer_id_expiration)
    }

    fn usable(&self) -> Result<(), LogError> {
        match &self.failure {
            None => Ok(()),
            Some(failure) => Err(LogError::Failed(failure.clone())),
        }
    }

    /// Marks the log failed if this is a failed call to the disk.
    fn noted<T, E: Failure>(&mut self, result: Result<T, E>) -> Result<T, E> {
        if let Err(error) = &result
            && self.failure.is_none()
        {
            self.failure = error.disk_error().cloned();
        }
        result
    }
}

#[cfg(test)]
mod tests;
