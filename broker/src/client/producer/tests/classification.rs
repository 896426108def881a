//! What the application is told: acknowledged, surely failed, or unknown.

use super::{acknowledged, failed, producer, t0, unknown};
use crate::{
    client::producer::ProducerAnswer,
    host::{
        Event,
        event::{AttemptOutcome, ProducerEvent, SendFailure},
    },
    ids::SendId,
    protocol::{ApiKey, ErrorCode},
};

const ONE_ATTEMPT: &str = r#"{ "linger.ms": 0, "retries": 0 }"#;

#[test]
fn only_codes_that_say_not_appended_make_a_send_fail_for_sure() {
    let sure = [
        ErrorCode::NotEnoughReplicas,
        ErrorCode::MessageTooLarge,
        ErrorCode::RecordListTooLarge,
        ErrorCode::InvalidRecord,
        ErrorCode::CorruptMessage,
        ErrorCode::InvalidRequiredAcks,
    ];
    for error in ErrorCode::ALL {
        if [ErrorCode::None, ErrorCode::DuplicateSequenceNumber].contains(error) {
            continue;
        }
        let mut bench = producer(ONE_ATTEMPT);
        bench.send(1);
        let request = bench.take_produce();
        bench.refuse(&request, *error);
        let failure = SendFailure::Refused { error: error.code() };
        let expected = if sure.contains(error) { failed(1, failure) } else { unknown(1, failure) };
        assert_eq!(bench.answers, [expected], "{error:?}");
    }
}

#[test]
fn a_lost_connection_and_a_timeout_leave_a_send_unknown() {
    let mut bench = producer(ONE_ATTEMPT);
    bench.send(1);
    bench.disconnect(1);
    assert_eq!(bench.answers, [unknown(1, SendFailure::RetriesExhausted)]);

    let mut bench = producer(ONE_ATTEMPT);
    bench.send(1);
    bench.advance(30_000);
    assert_eq!(bench.answers, [unknown(1, SendFailure::RetriesExhausted)]);
    let timed_out = bench.events.iter().any(|event| {
        matches!(
            event,
            Event::Producer(ProducerEvent::AttemptEnded { outcome: AttemptOutcome::TimedOut, .. })
        )
    });
    assert!(timed_out);
}

#[test]
fn one_attempt_in_doubt_makes_a_send_unknown_whatever_the_last_one_says() {
    let mut bench = producer(r#"{ "linger.ms": 0, "retries": 1, "acks": "1" }"#);
    bench.send(1);
    bench.disconnect(1);
    bench.advance(1_000);
    let request = bench.take_produce();
    bench.refuse(&request, ErrorCode::InvalidRecord);
    assert_eq!(bench.answers, [unknown(1, SendFailure::Refused { error: 87 })]);
}

#[test]
fn attempts_that_were_all_refused_before_the_append_make_a_send_fail() {
    let text = r#"{ "linger.ms": 0, "request.timeout.ms": 500, "delivery.timeout.ms": 2000 }"#;
    let mut bench = producer(text);
    bench.send(1);
    while bench.answers.is_empty() {
        if bench.waiting(ApiKey::Produce) != 0 {
            let request = bench.take_produce();
            bench.refuse(&request, ErrorCode::NotEnoughReplicas);
        }
        bench.advance(1);
    }
    assert!(1 < bench.attempts().len());
    assert_eq!(bench.answers, [failed(1, SendFailure::DeliveryTimeout)]);
}

#[test]
fn a_number_that_the_broker_has_seen_is_a_success_without_an_offset() {
    let mut bench = producer(r#"{ "linger.ms": 0 }"#);
    bench.send(1);
    let request = bench.take_produce();
    bench.refuse(&request, ErrorCode::DuplicateSequenceNumber);
    let (send, partition, offset) = (SendId(1), t0(), None);
    assert_eq!(bench.answers, [ProducerAnswer::Acknowledged { send, partition, offset }]);
}

#[test]
fn without_acks_a_send_ends_unknown_when_it_is_handed_to_the_network() {
    let mut bench = producer(r#"{ "linger.ms": 0, "acks": "0" }"#);
    bench.send_each(1..=9);
    let expected: Vec<_> = (1..=9).map(|send| unknown(send, SendFailure::NotConfirmed)).collect();
    assert_eq!(bench.answers, expected);
    assert_eq!(bench.attempts().len(), 9, "nothing is answered, so nothing is in flight");
    bench.disconnect(1);
    bench.advance(60_000);
    assert_eq!(bench.attempts().len(), 9, "nothing is sent again");
}

#[test]
fn each_record_of_a_batch_gets_its_own_offset() {
    let mut bench = producer(r#"{ "linger.ms": 5 }"#);
    bench.send(1);
    bench.send(2);
    bench.advance(5);
    let request = bench.take_produce();
    bench.succeed(&request, 40);
    assert_eq!(bench.answers, [acknowledged(1, 40), acknowledged(2, 41)]);
}

#[test]
fn every_answer_is_an_event_too() {
    let mut bench = producer(ONE_ATTEMPT);
    bench.send_each([1, 2, 3]);
    let (first, second) = (bench.take_produce(), bench.take_produce());
    bench.succeed(&first, 7);
    bench.refuse(&second, ErrorCode::InvalidRecord);
    bench.disconnect(1);
    let told: Vec<_> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Producer(ProducerEvent::Acknowledged { send, .. }) => Some(("acked", send.0)),
            Event::Producer(ProducerEvent::SendFailed { send, .. }) => Some(("failed", send.0)),
            Event::Producer(ProducerEvent::SendUnknown { send, .. }) => Some(("unknown", send.0)),
            Event::Producer(
                ProducerEvent::Sent { .. }
                | ProducerEvent::Attempted(_)
                | ProducerEvent::AttemptEnded { .. }
                | ProducerEvent::ProducerIdAssigned { .. },
            )
            | Event::Partition(_)
            | Event::Broker(_)
            | Event::Controller(_)
            | Event::Consumer(_) => None,
        })
        .collect();
    assert_eq!(told, [("acked", 1), ("failed", 2), ("unknown", 3)]);
    assert_eq!(bench.answers.len(), 3);
}
