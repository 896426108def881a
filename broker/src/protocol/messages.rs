//! The bodies of requests and responses, as the codec generates them from Kafka's schemas, and the
//! passage between its names for things and ours.
//!
//! No other module names the codec. Its structs are built with `Default` and `with_…`. A field that
//! does not exist at a version must keep its default there, or the frame does not encode, unless
//! Kafka's schema calls the field ignorable.

use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::ids::{self, TopicId};

pub use kafka_protocol::messages::{
    BrokerId as WireBrokerId, ProducerId as WireProducerId, TopicName as WireTopicName,
    TransactionalId as WireTransactionalId, allocate_producer_ids_request,
    allocate_producer_ids_request::AllocateProducerIdsRequest, allocate_producer_ids_response,
    allocate_producer_ids_response::AllocateProducerIdsResponse,
    alter_partition_reassignments_request,
    alter_partition_reassignments_request::AlterPartitionReassignmentsRequest,
    alter_partition_reassignments_response,
    alter_partition_reassignments_response::AlterPartitionReassignmentsResponse,
    alter_partition_request, alter_partition_request::AlterPartitionRequest,
    alter_partition_response, alter_partition_response::AlterPartitionResponse,
    api_versions_request, api_versions_request::ApiVersionsRequest, api_versions_response,
    api_versions_response::ApiVersionsResponse, begin_quorum_epoch_request,
    begin_quorum_epoch_request::BeginQuorumEpochRequest, begin_quorum_epoch_response,
    begin_quorum_epoch_response::BeginQuorumEpochResponse, broker_heartbeat_request,
    broker_heartbeat_request::BrokerHeartbeatRequest, broker_heartbeat_response,
    broker_heartbeat_response::BrokerHeartbeatResponse, broker_registration_request,
    broker_registration_request::BrokerRegistrationRequest, broker_registration_response,
    broker_registration_response::BrokerRegistrationResponse, create_partitions_request,
    create_partitions_request::CreatePartitionsRequest, create_partitions_response,
    create_partitions_response::CreatePartitionsResponse, create_topics_request,
    create_topics_request::CreateTopicsRequest, create_topics_response,
    create_topics_response::CreateTopicsResponse, delete_topics_request,
    delete_topics_request::DeleteTopicsRequest, delete_topics_response,
    delete_topics_response::DeleteTopicsResponse, describe_cluster_request,
    describe_cluster_request::DescribeClusterRequest, describe_cluster_response,
    describe_cluster_response::DescribeClusterResponse, describe_configs_request,
    describe_configs_request::DescribeConfigsRequest, describe_configs_response,
    describe_configs_response::DescribeConfigsResponse, elect_leaders_request,
    elect_leaders_request::ElectLeadersRequest, elect_leaders_response,
    elect_leaders_response::ElectLeadersResponse, end_quorum_epoch_request,
    end_quorum_epoch_request::EndQuorumEpochRequest, end_quorum_epoch_response,
    end_quorum_epoch_response::EndQuorumEpochResponse, fetch_request, fetch_request::FetchRequest,
    fetch_response, fetch_response::FetchResponse, find_coordinator_request,
    find_coordinator_request::FindCoordinatorRequest, find_coordinator_response,
    find_coordinator_response::FindCoordinatorResponse, incremental_alter_configs_request,
    incremental_alter_configs_request::IncrementalAlterConfigsRequest,
    incremental_alter_configs_response,
    incremental_alter_configs_response::IncrementalAlterConfigsResponse, init_producer_id_request,
    init_producer_id_request::InitProducerIdRequest, init_producer_id_response,
    init_producer_id_response::InitProducerIdResponse, list_offsets_request,
    list_offsets_request::ListOffsetsRequest, list_offsets_response,
    list_offsets_response::ListOffsetsResponse, list_partition_reassignments_request,
    list_partition_reassignments_request::ListPartitionReassignmentsRequest,
    list_partition_reassignments_response,
    list_partition_reassignments_response::ListPartitionReassignmentsResponse, metadata_request,
    metadata_request::MetadataRequest, metadata_response, metadata_response::MetadataResponse,
    offset_for_leader_epoch_request, offset_for_leader_epoch_request::OffsetForLeaderEpochRequest,
    offset_for_leader_epoch_response,
    offset_for_leader_epoch_response::OffsetForLeaderEpochResponse, produce_request,
    produce_request::ProduceRequest, produce_response, produce_response::ProduceResponse,
    vote_request, vote_request::VoteRequest, vote_response, vote_response::VoteResponse,
};
pub use kafka_protocol::protocol::StrBytes as WireString;
pub use uuid::Uuid as WireUuid;

/// Writes a text for the wire.
pub fn wire_string(text: &str) -> WireString {
    StrBytes::from_string(text.to_owned())
}

/// Writes a topic's name for the wire.
pub fn wire_topic(topic: &ids::TopicName) -> WireTopicName {
    WireTopicName(wire_string(topic.as_str()))
}

/// Reads a topic's name of the wire.
pub fn topic_of(topic: &WireTopicName) -> ids::TopicName {
    ids::TopicName::from(topic.0.as_str())
}

/// Writes a topic id for the wire.
pub fn wire_topic_id(topic: TopicId) -> WireUuid {
    Uuid::from_bytes(topic.0)
}

/// Reads a topic id of the wire; the zero id says "none".
pub fn topic_id_of(topic: WireUuid) -> TopicId {
    TopicId(topic.into_bytes())
}

/// Writes a broker's id for the wire, −1 if none.
pub fn wire_broker(broker: Option<ids::BrokerId>) -> WireBrokerId {
    WireBrokerId(ids::BrokerId::to_wire(broker))
}

/// Reads a broker's id of the wire, where a negative number says "none".
pub fn broker_of(broker: WireBrokerId) -> Option<ids::BrokerId> {
    ids::BrokerId::from_wire(broker.0)
}
