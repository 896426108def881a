//! From the start until it serves, and its heartbeats.

use super::*;
use crate::{
    ids::BrokerEpoch,
    protocol::messages::{BrokerHeartbeatResponse, BrokerRegistrationResponse, MetadataRequest},
};

fn refused(error: ErrorCode) -> BrokerHeartbeatResponse {
    BrokerHeartbeatResponse::default().with_error_code(error.code())
}

fn alive() -> BrokerHeartbeatResponse {
    BrokerHeartbeatResponse::default().with_is_caught_up(true).with_is_fenced(false)
}

/// How long it takes until the next request of an API comes, in ms.
fn wait_for(bench: &mut Bench, api: ApiKey) -> u64 {
    let mut waited = 0;
    while bench.waiting(api) == 0 {
        bench.advance(10);
        waited += 10;
        assert!(waited < 100_000, "it never comes");
    }
    waited
}

#[test]
fn a_broker_listens_only_after_it_was_unfenced() {
    let mut bench = Bench::unborn();
    bench.auto.remove(&ApiKey::BrokerHeartbeat);
    bench.start();
    bench.advance(10);
    assert!(bench.has(|event| matches!(event, BrokerEvent::RegistrationAccepted { .. })));
    let (first, body) = bench.take_heartbeat();
    assert!(body.want_fence, "it has not applied its registration when it asks first");
    bench.respond(&first, BrokerHeartbeatResponse::default());
    let (second, body) = bench.take_heartbeat();
    assert!(!body.want_fence && body.broker_epoch <= body.current_metadata_offset);
    assert!(bench.listening.is_empty());
    bench.respond(&second, alive());
    assert_eq!(bench.listening, [9092]);
    assert!(bench.has(|event| matches!(event, BrokerEvent::Serving { .. })));
}

#[test]
fn a_broker_that_stays_fenced_does_not_listen() {
    let mut bench = Bench::unborn();
    bench.auto.remove(&ApiKey::BrokerHeartbeat);
    bench.start();
    for _ in 0..5 {
        wait_for(&mut bench, ApiKey::BrokerHeartbeat);
        let (heartbeat, _) = bench.take_heartbeat();
        bench.respond(&heartbeat, alive().with_is_fenced(true));
    }
    assert!(bench.listening.is_empty());
}

#[test]
fn a_registration_is_sent_again_until_the_old_session_is_over() {
    let mut bench = Bench::unborn();
    bench.auto.remove(&ApiKey::BrokerRegistration);
    bench.start();
    let mut waits = Vec::new();
    for _ in 0..8 {
        let (registration, _) = bench.take_registration();
        let duplicate = ErrorCode::DuplicateBrokerRegistration.code();
        let refused = BrokerRegistrationResponse::default().with_error_code(duplicate);
        bench.respond(&registration, refused);
        waits.push(wait_for(&mut bench, ApiKey::BrokerRegistration));
    }
    assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000]);
    bench.auto.insert(ApiKey::BrokerRegistration);
    bench.advance(100);
    assert_eq!(bench.listening, [9092]);
}

#[test]
fn who_asks_a_controller_that_is_not_in_charge_asks_again_and_waits_no_longer_each_time() {
    let mut bench = Bench::unborn();
    bench.auto.remove(&ApiKey::BrokerRegistration);
    bench.start();
    for _ in 0..5 {
        let (registration, _) = bench.take_registration();
        let code = ErrorCode::NotController.code();
        let refused = BrokerRegistrationResponse::default().with_error_code(code);
        bench.respond(&registration, refused);
        assert_eq!(wait_for(&mut bench, ApiKey::BrokerRegistration), 100);
    }
}

#[test]
fn all_registrations_of_an_incarnation_bear_the_same_incarnation_id() {
    let mut bench = Bench::unborn();
    bench.auto.remove(&ApiKey::BrokerRegistration);
    bench.start();
    let (first, one) = bench.take_registration();
    bench.cut(&first);
    wait_for(&mut bench, ApiKey::BrokerRegistration);
    let (_, again) = bench.take_registration();
    assert_eq!(one.incarnation_id, again.incarnation_id);
    bench.restart();
    let (_, other) = bench.take_registration();
    assert!(one.incarnation_id != other.incarnation_id);
}

#[test]
fn a_broker_that_cannot_register_gives_up_after_its_time() {
    let mut bench = Bench::unborn();
    bench.controller = Controller::Refuses;
    bench.start();
    bench.advance(59_999);
    assert_eq!(bench.exit, None);
    bench.advance(1);
    assert_eq!(bench.exit, Some(ExitReason::CannotStart));
    assert!(bench.has(|event| matches!(event, BrokerEvent::Halted { .. })));
    assert_eq!(bench.broker.deadline(), None);
}

