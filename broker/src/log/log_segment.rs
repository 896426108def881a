//! One segment of a log: a file of batches and its two indexes.
//!
//! Mirrors `LogSegment`. Batches stand in the file one behind the other, as they are on the wire.
//! Every path is made once, so that appending and reading format nothing.
//!
//! Other than in Kafka, every batch of a follower's append counts towards the index, as it does in
//! recovery; Kafka adds at most one entry for each append. So a lookup walks over little more than
//! `index.interval.bytes`, whatever the size of the fetches was.
//!
//! What this does not know: its neighbours, the log end, high watermark and log start.

use std::sync::Arc;

use super::{
    LogError,
    batch_scanner::{BatchScanner, FoundHeader},
    log_file_utils::{INDEX, LOG, TIME_INDEX, path_of},
    offset_index::{OffsetEntry, OffsetIndex},
    recent_batches::{BatchPosition, RecentBatches},
    time_index::{TimeEntry, TimeIndex, TimestampOffset},
};
use crate::{
    config::TopicConfig,
    host::{Disk, DiskError, Instant, Now, Timestamp},
    ids::Offset,
    protocol::batch::{BatchHeader, RecordBatch},
};

/// A segment's file positions are 31-bit numbers, as the index has them.
const POSITION_MAX: u32 = i32::MAX.unsigned_abs();

/// One segment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LogSegment {
    base_offset: Offset,
    path: Arc<str>,
    pub(super) size: u32,
    pub(super) offset_index: OffsetIndex,
    pub(super) time_index: TimeIndex,
    index_interval_bytes: u32,
    bytes_since_last_index_entry: u32,
    /// The greatest timestamp of the first batch: `segment.ms` counts from it.
    first_timestamp: Option<Timestamp>,
    created: Instant,
    pub(super) max_so_far: TimestampOffset,
    /// Behind the last batch; the base if there is none.
    pub(super) next_offset: Offset,
    recent: RecentBatches,
    pub(super) unsynced: bool,
}

/// What is about to be appended, for the decision whether it begins a new segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    pub(super) bytes: u32,
    pub(super) max_timestamp: Timestamp,
    pub(super) last_offset: Offset,
}

/// Entries of the two indexes that are not yet written.
#[derive(Debug, Default)]
pub(super) struct NewEntries {
    offsets: Vec<OffsetEntry>,
    times: Vec<TimeEntry>,
}

