//! Numbers, epochs, and what raises them.

use super::{acknowledged, producer, sequence, unknown};
use crate::{
    client::{
        producer::Producer,
        testing::{Auto, Bench, producer_id},
    },
    host::{
        Event,
        event::{ProducerEvent, SendFailure},
    },
    protocol::{ApiKey, ErrorCode},
};

const AT_ONCE: &str = r#"{ "linger.ms": 0 }"#;

fn epochs(bench: &Bench<Producer>) -> Vec<(i64, i16, bool)> {
    let told = bench.events.iter().filter_map(|event| match event {
        Event::Producer(ProducerEvent::ProducerIdAssigned {
            producer_id,
            producer_epoch,
            reason,
            ..
        }) => Some((producer_id.0, producer_epoch.0, reason.is_some())),
        _ => None,
    });
    told.collect()
}

#[test]
fn nothing_leaves_before_the_producer_has_its_id() {
    let client = crate::ids::ClientId::from("p");
    let bootstrap = crate::client::testing::bootstrap();
    let process =
        Producer::new(client, bootstrap, super::config(AT_ONCE), crate::client::testing::rng());
    let mut bench = Bench::new(process.unwrap());
    // The bench has answered the first request: the second producer is asked by hand.
    assert_eq!(epochs(&bench), [(7, 0, false)]);
    bench.auto.remove(&Auto::InitProducerId);
    bench.process.transactions = Some(super::super::TransactionManager::new());
    bench.send(1);
    bench.advance(10);
    assert_eq!(bench.attempts().len(), 0);
    let request = bench.take(ApiKey::InitProducerId);
    bench.respond(&request, &producer_id(8).with_error_code(15).into());
    bench.advance(200);
    let again = bench.take(ApiKey::InitProducerId);
    bench.respond(&again, &producer_id(8).into());
    assert_eq!(sequence(&bench.take_produce()), (0, 0));
    assert_eq!(bench.attempts()[0].producer_id.map(|id| id.0), Some(8));
}

#[test]
fn a_gap_that_the_producer_cannot_explain_raises_its_epoch_and_renumbers_what_is_in_flight() {
    let mut bench = producer(AT_ONCE);
    bench.send(1);
    let first = bench.take_produce();
    bench.succeed(&first, 0);
    bench.send_each([2, 3, 4]);
    let in_flight = [bench.take_produce(), bench.take_produce(), bench.take_produce()];
    assert_eq!(in_flight.each_ref().map(sequence), [(0, 1), (0, 2), (0, 3)]);
    for request in &in_flight {
        bench.refuse(request, ErrorCode::OutOfOrderSequenceNumber);
    }
    assert_eq!(epochs(&bench), [(7, 1, true)]);
    for (number, offset) in [(0, 10), (1, 11), (2, 12)] {
        bench.advance(300);
        let request = bench.take_produce();
        assert_eq!(sequence(&request), (1, number));
        bench.succeed(&request, offset);
    }
    let expected =
        [acknowledged(1, 0), acknowledged(2, 10), acknowledged(3, 11), acknowledged(4, 12)];
    assert_eq!(bench.answers, expected);
    bench.send(5);
    assert_eq!(sequence(&bench.take_produce()), (1, 3));
}

#[test]
fn a_batch_out_of_order_behind_one_that_is_sent_again_just_waits_its_turn() {
    let mut bench = producer(AT_ONCE);
    bench.send_each([1, 2]);
    let (first, second) = (bench.take_produce(), bench.take_produce());
    bench.refuse(&first, ErrorCode::NotEnoughReplicas);
    bench.refuse(&second, ErrorCode::OutOfOrderSequenceNumber);
    bench.advance(300);
    let again = bench.take_produce();
    assert_eq!(sequence(&again), (0, 0));
    bench.succeed(&again, 0);
    bench.advance(300);
    assert_eq!(sequence(&bench.take_produce()), (0, 1));
    assert_eq!(epochs(&bench), []);
}

#[test]
fn a_leader_that_forgot_the_producer_makes_it_raise_its_epoch() {
    let mut bench = producer(AT_ONCE);
    bench.send(1);
    let request = bench.take_produce();
    bench.refuse(&request, ErrorCode::UnknownProducerId);
    bench.advance(300);
    assert_eq!(sequence(&bench.take_produce()), (1, 0));
    assert_eq!(epochs(&bench), [(7, 1, true)]);
}

