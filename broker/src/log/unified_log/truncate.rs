//! Cutting the end of the log.
//!
//! Mirrors `UnifiedLog.truncateTo` and `truncateFullyAndStartAt`. Files, epoch cache, producer
//! state, log start, recovery point and high watermark go back together. The recovery point that
//! stands in the checkpoint must follow at once: see `LogManager::truncate_to`.
//!
//! What this does not know: why; see `replica`.

use super::UnifiedLog;
use crate::{
    host::{Disk, Now},
    ids::Offset,
    log::{LogError, log_loader::rebuild_producer_state},
};

impl UnifiedLog {
    /// Cuts the log so that it ends at `offset`, exactly: a batch that straddles `offset` goes as a
    /// whole, and the next record gets `offset` all the same. Does no more than trim the epoch
    /// cache if the log ends there or before. Returns the log end.
    ///
    /// A log whose recovery point stands in a checkpoint is cut with `LogManager::truncate_to`.
    pub fn truncate_to(
        &mut self,
        now: Now,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<Offset, LogError> {
        self.usable()?;
        let result = if offset < self.first_segment_base_offset() {
            self.start_at(now, offset, disk)
        } else if offset < self.log_end_offset() {
            self.cut(now, offset, disk)
        } else {
            self.epochs.truncate_from_end(offset, disk).map_err(LogError::from)
        };
        self.noted(result)?;
        Ok(self.log_end_offset())
    }

    fn cut(&mut self, now: Now, offset: Offset, disk: &mut dyn Disk) -> Result<(), LogError> {
        for base_offset in self.local.truncate_to(offset, now, disk)? {
            if let Some(path) = self.producers.release_snapshot(base_offset) {
                self.local.delete_later(&path, now, disk)?;
            }
        }
        self.epochs.truncate_from_end(offset, disk)?;
        self.log_start_offset = self.log_start_offset.min(offset);
        let (expiry, start) = (self.expiry(now), self.log_start_offset);
        let segments = self.local.segments.all();
        rebuild_producer_state(&mut self.producers, segments, (start, offset), expiry, disk)?;
        self.high_watermark = self.high_watermark.min(offset);
        Ok(())
    }

    /// Removes everything; the log is empty and starts at `offset`.
    pub fn truncate_fully_and_start_at(
        &mut self,
        now: Now,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        self.usable()?;
        let result = self.start_at(now, offset, disk);
        self.noted(result)
    }

    fn start_at(&mut self, now: Now, offset: Offset, disk: &mut dyn Disk) -> Result<(), LogError> {
        self.local.truncate_fully_and_start_at(offset, now, disk)?;
        self.epochs.clear(disk)?;
        self.producers.truncate_fully_and_start_at(offset, disk)?;
        self.log_start_offset = offset;
        self.high_watermark = offset;
        Ok(())
    }
}
