//! What is gathered, what leaves when, and what waits for room.

use core::time::Duration;

use bytes::Bytes;

use super::{acknowledged, batches, failed, producer, sequence, t0, unknown};
use crate::{
    client::producer::{ProducerAnswer, ProducerCommand},
    host::event::SendFailure,
    ids::{SendId, TopicName},
    protocol::{ApiKey, ErrorCode, batch::RecordBatch},
};

#[test]
fn records_wait_for_each_other_until_the_first_has_lingered() {
    let mut bench = producer(r#"{ "linger.ms": 5 }"#);
    bench.send(1);
    bench.advance(4);
    bench.send(2);
    assert_eq!(bench.requests.len(), 0);
    bench.advance(1);
    assert_eq!(batches(&bench.take_produce())[0].record_count(), 2);
}

#[test]
fn a_full_batch_leaves_at_once() {
    let mut bench = producer(r#"{ "linger.ms": 1000, "batch.size": 200 }"#);
    bench.send_sized(1, 100);
    bench.send_sized(2, 100);
    assert_eq!(bench.attempted_sends(), [[1]], "the second is the first of a batch that has room");
    bench.advance(1_000);
    assert_eq!(bench.attempted_sends().len(), 2);
}

#[test]
fn a_batch_is_never_larger_than_its_size_unless_one_record_is() {
    let mut bench = producer(r#"{ "linger.ms": 10, "batch.size": 300 }"#);
    for (send, size) in [(1, 50), (2, 50), (3, 90), (4, 500), (5, 20)] {
        bench.send_sized(send, size);
    }
    bench.advance(10);
    let mut sizes = Vec::new();
    while bench.waiting(ApiKey::Produce) != 0 {
        sizes.extend(batches(&bench.take_produce()).iter().map(RecordBatch::size));
    }
    assert_eq!(bench.attempted_sends(), [vec![1, 2, 3], vec![4], vec![5]]);
    assert!(sizes[0] <= 300 && 500 < sizes[1] && sizes[2] <= 300, "{sizes:?}");
}

#[test]
fn a_flush_sends_at_once_and_is_answered_when_all_before_it_have_ended() {
    let mut bench = producer(r#"{ "linger.ms": 1000 }"#);
    bench.send(1);
    bench.command(ProducerCommand::Flush);
    let request = bench.take_produce();
    assert_eq!(bench.answers, []);
    bench.succeed(&request, 0);
    assert_eq!(bench.answers, [acknowledged(1, 0), ProducerAnswer::Flushed]);
    bench.send(2);
    bench.advance(999);
    assert_eq!(bench.requests.len(), 0, "afterwards records linger again");
}

#[test]
fn a_request_has_one_batch_of_each_partition_up_to_its_largest_size() {
    let mut bench = producer(r#"{ "linger.ms": 5, "max.request.size": 500, "batch.size": 1000 }"#);
    bench.layout.topics.insert("t", vec![(Some(1), 0); 3]);
    for partition in 0..3 {
        bench.send_to(u64::try_from(partition).unwrap(), Some(partition), 100);
    }
    bench.advance(5);
    let sizes: Vec<usize> = bench.requests.iter().map(|request| batches(request).len()).collect();
    assert_eq!(sizes, [2, 1]);
}

#[test]
fn a_record_that_is_too_large_fails_and_leaves_nothing() {
    let mut bench = producer(r#"{ "max.request.size": 1000 }"#);
    bench.send_sized(1, 1_000);
    assert_eq!(bench.answers, [failed(1, SendFailure::TooLarge)]);
    bench.advance(100);
    assert_eq!(bench.attempts().len(), 0);
}

#[test]
fn a_batch_that_the_broker_finds_too_large_is_split() {
    let mut bench = producer(r#"{ "linger.ms": 5, "batch.size": 2000 }"#);
    for send in 1..=4 {
        bench.send_sized(send, 200);
    }
    bench.advance(5);
    let whole = bench.take_produce();
    bench.refuse(&whole, ErrorCode::MessageTooLarge);
    for (offset, sends) in [(0, 1), (1, 1), (2, 1), (3, 1)] {
        let part = bench.take_produce();
        assert_eq!(batches(&part)[0].record_count(), sends);
        assert_eq!(sequence(&part), (0, i32::try_from(offset).unwrap()));
        bench.succeed(&part, offset);
    }
    let all: Vec<_> = (1..=4).zip(0..).map(|(send, offset)| acknowledged(send, offset)).collect();
    assert_eq!(bench.answers, all);
}

#[test]
fn one_record_that_the_broker_finds_too_large_fails() {
    let mut bench = producer(r#"{ "linger.ms": 0 }"#);
    bench.send(1);
    let request = bench.take_produce();
    bench.refuse(&request, ErrorCode::MessageTooLarge);
    assert_eq!(bench.answers, [failed(1, SendFailure::Refused { error: 10 })]);
}

#[test]
fn a_send_without_room_waits_and_fails_when_it_has_blocked_too_long() {
    let text = r#"{ "linger.ms": 0, "batch.size": 100, "buffer.memory": 2500,
                    "max.block.ms": 3000 }"#;
    let mut bench = producer(text);
    for send in 1..=3 {
        bench.send_sized(send, 1_000);
        bench.advance(1);
    }
    assert_eq!(bench.attempted_sends(), [[1], [2]]);
    let first = bench.take_produce();
    bench.succeed(&first, 0);
    assert_eq!(bench.attempted_sends(), [[1], [2], [3]], "the first has made room");
    bench.send_sized(4, 1_000);
    bench.advance(2_999);
    assert_eq!(bench.answers.len(), 1);
    bench.advance(1);
    assert_eq!(bench.answers[1..], [failed(4, SendFailure::MaxBlock)]);
}

#[test]
fn a_send_to_a_topic_that_does_not_exist_fails_when_it_has_blocked_too_long() {
    let mut bench = producer(r#"{ "max.block.ms": 2000 }"#);
    let topic = TopicName::from("missing");
    let (key, value, headers) = (None, Bytes::new(), Vec::new());
    let send = SendId(1);
    bench.command(ProducerCommand::Send { send, topic, partition: None, key, value, headers });
    bench.advance(1_999);
    assert_eq!(bench.answers, []);
    bench.advance(1);
    let failure = SendFailure::MaxBlock;
    assert_eq!(bench.answers, [ProducerAnswer::Failed { send, partition: None, failure }]);
}

#[test]
fn a_close_ends_what_was_sent_and_takes_nothing_more() {
    let mut bench = producer(r#"{ "linger.ms": 1000 }"#);
    bench.send(1);
    bench.command(ProducerCommand::Close { timeout: Duration::MAX });
    bench.send(2);
    assert_eq!(bench.answers, [failed(2, SendFailure::Closed)]);
    let request = bench.take_produce();
    bench.succeed(&request, 0);
    assert_eq!(bench.answers[1..], [acknowledged(1, 0), ProducerAnswer::Closed]);
    assert_eq!(bench.connections_to(1), 0);
    bench.advance(1_000_000);
    assert_eq!(bench.answers.len(), 3);
}

#[test]
fn a_close_whose_time_is_over_tells_what_left_from_what_did_not() {
    let mut bench = producer(r#"{ "linger.ms": 0, "max.in.flight.requests.per.connection": 1 }"#);
    bench.send(1);
    bench.send(2);
    bench.command(ProducerCommand::Close { timeout: Duration::from_secs(1) });
    bench.advance(1_000);
    let expected =
        [unknown(1, SendFailure::Closed), failed(2, SendFailure::Closed), ProducerAnswer::Closed];
    assert_eq!(bench.answers, expected);
}

#[test]
fn a_key_decides_the_partition() {
    let mut bench = producer(r#"{ "linger.ms": 0 }"#);
    bench.layout.topics.insert("t", vec![(Some(1), 0); 3]);
    for (send, key) in [(1, "abc"), (2, "a"), (3, "abcd")] {
        bench.command(ProducerCommand::Send {
            send: SendId(send),
            topic: TopicName::from("t"),
            partition: None,
            key: Some(Bytes::from(key)),
            value: Bytes::new(),
            headers: Vec::new(),
        });
    }
    let partitions: Vec<i32> =
        bench.attempts().iter().map(|attempt| attempt.partition.partition).collect();
    assert_eq!(partitions, [0, 1, 2]);
    assert_eq!(bench.attempts()[0].partition, t0());
}
