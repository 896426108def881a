//! The follower's work: use what leaders answer, ask for more.
//!
//! Mirrors `AbstractFetcherThread` (`processFetchRequest`, `truncateOnFetchResponse`,
//! `fetchOffsetAndTruncate`, `onPartitionFenced`) and `ReplicaFetcherThread`. What is cut before
//! the first fetch is in `truncating`.

use std::collections::BTreeMap;

use super::{Life, LogFailure, ReplicaManager};
use crate::{
    host::event::TruncationReason,
    ids::{BrokerId, LeaderEpoch, Offset, TopicName, TopicPartition},
    protocol::{
        ErrorCode, Response,
        messages::{
            FetchResponse, ListOffsetsResponse, fetch_response::PartitionData, topic_id_of,
            topic_of,
        },
    },
    replica::{
        effect::{Context, Effect, FetcherTicket, NetFailure},
        fetcher::{Asked, AskedFetch, FetchPhase, PartitionPosition},
        partition::{FollowerFailure, LeaderData, Partition},
        rules::Switch,
    },
};

/// What becomes of a partition after its leader's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It does this next.
    Phase(FetchPhase),
    /// It is left alone for a while.
    Delay,
    /// It is left alone until a new leader epoch.
    Fail,
}

impl ReplicaManager {
    /// A leader answered, or will not.
    pub fn on_leader_completed(
        &mut self,
        ctx: &mut Context<'_>,
        ticket: FetcherTicket,
        outcome: Result<Response, NetFailure>,
    ) {
        if self.life == Life::Ended {
            return;
        }
        let Some((leader, asked)) = self.fetchers.complete(ticket) else { return };
        let result = self.use_answer(ctx, leader, asked, outcome);
        self.guard(ctx, result);
        self.ask_leaders(ctx);
    }

    fn use_answer(
        &mut self,
        ctx: &mut Context<'_>,
        leader: BrokerId,
        asked: Asked,
        outcome: Result<Response, NetFailure>,
    ) -> Result<(), LogFailure> {
        match (asked, outcome) {
            (Asked::Fetch(asked), Ok(Response::Fetch(response)))
                if response.error_code == ErrorCode::None.code() =>
            {
                self.use_fetched(ctx, leader, &asked, response)
            }
            (Asked::ListOffsets(phase, asked), Ok(Response::ListOffsets(response))) => {
                self.use_offsets(ctx, leader, (phase, &asked), &response)
            }
            (Asked::EpochEnds(asked), Ok(Response::OffsetForLeaderEpoch(response))) => {
                self.use_epoch_ends(ctx, leader, &asked, &response)
            }
            (Asked::Fetch(asked), _) => {
                for name in asked.keys() {
                    self.delay(ctx, leader, name);
                }
                Ok(())
            }
            (Asked::EpochEnds(asked) | Asked::ListOffsets(_, asked), _) => {
                for name in asked.keys() {
                    self.set_next(ctx, leader, name, Next::Delay);
                }
                Ok(())
            }
        }
    }

    fn use_fetched(
        &mut self,
        ctx: &mut Context<'_>,
        leader: BrokerId,
        asked: &BTreeMap<TopicPartition, AskedFetch>,
        response: FetchResponse,
    ) -> Result<(), LogFailure> {
        for topic in response.responses {
            let id = topic_id_of(topic.topic_id);
            let Some(name) = self.setting.cluster.topic_name(id).cloned() else { continue };
            for data in topic.partitions {
                let name = TopicPartition { topic: name.clone(), partition: data.partition_index };
                let Some(asked) = asked.get(&name) else { continue };
                if self.is_for_now(leader, &name, *asked) {
                    let next = self.use_partition(ctx, leader, &name, (*asked, data))?;
                    self.set_next(ctx, leader, &name, next);
                }
            }
        }
        Ok(())
    }

