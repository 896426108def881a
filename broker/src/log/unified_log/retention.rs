//! Removing old segments and moving the log start.
//!
//! Mirrors `UnifiedLog.deleteOldSegments` and `maybeIncrementLogStartOffset`. The oldest go first,
//! and none that reaches above the high watermark: what may yet be lost is not old.
//!
//! What this does not know: when it is time to look; see `log_manager`.

use super::UnifiedLog;
use crate::{
    config::CleanupPolicy,
    host::{Disk, DiskError, Now, event::LogStartReason},
    ids::Offset,
    log::{LogError, LogStartError, log_segment::LogSegment},
};

/// The log start moved up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogStartMove {
    /// Where it was.
    pub from: Offset,
    /// Where it is.
    pub to: Offset,
    /// Why.
    pub reason: LogStartReason,
}

impl UnifiedLog {
    /// Moves the log start up to `offset`, if it is above. Returns from where to where.
    ///
    /// # Errors
    /// `AboveHighWatermark` if nothing below `offset` may be deleted yet.
    pub fn maybe_increment_log_start(
        &mut self,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<Option<(Offset, Offset)>, LogStartError> {
        self.usable()?;
        if self.high_watermark < offset {
            let high_watermark = self.high_watermark;
            return Err(LogStartError::AboveHighWatermark { offset, high_watermark });
        }
        if offset <= self.log_start_offset {
            return Ok(None);
        }
        let from = self.log_start_offset;
        let result = self.increment_log_start(offset, disk).map_err(LogError::from);
        self.noted(result)?;
        Ok(Some((from, offset)))
    }

    fn increment_log_start(
        &mut self,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        self.log_start_offset = offset;
        self.local.recovery_point = self.local.recovery_point.max(offset);
        self.epochs.truncate_from_start(offset, disk)
    }

    /// Deletes the segments that `retention.ms`, `retention.bytes` or the log start give free.
    /// Returns how the log start moved.
    pub fn delete_old_segments(
        &mut self,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<Vec<LogStartMove>, LogError> {
        self.usable()?;
        let result = self.delete_parts(now, disk).map_err(LogError::from);
        self.noted(result)
    }

    fn delete_parts(
        &mut self,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<Vec<LogStartMove>, DiskError> {
        let mut moves = Vec::new();
        let below = self.below_log_start();
        self.delete_oldest(below, now, disk)?;
        match self.local.config.cleanup_policy {
            CleanupPolicy::Delete => {
                let count = self.beyond_retention_size();
                moves.extend(self.delete_for(count, LogStartReason::RetentionSize, now, disk)?);
                let count = self.beyond_retention_time(now);
                moves.extend(self.delete_for(count, LogStartReason::RetentionTime, now, disk)?);
            }
            CleanupPolicy::None => {}
        }
        Ok(moves)
    }

    fn below_log_start(&self) -> usize {
        let start = self.log_start_offset;
        self.count_oldest(|_, next_base| next_base.is_some_and(|next| next <= start))
    }

    fn beyond_retention_size(&self) -> usize {
        let Ok(limit) = u64::try_from(self.local.config.retention_bytes) else { return 0 };
        let mut excess = self.size().saturating_sub(limit);
        self.count_oldest(|segment, _| {
            let goes = u64::from(segment.size) <= excess;
            excess = excess.saturating_sub(u64::from(segment.size));
            goes
        })
    }

    fn beyond_retention_time(&self, now: Now) -> usize {
        let limit = self.local.config.retention_ms;
        if limit < 0 {
            return 0;
        }
        self.count_oldest(|segment, _| {
            let newest = segment.max_so_far.timestamp.0;
            // Without any timestamp a segment has no age.
            0 <= newest && limit < now.wall.0.saturating_sub(newest)
        })
    }

    /// How many segments from the oldest on may go and are given free by `free`, which is told a
    /// segment and the base of the next. An empty active segment never goes.
    fn count_oldest(&self, mut free: impl FnMut(&LogSegment, Option<Offset>) -> bool) -> usize {
        let segments = self.local.segments.all();
        let mut count = 0;
        while let Some(segment) = segments.get(count) {
            let next_base = segments.get(count + 1).map(LogSegment::base_offset);
            let end = next_base.unwrap_or(self.log_end_offset());
            let empty_active = next_base.is_none() && segment.size == 0;
            if empty_active || self.high_watermark < end || !free(segment, next_base) {
                break;
            }
            count += 1;
        }
        count
    }

    fn delete_for(
        &mut self,
        count: usize,
        reason: LogStartReason,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<Option<LogStartMove>, DiskError> {
        let from = self.log_start_offset;
        self.delete_oldest(count, now, disk)?;
        let to = self.log_start_offset;
        Ok((from < to).then_some(LogStartMove { from, to, reason }))
    }

    fn delete_oldest(
        &mut self,
        count: usize,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        if count == 0 {
            return Ok(());
        }
        if count == self.local.segments.all().len() {
            self.roll(now, disk)?;
        }
        let first_kept = self.local.segments.all()[count].base_offset();
        if self.log_start_offset < first_kept {
            self.increment_log_start(first_kept, disk)?;
        }
        for base_offset in self.local.delete_oldest(count, now, disk)? {
            if let Some(path) = self.producers.release_snapshot(base_offset) {
                self.local.delete_later(&path, now, disk)?;
            }
        }
        Ok(())
    }
}
