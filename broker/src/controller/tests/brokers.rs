//! Registration, sessions, fencing, controlled shutdown.

use core::time::Duration;

use super::*;
use crate::{
    host::event::FenceReason,
    ids::BrokerEpoch,
    protocol::messages::{AllocateProducerIdsRequest, DescribeClusterRequest},
};

fn fenced(harness: &Harness, id: i32) -> bool {
    harness.image().broker(BrokerId(id)).unwrap().fenced
}

#[test]
fn a_broker_epoch_is_the_offset_of_the_registration_and_the_broker_begins_fenced() {
    let mut harness = Harness::new();
    let end = harness.image().end_offset();
    assert_eq!(harness.register(1, 1), Ok(end.0));
    assert!(fenced(&harness, 1));
    let registered = ControllerEvent::Registered {
        broker: BrokerId(1),
        broker_epoch: BrokerEpoch(end.0),
        clean: true,
    };
    assert_eq!(harness.events.last(), Some(&registered));
}

#[test]
fn the_same_incarnation_gets_the_same_epoch_when_it_asks_again() {
    let mut harness = Harness::new();
    let epoch = harness.register(1, 1).unwrap();
    let end = harness.image().end_offset();
    assert_eq!(harness.register(1, 1), Ok(epoch));
    assert_eq!(harness.image().end_offset(), end);
}

#[test]
fn a_broker_is_unfenced_when_it_has_applied_its_own_registration() {
    let mut harness = Harness::new();
    let epoch = harness.register(1, 1).unwrap();
    let behind = harness.alive(1).with_current_metadata_offset(epoch - 1);
    let answer = harness.heartbeat(behind);
    assert!(answer.is_fenced && !answer.is_caught_up);
    let caught_up = harness.alive(1).with_current_metadata_offset(epoch);
    let wants_fence = caught_up.clone().with_want_fence(true);
    assert!(harness.heartbeat(wants_fence).is_fenced);
    let answer = harness.heartbeat(caught_up);
    assert!(!answer.is_fenced && answer.is_caught_up && !answer.should_shut_down);
    assert!(!fenced(&harness, 1));
}

#[test]
fn a_heartbeat_of_an_unknown_or_older_incarnation_is_stale() {
    let mut harness = Harness::cluster(1);
    let stale = ErrorCode::StaleBrokerEpoch.code();
    let older = harness.alive(1).with_broker_epoch(0);
    assert_eq!(harness.heartbeat(older).error_code, stale);
    let unknown = harness.alive(1).with_broker_id(WireBrokerId(9));
    assert_eq!(harness.heartbeat(unknown).error_code, stale);
}

#[test]
fn another_incarnation_waits_until_the_session_of_the_older_one_is_over() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[]);
    assert_eq!(harness.register(1, 2), Err(ErrorCode::DuplicateBrokerRegistration));
    harness.sessions_end(&[2]);
    assert!(fenced(&harness, 1));
    assert!(harness.register(1, 2).is_ok());
}

#[test]
fn a_new_incarnation_fences_the_old_one_first_if_its_session_is_just_over() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[]);
    harness.beat(2);
    // The session is over, but the controller was not woken yet.
    harness.now = harness.now.plus(SESSION + Duration::from_nanos(1));
    harness.events.clear();
    let epoch = harness.register(1, 2).unwrap();
    let kinds: Vec<_> = harness.events.iter().map(kind).collect();
    assert_eq!(kinds, ["elected", "fenced", "registered"]);
    let fence_reason = harness.events.iter().find_map(|event| match event {
        ControllerEvent::Fenced { reason, .. } => Some(*reason),
        _ => None,
    });
    assert_eq!(fence_reason, Some(FenceReason::NewIncarnation));
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(2), vec![2]));
    assert_eq!(harness.epoch(1), epoch);
    assert_eq!(harness.image().end_offset().0, epoch + 1);
    assert!(fenced(&harness, 1));
}

#[test]
fn a_registration_says_whether_the_incarnation_before_shut_down_cleanly() {
    let mut harness = Harness::cluster(1);
    let epoch = harness.epoch(1);
    assert!(harness.shut_down(1).should_shut_down);
    harness.ask(registration(1, 2, epoch));
    harness.ask(registration(1, 3, epoch));
    let clean: Vec<_> = harness
        .events
        .iter()
        .filter_map(|event| match event {
            ControllerEvent::Registered { clean, .. } => Some(*clean),
            _ => None,
        })
        .collect();
    // The third names the epoch of the first, not of the second.
    assert_eq!(clean, [true, false]);
}

#[test]
fn a_registration_that_cannot_be_is_refused() {
    let mut harness = Harness::new();
    let mut refused = |request: BrokerRegistrationRequest| match harness.ask(request) {
        Response::BrokerRegistration(response) => ErrorCode::from_code(response.error_code),
        other => panic!("{other:?}"),
    };
    let other_cluster = registration(1, 1, -1).with_cluster_id(wire_string("elsewhere"));
    assert_eq!(refused(other_cluster), ErrorCode::InconsistentClusterId);
    let nowhere = registration(1, 1, -1).with_listeners(Vec::new());
    assert_eq!(refused(nowhere), ErrorCode::InvalidRegistration);
    let nobody = registration(-1, 1, -1);
    assert_eq!(refused(nobody), ErrorCode::InvalidRequest);
}

