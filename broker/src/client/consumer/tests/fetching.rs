//! Records: asked for, waited for, handed out.

use core::time::Duration;

use bytes::Bytes;

use super::{EARLIEST, batch, fetched, pairs, reading, t0};
use crate::{
    client::consumer::{ConsumerAnswer, ConsumerCommand, ConsumerError},
    host::{
        Event,
        event::{ConsumerEvent, Delivery},
    },
    ids::{BrokerId, ClientId, LeaderEpoch, Offset},
    protocol::{
        ApiKey, ErrorCode, Request,
        batch::{BatchBuilder, stamp},
        messages::fetch_response::LeaderIdAndEpoch,
    },
};

#[test]
fn a_poll_is_answered_as_soon_as_records_come() {
    let mut bench = reading(EARLIEST);
    bench.poll();
    let request = bench.take_fetch();
    assert_eq!(fetched(&request), (0, 5));
    assert_eq!(bench.answers, []);
    bench.serve(&request, batch(0, 5, &["a", "b"]));
    assert_eq!(bench.read(), pairs(&[(0, "a"), (1, "b")]));
    assert_eq!(bench.answers.len(), 1, "one poll, one answer");
}

#[test]
fn a_fetch_asks_what_the_settings_say() {
    let text = r#"{ "fetch.min.bytes": 10, "fetch.max.wait.ms": 300, "fetch.max.bytes": 5000,
                    "max.partition.fetch.bytes": 4000 }"#;
    let mut bench = reading(text);
    let Request::Fetch(body) = bench.take_fetch().frame.body else { panic!("not a fetch") };
    assert_eq!((body.min_bytes, body.max_wait_ms, body.max_bytes), (10, 300, 5000));
    assert_eq!(body.topics[0].partitions[0].partition_max_bytes, 4000);
    assert_eq!((body.session_id, body.session_epoch), (0, -1));
}

#[test]
fn a_leader_has_one_fetch_at_a_time_and_gets_the_next_with_the_answer() {
    let mut bench = reading(EARLIEST);
    bench.poll();
    bench.advance(5_000);
    assert_eq!(bench.waiting(ApiKey::Fetch), 1);
    let request = bench.take_fetch();
    bench.serve(&request, Bytes::new());
    assert_eq!(fetched(&bench.take_fetch()), (0, 5));
}

#[test]
fn records_are_fetched_ahead_by_one_answer() {
    let mut bench = reading(EARLIEST);
    let request = bench.take_fetch();
    bench.serve(&request, batch(0, 5, &["a"]));
    bench.advance(1_000);
    assert_eq!(bench.waiting(ApiKey::Fetch), 0);
    bench.poll();
    assert_eq!(bench.read(), pairs(&[(0, "a")]));
    assert_eq!(fetched(&bench.take_fetch()), (1, 5));
}

