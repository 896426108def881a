//! The three files with one offset for each partition, and what was last written to them.
//!
//! Mirrors the checkpoint half of `LogManager`. As what stands in the files is remembered, one
//! entry can be lowered or dropped without asking the other logs.
//!
//! What this does not know: when to write.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    host::{Disk, DiskError},
    ids::{Offset, TopicPartition},
    log::{
        LogError,
        offset_checkpoint_file::{self, HIGH_WATERMARKS, LOG_STARTS, RECOVERY_POINTS},
    },
};

/// The three files.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checkpoints {
    pub(super) recovery_points: Checkpoint,
    pub(super) log_starts: Checkpoint,
    pub(super) high_watermarks: Checkpoint,
}

/// One file, and what stands in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checkpoint {
    path: Arc<str>,
    offsets: BTreeMap<TopicPartition, Offset>,
}

impl Checkpoints {
    /// Reads the files of a log directory.
    pub(super) fn read(directory: &str, disk: &mut dyn Disk) -> Result<Self, LogError> {
        Ok(Self {
            recovery_points: Checkpoint::read(directory, RECOVERY_POINTS, disk)?,
            log_starts: Checkpoint::read(directory, LOG_STARTS, disk)?,
            high_watermarks: Checkpoint::read(directory, HIGH_WATERMARKS, disk)?,
        })
    }

    /// A log is about to be cut: neither its recovery point nor its log start may lie above.
    pub(super) fn lower(
        &mut self,
        partition: &TopicPartition,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        self.recovery_points.lower(partition, offset, disk)?;
        self.log_starts.lower(partition, offset, disk)
    }

    /// A log is gone: a later one of the same name must not inherit its offsets.
    pub(super) fn forget(
        &mut self,
        partition: &TopicPartition,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        self.recovery_points.forget(partition, disk)?;
        self.log_starts.forget(partition, disk)?;
        self.high_watermarks.forget(partition, disk)
    }
}

impl Checkpoint {
    fn read(directory: &str, name: &str, disk: &mut dyn Disk) -> Result<Self, LogError> {
        let path: Arc<str> = format!("{directory}/{name}").into();
        let offsets = offset_checkpoint_file::read(disk, &path)?;
        Ok(Self { path, offsets })
    }

    /// What the file says of a partition.
    pub(super) fn get(&self, partition: &TopicPartition) -> Option<Offset> {
        self.offsets.get(partition).copied()
    }

    /// Writes other content.
    pub(super) fn replace(
        &mut self,
        offsets: BTreeMap<TopicPartition, Offset>,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        self.offsets = offsets;
        self.write(disk)
    }

    fn lower(
        &mut self,
        partition: &TopicPartition,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        match self.offsets.get_mut(partition) {
            Some(written) if offset < *written => {
                *written = offset;
                self.write(disk)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn forget(&mut self, partition: &TopicPartition, disk: &mut dyn Disk) -> Result<(), DiskError> {
        match self.offsets.remove(partition) {
            Some(_) => self.write(disk),
            None => Ok(()),
        }
    }

    fn write(&self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        let offsets = self.offsets.iter().map(|(partition, offset)| (partition, *offset));
        offset_checkpoint_file::write(disk, &self.path, offsets)
    }
}
