//! The files of a log: segments that are appended to, rolled, flushed, cut and removed.
//!
//! Mirrors `LocalLog`. Files are not removed at once but renamed with the suffix `.deleted` and
//! removed after `file.delete.delay.ms`; a start removes those that it finds.
//!
//! The directory is synced by a flush if a name in it has changed since: a segment that is new
//! since the recovery point, as in Kafka, and beyond that one that was renamed away.
//!
//! What this does not know: high watermark, log start, epochs, producers.

use std::{collections::VecDeque, sync::Arc};

use super::{
    LogError,
    log_file_utils::DELETED,
    log_segment::{Incoming, LogSegment},
    log_segments::LogSegments,
};
use crate::{
    config::TopicConfig,
    host::{Disk, DiskError, DiskErrorKind, Instant, Now},
    ids::Offset,
    protocol::batch::RecordBatch,
};

/// The files of a log.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LocalLog {
    pub(super) directory: Arc<str>,
    pub(super) config: TopicConfig,
    pub(super) segments: LogSegments,
    /// Everything below is known to be on disk.
    pub(super) recovery_point: Offset,
    /// The offset of the next record.
    pub(super) log_end_offset: Offset,
    /// When the oldest record was appended that is not known to be on disk.
    unflushed_since: Option<Instant>,
    /// Up to where the segments reach that were rolled but not flushed yet.
    flush_wanted: Option<Offset>,
    /// Whether names in the directory changed since it was synced.
    names_unsynced: bool,
    deletions: VecDeque<Deletion>,
}

/// A file that waits for its removal.
#[derive(Clone, Debug, PartialEq)]
struct Deletion {
    due: Instant,
    path: Arc<str>,
}

/// How far a flush goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlushReach {
    /// To the end of the log.
    LogEnd,
    /// To this offset, the base of a segment: all segments before it.
    Before(Offset),
}

impl LocalLog {
    pub(super) fn new(
        directory: Arc<str>,
        config: TopicConfig,
        segments: LogSegments,
        recovery_point: Offset,
    ) -> Self {
        let log_end_offset = segments.active().next_offset;
        Self {
            directory,
            config,
            segments,
            recovery_point,
            log_end_offset,
            unflushed_since: None,
            flush_wanted: None,
            names_unsynced: true,
            deletions: VecDeque::new(),
        }
    }

    /// Whether `incoming` must begin a new segment.
    ///
    /// Directly after a cut within a batch the log ends behind its last batch. A roll is put off
    /// then: recovery takes a gap between segments for lost data.
    pub(super) fn must_roll(&self, incoming: Incoming, now: Now) -> bool {
        let active = self.segments.active();
        let gap = active.size != 0 && active.next_offset != self.log_end_offset;
        (!gap && active.should_roll(incoming, now, &self.config))
            || active.overflows(incoming.last_offset)
    }

    /// Begins a new segment at the log end, unless the active one is empty and begins there. The
    /// older ones are flushed by the next [`Self::flush_rolled`].
    pub(super) fn roll(&mut self, now: Now, disk: &mut dyn Disk) -> Result<(), DiskError> {
        let base_offset = self.log_end_offset;
        if self.segments.active().base_offset() == base_offset {
            return Ok(());
        }
        self.segments.active_mut().close(disk)?;
        let new = LogSegment::create(&self.directory, base_offset, &self.config, now, disk)?;
        self.names_unsynced = true;
        self.segments.push(new);
        self.flush_wanted = Some(base_offset);
        Ok(())
    }

    /// Appends batches to the active segment.
    pub(super) fn append(
        &mut self,
        batches: &[RecordBatch],
        bytes: &[u8],
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let active = self.segments.active_mut();
        active.append(batches, bytes, disk)?;
        self.log_end_offset = active.next_offset;
        self.unflushed_since.get_or_insert(now.monotonic);
        Ok(())
    }

    /// Makes everything below durable, and moves the recovery point.
    pub(super) fn flush(
        &mut self,
        reach: FlushReach,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let end = match reach {
            FlushReach::LogEnd => self.log_end_offset,
            FlushReach::Before(base_offset) => base_offset,
        };
        if end < self.recovery_point {
            return Ok(());
        }
        let first = self.segments.floor(self.recovery_point).unwrap_or(0);
        for segment in &mut self.segments.all_mut()[first..] {
            match reach {
                FlushReach::Before(stop) if stop <= segment.base_offset() => break,
                FlushReach::Before(_) | FlushReach::LogEnd => segment.flush(disk)?,
            }
        }
        if self.names_unsynced {
            disk.sync_dir(&self.directory)?;
            self.names_unsynced = false;
        }
        self.recovery_point = end;
        if end == self.log_end_offset {
            self.unflushed_since = None;
            self.flush_wanted = None;
        }
        Ok(())
    }

