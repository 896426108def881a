//! A disk that forgets in a power loss what was not synced, and that can be made to lie.
//!
//! A file's content survives as it was at its last sync, its name if its directory was synced
//! since. What a file was when its directory was synced is not known if it never was: it is empty.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::host::{Disk, DiskError, MemoryDisk};

/// A disk with a page cache.
#[derive(Clone, Debug, Default)]
pub(super) struct LossyDisk {
    cache: MemoryDisk,
    directories: Vec<String>,
    /// The content of the files in the cache at their last sync.
    synced: BTreeMap<String, Bytes>,
    /// The files that survive.
    durable: BTreeMap<String, Bytes>,
    /// Files whose path ends so are not synced, though the disk says that they are.
    lies_about: Option<&'static str>,
}

impl LossyDisk {
    /// A disk that does not sync files whose path ends so, if any.
    pub(super) fn lying_about(end: Option<&'static str>) -> Self {
        Self { lies_about: end, ..Self::default() }
    }

    /// The power fails: only what was synced is left.
    pub(super) fn lose_power(&mut self) {
        self.cache = MemoryDisk::new();
        for directory in &self.directories {
            self.cache.create_dir(directory).unwrap();
        }
        for (path, content) in &self.durable {
            self.cache.create(path).unwrap();
            self.cache.append(path, content).unwrap();
        }
        self.synced.clone_from(&self.durable);
    }

    fn lies(&self, path: &str) -> bool {
        self.lies_about.is_some_and(|end| path.ends_with(end))
    }
}

fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

impl Disk for LossyDisk {
    fn create(&mut self, path: &str) -> Result<(), DiskError> {
        self.synced.remove(path);
        self.cache.create(path)
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.cache.append(path, bytes)
    }

    fn write_at(&mut self, path: &str, position: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.cache.write_at(path, position, bytes)
    }

    fn read_at(&mut self, path: &str, position: u64, length: usize) -> Result<Bytes, DiskError> {
        self.cache.read_at(path, position, length)
    }

    fn len(&mut self, path: &str) -> Result<u64, DiskError> {
        self.cache.len(path)
    }

    fn exists(&mut self, path: &str) -> Result<bool, DiskError> {
        self.cache.exists(path)
    }

    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError> {
        self.cache.truncate(path, length)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.cache.rename(from, to)?;
        match self.synced.remove(from) {
            Some(content) => self.synced.insert(to.to_owned(), content),
            None => self.synced.remove(to),
        };
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        self.synced.remove(path);
        self.cache.remove(path)
    }

    fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.directories.push(path.to_owned());
        self.cache.create_dir(path)
    }

    fn remove_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.cache.remove_dir(path)
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError> {
        self.cache.list(path)
    }

    fn sync(&mut self, path: &str) -> Result<(), DiskError> {
        self.cache.sync(path)?;
        if self.lies(path) {
            return Ok(());
        }
        let length = usize::try_from(self.cache.len(path)?).unwrap();
        let content = self.cache.read_at(path, 0, length)?;
        if let Some(durable) = self.durable.get_mut(path) {
            durable.clone_from(&content);
        }
        self.synced.insert(path.to_owned(), content);
        Ok(())
    }

    fn sync_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.cache.sync_dir(path)?;
        let gone = |cache: &mut MemoryDisk, file: &str| !cache.exists(file).unwrap_or(false);
        let cache = &mut self.cache;
        self.durable.retain(|file, _| directory_of(file) != path || !gone(cache, file));
        for name in self.cache.list(path)? {
            let file = if path.is_empty() { name } else { format!("{path}/{name}") };
            if self.directories.contains(&file) || self.lies(&file) {
                continue;
            }
            let content = self.synced.get(&file).cloned().unwrap_or_default();
            self.durable.insert(file, content);
        }
        Ok(())
    }
}

#[test]
fn a_power_loss_takes_what_was_not_synced() {
    let mut disk = LossyDisk::default();
    disk.create_dir("d").unwrap();
    for (file, content) in [("d/kept", b"a"), ("d/nameless", b"b")] {
        disk.create(file).unwrap();
        disk.append(file, content).unwrap();
        disk.sync(file).unwrap();
        if file == "d/kept" {
            disk.sync_dir("d").unwrap();
        }
    }
    disk.append("d/kept", b"lost").unwrap();
    disk.lose_power();
    assert_eq!(&disk.read_at("d/kept", 0, 9).unwrap()[..], b"a");
    assert!(!disk.exists("d/nameless").unwrap());
}

#[test]
fn a_disk_that_lies_forgets_what_it_said_was_synced() {
    let mut disk = LossyDisk::lying_about(Some("vote"));
    disk.create("vote").unwrap();
    disk.sync("vote").unwrap();
    disk.sync_dir("").unwrap();
    disk.lose_power();
    assert!(!disk.exists("vote").unwrap());
}
