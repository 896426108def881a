//! A produce request with acks=all that waits for its replicas.
//!
//! Mirrors `DelayedProduce`. Each partition is decided on its own, at the moment at which its batch
//! has reached its replicas or cannot any more; the answer goes when all are decided.

use super::partition::ProduceSnapshot;
use crate::{
    host::event::{PartitionEvent, ProduceAnswered, RequestRef},
    ids::{Offset, TopicPartition},
    net::RequestId,
    protocol::{
        ErrorCode, Response,
        messages::{
            ProduceResponse,
            produce_response::{PartitionProduceResponse, TopicProduceResponse},
            wire_topic,
        },
    },
    replica::effect::{Context, Effect},
};

/// A produce request whose batches were appended or refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DelayedProduce {
    /// The request.
    pub(super) request: RequestRef,
    /// The acks that were asked for.
    pub(super) acks: i16,
    /// Its partitions, in the order of the request.
    pub(super) partitions: Vec<ProducePartition>,
}

/// One partition of a produce request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ProducePartition {
    /// The partition.
    pub(super) partition: TopicPartition,
    /// Where the batch stands, if it was appended.
    pub(super) appended: Option<(Offset, Offset)>,
    /// The first offset of the log, if the batch was appended.
    pub(super) log_start_offset: Option<Offset>,
    /// What the client will be told.
    pub(super) state: ProduceState,
}

/// What is known of a partition's outcome.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ProduceState {
    /// The batch is appended and has not reached its replicas.
    Waiting,
    /// The outcome, and what it rests on.
    Decided(ErrorCode, ProduceSnapshot),
}

impl ProducePartition {
    /// The high watermark that a waiting batch needs.
    pub(super) fn required(&self) -> Option<Offset> {
        match self.state {
            ProduceState::Waiting => self.appended.map(|(_, last)| last.next()),
            ProduceState::Decided(..) => None,
        }
    }

    fn error(&self) -> ErrorCode {
        match &self.state {
            ProduceState::Waiting => ErrorCode::RequestTimedOut,
            ProduceState::Decided(error, _) => *error,
        }
    }

    fn to_wire(&self) -> PartitionProduceResponse {
        PartitionProduceResponse::default()
            .with_index(self.partition.partition)
            .with_error_code(self.error().code())
            .with_base_offset(Offset::to_wire(self.appended.map(|(base, _)| base)))
            .with_log_append_time_ms(-1)
            .with_log_start_offset(Offset::to_wire(self.log_start_offset))
    }
}

impl DelayedProduce {
    /// Whether a partition still waits.
    pub(super) fn is_waiting(&self) -> bool {
        self.partitions.iter().any(|one| one.state == ProduceState::Waiting)
    }

    /// Whether a partition was refused.
    pub(super) fn has_failed(&self) -> bool {
        self.partitions.iter().any(|one| one.error() != ErrorCode::None)
    }

    /// The request is done: tells each outcome, and answers as the acks have it.
    pub(super) fn finish(self, ctx: &mut Context<'_>, id: RequestId) {
        for one in &self.partitions {
            self.tell(ctx, one);
        }
        ctx.effect(match (self.acks, self.has_failed()) {
            (0, false) => Effect::Done(id),
            (0, true) => Effect::CloseConnection(id),
            (_, _) => Effect::Respond(id, Response::Produce(self.to_wire())),
        });
    }

    fn tell(&self, ctx: &mut Context<'_>, one: &ProducePartition) {
        let snapshot = match &one.state {
            ProduceState::Waiting => ProduceSnapshot::NO_REPLICA,
            ProduceState::Decided(_, snapshot) => *snapshot,
        };
        ctx.event(PartitionEvent::ProduceAnswered(ProduceAnswered {
            partition: one.partition.clone(),
            request: self.request.clone(),
            acks: self.acks,
            error: one.error().code(),
            base_offset: one.appended.map(|(base, _)| base),
            last_offset: one.appended.map(|(_, last)| last),
            leader_epoch: snapshot.leader_epoch,
            high_watermark: snapshot.high_watermark,
            isr_size: snapshot.isr_size,
            min_insync_replicas: snapshot.min_insync_replicas,
        }));
    }

    fn to_wire(&self) -> ProduceResponse {
        let mut topics: Vec<TopicProduceResponse> = Vec::new();
        for one in &self.partitions {
            let name = &one.partition.topic;
            if topics.last().is_none_or(|last| last.name.0.as_str() != name.as_str()) {
                topics.push(TopicProduceResponse::default().with_name(wire_topic(name)));
            }
            if let Some(topic) = topics.last_mut() {
                topic.partition_responses.push(one.to_wire());
            }
        }
        ProduceResponse::default().with_responses(topics)
    }
}
