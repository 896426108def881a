//! Records from the leaders (Kafka's `Fetcher`: `prepareFetchRequests` and `handleFetchSuccess`).
//!
//! A leader has one fetch of this consumer at a time, with all partitions that are read from it and
//! have nothing left over from before. The broker keeps it until there is enough to send, or
//! `fetch.max.wait.ms` are over. An answer counts only for a position that still stands where the
//! fetch began.
//!
//! Unlike Kafka, which fetches again at once, a partition that was refused waits for the back-off,
//! or for news of its leader.

use std::collections::BTreeMap;

use super::{
    Consumer, ConsumerAnswer, ConsumerError,
    collector::CompletedFetch,
    subscription::{PartitionState, Position, ResetTarget},
};
use crate::{
    client::network::Peer,
    host::{Address, Instant, Now, Outbox, event::PositionResetReason},
    ids::{BrokerId, LeaderEpoch, Offset, TopicId, TopicName, TopicPartition},
    net::Readiness,
    protocol::{
        ErrorCode, Request,
        messages::{
            FetchRequest, FetchResponse, broker_of,
            fetch_request::{FetchPartition, FetchTopic},
            fetch_response::{FetchableTopicResponse, NodeEndpoint, PartitionData},
            wire_broker, wire_topic, wire_topic_id,
        },
    },
};

/// What a request was about: each partition with what was true when it left.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Fetch { node: BrokerId, asked: BTreeMap<TopicPartition, Offset> },
    ListOffsets { asked: Vec<(TopicPartition, ResetTarget)> },
    OffsetForLeaderEpoch { asked: Vec<(TopicPartition, Position)> },
}

/// The wire's way to say that fetch sessions are not used.
const NO_SESSION_EPOCH: i32 = -1;

impl Consumer {
    /// Asks each leader that owes no answer for records.
    pub(crate) fn send_fetches(&mut self, now: Now, out: &mut Outbox<ConsumerAnswer>) {
        for (node, partitions) in self.fetchable(now) {
            match self.network.ready(now, node, out) {
                Some(Readiness::Ready) => self.fetch(now, node, &partitions, out),
                Some(Readiness::BackingOff(until)) => {
                    self.network.metadata.request_update();
                    self.check_at(Some(until));
                }
                Some(Readiness::Connecting) => {}
                None => self.network.metadata.request_update(),
            }
        }
    }

    /// The partitions that can be fetched, by their leaders.
    fn fetchable(&mut self, now: Now) -> BTreeMap<BrokerId, Vec<(TopicPartition, Position)>> {
        let mut by_leader: BTreeMap<BrokerId, Vec<_>> = BTreeMap::new();
        let mut next_check = None;
        for (partition, state) in self.subscription.iter() {
            let Some(position) = state.fetch_position() else { continue };
            if !state.may_ask(now.monotonic) {
                next_check = Instant::earliest(next_check, state.retry_at);
                continue;
            }
            let Some(leader) = position.leader else {
                self.network.metadata.request_update();
                continue;
            };
            let left_over = self.completed.iter().any(|fetch| fetch.partition == *partition);
            if !left_over && !self.fetching.contains(&leader.leader) {
                let partitions = by_leader.entry(leader.leader).or_default();
                partitions.push((partition.clone(), position));
            }
        }
        self.check_at(next_check);
        by_leader
    }

    fn fetch(
        &mut self,
        now: Now,
        node: BrokerId,
        partitions: &[(TopicPartition, Position)],
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        let request = Request::Fetch(self.fetch_request(partitions));
        let asked =
            partitions.iter().map(|(partition, at)| (partition.clone(), at.offset)).collect();
        let token = Token::Fetch { node, asked };
        self.network.send(now, Peer::Broker(node), &request, token, out);
        self.fetching.insert(node);
    }

    fn fetch_request(&self, partitions: &[(TopicPartition, Position)]) -> FetchRequest {
        let mut topics: BTreeMap<&TopicName, Vec<FetchPartition>> = BTreeMap::new();
        for (partition, position) in partitions {
            let leader_epoch = position.leader.and_then(|leader| leader.epoch);
            let asked = FetchPartition::default()
                .with_partition(partition.partition)
                .with_current_leader_epoch(LeaderEpoch::to_wire(leader_epoch))
                .with_fetch_offset(position.offset.0)
                .with_partition_max_bytes(wire_size(self.config.max_partition_fetch_bytes));
            topics.entry(&partition.topic).or_default().push(asked);
        }
        let topics = topics.into_iter().map(|(topic, partitions)| {
            let id = self.network.metadata.topic(topic).map_or(TopicId::ZERO, |known| known.id);
            FetchTopic::default()
                .with_topic(wire_topic(topic))
                .with_topic_id(wire_topic_id(id))
                .with_partitions(partitions)
        });
        FetchRequest::default()
            .with_replica_id(wire_broker(None))
            .with_max_wait_ms(self.config.fetch_max_wait_ms.to_wire())
            .with_min_bytes(wire_size(self.config.fetch_min_bytes))
            .with_max_bytes(wire_size(self.config.fetch_max_bytes))
            .with_session_epoch(NO_SESSION_EPOCH)
            .with_topics(topics.collect())
    }

