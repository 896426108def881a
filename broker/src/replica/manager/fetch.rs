//! Fetch requests of followers and consumers.
//!
//! Mirrors `KafkaApis.handleFetchRequest` and `ReplicaManager.fetchMessages`. A follower's fetch is
//! its acknowledgement; it counts when it comes, and not again when it is answered later.

use super::{Life, LogFailure, Received, ReplicaManager, not_here};
use crate::{
    config::Millis,
    ids::{Offset, TopicPartition},
    log::MinOneBatch,
    protocol::{ErrorCode, messages::FetchRequest},
    replica::{
        delayed_fetch::{DelayedFetch, FetchItem, FetchOutcome},
        effect::{Context, Effect},
        follower_states::FollowerFetch,
        partition::{ReadLimit, ReadRefusal, Reader},
    },
};

impl ReplicaManager {
    /// Serves a fetch request.
    pub fn fetch(&mut self, ctx: &mut Context<'_>, received: &Received, request: &FetchRequest) {
        if self.life == Life::Ended {
            return;
        }
        let result = self.read_and_answer(ctx, received, request);
        self.guard(ctx, result);
    }

    fn read_and_answer(
        &mut self,
        ctx: &mut Context<'_>,
        received: &Received,
        request: &FetchRequest,
    ) -> Result<(), LogFailure> {
        let max_bytes = self.config.fetch_max_bytes;
        let cluster = &self.setting.cluster;
        let fetch = DelayedFetch::read(request, received.version, cluster, max_bytes);
        let mut outcomes = Vec::with_capacity(fetch.items.len());
        let mut limit = first_limit(&fetch);
        for item in &fetch.items {
            let outcome = self.read(ctx, &fetch, item, limit)?;
            let outcome = match (outcome, fetch.reader) {
                (Ok(read), Reader::Follower { .. }) if read.diverging.is_none() => {
                    self.count(ctx, fetch.reader, item, read.log_end_offset)?.map(|()| read)
                }
                (Err(error), Reader::Follower { .. }) if is_about_epoch(error) => {
                    self.count_refused(ctx, fetch.reader, item)?;
                    Err(error)
                }
                (outcome, _) => outcome,
            };
            limit = next_limit(limit, &outcome);
            outcomes.push(outcome);
        }
        let wait = Millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).duration();
        if wait.is_zero() || answers_at_once(&fetch, &outcomes) {
            let response = fetch.answer(ctx, outcomes);
            ctx.effect(Effect::Respond(received.id, response));
            return Ok(());
        }
        let deadline = ctx.now.monotonic.plus(wait);
        self.fetches.park(received.id, fetch.partitions(), deadline, fetch);
        self.try_complete_fetch(ctx, received.id)
    }

    /// Reads for a fetch that has waited.
    pub(super) fn read_again(
        &mut self,
        ctx: &mut Context<'_>,
        fetch: &DelayedFetch,
    ) -> Result<Vec<FetchOutcome>, LogFailure> {
        let mut outcomes = Vec::with_capacity(fetch.items.len());
        let mut limit = first_limit(fetch);
        for item in &fetch.items {
            let outcome = self.read(ctx, fetch, item, limit)?;
            limit = next_limit(limit, &outcome);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    fn read(
        &mut self,
        ctx: &mut Context<'_>,
        fetch: &DelayedFetch,
        item: &FetchItem,
        limit: ReadLimit,
    ) -> Result<FetchOutcome, LogFailure> {
        let name = match &item.partition {
            Ok(name) => name,
            Err(error) => return Ok(Err(*error)),
        };
        let Some(partition) = self.partitions.get_mut(name) else {
            return Ok(Err(not_here(&self.setting, name)));
        };
        if item.topic_id().is_some_and(|id| id != partition.topic_id()) {
            return Ok(Err(ErrorCode::InconsistentTopicId));
        }
        match partition.read(ctx, &self.setting, (fetch.reader, &item.asked), limit) {
            Ok(read) => Ok(Ok(read)),
            Err(ReadRefusal::Refused(error)) => Ok(Err(error)),
            Err(ReadRefusal::Storage(error)) => Err(LogFailure::of(name)(error)),
        }
    }

    /// A fetch that was refused for its epoch: the rules say whether it counts all the same.
    fn count_refused(
        &mut self,
        ctx: &mut Context<'_>,
        reader: Reader,
        item: &FetchItem,
    ) -> Result<(), LogFailure> {
        let Ok(name) = &item.partition else { return Ok(()) };
        let Some(partition) = self.partitions.get(name) else { return Ok(()) };
        let leader_end = partition.log().log_end_offset();
        // Whether it counts or not, its sender is told of the epoch.
        self.count(ctx, reader, item, leader_end)?.or(Ok(()))
    }

    /// Counts a follower's fetch, and does what follows from it.
    fn count(
        &mut self,
        ctx: &mut Context<'_>,
        reader: Reader,
        item: &FetchItem,
        leader_end: Offset,
    ) -> Result<Result<(), ErrorCode>, LogFailure> {
        let (Reader::Follower { id, incarnation }, Ok(name)) = (reader, &item.partition) else {
            return Ok(Ok(()));
        };
        let Some(partition) = self.partitions.get_mut(name) else { return Ok(Ok(())) };
        let fetch = FollowerFetch {
            follower: id,
            incarnation,
            leader_epoch: item.asked.current_leader_epoch,
            fetch_offset: item.asked.fetch_offset,
            log_start_offset: item.asked.log_start_offset,
            at: ctx.now.monotonic,
            leader_end,
        };
        match partition.count_fetch(ctx, &self.setting, &fetch) {
            Err(error) => Ok(Err(error)),
            Ok(counted) => {
                let name: TopicPartition = name.clone();
                if let Some(proposal) = counted.proposal {
                    self.propose(ctx, &name, proposal);
                }
                if counted.high_watermark_moved {
                    self.complete_waiting(ctx, &name)?;
                }
                Ok(Ok(()))
            }
        }
    }
}

fn is_about_epoch(error: ErrorCode) -> bool {
    matches!(error, ErrorCode::FencedLeaderEpoch | ErrorCode::UnknownLeaderEpoch)
}

fn first_limit(fetch: &DelayedFetch) -> ReadLimit {
    ReadLimit { max_bytes: fetch.max_bytes, min_one_batch: MinOneBatch::Yes }
}

/// Once something was read, the sizes asked for hold.
fn next_limit(limit: ReadLimit, outcome: &FetchOutcome) -> ReadLimit {
    match outcome {
        Ok(read) if !read.records.is_empty() => {
            let size = u32::try_from(read.records.len()).unwrap_or(u32::MAX);
            ReadLimit {
                max_bytes: limit.max_bytes.saturating_sub(size),
                min_one_batch: MinOneBatch::No,
            }
        }
        Ok(_) | Err(_) => limit,
    }
}

/// A fetch is answered at once if there is enough, or something that its sender must know.
fn answers_at_once(fetch: &DelayedFetch, outcomes: &[FetchOutcome]) -> bool {
    let mut available = 0;
    let mut asks_for_something = false;
    for (item, outcome) in fetch.items.iter().zip(outcomes) {
        asks_for_something |= item.partition.is_ok();
        match outcome {
            Ok(read) if read.diverging.is_some() => return true,
            Ok(read) => available += read.records.len() as u64,
            Err(_) if item.partition.is_ok() => return true,
            Err(_) => {}
        }
    }
    !asks_for_something || fetch.min_bytes <= available
}
