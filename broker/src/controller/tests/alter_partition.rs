//! A leader asks for another ISR: every answer, and the order of the checks.

use super::*;
use crate::{
    metadata::LeaderRecoveryState,
    protocol::messages::{
        AlterPartitionRequest, alter_partition_request as asked, alter_partition_response,
        wire_topic_id,
    },
};

/// What a leader asks for, valid unless it is changed.
#[derive(Clone)]
struct Ask {
    sender: i32,
    broker_epoch: i64,
    partition: asked::PartitionData,
    topic: WireUuid,
}

/// Three brokers; `orders` is on 1, 2 and 3, led by 1, and 3 is there but not in the ISR.
fn three() -> (Harness, Ask) {
    let mut harness = Harness::cluster(4);
    harness.create_on("orders", &[1, 2, 3], &[]);
    let epoch = harness.epoch(3);
    harness.heartbeat(harness.alive(3).with_want_fence(true));
    harness.beat(3);
    assert_eq!((harness.isr("orders"), harness.epoch(3)), (vec![1, 2], epoch));
    harness.events.clear();
    let ask = ask(&harness, &[1, 2, 3]);
    (harness, ask)
}

fn ask(harness: &Harness, isr: &[i32]) -> Ask {
    let partition = harness.partition("orders");
    Ask {
        sender: 1,
        broker_epoch: harness.epoch(1),
        partition: asked::PartitionData::default()
            .with_partition_index(0)
            .with_leader_epoch(partition.leader_epoch.0)
            .with_partition_epoch(partition.partition_epoch.0)
            .with_leader_recovery_state(partition.recovery_state.to_wire())
            .with_new_isr_with_epochs(isr.iter().map(|id| member(harness, *id)).collect()),
        topic: wire_topic_id(harness.topic_id("orders")),
    }
}

fn member(harness: &Harness, id: i32) -> asked::BrokerState {
    let registration = harness.image().broker(BrokerId(id));
    asked::BrokerState::default()
        .with_broker_id(WireBrokerId(id))
        .with_broker_epoch(registration.map_or(-1, |registration| registration.epoch.0))
}

impl Ask {
    fn request(&self) -> AlterPartitionRequest {
        let topic = asked::TopicData::default()
            .with_topic_id(self.topic)
            .with_partitions(vec![self.partition.clone()]);
        AlterPartitionRequest::default()
            .with_broker_id(WireBrokerId(self.sender))
            .with_broker_epoch(self.broker_epoch)
            .with_topics(vec![topic])
    }

