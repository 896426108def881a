//! What is done to all logs again and again, and when next.
//!
//! Mirrors the tasks that `LogManager.startup` and `ReplicaManager.startup` give to
//! `KafkaScheduler`. A task that is late runs once, not once for each time it was missed.
//!
//! What this does not know: what the tasks do.

use core::time::Duration;

use crate::{config::ServerConfig, host::Instant};

/// One of the things that are done again and again. In this order if due at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// `flush.ms`, and what a roll left to flush, and files that wait for their removal.
    Flush,
    /// `retention.ms` and `retention.bytes`.
    Retention,
    /// `producer.id.expiration.ms`.
    ExpireProducers,
    /// The checkpoint of recovery points.
    CheckpointRecoveryPoints,
    /// The checkpoint of log starts.
    CheckpointLogStarts,
    /// The checkpoint of high watermarks.
    CheckpointHighWatermarks,
}

/// The tasks, each with its interval and its next time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Schedule {
    entries: [Entry; 6],
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    task: Task,
    interval: Duration,
    due: Instant,
}

impl Schedule {
    /// Every task is due one interval from now on.
    pub(super) fn new(now: Instant, config: &ServerConfig) -> Self {
        let intervals = [
            (Task::Flush, config.log_flush_scheduler_interval_ms),
            (Task::Retention, config.log_retention_check_interval_ms),
            (Task::ExpireProducers, config.producer_id_expiration_check_interval_ms),
            (Task::CheckpointRecoveryPoints, config.log_flush_offset_checkpoint_interval_ms),
            (Task::CheckpointLogStarts, config.log_flush_start_offset_checkpoint_interval_ms),
            (Task::CheckpointHighWatermarks, config.replica_high_watermark_checkpoint_interval_ms),
        ];
        let entry = |(task, interval): (Task, crate::config::Millis)| {
            // An interval of nothing would never let time go on.
            let interval = interval.duration().max(Duration::from_millis(1));
            Entry { task, interval, due: now.plus(interval) }
        };
        Self { entries: intervals.map(entry) }
    }

    /// When the next task is due.
    pub(super) fn deadline(&self) -> Instant {
        let [first, others @ ..] = &self.entries;
        others.iter().fold(first.due, |earliest, entry| earliest.min(entry.due))
    }

    /// The next task that is due; it is due again one interval from now on.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Task> {
        let entry = self.entries.iter_mut().find(|entry| entry.due <= now)?;
        entry.due = now.plus(entry.interval);
        Some(entry.task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Millis;

    #[test]
    fn a_task_comes_once_in_an_interval_and_a_late_one_only_once() {
        let config = ServerConfig {
            log_flush_scheduler_interval_ms: Millis(1),
            replica_high_watermark_checkpoint_interval_ms: Millis(2),
            ..Default::default()
        };
        let mut schedule = Schedule::new(Instant(0), &config);
        assert_eq!(schedule.deadline(), Instant(1_000_000));
        assert_eq!(schedule.take_due(Instant(999_999)), None);
        assert_eq!(schedule.take_due(Instant(5_000_000)), Some(Task::Flush));
        let second = schedule.take_due(Instant(5_000_000));
        assert_eq!(second, Some(Task::CheckpointHighWatermarks));
        assert_eq!(schedule.take_due(Instant(5_000_000)), None);
        assert_eq!(schedule.deadline(), Instant(6_000_000));
    }
}
