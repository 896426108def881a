//! Leaders when brokers come and go.

use super::{brokers::kind, *};
use crate::{
    host::event::ElectionKind,
    ids::{LeaderEpoch, PartitionEpoch},
    metadata::LeaderRecoveryState,
};

const UNCLEAN: &[(&str, &str)] = &[("unclean.leader.election.enable", "true")];

fn epochs(harness: &Harness) -> (i32, i32) {
    let partition = harness.partition("orders");
    (partition.leader_epoch.0, partition.partition_epoch.0)
}

#[test]
fn a_fenced_leader_is_replaced_by_the_next_replica_of_the_isr() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2, 3], &[]);
    assert_eq!(epochs(&harness), (0, 0));
    harness.sessions_end(&[2, 3]);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(2), vec![2, 3]));
    assert_eq!(epochs(&harness), (1, 1));
}

#[test]
fn a_fenced_follower_leaves_the_isr_without_a_new_leader_epoch() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2, 3], &[]);
    harness.sessions_end(&[1, 2]);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(1), vec![1, 2]));
    assert_eq!(epochs(&harness), (0, 1));
    assert_eq!(harness.events.iter().map(kind).collect::<Vec<_>>()[1..], ["isr-changed", "fenced"]);
}

#[test]
fn the_last_member_of_the_isr_stays_and_leads_again_when_it_is_back() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[]);
    harness.sessions_end(&[1]);
    harness.sessions_end(&[]);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (None, vec![1]));
    assert_eq!(kind(&harness.events[harness.events.len() - 2]), "leader-lost");
    // The other one may not lead: it lacks what the first may have acknowledged alone.
    harness.register(2, 2).unwrap();
    harness.beat(2);
    assert_eq!(harness.leader("orders"), None);
    harness.register(1, 2).unwrap();
    harness.beat(1);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(1), vec![1]));
    let partition = harness.partition("orders");
    assert_eq!(partition.leader_epoch, LeaderEpoch(2));
    assert_eq!(partition.partition_epoch, PartitionEpoch(3));
    assert_eq!(partition.recovery_state, LeaderRecoveryState::Recovered);
}

/// Broker 2 has left the ISR of `orders`, but is there.
fn one_in_sync(configs: &[(&str, &str)]) -> Harness {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], configs);
    harness.sessions_end(&[1]);
    harness.beat(2);
    assert_eq!(harness.isr("orders"), [1]);
    harness.events.clear();
    harness
}

#[test]
fn an_unclean_election_is_held_in_the_event_that_fences_the_last_leader() {
    let mut harness = one_in_sync(UNCLEAN);
    harness.sessions_end(&[2]);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(2), vec![2]));
    assert_eq!(harness.partition("orders").recovery_state, LeaderRecoveryState::Recovering);
    let [ControllerEvent::Elected(election), ControllerEvent::Fenced { .. }] = &harness.events[..]
    else {
        panic!("{:?}", harness.events)
    };
    assert_eq!((election.kind, election.previous), (ElectionKind::Unclean, Some(BrokerId(1))));
    assert!(election.record.unclean_leader_election);
}

#[test]
fn without_unclean_election_the_partition_waits() {
    let mut harness = one_in_sync(&[]);
    harness.sessions_end(&[2]);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (None, vec![1]));
}

#[test]
fn the_configuration_of_the_controller_allows_unclean_elections_for_topics_that_do_not_say() {
    let mut harness = one_in_sync(&[]);
    harness.config.unclean_leader_election_enable = true;
    harness.restart();
    harness.sessions_end(&[2]);
    assert_eq!(harness.leader("orders"), Some(2));
}

#[test]
fn an_unclean_election_that_became_possible_is_held_when_its_interval_is_over() {
    let mut harness = one_in_sync(&[]);
    harness.sessions_end(&[2]);
    assert_eq!(harness.leader("orders"), None);
    // The same log under a configuration that allows it: nothing happens to the brokers.
    harness.config.unclean_leader_election_enable = true;
    harness.config.unclean_leader_election_interval_ms = Millis(1_000);
    harness.restart();
    assert_eq!(harness.leader("orders"), None);
    harness.pass(Duration::from_secs(1));
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(2), vec![2]));
}

#[test]
fn an_unfenced_broker_takes_up_every_partition_without_leader() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1], &[]);
    harness.create_on("invoices", &[2], &[]);
    harness.sessions_end(&[]);
    assert_eq!((harness.leader("orders"), harness.leader("invoices")), (None, None));
    harness.register(2, 2).unwrap();
    harness.events.clear();
    harness.beat(2);
    assert_eq!((harness.leader("orders"), harness.leader("invoices")), (None, Some(2)));
    assert_eq!(harness.events.iter().map(kind).collect::<Vec<_>>(), ["unfenced", "elected"]);
}
