//! Where to begin, and whether what was read is still there (Kafka's `OffsetFetcher` and
//! `OffsetsForLeaderEpochClient`; KIP-320).
//!
//! Validation compares the end of the position's epoch in the leader's log with the position, and
//! nothing else, as Kafka does: not the epoch that the leader answers with. After an unclean
//! election an older epoch that reaches beyond the position therefore passes, though its records
//! differ.

use std::collections::BTreeMap;

use super::{
    Consumer, ConsumerAnswer, ConsumerError,
    fetcher::Token,
    subscription::{Phase, Position, ResetTarget},
};
use crate::{
    client::network::Peer,
    host::{Instant, Now, Outbox, event::PositionResetReason},
    ids::{BrokerId, LeaderEpoch, Offset, TopicName, TopicPartition},
    net::Readiness,
    protocol::{
        ErrorCode, Request,
        messages::{
            ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
            OffsetForLeaderEpochResponse,
            list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
            list_offsets_response::ListOffsetsPartitionResponse,
            offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
            offset_for_leader_epoch_response::EpochEndOffset,
            topic_of, wire_broker, wire_topic,
        },
    },
};

/// What a partition is asked about, by the leader to ask.
type ByLeader<T> = BTreeMap<BrokerId, Vec<(TopicPartition, T)>>;

impl Consumer {
    /// Asks for an offset for each partition that has no usable position.
    pub(crate) fn reset_positions(&mut self, now: Now, out: &mut Outbox<ConsumerAnswer>) {
        let mut by_leader: ByLeader<ResetTarget> = BTreeMap::new();
        let mut next_check = None;
        for (partition, state) in self.subscription.iter() {
            let Phase::AwaitReset { target, reason: _ } = state.phase else { continue };
            if !state.may_ask(now.monotonic) {
                next_check = Instant::earliest(next_check, state.retry_at);
                continue;
            }
            match self.network.metadata.leader(partition) {
                None => self.network.metadata.request_update(),
                Some(leader) => {
                    by_leader.entry(leader).or_default().push((partition.clone(), target));
                }
            }
        }
        self.check_at(next_check);
        for (leader, asked) in by_leader {
            if self.reaches(now, leader, out) {
                self.wait_for_answer(now, &asked);
                let request = Request::ListOffsets(self.list_offsets_request(&asked));
                let token = Token::ListOffsets { asked };
                self.network.send(now, Peer::Broker(leader), &request, token, out);
            }
        }
    }

    /// Asks for the end of the epoch of each position whose leader has changed.
    pub(crate) fn validate_positions(&mut self, now: Now, out: &mut Outbox<ConsumerAnswer>) {
        let mut by_leader: ByLeader<Position> = BTreeMap::new();
        let mut next_check = None;
        for (partition, state) in self.subscription.iter() {
            let (Phase::AwaitValidation, Some(position)) = (state.phase, state.position) else {
                continue;
            };
            if !state.may_ask(now.monotonic) {
                next_check = Instant::earliest(next_check, state.retry_at);
                continue;
            }
            match position.leader {
                None => self.network.metadata.request_update(),
                Some(leader) => {
                    let partitions = by_leader.entry(leader.leader).or_default();
                    partitions.push((partition.clone(), position));
                }
            }
        }
        self.check_at(next_check);
        for (leader, asked) in by_leader {
            if self.reaches(now, leader, out) {
                self.wait_for_answer(now, &asked);
                let request = Request::OffsetForLeaderEpoch(epoch_request(&asked));
                let token = Token::OffsetForLeaderEpoch { asked };
                self.network.send(now, Peer::Broker(leader), &request, token, out);
            }
        }
    }

    /// Offsets came.
    pub(crate) fn on_offsets(
        &mut self,
        now: Now,
        asked: &[(TopicPartition, ResetTarget)],
        response: &ListOffsetsResponse,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        for (partition, target) in asked {
            let answers = response.topics.iter().filter(|t| topic_of(&t.name) == partition.topic);
            let answer = answers
                .flat_map(|topic| &topic.partitions)
                .find(|answer| answer.partition_index == partition.partition);
            let state = self.subscription.get(partition);
            let reason = match state.map(|state| state.phase) {
                // The application may have gone elsewhere meanwhile.
                Some(Phase::AwaitReset { target: wanted, reason }) if wanted == *target => reason,
                Some(
                    Phase::AwaitReset { .. }
                    | Phase::Fetching
                    | Phase::AwaitValidation
                    | Phase::Failed,
                )
                | None => continue,
            };
            match answer {
                Some(answer) => self.on_offset(now, partition, answer, reason, out),
                None => self.retry_later(now, partition),
            }
        }
    }

    /// Ends of epochs came.
    pub(crate) fn on_epoch_ends(
        &mut self,
        now: Now,
        asked: &[(TopicPartition, Position)],
        response: &OffsetForLeaderEpochResponse,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        for (partition, position) in asked {
            let answers = response.topics.iter().filter(|t| topic_of(&t.topic) == partition.topic);
            let answer = answers
                .flat_map(|topic| &topic.partitions)
                .find(|answer| answer.partition == partition.partition);
            let state = self.subscription.get(partition);
            let awaited = state.is_some_and(|state| {
                // What was asked about another position says nothing of this one (KAFKA-8429).
                state.phase == Phase::AwaitValidation && state.position == Some(*position)
            });
            match answer {
                _ if !awaited => {}
                None => self.retry_later(now, partition),
                Some(answer) => self.on_epoch_end(now, partition, *position, answer, out),
            }
        }
    }

