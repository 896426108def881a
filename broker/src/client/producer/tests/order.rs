//! In which order batches leave, and leave again.

use super::{acknowledged, batches, producer, sequence};
use crate::protocol::ErrorCode;

const PLAIN: &str = r#"{ "enable.idempotence": false, "linger.ms": 0 }"#;
const IDEMPOTENT: &str = r#"{ "linger.ms": 0 }"#;

#[test]
fn without_idempotence_a_lost_connection_sends_batches_again_in_reverse_order() {
    let mut bench = producer(PLAIN);
    bench.send_each([1, 2, 3]);
    bench.disconnect(1);
    bench.advance(3_000);
    let sent = bench.attempted_sends();
    assert_eq!(sent, [vec![1], vec![2], vec![3], vec![3], vec![2], vec![1]]);
}

#[test]
fn with_idempotence_a_lost_connection_sends_batches_again_in_order_one_at_a_time() {
    let mut bench = producer(IDEMPOTENT);
    bench.send_each([1, 2, 3]);
    bench.disconnect(1);
    for (offset, expected) in [(0, vec![1]), (1, vec![2]), (2, vec![3])] {
        bench.advance(2_000);
        assert_eq!(bench.attempted_sends().last(), Some(&expected));
        let request = bench.take_produce();
        assert_eq!(bench.requests.len(), 0, "one in flight while something is sent again");
        bench.succeed(&request, offset);
    }
    let expected = [acknowledged(1, 0), acknowledged(2, 1), acknowledged(3, 2)];
    assert_eq!(bench.answers, expected);
}

#[test]
fn a_batch_that_failed_behind_others_comes_back_before_those_that_were_not_sent() {
    let mut bench = producer(IDEMPOTENT);
    bench.send_each(1..=5);
    bench.send_each([6]);
    let first = bench.take_produce();
    let second = bench.take_produce();
    bench.succeed(&first, 0);
    assert_eq!(bench.attempted_sends().last(), Some(&vec![6]));
    bench.refuse(&second, ErrorCode::NotEnoughReplicas);
    bench.advance(500);
    assert_eq!(bench.attempted_sends().last(), Some(&vec![2]));
    assert_eq!(bench.attempted_sends().len(), 7);
}

#[test]
fn no_more_requests_are_in_flight_than_allowed() {
    let mut bench = producer(PLAIN);
    bench.send_each(1..=9);
    assert_eq!(bench.requests.len(), 5);
    let first = bench.take_produce();
    bench.succeed(&first, 0);
    assert_eq!(bench.attempted_sends().len(), 6);
    assert_eq!(bench.attempted_sends()[5], [6, 7, 8, 9], "what waited was gathered");
}

#[test]
fn with_one_request_in_flight_the_order_survives_a_retry_without_idempotence() {
    let text = r#"{ "enable.idempotence": false, "linger.ms": 0,
                    "max.in.flight.requests.per.connection": 1 }"#;
    let mut bench = producer(text);
    bench.send_each([1, 2, 3]);
    assert_eq!(bench.requests.len(), 1);
    bench.disconnect(1);
    bench.advance(1_000);
    let request = bench.take_produce();
    assert_eq!(bench.attempted_sends(), [vec![1], vec![1]]);
    bench.succeed(&request, 0);
    assert_eq!(bench.attempted_sends().last(), Some(&vec![2, 3]));
}

#[test]
fn numbers_count_records_from_zero() {
    let mut bench = producer(r#"{ "linger.ms": 5 }"#);
    for send in 1..=3 {
        bench.send(send);
    }
    bench.advance(5);
    bench.send(4);
    bench.advance(5);
    let (first, second) = (bench.take_produce(), bench.take_produce());
    assert_eq!((sequence(&first), sequence(&second)), ((0, 0), (0, 3)));
    assert_eq!(batches(&first)[0].producer_id().map(|id| id.0), Some(7));
}

#[test]
fn a_batch_waits_longer_before_each_retry() {
    let mut bench = producer(PLAIN);
    bench.send(1);
    let mut waits = Vec::new();
    for _ in 0..5 {
        let request = bench.take_produce();
        let refused_at = bench.now;
        bench.refuse(&request, ErrorCode::NotEnoughReplicas);
        while bench.requests.is_empty() {
            bench.advance(1);
        }
        waits.push(bench.now.since(refused_at).as_millis());
    }
    for (wait, middle) in waits.iter().zip([100, 200, 400, 800, 1_000]) {
        assert!(middle * 8 / 10 <= *wait && *wait <= middle * 12 / 10 + 1, "{waits:?}");
    }
}

#[test]
fn a_new_leader_ends_the_back_off() {
    let mut bench = producer(PLAIN);
    bench.send(1);
    for _ in 0..4 {
        let request = bench.take_produce();
        bench.refuse(&request, ErrorCode::NotEnoughReplicas);
        bench.advance(1_500);
    }
    let request = bench.take_produce();
    bench.layout.lead("t", 0, 2, 6);
    let refused_at = bench.now;
    bench.refuse(&request, ErrorCode::NotLeaderOrFollower);
    while bench.requests.is_empty() {
        bench.advance(1);
    }
    assert_eq!(bench.take_produce().broker, 2);
    assert!(bench.now.since(refused_at).as_millis() < 800, "the back-off alone is 800 ms or more");
}