#[test]
fn a_session_ends_after_its_timeout_and_not_before() {
    let mut harness = Harness::cluster(1);
    harness.beat(1);
    harness.pass(SESSION);
    assert!(!fenced(&harness, 1));
    harness.pass(Duration::from_nanos(1));
    assert!(fenced(&harness, 1));
    let reason = FenceReason::SessionTimeout;
    let broker_epoch = BrokerEpoch(harness.epoch(1));
    let expected = ControllerEvent::Fenced { broker: BrokerId(1), broker_epoch, reason };
    assert_eq!(harness.events.last(), Some(&expected));
}

#[test]
fn one_stale_broker_is_fenced_at_a_time_the_one_that_was_silent_longest_first() {
    let mut harness = Harness::cluster(3);
    for id in [2, 1, 3] {
        harness.pass(Duration::from_millis(1));
        harness.beat(id);
    }
    // The controller was paused, and all three sessions are over when it goes on.
    harness.now = harness.now.plus(SESSION * 2);
    let states = |harness: &Harness| [1, 2, 3].map(|id| fenced(harness, id));
    for expected in [[false, true, false], [true, true, false], [true, true, true]] {
        assert!(harness.controller.deadline().unwrap() <= harness.now);
        harness.step(Input::Woken);
        assert_eq!(states(&harness), expected);
    }
}

#[test]
fn a_broker_that_asks_to_be_fenced_is_fenced_and_comes_back_when_it_stops_asking() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[]);
    let ask = harness.alive(1).with_want_fence(true);
    assert!(harness.heartbeat(ask).is_fenced);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(2), vec![2]));
    assert!(!harness.beat(1).is_fenced);
}

#[test]
fn a_broker_that_leads_nothing_may_stop_at_once() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[]);
    let answer = harness.shut_down(2);
    assert!(answer.should_shut_down && answer.is_fenced);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(1), vec![1]));
    assert!(fenced(&harness, 2));
}

#[test]
fn a_leader_stops_when_the_others_know_who_leads_instead() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2, 3], &[]);
    let before = harness.image().end_offset().0 - 1;
    let answer = harness.shut_down(1);
    assert!(!answer.should_shut_down && !answer.is_fenced);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(2), vec![2, 3]));
    let kinds: Vec<_> = harness.events.iter().map(kind).collect();
    assert_eq!(kinds[kinds.len() - 2..], ["shutting-down", "elected"]);

    harness.beat(2);
    let behind = harness.alive(3).with_current_metadata_offset(before);
    harness.heartbeat(behind);
    assert!(!harness.shut_down(1).should_shut_down);
    harness.beat(3);
    let answer = harness.shut_down(1);
    assert!(answer.should_shut_down && answer.is_fenced);
    assert!(fenced(&harness, 1));
}

#[test]
fn a_broker_that_is_shutting_down_may_be_succeeded_once_it_was_stopped() {
    let mut harness = Harness::cluster(2);
    assert!(harness.shut_down(1).should_shut_down);
    // The session would live on, but a fenced broker has none.
    let epoch = harness.register(1, 2).unwrap();
    assert!(!harness.beat(1).is_fenced);
    assert_eq!(harness.epoch(1), epoch);
    assert!(!harness.image().broker(BrokerId(1)).unwrap().in_controlled_shutdown);
}

#[test]
fn the_last_member_of_an_isr_stays_in_it_when_it_shuts_down() {
    let mut harness = Harness::cluster(2);
    harness.create_on("alone", &[1], &[]);
    harness.shut_down(1);
    assert_eq!((harness.leader("alone"), harness.isr("alone")), (None, vec![1]));
}

#[test]
fn producer_ids_are_given_in_blocks_and_never_twice() {
    let mut harness = Harness::cluster(1);
    let ask = |harness: &mut Harness, epoch| {
        let request = AllocateProducerIdsRequest::default()
            .with_broker_id(WireBrokerId(1))
            .with_broker_epoch(epoch);
        match harness.ask(request) {
            Response::AllocateProducerIds(response) => response,
            other => panic!("{other:?}"),
        }
    };
    let epoch = harness.epoch(1);
    let first = ask(&mut harness, epoch);
    assert_eq!((first.producer_id_start.0, first.producer_id_len), (0, 1000));
    harness.restart();
    assert_eq!(ask(&mut harness, epoch).producer_id_start.0, 1000);
    assert_eq!(ask(&mut harness, epoch + 1).error_code, ErrorCode::StaleBrokerEpoch.code());
}

#[test]
fn the_controller_describes_itself_to_those_who_ask_for_controllers() {
    let mut harness = Harness::new();
    let mut ask = |endpoints| match harness
        .ask(DescribeClusterRequest::default().with_endpoint_type(endpoints))
    {
        Response::DescribeCluster(response) => response,
        other => panic!("{other:?}"),
    };
    assert_eq!(ask(2).brokers[0].broker_id.0, 1001);
    assert_eq!(ask(1).error_code, ErrorCode::MismatchedEndpointType.code());
}

/// The kind of an event, as reports have it.
pub(super) fn kind(event: &ControllerEvent) -> String {
    let written = serde_json::to_value(event).unwrap();
    written.as_object().unwrap().keys().next().unwrap().clone()
}
