//! What time brings: deadlines of those who wait, lag checks, retries, checkpoints, and the end.
//!
//! Mirrors the tasks that `ReplicaManager.startup` gives to the scheduler, the expiry of its
//! purgatories, and `ReplicaManager.shutdown`.

use super::{Life, LogFailure, ReplicaManager};
use crate::{
    host::{Instant, event::PartitionEvent},
    ids::BrokerEpoch,
    replica::{effect::Context, partition::Partition},
};

impl ReplicaManager {
    /// When [`Self::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        if self.life == Life::Ended {
            return None;
        }
        [
            self.produces.deadline(),
            self.fetches.deadline(),
            self.alter_partition.deadline(),
            self.fetchers.deadline(),
            self.logs.deadline(),
            Some(self.next_shrink),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due.
    pub fn on_time(&mut self, ctx: &mut Context<'_>) {
        if self.life == Life::Ended {
            return;
        }
        let result = self.do_what_is_due(ctx);
        self.guard(ctx, result);
    }

    fn do_what_is_due(&mut self, ctx: &mut Context<'_>) -> Result<(), LogFailure> {
        let now = ctx.now.monotonic;
        while let Some(request) = self.produces.next_expired(now) {
            self.expire_produce(ctx, request);
        }
        while let Some(request) = self.fetches.next_expired(now) {
            self.finish_fetch(ctx, request)?;
        }
        if self.next_shrink <= now {
            self.next_shrink = now.plus(self.setting.lag_max / 2);
            self.shrink_isrs(ctx);
        }
        self.send_alter_partition(ctx);
        self.keep_logs(ctx)?;
        if self.fetchers.deadline().is_some_and(|due| due <= now) {
            self.ask_leaders(ctx);
        }
        Ok(())
    }

    fn shrink_isrs(&mut self, ctx: &mut Context<'_>) {
        let mut proposals = Vec::new();
        for (name, partition) in &mut self.partitions {
            if let Some(proposal) = partition.maybe_shrink_isr(ctx, &self.setting) {
                proposals.push((name.clone(), proposal));
            }
        }
        for (name, proposal) in proposals {
            self.submit(&name, proposal);
        }
    }

    fn keep_logs(&mut self, ctx: &mut Context<'_>) -> Result<(), LogFailure> {
        if self.logs.deadline().is_none_or(|due| ctx.now.monotonic < due) {
            return Ok(());
        }
        let logs =
            self.partitions.values_mut().map(Partition::log_mut).chain(self.unclaimed.values_mut());
        let moves = self.logs.on_time(ctx.now, logs, ctx.disk).map_err(LogFailure::of_directory)?;
        for (partition, moved) in moves {
            let (from, to, reason) = (moved.from, moved.to, moved.reason);
            ctx.event(PartitionEvent::LogStartMoved { partition, from, to, reason });
        }
        Ok(())
    }

    /// A controlled shutdown begins: replicas that are out of sync or without leader are not
    /// brought up to date any more.
    pub fn prepare_shutdown(&mut self) {
        if self.life == Life::Running {
            self.life = Life::InControlledShutdown;
        }
    }

    /// Ends cleanly: nothing is served or fetched any more, everything is made durable, and the
    /// marker of a clean shutdown is written. Who still waits gets no answer: his connection ends.
    pub fn shutdown(&mut self, ctx: &mut Context<'_>) {
        if self.life == Life::Ended {
            return;
        }
        self.life = Life::Ended;
        let result = self.close_logs(ctx);
        self.guard(ctx, result);
    }

    fn close_logs(&mut self, ctx: &mut Context<'_>) -> Result<(), LogFailure> {
        // A broker that never registered has changed nothing that its epoch would tell of.
        let epoch = self.setting.broker_epoch.unwrap_or(BrokerEpoch(-1));
        let logs =
            self.partitions.values_mut().map(Partition::log_mut).chain(self.unclaimed.values_mut());
        self.logs.shutdown(logs, epoch, ctx.disk).map_err(LogFailure::of_directory)
    }
}
