//! Topics come and go.

use super::*;
use crate::protocol::messages::{DeleteTopicsRequest, delete_topics_request, wire_topic_id};

fn refused(harness: &mut Harness, topic: create_topics_request::CreatableTopic) -> ErrorCode {
    let end = harness.image().end_offset();
    let response = harness.create(vec![topic]);
    assert_eq!(harness.image().end_offset(), end, "a refused topic writes nothing");
    ErrorCode::from_code(response.topics[0].error_code)
}

fn replicas(harness: &Harness, name: &str) -> Vec<Vec<i32>> {
    let topic = harness.image().topic_named(&name.into()).unwrap();
    let ids = |partition: &PartitionRegistration| partition.replicas.iter().map(|b| b.0).collect();
    topic.partitions.values().map(ids).collect()
}

#[test]
fn replicas_go_round_and_the_first_partition_is_led_by_the_first_broker() {
    let mut harness = Harness::cluster(3);
    let response = harness.create(vec![topic("orders", 4, 3), topic("invoices", 1, 2)]);
    assert_eq!(response.topics[0].num_partitions, 4);
    assert_eq!(response.topics[0].replication_factor, 3);
    let expected = [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 2, 3]];
    assert_eq!(replicas(&harness, "orders"), expected);
    assert_eq!(replicas(&harness, "invoices"), [[1, 2]]);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(1), vec![1, 2, 3]));
    let created = |e: &&ControllerEvent| matches!(e, ControllerEvent::PartitionCreated(_));
    assert_eq!(harness.events.iter().filter(created).count(), 5);
}

#[test]
fn a_topic_that_does_not_say_gets_the_defaults() {
    let mut harness = Harness::cluster(3);
    harness.config.num_partitions = 2;
    harness.config.default_replication_factor = 3;
    harness.restart();
    harness.create(vec![topic("orders", -1, -1)]);
    assert_eq!(replicas(&harness, "orders"), [[1, 2, 3], [2, 3, 1]]);
}

#[test]
fn fenced_brokers_are_taken_last_and_begin_outside_the_isr() {
    let mut harness = Harness::cluster(3);
    harness.sessions_end(&[2, 3]);
    harness.create(vec![topic("orders", 1, 3)]);
    assert_eq!(replicas(&harness, "orders"), [[2, 3, 1]]);
    assert_eq!(harness.isr("orders"), [2, 3]);
}

#[test]
fn an_assignment_is_followed() {
    let mut harness = Harness::cluster(3);
    harness.create(vec![assigned("orders", &[&[3, 1], &[2, 3]])]);
    assert_eq!(replicas(&harness, "orders"), [[3, 1], [2, 3]]);
    assert_eq!(harness.leader("orders"), Some(3));
}

#[test]
fn a_topic_that_exists_is_refused_and_the_others_are_created() {
    let mut harness = Harness::cluster(1);
    harness.create(vec![topic("orders", 1, 1)]);
    let id = harness.topic_id("orders");
    let response = harness.create(vec![topic("orders", 2, 1), topic("invoices", 1, 1)]);
    let codes: Vec<_> = response.topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [ErrorCode::TopicAlreadyExists.code(), 0]);
    assert_eq!(harness.topic_id("orders"), id);
    assert_eq!(harness.leader("invoices"), Some(1));
}

#[test]
fn a_topic_that_stands_twice_in_a_request_is_refused_twice() {
    let mut harness = Harness::cluster(1);
    let response = harness.create(vec![topic("orders", 1, 1), topic("orders", 1, 1)]);
    let codes: Vec<_> = response.topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [ErrorCode::InvalidRequest.code(); 2]);
}

