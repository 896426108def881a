//! A disk that forgets what was not synced, and fails as disks fail.
//!
//! # The fault model
//!
//! A disk has two images: the *page cache*, which every call reads and writes, and the *platter*,
//! which is durable. Between them stands a journal of the operations that the page cache has and
//! the platter has not.
//!
//! * **Writes** (`append`, `write_at`, `truncate`, and `create` over a file that exists) are
//!   journaled for their file; `sync` of the file brings them to the platter.
//! * **Names** (`create`, `rename`, `remove`, `create_dir`, `remove_dir`) are journaled for their
//!   directory; `sync_dir` of the directory brings them to the platter. `sync` of a file does *not*
//!   make its name durable: a synced file without a durable name is lost. A rename is one change:
//!   it is durable or it is not, and never half. The root directory is durable.
//! * What has stood in the journal for 30 s ([`WRITE_BACK`]) is written back without being asked.
//! * **The end of the process** (kill -9, exit) loses nothing: the page cache is the kernel's.
//! * **A power loss** loses the page cache. What of the journal reached the platter by chance is
//!   dictated or drawn ([`Unsynced`]): all, nothing, a prefix in the order of writing, a prefix
//!   whose last write is torn, or each operation on its own. A write is torn at a boundary of
//!   sectors of 512 bytes, so what lies within one sector is there as a whole or not at all. A
//!   write that survives beyond one that does not leaves zeros between. But nothing that was
//!   written to a file after a truncation survives without it, and a sync of any file or directory
//!   makes every truncation before it durable: file systems journal changes of length in order.
//! * **A failed sync** (EIO) leaves its data marked clean, as on Linux: a later sync succeeds and
//!   does *not* bring that data to the platter. Reads still show it, until the power goes.
//! * **A failed call** (EIO, ENOSPC) has no effect. Reads fail only by decree, not by rot.
//! * **Rot** turns one bit over, silently. **Wipe** is a new, empty device.
//! * **A crash point** ends the process in the middle of a step: the operation at which it dies,
//!   and all later ones of the step, have no effect, though the process is not told.
//! * **Time**: calls take none by themselves; what they would take is added up and charged to the
//!   step. A stalled device charges the rest of the stall.
//!
//! What it does not model: pages lost by write-back alone, links, permissions, and reordering below
//! the granularity of operations other than tearing.

mod content;
mod error;
mod faults;
mod names;
mod power;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;

pub use error::{DiskError, DiskErrorKind, DiskOperation};
pub use faults::{CrashPoint, Death, DeathSwitch, DiskFault, DiskLatency, PathPattern};
pub use power::{Fate, PowerLossReport, Unsynced, UnsyncedOperation};

use crate::time::Time;
use content::Content;
use faults::Faults;
use names::{Entry, Inode, NameChange, Names};

/// After this time in the journal an operation is durable by itself.
pub const WRITE_BACK: Duration = Duration::from_secs(30);

/// The unit that a device writes as a whole, in bytes.
pub const SECTOR: u64 = 512;

/// How many names are removed between two looks for files that nobody can reach.
const REMOVALS_PER_SWEEP: u32 = 64;

/// The disk of one node. It outlives the process.
#[derive(Clone, Debug)]
pub struct Disk {
    names: Names,
    files: BTreeMap<Inode, Arc<File>>,
    /// Files with a truncation that may not be durable.
    truncated: BTreeSet<Inode>,
    faults: Faults,
    usual_latency: DiskLatency,
    used: u64,
    sequence: u64,
    removals: u32,
    now: Time,
    charged: u64,
    /// What the disk was when the process died in the middle of a step.
    at_death: Option<Box<(CrashPoint, Disk)>>,
}

#[derive(Clone, Debug, Default)]
struct File {
    cached: Content,
    durable: Content,
    journal: VecDeque<DataOperation>,
    /// What a failed sync marked clean.
    abandoned: Vec<DataOperation>,
}

#[derive(Clone, Debug)]
struct DataOperation {
    sequence: u64,
    at: Time,
    operation: DiskOperation,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Write { position: u64, bytes: Bytes },
    Truncate { length: u64 },
}

impl Change {
    fn apply(&self, content: &mut Content) {
        match self {
            Self::Write { position, bytes } => content.write(*position, bytes.clone()),
            Self::Truncate { length } => content.truncate(*length),
        }
    }
}

impl File {
    /// Brings to the platter what was written before `then`.
    fn write_back(&mut self, then: Time) {
        while self.journal.front().is_some_and(|operation| operation.at < then) {
            if let Some(operation) = self.journal.pop_front() {
                operation.change.apply(&mut self.durable);
            }
        }
    }

