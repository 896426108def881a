//! What a fetcher asks its leader next.
//!
//! Mirrors `AbstractFetcherThread.maybeTruncate` and `maybeFetch`, and
//! `RemoteLeaderEndPoint.fetchEpochEndOffsets`, `buildFetch`, `fetchLatestOffset` and
//! `fetchEarliestOffset`.

use std::{collections::BTreeMap, ops::Bound};

use super::{Asked, AskedFetch, FetchPhase, FetchState, Fetcher};
use crate::{
    config::{Millis, ServerConfig},
    ids::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, TopicPartition},
    protocol::{
        Request,
        messages::{
            FetchRequest, ListOffsetsRequest, OffsetForLeaderEpochRequest, fetch_request,
            list_offsets_request,
            offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
            wire_broker, wire_topic, wire_topic_id,
        },
    },
    replica::{
        partition::{Reconciliation, Setting},
        rules::{Reconcile, Rules, Switch, Truncation},
    },
};

/// The sizes and times of this broker's fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FetchSizes {
    /// `replica.fetch.wait.max.ms`.
    pub(crate) wait_max_ms: Millis,
    /// `replica.fetch.min.bytes`.
    pub(crate) min_bytes: u32,
    /// `replica.fetch.response.max.bytes`.
    pub(crate) response_max_bytes: u32,
    /// `replica.fetch.max.bytes`.
    pub(crate) partition_max_bytes: u32,
}

impl From<&ServerConfig> for FetchSizes {
    fn from(config: &ServerConfig) -> Self {
        Self {
            wait_max_ms: config.replica_fetch_wait_max_ms,
            min_bytes: config.replica_fetch_min_bytes,
            response_max_bytes: config.replica_fetch_response_max_bytes,
            partition_max_bytes: config.replica_fetch_max_bytes,
        }
    }
}

/// Where a follower is in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionPosition {
    /// The end of its log.
    pub(crate) log_end: Offset,
    /// The start of its log.
    pub(crate) log_start: Offset,
    /// The epoch of its last record.
    pub(crate) last_epoch: Option<LeaderEpoch>,
    /// Whether it is still to be found out what it must cut.
    pub(crate) reconciliation: Reconciliation,
}

/// The way of `ListOffsets` to ask for the end.
const LATEST_TIMESTAMP: i64 = -1;
/// The way of `ListOffsets` to ask for the start.
const EARLIEST_TIMESTAMP: i64 = -2;

impl Fetcher {
    /// The next request, if one is to be sent. `position` tells where the follower is.
    pub(crate) fn next_request(
        &self,
        setting: &Setting,
        sizes: FetchSizes,
        position: impl Fn(&TopicPartition) -> Option<PartitionPosition>,
    ) -> Option<(Request, Asked)> {
        if self.in_flight.is_some() {
            return None;
        }
        self.epoch_ends(setting, &position)
            .or_else(|| self.list_offsets(setting, FetchPhase::LogEnd, LATEST_TIMESTAMP))
            .or_else(|| self.list_offsets(setting, FetchPhase::LogStart, EARLIEST_TIMESTAMP))
            .or_else(|| self.fetch(setting, sizes, position))
    }

    fn in_phase(&self, phase: FetchPhase) -> impl Iterator<Item = (&TopicPartition, &FetchState)> {
        let after = self.served_last.as_ref();
        let (later, earlier) = match after {
            None => ((Bound::Unbounded, Bound::Unbounded), None),
            Some(last) => (
                (Bound::Excluded(last), Bound::Unbounded),
                Some((Bound::Unbounded, Bound::Included(last))),
            ),
        };
        self.partitions
            .range::<TopicPartition, _>(later)
            .chain(earlier.into_iter().flat_map(|range| self.partitions.range(range)))
            .filter(move |(_, state)| state.is_ready(phase))
    }

    fn epoch_ends(
        &self,
        setting: &Setting,
        position: impl Fn(&TopicPartition) -> Option<PartitionPosition>,
    ) -> Option<(Request, Asked)> {
        let mut asked = BTreeMap::new();
        let mut topics: Vec<OffsetForLeaderTopic> = Vec::new();
        for (name, state) in self.in_phase(FetchPhase::Truncating) {
            let Some(position) = position(name) else { continue };
            asked.insert(name.clone(), state.leader_epoch);
            let topic = wire_topic(&name.topic);
            if topics.last().is_none_or(|last| last.topic != topic) {
                topics.push(OffsetForLeaderTopic::default().with_topic(topic));
            }
            let known = match setting.rules.reconcile_epoch_fence {
                Switch::Off => None,
                Switch::On => Some(state.leader_epoch),
            };
            if let Some(topic) = topics.last_mut() {
                topic.partitions.push(
                    OffsetForLeaderPartition::default()
                        .with_partition(name.partition)
                        .with_current_leader_epoch(LeaderEpoch::to_wire(known))
                        .with_leader_epoch(LeaderEpoch::to_wire(position.last_epoch)),
                );
            }
        }
        if asked.is_empty() {
            return None;
        }
        let request = OffsetForLeaderEpochRequest::default()
            .with_replica_id(wire_broker(Some(setting.broker)))
            .with_topics(topics);
        Some((Request::OffsetForLeaderEpoch(request), Asked::EpochEnds(asked)))
    }

