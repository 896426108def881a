//! Brokers fetch the metadata log, as observers.
//!
//! Mirrors `KafkaRaftClient.handleFetchRequest` (KIP-595): the epoch is checked, then whether the
//! logs agree, then records are read; without records the fetch waits until there are some or its
//! time is up (the fetch purgatory, [`DelayedFetches`]).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::metadata_log::{MetadataLog, MetadataLogError};
use crate::{
    config::Millis,
    host::{Disk, Instant},
    ids::{ControllerId, LeaderEpoch, Offset, TopicId, TopicName},
    net::RequestId,
    protocol::{
        ErrorCode,
        messages::{
            FetchRequest, FetchResponse, WireBrokerId, fetch_request, fetch_response, topic_id_of,
            topic_of, wire_topic, wire_topic_id,
        },
    },
};

/// The first version that names topics by id (KIP-516).
const FIRST_VERSION_WITH_TOPIC_ID: i16 = 13;

/// The first version that knows diverging epochs and the current leader (KIP-595).
const FIRST_VERSION_OF_RAFT: i16 = 12;

/// A fetch of the metadata log.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MetadataFetch {
    version: i16,
    partition: fetch_request::FetchPartition,
    max_wait: Millis,
}

/// The fetches that wait, and until when.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct DelayedFetches {
    waiting: BTreeMap<RequestId, (Instant, MetadataFetch)>,
}

/// What becomes of a fetch.
pub(super) enum Fetched {
    Answer(FetchResponse),
    /// There is nothing for it yet.
    Wait,
}

/// Whether a fetch may still wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    MayWait,
    TimeIsUp,
}

impl DelayedFetches {
    /// Lets a fetch wait from `now` on.
    pub(super) fn park(&mut self, id: RequestId, now: Instant, fetch: MetadataFetch) {
        self.waiting.insert(id, (now.plus(fetch.max_wait.duration()), fetch));
    }

    /// Nobody waits for this answer any more.
    pub(super) fn forget(&mut self, id: RequestId) {
        self.waiting.remove(&id);
    }

    /// When the first fetch must be answered.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.values().map(|(until, _)| *until).min()
    }

    /// Takes out the fetches that have records below `end` or whose time is up, in order of
    /// arrival.
    pub(super) fn take_ready(
        &mut self,
        now: Instant,
        end: Offset,
    ) -> Vec<(RequestId, MetadataFetch)> {
        let ready = |until: Instant, fetch: &MetadataFetch| {
            until <= now || fetch.partition.fetch_offset < end.0
        };
        let ids: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, (until, fetch))| ready(*until, fetch))
            .map(|(id, _)| *id)
            .collect();
        ids.into_iter()
            .filter_map(|id| self.waiting.remove(&id).map(|(_, fetch)| (id, fetch)))
            .collect()
    }
}

impl MetadataFetch {
    /// Reads a request, which must ask for the metadata log and for nothing else.
    pub(super) fn read(request: &FetchRequest, version: i16) -> Result<Self, ErrorCode> {
        let [topic] = &request.topics[..] else { return Err(ErrorCode::InvalidRequest) };
        let [partition] = &topic.partitions[..] else { return Err(ErrorCode::InvalidRequest) };
        if FIRST_VERSION_WITH_TOPIC_ID <= version {
            if topic_id_of(topic.topic_id) != TopicId::CLUSTER_METADATA {
                return Err(ErrorCode::UnknownTopicId);
            }
        } else if topic_of(&topic.topic) != TopicName::cluster_metadata() {
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        if partition.partition != 0 {
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        let max_wait = u64::try_from(request.max_wait_ms).or(Err(ErrorCode::InvalidRequest))?;
        Ok(Self { version, partition: partition.clone(), max_wait: Millis(max_wait) })
    }

    /// Answers the fetch, unless it has to wait.
    pub(super) fn serve(
        &self,
        leader: ControllerId,
        log: &mut MetadataLog,
        patience: Patience,
        disk: &mut dyn Disk,
    ) -> Result<Fetched, MetadataLogError> {
        let mut data = fetch_response::PartitionData::default()
            .with_high_watermark(log.end_offset().0)
            .with_last_stable_offset(log.end_offset().0)
            .with_log_start_offset(log.start_offset().0)
            .with_records(Some(Bytes::new()));
        if FIRST_VERSION_OF_RAFT <= self.version {
            data.current_leader = fetch_response::LeaderIdAndEpoch::default()
                .with_leader_id(WireBrokerId(leader.0))
                .with_leader_epoch(log.epoch().0);
        }
        if let Err(error) = self.check(log) {
            data.error_code = error.code();
            return Ok(Fetched::Answer(self.response(data)));
        }
        let from = Offset(self.partition.fetch_offset);
        if let Some((epoch, end)) = self.divergence(log, from) {
            data.diverging_epoch = fetch_response::EpochEndOffset::default()
                .with_epoch(epoch.0)
                .with_end_offset(end.0);
            return Ok(Fetched::Answer(self.response(data)));
        }
        if log.end_offset() < from || from < log.start_offset() {
            data.error_code = ErrorCode::OffsetOutOfRange.code();
            return Ok(Fetched::Answer(self.response(data)));
        }
        let max_bytes = u32::try_from(self.partition.partition_max_bytes).unwrap_or(0);
        let records = log.read(from, max_bytes, disk)?;
        if records.is_empty() && self.max_wait != Millis(0) && patience == Patience::MayWait {
            return Ok(Fetched::Wait);
        }
        data.records = Some(records);
        Ok(Fetched::Answer(self.response(data)))
    }

    /// Whether the observer and this controller are in the same epoch; an epoch of −1 is not
    /// checked.
    fn check(&self, log: &MetadataLog) -> Result<(), ErrorCode> {
        let Some(epoch) = LeaderEpoch::from_wire(self.partition.current_leader_epoch) else {
            return Ok(());
        };
        if epoch < log.epoch() {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        if log.epoch() < epoch { Err(ErrorCode::UnknownLeaderEpoch) } else { Ok(()) }
    }

    /// Where the observer must cut its log, if it says the epoch of its last record. An empty log
    /// agrees with every other.
    fn divergence(&self, log: &MetadataLog, from: Offset) -> Option<(LeaderEpoch, Offset)> {
        if from <= log.start_offset() || self.version < FIRST_VERSION_OF_RAFT {
            return None;
        }
        let epoch = LeaderEpoch::from_wire(self.partition.last_fetched_epoch)?;
        log.divergence(epoch, from)
    }

    fn response(&self, data: fetch_response::PartitionData) -> FetchResponse {
        let mut topic = fetch_response::FetchableTopicResponse::default();
        if FIRST_VERSION_WITH_TOPIC_ID <= self.version {
            topic.topic_id = wire_topic_id(TopicId::CLUSTER_METADATA);
        } else {
            topic.topic = wire_topic(&TopicName::cluster_metadata());
        }
        topic.partitions = vec![data];
        FetchResponse::default().with_responses(vec![topic])
    }
}
