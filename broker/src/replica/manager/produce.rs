//! Produce requests: append, then answer or wait.
//!
//! Mirrors `KafkaApis.handleProduceRequest` and `ReplicaManager.appendRecords`.

use bytes::Bytes;

use super::{Life, LogFailure, Received, ReplicaManager, not_here};
use crate::{
    config::{Acks, Millis},
    host::event::RequestRef,
    ids::TopicPartition,
    protocol::{
        ErrorCode,
        messages::{ProduceRequest, topic_of},
    },
    replica::{
        delayed_produce::{DelayedProduce, ProducePartition, ProduceState},
        effect::Context,
        partition::{Partition, ProduceRefusal, ProduceSnapshot, Produced},
    },
};

/// What an append has changed for those who wait.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Changed {
    /// There is more to read.
    LogEnd(TopicPartition),
    /// There is more to read, and the high watermark moved.
    HighWatermark(TopicPartition),
}

impl ReplicaManager {
    /// Serves a produce request.
    pub fn produce(&mut self, ctx: &mut Context<'_>, received: &Received, request: ProduceRequest) {
        if self.life == Life::Ended {
            return;
        }
        let result = self.append_and_answer(ctx, received, request);
        self.guard(ctx, result);
    }

    fn append_and_answer(
        &mut self,
        ctx: &mut Context<'_>,
        received: &Received,
        request: ProduceRequest,
    ) -> Result<(), LogFailure> {
        let (acks, timeout_ms) = (request.acks, request.timeout_ms);
        let origin =
            RequestRef { client: received.client.clone(), correlation: received.correlation };
        let mut changed = Vec::new();
        let mut produce = DelayedProduce { request: origin, acks, partitions: Vec::new() };
        for topic in request.topic_data {
            let name = topic_of(&topic.name);
            for data in topic.partition_data {
                let partition = TopicPartition { topic: name.clone(), partition: data.index };
                let records = data.records.unwrap_or_default();
                let one =
                    self.append(ctx, (partition, records), (acks, &produce.request), &mut changed)?;
                produce.partitions.push(one);
            }
        }
        if produce.is_waiting() {
            let wait = Millis(u64::try_from(timeout_ms).unwrap_or(0)).duration();
            let watches = produce.partitions.iter().map(|one| one.partition.clone()).collect();
            self.produces.park(received.id, watches, ctx.now.monotonic.plus(wait), produce);
            self.try_complete_produce(ctx, received.id);
        } else {
            produce.finish(ctx, received.id);
        }
        // After the request itself, as in Kafka: what it appended may be what others wait for.
        for change in changed {
            match change {
                Changed::LogEnd(partition) => self.complete_fetches(ctx, &partition)?,
                Changed::HighWatermark(partition) => self.complete_waiting(ctx, &partition)?,
            }
        }
        Ok(())
    }

    fn append(
        &mut self,
        ctx: &mut Context<'_>,
        (name, records): (TopicPartition, Bytes),
        (acks, request): (i16, &RequestRef),
        changed: &mut Vec<Changed>,
    ) -> Result<ProducePartition, LogFailure> {
        let result = self.try_append(ctx, (&name, records), acks, request);
        let partition = self.partitions.get(&name);
        let snapshot = partition.map_or(ProduceSnapshot::NO_REPLICA, Partition::produce_snapshot);
        let log_start_offset = partition.map(|partition| partition.log().log_start_offset());
        match result {
            Ok(produced) => {
                changed.push(if produced.high_watermark_moved {
                    Changed::HighWatermark(name.clone())
                } else {
                    Changed::LogEnd(name.clone())
                });
                let state = if acks == Acks::All.to_wire() {
                    ProduceState::Waiting
                } else {
                    ProduceState::Decided(ErrorCode::None, snapshot)
                };
                let appended = Some((produced.base_offset, produced.last_offset));
                Ok(ProducePartition { partition: name, appended, log_start_offset, state })
            }
            Err(ProduceRefusal::Refused(error)) => Ok(ProducePartition {
                partition: name,
                appended: None,
                log_start_offset: None,
                state: ProduceState::Decided(error, snapshot),
            }),
            Err(ProduceRefusal::Storage(error)) => Err(LogFailure::of(&name)(error)),
        }
    }

    fn try_append(
        &mut self,
        ctx: &mut Context<'_>,
        (name, records): (&TopicPartition, Bytes),
        acks: i16,
        request: &RequestRef,
    ) -> Result<Produced, ProduceRefusal> {
        let acks = match acks {
            -1 => Acks::All,
            0 => Acks::None,
            1 => Acks::Leader,
            _ => return Err(ProduceRefusal::Refused(ErrorCode::InvalidRequiredAcks)),
        };
        match self.partitions.get_mut(name) {
            Some(partition) => {
                partition.append_as_leader(ctx, &self.setting, (records, acks), request)
            }
            None => Err(ProduceRefusal::Refused(not_here(&self.setting, name))),
        }
    }
}
