//! Eligible leader replicas, unclean shutdowns and the last known leader (KIP-966).

use super::*;
use crate::{host::event::ElectionKind, metadata::LeaderRecoveryState, replica::rules::Switch};

const MIN_ISR: &[(&str, &str)] = &[("min.insync.replicas", "2")];

/// Three brokers, and a partition on all of them that needs two in sync.
fn cluster() -> Harness {
    let mut harness = Harness::of_protocol(Protocol::Kip966, quiet(), TestDisk::default());
    harness.join(3);
    harness.create_on("orders", &[1, 2, 3], MIN_ISR);
    harness
}

/// Brokers 1, 2 and 3 are fenced one after the other.
fn all_gone() -> Harness {
    let mut harness = cluster();
    for alive in [&[2, 3][..], &[3], &[]] {
        harness.sessions_end(alive);
    }
    harness
}

fn elr(harness: &Harness) -> Vec<i32> {
    harness.partition("orders").elr.iter().map(|broker| broker.0).collect()
}

fn known(harness: &Harness) -> Vec<i32> {
    harness.partition("orders").last_known_elr.iter().map(|broker| broker.0).collect()
}

fn last_election(harness: &Harness) -> ElectionKind {
    let elected = harness.events.iter().rev().find_map(|event| match event {
        ControllerEvent::Elected(election) => Some(election.kind),
        _ => None,
    });
    elected.expect("an election")
}

/// A new incarnation registers, naming the epoch of the one before or not, and is unfenced.
fn come_back(harness: &mut Harness, id: i32, incarnation: u8, previous_epoch: i64) {
    match harness.ask(registration(id, incarnation, previous_epoch)) {
        Response::BrokerRegistration(response) => assert_eq!(response.error_code, 0),
        other => panic!("{other:?}"),
    }
    assert!(!harness.beat(id).is_fenced);
}

#[test]
fn who_leaves_an_isr_that_is_too_small_stays_eligible_and_the_isr_may_become_empty() {
    let mut harness = cluster();
    harness.sessions_end(&[2, 3]);
    assert_eq!((harness.isr("orders"), elr(&harness)), (vec![2, 3], vec![]));
    harness.sessions_end(&[3]);
    assert_eq!((harness.isr("orders"), elr(&harness)), (vec![3], vec![2]));
    harness.sessions_end(&[]);
    assert_eq!((harness.isr("orders"), elr(&harness)), (vec![], vec![2, 3]));
    assert_eq!((harness.leader("orders"), known(&harness)), (None, vec![3]));
}

#[test]
fn an_eligible_replica_that_ended_cleanly_leads_again() {
    let mut harness = all_gone();
    let epoch = harness.epoch(2);
    come_back(&mut harness, 2, 2, epoch);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(2), vec![2]));
    assert_eq!(elr(&harness), [3]);
    assert!(known(&harness).is_empty());
    assert_eq!(last_election(&harness), ElectionKind::Elr);
    let recovery = harness.partition("orders").recovery_state;
    assert_eq!(recovery, LeaderRecoveryState::Recovered);
}

#[test]
fn who_was_in_neither_set_may_not_lead() {
    let mut harness = all_gone();
    let epoch = harness.epoch(1);
    come_back(&mut harness, 1, 2, epoch);
    assert_eq!(harness.leader("orders"), None);
}

#[test]
fn a_replica_that_did_not_end_cleanly_is_not_eligible_any_more() {
    let mut harness = all_gone();
    come_back(&mut harness, 2, 2, -1);
    assert_eq!((harness.leader("orders"), elr(&harness)), (None, vec![3]));
    let unclean = ControllerEvent::Registered {
        broker: BrokerId(2),
        broker_epoch: crate::ids::BrokerEpoch(harness.epoch(2)),
        clean: false,
    };
    assert!(harness.events.contains(&unclean));
}

#[test]
fn the_last_member_leaves_the_isr_when_it_did_not_end_cleanly() {
    let mut harness = cluster();
    harness.sessions_end(&[2, 3]);
    harness.sessions_end(&[3]);
    // Its session is over, and it comes back before anybody has fenced it.
    harness.now = harness.now.plus(SESSION * 2);
    harness.events.clear();
    match harness.ask(registration(3, 2, -1)) {
        Response::BrokerRegistration(response) => assert_eq!(response.error_code, 0),
        other => panic!("{other:?}"),
    }
    assert_eq!((harness.isr("orders"), elr(&harness)), (vec![], vec![2]));
    assert_eq!((harness.leader("orders"), known(&harness)), (None, vec![3]));
    let fenced = |event: &ControllerEvent| matches!(event, ControllerEvent::Fenced { .. });
    assert!(harness.events.iter().any(fenced), "{:?}", harness.events);
}

#[test]
fn when_nobody_is_eligible_who_led_last_leads_and_must_recover() {
    let mut harness = all_gone();
    come_back(&mut harness, 2, 2, -1);
    come_back(&mut harness, 1, 2, -1);
    assert_eq!(harness.leader("orders"), None);
    come_back(&mut harness, 3, 2, -1);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(3), vec![3]));
    assert_eq!(last_election(&harness), ElectionKind::LastKnownLeader);
    let recovery = harness.partition("orders").recovery_state;
    assert_eq!(recovery, LeaderRecoveryState::Recovering);
    assert!(known(&harness).is_empty());
}

#[test]
fn without_the_detection_an_unclean_replica_stays_eligible() {
    let mut harness = cluster();
    harness.rules.unclean_shutdown_detection = Switch::Off;
    harness.restart();
    for alive in [&[2, 3][..], &[3], &[]] {
        harness.sessions_end(alive);
    }
    come_back(&mut harness, 2, 2, -1);
    assert_eq!((harness.leader("orders"), last_election(&harness)), (Some(2), ElectionKind::Elr));
}

#[test]
fn without_the_rule_a_new_incarnation_finds_itself_in_the_isr_of_the_one_before() {
    for (rule, isr) in [(Switch::On, vec![1, 3]), (Switch::Off, vec![1, 2, 3])] {
        let mut harness = Harness::new();
        harness.rules.new_incarnation_leaves_isr = rule;
        harness.restart();
        harness.join(3);
        harness.create_on("orders", &[1, 2, 3], &[]);
        harness.now = harness.now.plus(SESSION * 2);
        harness.register(2, 2).unwrap();
        assert_eq!(harness.isr("orders"), isr);
    }
}

#[test]
fn the_last_known_leader_survives_a_restart_of_the_controller() {
    let mut harness = all_gone();
    let before = harness.partition("orders").clone();
    harness.restart();
    assert_eq!(*harness.partition("orders"), before);
}