impl LogSegment {
    /// Begins an empty segment.
    pub(super) fn create(
        directory: &str,
        base_offset: Offset,
        config: &TopicConfig,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<Self, DiskError> {
        let path = path_of(directory, base_offset, LOG);
        disk.create(&path)?;
        let bytes_max = config.segment_index_bytes;
        let index = path_of(directory, base_offset, INDEX);
        let offset_index = OffsetIndex::create(index, base_offset, bytes_max, disk)?;
        let index = path_of(directory, base_offset, TIME_INDEX);
        let time_index = TimeIndex::create(index, base_offset, bytes_max, disk)?;
        Ok(Self::with(path, base_offset, offset_index, time_index, config, now))
    }

    /// A segment with these files, of which nothing more is known yet.
    pub(super) fn with(
        path: Arc<str>,
        base_offset: Offset,
        offset_index: OffsetIndex,
        time_index: TimeIndex,
        config: &TopicConfig,
        now: Now,
    ) -> Self {
        let max_so_far = time_index.last();
        Self {
            base_offset,
            path,
            size: 0,
            offset_index,
            time_index,
            index_interval_bytes: config.index_interval_bytes,
            bytes_since_last_index_entry: 0,
            first_timestamp: None,
            created: now.monotonic,
            max_so_far,
            next_offset: base_offset,
            recent: RecentBatches::default(),
            unsynced: false,
        }
    }

    /// The offset it is named after: no record in it is before.
    pub(super) fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// The path of its file.
    pub(super) fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// Takes over a changed configuration.
    pub(super) fn reconfigure(&mut self, config: &TopicConfig) {
        self.index_interval_bytes = config.index_interval_bytes;
        self.offset_index.resize(config.segment_index_bytes);
        self.time_index.resize(config.segment_index_bytes);
    }

    /// Whether a new segment must begin before `incoming` is appended.
    pub(super) fn should_roll(&self, incoming: Incoming, now: Now, config: &TopicConfig) -> bool {
        let bytes_max = u64::from(config.segment_bytes.min(POSITION_MAX));
        let too_large = bytes_max < u64::from(self.size) + u64::from(incoming.bytes);
        let too_old = self.size != 0
            && config.segment_ms.0 < self.waited_for_roll(now, incoming.max_timestamp);
        (self.size != 0 && too_large)
            || too_old
            || self.offset_index.is_full()
            || self.time_index.is_full()
            || self.overflows(incoming.last_offset)
    }

    /// Whether an offset is too far from the base for an index entry.
    pub(super) fn overflows(&self, offset: Offset) -> bool {
        i64::from(i32::MAX) < offset.since(self.base_offset)
    }

    /// For how long the segment has been open: by the timestamps of records, so that a follower
    /// that copies old records rolls as its leader did; without any, by the clock.
    fn waited_for_roll(&self, now: Now, max_timestamp: Timestamp) -> u64 {
        match self.first_timestamp {
            Some(first) => u64::try_from(max_timestamp.0.saturating_sub(first.0)).unwrap_or(0),
            None => {
                u64::try_from(now.monotonic.since(self.created).as_millis()).unwrap_or(u64::MAX)
            }
        }
    }

    /// Appends batches that stand one behind the other in `bytes`.
    pub(super) fn append(
        &mut self,
        batches: &[RecordBatch],
        bytes: &[u8],
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        self.unsynced = true;
        disk.append(&self.path, bytes)?;
        if self.size == 0 {
            let newest = batches.iter().map(RecordBatch::max_timestamp).max();
            self.first_timestamp = newest.filter(|newest| 0 <= newest.0);
        }
        let mut entries = NewEntries::default();
        for batch in batches {
            self.note(&batch.header(), &mut entries);
        }
        self.offset_index.extend(&entries.offsets, disk)?;
        self.time_index.extend(&entries.times, disk)
    }

    /// Counts a batch that stands at the end of what was counted before.
    pub(super) fn note(&mut self, header: &BatchHeader, entries: &mut NewEntries) {
        let size = u32::try_from(header.size()).expect("a batch fits a segment");
        if self.max_so_far.timestamp < header.max_timestamp {
            self.max_so_far =
                TimestampOffset { timestamp: header.max_timestamp, offset: header.last_offset() };
        }
        if self.index_interval_bytes < self.bytes_since_last_index_entry {
            entries.offsets.push(self.offset_index.entry(header.last_offset(), self.size));
            let last = entries.times.last().map(|entry| entry.timestamp);
            if last.unwrap_or(self.time_index.last().timestamp.0) < self.max_so_far.timestamp.0 {
                entries.times.push(self.time_index.entry(self.max_so_far));
            }
            self.bytes_since_last_index_entry = 0;
        }
        self.recent.push(FoundHeader { position: self.size, header: *header }.into());
        self.bytes_since_last_index_entry += size;
        self.size += size;
        self.next_offset = header.last_offset().next();
    }

    /// The first batch that ends at or behind `target`: the one that holds it, or the next.
    pub(super) fn find(
        &self,
        target: Offset,
        disk: &mut dyn Disk,
    ) -> Result<Option<BatchPosition>, LogError> {
        if self.next_offset <= target {
            return Ok(None);
        }
        if let Some(batch) = self.recent.find(target) {
            return Ok(Some(batch));
        }
        let mut scanner = self.scan(self.offset_index.lookup(target));
        while let Some(found) = scanner.next_header(disk)? {
            if target <= found.header.last_offset() {
                return Ok(Some(found.into()));
            }
        }
        Ok(None)
    }

    /// The greatest end of a batch that is at or below `limit`; at least `start`, which must be
    /// one.
    pub(super) fn boundary(
        &self,
        start: u32,
        limit: u32,
        disk: &mut dyn Disk,
    ) -> Result<u32, LogError> {
        if let Some(boundary) = self.recent.boundary(limit) {
            return Ok(boundary.max(start));
        }
        let entries = self.offset_index.entries();
        let count = entries.partition_point(|entry| entry.position <= limit);
        let indexed = count.checked_sub(1).map_or(0, |greatest| entries[greatest].position);
        let mut scanner = self.scan(indexed.max(start));
        let mut boundary = scanner.position();
        while scanner.next_header(disk)?.is_some() && scanner.position() <= limit {
            boundary = scanner.position();
        }
        Ok(boundary)
    }

    /// Walks over the batches from a position at which one begins.
    pub(super) fn scan(&self, position: u32) -> BatchScanner<'_> {
        BatchScanner::new(&self.path, position, self.size)
    }