    fn send(&self, harness: &mut Harness) -> alter_partition_response::PartitionData {
        match harness.ask(self.request()) {
            Response::AlterPartition(mut response) => {
                assert_eq!(response.error_code, 0);
                response.topics.remove(0).partitions.remove(0)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Sends it and expects a refusal that changes nothing and is told.
    fn refused(&self, harness: &mut Harness) -> ErrorCode {
        let before = harness.image().clone();
        harness.events.clear();
        let answer = self.send(harness);
        assert_eq!(harness.image(), &before);
        let error = ErrorCode::from_code(answer.error_code);
        match &harness.events[..] {
            [] => assert_eq!(error, ErrorCode::UnknownTopicId),
            [ControllerEvent::AlterPartitionRefused { error: told, .. }] => {
                assert_eq!(*told, error.code());
            }
            other => panic!("{other:?}"),
        }
        error
    }
}

#[test]
fn an_expansion_is_recorded_and_answered_as_recorded() {
    let (mut harness, ask) = three();
    let answer = ask.send(&mut harness);
    let partition = harness.partition("orders");
    assert_eq!(harness.isr("orders"), [1, 2, 3]);
    assert_eq!(answer.error_code, 0);
    assert_eq!(answer.leader_id.0, 1);
    assert_eq!(answer.leader_epoch, partition.leader_epoch.0);
    assert_eq!(answer.partition_epoch, partition.partition_epoch.0);
    assert_eq!(answer.isr.iter().map(|broker| broker.0).collect::<Vec<_>>(), [1, 2, 3]);
    let [ControllerEvent::IsrChanged { previous, .. }] = &harness.events[..] else {
        panic!("{:?}", harness.events)
    };
    assert_eq!(previous[..], [BrokerId(1), BrokerId(2)]);
}

#[test]
fn a_request_without_broker_epochs_is_accepted_at_the_version_that_has_none() {
    let (mut harness, mut ask) = three();
    ask.partition.new_isr_with_epochs.clear();
    ask.partition.new_isr = vec![WireBrokerId(1)];
    harness.ask_version(ask.request(), 2);
    assert_eq!(harness.isr("orders"), [1]);
}

#[test]
fn the_isr_that_is_there_already_is_answered_and_not_recorded_again() {
    let (mut harness, _) = three();
    let end = harness.image().end_offset();
    let answer = ask(&harness, &[1, 2]).send(&mut harness);
    assert_eq!(answer.error_code, 0);
    assert_eq!(answer.partition_epoch, harness.partition("orders").partition_epoch.0);
    assert_eq!(harness.image().end_offset(), end);
}

#[test]
fn a_stale_sender_is_refused_as_a_whole() {
    let (mut harness, mut ask) = three();
    ask.broker_epoch -= 1;
    // Everything else may be wrong as well: this is looked at first.
    ask.partition.leader_epoch = 99;
    match harness.ask(ask.request()) {
        Response::AlterPartition(response) => {
            assert_eq!(response.error_code, ErrorCode::StaleBrokerEpoch.code());
            assert_eq!(response.topics, []);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(harness.events[..], [ControllerEvent::AlterPartitionRefused { .. }]));
}

#[test]
fn a_topic_and_a_partition_that_are_not_there_are_told_apart() {
    let (mut harness, ask) = three();
    let mut other_topic = ask.clone();
    other_topic.topic = WireUuid::from_bytes([9; 16]);
    assert_eq!(other_topic.refused(&mut harness), ErrorCode::UnknownTopicId);
    let mut other_partition = ask;
    other_partition.partition.partition_index = 1;
    assert_eq!(other_partition.refused(&mut harness), ErrorCode::UnknownTopicOrPartition);
}

#[test]
fn the_epochs_are_compared_before_anything_else_and_in_kafkas_order() {
    let (mut harness, mut ask) = three();
    // A sender that is not the leader, with an ISR that cannot be: the epochs speak first.
    ask.partition.new_isr_with_epochs = vec![member(&harness, 4)];
    let valid = ask.clone();
    ask.sender = 2;
    ask.broker_epoch = harness.epoch(2);

    let mut ahead = ask.clone();
    ahead.partition.leader_epoch += 1;
    assert_eq!(ahead.refused(&mut harness), ErrorCode::NotController);
    let mut ahead = ask.clone();
    ahead.partition.partition_epoch += 1;
    ahead.partition.leader_epoch -= 1;
    assert_eq!(ahead.refused(&mut harness), ErrorCode::NotController);
    let mut behind = ask.clone();
    behind.partition.leader_epoch -= 1;
    behind.partition.partition_epoch -= 1;
    assert_eq!(behind.refused(&mut harness), ErrorCode::FencedLeaderEpoch);
    // The same epochs: now it matters that the sender does not lead.
    let mut behind = ask;
    behind.partition.partition_epoch -= 1;
    assert_eq!(behind.refused(&mut harness), ErrorCode::InvalidRequest);
    let mut behind = valid;
    behind.partition.partition_epoch -= 1;
    assert_eq!(behind.refused(&mut harness), ErrorCode::InvalidUpdateVersion);
}

#[test]
fn an_isr_must_name_the_leader_nobody_twice_and_only_replicas() {
    let (mut harness, ask) = three();
    for isr in [&[1, 4][..], &[2, 3], &[1, 2, 2], &[]] {
        let mut ask = ask.clone();
        let members = isr.iter().map(|id| member(&harness, *id));
        ask.partition.new_isr_with_epochs = members.collect();
        assert_eq!(ask.refused(&mut harness), ErrorCode::InvalidRequest, "{isr:?}");
    }
    let mut negative = ask.clone();
    negative.partition.new_isr_with_epochs[0].broker_id = WireBrokerId(-1);
    assert_eq!(negative.refused(&mut harness), ErrorCode::InvalidRequest);
    let mut nonsense = ask;
    nonsense.partition.leader_recovery_state = 7;
    assert_eq!(nonsense.refused(&mut harness), ErrorCode::InvalidRequest);
}

#[test]
fn a_replica_that_is_fenced_stopping_or_another_incarnation_is_ineligible() {
    let (mut harness, ask) = three();
    let mut other_incarnation = ask.clone();
    other_incarnation.partition.new_isr_with_epochs[2].broker_epoch -= 1;
    assert_eq!(other_incarnation.refused(&mut harness), ErrorCode::IneligibleReplica);

    let mut stopping = harness.clone();
    stopping.create_on("other", &[3, 1], &[]);
    stopping.shut_down(3);
    assert!(stopping.image().broker(BrokerId(3)).unwrap().in_controlled_shutdown);
    assert_eq!(ask.refused(&mut stopping), ErrorCode::IneligibleReplica);

    harness.heartbeat(harness.alive(3).with_want_fence(true));
    assert_eq!(ask.refused(&mut harness), ErrorCode::IneligibleReplica);
}

#[test]
fn a_broker_epoch_that_the_leader_does_not_know_is_not_compared() {
    let (mut harness, mut ask) = three();
    ask.partition.new_isr_with_epochs[2].broker_epoch = -1;
    assert_eq!(ask.send(&mut harness).error_code, 0);
    assert_eq!(harness.isr("orders"), [1, 2, 3]);
}

#[test]
fn a_partition_that_stands_twice_in_a_request_is_altered_once() {
    let (mut harness, ask) = three();
    let mut request = ask.request();
    request.topics[0].partitions.push(ask.partition.clone());
    let Response::AlterPartition(response) = harness.ask(request) else { panic!() };
    let codes: Vec<_> = response.topics[0].partitions.iter().map(|p| p.error_code).collect();
    assert_eq!(codes, [0, ErrorCode::InvalidRequest.code()]);
}

#[test]
fn an_unclean_leader_recovers_by_asking_and_stays_alone_until_then() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[("unclean.leader.election.enable", "true")]);
    harness.sessions_end(&[2]);
    harness.register(1, 2).unwrap();
    harness.sessions_end(&[]);
    harness.register(1, 3).unwrap();
    harness.beat(1);
    let partition = harness.partition("orders");
    assert_eq!(partition.recovery_state, LeaderRecoveryState::Recovering);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(1), vec![1]));
    harness.register(2, 2).unwrap();
    harness.beat(2);
    assert_eq!(ask(&harness, &[1, 2]).refused(&mut harness), ErrorCode::InvalidRequest);
    let mut recovered = ask(&harness, &[1]);
    recovered.partition.leader_recovery_state = LeaderRecoveryState::Recovered.to_wire();
    assert_eq!(recovered.send(&mut harness).error_code, 0);
    let partition = harness.partition("orders");
    assert_eq!(partition.recovery_state, LeaderRecoveryState::Recovered);
    // It cannot go back.
    let mut again = ask(&harness, &[1]);
    again.partition.leader_recovery_state = LeaderRecoveryState::Recovering.to_wire();
    assert_eq!(again.refused(&mut harness), ErrorCode::InvalidRequest);
}
