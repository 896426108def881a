//! Looking again at the requests that wait for a partition, because something happened to it.
//!
//! Mirrors `DelayedProduce.tryComplete`, `DelayedFetch.tryComplete` and their `onComplete`.

use super::{LogFailure, ReplicaManager, not_here};
use crate::{
    ids::TopicPartition,
    net::RequestId,
    protocol::ErrorCode,
    replica::{
        delayed_produce::ProduceState,
        effect::{Context, Effect},
        partition::{Partition, ProduceSnapshot, Readiness},
    },
};

impl ReplicaManager {
    /// Answers whoever has got what he waited for: the high watermark moved, or this broker does
    /// not lead any more.
    pub(super) fn complete_waiting(
        &mut self,
        ctx: &mut Context<'_>,
        partition: &TopicPartition,
    ) -> Result<(), LogFailure> {
        for request in self.produces.watchers(partition) {
            self.try_complete_produce(ctx, request);
        }
        self.complete_fetches(ctx, partition)
    }

    /// Answers the fetches that have got enough: records were appended.
    pub(super) fn complete_fetches(
        &mut self,
        ctx: &mut Context<'_>,
        partition: &TopicPartition,
    ) -> Result<(), LogFailure> {
        for request in self.fetches.watchers(partition) {
            self.try_complete_fetch(ctx, request)?;
        }
        Ok(())
    }

    pub(super) fn try_complete_produce(&mut self, ctx: &mut Context<'_>, request: RequestId) {
        self.decide_produce(request);
        let is_decided = self.produces.get(request).is_some_and(|produce| !produce.is_waiting());
        if is_decided && let Some(produce) = self.produces.remove(request) {
            produce.finish(ctx, request);
        }
    }

    fn decide_produce(&mut self, request: RequestId) {
        let Some(produce) = self.produces.get_mut(request) else { return };
        for one in &mut produce.partitions {
            let Some(required) = one.required() else { continue };
            let partition = self.partitions.get(&one.partition);
            let outcome = match partition {
                Some(partition) => partition.has_enough(required),
                None => Some(not_here(&self.setting, &one.partition)),
            };
            if let Some(error) = outcome {
                one.state = ProduceState::Decided(error, snapshot(partition));
            }
        }
    }

    /// Answers a produce request whose time is over.
    pub(super) fn expire_produce(&mut self, ctx: &mut Context<'_>, request: RequestId) {
        let Some(mut produce) = self.produces.remove(request) else { return };
        for one in produce.partitions.iter_mut().filter(|one| one.required().is_some()) {
            let snapshot = snapshot(self.partitions.get(&one.partition));
            one.state = ProduceState::Decided(ErrorCode::RequestTimedOut, snapshot);
        }
        produce.finish(ctx, request);
    }

    pub(super) fn try_complete_fetch(
        &mut self,
        ctx: &mut Context<'_>,
        request: RequestId,
    ) -> Result<(), LogFailure> {
        if self.is_fetch_ready(ctx, request)? {
            self.finish_fetch(ctx, request)?;
        }
        Ok(())
    }

    fn is_fetch_ready(
        &mut self,
        ctx: &mut Context<'_>,
        request: RequestId,
    ) -> Result<bool, LogFailure> {
        let Some(fetch) = self.fetches.get(request) else { return Ok(false) };
        let mut available = 0;
        for item in &fetch.items {
            let Ok(name) = &item.partition else { continue };
            let Some(partition) = self.partitions.get_mut(name) else { return Ok(true) };
            let readiness = partition
                .readiness(ctx, &self.setting, (fetch.reader, &item.asked), fetch.min_bytes)
                .map_err(LogFailure::of(name))?;
            match readiness {
                Readiness::AnswerNow => return Ok(true),
                Readiness::Bytes(bytes) => available += bytes,
            }
        }
        Ok(fetch.min_bytes <= available)
    }

    /// Answers a fetch with what there is now. A follower's state was counted when it came.
    pub(super) fn finish_fetch(
        &mut self,
        ctx: &mut Context<'_>,
        request: RequestId,
    ) -> Result<(), LogFailure> {
        let Some(fetch) = self.fetches.remove(request) else { return Ok(()) };
        let outcomes = self.read_again(ctx, &fetch)?;
        let response = fetch.answer(ctx, outcomes);
        ctx.effect(Effect::Respond(request, response));
        Ok(())
    }
}

fn snapshot(partition: Option<&Partition>) -> ProduceSnapshot {
    partition.map_or(ProduceSnapshot::NO_REPLICA, Partition::produce_snapshot)
}
