//! A disk that writes down what is done to it, fails when asked, and forgets in a power loss
//! everything that was not synced.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::host::{Disk, DiskError, DiskErrorKind, DiskOperation, MemoryDisk};

/// Rule: what was synced is kept; a name is kept if its directory was synced after it was made.
#[derive(Clone, Default)]
pub(super) struct TestDisk {
    live: MemoryDisk,
    /// The content of files when they were last synced, under their live names.
    synced: BTreeMap<String, Bytes>,
    durable_files: BTreeMap<String, Bytes>,
    durable_dirs: BTreeSet<String>,
    /// What was done, in order.
    pub(super) journal: Vec<String>,
    mutations: u64,
    /// From this mutating call on, every call fails.
    fails_at: Option<u64>,
}

impl TestDisk {
    pub(super) fn note(&mut self, what: &str) {
        self.journal.push(what.to_owned());
    }

    pub(super) fn mutations(&self) -> u64 {
        self.mutations
    }

    /// Fails the mutating calls from the `nth` from now on (0 is the next).
    pub(super) fn fail_after(&mut self, nth: u64) {
        self.fails_at = Some(self.mutations + nth);
    }

    pub(super) fn repair(&mut self) {
        self.fails_at = None;
    }

    /// What is left after a power loss that takes everything unsynced.
    pub(super) fn after_power_loss(&self) -> Self {
        let mut left = Self::default();
        for directory in &self.durable_dirs {
            if ancestors(directory).all(|above| self.durable_dirs.contains(above)) {
                left.live.create_dir(directory).unwrap();
                left.durable_dirs.insert(directory.clone());
            }
        }
        for (path, content) in &self.durable_files {
            if left.live.create(path).is_ok() {
                left.live.append(path, content).unwrap();
                left.synced.insert(path.clone(), content.clone());
                left.durable_files.insert(path.clone(), content.clone());
            }
        }
        left
    }

    fn mutate(&mut self, operation: DiskOperation, path: &str) -> Result<(), DiskError> {
        let number = self.mutations;
        self.mutations += 1;
        self.journal.push(format!("{operation} {path}"));
        if self.fails_at.is_some_and(|from| from <= number) {
            return Err(DiskError { operation, path: path.to_owned(), kind: DiskErrorKind::Io });
        }
        Ok(())
    }

    fn content(&mut self, path: &str) -> Bytes {
        self.live.read_at(path, 0, usize::MAX).unwrap()
    }
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

impl Disk for TestDisk {
    fn create(&mut self, path: &str) -> Result<(), DiskError> {
        self.mutate(DiskOperation::Create, path)?;
        self.live.create(path)
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.mutate(DiskOperation::Append, path)?;
        self.live.append(path, bytes)
    }

    fn write_at(&mut self, path: &str, position: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.mutate(DiskOperation::WriteAt, path)?;
        self.live.write_at(path, position, bytes)
    }

    fn read_at(&mut self, path: &str, position: u64, length: usize) -> Result<Bytes, DiskError> {
        self.live.read_at(path, position, length)
    }

    fn len(&mut self, path: &str) -> Result<u64, DiskError> {
        self.live.len(path)
    }

    fn exists(&mut self, path: &str) -> Result<bool, DiskError> {
        self.live.exists(path)
    }

    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError> {
        self.mutate(DiskOperation::Truncate, path)?;
        self.live.truncate(path, length)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.mutate(DiskOperation::Rename, from)?;
        self.live.rename(from, to)?;
        if let Some(content) = self.synced.remove(from) {
            self.synced.insert(to.to_owned(), content);
        }
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        self.mutate(DiskOperation::Remove, path)?;
        self.synced.remove(path);
        self.live.remove(path)
    }

    fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.mutate(DiskOperation::CreateDir, path)?;
        self.live.create_dir(path)
    }

    fn remove_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.mutate(DiskOperation::RemoveDir, path)?;
        self.live.remove_dir(path)
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError> {
        self.live.list(path)
    }

    fn sync(&mut self, path: &str) -> Result<(), DiskError> {
        self.mutate(DiskOperation::Sync, path)?;
        self.live.sync(path)?;
        let content = self.content(path);
        self.synced.insert(path.to_owned(), content.clone());
        if let Some(durable) = self.durable_files.get_mut(path) {
            *durable = content;
        }
        Ok(())
    }

    fn sync_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.mutate(DiskOperation::SyncDir, path)?;
        let names = self.live.list(path)?;
        self.durable_files.retain(|file, _| parent(file) != path);
        for name in names {
            let full = if path.is_empty() { name } else { format!("{path}/{name}") };
            if self.live.len(&full).is_ok() {
                let content = self.synced.get(&full).cloned().unwrap_or_default();
                self.durable_files.insert(full, content);
            } else {
                self.durable_dirs.insert(full);
            }
        }
        Ok(())
    }
}
