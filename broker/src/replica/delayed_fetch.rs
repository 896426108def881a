//! A fetch, taken apart: what it asks of each partition, and the answer that is put together.
//!
//! Mirrors `FetchParams`, `FetchPartitionStatus` and `DelayedFetch`. A fetch that waits keeps this
//! and is read again when it is answered.

use bytes::Bytes;

use super::{
    cluster_view::ClusterView,
    effect::Context,
    partition::{PartitionRead, ReadRequest, Reader},
};
use crate::{
    host::event::PartitionEvent,
    ids::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, TopicId, TopicName, TopicPartition},
    protocol::{
        ErrorCode, Response,
        messages::{
            FetchRequest, FetchResponse, WireTopicName, WireUuid,
            fetch_request::FetchPartition,
            fetch_response::{EpochEndOffset, FetchableTopicResponse, PartitionData},
            topic_id_of, topic_of,
        },
    },
};

/// From this version on a consumer knows that it may read from followers (KIP-392).
const FIRST_VERSION_WITH_FOLLOWER_READS: i16 = 11;
/// From this version on topics are named by id (KIP-516).
const FIRST_VERSION_WITH_TOPIC_IDS: i16 = 13;
/// From this version on a follower says its incarnation (KIP-903).
const FIRST_VERSION_WITH_REPLICA_STATE: i16 = 15;

/// A fetch request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DelayedFetch {
    /// Who reads.
    pub(super) reader: Reader,
    /// How much it wants at least.
    pub(super) min_bytes: u64,
    /// How much it wants at most.
    pub(super) max_bytes: u32,
    /// What it asks for, in the order of the request.
    pub(super) items: Vec<FetchItem>,
}

/// What a fetch asks of one partition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FetchItem {
    topic: WireTopicName,
    topic_id: WireUuid,
    index: i32,
    /// The partition, or why there is none.
    pub(super) partition: Result<TopicPartition, ErrorCode>,
    /// What is asked.
    pub(super) asked: ReadRequest,
}

impl FetchItem {
    /// The topic's id, if the request names one.
    pub(super) fn topic_id(&self) -> Option<TopicId> {
        Some(topic_id_of(self.topic_id)).filter(|id| *id != TopicId::ZERO)
    }
}

/// What became of one partition of a fetch.
pub(super) type FetchOutcome = Result<PartitionRead, ErrorCode>;

impl DelayedFetch {
    /// Takes a request apart. `max_bytes` is what the broker gives at most.
    pub(super) fn read(
        request: &FetchRequest,
        version: i16,
        cluster: &ClusterView,
        max_bytes: u32,
    ) -> Self {
        let max_bytes = positive(request.max_bytes).min(max_bytes);
        let items = request
            .topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)))
            .map(|(topic, partition)| {
                let name = if version < FIRST_VERSION_WITH_TOPIC_IDS {
                    Ok(topic_of(&topic.topic))
                } else {
                    cluster
                        .topic_name(topic_id_of(topic.topic_id))
                        .cloned()
                        .ok_or(ErrorCode::UnknownTopicId)
                };
                FetchItem {
                    topic: topic.topic.clone(),
                    topic_id: topic.topic_id,
                    index: partition.partition,
                    partition: name.and_then(|name| known(cluster, name, partition.partition)),
                    asked: read_request(partition),
                }
            })
            .collect();
        Self {
            reader: reader(request, version),
            min_bytes: u64::from(positive(request.min_bytes).min(max_bytes)),
            max_bytes,
            items,
        }
    }

    /// The partitions that are read.
    pub(super) fn partitions(&self) -> Vec<TopicPartition> {
        self.items.iter().filter_map(|item| item.partition.as_ref().ok().cloned()).collect()
    }

    /// Puts the answer together and tells what was refused.
    pub(super) fn answer(&self, ctx: &mut Context<'_>, outcomes: Vec<FetchOutcome>) -> Response {
        // Most answers are about one partition: room for four is two kilobytes.
        let mut topics: Vec<FetchableTopicResponse> = Vec::with_capacity(1);
        for (item, outcome) in self.items.iter().zip(outcomes) {
            if let (Err(error), Ok(partition)) = (&outcome, &item.partition) {
                self.tell_refused(ctx, partition, *error);
            }
            let is_same = |last: &FetchableTopicResponse| {
                last.topic_id == item.topic_id && last.topic == item.topic
            };
            if !topics.last().is_some_and(is_same) {
                let mut topic = FetchableTopicResponse::default();
                (topic.topic, topic.topic_id) = (item.topic.clone(), item.topic_id);
                topic.partitions.reserve_exact(1);
                topics.push(topic);
            }
            if let Some(topic) = topics.last_mut() {
                topic.partitions.push(partition_data(item.index, outcome));
            }
        }
        Response::Fetch(FetchResponse::default().with_responses(topics))
    }

    fn tell_refused(&self, ctx: &mut Context<'_>, partition: &TopicPartition, error: ErrorCode) {
        let follower = match self.reader {
            Reader::Follower { id, .. } => Some(id),
            Reader::Consumer | Reader::OldConsumer => None,
        };
        ctx.event(PartitionEvent::FetchRefused {
            partition: partition.clone(),
            follower,
            error: error.code(),
        });
    }
}

fn known(
    cluster: &ClusterView,
    topic: TopicName,
    partition: i32,
) -> Result<TopicPartition, ErrorCode> {
    if cluster.contains(&topic, partition) {
        Ok(TopicPartition { topic, partition })
    } else {
        Err(ErrorCode::UnknownTopicOrPartition)
    }
}

fn reader(request: &FetchRequest, version: i16) -> Reader {
    let (id, incarnation) = if version < FIRST_VERSION_WITH_REPLICA_STATE {
        (request.replica_id.0, None)
    } else {
        let state = &request.replica_state;
        (state.replica_id.0, BrokerEpoch::from_wire(state.replica_epoch))
    };
    match BrokerId::from_wire(id) {
        Some(id) => Reader::Follower { id, incarnation },
        None if version < FIRST_VERSION_WITH_FOLLOWER_READS => Reader::OldConsumer,
        None => Reader::Consumer,
    }
}

fn read_request(partition: &FetchPartition) -> ReadRequest {
    ReadRequest {
        fetch_offset: Offset(partition.fetch_offset),
        current_leader_epoch: LeaderEpoch::from_wire(partition.current_leader_epoch),
        last_fetched_epoch: LeaderEpoch::from_wire(partition.last_fetched_epoch),
        log_start_offset: Offset::from_wire(partition.log_start_offset),
        max_bytes: positive(partition.partition_max_bytes),
    }
}

fn partition_data(index: i32, outcome: FetchOutcome) -> PartitionData {
    let data = PartitionData::default().with_partition_index(index);
    match outcome {
        Err(error) => data
            .with_error_code(error.code())
            .with_high_watermark(-1)
            .with_last_stable_offset(-1)
            .with_log_start_offset(-1)
            .with_records(Some(Bytes::new())),
        Ok(read) => {
            let diverging = read.diverging.map_or_else(EpochEndOffset::default, |(epoch, end)| {
                EpochEndOffset::default().with_epoch(epoch.0).with_end_offset(end.0)
            });
            data.with_high_watermark(read.high_watermark.0)
                .with_last_stable_offset(read.high_watermark.0)
                .with_log_start_offset(read.log_start_offset.0)
                .with_diverging_epoch(diverging)
                .with_records(Some(read.records))
        }
    }
}

fn positive(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}
