//! What a partition remembers of its producers, in memory and in snapshots.
//!
//! Mirrors `ProducerStateManager` (KIP-98). The state belongs to an offset, the *map end*: it is
//! what results from all batches below. Snapshots of it stand in files named after that offset, so
//! that loading need not read the whole log. **A snapshot holds only the last batch of each
//! producer**, so after a reload a producer's window is one batch, not five.
//!
//! Transactions are not modelled: the fields for them are written as Kafka writes "none".
//!
//! What this does not know: the log. Callers replay batches into it.

use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    LogError,
    log_file_utils::{SNAPSHOT, offset_of, path_of},
    producer_snapshot,
    producer_state_entry::{ProducerBatch, ProducerStateEntry},
};
use crate::{
    host::{Disk, DiskError, Timestamp},
    ids::{Offset, ProducerId},
};

/// The producers of a log.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ProducerStateManager {
    directory: Arc<str>,
    producers: BTreeMap<ProducerId, ProducerStateEntry>,
    map_end_offset: Offset,
    snapshots: BTreeSet<Offset>,
    snapshots_unsynced: BTreeSet<Offset>,
}

impl ProducerStateManager {
    /// Knows no producer yet, but which snapshots are in the directory.
    pub(super) fn open(directory: &Arc<str>, disk: &mut dyn Disk) -> Result<Self, DiskError> {
        let names = disk.list(directory)?;
        Ok(Self {
            directory: Arc::clone(directory),
            producers: BTreeMap::new(),
            map_end_offset: Offset::ZERO,
            snapshots: names.iter().filter_map(|name| offset_of(name, SNAPSHOT)).collect(),
            snapshots_unsynced: BTreeSet::new(),
        })
    }

    /// The state of one producer.
    pub(super) fn get(&self, producer: ProducerId) -> Option<&ProducerStateEntry> {
        self.producers.get(&producer)
    }

    /// How many producers are known.
    pub(super) fn len(&self) -> usize {
        self.producers.len()
    }

    /// The offset to which the state belongs.
    pub(super) fn map_end_offset(&self) -> Offset {
        self.map_end_offset
    }

    /// Says that the state belongs to `offset`.
    pub(super) fn update_map_end_offset(&mut self, offset: Offset) {
        self.map_end_offset = offset;
    }

    /// Takes in a batch that was appended.
    pub(super) fn update(&mut self, batch: &ProducerBatch) {
        let new = || ProducerStateEntry::new(batch.producer_epoch, batch.metadata);
        self.producers
            .entry(batch.producer_id)
            .and_modify(|entry| entry.add(batch.producer_epoch, batch.metadata))
            .or_insert_with(new);
    }

    /// Writes the state as it is at the map end, unless that was done or nothing lies below. It is
    /// durable only after [`Self::flush`].
    pub(super) fn take_snapshot(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        let last = self.snapshots.last().copied().unwrap_or(Offset::ZERO);
        if self.map_end_offset <= last {
            return Ok(());
        }
        let path = path_of(&self.directory, self.map_end_offset, SNAPSHOT);
        disk.create(&path)?;
        disk.append(&path, &producer_snapshot::encode(&self.producers))?;
        self.snapshots.insert(self.map_end_offset);
        self.snapshots_unsynced.insert(self.map_end_offset);
        Ok(())
    }

    /// Makes the snapshots durable that are not yet.
    pub(super) fn flush(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        while let Some(offset) = self.snapshots_unsynced.first().copied() {
            disk.sync(&path_of(&self.directory, offset, SNAPSHOT))?;
            self.snapshots_unsynced.remove(&offset);
        }
        Ok(())
    }

    /// Goes back to a state at or below `end`: that of the newest snapshot in `(start, end]`, or
    /// none. Snapshots outside are removed. If the state belongs to `end` already, it stays. The
    /// caller then replays the batches from the map end on.
    pub(super) fn truncate_and_reload(
        &mut self,
        start: Offset,
        end: Offset,
        expiry: Expiry,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let outside = |offset: &Offset| end < *offset || *offset <= start;
        for offset in self.snapshots.iter().copied().filter(outside).collect::<Vec<_>>() {
            self.remove_snapshot(offset, disk)?;
        }
        if end == self.map_end_offset {
            return Ok(());
        }
        self.producers.clear();
        self.map_end_offset = start;
        while let Some(newest) = self.snapshots.last().copied() {
            let path = path_of(&self.directory, newest, SNAPSHOT);
            let length = usize::try_from(disk.len(&path)?).unwrap_or(usize::MAX);
            if let Some(producers) = producer_snapshot::decode(&disk.read_at(&path, 0, length)?) {
                self.producers = producers;
                self.map_end_offset = newest;
                self.remove_expired(expiry);
                break;
            }
            // A damaged snapshot is as good as none: an older one and more batches do as well.
            self.remove_snapshot(newest, disk)?;
        }
        Ok(())
    }

    /// Forgets everything: the log begins anew at `offset`.
    pub(super) fn truncate_fully_and_start_at(
        &mut self,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        self.producers.clear();
        for snapshot in self.snapshots.iter().copied().collect::<Vec<_>>() {
            self.remove_snapshot(snapshot, disk)?;
        }
        self.map_end_offset = offset;
        Ok(())
    }

    /// Cuts every window to the last batch, as loading from a snapshot does.
    pub(super) fn keep_last_batches(&mut self) {
        self.producers.values_mut().for_each(ProducerStateEntry::keep_last);
    }

    /// Forgets producers that were silent for too long.
    pub(super) fn remove_expired(&mut self, expiry: Expiry) {
        self.producers.retain(|_, entry| !expiry.has_come(entry.last().timestamp));
    }

    /// Gives up the snapshot at the base of a segment that goes. Returns its path if there is one.
    pub(super) fn release_snapshot(&mut self, base_offset: Offset) -> Option<Arc<str>> {
        self.snapshots_unsynced.remove(&base_offset);
        let known = self.snapshots.remove(&base_offset);
        known.then(|| path_of(&self.directory, base_offset, SNAPSHOT))
    }

    /// Removes snapshots that belong neither to a segment nor to the newest state.
    pub(super) fn remove_stray_snapshots(
        &mut self,
        bases: &BTreeSet<Offset>,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let newest = self.snapshots.last().copied();
        let stray = |offset: &Offset| Some(*offset) != newest && !bases.contains(offset);
        for offset in self.snapshots.iter().copied().filter(stray).collect::<Vec<_>>() {
            self.remove_snapshot(offset, disk)?;
        }
        Ok(())
    }

    fn remove_snapshot(&mut self, offset: Offset, disk: &mut dyn Disk) -> Result<(), DiskError> {
        self.snapshots.remove(&offset);
        self.snapshots_unsynced.remove(&offset);
        disk.remove(&path_of(&self.directory, offset, SNAPSHOT))
    }
}

/// When a silent producer is forgotten (`producer.id.expiration.ms`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expiry {
    now: Timestamp,
    after: Duration,
}

impl Expiry {
    pub(super) fn new(now: Timestamp, after: Duration) -> Self {
        Self { now, after }
    }

    fn has_come(self, last: Timestamp) -> bool {
        let after = i64::try_from(self.after.as_millis()).unwrap_or(i64::MAX);
        after <= self.now.0.saturating_sub(last.0)
    }
}

#[cfg(test)]
mod tests;
