//! Reading: by offset for followers and consumers, by time for `ListOffsets`.
//!
//! Mirrors `UnifiedLog.read`, `LocalLog.read`, `LogSegment.read` and
//! `UnifiedLog.fetchOffsetByTimestamp`. A read ends at the end of a batch; Kafka's ends at a number
//! of bytes, and the reader drops the batch that is cut off.
//!
//! What this does not know: who reads.

use bytes::Bytes;

use super::UnifiedLog;
use crate::{
    host::{Disk, Timestamp},
    ids::{LeaderEpoch, Offset},
    log::{
        LogError, ReadError, checkpoint_file::corrupt, log_segment::LogSegment,
        recent_batches::BatchPosition,
    },
    protocol::batch::Compression,
};

/// Up to where a read may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// To the end of the log: followers.
    LogEnd,
    /// To the high watermark: consumers.
    HighWatermark,
}

/// Whether a batch larger than the limit is given all the same, so that the reader gets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinOneBatch {
    /// The first batch is given whatever its size.
    Yes,
    /// Nothing is given if the first batch is too large.
    No,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchData {
    /// Whole batches, one behind the other. The first may begin before the offset asked for.
    pub records: Bytes,
}

/// The first record at or after a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampAndOffset {
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Its offset.
    pub offset: Offset,
    /// Its leader epoch.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// A place in the files.
#[derive(Clone, Copy, Debug)]
struct Place {
    segment: usize,
    position: u32,
}

impl UnifiedLog {
    /// Reads batches from `from` on. Nothing, without error, between the end that `isolation`
    /// allows and the log end.
    pub fn read(
        &mut self,
        from: Offset,
        max_bytes: u32,
        isolation: Isolation,
        min_one_batch: MinOneBatch,
        disk: &mut dyn Disk,
    ) -> Result<FetchData, ReadError> {
        self.usable()?;
        let result = self.read_parts(from, max_bytes, isolation, min_one_batch, disk);
        self.noted(result).map(|records| FetchData { records })
    }

    fn read_parts(
        &self,
        from: Offset,
        max_bytes: u32,
        isolation: Isolation,
        min_one_batch: MinOneBatch,
        disk: &mut dyn Disk,
    ) -> Result<Bytes, ReadError> {
        let Some((place, first)) = self.locate(from, isolation, disk)? else {
            return Ok(Bytes::new());
        };
        let segment = &self.local.segments.all()[place.segment];
        let limit = first.position.saturating_add(max_bytes);
        let mut end = place.position;
        if limit < end {
            end = segment.boundary(first.position, limit, disk)?;
        }
        if end <= first.position {
            match min_one_batch {
                MinOneBatch::Yes => end = first.end(),
                MinOneBatch::No => return Ok(Bytes::new()),
            }
        }
        let length = (end - first.position) as usize;
        let records = disk.read_at(segment.path(), u64::from(first.position), length)?;
        if records.len() != length {
            return Err(corrupt(segment.path(), "the file is shorter than it was").into());
        }
        Ok(records)
    }

    /// How many bytes a read from `from` on could give, over all segments.
    pub fn available_bytes(
        &mut self,
        from: Offset,
        isolation: Isolation,
        disk: &mut dyn Disk,
    ) -> Result<u64, ReadError> {
        self.usable()?;
        let result = self.available_parts(from, isolation, disk);
        self.noted(result)
    }

    fn available_parts(
        &self,
        from: Offset,
        isolation: Isolation,
        disk: &mut dyn Disk,
    ) -> Result<u64, ReadError> {
        let Some((place, first)) = self.locate(from, isolation, disk)? else { return Ok(0) };
        let end = self.end_of(isolation, disk)?;
        let here = u64::from(place.position - first.position);
        if end.segment == place.segment {
            return Ok(here);
        }
        let between = &self.local.segments.all()[place.segment + 1..end.segment];
        let between: u64 = between.iter().map(|segment| u64::from(segment.size)).sum();
        Ok(here + between + u64::from(end.position))
    }