    /// Whether segments were rolled that are not flushed.
    pub(super) fn flush_wanted(&self) -> bool {
        self.flush_wanted.is_some()
    }

    /// Flushes the segments that were rolled since.
    pub(super) fn flush_rolled(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        match self.flush_wanted.take() {
            Some(base_offset) => self.flush(FlushReach::Before(base_offset), disk),
            None => Ok(()),
        }
    }

    /// How many records are not known to be on disk.
    pub(super) fn unflushed_messages(&self) -> u64 {
        u64::try_from(self.log_end_offset.since(self.recovery_point)).unwrap_or(0)
    }

    /// When `flush.ms` asks for a flush.
    pub(super) fn flush_due(&self) -> Option<Instant> {
        Some(self.unflushed_since?.plus(self.config.flush_ms?.duration()))
    }

    /// Cuts the log: it ends at `end` exactly, which must lie within. Newer segments go first and
    /// newest first, so that a crash in between leaves no hole. Returns the bases of those that
    /// went.
    pub(super) fn truncate_to(
        &mut self,
        end: Offset,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<Vec<Offset>, LogError> {
        let removed = self.segments.take_above(end);
        for segment in removed.iter().rev() {
            self.delete_segment(segment, now, disk)?;
        }
        self.segments.active_mut().truncate_to(end, now, disk)?;
        self.set_log_end(end);
        Ok(removed.iter().map(LogSegment::base_offset).collect())
    }

    /// Removes everything and begins anew at `start`.
    pub(super) fn truncate_fully_and_start_at(
        &mut self,
        start: Offset,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        for segment in self.segments.clone().all().iter().rev() {
            self.delete_segment(segment, now, disk)?;
        }
        let new = LogSegment::create(&self.directory, start, &self.config, now, disk)?;
        self.segments.replace(new);
        self.names_unsynced = true;
        self.recovery_point = start;
        self.set_log_end(start);
        Ok(())
    }

    fn set_log_end(&mut self, end: Offset) {
        self.log_end_offset = end;
        self.recovery_point = self.recovery_point.min(end);
        self.flush_wanted = self.flush_wanted.map(|wanted| wanted.min(end));
    }

    /// Removes the oldest segments, and returns their bases.
    pub(super) fn delete_oldest(
        &mut self,
        count: usize,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<Vec<Offset>, DiskError> {
        let removed = self.segments.take_oldest(count);
        for segment in &removed {
            self.delete_segment(segment, now, disk)?;
        }
        Ok(removed.iter().map(LogSegment::base_offset).collect())
    }

    fn delete_segment(
        &mut self,
        segment: &LogSegment,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        self.delete_later(segment.path(), now, disk)?;
        self.delete_later(segment.offset_index.path(), now, disk)?;
        self.delete_later(segment.time_index.path(), now, disk)
    }

    /// Takes a file's name away now and the file after `file.delete.delay.ms`.
    pub(super) fn delete_later(
        &mut self,
        path: &Arc<str>,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let renamed: Arc<str> = format!("{path}{DELETED}").into();
        disk.rename(path, &renamed)?;
        self.names_unsynced = true;
        let due = now.monotonic.plus(self.config.file_delete_delay_ms.duration());
        self.deletions.push_back(Deletion { due, path: renamed });
        Ok(())
    }

    /// Removes the files whose time has come.
    pub(super) fn remove_due(&mut self, now: Now, disk: &mut dyn Disk) -> Result<(), DiskError> {
        while let Some(deletion) = self.deletions.front()
            && deletion.due <= now.monotonic
        {
            remove_if_there(&deletion.path, disk)?;
            self.deletions.pop_front();
        }
        Ok(())
    }
}

/// Removes a file. One that is gone is no error: a segment that was deleted, written anew and
/// deleted again waits under one name twice.
pub(super) fn remove_if_there(path: &str, disk: &mut dyn Disk) -> Result<(), DiskError> {
    match disk.remove(path) {
        Err(error) if error.kind == DiskErrorKind::NotFound => Ok(()),
        result => result,
    }
}
