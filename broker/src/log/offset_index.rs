//! From an offset to a position in the segment's file.
//!
//! Mirrors `OffsetIndex`: entries of 8 bytes, big-endian, `i32` offset from the segment's base and
//! `i32` position; about one for each `index.interval.bytes`. An entry names the *last* offset of
//! what was appended at its position, so the batch that holds an offset stands at or behind the
//! position of the greatest entry not above that offset.
//!
//! What this does not know: what stands at the positions.

use super::abstract_index::{AbstractIndex, IndexEntry};
use crate::ids::Offset;

/// The offset index of a segment.
pub(super) type OffsetIndex = AbstractIndex<OffsetEntry>;

/// At this position stands what ends with this offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetEntry {
    /// The offset, counted from the segment's base.
    pub(super) relative: u32,
    /// The position in the segment's file.
    pub(super) position: u32,
}

impl IndexEntry for OffsetEntry {
    const SIZE: usize = 8;

    fn encode(self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.relative.to_be_bytes());
        to.extend_from_slice(&self.position.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let relative = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
        let position = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
        let positive = relative.leading_zeros() != 0 && position.leading_zeros() != 0;
        positive.then_some(Self { relative, position })
    }

    fn relative_offset(self) -> u32 {
        self.relative
    }

    fn follows(self, earlier: Self) -> bool {
        earlier.relative < self.relative && earlier.position < self.position
    }
}

impl AbstractIndex<OffsetEntry> {
    /// The entry that says: at `position` stands what ends with `offset`.
    pub(super) fn entry(&self, offset: Offset, position: u32) -> OffsetEntry {
        OffsetEntry { relative: self.relative(offset), position }
    }

    /// Where to begin to look for `target`: the start of the file if no entry helps.
    pub(super) fn lookup(&self, target: Offset) -> u32 {
        let below = target.since(self.offset(OffsetEntry { relative: 0, position: 0 }));
        let entries = self.entries();
        let count = entries.partition_point(|entry| i64::from(entry.relative) <= below);
        count.checked_sub(1).map_or(0, |greatest| entries[greatest].position)
    }

    /// The position of the last entry; the start of the file if there is none.
    pub(super) fn last_position(&self) -> u32 {
        self.entries().last().map_or(0, |entry| entry.position)
    }

    /// Whether the segment must be closed for want of room here.
    pub(super) fn is_full(&self) -> bool {
        self.room() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Disk, MemoryDisk};

    fn index(disk: &mut MemoryDisk, entries: &[(i64, u32)]) -> OffsetIndex {
        let mut index = OffsetIndex::create("i".into(), Offset(100), 64, disk).unwrap();
        for (offset, position) in entries {
            index.extend(&[index.entry(Offset(*offset), *position)], disk).unwrap();
        }
        index
    }

    #[test]
    fn a_lookup_finds_the_greatest_entry_not_above_the_target() {
        let index = index(&mut MemoryDisk::new(), &[(104, 50), (109, 80), (120, 200)]);
        let positions = [99, 100, 103, 104, 105, 108, 109, 119, 120, 5000]
            .map(|target| index.lookup(Offset(target)));
        assert_eq!(positions, [0, 0, 0, 50, 50, 50, 80, 80, 200, 200]);
    }

    #[test]
    fn the_file_holds_entries_of_eight_bytes_and_is_read_back() {
        let mut disk = MemoryDisk::new();
        let mut written = index(&mut disk, &[(104, 50), (109, 80)]);
        let bytes = disk.read_at("i", 0, 99).unwrap();
        assert_eq!(&bytes[..], [0, 0, 0, 4, 0, 0, 0, 50, 0, 0, 0, 9, 0, 0, 0, 80]);
        written.flush(&mut disk).unwrap();
        let read = OffsetIndex::load("i".into(), Offset(100), 64, &mut disk).unwrap();
        assert_eq!(read, Some(written));
    }

    #[test]
    fn truncation_removes_the_entries_at_and_above_the_offset() {
        let mut disk = MemoryDisk::new();
        let mut index = index(&mut disk, &[(104, 50), (109, 80)]);
        index.truncate_to(Offset(109), &mut disk).unwrap();
        assert_eq!((index.last_position(), disk.len("i").unwrap()), (50, 8));
        index.truncate_to(Offset(100), &mut disk).unwrap();
        assert_eq!((index.last_position(), disk.len("i").unwrap()), (0, 0));
    }

    #[test]
    fn an_index_is_full_when_its_file_has_its_largest_size() {
        let entries: Vec<_> = (1..=8).map(|n| (100 + n, u32::try_from(n).unwrap())).collect();
        assert!(!index(&mut MemoryDisk::new(), &entries[..7]).is_full());
        assert!(index(&mut MemoryDisk::new(), &entries).is_full());
    }

    #[test]
    fn a_file_that_is_no_index_is_not_read() {
        let entry = |offset: u32, position: u32| [offset.to_be_bytes(), position.to_be_bytes()];
        let bad = [
            vec![0; 7],
            [entry(4, 50), entry(4, 80)].concat().concat(),
            [entry(4, 50), entry(5, 50)].concat().concat(),
            entry(u32::MAX, 1).concat(),
            vec![0; 16],
        ];
        for bytes in bad {
            let mut disk = MemoryDisk::new();
            disk.create("i").unwrap();
            disk.append("i", &bytes).unwrap();
            let read = OffsetIndex::load("i".into(), Offset(100), 64, &mut disk).unwrap();
            assert_eq!(read, None, "{bytes:?}");
        }
        let read = OffsetIndex::load("x".into(), Offset(100), 64, &mut MemoryDisk::new());
        assert_eq!(read, Ok(None));
    }
}