    /// Whether an answer is about the log and the epoch as they are now: a partition may have been
    /// cut, or removed and added again, while the answer was on its way.
    fn is_for_now(&self, leader: BrokerId, name: &TopicPartition, asked: AskedFetch) -> bool {
        let state =
            self.fetchers.get(leader).and_then(|fetcher| fetcher.ready(name, FetchPhase::Fetching));
        let (Some(state), Some(partition)) = (state, self.partitions.get(name)) else {
            return false;
        };
        let is_same_epoch = match self.setting.rules.drop_fetch_response_of_other_epoch {
            Switch::Off => true,
            Switch::On => asked.leader_epoch == state.leader_epoch(),
        };
        is_same_epoch && asked.fetch_offset == partition.log().log_end_offset()
    }

    fn use_partition(
        &mut self,
        ctx: &mut Context<'_>,
        leader: BrokerId,
        name: &TopicPartition,
        (asked, data): (AskedFetch, PartitionData),
    ) -> Result<Next, LogFailure> {
        match ErrorCode::from_code(data.error_code) {
            ErrorCode::None => {
                let diverging = &data.diverging_epoch;
                if let Some(epoch) = LeaderEpoch::from_wire(diverging.epoch) {
                    let diverging = (epoch, Offset(diverging.end_offset.max(0)));
                    return self.cut_diverged(ctx, name, diverging);
                }
                self.append_fetched(ctx, leader, name, data)
            }
            ErrorCode::OffsetOutOfRange => Ok(Next::Phase(FetchPhase::LogEnd)),
            ErrorCode::FencedLeaderEpoch => Ok(self.fenced(leader, name, asked.leader_epoch)),
            _ => Ok(Next::Delay),
        }
    }

    /// The leader knows a later epoch. If it is the one we were told of meanwhile, we ask again;
    /// else there is nothing to be had before the metadata comes.
    pub(super) fn fenced(
        &self,
        leader: BrokerId,
        name: &TopicPartition,
        asked: LeaderEpoch,
    ) -> Next {
        let fetcher = self.fetchers.get(leader);
        let is_known = fetcher
            .and_then(|fetcher| fetcher.get(name))
            .is_some_and(|state| state.leader_epoch() == asked);
        if is_known { Next::Fail } else { Next::Delay }
    }

    /// Nothing else of such an answer is used: the high watermark would be that of another log
    /// (KAFKA-14704).
    fn cut_diverged(
        &mut self,
        ctx: &mut Context<'_>,
        name: &TopicPartition,
        diverging: (LeaderEpoch, Offset),
    ) -> Result<Next, LogFailure> {
        let Some(partition) = self.partitions.get_mut(name) else { return Ok(Next::Fail) };
        let (epoch, end) = diverging;
        // Whether the logs agree then, the next fetch will tell.
        let (point, _) = partition.truncation_point((Some(epoch), end));
        let cut = (point, TruncationReason::DivergingEpoch);
        partition.truncate(ctx, &mut self.logs, cut).map_err(LogFailure::of(name))?;
        self.complete_fetches(ctx, name)?;
        Ok(Next::Phase(FetchPhase::Fetching))
    }

    fn append_fetched(
        &mut self,
        ctx: &mut Context<'_>,
        leader: BrokerId,
        name: &TopicPartition,
        data: PartitionData,
    ) -> Result<Next, LogFailure> {
        let Some(partition) = self.partitions.get_mut(name) else { return Ok(Next::Fail) };
        let data = LeaderData {
            records: data.records.unwrap_or_default(),
            high_watermark: Offset::from_wire(data.high_watermark),
            log_start_offset: Offset::from_wire(data.log_start_offset),
        };
        let has_records = !data.records.is_empty();
        match partition.append_from_leader(ctx, data) {
            Ok(high_watermark_moved) => {
                if has_records && let Some(fetcher) = self.fetchers.get_mut(leader) {
                    fetcher.served(name);
                }
                if high_watermark_moved {
                    self.complete_fetches(ctx, name)?;
                }
                Ok(Next::Phase(FetchPhase::Fetching))
            }
            Err(FollowerFailure::Damaged) => Ok(Next::Delay),
            Err(FollowerFailure::Inconsistent(_)) => Ok(Next::Fail),
            Err(FollowerFailure::Storage(error)) => Err(LogFailure::of(name)(error)),
        }
    }

