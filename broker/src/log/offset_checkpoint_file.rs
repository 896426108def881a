//! One offset for each partition, in a file of the log directory.
//!
//! Mirrors `OffsetCheckpointFile`: lines `topic partition offset`. Used for the recovery points,
//! the log starts and the high watermarks. Kafka goes on without a checkpoint that cannot be read,
//! and so does this: recovery then reads more, and the high watermark begins at the log start.
//!
//! What this does not know: what the offsets mean.

use std::collections::BTreeMap;

use super::{LogError, checkpoint_file};
use crate::{
    host::{Disk, DiskError},
    ids::{Offset, TopicName, TopicPartition},
};

/// Below these offsets everything is known to be on disk.
pub(super) const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
/// Where logs start that do not start with their first segment.
pub(super) const LOG_STARTS: &str = "log-start-offset-checkpoint";
/// The high watermarks.
pub(super) const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";

/// Replaces the file.
pub(super) fn write<'a>(
    disk: &mut dyn Disk,
    path: &str,
    offsets: impl ExactSizeIterator<Item = (&'a TopicPartition, Offset)>,
) -> Result<(), DiskError> {
    let line = |(partition, offset): (&TopicPartition, Offset)| {
        format!("{} {} {offset}", partition.topic, partition.partition)
    };
    checkpoint_file::write(disk, path, offsets.map(line))
}

/// Reads the file; empty if it is not there or cannot be understood.
pub(super) fn read(
    disk: &mut dyn Disk,
    path: &str,
) -> Result<BTreeMap<TopicPartition, Offset>, LogError> {
    match checkpoint_file::read(disk, path, parse) {
        Ok(entries) => Ok(entries.unwrap_or_default().into_iter().collect()),
        Err(LogError::Corrupt { .. }) => Ok(BTreeMap::new()),
        Err(error @ (LogError::Disk(_) | LogError::Failed(_))) => Err(error),
    }
}

fn parse(line: &str) -> Option<(TopicPartition, Offset)> {
    let mut words = line.split(' ');
    let (topic, partition, offset) = (words.next()?, words.next()?, words.next()?);
    let partition = TopicPartition {
        topic: TopicName::from(topic),
        partition: partition.parse().ok().filter(|number| 0 <= *number)?,
    };
    let offset = Offset::from_wire(offset.parse().ok()?)?;
    words.next().is_none().then_some((partition, offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemoryDisk;

    #[test]
    fn the_file_is_kafkas() {
        let mut disk = MemoryDisk::new();
        let (a, b) = (TopicPartition::new("my-topic", 0), TopicPartition::new("orders", 12));
        let offsets = [(&a, Offset(7)), (&b, Offset(0))];
        write(&mut disk, "c", offsets.into_iter()).unwrap();
        assert_eq!(&disk.read_at("c", 0, 99).unwrap()[..], b"0\n2\nmy-topic 0 7\norders 12 0\n");
        let read = read(&mut disk, "c").unwrap();
        assert_eq!(read.into_iter().collect::<Vec<_>>(), [(a, Offset(7)), (b, Offset(0))]);
    }

    #[test]
    fn a_file_that_cannot_be_understood_counts_as_missing() {
        for content in ["0\n1\norders 0\n", "0\n1\norders 0 1 2\n", "0\n9\n", "0\n1\na -1 3\n"] {
            let mut disk = MemoryDisk::new();
            disk.create("c").unwrap();
            disk.append("c", content.as_bytes()).unwrap();
            assert_eq!(read(&mut disk, "c"), Ok(BTreeMap::new()), "{content}");
        }
    }
}
