//! Every API of a broker at every version: answered in that version, and never a panic.

use super::clients::{fetch, produce};
use super::*;
use crate::protocol::{
    messages::{
        AlterPartitionReassignmentsRequest, ApiVersionsRequest, CreatePartitionsRequest,
        CreateTopicsRequest, DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest,
        ElectLeadersRequest, FindCoordinatorRequest, IncrementalAlterConfigsRequest,
        InitProducerIdRequest, ListOffsetsRequest, ListPartitionReassignmentsRequest,
        MetadataRequest, OffsetForLeaderEpochRequest, WireTopicName,
        describe_configs_request::DescribeConfigsResource,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        metadata_request::MetadataRequestTopic,
        offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
        wire_broker, wire_string,
    },
    sample::{self, Direction},
    versions::{Listener, serves, supported},
};

fn orders() -> WireTopicName {
    WireTopicName(wire_string("orders"))
}

/// A request about the topic that the broker leads.
fn request(api: ApiKey, version: i16) -> Request {
    match api {
        ApiKey::Produce => produce("orders", 0, -1),
        ApiKey::Fetch => fetch(version, 0, 0),
        ApiKey::ListOffsets => {
            let partition = ListOffsetsPartition::default().with_timestamp(-1);
            let topic =
                ListOffsetsTopic::default().with_name(orders()).with_partitions(vec![partition]);
            let none = wire_broker(None);
            ListOffsetsRequest::default().with_replica_id(none).with_topics(vec![topic]).into()
        }
        ApiKey::Metadata => {
            let topic = MetadataRequestTopic::default().with_name(Some(orders()));
            MetadataRequest::default().with_topics(Some(vec![topic])).into()
        }
        ApiKey::FindCoordinator if version < 4 => {
            FindCoordinatorRequest::default().with_key(wire_string("group")).into()
        }
        ApiKey::FindCoordinator => {
            let keys = vec![wire_string("group")];
            FindCoordinatorRequest::default().with_coordinator_keys(keys).into()
        }
        ApiKey::ApiVersions => ApiVersionsRequest::default().into(),
        ApiKey::CreateTopics => CreateTopicsRequest::default().into(),
        ApiKey::DeleteTopics => DeleteTopicsRequest::default().into(),
        ApiKey::CreatePartitions => CreatePartitionsRequest::default().into(),
        ApiKey::ElectLeaders => ElectLeadersRequest::default().into(),
        ApiKey::IncrementalAlterConfigs => IncrementalAlterConfigsRequest::default().into(),
        ApiKey::AlterPartitionReassignments => AlterPartitionReassignmentsRequest::default().into(),
        ApiKey::ListPartitionReassignments => ListPartitionReassignmentsRequest::default().into(),
        ApiKey::InitProducerId => {
            InitProducerIdRequest::default().with_transactional_id(None).into()
        }
        ApiKey::OffsetForLeaderEpoch => {
            let partition = OffsetForLeaderPartition::default().with_leader_epoch(0);
            let topic = OffsetForLeaderTopic::default()
                .with_topic(orders())
                .with_partitions(vec![partition]);
            OffsetForLeaderEpochRequest::default().with_topics(vec![topic]).into()
        }
        ApiKey::DescribeConfigs => {
            let resource = DescribeConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name(wire_string("orders"));
            DescribeConfigsRequest::default().with_resources(vec![resource]).into()
        }
        ApiKey::DescribeCluster => DescribeClusterRequest::default().into(),
        ApiKey::Vote
        | ApiKey::BeginQuorumEpoch
        | ApiKey::EndQuorumEpoch
        | ApiKey::AlterPartition
        | ApiKey::BrokerRegistration
        | ApiKey::BrokerHeartbeat
        | ApiKey::AllocateProducerIds => panic!("{api:?} is the controller's"),
    }
}

#[test]
fn every_api_is_answered_in_every_version() {
    let mut bench = Bench::leading();
    let mut answered = 0;
    for api in ApiKey::ALL.iter().copied().filter(|api| serves(Listener::Broker, *api)) {
        if matches!(
            api,
            ApiKey::CreateTopics
                | ApiKey::DeleteTopics
                | ApiKey::CreatePartitions
                | ApiKey::ElectLeaders
                | ApiKey::IncrementalAlterConfigs
                | ApiKey::AlterPartitionReassignments
                | ApiKey::ListPartitionReassignments
        ) {
            // The controller's answers, which have tests of their own.
            continue;
        }
        for version in supported(api) {
            let response = bench.ask_version(&request(api, version), version);
            assert_eq!(response.api(), api);
            let refused = no_error(&response);
            assert_eq!(refused, ErrorCode::None, "{api:?} version {version}");
            answered += 1;
        }
    }
    assert_eq!(answered, 75);
}

/// The error that a request about a partition is answered with.
fn no_error(response: &Response) -> ErrorCode {
    ErrorCode::from_code(match response {
        Response::Produce(body) => body.responses[0].partition_responses[0].error_code,
        Response::Fetch(body) => body.responses[0].partitions[0].error_code,
        Response::ListOffsets(body) => body.topics[0].partitions[0].error_code,
        Response::OffsetForLeaderEpoch(body) => body.topics[0].partitions[0].error_code,
        Response::Metadata(body) => body.topics[0].error_code,
        Response::InitProducerId(body) => body.error_code,
        Response::DescribeCluster(body) => body.error_code,
        Response::ApiVersions(body) => body.error_code,
        _ => 0,
    })
}

#[test]
fn no_request_of_whatever_content_ends_the_broker() {
    let mut bench = Bench::leading();
    for seed in 0..3 {
        for sample in sample::all(seed) {
            if sample.direction == Direction::Request {
                let client = bench.connect();
                let asked = (sample.api, sample.version);
                bench.clients.get_mut(&client).unwrap().asked.push_back(asked);
                bench.send_frame(client, Bytes::from(sample.frame));
            }
        }
        bench.advance(2_000);
    }
    assert_eq!(bench.exit, None);
    assert!(bench.ask_version(&request(ApiKey::Fetch, 17), 17).api() == ApiKey::Fetch);
}

#[test]
fn errors_about_partitions_can_be_told_in_every_version() {
    let mut bench = Bench::serving();
    for api in [ApiKey::Produce, ApiKey::Fetch, ApiKey::ListOffsets, ApiKey::OffsetForLeaderEpoch] {
        for version in supported(api) {
            let response = bench.ask_version(&request(api, version), version);
            assert!(no_error(&response) != ErrorCode::None, "{api:?} version {version}");
        }
    }
}