#[test]
fn other_partitions_take_the_new_epoch_when_they_have_nothing_unanswered() {
    let mut bench = producer(AT_ONCE);
    bench.layout.topics.insert("t", vec![(Some(1), 0), (Some(2), 0)]);
    bench.send_to(1, Some(1), 10);
    let other = bench.take_produce();
    bench.send_to(2, Some(0), 10);
    let failing = bench.take_produce();
    bench.refuse(&failing, ErrorCode::OutOfOrderSequenceNumber);
    bench.send_to(3, Some(1), 10);
    bench.advance(10);
    assert_eq!(bench.waiting(ApiKey::Produce), 0, "the old epoch is not overtaken");
    bench.succeed(&other, 0);
    assert_eq!(sequence(&bench.take_produce()), (1, 0));
}

#[test]
fn a_batch_that_expires_after_a_retry_stops_new_ones_until_the_epoch_is_raised() {
    let text = r#"{ "linger.ms": 0, "request.timeout.ms": 900, "delivery.timeout.ms": 1000 }"#;
    let mut bench = producer(text);
    bench.send(1);
    bench.advance(400);
    bench.send(2);
    let (first, second) = (bench.take_produce(), bench.take_produce());
    bench.refuse(&first, ErrorCode::NotEnoughReplicas);
    bench.advance(200);
    assert_eq!(bench.attempted_sends(), [[1], [2], [1]]);
    bench.advance(400);
    assert_eq!(bench.answers, [unknown(1, SendFailure::DeliveryTimeout)]);
    bench.send(3);
    assert_eq!(bench.attempts().len(), 3, "whether number 0 was taken is not known");
    bench.succeed(&second, 0);
    assert_eq!(bench.answers[1..], [acknowledged(2, 0)]);
    // The last number was acknowledged, so the leader had all before it: no new epoch.
    assert_eq!(bench.attempted_sends().last(), Some(&vec![3]));
    assert_eq!(epochs(&bench), []);
}

#[test]
fn a_partition_whose_last_batch_expired_after_a_retry_goes_on_under_a_new_epoch() {
    let text = r#"{ "linger.ms": 0, "request.timeout.ms": 1000, "delivery.timeout.ms": 1000 }"#;
    let mut bench = producer(text);
    bench.send(1);
    let first = bench.take_produce();
    bench.refuse(&first, ErrorCode::NotEnoughReplicas);
    bench.advance(200);
    let again = bench.take_produce();
    bench.advance(800);
    assert_eq!(bench.answers, [unknown(1, SendFailure::DeliveryTimeout)]);
    assert_eq!(epochs(&bench), [(7, 1, true)]);
    bench.send(2);
    assert_eq!(sequence(&bench.take_produce()), (1, 0));
    bench.succeed(&again, 0);
    assert_eq!(bench.answers.len(), 1, "what was given up is not told twice");
}

#[test]
fn a_batch_that_expires_in_its_first_attempt_stops_nothing() {
    let text = r#"{ "linger.ms": 0, "request.timeout.ms": 1000, "delivery.timeout.ms": 1000 }"#;
    let mut bench = producer(text);
    bench.layout.topics.insert("t", vec![(None, 5)]);
    bench.send(1);
    bench.advance(300);
    bench.layout.lead("t", 0, 1, 6);
    bench.advance(500);
    bench.send(2);
    let first = bench.take_produce();
    bench.advance(200);
    assert_eq!(bench.answers, [unknown(1, SendFailure::DeliveryTimeout)]);
    bench.send(3);
    assert_eq!(bench.attempted_sends(), [[1], [2], [3]]);
    assert_eq!(epochs(&bench), []);
    // Only when it turns out that the number is free, those after it are renumbered.
    bench.refuse(&first, ErrorCode::RequestTimedOut);
    assert_eq!(epochs(&bench), [(7, 1, true)]);
}

#[test]
fn when_epochs_are_used_up_another_id_is_asked_for() {
    let mut bench = producer(AT_ONCE);
    bench.auto.remove(&Auto::InitProducerId);
    let last = crate::ids::ProducerEpoch(i16::MAX);
    let identity = super::super::transaction_manager::ProducerIdAndEpoch {
        id: crate::ids::ProducerId(7),
        epoch: last,
    };
    let transactions = bench.process.transactions.as_mut().unwrap();
    transactions.assigned(identity, &mut bench.process.accumulator.batches);
    bench.send(1);
    let request = bench.take_produce();
    assert_eq!(sequence(&request), (i16::MAX, 0));
    bench.refuse(&request, ErrorCode::UnknownProducerId);
    bench.advance(300);
    assert_eq!(bench.waiting(ApiKey::Produce), 0);
    let asked = bench.take(ApiKey::InitProducerId);
    bench.respond(&asked, &producer_id(9).into());
    assert_eq!(epochs(&bench), [(9, 0, true)]);
    assert_eq!(sequence(&bench.take_produce()), (0, 0));
    assert_eq!(bench.attempts()[1].producer_id.map(|id| id.0), Some(9));
}
