//! What a power loss leaves of what was not synced.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use serde::Serialize;

use super::{Change, DataOperation, Disk, DiskOperation, File, Inode, SECTOR, written_back};
use crate::{draws::Stream, time::Time};

/// What becomes of unsynced operations at a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Unsynced {
    /// All had reached the platter.
    Keep,
    /// None had.
    Drop,
    /// Those up to a drawn one had, in the order in which they were made.
    Prefix,
    /// As a prefix, and a drawn write that spans sectors is torn: it ends at a boundary of sectors.
    /// Without such a write it is a prefix.
    Torn,
    /// Each had or had not, or was torn, on its own; but for what was written to a file after a
    /// truncation that had not: that had not either.
    EachOnItsOwn,
    /// One of the others is drawn.
    BySeed,
}

/// What became of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Fate {
    /// It had reached the platter.
    Kept,
    /// It had not.
    Dropped,
    /// Only so many of its bytes had.
    Torn(u64),
}

/// An operation that was not durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsyncedOperation {
    /// The file as it was called last; for changes of names, the name.
    pub path: String,
    /// Which call made it.
    pub operation: DiskOperation,
    /// Where in the file it begins; for a truncation, the new length.
    pub position: u64,
    /// How many bytes it wrote.
    pub length: u64,
    /// When it was made.
    pub made_at: Time,
}

/// What a power loss did to a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerLossReport {
    /// The mode; a drawn one, if it was left to the seed.
    pub mode: Unsynced,
    /// Every operation that was not durable, in order, and what became of it.
    pub operations: Vec<(UnsyncedOperation, Fate)>,
}

impl PowerLossReport {
    /// What was lost of a file, wholly or in part, in order.
    pub fn lost(&self, path: &str) -> impl Iterator<Item = &(UnsyncedOperation, Fate)> {
        let lost = |fate: &Fate| match fate {
            Fate::Kept => false,
            Fate::Dropped | Fate::Torn(_) => true,
        };
        self.operations.iter().filter(move |(op, fate)| op.path == path && lost(fate))
    }
}

/// An unsynced operation on its way to its fate.
struct Pending {
    sequence: u64,
    told: UnsyncedOperation,
    /// A failed sync marked it clean: nothing can save it.
    abandoned: bool,
}

impl Disk {
    /// What of a file would be lost now by a power loss that keeps nothing, in order.
    pub fn unsynced(&self, path: &str) -> Vec<UnsyncedOperation> {
        let pending = self.pending(self.now);
        pending.into_iter().map(|p| p.told).filter(|told| told.path == path).collect()
    }

    /// The power goes. The page cache is lost; what becomes of the rest is `mode`, drawn by
    /// `stream`.
    pub(crate) fn lose_power(
        &mut self,
        mode: Unsynced,
        stream: &mut Stream,
        now: Time,
    ) -> PowerLossReport {
        let then = written_back(now);
        self.names.write_back(then);
        for file in self.files.values_mut().filter(|file| !file.journal.is_empty()) {
            Arc::make_mut(file).write_back(then);
        }
        let mode = drawn(mode, stream);
        let pending = self.pending(now);
        let fates = fates(mode, &pending, stream);
        let by_sequence: BTreeMap<u64, Fate> =
            pending.iter().map(|p| p.sequence).zip(fates.iter().copied()).collect();
        for file in self.files.values_mut() {
            settle(Arc::make_mut(file), &by_sequence);
        }
        self.names.lose_power(|sequence| by_sequence.get(&sequence) == Some(&Fate::Kept));
        self.sweep();
        self.count_used();
        let told = pending.into_iter().map(|p| p.told);
        PowerLossReport { mode, operations: told.zip(fates).collect() }
    }

    /// Every operation that is not durable, in the order of making.
    fn pending(&self, now: Time) -> Vec<Pending> {
        let then = written_back(now);
        let paths: BTreeMap<Inode, String> =
            self.names.files().into_iter().map(|(path, inode)| (inode, path)).collect();
        let mut pending = Vec::new();
        for (inode, file) in &self.files {
            let path = paths.get(inode).map_or("(removed)", String::as_str);
            let waiting = file.journal.iter().filter(|op| then <= op.at);
            pending.extend(waiting.map(|op| told(op, path, false)));
            pending.extend(file.abandoned.iter().map(|op| told(op, path, true)));
        }
        pending.extend(self.names.journal().filter(|op| then <= op.at).map(|op| Pending {
            sequence: op.sequence,
            told: UnsyncedOperation {
                path: op.path.as_ref().to_owned(),
                operation: op.operation,
                position: 0,
                length: 0,
                made_at: op.at,
            },
            abandoned: false,
        }));
        pending.sort_by_key(|p| p.sequence);
        pending
    }
}