    /// A fetch was answered.
    pub(crate) fn on_fetched(
        &mut self,
        now: Now,
        node: BrokerId,
        asked: &BTreeMap<TopicPartition, Offset>,
        response: FetchResponse,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        if response.error_code != ErrorCode::None.code() {
            for partition in asked.keys() {
                self.retry_later(now, partition);
            }
            return;
        }
        for topic in response.responses {
            let Some(name) = self.topic_name(&topic, asked) else { continue };
            for answer in topic.partitions {
                let number = answer.partition_index;
                let partition = TopicPartition { topic: name.clone(), partition: number };
                let Some(&offset) = asked.get(&partition) else { continue };
                let state = self.subscription.get(&partition);
                let position = state.and_then(PartitionState::fetch_position);
                if position.is_none_or(|position| position.offset != offset) {
                    continue;
                }
                self.learn_leader(&partition, &answer, &response.node_endpoints);
                self.on_partition(now, node, partition, offset, answer, out);
            }
        }
    }

    /// The topic of an answer: by its id since version 13, by its name before.
    fn topic_name(
        &self,
        topic: &FetchableTopicResponse,
        asked: &BTreeMap<TopicPartition, Offset>,
    ) -> Option<TopicName> {
        let mut names = asked.keys().map(|partition| &partition.topic);
        let by_name = !topic.topic.0.is_empty();
        let found = names.find(|name| {
            if by_name {
                return topic.topic.0.as_str() == name.as_str();
            }
            let known = self.network.metadata.topic(name);
            known.is_some_and(|known| wire_topic_id(known.id) == topic.topic_id)
        });
        found.cloned()
    }

    fn on_partition(
        &mut self,
        now: Now,
        node: BrokerId,
        partition: TopicPartition,
        offset: Offset,
        answer: PartitionData,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        let error = ErrorCode::from_code(answer.error_code);
        match error {
            ErrorCode::None => {
                self.subscription.fetched(&partition);
                if let Some(records) = answer.records.filter(|records| !records.is_empty()) {
                    let fetch = CompletedFetch::new(partition, node, offset, records);
                    self.completed.push_back(fetch);
                }
            }
            ErrorCode::OffsetOutOfRange => {
                if let Some(target) = self.reset_target() {
                    let reason = PositionResetReason::OutOfRange;
                    self.subscription.request_reset(&partition, target, reason);
                } else {
                    let error = ConsumerError::OffsetOutOfRange { position: offset };
                    self.fail(&partition, error, out);
                }
            }
            ErrorCode::CorruptMessage => {
                self.fail(&partition, ConsumerError::Corrupt { position: offset }, out);
            }
            // The broker could not say what is wrong; Kafka only logs it.
            ErrorCode::UnknownServerError => self.retry_later(now, &partition),
            passing if passing.is_retriable() => self.retry_later(now, &partition),
            _ => {
                let error = answer.error_code;
                let error = ConsumerError::Unexpected { position: offset, error };
                self.fail(&partition, error, out);
            }
        }
    }

    /// An answer may name a newer leader (KIP-951).
    fn learn_leader(
        &mut self,
        partition: &TopicPartition,
        answer: &PartitionData,
        endpoints: &[NodeEndpoint],
    ) {
        let epoch = LeaderEpoch::from_wire(answer.current_leader.leader_epoch);
        let leader = broker_of(answer.current_leader.leader_id);
        let (Some(leader), Some(epoch)) = (leader, epoch) else { return };
        let endpoint = endpoints.iter().find(|endpoint| endpoint.node_id.0 == leader.0);
        let address = endpoint
            .and_then(|node| Some(Address::new(&node.host, u16::try_from(node.port).ok()?)));
        self.network.metadata.learn_leader(partition, leader, epoch, address);
    }
}

fn wire_size(bytes: u32) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}