#[test]
fn what_cannot_be_created_is_refused_with_kafkas_code() {
    let mut h = Harness::cluster(2);
    for (wanted, error) in [
        (topic("", 1, 1), ErrorCode::InvalidTopicException),
        (topic("a/b", 1, 1), ErrorCode::InvalidTopicException),
        (topic("..", 1, 1), ErrorCode::InvalidTopicException),
        (topic("__cluster_metadata", 1, 1), ErrorCode::InvalidRequest),
        (topic("t", 0, 1), ErrorCode::InvalidPartitions),
        (topic("t", -2, 1), ErrorCode::InvalidPartitions),
        (topic("t", 10_001, 1), ErrorCode::PolicyViolation),
        (topic("t", 1, 0), ErrorCode::InvalidReplicationFactor),
        (topic("t", 1, 3), ErrorCode::InvalidReplicationFactor),
        (assigned("t", &[&[1]]).with_num_partitions(1), ErrorCode::InvalidRequest),
        (assigned("t", &[&[1]]).with_replication_factor(1), ErrorCode::InvalidRequest),
        (assigned("t", &[&[]]), ErrorCode::InvalidReplicaAssignment),
        (assigned("t", &[&[1, 1]]), ErrorCode::InvalidReplicaAssignment),
        (assigned("t", &[&[1, 7]]), ErrorCode::InvalidReplicaAssignment),
        (assigned("t", &[&[-1]]), ErrorCode::InvalidReplicaAssignment),
        (assigned("t", &[&[1, 2], &[1]]), ErrorCode::InvalidReplicaAssignment),
        (with_configs(topic("t", 1, 1), &[("no.such.key", "1")]), ErrorCode::InvalidConfig),
        (with_configs(topic("t", 1, 1), &[("min.insync.replicas", "0")]), ErrorCode::InvalidConfig),
    ] {
        assert_eq!(refused(&mut h, wanted.clone()), error, "{wanted:?}");
    }
    let mut gap = assigned("t", &[&[1], &[2]]);
    gap.assignments[1].partition_index = 2;
    assert_eq!(refused(&mut h, gap.clone()), ErrorCode::InvalidReplicaAssignment);
    gap.assignments[1].partition_index = 0;
    assert_eq!(refused(&mut h, gap), ErrorCode::InvalidReplicaAssignment);
}

#[test]
fn nobody_can_lead_a_topic_while_every_broker_is_fenced() {
    let mut harness = Harness::cluster(1);
    harness.sessions_end(&[]);
    assert_eq!(refused(&mut harness, topic("t", 1, 1)), ErrorCode::InvalidReplicationFactor);
    assert_eq!(refused(&mut harness, assigned("t", &[&[1]])), ErrorCode::InvalidReplicaAssignment);
}

#[test]
fn a_request_that_only_validates_creates_nothing() {
    let mut harness = Harness::cluster(1);
    let request = CreateTopicsRequest::default()
        .with_topics(vec![topic("orders", 1, 1)])
        .with_validate_only(true);
    harness.ask(request);
    assert_eq!(harness.image().topics().count(), 0);
}

#[test]
fn the_effective_min_isr_of_a_topic_is_told() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[("min.insync.replicas", "3")]);
    let Some(ControllerEvent::PartitionCreated(record)) = harness.events.last() else {
        panic!("{:?}", harness.events)
    };
    assert_eq!(record.min_insync_replicas, 2);
    assert_eq!(record.metadata_offset.next(), harness.image().end_offset());
}

#[test]
fn a_topic_is_deleted_by_name_or_id_and_may_be_created_again_under_another_id() {
    let mut harness = Harness::cluster(1);
    let delete = |harness: &mut Harness, topic, version| {
        let request = DeleteTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(1);
        match harness.ask_version(request, version) {
            Response::DeleteTopics(response) => {
                ErrorCode::from_code(response.responses[0].error_code)
            }
            other => panic!("{other:?}"),
        }
    };
    let state = delete_topics_request::DeleteTopicState::default;
    let by_name = || state().with_name(Some(WireTopicName(wire_string("orders"))));
    harness.create(vec![topic("orders", 1, 1)]);
    let first = harness.topic_id("orders");
    let by_id = state().with_topic_id(wire_topic_id(first));
    assert_eq!(delete(&mut harness, by_name(), 6), ErrorCode::None);
    assert!(matches!(harness.events.last(), Some(ControllerEvent::TopicDeleted { .. })));
    assert_eq!(delete(&mut harness, by_name(), 6), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(delete(&mut harness, by_id, 6), ErrorCode::UnknownTopicId);
    harness.create(vec![topic("orders", 1, 1)]);
    let second = harness.topic_id("orders");
    assert_ne!(first, second);
    let by_id = state().with_topic_id(wire_topic_id(second));
    assert_eq!(delete(&mut harness, by_id, 6), ErrorCode::None);
}