    /// Brings to the platter everything up to the last truncation.
    fn commit_truncations(&mut self) {
        let is_truncation =
            |operation: &DataOperation| matches!(operation.change, Change::Truncate { .. });
        let Some(last) = self.journal.iter().rposition(is_truncation) else { return };
        for operation in self.journal.drain(..=last) {
            operation.change.apply(&mut self.durable);
        }
    }
}

/// The calls of a process.
impl Disk {
    /// Creates an empty file. One that exists is emptied.
    pub fn create(&mut self, path: &str) -> Result<(), DiskError> {
        const CALL: DiskOperation = DiskOperation::Create;
        self.enter(CALL, path)?;
        if let Some(inode) = self.names.file(path) {
            self.change(inode, CALL, Change::Truncate { length: 0 });
            return Ok(());
        }
        let (directory, name) = self.names.parent(path).ok_or_else(|| not_found(CALL, path))?;
        let inode = self.names.new_inode();
        self.files.insert(inode, Arc::default());
        let entry = Some(Entry::File(inode));
        self.rename_entries(CALL, path, vec![NameChange { directory, name: name.into(), entry }]);
        Ok(())
    }

    /// Appends to a file that exists.
    pub fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.enter(DiskOperation::Append, path)?;
        let inode = self.file(DiskOperation::Append, path)?;
        let position = self.files[&inode].cached.len();
        self.write(DiskOperation::Append, path, (inode, position), bytes)
    }

    /// Writes at a position of a file that exists; a gap before it reads as zeros.
    pub fn write_at(&mut self, path: &str, position: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.enter(DiskOperation::WriteAt, path)?;
        let inode = self.file(DiskOperation::WriteAt, path)?;
        self.write(DiskOperation::WriteAt, path, (inode, position), bytes)
    }

    /// Reads up to `length` bytes: fewer only at the end of the file.
    pub fn read_at(
        &mut self,
        path: &str,
        position: u64,
        length: usize,
    ) -> Result<Bytes, DiskError> {
        self.enter(DiskOperation::ReadAt, path)?;
        let inode = self.file(DiskOperation::ReadAt, path)?;
        Ok(self.files[&inode].cached.read(position, length))
    }

    /// The length of a file in bytes.
    pub fn len(&mut self, path: &str) -> Result<u64, DiskError> {
        self.enter(DiskOperation::Len, path)?;
        let inode = self.file(DiskOperation::Len, path)?;
        Ok(self.files[&inode].cached.len())
    }

    /// Whether a file or directory of this name exists.
    pub fn exists(&mut self, path: &str) -> Result<bool, DiskError> {
        self.enter(DiskOperation::Exists, path)?;
        Ok(self.names.find(path).is_some())
    }

    /// Cuts a file, or extends it with zeros that take no room.
    pub fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError> {
        self.enter(DiskOperation::Truncate, path)?;
        let inode = self.file(DiskOperation::Truncate, path)?;
        self.change(inode, DiskOperation::Truncate, Change::Truncate { length });
        Ok(())
    }

    /// Renames a file or a directory; a file that has the new name is replaced.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        const CALL: DiskOperation = DiskOperation::Rename;
        self.enter(CALL, from)?;
        let entry = self.names.find(from).ok_or_else(|| not_found(CALL, from))?;
        let (old, old_name) = self.names.parent(from).ok_or_else(|| not_found(CALL, from))?;
        let (new, new_name) = self.names.parent(to).ok_or_else(|| not_found(CALL, to))?;
        if from == to {
            return Ok(());
        }
        if let Some(Entry::File(replaced)) = self.names.find(to) {
            self.used -= self.files[&replaced].cached.allocated();
        }
        let buries_directory = self.names.directory(to).is_some();
        let changes = vec![
            NameChange { directory: old, name: old_name.into(), entry: None },
            NameChange { directory: new, name: new_name.into(), entry: Some(entry) },
        ];
        self.rename_entries(CALL, from, changes);
        if buries_directory {
            self.count_used();
        }
        Ok(())
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        const CALL: DiskOperation = DiskOperation::Remove;
        self.enter(CALL, path)?;
        let inode = self.file(CALL, path)?;
        let (directory, name) = self.names.parent(path).ok_or_else(|| not_found(CALL, path))?;
        self.used -= self.files[&inode].cached.allocated();
        let change = NameChange { directory, name: name.into(), entry: None };
        self.rename_entries(CALL, path, vec![change]);
        Ok(())
    }

    /// Creates a directory and those above it. One that exists is left as it is.
    pub fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        const CALL: DiskOperation = DiskOperation::CreateDir;
        self.enter(CALL, path)?;
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for level in ends.map(|end| &path[..end]).filter(|level| !level.is_empty()) {
            if self.names.directory(level).is_some() {
                continue;
            }
            let (directory, name) =
                self.names.parent(level).ok_or_else(|| not_found(CALL, level))?;
            let inode = self.names.new_inode();
            self.names.add_directory(inode);
            let entry = Some(Entry::Directory(inode));
            let change = NameChange { directory, name: name.into(), entry };
            self.rename_entries(CALL, level, vec![change]);
        }
        Ok(())
    }

    /// Removes a directory with all that is in it.
    pub fn remove_dir(&mut self, path: &str) -> Result<(), DiskError> {
        const CALL: DiskOperation = DiskOperation::RemoveDir;
        self.enter(CALL, path)?;
        self.names.directory(path).ok_or_else(|| not_found(CALL, path))?;
        let (directory, name) = self.names.parent(path).ok_or_else(|| not_found(CALL, path))?;
        let change = NameChange { directory, name: name.into(), entry: None };
        self.rename_entries(CALL, path, vec![change]);
        self.sweep();
        self.count_used();
        Ok(())
    }

    /// The names in a directory, files and directories alike, sorted.
    pub fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError> {
        self.enter(DiskOperation::List, path)?;
        let directory = self.names.directory(path);
        let directory = directory.ok_or_else(|| not_found(DiskOperation::List, path))?;
        Ok(self.names.list(directory))
    }

    /// Makes the content of a file durable (fsync).
    pub fn sync(&mut self, path: &str) -> Result<(), DiskError> {
        const CALL: DiskOperation = DiskOperation::Sync;
        let entered = self.enter(CALL, path);
        let inode = self.file(CALL, path)?;
        let file = Arc::make_mut(self.files.get_mut(&inode).expect("a name has its file"));
        if entered.is_err() {
            file.abandoned.extend(std::mem::take(&mut file.journal));
            return entered;
        }
        file.write_back(Time::NEVER);
        self.commit_truncations();
        Ok(())
    }

    /// Makes the names in a directory durable (fsync of the directory).
    pub fn sync_dir(&mut self, path: &str) -> Result<(), DiskError> {
        const CALL: DiskOperation = DiskOperation::SyncDir;
        let entered = self.enter(CALL, path);
        let directory = self.names.directory(path).ok_or_else(|| not_found(CALL, path))?;
        if entered.is_err() {
            self.names.abandon(directory);
            return entered;
        }
        self.names.sync(directory);
        self.commit_truncations();
        Ok(())
    }

    /// A successful sync commits the file system's journal, and with it every truncation so far.
    fn commit_truncations(&mut self) {
        for inode in std::mem::take(&mut self.truncated) {
            if let Some(file) = self.files.get_mut(&inode) {
                Arc::make_mut(file).commit_truncations();
            }
        }
    }

    /// Tells an outbox of another type whether what is left in it still has an effect.
    pub fn death_switch(&self) -> DeathSwitch {
        self.faults.switch()
    }

    /// Every call begins here: it takes its time, may be the last, and may fail by decree.
    fn enter(&mut self, operation: DiskOperation, path: &str) -> Result<(), DiskError> {
        let now = Time(self.now.0 + self.charged);
        if let Some(point) = self.faults.crash(operation, path) {
            self.at_death = Some(Box::new((point, self.clone())));
        }
        self.charged += self.faults.cost(operation, now);
        match self.faults.failure(operation, path) {
            Some(kind) => Err(DiskError { operation, path: path.to_owned(), kind }),
            None => Ok(()),
        }
    }

    fn file(&mut self, operation: DiskOperation, path: &str) -> Result<Inode, DiskError> {
        self.names.open(path).ok_or_else(|| not_found(operation, path))
    }

    fn write(
        &mut self,
        operation: DiskOperation,
        path: &str,
        (inode, position): (Inode, u64),
        bytes: &[u8],
    ) -> Result<(), DiskError> {
        if self.faults.capacity.is_some_and(|capacity| capacity < self.used + bytes.len() as u64) {
            return Err(DiskError { operation, path: path.to_owned(), kind: DiskErrorKind::Full });
        }
        let bytes = Bytes::copy_from_slice(bytes);
        self.change(inode, operation, Change::Write { position, bytes });
        Ok(())
    }

    fn change(&mut self, inode: Inode, operation: DiskOperation, change: Change) {
        let (sequence, at) = self.next_change();
        if matches!(change, Change::Truncate { .. }) {
            self.truncated.insert(inode);
        }
        let file = Arc::make_mut(self.files.get_mut(&inode).expect("a name has its file"));
        let before = file.cached.allocated();
        change.apply(&mut file.cached);
        self.used = self.used + file.cached.allocated() - before;
        file.write_back(written_back(at));
        file.journal.push_back(DataOperation { sequence, at, operation, change });
    }

    fn rename_entries(&mut self, operation: DiskOperation, path: &str, changes: Vec<NameChange>) {
        let (sequence, at) = self.next_change();
        if changes.iter().any(|change| change.entry.is_none()) {
            self.removals += 1;
        }
        self.names.write_back(written_back(at));
        self.names.change((sequence, at), operation, path, changes);
        if REMOVALS_PER_SWEEP <= self.removals {
            self.sweep();
        }
    }

    fn next_change(&mut self) -> (u64, Time) {
        self.sequence += 1;
        (self.sequence, Time(self.now.0 + self.charged))
    }

    /// Drops files that have no name anywhere.
    fn sweep(&mut self) {
        self.removals = 0;
        let reachable = self.names.sweep();
        self.files.retain(|inode, _| reachable.contains(inode));
    }

    fn count_used(&mut self) {
        let files = self.names.files();
        self.used = files.iter().map(|(_, inode)| self.files[inode].cached.allocated()).sum();
    }
}