#[test]
fn a_poll_gets_no_more_records_than_allowed_and_the_rest_needs_no_fetch() {
    let mut bench = reading(r#"{ "max.poll.records": 2 }"#);
    bench.poll();
    let request = bench.take_fetch();
    bench.serve(&request, batch(0, 5, &["a", "b", "c"]));
    assert_eq!(bench.read(), pairs(&[(0, "a"), (1, "b")]));
    assert_eq!(bench.waiting(ApiKey::Fetch), 0);
    bench.poll();
    assert_eq!(bench.read().len(), 3);
    assert_eq!(fetched(&bench.take_fetch()), (3, 5));
}

#[test]
fn a_poll_whose_time_is_over_is_answered_with_nothing() {
    let mut bench = reading(EARLIEST);
    bench.command(ConsumerCommand::Poll { timeout: Duration::from_millis(700) });
    bench.advance(699);
    assert_eq!(bench.answers, []);
    bench.advance(1);
    assert_eq!(bench.answers, [ConsumerAnswer::Records(Vec::new())]);
}

#[test]
fn records_before_the_position_are_skipped() {
    let mut bench = reading(EARLIEST);
    let stale = bench.take_fetch();
    bench.command(ConsumerCommand::Seek { partition: t0(), offset: Offset(2) });
    bench.serve(&stale, batch(0, 5, &["a", "b", "c"]));
    bench.poll();
    assert_eq!(bench.answers, [], "an answer to another position is of no use");
    let request = bench.take_fetch();
    assert_eq!(fetched(&request), (2, 5));
    bench.serve(&request, batch(0, 5, &["a", "b", "c", "d"]));
    assert_eq!(bench.read(), pairs(&[(2, "c"), (3, "d")]));
}

#[test]
fn what_was_fetched_ahead_is_dropped_after_a_seek() {
    let mut bench = reading(EARLIEST);
    let request = bench.take_fetch();
    bench.serve(&request, batch(0, 5, &["a", "b", "c"]));
    bench.command(ConsumerCommand::Seek { partition: t0(), offset: Offset(1) });
    bench.poll();
    assert_eq!(bench.answers, []);
    assert_eq!(fetched(&bench.take_fetch()), (1, 5));
}

#[test]
fn a_batch_that_is_cut_off_is_read_when_it_is_whole() {
    let mut bench = reading(EARLIEST);
    bench.poll();
    let request = bench.take_fetch();
    let mut records = batch(0, 5, &["a"]).to_vec();
    let next = batch(1, 5, &["b"]);
    records.extend_from_slice(&next[..next.len() - 1]);
    bench.serve(&request, Bytes::from(records));
    assert_eq!(bench.read(), pairs(&[(0, "a")]));
    assert_eq!(fetched(&bench.take_fetch()), (1, 5));
}

#[test]
fn a_corrupt_batch_stops_the_partition_after_what_is_before_it() {
    let mut bench = reading(EARLIEST);
    bench.poll();
    let request = bench.take_fetch();
    let mut records = batch(0, 5, &["a"]).to_vec();
    let mut next = batch(1, 5, &["b"]).to_vec();
    *next.last_mut().unwrap() ^= 1;
    records.extend_from_slice(&next);
    bench.serve(&request, Bytes::from(records));
    assert_eq!(bench.read(), pairs(&[(0, "a")]));
    assert_eq!(bench.failures(), [ConsumerError::Corrupt { position: Offset(1) }]);
    bench.advance(5_000);
    assert_eq!(bench.waiting(ApiKey::Fetch), 0, "it must not be skipped");
    let failed = bench
        .events
        .iter()
        .any(|event| matches!(event, Event::Consumer(ConsumerEvent::ConsumerFailed { .. })));
    assert!(failed);
}

#[test]
fn a_leader_that_finds_its_batch_corrupt_stops_the_partition() {
    let mut bench = reading(EARLIEST);
    let request = bench.take_fetch();
    bench.refuse(&request, ErrorCode::CorruptMessage);
    assert_eq!(bench.failures(), [ConsumerError::Corrupt { position: Offset(0) }]);
}

#[test]
fn control_batches_are_passed_over() {
    let mut bench = reading(EARLIEST);
    bench.poll();
    let request = bench.take_fetch();
    let mut marker = BatchBuilder::control(None);
    marker.append(crate::host::Timestamp(0), Some(&[0, 0, 0, 1]), Some(&[0; 6]), &[]);
    let marker = stamp(&marker.build(), Offset(0), LeaderEpoch(5)).into_bytes();
    bench.serve(&request, marker);
    assert_eq!(bench.answers, []);
    assert_eq!(fetched(&bench.take_fetch()), (1, 5));
}

#[test]
fn a_delivery_tells_which_broker_served_which_epoch() {
    let mut bench = reading(EARLIEST);
    bench.poll();
    let request = bench.take_fetch();
    bench.serve(&request, batch(0, 4, &["a"]));
    let delivery = Delivery {
        consumer: ClientId::from("c"),
        partition: t0(),
        offset: Offset(0),
        leader_epoch: LeaderEpoch(4),
        broker: BrokerId(1),
        value: Bytes::from("a"),
    };
    assert_eq!(bench.events, [Event::Consumer(ConsumerEvent::Delivered(delivery))]);
}

#[test]
fn a_fetch_that_was_lost_with_its_connection_is_sent_again() {
    let mut bench = reading(EARLIEST);
    bench.disconnect(1);
    bench.advance(200);
    assert_eq!(fetched(&bench.take_fetch()), (0, 5));
}

#[test]
fn an_answer_that_names_the_new_leader_is_followed_at_once() {
    let mut bench = reading(EARLIEST);
    let request = bench.take_fetch();
    bench.answer_fetch(&request, |answer| {
        let leader = LeaderIdAndEpoch::default().with_leader_id(2.into()).with_leader_epoch(6);
        answer.with_error_code(ErrorCode::NotLeaderOrFollower.code()).with_current_leader(leader)
    });
    let request = bench.take_fetch();
    assert_eq!((request.broker, fetched(&request)), (2, (0, 6)));
}

#[test]
fn a_leader_that_is_behind_the_metadata_is_asked_again_later() {
    let mut bench = reading(EARLIEST);
    let request = bench.take_fetch();
    bench.refuse(&request, ErrorCode::UnknownLeaderEpoch);
    assert_eq!(bench.waiting(ApiKey::Fetch), 0);
    bench.advance(200);
    assert_eq!(fetched(&bench.take_fetch()), (0, 5));
}

#[test]
fn a_consumer_that_is_closed_answers_its_poll_and_does_nothing_more() {
    let mut bench = reading(EARLIEST);
    bench.poll();
    bench.command(ConsumerCommand::Close);
    let nothing = ConsumerAnswer::Records(Vec::new());
    assert_eq!(bench.answers, [nothing, ConsumerAnswer::Closed]);
    assert_eq!(bench.connections_to(1), 0);
    bench.advance(1_000_000);
}
