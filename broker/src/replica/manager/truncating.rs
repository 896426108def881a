//! What a follower does before its first fetch: find out where its log leaves the leader's, and cut.
//!
//! Mirrors `AbstractFetcherThread.maybeTruncate`, `truncateToHighWatermark`,
//! `truncateToEpochEndOffsets` and `maybeTruncateToEpochEndOffsets` (KIP-101, KIP-279, KIP-320).
//! With KIP-595 the fetches themselves find it out, and there is nothing to do here unless the log
//! has no epochs.

use std::collections::BTreeMap;

use super::{LogFailure, ReplicaManager, following::Next};
use crate::{
    host::event::TruncationReason,
    ids::{BrokerId, LeaderEpoch, Offset, TopicPartition},
    protocol::{
        ErrorCode,
        messages::{
            OffsetForLeaderEpochResponse, offset_for_leader_epoch_response::EpochEndOffset,
            topic_of,
        },
    },
    replica::{
        effect::Context,
        fetcher::FetchPhase,
        partition::{Agreement, Reconciliation},
        rules::{Switch, Truncation},
    },
};

impl ReplicaManager {
    /// Begins to fetch a partition from a leader: first cuts what the protocol has it cut, or asks.
    pub(super) fn begin_fetching(
        &mut self,
        ctx: &mut Context<'_>,
        name: &TopicPartition,
        leader: BrokerId,
    ) -> Result<(), LogFailure> {
        let phase = self.truncate_or_ask(ctx, name)?;
        let Some(partition) = self.partitions.get(name) else { return Ok(()) };
        let epoch = partition.leader_epoch().unwrap_or_default();
        self.fetchers.add(name, partition.topic_id(), (leader, epoch), phase);
        Ok(())
    }

    /// Cuts what can be cut without the leader, and says what the partition needs next.
    fn truncate_or_ask(
        &mut self,
        ctx: &mut Context<'_>,
        name: &TopicPartition,
    ) -> Result<FetchPhase, LogFailure> {
        let Some(partition) = self.partitions.get_mut(name) else {
            return Ok(FetchPhase::Fetching);
        };
        if partition.reconciliation() == Reconciliation::Done {
            return Ok(FetchPhase::Fetching);
        }
        // Without any epoch the leader cannot be asked.
        let can_ask = partition.log().latest_epoch().is_some();
        match self.setting.rules.truncation {
            Truncation::EndOffsetOfEpoch | Truncation::EpochAndEndOffset if can_ask => {
                return Ok(FetchPhase::Truncating);
            }
            // The fetches ask.
            Truncation::DivergingEpochInFetch if can_ask => return Ok(FetchPhase::Fetching),
            Truncation::None => {}
            Truncation::OwnHighWatermark
            | Truncation::EndOffsetOfEpoch
            | Truncation::EpochAndEndOffset
            | Truncation::DivergingEpochInFetch => {
                let cut = (partition.log().high_watermark(), TruncationReason::OwnHighWatermark);
                partition.truncate(ctx, &mut self.logs, cut).map_err(LogFailure::of(name))?;
            }
        }
        partition.reconciliation_done();
        Ok(FetchPhase::Fetching)
    }

    /// A leader told where epochs end.
    pub(super) fn use_epoch_ends(
        &mut self,
        ctx: &mut Context<'_>,
        leader: BrokerId,
        asked: &BTreeMap<TopicPartition, LeaderEpoch>,
        response: &OffsetForLeaderEpochResponse,
    ) -> Result<(), LogFailure> {
        for topic in &response.topics {
            for data in &topic.partitions {
                let name =
                    TopicPartition { topic: topic_of(&topic.topic), partition: data.partition };
                let Some(epoch) = asked.get(&name) else { continue };
                if !self.awaits_epoch_end(leader, &name, *epoch) {
                    continue;
                }
                let next = match ErrorCode::from_code(data.error_code) {
                    ErrorCode::None => self.cut_at_epoch_end(ctx, &name, data)?,
                    ErrorCode::FencedLeaderEpoch => self.fenced(leader, &name, *epoch),
                    _ => Next::Delay,
                };
                self.set_next(ctx, leader, &name, next);
            }
        }
        Ok(())
    }

    /// Whether an answer is for the partition as it is now: it may be fetched in another epoch, or
    /// fetched already. Without the fence the epoch does not matter.
    fn awaits_epoch_end(
        &self,
        leader: BrokerId,
        name: &TopicPartition,
        asked_in: LeaderEpoch,
    ) -> bool {
        let fetcher = self.fetchers.get(leader);
        let state = fetcher.and_then(|fetcher| fetcher.ready(name, FetchPhase::Truncating));
        state.is_some_and(|state| match self.setting.rules.reconcile_epoch_fence {
            Switch::Off => true,
            Switch::On => state.leader_epoch() == asked_in,
        })
    }

    fn cut_at_epoch_end(
        &mut self,
        ctx: &mut Context<'_>,
        name: &TopicPartition,
        told: &EpochEndOffset,
    ) -> Result<Next, LogFailure> {
        let Some(partition) = self.partitions.get_mut(name) else { return Ok(Next::Fail) };
        let epoch = LeaderEpoch::from_wire(told.leader_epoch);
        let (cut, agreement) = if let Some(end) = Offset::from_wire(told.end_offset) {
            let (point, agreement) = partition.truncation_point((epoch, end));
            ((point, TruncationReason::LeaderEpochEndOffset), agreement)
        } else {
            // The leader knows no epoch so new. What is committed for sure is kept.
            let high_watermark = partition.log().high_watermark();
            ((high_watermark, TruncationReason::OwnHighWatermark), Agreement::Reached)
        };
        partition.truncate(ctx, &mut self.logs, cut).map_err(LogFailure::of(name))?;
        if agreement == Agreement::Reached {
            partition.reconciliation_done();
        }
        self.complete_fetches(ctx, name)?;
        self.truncate_or_ask(ctx, name).map(Next::Phase)
    }
}
