//! Silence, retries, and where the leader is.

use super::{acknowledged, failed, producer, unknown};
use crate::{
    client::testing::Auto,
    host::event::SendFailure,
    ids::BrokerId,
    protocol::{
        ApiKey, ErrorCode,
        messages::{produce_response::LeaderIdAndEpoch, wire_broker},
    },
};

const SHORT: &str =
    r#"{ "linger.ms": 0, "request.timeout.ms": 1000, "delivery.timeout.ms": 2500 }"#;

#[test]
fn a_request_without_answer_in_time_closes_its_connection_and_is_sent_again() {
    let mut bench = producer(SHORT);
    bench.send(1);
    let first = bench.take_produce();
    bench.advance(1_000);
    assert_eq!(bench.answers, []);
    bench.advance(500);
    let second = bench.take_produce();
    assert!(first.connection < second.connection);
    assert_eq!(bench.attempts()[1].attempt, 2);
    assert!(first.frame.correlation < second.frame.correlation);
    bench.succeed(&second, 0);
    assert_eq!(bench.answers, [acknowledged(1, 0)]);
    assert_eq!(bench.connections_to(1), 1);
}

#[test]
fn a_send_that_was_in_flight_at_its_delivery_timeout_is_unknown_and_its_late_answer_tells_nothing()
{
    let mut bench =
        producer(r#"{ "linger.ms": 0, "request.timeout.ms": 2000, "delivery.timeout.ms": 2000 }"#);
    bench.send(1);
    let first = bench.take_produce();
    bench.advance(1_000);
    bench.refuse(&first, ErrorCode::NotEnoughReplicas);
    bench.advance(500);
    let second = bench.take_produce();
    bench.advance(499);
    assert_eq!(bench.answers, []);
    bench.advance(1);
    assert_eq!(bench.answers, [unknown(1, SendFailure::DeliveryTimeout)]);
    bench.succeed(&second, 0);
    assert_eq!(bench.answers.len(), 1);
}

#[test]
fn a_send_whose_leader_was_never_reached_fails_for_sure() {
    let mut bench = producer(SHORT);
    bench.unreachable.insert(1);
    bench.disconnect(1);
    bench.send(1);
    bench.advance(2_499);
    assert_eq!(bench.answers, []);
    bench.advance(1);
    assert_eq!(bench.answers, [failed(1, SendFailure::DeliveryTimeout)]);
}

#[test]
fn retries_that_are_used_up_end_a_send() {
    let text = r#"{ "linger.ms": 0, "retries": 2, "acks": "1" }"#;
    let mut bench = producer(text);
    bench.send(1);
    for _ in 0..3 {
        bench.advance(2_000);
        assert_eq!(bench.answers, []);
        bench.disconnect(1);
    }
    assert_eq!(bench.attempts().len(), 3);
    assert_eq!(bench.answers, [unknown(1, SendFailure::RetriesExhausted)]);
}

#[test]
fn a_batch_follows_its_leader_after_a_refresh_of_the_metadata() {
    let mut bench = producer(SHORT);
    bench.send(1);
    let request = bench.take_produce();
    bench.advance(200);
    bench.layout.lead("t", 0, 3, 6);
    bench.refuse(&request, ErrorCode::NotLeaderOrFollower);
    bench.advance(500);
    let again = bench.take_produce();
    assert_eq!((request.broker, again.broker), (1, 3));
}

#[test]
fn an_answer_that_names_the_leader_spares_the_refresh() {
    let mut bench = producer(SHORT);
    bench.send(1);
    bench.auto.remove(&Auto::Metadata);
    let request = bench.take_produce();
    bench.answer_produce(&request, |answer| {
        let leader = LeaderIdAndEpoch::default()
            .with_leader_id(wire_broker(Some(BrokerId(2))))
            .with_leader_epoch(6);
        answer.with_error_code(ErrorCode::NotLeaderOrFollower.code()).with_current_leader(leader)
    });
    assert_eq!(bench.take_produce().broker, 2);
}

#[test]
fn a_leader_of_an_older_epoch_is_not_believed() {
    let mut bench = producer(SHORT);
    bench.send(1);
    bench.layout.lead("t", 0, 2, 4);
    let request = bench.take_produce();
    bench.refuse(&request, ErrorCode::NotLeaderOrFollower);
    bench.advance(500);
    assert_eq!(bench.take_produce().broker, 1);
}

#[test]
fn a_partition_without_leader_waits_for_one() {
    let mut bench = producer(SHORT);
    bench.layout.topics.insert("t", vec![(None, 6)]);
    bench.send(1);
    bench.advance(1_000);
    assert_eq!(bench.attempts().len(), 0);
    bench.layout.lead("t", 0, 2, 7);
    bench.advance(1_200);
    assert_eq!(bench.take_produce().broker, 2);
}

#[test]
fn metadata_is_asked_for_again_when_it_is_old_and_not_before() {
    let mut bench = producer(r#"{ "linger.ms": 0, "metadata.max.age.ms": 60000 }"#);
    bench.send(1);
    let request = bench.take_produce();
    bench.succeed(&request, 0);
    bench.auto.remove(&Auto::Metadata);
    bench.advance(59_999);
    assert_eq!(bench.waiting(ApiKey::Metadata), 0);
    bench.advance(2);
    assert_eq!(bench.waiting(ApiKey::Metadata), 1);
}

#[test]
fn a_broker_that_refuses_connections_is_tried_again_with_growing_waits() {
    let mut bench = producer(r#"{ "linger.ms": 0 }"#);
    bench.refusing.insert(1);
    bench.disconnect(1);
    bench.opened.clear();
    bench.send(1);
    bench.advance(10_000);
    let tries = bench.opened.iter().filter(|broker| **broker == 1).count();
    assert!((8..20).contains(&tries), "{tries} tries in ten seconds");
    bench.refusing.clear();
    bench.advance(1_300);
    let request = bench.take_produce();
    bench.succeed(&request, 0);
    assert_eq!(bench.answers, [acknowledged(1, 0)]);
}