/// The world's side.
impl Disk {
    /// An empty disk whose calls usually take so long.
    pub fn new(latency: DiskLatency) -> Self {
        Self {
            names: Names::new(),
            files: BTreeMap::new(),
            truncated: BTreeSet::new(),
            faults: Faults::new(latency),
            usual_latency: latency,
            used: 0,
            sequence: 0,
            removals: 0,
            now: Time(0),
            charged: 0,
            at_death: None,
        }
    }

    /// Every file in the page cache, sorted by path.
    pub fn paths(&self) -> Vec<String> {
        self.names.files().into_iter().map(|(path, _)| path).collect()
    }

    /// What a file holds in the page cache: for oracles, without faults and without cost.
    pub fn peek(&self, path: &str) -> Option<Bytes> {
        let content = &self.files[&self.names.file(path)?].cached;
        Some(content.read(0, usize::try_from(content.len()).unwrap_or(usize::MAX)))
    }

    /// How many bytes take room.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Brings a fault upon the disk, at `now`.
    pub fn apply(&mut self, fault: DiskFault, now: Time) {
        match fault {
            DiskFault::Fail { operations, path, count } => {
                self.faults.fail(operations, path, count);
            }
            DiskFault::Heal => self.faults.heal(self.usual_latency),
            DiskFault::Capacity(bytes) => self.faults.capacity = bytes,
            DiskFault::Fill => self.faults.capacity = Some(self.used),
            DiskFault::Stall(duration) => self.faults.stall_until(now.plus(duration)),
            DiskFault::Latency(latency) => self.faults.latency = latency,
            DiskFault::FlipBit { path, bit } => self.flip(&path, bit),
            DiskFault::Wipe => *self = Self { faults: self.faults.clone(), ..self.emptied() },
            DiskFault::CrashAt(point) => self.faults.crash_at(point),
        }
    }