    /// Removes every batch that ends at or behind `offset`.
    pub(super) fn truncate_to(
        &mut self,
        offset: Offset,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let found = self.find(offset, disk)?;
        self.offset_index.truncate_to(offset, disk)?;
        self.time_index.truncate_to(offset, disk)?;
        if let Some(batch) = found {
            self.unsynced = true;
            disk.truncate(&self.path, u64::from(batch.position))?;
            self.size = batch.position;
            self.recent.truncate(batch.position);
            self.created = now.monotonic;
            self.read_tail(disk)?;
        }
        self.bytes_since_last_index_entry = 0;
        Ok(())
    }

    /// Learns from the file what an open segment must know: its end, its greatest timestamp and
    /// its first. Reads from the last index entry on.
    pub(super) fn read_tail(&mut self, disk: &mut dyn Disk) -> Result<(), LogError> {
        self.next_offset = self.base_offset;
        self.max_so_far = self.time_index.last();
        let time_indexed = self.offset_index.lookup(self.max_so_far.offset);
        let start = time_indexed.min(self.offset_index.last_position());
        let (mut next, mut max) = (self.next_offset, self.max_so_far);
        let mut scanner = self.scan(start);
        while let Some(FoundHeader { header, .. }) = scanner.next_header(disk)? {
            next = header.last_offset().next();
            if max.timestamp < header.max_timestamp {
                let (timestamp, offset) = (header.max_timestamp, header.last_offset());
                max = TimestampOffset { timestamp, offset };
            }
        }
        (self.next_offset, self.max_so_far) = (next, max);
        self.read_first_timestamp(disk)
    }

    /// Learns from the file since when `segment.ms` counts.
    pub(super) fn read_first_timestamp(&mut self, disk: &mut dyn Disk) -> Result<(), LogError> {
        let first = self.scan(0).next_header(disk)?;
        let newest = first.map(|found| found.header.max_timestamp);
        self.first_timestamp = newest.filter(|newest| 0 <= newest.0);
        Ok(())
    }

    /// Forgets what is known of the content, to count it anew with [`Self::note`].
    pub(super) fn forget(&mut self) {
        self.size = 0;
        self.offset_index.forget();
        self.time_index.forget();
        self.bytes_since_last_index_entry = 0;
        self.first_timestamp = None;
        self.max_so_far = self.time_index.last();
        self.next_offset = self.base_offset;
        self.recent.clear();
    }

    /// Writes both indexes anew after [`Self::forget`] and [`Self::note`].
    pub(super) fn rebuild_indexes(
        &mut self,
        entries: NewEntries,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        self.offset_index.rebuild(entries.offsets, disk)?;
        self.time_index.rebuild(entries.times, disk)?;
        self.time_index.maybe_append(self.max_so_far, disk)
    }

    /// Does what is done once when the segment is written no more.
    pub(super) fn close(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        self.recent.clear();
        self.time_index.maybe_append(self.max_so_far, disk)
    }

    /// Makes the content durable, if it changed.
    pub(super) fn flush(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        if self.unsynced {
            disk.sync(&self.path)?;
            self.unsynced = false;
        }
        self.offset_index.flush(disk)?;
        self.time_index.flush(disk)
    }
}