    fn use_offsets(
        &mut self,
        ctx: &mut Context<'_>,
        leader: BrokerId,
        (phase, asked): (FetchPhase, &BTreeMap<TopicPartition, LeaderEpoch>),
        response: &ListOffsetsResponse,
    ) -> Result<(), LogFailure> {
        for topic in &response.topics {
            let topic_name: TopicName = topic_of(&topic.name);
            for data in &topic.partitions {
                let name =
                    TopicPartition { topic: topic_name.clone(), partition: data.partition_index };
                let Some(epoch) = asked.get(&name) else { continue };
                let fetcher = self.fetchers.get(leader);
                if fetcher.is_none_or(|fetcher| fetcher.ready(&name, phase).is_none()) {
                    continue;
                }
                let next = match ErrorCode::from_code(data.error_code) {
                    ErrorCode::None => {
                        self.use_offset(ctx, &name, phase, Offset(data.offset.max(0)))?
                    }
                    ErrorCode::FencedLeaderEpoch => self.fenced(leader, &name, *epoch),
                    _ => Next::Delay,
                };
                self.set_next(ctx, leader, &name, next);
            }
        }
        Ok(())
    }

    /// A fetch was out of range. If the leader's log ends before ours, ours is cut there; if it
    /// begins behind ours, ours begins anew there; else the fetch is tried again.
    fn use_offset(
        &mut self,
        ctx: &mut Context<'_>,
        name: &TopicPartition,
        phase: FetchPhase,
        offset: Offset,
    ) -> Result<Next, LogFailure> {
        let Some(partition) = self.partitions.get_mut(name) else { return Ok(Next::Fail) };
        let log_end = partition.log().log_end_offset();
        let result = match phase {
            FetchPhase::LogEnd if offset < log_end => {
                let cut = (offset, TruncationReason::BeyondLeaderEnd);
                partition.truncate(ctx, &mut self.logs, cut)
            }
            FetchPhase::LogEnd => return Ok(Next::Phase(FetchPhase::LogStart)),
            FetchPhase::LogStart if log_end < offset => {
                partition.truncate_fully(ctx, &mut self.logs, offset)
            }
            FetchPhase::LogStart | FetchPhase::Fetching | FetchPhase::Truncating => Ok(()),
        };
        result.map_err(LogFailure::of(name))?;
        self.complete_fetches(ctx, name)?;
        Ok(Next::Phase(FetchPhase::Fetching))
    }

    pub(super) fn set_next(
        &mut self,
        ctx: &Context<'_>,
        leader: BrokerId,
        name: &TopicPartition,
        next: Next,
    ) {
        let Some(fetcher) = self.fetchers.get_mut(leader) else { return };
        match next {
            Next::Phase(phase) => fetcher.set_phase(name, phase),
            Next::Delay => {
                fetcher.fall_back(name);
                self.delay(ctx, leader, name);
            }
            Next::Fail => fetcher.fail(name),
        }
    }

    fn delay(&mut self, ctx: &Context<'_>, leader: BrokerId, name: &TopicPartition) {
        let until = ctx.now.monotonic.plus(self.config.replica_fetch_backoff_ms.duration());
        if let Some(fetcher) = self.fetchers.get_mut(leader) {
            fetcher.delay(name, until);
        }
    }

    /// Sends the next request to each leader that has none on its way.
    pub(super) fn ask_leaders(&mut self, ctx: &mut Context<'_>) {
        if self.life == Life::Ended {
            return;
        }
        for leader in self.fetchers.leaders() {
            let Some(fetcher) = self.fetchers.get_mut(leader) else { continue };
            fetcher.end_delays(ctx.now.monotonic);
            let position = |name: &TopicPartition| self.partitions.get(name).map(position);
            let next = fetcher.next_request(&self.setting, self.fetch_sizes, position);
            if let Some((request, asked)) = next {
                let ticket = self.fetchers.sent(leader, asked);
                ctx.effect(Effect::ToLeader { leader, request, ticket });
            }
        }
    }
}

fn position(partition: &Partition) -> PartitionPosition {
    let log = partition.log();
    PartitionPosition {
        log_end: log.log_end_offset(),
        log_start: log.log_start_offset(),
        last_epoch: log.latest_epoch(),
        reconciliation: partition.reconciliation(),
    }
}
