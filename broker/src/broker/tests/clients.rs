//! What clients are answered.

use super::*;
use crate::protocol::{
    batch::BatchBuilder,
    messages::{
        DescribeClusterRequest, FetchRequest, MetadataRequest, MetadataResponse, ProduceRequest,
        WireTopicName, WireUuid,
        fetch_request::{FetchPartition, FetchTopic},
        metadata_request::MetadataRequestTopic,
        metadata_response::MetadataResponseTopic,
        produce_request::{PartitionProduceData, TopicProduceData},
        wire_string, wire_topic_id,
    },
};

pub(super) fn produce(topic: &str, partition: i32, acks: i16) -> Request {
    let mut batch = BatchBuilder::new(None);
    batch.append(Timestamp(5), None, Some(b"x"), &[]);
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(batch.build().into_bytes()));
    let topic = TopicProduceData::default()
        .with_name(WireTopicName(wire_string(topic)))
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(1_000)
        .with_topic_data(vec![topic])
        .into()
}

pub(super) fn fetch(version: i16, offset: i64, max_wait_ms: i32) -> Request {
    let partition =
        FetchPartition::default().with_fetch_offset(offset).with_partition_max_bytes(1_000);
    let topic = FetchTopic::default().with_partitions(vec![partition]);
    let topic = if version < 13 {
        topic.with_topic(WireTopicName(wire_string("orders")))
    } else {
        topic.with_topic_id(wire_topic_id(ORDERS))
    };
    FetchRequest::default()
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1_000)
        .with_topics(vec![topic])
        .into()
}

fn produce_error(response: Option<Response>) -> ErrorCode {
    let Some(Response::Produce(body)) = response else { panic!("{response:?}") };
    ErrorCode::from_code(body.responses[0].partition_responses[0].error_code)
}

fn metadata(bench: &mut Bench, version: i16, topic: MetadataRequestTopic) -> MetadataResponse {
    let request = MetadataRequest::default().with_topics(Some(vec![topic])).into();
    let Response::Metadata(body) = bench.ask_version(&request, version) else { unreachable!() };
    body
}

fn named(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(WireTopicName(wire_string(name))))
}

fn with_id(id: TopicId) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(None).with_topic_id(wire_topic_id(id))
}

fn error_of(topic: &MetadataResponseTopic) -> ErrorCode {
    ErrorCode::from_code(topic.error_code)
}

#[test]
fn metadata_tells_of_leaders_and_of_partitions_without_one_in_every_version() {
    let mut bench = Bench::leading();
    for version in 0..=13 {
        let body = metadata(&mut bench, version, named("orders"));
        let topic = &body.topics[0];
        assert_eq!(error_of(topic), ErrorCode::None);
        let expected_id = if version < 10 { WireUuid::nil() } else { wire_topic_id(ORDERS) };
        assert_eq!(topic.topic_id, expected_id);
        let said: Vec<_> = topic
            .partitions
            .iter()
            .map(|one| (ErrorCode::from_code(one.error_code), one.leader_id.0))
            .collect();
        let without = (ErrorCode::LeaderNotAvailable, -1);
        assert_eq!(said, [(ErrorCode::None, 1), without, (ErrorCode::None, 2)]);
        let brokers: Vec<_> = body.brokers.iter().map(|one| (one.node_id.0, one.port)).collect();
        assert_eq!(brokers, [(1, 9092), (2, 9092)]);
    }
}

#[test]
fn metadata_does_not_know_a_name_in_any_version() {
    let mut bench = Bench::leading();
    for version in 0..=13 {
        let body = metadata(&mut bench, version, named("nothing"));
        assert_eq!(error_of(&body.topics[0]), ErrorCode::UnknownTopicOrPartition);
    }
}

#[test]
fn metadata_is_asked_by_id_from_version_12_on() {
    let mut bench = Bench::leading();
    for version in [12, 13] {
        let body = metadata(&mut bench, version, with_id(ORDERS));
        assert_eq!(error_of(&body.topics[0]), ErrorCode::None);
        let body = metadata(&mut bench, version, with_id(TopicId([1; 16])));
        assert_eq!(error_of(&body.topics[0]), ErrorCode::UnknownTopicId);
        assert_eq!(body.topics[0].topic_id, wire_topic_id(TopicId([1; 16])));
    }
    for version in [10, 11] {
        let body = metadata(&mut bench, version, with_id(ORDERS));
        assert_eq!(error_of(&body.topics[0]), ErrorCode::InvalidRequest);
        assert_eq!(body.topics[0].name, Some(WireTopicName::default()));
    }
}

