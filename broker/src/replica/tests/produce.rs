//! When a produce is answered, and with what.

use super::told;
use crate::{
    host::event::PartitionEvent,
    protocol::ErrorCode,
    replica::{
        rules::Protocol,
        testing::{Cluster, Outcome, idempotent_batch},
    },
};

fn three() -> Cluster {
    Cluster::new(Protocol::Kip595, 3)
}

#[test]
fn the_high_watermark_moves_only_after_all_of_the_isr_fetched() {
    let mut cluster = three();
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    assert_eq!((cluster.offsets(1), cluster.offsets(2)), ((0, 1), (0, 1)));
    cluster.carry(&[1, 2, 3]);
    assert_eq!(cluster.offsets(1), (1, 1));
}

#[test]
fn leader_answers_acks_all_only_after_every_follower_has_the_record() {
    let mut cluster = three();
    let request = cluster.produce(1, -1);
    cluster.carry(&[1, 2]);
    assert_eq!(told(&cluster, request), None);
    cluster.carry(&[1, 2, 3]);
    assert_eq!(told(&cluster, request), Some((ErrorCode::None, 0)));
}

#[test]
fn leader_answers_acks_1_at_once() {
    let mut cluster = three();
    let request = cluster.produce(1, 1);
    assert_eq!(told(&cluster, request), Some((ErrorCode::None, 0)));
    assert_eq!(cluster.offsets(1), (0, 1));
}

#[test]
fn acks_0_is_done_without_an_answer_and_an_error_closes_the_connection() {
    let mut cluster = three();
    let (good, bad) = (cluster.produce(1, 0), cluster.produce(2, 0));
    assert_eq!(cluster.outcome(good), Some(&Outcome::Done));
    assert_eq!(cluster.outcome(bad), Some(&Outcome::Closed));
}

#[test]
fn acks_that_do_not_exist_are_refused() {
    let mut cluster = three();
    let request = cluster.produce(1, 2);
    assert_eq!(told(&cluster, request), Some((ErrorCode::InvalidRequiredAcks, -1)));
    assert_eq!(cluster.offsets(1), (0, 0));
}

#[test]
fn below_min_isr_acks_all_is_refused_before_the_append_and_acks_1_is_taken() {
    let mut cluster = three();
    cluster.config.min_insync_replicas = 2;
    (1..=3).for_each(|id| cluster.restart(id));
    cluster.elect(Some(1), &[1]);
    cluster.publish_all();
    let (all, one) = (cluster.produce(1, -1), cluster.produce(1, 1));
    assert_eq!(told(&cluster, all), Some((ErrorCode::NotEnoughReplicas, -1)));
    assert_eq!(told(&cluster, one), Some((ErrorCode::None, 0)));
}

#[test]
fn an_isr_that_shrank_after_the_append_is_told_so() {
    let mut cluster = three();
    cluster.config.min_insync_replicas = 2;
    (1..=3).for_each(|id| cluster.restart(id));
    cluster.publish_all();
    let request = cluster.produce(1, -1);
    cluster.change_isr(&[1]);
    cluster.publish(1);
    assert_eq!(told(&cluster, request), Some((ErrorCode::NotEnoughReplicasAfterAppend, 0)));
}

#[test]
fn acks_all_times_out_and_the_record_stays() {
    let mut cluster = three();
    let request = cluster.produce(1, -1);
    cluster.advance(999);
    assert_eq!(told(&cluster, request), None);
    cluster.advance(1);
    assert_eq!(told(&cluster, request), Some((ErrorCode::RequestTimedOut, 0)));
    assert_eq!(cluster.offsets(1), (0, 1));
}

#[test]
fn a_follower_refuses_to_append() {
    let mut cluster = three();
    let request = cluster.produce(2, 1);
    assert_eq!(told(&cluster, request), Some((ErrorCode::NotLeaderOrFollower, -1)));
}

#[test]
fn a_broker_without_metadata_knows_no_topic() {
    let mut cluster = Cluster::before_metadata(Protocol::Kip595, 1);
    let request = cluster.produce(1, -1);
    assert_eq!(told(&cluster, request), Some((ErrorCode::UnknownTopicOrPartition, -1)));
}

#[test]
fn a_batch_that_comes_again_is_answered_as_the_first_time_and_not_appended() {
    let mut cluster = three();
    let first = cluster.produce_batch(1, 1, idempotent_batch(0));
    let again = cluster.produce_batch(1, -1, idempotent_batch(0));
    assert_eq!(told(&cluster, first), Some((ErrorCode::None, 0)));
    assert_eq!(told(&cluster, again), None);
    cluster.carry(&[1, 2, 3]);
    assert_eq!(told(&cluster, again), Some((ErrorCode::None, 0)));
    assert_eq!(cluster.offsets(1), (1, 1));
    let suppressed = cluster.events(1, |event| match event {
        PartitionEvent::DuplicateSuppressed { base_offset, .. } => Some(base_offset.0),
        _ => None,
    });
    assert_eq!(suppressed, [0]);
}

#[test]
fn a_damaged_batch_is_refused() {
    let mut cluster = three();
    let mut bytes = idempotent_batch(0).to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let request = cluster.produce_batch(1, -1, bytes.into());
    assert_eq!(told(&cluster, request), Some((ErrorCode::CorruptMessage, -1)));
    assert_eq!(cluster.offsets(1), (0, 0));
}

#[test]
fn a_request_whose_connection_is_gone_is_not_answered() {
    let mut cluster = three();
    let request = cluster.produce(1, -1);
    cluster.node_mut(1).manager.connection_closed(request);
    cluster.carry(&[1, 2, 3]);
    cluster.advance(2_000);
    assert_eq!(cluster.outcome(request), None);
    assert_eq!(cluster.offsets(1), (1, 1));
}

#[test]
fn the_answer_tells_what_it_rests_on() {
    let mut cluster = three();
    cluster.produce(1, -1);
    cluster.carry(&[1, 2, 3]);
    let answered = cluster.events(1, |event| match event {
        PartitionEvent::ProduceAnswered(answer) => {
            Some((answer.high_watermark.0, answer.isr_size, answer.min_insync_replicas))
        }
        _ => None,
    });
    assert_eq!(answered, [(1, 3, 1)]);
}
