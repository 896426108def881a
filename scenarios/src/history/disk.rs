//! What disks did to logs: power losses and injected faults, as the runner reports them.

use broker::ids::{Offset, TopicPartition};

/// What a power loss found that was not durable on the disk of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PowerLoss {
    /// Every operation that was not durable, whatever became of it.
    pub unsynced: Vec<UnsyncedChange>,
}

/// An operation that was not durable when power went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsyncedChange {
    /// The file, or the name that was created, renamed or removed.
    pub path: String,
    /// What it changed.
    pub change: FileChange,
}

/// What an operation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileChange {
    /// The bytes of a file, from this one on (for a truncation, the new length).
    Bytes {
        /// The first byte concerned.
        from: u64,
    },
    /// A name in a directory.
    Name,
}

/// A fault that was injected into the disk of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// Everything on it is gone.
    Wiped,
    /// Bytes of a file or a name were damaged, or an operation on them was made to fail.
    Damaged(UnsyncedChange),
}

/// Where a path of a log directory belongs: `<dir>/orders-0/00000000000000000042.log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LogPath {
    /// The segment that begins at this offset.
    Segment(TopicPartition, Offset),
    /// The directory of the partition.
    Directory(TopicPartition),
}

pub(super) fn log_path(path: &str) -> Option<LogPath> {
    let (parent, name) = match path.trim_end_matches('/').rsplit_once('/') {
        Some((parent, name)) => (parent.rsplit('/').next().unwrap_or(parent), name),
        None => ("", path),
    };
    let Some(base) = name.strip_suffix(".log") else {
        return TopicPartition::parse(name).map(LogPath::Directory);
    };
    Some(LogPath::Segment(TopicPartition::parse(parent)?, Offset(base.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use broker::ids::{Offset, TopicPartition};

    use super::{LogPath, log_path};

    #[test]
    fn paths_of_logs_are_told_from_others() {
        let orders = TopicPartition::new("orders", 0);
        let segment = LogPath::Segment(orders.clone(), Offset(42));
        assert_eq!(log_path("data/orders-0/00000000000000000042.log"), Some(segment));
        assert_eq!(log_path("data/orders-0"), Some(LogPath::Directory(orders)));
        assert_eq!(log_path("data/orders-0/leader-epoch-checkpoint"), None);
        assert_eq!(log_path("data/orders-0/00000000000000000042.index"), None);
    }
}