    fn fetch(
        &self,
        setting: &Setting,
        sizes: FetchSizes,
        position: impl Fn(&TopicPartition) -> Option<PartitionPosition>,
    ) -> Option<(Request, Asked)> {
        let mut asked = BTreeMap::new();
        let mut topics: Vec<fetch_request::FetchTopic> = Vec::with_capacity(1);
        for (name, state) in self.in_phase(FetchPhase::Fetching) {
            let Some(position) = position(name) else { continue };
            let (fetch_offset, leader_epoch) = (position.log_end, state.leader_epoch);
            asked.insert(name.clone(), AskedFetch { fetch_offset, leader_epoch });
            let id = wire_topic_id(state.topic_id);
            if topics.last().is_none_or(|topic| topic.topic_id != id) {
                let mut topic = fetch_request::FetchTopic::default();
                topic.topic_id = id;
                // Most have one: room for four of these is a kilobyte.
                topic.partitions.reserve_exact(1);
                topics.push(topic);
            }
            if let Some(topic) = topics.last_mut() {
                topic.partitions.push(fetch_partition(
                    setting,
                    (name.partition, state.leader_epoch),
                    position,
                    sizes.partition_max_bytes,
                ));
            }
        }
        if asked.is_empty() {
            return None;
        }
        let request = FetchRequest::default()
            .with_replica_state(replica_state(setting))
            .with_max_wait_ms(sizes.wait_max_ms.to_wire())
            .with_min_bytes(small(sizes.min_bytes))
            .with_max_bytes(small(sizes.response_max_bytes))
            .with_session_epoch(-1)
            .with_topics(topics);
        Some((Request::Fetch(request), Asked::Fetch(asked)))
    }

    fn list_offsets(
        &self,
        setting: &Setting,
        phase: FetchPhase,
        timestamp: i64,
    ) -> Option<(Request, Asked)> {
        // Before every fetch this is asked, and rarely so.
        if !self.partitions.values().any(|state| state.is_ready(phase)) {
            return None;
        }
        let mut asked = BTreeMap::new();
        let mut topics: Vec<list_offsets_request::ListOffsetsTopic> = Vec::new();
        for (name, state) in self.in_phase(phase) {
            asked.insert(name.clone(), state.leader_epoch);
            let topic = wire_topic(&name.topic);
            if topics.last().is_none_or(|last| last.name != topic) {
                topics.push(list_offsets_request::ListOffsetsTopic::default().with_name(topic));
            }
            if let Some(topic) = topics.last_mut() {
                topic.partitions.push(
                    list_offsets_request::ListOffsetsPartition::default()
                        .with_partition_index(name.partition)
                        .with_current_leader_epoch(said_epoch(setting, state.leader_epoch))
                        .with_timestamp(timestamp),
                );
            }
        }
        let request = ListOffsetsRequest::default()
            .with_replica_id(wire_broker(Some(setting.broker)))
            .with_topics(topics);
        Some((Request::ListOffsets(request), Asked::ListOffsets(phase, asked)))
    }
}

fn fetch_partition(
    setting: &Setting,
    (partition, leader_epoch): (i32, LeaderEpoch),
    position: PartitionPosition,
    max_bytes: u32,
) -> fetch_request::FetchPartition {
    let last_fetched_epoch =
        position.last_epoch.filter(|_| is_divergence_sought(&setting.rules, position));
    fetch_request::FetchPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(said_epoch(setting, leader_epoch))
        .with_fetch_offset(position.log_end.0)
        .with_last_fetched_epoch(LeaderEpoch::to_wire(last_fetched_epoch))
        .with_log_start_offset(position.log_start.0)
        .with_partition_max_bytes(small(max_bytes))
}

/// Whether a fetch asks the leader to look for a divergence.
fn is_divergence_sought(rules: &Rules, position: PartitionPosition) -> bool {
    match (rules.truncation, rules.reconcile) {
        (Truncation::DivergingEpochInFetch, Reconcile::EveryFetch) => true,
        (Truncation::DivergingEpochInFetch, Reconcile::EveryEpoch | Reconcile::LeaderIdChange) => {
            position.reconciliation == Reconciliation::Due
        }
        (
            Truncation::None
            | Truncation::OwnHighWatermark
            | Truncation::EndOffsetOfEpoch
            | Truncation::EpochAndEndOffset,
            _,
        ) => false,
    }
}

/// The leader epoch as a fetch says it: unknown where nobody is fenced by it.
fn said_epoch(setting: &Setting, epoch: LeaderEpoch) -> i32 {
    let rules = &setting.rules;
    let fences = [
        rules.fetch_epoch_fence,
        rules.high_watermark_epoch_fence,
        rules.isr_expansion_epoch_fence,
    ];
    LeaderEpoch::to_wire(fences.contains(&Switch::On).then_some(epoch))
}

fn replica_state(setting: &Setting) -> fetch_request::ReplicaState {
    let incarnation = match setting.rules.broker_epoch_in_fetch {
        Switch::Off => None,
        Switch::On => setting.broker_epoch,
    };
    fetch_request::ReplicaState::default()
        .with_replica_id(BrokerId::to_wire(Some(setting.broker)).into())
        .with_replica_epoch(BrokerEpoch::to_wire(incarnation))
}

fn small(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
