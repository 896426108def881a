//! A disk in memory that never fails and never forgets: for tests of what stands above it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{Disk, DiskError, DiskErrorKind, DiskOperation};

/// Files in memory. Everything is durable at once; nothing fails but what a caller gets wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryDisk {
    files: BTreeMap<String, Vec<u8>>,
    directories: BTreeSet<String>,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    fn file(&mut self, operation: DiskOperation, path: &str) -> Result<&mut Vec<u8>, DiskError> {
        self.files.get_mut(path).ok_or_else(|| missing(operation, path))
    }

    fn is_dir(&self, path: &str) -> bool {
        path.is_empty() || self.directories.contains(path)
    }
}

fn missing(operation: DiskOperation, path: &str) -> DiskError {
    DiskError { operation, path: path.to_owned(), kind: DiskErrorKind::NotFound }
}

fn index(position: u64) -> usize {
    usize::try_from(position).expect("a file in memory is addressable")
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

impl Disk for MemoryDisk {
    fn create(&mut self, path: &str) -> Result<(), DiskError> {
        if !self.is_dir(parent(path)) {
            return Err(missing(DiskOperation::Create, path));
        }
        self.files.insert(path.to_owned(), Vec::new());
        Ok(())
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.file(DiskOperation::Append, path)?.extend_from_slice(bytes);
        Ok(())
    }

    fn write_at(&mut self, path: &str, position: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let file = self.file(DiskOperation::WriteAt, path)?;
        let (start, end) = (index(position), index(position) + bytes.len());
        if file.len() < end {
            file.resize(end, 0);
        }
        file[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&mut self, path: &str, position: u64, length: usize) -> Result<Bytes, DiskError> {
        let file = self.file(DiskOperation::ReadAt, path)?;
        let start = index(position).min(file.len());
        let end = start.saturating_add(length).min(file.len());
        Ok(Bytes::copy_from_slice(&file[start..end]))
    }

    fn len(&mut self, path: &str) -> Result<u64, DiskError> {
        Ok(self.file(DiskOperation::Len, path)?.len() as u64)
    }

    fn exists(&mut self, path: &str) -> Result<bool, DiskError> {
        Ok(self.files.contains_key(path) || self.is_dir(path))
    }

    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError> {
        self.file(DiskOperation::Truncate, path)?.resize(index(length), 0);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        if let Some(file) = self.files.remove(from) {
            self.files.insert(to.to_owned(), file);
            return Ok(());
        }
        if !self.directories.remove(from) {
            return Err(missing(DiskOperation::Rename, from));
        }
        self.directories.insert(to.to_owned());
        let below = format!("{from}/");
        let moved = |path: &String| format!("{to}/{}", &path[below.len()..]);
        for path in keys_below(&self.files, &below) {
            let file = self.files.remove(&path).expect("the key was just listed");
            self.files.insert(moved(&path), file);
        }
        let inner: Vec<_> =
            self.directories.iter().filter(|d| d.starts_with(&below)).cloned().collect();
        for path in inner {
            self.directories.remove(&path);
            self.directories.insert(moved(&path));
        }
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        self.files.remove(path).map(drop).ok_or_else(|| missing(DiskOperation::Remove, path))
    }

    fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        let mut at = path;
        while !at.is_empty() {
            self.directories.insert(at.to_owned());
            at = parent(at);
        }
        Ok(())
    }

    fn remove_dir(&mut self, path: &str) -> Result<(), DiskError> {
        if !self.directories.remove(path) {
            return Err(missing(DiskOperation::RemoveDir, path));
        }
        let below = format!("{path}/");
        self.files.retain(|file, _| !file.starts_with(&below));
        self.directories.retain(|directory| !directory.starts_with(&below));
        Ok(())
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError> {
        if !self.is_dir(path) {
            return Err(missing(DiskOperation::List, path));
        }
        let names: BTreeSet<_> = self
            .files
            .keys()
            .chain(&self.directories)
            .filter(|entry| !entry.is_empty() && parent(entry) == path)
            .map(|entry| entry.rsplit('/').next().expect("a split is never empty").to_owned())
            .collect();
        Ok(names.into_iter().collect())
    }

    fn sync(&mut self, path: &str) -> Result<(), DiskError> {
        self.file(DiskOperation::Sync, path).map(drop)
    }

    fn sync_dir(&mut self, path: &str) -> Result<(), DiskError> {
        if self.is_dir(path) { Ok(()) } else { Err(missing(DiskOperation::SyncDir, path)) }
    }
}

fn keys_below(files: &BTreeMap<String, Vec<u8>>, below: &str) -> Vec<String> {
    files
        .range(below.to_owned()..)
        .map(|(path, _)| path)
        .take_while(|path| path.starts_with(below))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_renamed_with_all_that_is_in_it() {
        let mut disk = MemoryDisk::new();
        disk.create_dir("data/orders-0").unwrap();
        disk.create("data/orders-0/a").unwrap();
        disk.append("data/orders-0/a", b"xyz").unwrap();
        disk.rename("data/orders-0", "data/orders-0-delete").unwrap();
        assert_eq!(disk.list("data").unwrap(), ["orders-0-delete"]);
        assert_eq!(&disk.read_at("data/orders-0-delete/a", 1, 9).unwrap()[..], b"yz");
    }

    #[test]
    fn a_missing_file_is_named_in_the_error() {
        let error = MemoryDisk::new().append("data/x", b"1").unwrap_err();
        assert_eq!(error.to_string(), "append to data/x: no such file or directory");
    }

    #[test]
    fn a_read_is_short_only_at_the_end_of_the_file() {
        let mut disk = MemoryDisk::new();
        disk.create("a").unwrap();
        disk.write_at("a", 2, b"12").unwrap();
        assert_eq!(&disk.read_at("a", 0, 10).unwrap()[..], b"\0\x0012");
        assert_eq!(disk.read_at("a", 9, 10).unwrap().len(), 0);
    }
}