    fn on_offset(
        &mut self,
        now: Now,
        partition: &TopicPartition,
        answer: &ListOffsetsPartitionResponse,
        reason: PositionResetReason,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        let error = ErrorCode::from_code(answer.error_code);
        match (error, Offset::from_wire(answer.offset)) {
            (ErrorCode::None, Some(offset)) => {
                let offset_epoch = LeaderEpoch::from_wire(answer.leader_epoch);
                let leader = self.known_leader(partition);
                let position = Position { offset, offset_epoch, leader };
                let from = self.subscription.seek_unvalidated(partition, position);
                self.tell_reset(partition, from, offset, reason, out);
            }
            (ErrorCode::None, None) => self.retry_later(now, partition),
            (error, _) => self.on_refusal(now, partition, error, out),
        }
    }

    fn on_epoch_end(
        &mut self,
        now: Now,
        partition: &TopicPartition,
        position: Position,
        answer: &EpochEndOffset,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        let error = ErrorCode::from_code(answer.error_code);
        if error != ErrorCode::None {
            self.on_refusal(now, partition, error, out);
            return;
        }
        let end = Offset::from_wire(answer.end_offset);
        let epoch = LeaderEpoch::from_wire(answer.leader_epoch);
        let divergent = end.zip(epoch);
        if divergent.is_some_and(|(end, _)| position.offset <= end) {
            self.subscription.validated(partition);
            return;
        }
        let Some(target) = self.reset_target() else {
            let divergent = divergent.map(|(end, _)| end);
            let error = ConsumerError::LogTruncation { position: position.offset, divergent };
            self.fail(partition, error, out);
            return;
        };
        let reason = PositionResetReason::Truncation;
        match divergent {
            Some((end, epoch)) => {
                let sought = Position { offset: end, offset_epoch: Some(epoch), ..position };
                let from = self.subscription.seek_validated(partition, sought);
                self.tell_reset(partition, from, end, reason, out);
            }
            // The leader knows nothing of the epoch: no offset is sure (KAFKA-9840).
            None => self.subscription.request_reset(partition, target, reason),
        }
    }

    /// The leader refused to say: again later, if that may help.
    fn on_refusal(
        &mut self,
        now: Now,
        partition: &TopicPartition,
        error: ErrorCode,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        if error.is_retriable() || error == ErrorCode::UnknownServerError {
            self.retry_later(now, partition);
            return;
        }
        let position = self.position(partition).unwrap_or(Offset::ZERO);
        self.fail(partition, ConsumerError::Unexpected { position, error: error.code() }, out);
    }

    /// Whether a request to a leader leaves at once.
    fn reaches(&mut self, now: Now, node: BrokerId, out: &mut Outbox<ConsumerAnswer>) -> bool {
        match self.network.ready(now, node, out) {
            Some(Readiness::Ready) => true,
            Some(Readiness::BackingOff(until)) => {
                self.network.metadata.request_update();
                self.check_at(Some(until));
                false
            }
            Some(Readiness::Connecting) => false,
            None => {
                self.network.metadata.request_update();
                false
            }
        }
    }

    /// Nothing more is asked until the answer comes, or its time is over.
    fn wait_for_answer<T>(&mut self, now: Now, asked: &[(TopicPartition, T)]) {
        let until = now.monotonic.plus(self.config.request_timeout_ms.duration());
        for (partition, _) in asked {
            self.subscription.wait_until(partition, until);
        }
    }

    fn list_offsets_request(&self, asked: &[(TopicPartition, ResetTarget)]) -> ListOffsetsRequest {
        let mut topics: BTreeMap<&TopicName, Vec<ListOffsetsPartition>> = BTreeMap::new();
        for (partition, target) in asked {
            let epoch = self.network.metadata.leader_epoch(partition);
            let timestamp = match target {
                ResetTarget::Latest => -1,
                ResetTarget::Earliest => -2,
            };
            let asked = ListOffsetsPartition::default()
                .with_partition_index(partition.partition)
                .with_current_leader_epoch(LeaderEpoch::to_wire(epoch))
                .with_timestamp(timestamp);
            topics.entry(&partition.topic).or_default().push(asked);
        }
        let topics = topics.into_iter().map(|(topic, partitions)| {
            ListOffsetsTopic::default().with_name(wire_topic(topic)).with_partitions(partitions)
        });
        ListOffsetsRequest::default()
            .with_replica_id(wire_broker(None))
            .with_topics(topics.collect())
    }
}

fn epoch_request(asked: &[(TopicPartition, Position)]) -> OffsetForLeaderEpochRequest {
    let mut topics: BTreeMap<&TopicName, Vec<OffsetForLeaderPartition>> = BTreeMap::new();
    for (partition, position) in asked {
        let leader_epoch = position.leader.and_then(|leader| leader.epoch);
        let asked = OffsetForLeaderPartition::default()
            .with_partition(partition.partition)
            .with_current_leader_epoch(LeaderEpoch::to_wire(leader_epoch))
            .with_leader_epoch(LeaderEpoch::to_wire(position.offset_epoch));
        topics.entry(&partition.topic).or_default().push(asked);
    }
    let topics = topics.into_iter().map(|(topic, partitions)| {
        OffsetForLeaderTopic::default().with_topic(wire_topic(topic)).with_partitions(partitions)
    });
    OffsetForLeaderEpochRequest::default()
        .with_replica_id(wire_broker(None))
        .with_topics(topics.collect())
}