    /// The batch that holds `from`, or the next, and up to where its segment may be read.
    fn locate(
        &self,
        from: Offset,
        isolation: Isolation,
        disk: &mut dyn Disk,
    ) -> Result<Option<(Place, BatchPosition)>, ReadError> {
        let (log_start, log_end) = (self.log_start_offset, self.log_end_offset());
        let out_of_range = ReadError::OutOfRange { offset: from, log_start, log_end };
        if from < log_start || log_end < from {
            return Err(out_of_range);
        }
        let readable = match isolation {
            Isolation::LogEnd => log_end,
            Isolation::HighWatermark => self.high_watermark,
        };
        if readable <= from {
            return Ok(None);
        }
        let Some(floor) = self.local.segments.floor(from) else { return Err(out_of_range) };
        let end = self.end_of(isolation, disk)?;
        for index in floor..=end.segment {
            let segment = &self.local.segments.all()[index];
            let position = if index == end.segment { end.position } else { segment.size };
            if let Some(batch) = segment.find(from, disk)? {
                let place = Place { segment: index, position };
                return Ok((batch.position < position).then_some((place, batch)));
            }
        }
        Ok(None)
    }

    /// Up to where a read may go, as a place. A batch that only begins below the high watermark is
    /// not readable.
    fn end_of(&self, isolation: Isolation, disk: &mut dyn Disk) -> Result<Place, LogError> {
        let segments = self.local.segments.all();
        let last =
            Place { segment: segments.len() - 1, position: self.local.segments.active().size };
        match isolation {
            Isolation::LogEnd => Ok(last),
            Isolation::HighWatermark if self.high_watermark == self.log_end_offset() => Ok(last),
            Isolation::HighWatermark => {
                let segment = self.local.segments.floor(self.high_watermark).unwrap_or(0);
                let found = segments[segment].find(self.high_watermark, disk)?;
                let position = found.map_or(segments[segment].size, |batch| batch.position);
                Ok(Place { segment, position })
            }
        }
    }

    /// The first record, by offset, whose timestamp is `timestamp` or later. Looks up to the log
    /// end; whether the caller may see that far, it knows itself.
    pub fn offset_for_timestamp(
        &mut self,
        timestamp: Timestamp,
        disk: &mut dyn Disk,
    ) -> Result<Option<TimestampAndOffset>, LogError> {
        self.usable()?;
        let result = self.find_timestamp(timestamp, disk);
        self.noted(result)
    }

    fn find_timestamp(
        &self,
        timestamp: Timestamp,
        disk: &mut dyn Disk,
    ) -> Result<Option<TimestampAndOffset>, LogError> {
        for segment in self.local.segments.all() {
            if timestamp <= segment.max_so_far.timestamp
                && let Some(found) = self.find_timestamp_in(segment, timestamp, disk)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn find_timestamp_in(
        &self,
        segment: &LogSegment,
        timestamp: Timestamp,
        disk: &mut dyn Disk,
    ) -> Result<Option<TimestampAndOffset>, LogError> {
        let indexed = segment.time_index.lookup(timestamp).offset.max(self.log_start_offset);
        let mut scanner = segment.scan(segment.offset_index.lookup(indexed));
        while let Some(batch) = scanner.next_batch(disk)? {
            let batch = batch.map_err(|error| corrupt(segment.path(), &error.to_string()))?;
            let header = batch.header();
            if header.max_timestamp < timestamp || header.last_offset() < self.log_start_offset {
                continue;
            }
            if header.attributes.compression() != Compression::None {
                // What is compressed cannot be looked into: the batch stands for its records.
                return Ok(Some(TimestampAndOffset {
                    timestamp: header.max_timestamp,
                    offset: header.base_offset.max(self.log_start_offset),
                    leader_epoch: header.leader_epoch,
                }));
            }
            for record in batch.records() {
                let record = record.map_err(|error| corrupt(segment.path(), &error.to_string()))?;
                if timestamp <= record.timestamp && self.log_start_offset <= record.offset {
                    return Ok(Some(TimestampAndOffset {
                        timestamp: record.timestamp,
                        offset: record.offset,
                        leader_epoch: header.leader_epoch,
                    }));
                }
            }
        }
        Ok(None)
    }
}
