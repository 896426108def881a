//! What both indexes of a segment share: entries of fixed size in a file that grows.
//!
//! Mirrors `AbstractIndex`. Kafka maps a preallocated file into memory and trims it when the
//! segment is closed. Here the entries are appended to the file and kept in memory as well, so that
//! a lookup never touches the disk: the bytes are those of a trimmed index, which every tool reads.
//! An index is never the only place of anything: what it says can be rebuilt from the segment.
//!
//! What this does not know: what the entries mean.

use std::{fmt::Debug, sync::Arc};

use crate::{
    host::{Disk, DiskError},
    ids::Offset,
};

/// An entry of an index.
pub(super) trait IndexEntry: Copy + Debug + PartialEq {
    /// Its size in the file, in bytes.
    const SIZE: usize;

    /// Appends its bytes.
    fn encode(self, to: &mut Vec<u8>);

    /// Reads it from `SIZE` bytes; none if no index holds such a thing.
    fn decode(bytes: &[u8]) -> Option<Self>;

    /// Its offset, counted from the base offset of the segment.
    fn relative_offset(self) -> u32;

    /// Whether it may stand behind `earlier`.
    fn follows(self, earlier: Self) -> bool;
}

/// The entries of one index of one segment, in memory and in its file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AbstractIndex<E> {
    path: Arc<str>,
    base_offset: Offset,
    entries: Vec<E>,
    entries_max: usize,
    unsynced: bool,
}

impl<E: IndexEntry> AbstractIndex<E> {
    /// Begins an empty index in a new file.
    pub(super) fn create(
        path: Arc<str>,
        base_offset: Offset,
        bytes_max: u32,
        disk: &mut dyn Disk,
    ) -> Result<Self, DiskError> {
        disk.create(&path)?;
        Ok(Self::with(path, base_offset, bytes_max, Vec::new()))
    }

    /// Reads an index. None if the file is missing or holds what no index holds: then it must be
    /// rebuilt.
    pub(super) fn load(
        path: Arc<str>,
        base_offset: Offset,
        bytes_max: u32,
        disk: &mut dyn Disk,
    ) -> Result<Option<Self>, DiskError> {
        if !disk.exists(&path)? {
            return Ok(None);
        }
        let length = usize::try_from(disk.len(&path)?).unwrap_or(usize::MAX);
        let bytes = disk.read_at(&path, 0, length)?;
        if bytes.len() % E::SIZE != 0 {
            return Ok(None);
        }
        let entries: Option<Vec<E>> = bytes.chunks_exact(E::SIZE).map(E::decode).collect();
        let ordered = |entries: &Vec<E>| entries.windows(2).all(|two| two[1].follows(two[0]));
        let entries = entries.filter(ordered);
        Ok(entries.map(|entries| Self::with(path, base_offset, bytes_max, entries)))
    }

    fn with(path: Arc<str>, base_offset: Offset, bytes_max: u32, entries: Vec<E>) -> Self {
        let entries_max = bytes_max as usize / E::SIZE;
        Self { path, base_offset, entries, entries_max, unsynced: false }
    }

    /// The entries, by offset.
    pub(super) fn entries(&self) -> &[E] {
        &self.entries
    }

    /// How many more entries fit before the file has its largest size.
    pub(super) fn room(&self) -> usize {
        self.entries_max.saturating_sub(self.entries.len())
    }

    /// Takes over a changed `segment.index.bytes`.
    pub(super) fn resize(&mut self, bytes_max: u32) {
        self.entries_max = bytes_max as usize / E::SIZE;
    }

    /// `offset` as an entry holds it.
    pub(super) fn relative(&self, offset: Offset) -> u32 {
        u32::try_from(offset.since(self.base_offset)).expect("a segment spans less than 2^31")
    }

    /// The offset that an entry names.
    pub(super) fn offset(&self, entry: E) -> Offset {
        self.base_offset.plus(i64::from(entry.relative_offset()))
    }

    /// Appends entries in one write; each must stand behind the one before.
    pub(super) fn extend(&mut self, new: &[E], disk: &mut dyn Disk) -> Result<(), DiskError> {
        if new.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(E::SIZE * new.len());
        for entry in new {
            if let Some(last) = self.entries.last() {
                assert!(entry.follows(*last), "{}: {entry:?} after {last:?}", self.path);
            }
            entry.encode(&mut bytes);
            self.entries.push(*entry);
        }
        self.unsynced = true;
        disk.append(&self.path, &bytes)
    }

    /// Forgets all entries in memory, to be followed by [`Self::rebuild`].
    pub(super) fn forget(&mut self) {
        self.entries.clear();
    }

    /// Removes all entries at and above an offset.
    pub(super) fn truncate_to(
        &mut self,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let below = offset.since(self.base_offset);
        let keep = self.entries.partition_point(|entry| i64::from(entry.relative_offset()) < below);
        if keep == self.entries.len() {
            return Ok(());
        }
        self.entries.truncate(keep);
        self.unsynced = true;
        disk.truncate(&self.path, (keep * E::SIZE) as u64)
    }

    /// Replaces everything by what was found in the segment.
    pub(super) fn rebuild(
        &mut self,
        entries: Vec<E>,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let mut bytes = Vec::with_capacity(entries.len() * E::SIZE);
        for entry in &entries {
            entry.encode(&mut bytes);
        }
        disk.create(&self.path)?;
        if !bytes.is_empty() {
            disk.append(&self.path, &bytes)?;
        }
        self.entries = entries;
        self.unsynced = true;
        Ok(())
    }

    /// Makes it durable, if it changed.
    pub(super) fn flush(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        if self.unsynced {
            disk.sync(&self.path)?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// The path of its file.
    pub(super) fn path(&self) -> &Arc<str> {
        &self.path
    }
}