#[test]
fn a_broker_acts_upon_metadata_only_when_its_own_registration_is_part_of_it() {
    let mut bench = Bench::unborn();
    bench.append_orders();
    bench.auto.remove(&ApiKey::BrokerRegistration);
    bench.start();
    bench.advance(50);
    let partition = TopicPartition::new("orders", 0);
    assert!(bench.broker.log(&partition).is_none());
    assert!(!bench.has(|event| matches!(event, BrokerEvent::MetadataApplied { .. })));
    bench.auto.insert(ApiKey::BrokerRegistration);
    bench.advance(50);
    assert!(bench.broker.log(&partition).is_some());
}

#[test]
fn heartbeats_come_at_their_interval_and_say_how_far_the_metadata_was_applied() {
    let mut bench = Bench::serving();
    bench.auto.remove(&ApiKey::BrokerHeartbeat);
    wait_for(&mut bench, ApiKey::BrokerHeartbeat);
    for _ in 0..3 {
        let (heartbeat, body) = bench.take_heartbeat();
        assert_eq!(body.current_metadata_offset, i64::try_from(bench.log.len()).unwrap() - 1);
        bench.log.push(MetadataRecord::NoOp);
        bench.respond(&heartbeat, alive());
        assert_eq!(wait_for(&mut bench, ApiKey::BrokerHeartbeat), 500);
    }
}

#[test]
fn a_broker_that_is_fenced_while_it_runs_goes_on_and_wants_to_be_unfenced() {
    let mut bench = Bench::serving();
    bench.auto.remove(&ApiKey::BrokerHeartbeat);
    wait_for(&mut bench, ApiKey::BrokerHeartbeat);
    let (heartbeat, _) = bench.take_heartbeat();
    bench.respond(&heartbeat, alive().with_is_fenced(true));
    assert_eq!(wait_for(&mut bench, ApiKey::BrokerHeartbeat), 500);
    let (heartbeat, body) = bench.take_heartbeat();
    assert!(!body.want_fence);
    bench.respond(&heartbeat, alive());
    assert_eq!(bench.listening, [9092], "it listens once");
    bench.ask(MetadataRequest::default().with_topics(None));
}

#[test]
fn a_broker_whose_epoch_is_stale_asks_ever_less_often() {
    let mut bench = Bench::serving();
    bench.auto.remove(&ApiKey::BrokerHeartbeat);
    wait_for(&mut bench, ApiKey::BrokerHeartbeat);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let (heartbeat, _) = bench.take_heartbeat();
        bench.respond(&heartbeat, refused(ErrorCode::StaleBrokerEpoch));
        waits.push(wait_for(&mut bench, ApiKey::BrokerHeartbeat));
    }
    assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_000, 3_000]);
    let (heartbeat, _) = bench.take_heartbeat();
    bench.respond(&heartbeat, alive());
    assert_eq!(wait_for(&mut bench, ApiKey::BrokerHeartbeat), 500);
}

#[test]
fn a_heartbeat_that_is_not_answered_for_half_a_session_is_given_up() {
    let mut bench = Bench::serving();
    bench.auto.remove(&ApiKey::BrokerHeartbeat);
    wait_for(&mut bench, ApiKey::BrokerHeartbeat);
    let (lost, _) = bench.take_heartbeat();
    assert_eq!(wait_for(&mut bench, ApiKey::BrokerHeartbeat), 1_500 + 100);
    assert!(!bench.to_controller.contains(&lost.connection), "its connection is closed");
}

#[test]
fn a_heartbeat_that_finds_no_controller_is_sent_again_as_soon_as_there_is_one() {
    let mut bench = Bench::serving();
    bench.auto.remove(&ApiKey::BrokerHeartbeat);
    wait_for(&mut bench, ApiKey::BrokerHeartbeat);
    let (heartbeat, _) = bench.take_heartbeat();
    bench.controller = Controller::Refuses;
    bench.cut(&heartbeat);
    bench.advance(1_000);
    assert_eq!(bench.waiting(ApiKey::BrokerHeartbeat), 0);
    bench.controller = Controller::Reachable;
    assert!(wait_for(&mut bench, ApiKey::BrokerHeartbeat) <= 70);
}

#[test]
fn a_lost_answer_to_a_registration_does_no_harm() {
    let mut bench = Bench::unborn();
    bench.auto.remove(&ApiKey::BrokerRegistration);
    bench.start();
    let (lost, body) = bench.take_registration();
    let epoch = bench.register(&body);
    bench.cut(&lost);
    wait_for(&mut bench, ApiKey::BrokerRegistration);
    let (again, _) = bench.take_registration();
    bench.respond(&again, BrokerRegistrationResponse::default().with_broker_epoch(epoch));
    bench.advance(100);
    assert_eq!(bench.listening, [9092]);
    let accepted =
        BrokerEvent::RegistrationAccepted { broker: BrokerId(1), broker_epoch: BrokerEpoch(epoch) };
    assert!(bench.events.contains(&accepted));
}