    fn emptied(&self) -> Self {
        Self { now: self.now, ..Self::new(self.usual_latency) }
    }

    fn flip(&mut self, path: &str, bit: u64) {
        let Some(inode) = self.names.file(path) else { return };
        let file = Arc::make_mut(self.files.get_mut(&inode).expect("a name has its file"));
        file.cached.flip(bit);
        file.durable.flip(bit);
    }

    /// A step begins at `now`.
    pub(crate) fn begin(&mut self, now: Time) {
        self.now = now;
        self.charged = 0;
        self.faults.begin_step();
    }

    /// A step has ended: how long its calls took, and where it died, if it did. After a death the
    /// disk is as it was then.
    pub(crate) fn end(&mut self) -> (Duration, Option<CrashPoint>) {
        let died = self.at_death.take().map(|death| {
            let (point, disk) = *death;
            *self = disk;
            point
        });
        (Duration::from_nanos(std::mem::take(&mut self.charged)), died)
    }

    /// A new incarnation of the process begins.
    pub(crate) fn revive(&mut self) {
        self.faults.revive();
    }
}

/// What was changed before this moment has been written back at `now`.
fn written_back(now: Time) -> Time {
    Time(now.0.saturating_sub(crate::time::nanos(WRITE_BACK)))
}

fn not_found(operation: DiskOperation, path: &str) -> DiskError {
    DiskError { operation, path: path.to_owned(), kind: DiskErrorKind::NotFound }
}
