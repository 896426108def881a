//! Metadata: who leads what, and where they are (Kafka's `KRaftMetadataCache`).

use std::collections::BTreeSet;

use crate::{
    ids::{BrokerId, CLUSTER_ID, LeaderEpoch, TopicId},
    metadata::{MetadataImage, PartitionRegistration, TopicImage},
    protocol::{
        ErrorCode,
        messages::{
            MetadataRequest, MetadataResponse,
            metadata_request::MetadataRequestTopic,
            metadata_response::{
                MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
            },
            topic_id_of, topic_of, wire_broker, wire_string, wire_topic, wire_topic_id,
        },
    },
};

/// Answers from the image of `broker`, which may be behind the controller's.
///
/// The controller named is a live broker, as Kafka names a random one in `KRaft` mode: clients send
/// it what the controller must answer, and it forwards. Here it is the broker that answers.
pub(super) fn metadata(
    image: &MetadataImage,
    broker: BrokerId,
    version: i16,
    request: &MetadataRequest,
) -> MetadataResponse {
    let active: Vec<_> = image.brokers().values().filter(|broker| !broker.fenced).collect();
    let brokers = active
        .iter()
        .map(|registration| {
            MetadataResponseBroker::default()
                .with_node_id(wire_broker(Some(registration.id)))
                .with_host(wire_string(&registration.address.host))
                .with_port(i32::from(registration.address.port))
        })
        .collect();
    let live = active.iter().map(|registration| registration.id).collect();
    let mut response = MetadataResponse::default()
        .with_brokers(brokers)
        .with_controller_id(wire_broker(Some(broker)))
        .with_topics(topics(image, &live, version, request));
    if 2 <= version {
        response = response.with_cluster_id(Some(wire_string(CLUSTER_ID)));
    }
    response
}

fn topics(
    image: &MetadataImage,
    live: &BTreeSet<BrokerId>,
    version: i16,
    request: &MetadataRequest,
) -> Vec<MetadataResponseTopic> {
    match &request.topics {
        // In version 0 an empty list asks for all topics; later a missing one does.
        None => image.topics_by_name().map(|topic| known(topic, live, version)).collect(),
        Some(topics) if topics.is_empty() && version == 0 => {
            image.topics_by_name().map(|topic| known(topic, live, version)).collect()
        }
        Some(topics) => topics.iter().map(|topic| asked(image, live, version, topic)).collect(),
    }
}

fn asked(
    image: &MetadataImage,
    live: &BTreeSet<BrokerId>,
    version: i16,
    asked: &MetadataRequestTopic,
) -> MetadataResponseTopic {
    let unknown = |error: ErrorCode| {
        MetadataResponseTopic::default().with_error_code(error.code()).with_name(asked.name.clone())
    };
    // Before version 12 topics are asked by name, and by name alone.
    if version < 12 && (asked.name.is_none() || topic_id_of(asked.topic_id) != TopicId::ZERO) {
        return unknown(ErrorCode::InvalidRequest)
            .with_name(Some(asked.name.clone().unwrap_or_default()))
            .with_topic_id(asked.topic_id);
    }
    match &asked.name {
        Some(name) => match image.topic_named(&topic_of(name)) {
            Some(topic) => known(topic, live, version),
            None => unknown(ErrorCode::UnknownTopicOrPartition),
        },
        None => match image.topic(topic_id_of(asked.topic_id)) {
            Some(topic) => known(topic, live, version),
            None => unknown(ErrorCode::UnknownTopicId).with_topic_id(asked.topic_id),
        },
    }
}

fn known(topic: &TopicImage, live: &BTreeSet<BrokerId>, version: i16) -> MetadataResponseTopic {
    let partitions = topic
        .partitions
        .iter()
        .map(|(index, registration)| partition(*index, registration, live, version))
        .collect();
    let id = if version < 10 { TopicId::ZERO } else { topic.id };
    MetadataResponseTopic::default()
        .with_name(Some(wire_topic(&topic.name)))
        .with_topic_id(wire_topic_id(id))
        .with_partitions(partitions)
}

fn partition(
    index: i32,
    registration: &PartitionRegistration,
    live: &BTreeSet<BrokerId>,
    version: i16,
) -> MetadataResponsePartition {
    let leader = registration.leader.filter(|leader| live.contains(leader));
    let error = if leader.is_some() { ErrorCode::None } else { ErrorCode::LeaderNotAvailable };
    let nodes = |ids: &[BrokerId]| ids.iter().map(|id| wire_broker(Some(*id))).collect::<Vec<_>>();
    let mut response = MetadataResponsePartition::default()
        .with_error_code(error.code())
        .with_partition_index(index)
        .with_leader_id(wire_broker(leader))
        .with_replica_nodes(nodes(&registration.replicas))
        .with_isr_nodes(nodes(&registration.isr));
    if 5 <= version {
        let offline: Vec<_> =
            registration.replicas.iter().filter(|id| !live.contains(id)).copied().collect();
        response = response.with_offline_replicas(nodes(&offline));
    }
    if 7 <= version {
        response =
            response.with_leader_epoch(LeaderEpoch::to_wire(Some(registration.leader_epoch)));
    }
    response
}
