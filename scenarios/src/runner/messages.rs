//! Which frames a fault means: a tag is enough for most, and bytes are decoded only for a topic.

use std::collections::BTreeSet;

use broker::{
    host::FrameTag,
    ids::{TopicId, TopicName},
    protocol::{
        ApiKey, Request, Response, decode_request, decode_response,
        messages::{topic_id_of, topic_of},
    },
};
use bytes::Bytes;
use sim::{FrameInfo, NodeId};

/// Frames of one API, from some nodes to some nodes, about some topic.
#[derive(Clone, Debug)]
pub(super) struct Picked {
    pub(super) api: ApiKey,
    pub(super) response: bool,
    /// From any node if none.
    pub(super) from: Option<BTreeSet<NodeId>>,
    /// To any node if none.
    pub(super) to: Option<BTreeSet<NodeId>>,
    /// About anything if none.
    pub(super) topic: Option<PickedTopic>,
}

/// A topic by both its names, and perhaps one of its partitions.
#[derive(Clone, Debug)]
pub(super) struct PickedTopic {
    pub(super) name: TopicName,
    /// Unknown if the topic was not there when the fault began.
    pub(super) id: Option<TopicId>,
    pub(super) partition: Option<i32>,
}

impl Picked {
    /// Whether a frame is meant.
    pub(super) fn matches(&self, info: &FrameInfo<'_, FrameTag>) -> bool {
        let among = |nodes: &Option<BTreeSet<NodeId>>, node| {
            nodes.as_ref().is_none_or(|nodes| nodes.contains(&node))
        };
        info.tag.api == self.api.code()
            && info.tag.response == self.response
            && among(&self.from, info.from)
            && among(&self.to, info.to)
            && self.topic.as_ref().is_none_or(|topic| topic.is_in(self.api, info.tag, info.frame))
    }
}

/// One partition that a message is about: the topic by name or by id.
type Mention = (Option<TopicName>, TopicId, i32);

impl PickedTopic {
    fn is_in(&self, api: ApiKey, tag: &FrameTag, frame: &Bytes) -> bool {
        let mentions = if tag.response {
            let decoded = decode_response(api, tag.version, frame.clone());
            decoded.map(|(_, response)| of_response(&response))
        } else {
            decode_request(frame.clone()).map(|request| of_request(&request.body))
        };
        mentions.is_ok_and(|mentions| mentions.iter().any(|mention| self.is(mention)))
    }

    fn is(&self, (name, id, partition): &Mention) -> bool {
        let named = name.as_ref().is_some_and(|name| *name == self.name);
        let known = *id != TopicId::ZERO && self.id == Some(*id);
        (named || known) && self.partition.is_none_or(|wanted| wanted == *partition)
    }
}

fn of_request(request: &Request) -> Vec<Mention> {
    match request {
        Request::Produce(produce) => flatten(&produce.topic_data, |topic| {
            let partitions = topic.partition_data.iter().map(|partition| partition.index);
            (Some(topic_of(&topic.name)), topic_id_of(topic.topic_id), partitions.collect())
        }),
        Request::Fetch(fetch) => flatten(&fetch.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition);
            (Some(topic_of(&topic.topic)), topic_id_of(topic.topic_id), partitions.collect())
        }),
        Request::ListOffsets(list) => flatten(&list.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.name)), TopicId::ZERO, partitions.collect())
        }),
        Request::OffsetForLeaderEpoch(ask) => flatten(&ask.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition);
            (Some(topic_of(&topic.topic)), TopicId::ZERO, partitions.collect())
        }),
        Request::AlterPartition(alter) => flatten(&alter.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (None, topic_id_of(topic.topic_id), partitions.collect())
        }),
        Request::CreateTopics(create) => {
            flatten(&create.topics, |topic| (Some(topic_of(&topic.name)), TopicId::ZERO, vec![0]))
        }
        Request::DeleteTopics(delete) => flatten(&delete.topics, |topic| {
            (topic.name.as_ref().map(topic_of), topic_id_of(topic.topic_id), vec![0])
        }),
        Request::CreatePartitions(create) => {
            flatten(&create.topics, |topic| (Some(topic_of(&topic.name)), TopicId::ZERO, vec![0]))
        }
        Request::ElectLeaders(elect) => {
            let topics = elect.topic_partitions.as_deref().unwrap_or_default();
            flatten(topics, |topic| {
                (Some(topic_of(&topic.topic)), TopicId::ZERO, topic.partitions.clone())
            })
        }
        Request::AlterPartitionReassignments(alter) => flatten(&alter.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.name)), TopicId::ZERO, partitions.collect())
        }),
        Request::IncrementalAlterConfigs(alter) => flatten(&alter.resources, |resource| {
            (Some(TopicName::from(resource.resource_name.as_str())), TopicId::ZERO, vec![0])
        }),
        Request::Metadata(metadata) => {
            let topics = metadata.topics.as_deref().unwrap_or_default();
            flatten(topics, |topic| {
                (topic.name.as_ref().map(topic_of), topic_id_of(topic.topic_id), vec![0])
            })
        }
        Request::Vote(_) | Request::BeginQuorumEpoch(_) | Request::EndQuorumEpoch(_) => {
            of_quorum_request(request)
        }
        Request::ListPartitionReassignments(_)
        | Request::FindCoordinator(_)
        | Request::ApiVersions(_)
        | Request::InitProducerId(_)
        | Request::DescribeConfigs(_)
        | Request::DescribeCluster(_)
        | Request::BrokerRegistration(_)
        | Request::BrokerHeartbeat(_)
        | Request::AllocateProducerIds(_) => Vec::new(),
    }
}

