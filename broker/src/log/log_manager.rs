//! The log directory of a broker: all its logs and the files that speak of all of them.
//!
//! Mirrors `LogManager` and the checkpoint of high watermarks in `ReplicaManager`. The logs
//! themselves belong to the partitions; this is handed an iterator where it needs them all. What
//! Kafka does on scheduler threads is a table of deadlines here.
//!
//! Deleted directories are renamed to `….<number>-delete` and removed after
//! `log.segment.delete.delay.ms`.
//!
//! What this does not know: which partitions should be here, and what their role is.

mod checkpoints;
mod schedule;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use checkpoints::Checkpoints;
use schedule::{Schedule, Task};

use super::{
    LastShutdown, LogError, LogParameters, LogStartMove, MarkerDeletion, Trust, UnifiedLog,
    clean_shutdown_file_handler,
    log_file_utils::{DELETED_DIRECTORY, parent},
    partition_metadata_file,
};
use crate::{
    config::{ServerConfig, TopicConfig},
    host::{Disk, DiskError, Instant, Now, event::Recovered},
    ids::{BrokerEpoch, Offset, TopicId, TopicName, TopicPartition},
};

/// The log directory.
#[derive(Clone, Debug, PartialEq)]
pub struct LogManager {
    directory: Arc<str>,
    config: ServerConfig,
    checkpoints: Checkpoints,
    schedule: Schedule,
    deletions: VecDeque<(Instant, String)>,
    deleted: u64,
}

/// What was in a log directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What keeps the directory from now on.
    pub manager: LogManager,
    /// The logs, and what happened when they were opened.
    pub logs: BTreeMap<TopicPartition, (UnifiedLog, Recovered)>,
    /// How the last incarnation ended.
    pub last_shutdown: LastShutdown,
}

impl LogManager {
    /// Opens all logs of a directory, which is made if it is not there. The marker of a clean
    /// shutdown is taken away first. The metadata log is not opened: it belongs to the controller.
    pub fn load(
        now: Now,
        directory: &str,
        config: &ServerConfig,
        deletion: MarkerDeletion,
        disk: &mut dyn Disk,
    ) -> Result<Loaded, LogError> {
        if !disk.exists(directory)? {
            // As `createAndValidateLogDirs`: the directory's own name survives a power loss.
            disk.create_dir(directory)?;
            disk.sync_dir(parent(directory))?;
        }
        let last_shutdown = clean_shutdown_file_handler::take(disk, directory, deletion)?;
        let checkpoints = Checkpoints::read(directory, disk)?;
        let mut manager = Self {
            directory: directory.into(),
            config: config.clone(),
            checkpoints,
            schedule: Schedule::new(now.monotonic, config),
            deletions: VecDeque::new(),
            deleted: 0,
        };
        let mut logs = BTreeMap::new();
        for name in disk.list(directory)? {
            if name.ends_with(DELETED_DIRECTORY) {
                manager.delete_later(now, format!("{directory}/{name}"));
                continue;
            }
            let Some(partition) = TopicPartition::parse(&name) else { continue };
            if partition.topic == TopicName::cluster_metadata() {
                continue;
            }
            let parameters = manager.parameters(&partition, config.topic_defaults(), last_shutdown);
            logs.insert(partition, UnifiedLog::load(parameters, now, disk)?);
        }
        Ok(Loaded { manager, logs, last_shutdown })
    }

    fn parameters(
        &self,
        partition: &TopicPartition,
        config: TopicConfig,
        last_shutdown: LastShutdown,
    ) -> LogParameters {
        let offset_in = |checkpoint: &checkpoints::Checkpoint| checkpoint.get(partition);
        LogParameters {
            directory: format!("{}/{partition}", self.directory).into(),
            partition: partition.clone(),
            config,
            producer_id_expiration_ms: self.config.producer_id_expiration_ms,
            trust: match last_shutdown {
                LastShutdown::Clean { .. } => Trust::Files,
                LastShutdown::Unclean => Trust::BelowRecoveryPoint,
            },
            recovery_point: offset_in(&self.checkpoints.recovery_points).unwrap_or(Offset::ZERO),
            log_start_offset: offset_in(&self.checkpoints.log_starts).unwrap_or(Offset::ZERO),
            high_watermark: offset_in(&self.checkpoints.high_watermarks),
        }
    }

    /// Begins the log of a partition that has none here. Its directory's name becomes durable with
    /// the next checkpoint, as in Kafka.
    pub fn create(
        &mut self,
        now: Now,
        partition: &TopicPartition,
        topic_id: TopicId,
        config: TopicConfig,
        disk: &mut dyn Disk,
    ) -> Result<UnifiedLog, LogError> {
        let parameters = LogParameters {
            recovery_point: Offset::ZERO,
            log_start_offset: Offset::ZERO,
            high_watermark: None,
            ..self.parameters(partition, config, LastShutdown::Unclean)
        };
        disk.create_dir(&parameters.directory)?;
        partition_metadata_file::write(disk, &parameters.directory, topic_id)?;
        Ok(UnifiedLog::load(parameters, now, disk)?.0)
    }

    /// Deletes the log of a partition: its directory is renamed now and removed later.
    pub fn delete(
        &mut self,
        now: Now,
        partition: &TopicPartition,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let path = format!("{}/{partition}", self.directory);
        let renamed = self.free_name(&path, disk)?;
        disk.rename(&path, &renamed)?;
        self.delete_later(now, renamed);
        Ok(self.checkpoints.forget(partition, disk)?)
    }

    fn free_name(&mut self, path: &str, disk: &mut dyn Disk) -> Result<String, DiskError> {
        loop {
            let name = format!("{path}.{}{DELETED_DIRECTORY}", self.deleted);
            self.deleted += 1;
            if !disk.exists(&name)? {
                return Ok(name);
            }
        }
    }

