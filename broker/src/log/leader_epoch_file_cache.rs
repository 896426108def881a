//! Which leader epoch begins where.
//!
//! Mirrors `LeaderEpochFileCache` and `LeaderEpochCheckpointFile` (KIP-101, KIP-279): a list of
//! epochs with the offset of their first record, both strictly increasing, kept in memory and in
//! the text file `leader-epoch-checkpoint`. It answers the one question on which truncation rests:
//! where does epoch `e` end in this log?
//!
//! Every change is written at once and durably. Kafka writes what a truncation changed a little
//! later; as loading truncates the list again, that makes no difference.
//!
//! What this does not know: the log's end, which callers pass in.

use std::sync::Arc;

use super::{LogError, checkpoint_file};
use crate::{
    host::{Disk, DiskError},
    ids::{LeaderEpoch, Offset},
};

/// The name of the file in the partition's directory.
pub(super) const NAME: &str = "leader-epoch-checkpoint";

/// An epoch and the offset of its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// Where it begins.
    pub start_offset: Offset,
}

/// The epochs of a log.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LeaderEpochFileCache {
    path: Arc<str>,
    entries: Vec<EpochEntry>,
}

impl LeaderEpochFileCache {
    /// Reads the file of a partition's directory; empty if there is none.
    pub(super) fn load(directory: &str, disk: &mut dyn Disk) -> Result<Self, LogError> {
        let path: Arc<str> = format!("{directory}/{NAME}").into();
        let entries = checkpoint_file::read(disk, &path, parse)?.unwrap_or_default();
        let increasing = |two: &[EpochEntry]| {
            two[0].epoch < two[1].epoch && two[0].start_offset < two[1].start_offset
        };
        if entries.windows(2).all(increasing) {
            return Ok(Self { path, entries });
        }
        Err(checkpoint_file::corrupt(&path, "epochs or offsets do not increase"))
    }

    /// The entries, oldest first.
    pub(super) fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    /// The newest epoch.
    pub(super) fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|entry| entry.epoch)
    }

    /// The epoch of the record at an offset that lies in the log.
    pub(super) fn epoch_for_offset(&self, offset: Offset) -> Option<LeaderEpoch> {
        let count = self.entries.partition_point(|entry| entry.start_offset <= offset);
        count.checked_sub(1).map(|covering| self.entries[covering].epoch)
    }

    /// Notes that `epoch` begins at `start_offset`. An entry that does not lie wholly before is
    /// dropped: it wrote nothing that is still there.
    pub(super) fn assign(
        &mut self,
        epoch: LeaderEpoch,
        start_offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        if let Some(latest) = self.entries.last()
            && latest.epoch == epoch
            && latest.start_offset <= start_offset
        {
            return Ok(());
        }
        while let Some(latest) = self.entries.last()
            && (epoch <= latest.epoch || start_offset <= latest.start_offset)
        {
            self.entries.pop();
        }
        self.entries.push(EpochEntry { epoch, start_offset });
        self.persist(disk)
    }

    /// Where `epoch` ends in a log that ends at `log_end`: the greatest epoch here that is not
    /// above it, and the offset behind that one's last record. None if this log cannot tell,
    /// because it has no epochs or none so new.
    pub(super) fn end_offset_for(
        &self,
        epoch: LeaderEpoch,
        log_end: Offset,
    ) -> Option<(LeaderEpoch, Offset)> {
        if self.latest_epoch()? == epoch {
            return Some((epoch, log_end));
        }
        let count = self.entries.partition_point(|entry| entry.epoch <= epoch);
        let higher = self.entries.get(count)?;
        let floor = count.checked_sub(1).map_or(epoch, |floor| self.entries[floor].epoch);
        Some((floor, higher.start_offset))
    }

    /// Drops the epochs that begin at or after the new end of the log.
    pub(super) fn truncate_from_end(
        &mut self,
        end: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let keep = self.entries.partition_point(|entry| entry.start_offset < end);
        if keep == self.entries.len() {
            return Ok(());
        }
        self.entries.truncate(keep);
        self.persist(disk)
    }

    /// Drops the epochs that end at or before the new start of the log. The one that covers the
    /// start begins there now.
    pub(super) fn truncate_from_start(
        &mut self,
        start: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let count = self.entries.partition_point(|entry| entry.start_offset <= start);
        let Some(covering) = count.checked_sub(1) else { return Ok(()) };
        if covering == 0 && self.entries[0].start_offset == start {
            return Ok(());
        }
        self.entries.drain(..covering);
        self.entries[0].start_offset = start;
        self.persist(disk)
    }

    /// Forgets all epochs.
    pub(super) fn clear(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        self.entries.clear();
        self.persist(disk)
    }

    fn persist(&self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        let line = |entry: &EpochEntry| format!("{} {}", entry.epoch, entry.start_offset);
        checkpoint_file::write(disk, &self.path, self.entries.iter().map(line))
    }
}

fn parse(line: &str) -> Option<EpochEntry> {
    let (epoch, start_offset) = line.split_once(' ')?;
    Some(EpochEntry {
        epoch: LeaderEpoch::from_wire(epoch.parse().ok()?)?,
        start_offset: Offset::from_wire(start_offset.parse().ok()?)?,
    })
}

#[cfg(test)]
mod tests;