#[test]
fn all_topics_are_told_to_who_names_none() {
    let mut bench = Bench::leading();
    for version in 0..=13 {
        let all = if version == 0 { Some(Vec::new()) } else { None };
        let request = MetadataRequest::default().with_topics(all).into();
        let Response::Metadata(body) = bench.ask_version(&request, version) else { panic!() };
        assert_eq!(body.topics.len(), 1, "version {version}");
    }
    let none = MetadataRequest::default().with_topics(Some(Vec::new()));
    let Response::Metadata(body) = bench.ask(none) else { panic!() };
    assert_eq!(body.topics, []);
}

#[test]
fn a_broker_does_not_describe_controllers() {
    let mut bench = Bench::leading();
    let Response::DescribeCluster(brokers) = bench.ask(DescribeClusterRequest::default()) else {
        panic!()
    };
    assert_eq!((brokers.error_code, brokers.brokers.len()), (0, 2));
    let controllers = DescribeClusterRequest::default().with_endpoint_type(2);
    let Response::DescribeCluster(refused) = bench.ask(controllers) else { panic!() };
    assert_eq!(refused.error_code, ErrorCode::MismatchedEndpointType.code());
}

#[test]
fn a_produce_without_acks_that_fails_closes_its_connection() {
    let mut bench = Bench::leading();
    let good = bench.send(&produce("orders", 0, 0), 11);
    assert!(!bench.is_closed(good));
    assert_eq!(bench.answer(good), None);
    let bad = bench.send(&produce("orders", 1, 0), 11);
    assert!(bench.is_closed(bad));
    assert!(!bench.is_closed(good), "and no other");
}

#[test]
fn the_next_request_of_a_connection_is_served_after_the_one_that_waits() {
    let mut bench = Bench::leading();
    let client = bench.connect();
    bench.send_on(client, &fetch(17, 0, 5_000), 17);
    bench.send_on(client, &produce("orders", 2, 1), 11);
    assert_eq!(bench.answer(client), None);
    let other = bench.send(&produce("orders", 0, 1), 11);
    assert_eq!(produce_error(bench.answer(other)), ErrorCode::None);
    assert!(matches!(bench.answer(client), Some(Response::Fetch(_))));
    assert_eq!(produce_error(bench.answer(client)), ErrorCode::NotLeaderOrFollower);
}

#[test]
fn a_client_may_go_away_while_its_produce_or_fetch_waits() {
    let mut bench = Bench::leading();
    // A second replica that never fetches: acks=all waits for it.
    let registration = PartitionRegistration::create(
        vec![BrokerId(1), BrokerId(2)],
        vec![BrokerId(1), BrokerId(2)],
    );
    bench.log.push(MetadataRecord::Partition { topic_id: ORDERS, partition: 3, registration });
    bench.advance(10);
    let waits = bench.send(&produce("orders", 3, -1), 11);
    let leaves = bench.send(&produce("orders", 3, -1), 11);
    let reads = bench.send(&fetch(17, 0, 500), 17);
    bench.hang_up(leaves);
    bench.hang_up(reads);
    bench.advance(1_000);
    assert_eq!(produce_error(bench.answer(waits)), ErrorCode::RequestTimedOut);
    assert_eq!((bench.answer(leaves), bench.answer(reads)), (None, None));
    bench.ask(MetadataRequest::default().with_topics(None));
}

#[test]
fn a_frame_that_cannot_be_read_closes_its_connection_and_nothing_else() {
    let mut bench = Bench::leading();
    let bystander = bench.connect();
    for frame in [&b""[..], b"\0", b"\xff\xff\xff\xff\xff\xff\xff\xff", &[0; 64], &[1; 300]] {
        let client = bench.connect();
        bench.send_frame(client, Bytes::copy_from_slice(frame));
        assert!(bench.is_closed(client), "{frame:?}");
    }
    assert!(!bench.is_closed(bystander));
    let all = MetadataRequest::default().with_topics(None).into();
    bench.send_on(bystander, &all, 13);
    assert!(bench.answer(bystander).is_some());
}

#[test]
fn the_controllers_apis_are_not_served_to_clients() {
    let mut bench = Bench::leading();
    for request in [
        Request::from(BrokerHeartbeatRequest::default()),
        Request::from(BrokerRegistrationRequest::default()),
    ] {
        let version = client_version(request.api());
        let client = bench.send(&request, version);
        assert!(bench.is_closed(client));
    }
}
