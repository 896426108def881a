//! What can go wrong with a call to a disk.

use std::fmt;

use thiserror::Error;

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

/// The calls of a disk, for errors and for faults that pick one out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the method of `Disk` with its name")]
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

impl DiskOperation {
    /// Whether it changes what is on the disk, or what of it is durable.
    pub fn is_mutating(self) -> bool {
        match self {
            Self::ReadAt | Self::Len | Self::Exists | Self::List => false,
            Self::Create
            | Self::Append
            | Self::WriteAt
            | Self::Truncate
            | Self::Rename
            | Self::Remove
            | Self::CreateDir
            | Self::RemoveDir
            | Self::Sync
            | Self::SyncDir => true,
        }
    }
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