    fn delete_later(&mut self, now: Now, path: String) {
        let delay = self.config.log_segment_delete_delay_ms.duration();
        self.deletions.push_back((now.monotonic.plus(delay), path));
    }

    /// Cuts a log (see [`UnifiedLog::truncate_to`]) and sees to it that the recovery point in the
    /// checkpoint is not above: else the next unclean start would not look at what is written
    /// there anew. The checkpoint is lowered first, so that no crash finds it too high.
    pub fn truncate_to(
        &mut self,
        now: Now,
        log: &mut UnifiedLog,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<Offset, LogError> {
        if offset < log.log_end_offset() {
            self.checkpoints.lower(log.partition(), offset, disk)?;
        }
        log.truncate_to(now, offset, disk)
    }

    /// Empties a log (see [`UnifiedLog::truncate_fully_and_start_at`]); the checkpoints follow as
    /// for [`Self::truncate_to`].
    pub fn truncate_fully_and_start_at(
        &mut self,
        now: Now,
        log: &mut UnifiedLog,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        self.checkpoints.lower(log.partition(), offset, disk)?;
        log.truncate_fully_and_start_at(now, offset, disk)
    }

    /// When [`Self::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let deletion = self.deletions.front().map(|(due, _)| *due);
        Instant::earliest(Some(self.schedule.deadline()), deletion)
    }

    /// Does what is due: checkpoints, flushes, retention, expiry of producers, removal of deleted
    /// files. `logs` are all logs of the directory. Returns the logs whose start moved.
    pub fn on_time<'a>(
        &mut self,
        now: Now,
        logs: impl Iterator<Item = &'a mut UnifiedLog>,
        disk: &mut dyn Disk,
    ) -> Result<Vec<(TopicPartition, LogStartMove)>, LogError> {
        let mut moves = Vec::new();
        if self.deadline().is_none_or(|due| now.monotonic < due) {
            return Ok(moves);
        }
        let mut logs: Vec<&mut UnifiedLog> = logs.collect();
        while let Some(task) = self.schedule.take_due(now.monotonic) {
            self.run(task, now, &mut logs, &mut moves, disk)?;
        }
        while let Some((due, path)) = self.deletions.front()
            && *due <= now.monotonic
        {
            disk.remove_dir(path)?;
            self.deletions.pop_front();
        }
        Ok(moves)
    }

    fn run(
        &mut self,
        task: Task,
        now: Now,
        logs: &mut [&mut UnifiedLog],
        moves: &mut Vec<(TopicPartition, LogStartMove)>,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        match task {
            Task::CheckpointHighWatermarks => self.checkpoint_high_watermarks(shared(logs), disk),
            Task::CheckpointRecoveryPoints => self.checkpoint_recovery_points(shared(logs), disk),
            Task::CheckpointLogStarts => self.checkpoint_log_starts(shared(logs), disk),
            Task::Flush => logs.iter_mut().try_for_each(|log| log.on_flush_time(now, disk)),
            Task::Retention => logs.iter_mut().try_for_each(|log| {
                let moved = log.delete_old_segments(now, disk)?;
                moves.extend(moved.into_iter().map(|moved| (log.partition().clone(), moved)));
                Ok(())
            }),
            Task::ExpireProducers => {
                for log in logs.iter_mut() {
                    log.remove_expired_producers(now);
                }
                Ok(())
            }
        }
    }

    /// Writes the high watermarks of all logs.
    pub fn checkpoint_high_watermarks<'a>(
        &mut self,
        logs: impl Iterator<Item = &'a UnifiedLog>,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let offsets = logs.map(|log| (log.partition().clone(), log.high_watermark()));
        Ok(self.checkpoints.high_watermarks.replace(offsets.collect(), disk)?)
    }

    /// Writes the recovery points of all logs.
    pub fn checkpoint_recovery_points<'a>(
        &mut self,
        logs: impl Iterator<Item = &'a UnifiedLog>,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let offsets = logs.map(|log| (log.partition().clone(), log.recovery_point()));
        Ok(self.checkpoints.recovery_points.replace(offsets.collect(), disk)?)
    }

    /// Writes the log starts that do not show in the names of the files.
    pub fn checkpoint_log_starts<'a>(
        &mut self,
        logs: impl Iterator<Item = &'a UnifiedLog>,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let hidden = logs.filter(|log| log.first_segment_base_offset() < log.log_start_offset());
        let offsets = hidden.map(|log| (log.partition().clone(), log.log_start_offset()));
        Ok(self.checkpoints.log_starts.replace(offsets.collect(), disk)?)
    }

    /// Shuts down cleanly: everything becomes durable, then the checkpoints are written, and last
    /// the marker. Nothing may be appended afterwards. After an error there is no marker.
    pub fn shutdown<'a>(
        &mut self,
        logs: impl Iterator<Item = &'a mut UnifiedLog>,
        broker_epoch: BrokerEpoch,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let mut logs: Vec<&mut UnifiedLog> = logs.collect();
        logs.iter_mut().try_for_each(|log| log.close(disk))?;
        self.checkpoint_recovery_points(shared(&logs), disk)?;
        self.checkpoint_log_starts(shared(&logs), disk)?;
        self.checkpoint_high_watermarks(shared(&logs), disk)?;
        Ok(clean_shutdown_file_handler::write(disk, &self.directory, broker_epoch)?)
    }
}

fn shared<'a>(logs: &'a [&'a mut UnifiedLog]) -> impl Iterator<Item = &'a UnifiedLog> {
    logs.iter().map(|log| &**log)
}

#[cfg(test)]
mod tests;