/// What the controllers ask each other is about the metadata log.
fn of_quorum_request(request: &Request) -> Vec<Mention> {
    match request {
        Request::Vote(vote) => flatten(&vote.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.topic_name)), TopicId::ZERO, partitions.collect())
        }),
        Request::BeginQuorumEpoch(begin) => flatten(&begin.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.topic_name)), TopicId::ZERO, partitions.collect())
        }),
        Request::EndQuorumEpoch(end) => flatten(&end.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.topic_name)), TopicId::ZERO, partitions.collect())
        }),
        _ => Vec::new(),
    }
}

fn of_response(response: &Response) -> Vec<Mention> {
    match response {
        Response::Produce(produce) => flatten(&produce.responses, |topic| {
            let partitions = topic.partition_responses.iter().map(|partition| partition.index);
            (Some(topic_of(&topic.name)), topic_id_of(topic.topic_id), partitions.collect())
        }),
        Response::Fetch(fetch) => flatten(&fetch.responses, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.topic)), topic_id_of(topic.topic_id), partitions.collect())
        }),
        Response::ListOffsets(list) => flatten(&list.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.name)), TopicId::ZERO, partitions.collect())
        }),
        Response::OffsetForLeaderEpoch(answer) => flatten(&answer.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition);
            (Some(topic_of(&topic.topic)), TopicId::ZERO, partitions.collect())
        }),
        Response::AlterPartition(alter) => flatten(&alter.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (None, topic_id_of(topic.topic_id), partitions.collect())
        }),
        Response::CreateTopics(create) => flatten(&create.topics, |topic| {
            (Some(topic_of(&topic.name)), topic_id_of(topic.topic_id), vec![0])
        }),
        Response::DeleteTopics(delete) => flatten(&delete.responses, |topic| {
            (topic.name.as_ref().map(topic_of), topic_id_of(topic.topic_id), vec![0])
        }),
        Response::CreatePartitions(create) => {
            flatten(&create.results, |topic| (Some(topic_of(&topic.name)), TopicId::ZERO, vec![0]))
        }
        Response::ElectLeaders(elect) => flatten(&elect.replica_election_results, |topic| {
            let partitions = topic.partition_result.iter().map(|partition| partition.partition_id);
            (Some(topic_of(&topic.topic)), TopicId::ZERO, partitions.collect())
        }),
        Response::AlterPartitionReassignments(alter) => flatten(&alter.responses, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.name)), TopicId::ZERO, partitions.collect())
        }),
        Response::IncrementalAlterConfigs(alter) => flatten(&alter.responses, |resource| {
            (Some(TopicName::from(resource.resource_name.as_str())), TopicId::ZERO, vec![0])
        }),
        Response::Metadata(metadata) => flatten(&metadata.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            let name = topic.name.as_ref().map(topic_of);
            (name, topic_id_of(topic.topic_id), partitions.collect())
        }),
        Response::Vote(vote) => flatten(&vote.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.topic_name)), TopicId::ZERO, partitions.collect())
        }),
        Response::BeginQuorumEpoch(begin) => flatten(&begin.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.topic_name)), TopicId::ZERO, partitions.collect())
        }),
        Response::EndQuorumEpoch(end) => flatten(&end.topics, |topic| {
            let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
            (Some(topic_of(&topic.topic_name)), TopicId::ZERO, partitions.collect())
        }),
        Response::ListPartitionReassignments(_)
        | Response::FindCoordinator(_)
        | Response::ApiVersions(_)
        | Response::InitProducerId(_)
        | Response::DescribeConfigs(_)
        | Response::DescribeCluster(_)
        | Response::BrokerRegistration(_)
        | Response::BrokerHeartbeat(_)
        | Response::AllocateProducerIds(_) => Vec::new(),
    }
}

/// One mention for each partition of each topic.
fn flatten<T>(
    topics: &[T],
    of_topic: impl Fn(&T) -> (Option<TopicName>, TopicId, Vec<i32>),
) -> Vec<Mention> {
    let mut mentions = Vec::new();
    for topic in topics {
        let (name, id, partitions) = of_topic(topic);
        mentions.extend(partitions.into_iter().map(|partition| (name.clone(), id, partition)));
    }
    mentions
}
