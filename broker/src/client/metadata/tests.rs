//! What is believed, and when it is asked again.

use std::collections::BTreeMap;

use super::*;
use crate::{
    client::testing::{Layout, rng},
    config::Millis,
    protocol::messages::{MetadataRequest, metadata_request::MetadataRequestTopic, wire_topic},
};

const AGE: Duration = Duration::from_secs(300);

fn at(millis: u64) -> Instant {
    Instant(millis * 1_000_000)
}

fn t() -> TopicName {
    TopicName::from("t")
}

/// Metadata that wants the topic `t` and was asked for at 1 s.
fn asked() -> ClientMetadata {
    let backoff = ExponentialBackoff { initial: Millis(100), max: Millis(1_000) };
    let mut metadata = ClientMetadata::new(AGE, backoff, rng());
    metadata.want(&t());
    metadata.requested();
    metadata
}

/// What a cluster of two brokers says of `t-0`.
fn answer(leader: Option<i32>, epoch: i32) -> MetadataResponse {
    let layout = Layout { brokers: 2, topics: BTreeMap::from([("t", vec![(leader, epoch)])]) };
    let topic = MetadataRequestTopic::default().with_name(Some(wire_topic(&t())));
    layout.metadata(&MetadataRequest::default().with_topics(Some(vec![topic])))
}

fn leader(metadata: &ClientMetadata) -> (Option<i32>, Option<i32>) {
    let partition = TopicPartition::new("t", 0);
    let leader = metadata.leader(&partition).map(|leader| leader.0);
    (leader, metadata.leader_epoch(&partition).map(|epoch| epoch.0))
}

#[test]
fn epochs_of_leaders_only_move_forward() {
    let mut metadata = asked();
    metadata.updated(at(1_000), &answer(Some(1), 5));
    assert_eq!(leader(&metadata), (Some(1), Some(5)));
    metadata.updated(at(2_000), &answer(Some(2), 4));
    assert_eq!(leader(&metadata), (Some(1), Some(5)));
    metadata.updated(at(3_000), &answer(Some(2), 6));
    assert_eq!(leader(&metadata), (Some(2), Some(6)));
    let partition = TopicPartition::new("t", 0);
    metadata.learn_leader(&partition, BrokerId(1), LeaderEpoch(6), None);
    assert_eq!(leader(&metadata), (Some(2), Some(6)));
    metadata.learn_leader(&partition, BrokerId(1), LeaderEpoch(7), None);
    assert_eq!(leader(&metadata), (Some(1), Some(7)));
}

#[test]
fn nothing_is_asked_while_an_answer_is_awaited() {
    let mut metadata = asked();
    metadata.request_update();
    assert_eq!(metadata.next_update(), None);
}

#[test]
fn a_failure_after_the_request_left_asks_again_after_the_answer() {
    let mut metadata = asked();
    metadata.request_update();
    metadata.updated(at(1_000), &answer(Some(1), 5));
    let next = metadata.next_update().unwrap();
    assert!(at(1_080) <= next && next <= at(1_120), "{next:?}");
}

#[test]
fn an_answer_is_good_until_it_is_old() {
    let mut metadata = asked();
    metadata.updated(at(1_000), &answer(Some(1), 5));
    assert_eq!(metadata.next_update(), Some(at(301_000)));
}

#[test]
fn a_partition_without_leader_is_asked_for_again() {
    let mut metadata = asked();
    metadata.updated(at(1_000), &answer(None, 5));
    assert!(metadata.next_update().unwrap() <= at(1_120));
}

#[test]
fn waits_grow_while_requests_fail_and_while_answers_bring_nothing_new() {
    let mut metadata = asked();
    let mut now = at(1_000);
    for middle in [100, 200, 400, 800, 1_000, 1_000] {
        metadata.failed(now);
        let wait = metadata.next_update().unwrap().since(now).as_millis();
        assert!(middle * 8 / 10 <= wait && wait <= middle * 12 / 10, "{wait} for {middle}");
        now = now.plus(Duration::from_secs(5));
        metadata.requested();
    }
    for middle in [100, 100, 200, 400, 800, 1_000] {
        metadata.updated(now, &answer(None, 5));
        let wait = metadata.next_update().unwrap().since(now).as_millis();
        assert!(middle * 8 / 10 <= wait && wait <= middle * 12 / 10, "{wait} for {middle}");
        now = now.plus(Duration::from_secs(5));
        metadata.requested();
    }
}

#[test]
fn a_topic_that_is_new_is_asked_for_without_waiting() {
    let mut metadata = asked();
    metadata.updated(at(1_000), &answer(Some(1), 5));
    metadata.want(&TopicName::from("u"));
    assert_eq!(metadata.next_update(), Some(Instant(0)));
    metadata.want(&TopicName::from("u"));
    metadata.requested();
    // The answer that does not speak of it was asked for before.
    metadata.want(&TopicName::from("v"));
    metadata.updated(at(2_000), &answer(Some(1), 5));
    assert_eq!(metadata.next_update(), Some(at(2_000)));
}