fn told(operation: &DataOperation, path: &str, abandoned: bool) -> Pending {
    let (position, length) = match &operation.change {
        Change::Write { position, bytes } => (*position, bytes.len() as u64),
        Change::Truncate { length } => (*length, 0),
    };
    Pending {
        sequence: operation.sequence,
        told: UnsyncedOperation {
            path: path.to_owned(),
            operation: operation.operation,
            position,
            length,
            made_at: operation.at,
        },
        abandoned,
    }
}

/// The platter gets what was kept, and the page cache is what the platter has.
fn settle(file: &mut File, fates: &BTreeMap<u64, Fate>) {
    for operation in std::mem::take(&mut file.journal) {
        match (fates.get(&operation.sequence), operation.change) {
            (Some(Fate::Kept), change) => change.apply(&mut file.durable),
            (Some(Fate::Torn(kept)), Change::Write { position, bytes }) => {
                let kept = usize::try_from(*kept).unwrap_or(bytes.len()).min(bytes.len());
                file.durable.write(position, Bytes::slice(&bytes, ..kept));
            }
            (Some(Fate::Dropped | Fate::Torn(_)) | None, _) => {}
        }
    }
    file.abandoned.clear();
    file.cached = file.durable.clone();
}

fn drawn(mode: Unsynced, stream: &mut Stream) -> Unsynced {
    const MODES: [Unsynced; 5] =
        [Unsynced::Keep, Unsynced::Drop, Unsynced::Prefix, Unsynced::Torn, Unsynced::EachOnItsOwn];
    match mode {
        Unsynced::BySeed => MODES[stream.below(MODES.len())],
        Unsynced::Keep
        | Unsynced::Drop
        | Unsynced::Prefix
        | Unsynced::Torn
        | Unsynced::EachOnItsOwn => mode,
    }
}

fn fates(mode: Unsynced, pending: &[Pending], stream: &mut Stream) -> Vec<Fate> {
    let mut fates = match mode {
        Unsynced::Keep => vec![Fate::Kept; pending.len()],
        Unsynced::Drop | Unsynced::BySeed => vec![Fate::Dropped; pending.len()],
        Unsynced::Prefix => prefix(pending.len(), stream),
        Unsynced::Torn => torn(pending, stream),
        Unsynced::EachOnItsOwn => each_on_its_own(pending, stream),
    };
    for (fate, _) in fates.iter_mut().zip(pending).filter(|(_, pending)| pending.abandoned) {
        *fate = Fate::Dropped;
    }
    fates
}

fn prefix(length: usize, stream: &mut Stream) -> Vec<Fate> {
    let kept = stream.below(length + 1);
    (0..length).map(|at| if at < kept { Fate::Kept } else { Fate::Dropped }).collect()
}

fn torn(pending: &[Pending], stream: &mut Stream) -> Vec<Fate> {
    let can_tear = |p: &Pending| !p.abandoned && !boundaries(p).is_empty();
    let candidates: Vec<_> =
        pending.iter().enumerate().filter(|(_, p)| can_tear(p)).map(|(at, _)| at).collect();
    if candidates.is_empty() {
        return prefix(pending.len(), stream);
    }
    let torn = candidates[stream.below(candidates.len())];
    let mut fates = vec![Fate::Dropped; pending.len()];
    fates[..torn].fill(Fate::Kept);
    fates[torn] = tear(&pending[torn], stream);
    fates
}

/// A file system keeps the changes of one file's length in order: when a truncation was lost, what
/// was written to the file after it is lost too. Else bytes that were cut away would stand before
/// those written in their place.
fn each_on_its_own(pending: &[Pending], stream: &mut Stream) -> Vec<Fate> {
    let mut truncation_lost = BTreeSet::new();
    let mut fate_of = |operation: &Pending| {
        let drawn = on_its_own(operation, stream);
        if truncation_lost.contains(&operation.told.path) {
            return Fate::Dropped;
        }
        if drawn == Fate::Dropped && operation.told.operation == DiskOperation::Truncate {
            truncation_lost.insert(operation.told.path.clone());
        }
        drawn
    };
    pending.iter().map(&mut fate_of).collect()
}

fn on_its_own(pending: &Pending, stream: &mut Stream) -> Fate {
    match stream.below(8) {
        0..=2 => Fate::Dropped,
        3 if !boundaries(pending).is_empty() => tear(pending, stream),
        _ => Fate::Kept,
    }
}

fn tear(pending: &Pending, stream: &mut Stream) -> Fate {
    let boundaries = boundaries(pending);
    let first = boundaries.start * SECTOR;
    let at = first + stream.below(boundaries.count()) as u64 * SECTOR;
    Fate::Torn(at - pending.told.position)
}

/// The sector boundaries, as sector numbers, strictly inside the write.
fn boundaries(pending: &Pending) -> std::ops::Range<u64> {
    let UnsyncedOperation { position, length, .. } = pending.told;
    position / SECTOR + 1..(position + length).div_ceil(SECTOR)
}
