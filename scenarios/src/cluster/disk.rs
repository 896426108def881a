//! The simulated disk behind the broker's trait.

use broker::host::{self, Gate};
use bytes::Bytes;

/// A disk as a broker sees it.
pub(super) struct HostDisk<'a> {
    disk: &'a mut sim::Disk,
    /// Closed when the process dies at a call to its disk; none if it cannot.
    gate: Option<Gate>,
}

impl<'a> HostDisk<'a> {
    pub(super) fn new(disk: &'a mut sim::Disk, gate: Option<Gate>) -> Self {
        Self { disk, gate }
    }

    fn call<T>(
        &mut self,
        call: impl FnOnce(&mut sim::Disk) -> Result<T, sim::DiskError>,
    ) -> Result<T, host::DiskError> {
        let result = call(self.disk);
        if let Some(gate) = &self.gate
            && !self.disk.death_switch().is_alive()
        {
            gate.close();
        }
        result.map_err(error)
    }
}

impl host::Disk for HostDisk<'_> {
    fn create(&mut self, path: &str) -> Result<(), host::DiskError> {
        self.call(|disk| disk.create(path))
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), host::DiskError> {
        self.call(|disk| disk.append(path, bytes))
    }

    fn write_at(&mut self, path: &str, position: u64, bytes: &[u8]) -> Result<(), host::DiskError> {
        self.call(|disk| disk.write_at(path, position, bytes))
    }

    fn read_at(
        &mut self,
        path: &str,
        position: u64,
        length: usize,
    ) -> Result<Bytes, host::DiskError> {
        self.call(|disk| disk.read_at(path, position, length))
    }

    fn len(&mut self, path: &str) -> Result<u64, host::DiskError> {
        self.call(|disk| disk.len(path))
    }

    fn exists(&mut self, path: &str) -> Result<bool, host::DiskError> {
        self.call(|disk| disk.exists(path))
    }

    fn truncate(&mut self, path: &str, length: u64) -> Result<(), host::DiskError> {
        self.call(|disk| disk.truncate(path, length))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), host::DiskError> {
        self.call(|disk| disk.rename(from, to))
    }

    fn remove(&mut self, path: &str) -> Result<(), host::DiskError> {
        self.call(|disk| disk.remove(path))
    }

    fn create_dir(&mut self, path: &str) -> Result<(), host::DiskError> {
        self.call(|disk| disk.create_dir(path))
    }

    fn remove_dir(&mut self, path: &str) -> Result<(), host::DiskError> {
        self.call(|disk| disk.remove_dir(path))
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, host::DiskError> {
        self.call(|disk| disk.list(path))
    }

    fn sync(&mut self, path: &str) -> Result<(), host::DiskError> {
        self.call(|disk| disk.sync(path))
    }

    fn sync_dir(&mut self, path: &str) -> Result<(), host::DiskError> {
        self.call(|disk| disk.sync_dir(path))
    }
}

fn error(error: sim::DiskError) -> host::DiskError {
    host::DiskError {
        operation: operation(error.operation),
        path: error.path,
        kind: match error.kind {
            sim::DiskErrorKind::NotFound => host::DiskErrorKind::NotFound,
            sim::DiskErrorKind::Full => host::DiskErrorKind::Full,
            sim::DiskErrorKind::Io => host::DiskErrorKind::Io,
        },
    }
}

fn operation(operation: sim::DiskOperation) -> host::DiskOperation {
    match operation {
        sim::DiskOperation::Create => host::DiskOperation::Create,
        sim::DiskOperation::Append => host::DiskOperation::Append,
        sim::DiskOperation::WriteAt => host::DiskOperation::WriteAt,
        sim::DiskOperation::ReadAt => host::DiskOperation::ReadAt,
        sim::DiskOperation::Len => host::DiskOperation::Len,
        sim::DiskOperation::Exists => host::DiskOperation::Exists,
        sim::DiskOperation::Truncate => host::DiskOperation::Truncate,
        sim::DiskOperation::Rename => host::DiskOperation::Rename,
        sim::DiskOperation::Remove => host::DiskOperation::Remove,
        sim::DiskOperation::CreateDir => host::DiskOperation::CreateDir,
        sim::DiskOperation::RemoveDir => host::DiskOperation::RemoveDir,
        sim::DiskOperation::List => host::DiskOperation::List,
        sim::DiskOperation::Sync => host::DiskOperation::Sync,
        sim::DiskOperation::SyncDir => host::DiskOperation::SyncDir,
    }
}
