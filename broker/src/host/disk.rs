//! The disk as a process sees it.

use std::fmt;

use bytes::Bytes;
use thiserror::Error;

/// A disk: synchronous, as Kafka's own use of the page cache is.
///
/// Paths are relative, with `/` between names: `data/orders-0/00000000000000000000.log`. Every call
/// can fail, and a failed call may have had any part of its effect.
///
/// **What survives.** A write is seen by every later read at once. It survives the end of the
/// process (kill -9) without further ado: the system's page cache lives on. It survives a power
/// loss only after [`Disk::sync`] of its file returned, and the *name* of a created or renamed file
/// only after [`Disk::sync_dir`] of its directory returned.
pub trait Disk {
    /// Creates an empty file. One that exists is emptied.
    fn create(&mut self, path: &str) -> Result<(), DiskError>;

    /// Appends to a file that exists.
    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError>;

    /// Writes at a position of a file that exists; a gap before it reads as zeros.
    fn write_at(&mut self, path: &str, position: u64, bytes: &[u8]) -> Result<(), DiskError>;

    /// Reads up to `length` bytes: fewer only at the end of the file.
    fn read_at(&mut self, path: &str, position: u64, length: usize) -> Result<Bytes, DiskError>;

    /// The length of a file in bytes.
    fn len(&mut self, path: &str) -> Result<u64, DiskError>;

    /// Whether a file or directory of this name exists.
    fn exists(&mut self, path: &str) -> Result<bool, DiskError>;

    /// Cuts a file, or extends it with zeros that take no room.
    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError>;

    /// Renames a file or a directory; a file that has the new name is replaced.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError>;

    /// Removes a file.
    fn remove(&mut self, path: &str) -> Result<(), DiskError>;

    /// Creates a directory and those above it. One that exists is left as it is.
    fn create_dir(&mut self, path: &str) -> Result<(), DiskError>;

    /// Removes a directory with all that is in it.
    fn remove_dir(&mut self, path: &str) -> Result<(), DiskError>;

    /// The names in a directory, files and directories alike, sorted.
    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError>;

    /// Makes the content of a file durable (fsync).
    fn sync(&mut self, path: &str) -> Result<(), DiskError>;

    /// Makes the names in a directory durable (fsync of the directory).
    fn sync_dir(&mut self, path: &str) -> Result<(), DiskError>;
}

/// A call to the disk that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{operation} {path}: {kind}")]
pub struct DiskError {
    /// What was tried.
    pub operation: DiskOperation,
    /// On which file or directory.
    pub path: String,
    /// What came of it.
    pub kind: DiskErrorKind,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskErrorKind {
    /// No such file or directory (ENOENT).
    NotFound,
    /// No space left (ENOSPC).
    Full,
    /// The device failed (EIO).
    Io,
}

/// The calls of [`Disk`], for errors and for faults that pick one out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the method of `Disk` with its name")]
pub enum DiskOperation {
    Create,
    Append,
    WriteAt,
    ReadAt,
    Len,
    Exists,
    Truncate,
    Rename,
    Remove,
    CreateDir,
    RemoveDir,
    List,
    Sync,
    SyncDir,
}

impl fmt::Display for DiskErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such file or directory",
            Self::Full => "no space left on device",
            Self::Io => "input/output error",
        })
    }
}

impl fmt::Display for DiskOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Append => "append to",
            Self::WriteAt => "write",
            Self::ReadAt => "read",
            Self::Len => "stat",
            Self::Exists => "look for",
            Self::Truncate => "truncate",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::CreateDir => "create directory",
            Self::RemoveDir => "remove directory",
            Self::List => "list",
            Self::Sync => "sync",
            Self::SyncDir => "sync directory",
        })
    }
}
