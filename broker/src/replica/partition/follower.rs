//! What a follower does with its leader's answers: append, adopt the high watermark, or cut.
//!
//! Mirrors `ReplicaFetcherThread.processPartitionData`, `truncate` and `truncateFullyAndStartAt`,
//! and `AbstractFetcherThread.getOffsetTruncationState` (KIP-101, KIP-279, KIP-595).

use bytes::Bytes;

use super::{Partition, PartitionRole, Reconciliation};
use crate::{
    host::event::{AppendOrigin, LogStartReason, PartitionEvent, Truncated, TruncationReason},
    ids::{LeaderEpoch, Offset},
    log::{FollowerAppendError, LogError, LogManager, LogStartError},
    replica::effect::Context,
};

/// What a leader answered for one partition, without error and without divergence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeaderData {
    /// Batches behind the end of this log.
    pub(crate) records: Bytes,
    /// The leader's high watermark.
    pub(crate) high_watermark: Option<Offset>,
    /// The leader's log start.
    pub(crate) log_start_offset: Option<Offset>,
}

/// Why a follower could not use its leader's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FollowerFailure {
    /// The records are damaged: fetching again may help.
    Damaged,
    /// The answer cannot be right. The partition is left alone until a new leader epoch.
    Inconsistent(String),
    /// The log failed.
    Storage(LogError),
}

/// Whether two logs agree once the follower has cut where it was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// They do.
    Reached,
    /// The follower does not know the epoch that the leader named: it must ask again.
    AskAgain,
}

impl Partition {
    /// Whether it is still to be found out what must be cut.
    pub(crate) fn reconciliation(&self) -> Reconciliation {
        match &self.role {
            PartitionRole::Leader(_) => Reconciliation::Done,
            PartitionRole::Follower(following) => following.reconciliation,
        }
    }

    /// Everything is cut that the protocol has cut.
    pub(crate) fn reconciliation_done(&mut self) {
        if let PartitionRole::Follower(following) = &mut self.role {
            following.reconciliation = Reconciliation::Done;
        }
    }

    /// Takes over what the leader sent. Tells whether the high watermark moved.
    pub(crate) fn append_from_leader(
        &mut self,
        ctx: &mut Context<'_>,
        data: LeaderData,
    ) -> Result<bool, FollowerFailure> {
        self.reconciliation_done();
        self.reconciled(ctx);
        self.append_copies(ctx, data.records)?;
        // Only now: the high watermark may not pass the end of the log.
        let moved = data
            .high_watermark
            .and_then(|high_watermark| self.log.update_high_watermark(high_watermark));
        let moved = self.tell_high_watermark(ctx, moved);
        if let Some(log_start) = data.log_start_offset {
            self.follow_log_start(ctx, log_start)?;
        }
        Ok(moved)
    }

    fn append_copies(
        &mut self,
        ctx: &mut Context<'_>,
        records: Bytes,
    ) -> Result<(), FollowerFailure> {
        if records.is_empty() {
            return Ok(());
        }
        match self.log.append_as_follower(ctx.now, records, ctx.disk) {
            Ok(batches) => {
                for batch in &batches {
                    ctx.event(self.appended(AppendOrigin::Follower, batch, None));
                }
                Ok(())
            }
            Err(FollowerAppendError::Corrupt) => Err(FollowerFailure::Damaged),
            Err(FollowerAppendError::Storage(error)) => Err(FollowerFailure::Storage(error)),
            Err(
                error @ (FollowerAppendError::UnexpectedOffset { .. }
                | FollowerAppendError::OutOfOrder),
            ) => Err(FollowerFailure::Inconsistent(error.to_string())),
        }
    }

    fn follow_log_start(
        &mut self,
        ctx: &mut Context<'_>,
        to: Offset,
    ) -> Result<(), FollowerFailure> {
        match self.log.maybe_increment_log_start(to, ctx.disk) {
            Ok(None) => Ok(()),
            Ok(Some((from, to))) => {
                let (partition, reason) = (self.name.clone(), LogStartReason::Leader);
                ctx.event(PartitionEvent::LogStartMoved { partition, from, to, reason });
                Ok(())
            }
            Err(error @ LogStartError::AboveHighWatermark { .. }) => {
                Err(FollowerFailure::Inconsistent(error.to_string()))
            }
            Err(LogStartError::Storage(error)) => Err(FollowerFailure::Storage(error)),
        }
    }

    /// Tells, once for each epoch, that this log agrees with the leader's.
    fn reconciled(&mut self, ctx: &mut Context<'_>) {
        let PartitionRole::Follower(following) = &mut self.role else { return };
        let (Some(leader_epoch), Some(leader)) = (self.leader_epoch, following.leader) else {
            return;
        };
        if following.reconciled == Some(leader_epoch) {
            return;
        }
        following.reconciled = Some(leader_epoch);
        ctx.event(PartitionEvent::Reconciled {
            partition: self.name.clone(),
            leader_epoch,
            leader,
            log_end_offset: self.log.log_end_offset(),
        });
    }

    /// Where to cut when the leader says that its greatest epoch that is not above ours ends at
    /// `end`; a leader that answers as KIP-101 has it does not say which epoch that is.
    pub(crate) fn truncation_point(
        &self,
        (epoch, end): (Option<LeaderEpoch>, Offset),
    ) -> (Offset, Agreement) {
        let log_end = self.log.log_end_offset();
        match epoch.and_then(|epoch| self.log.end_offset_for_epoch(epoch)) {
            // We do not know that epoch: cut what is above the greatest below it, and ask again.
            Some((own_epoch, own_end)) if Some(own_epoch) != epoch => {
                (own_end.min(log_end), Agreement::AskAgain)
            }
            Some((_, own_end)) => (own_end.min(end).min(log_end), Agreement::Reached),
            None => (end.min(log_end), Agreement::Reached),
        }
    }

    /// Cuts the log so that it ends at `to`.
    pub(crate) fn truncate(
        &mut self,
        ctx: &mut Context<'_>,
        logs: &mut LogManager,
        (to, reason): (Offset, TruncationReason),
    ) -> Result<(), LogError> {
        let (from, high_watermark) = (self.log.log_end_offset(), self.log.high_watermark());
        logs.truncate_to(ctx.now, &mut self.log, to, ctx.disk)?;
        self.tell_truncated(ctx, (from, high_watermark), reason);
        Ok(())
    }

    /// Drops everything and begins at `start`.
    pub(crate) fn truncate_fully(
        &mut self,
        ctx: &mut Context<'_>,
        logs: &mut LogManager,
        start: Offset,
    ) -> Result<(), LogError> {
        let (from, high_watermark) = (self.log.log_end_offset(), self.log.high_watermark());
        logs.truncate_fully_and_start_at(ctx.now, &mut self.log, start, ctx.disk)?;
        self.tell_truncated(ctx, (from, high_watermark), TruncationReason::BeforeLeaderStart);
        Ok(())
    }

    fn tell_truncated(
        &self,
        ctx: &mut Context<'_>,
        (from, high_watermark): (Offset, Offset),
        reason: TruncationReason,
    ) {
        let to = self.log.log_end_offset();
        if from != to {
            ctx.event(PartitionEvent::Truncated(Truncated {
                partition: self.name.clone(),
                from,
                to,
                log_start_offset: self.log.log_start_offset(),
                high_watermark,
                leader_epoch: self.leader_epoch.unwrap_or_default(),
                reason,
            }));
        }
        let now = self.log.high_watermark();
        self.tell_high_watermark(ctx, (high_watermark != now).then_some((high_watermark, now)));
    }
}
