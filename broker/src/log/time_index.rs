//! From a timestamp to an offset in the segment.
//!
//! Mirrors `TimeIndex`: entries of 12 bytes, big-endian, `i64` the greatest timestamp so far and
//! `i32` the last offset of the batch that has it, counted from the segment's base. An entry is
//! added with one of the offset index, and when the segment is closed, if the timestamp has grown.
//!
//! What this does not know: the positions of batches.

use super::abstract_index::{AbstractIndex, IndexEntry};
use crate::{
    host::{Disk, DiskError, Timestamp},
    ids::Offset,
};

/// The time index of a segment.
pub(super) type TimeIndex = AbstractIndex<TimeEntry>;

/// No record up to this offset has a greater timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeEntry {
    /// The timestamp in milliseconds.
    pub(super) timestamp: i64,
    /// The offset, counted from the segment's base.
    pub(super) relative: u32,
}

/// A timestamp and the offset at which it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimestampOffset {
    /// The timestamp; [`Timestamp::NONE`] if there is none yet.
    pub(super) timestamp: Timestamp,
    /// The last offset of the batch that has it; the segment's base if there is none.
    pub(super) offset: Offset,
}

impl IndexEntry for TimeEntry {
    const SIZE: usize = 12;

    fn encode(self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.timestamp.to_be_bytes());
        to.extend_from_slice(&self.relative.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let timestamp = i64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
        let relative = u32::from_be_bytes(bytes.get(8..12)?.try_into().ok()?);
        let positive = 0 <= timestamp && relative.leading_zeros() != 0;
        positive.then_some(Self { timestamp, relative })
    }

    fn relative_offset(self) -> u32 {
        self.relative
    }

    fn follows(self, earlier: Self) -> bool {
        earlier.timestamp < self.timestamp && earlier.relative < self.relative
    }
}

impl AbstractIndex<TimeEntry> {
    /// Appends an entry if the timestamp is greater than that of the last.
    pub(super) fn maybe_append(
        &mut self,
        so_far: TimestampOffset,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        if self.last().timestamp < so_far.timestamp {
            self.extend(&[self.entry(so_far)], disk)?;
        }
        Ok(())
    }

    /// The entry that says: no timestamp up to this offset is greater.
    pub(super) fn entry(&self, so_far: TimestampOffset) -> TimeEntry {
        TimeEntry { timestamp: so_far.timestamp.0, relative: self.relative(so_far.offset) }
    }

    /// The last entry; no timestamp at the segment's base if there is none.
    pub(super) fn last(&self) -> TimestampOffset {
        self.named(self.entries().last().copied())
    }

    /// From where on a timestamp at or above `target` may stand: the greatest entry not above it.
    pub(super) fn lookup(&self, target: Timestamp) -> TimestampOffset {
        let entries = self.entries();
        let count = entries.partition_point(|entry| entry.timestamp <= target.0);
        self.named(count.checked_sub(1).map(|greatest| entries[greatest]))
    }

    /// Whether the segment must be closed for want of room here. One entry is kept for closing.
    pub(super) fn is_full(&self) -> bool {
        self.room() <= 1
    }

    fn named(&self, entry: Option<TimeEntry>) -> TimestampOffset {
        let none = TimeEntry { timestamp: Timestamp::NONE.0, relative: 0 };
        let entry = entry.unwrap_or(none);
        TimestampOffset { timestamp: Timestamp(entry.timestamp), offset: self.offset(entry) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemoryDisk;

    fn at(timestamp: i64, offset: i64) -> TimestampOffset {
        TimestampOffset { timestamp: Timestamp(timestamp), offset: Offset(offset) }
    }

    fn index(disk: &mut MemoryDisk, entries: &[(i64, i64)]) -> TimeIndex {
        let mut index = TimeIndex::create("t".into(), Offset(100), 60, disk).unwrap();
        for (timestamp, offset) in entries {
            index.maybe_append(at(*timestamp, *offset), disk).unwrap();
        }
        index
    }

    #[test]
    fn only_a_greater_timestamp_is_added() {
        let index = index(&mut MemoryDisk::new(), &[(5, 101), (5, 103), (4, 105), (9, 107)]);
        assert_eq!(index.entries().len(), 2);
        assert_eq!(index.last(), at(9, 107));
    }

    #[test]
    fn a_lookup_finds_the_greatest_entry_not_above_the_target() {
        let index = index(&mut MemoryDisk::new(), &[(5, 101), (9, 107)]);
        let found = [4, 5, 8, 9, 10].map(|target| index.lookup(Timestamp(target)));
        assert_eq!(found, [at(-1, 100), at(5, 101), at(5, 101), at(9, 107), at(9, 107)]);
    }

    #[test]
    fn the_file_holds_entries_of_twelve_bytes_and_is_read_back() {
        let mut disk = MemoryDisk::new();
        let mut written = index(&mut disk, &[(258, 104)]);
        let bytes = disk.read_at("t", 0, 99).unwrap();
        assert_eq!(&bytes[..], [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 4]);
        written.flush(&mut disk).unwrap();
        let read = TimeIndex::load("t".into(), Offset(100), 60, &mut disk).unwrap();
        assert_eq!(read, Some(written));
    }

    #[test]
    fn an_index_with_room_for_one_entry_is_full() {
        assert!(!index(&mut MemoryDisk::new(), &[(1, 101), (2, 102), (3, 103)]).is_full());
        let index = index(&mut MemoryDisk::new(), &[(1, 101), (2, 102), (3, 103), (4, 104)]);
        assert!(index.is_full());
    }
}
