//! Whole quorums under faults: the scenarios of Kafka's `RaftEventSimulationTest`, a chaos of all
//! of them, and the same with a flaw, which must be found.

use rand::{Rng, RngExt};

use super::{
    invariants::Invariant,
    simulation::{Cluster, Flaw},
};
use crate::ids::{ControllerId, Offset};

/// How many seeds each property is tried with.
const SEEDS: u64 = 12;

/// Waits until somebody has committed this much more.
fn commits(cluster: &mut Cluster, more: i64) -> bool {
    let target = cluster.invariants.committed.1.plus(more);
    cluster.run_until(|cluster| target <= cluster.invariants.committed.1)
}

fn assert_sound(cluster: &Cluster, seed: u64) {
    assert_eq!(
        cluster.invariants.violated.len(),
        0,
        "seed {seed}: {:?}",
        cluster.invariants.violated
    );
}

fn for_quorums(act: impl Fn(&mut Cluster, u64)) {
    for seed in 0..SEEDS {
        for voters in [1, 3, 5] {
            let mut cluster = Cluster::start(voters, seed, Flaw::None);
            assert!(commits(&mut cluster, 10), "seed {seed}: {voters} voters elect a leader");
            act(&mut cluster, seed);
            assert_sound(&cluster, seed);
        }
    }
}

fn leader(cluster: &Cluster) -> ControllerId {
    *cluster.leaders().last().expect("there is a leader after records were committed")
}

#[test]
fn a_quorum_elects_a_leader_and_commits() {
    for_quorums(|cluster, seed| assert!(commits(cluster, 20), "seed {seed}"));
}

#[test]
fn another_leader_is_elected_when_the_leader_loses_power() {
    for_quorums(|cluster, seed| {
        let old = leader(cluster);
        cluster.power_off(old);
        if cluster.voters.len() == 1 {
            cluster.restart(old);
        }
        assert!(commits(cluster, 20), "seed {seed}");
        if 1 < cluster.voters.len() {
            assert!(!cluster.leaders().contains(&old), "seed {seed}");
            cluster.restart(old);
            cluster.run_for(3_000);
        }
    });
}

#[test]
fn a_majority_suffices_after_all_lost_power() {
    for_quorums(|cluster, seed| {
        let ids = cluster.ids();
        for id in &ids {
            cluster.power_off(*id);
        }
        for id in &ids[..=ids.len() / 2] {
            cluster.restart(*id);
        }
        assert!(commits(cluster, 20), "seed {seed}");
    });
}

#[test]
fn an_isolated_leader_is_replaced_resigns_and_comes_back_as_follower() {
    for_quorums(|cluster, seed| {
        if cluster.voters.len() == 1 {
            return;
        }
        let old = leader(cluster);
        cluster.isolate(old);
        assert!(commits(cluster, 20), "seed {seed}: the others go on");
        cluster.run_for(5_000);
        assert!(!cluster.leaders().contains(&old), "seed {seed}: no majority fetches from it");
        cluster.heal();
        assert!(commits(cluster, 20), "seed {seed}: all go on");
        let end = cluster.invariants.committed.1;
        let caught_up = |cluster: &Cluster| {
            cluster.voters[&old].client.as_ref().is_some_and(|c| end <= c.high_watermark())
        };
        assert!(cluster.run_until(caught_up), "seed {seed}: what it wrote alone is cut");
    });
}

#[test]
fn a_minority_commits_nothing() {
    for seed in 0..SEEDS {
        let mut cluster = Cluster::start(5, seed, Flaw::None);
        assert!(commits(&mut cluster, 10));
        let leader = leader(&cluster);
        let followers: Vec<_> = cluster.ids().into_iter().filter(|id| *id != leader).collect();
        for id in &followers[..3] {
            cluster.kill(*id);
        }
        cluster.run_for(500);
        let before = cluster.invariants.committed.1;
        cluster.run_for(20_000);
        assert_eq!(cluster.invariants.committed.1, before, "seed {seed}");
        cluster.restart(followers[0]);
        assert!(commits(&mut cluster, 20), "seed {seed}");
        assert_sound(&cluster, seed);
    }
}

#[test]
fn the_invariants_hold_in_every_chaos_and_the_quorum_recovers() {
    for seed in 0..SEEDS {
        for voters in [3, 5] {
            let mut cluster = Cluster::start(voters, seed, Flaw::None);
            wreak(&mut cluster, 60);
            assert_sound(&cluster, seed);
            cluster.heal();
            for id in down(&cluster) {
                cluster.restart(id);
            }
            assert!(commits(&mut cluster, 20), "seed {seed}: {voters} voters recover");
            assert_sound(&cluster, seed);
            assert!(Offset(100) <= cluster.invariants.committed.1, "seed {seed}: little happened");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut cluster = Cluster::start(5, 7, Flaw::None);
        wreak(&mut cluster, 30);
        let states = cluster.voters.into_values().map(|voter| voter.client);
        (cluster.now, cluster.rng.next_u64(), states.collect::<Vec<_>>())
    };
    assert!(run() == run());
}

#[test]
fn a_vote_that_is_forgotten_breaks_the_single_leader() {
    let violated = |flaw| {
        let mut violated = (0..20).map(|seed| two_candidates_and_a_voter_without_power(seed, flaw));
        violated.any(|violated| violated)
    };
    assert!(violated(Flaw::VoteNotPersisted));
    assert!(!violated(Flaw::None));
}

/// Two voters that do not hear each other ask a third, which loses power all the time. Whether two
/// lead one epoch at some moment.
fn two_candidates_and_a_voter_without_power(seed: u64, flaw: Flaw) -> bool {
    let mut cluster = Cluster::start(3, seed, flaw);
    let [first, forgetful, last] = cluster.ids()[..] else { panic!("there are three voters") };
    cluster.cut(first, last);
    for _ in 0..200 {
        cluster.run_for(20);
        cluster.power_off(forgetful);
        cluster.restart(forgetful);
    }
    cluster.invariants.violated.contains(&Invariant::SingleLeader)
}

#[test]
fn an_epoch_that_is_forgotten_goes_back() {
    assert_fires(Flaw::VoteNotPersisted, Invariant::MonotonicEpoch);
}

#[test]
fn a_majority_that_is_miscounted_has_not_reached_the_high_watermark() {
    assert_fires(Flaw::MajorityMiscounted, Invariant::MajorityReachedHighWatermark);
}

#[test]
fn records_that_are_forgotten_leave_a_minority() {
    assert_fires(Flaw::LogNotPersisted, Invariant::MajorityReachedHighWatermark);
}

#[test]
fn records_that_are_forgotten_take_the_high_watermark_back() {
    assert_fires(Flaw::LogNotPersisted, Invariant::MonotonicHighWatermark);
}

#[test]
fn records_that_are_forgotten_are_replaced_by_others() {
    assert_fires(Flaw::LogNotPersisted, Invariant::ConsistentCommittedData);
}

/// Some seed shows it, and soon.
fn assert_fires(flaw: Flaw, invariant: Invariant) {
    let fires = |seed: &u64| {
        let mut cluster = Cluster::start(3, *seed, flaw);
        wreak(&mut cluster, 60);
        cluster.invariants.violated.contains(&invariant)
    };
    assert!((0..100).find(fires).is_some(), "{flaw:?} never shows in {invariant:?}");
}

fn down(cluster: &Cluster) -> Vec<ControllerId> {
    let down = cluster.voters.iter().filter(|(_, voter)| voter.client.is_none());
    down.map(|(id, _)| *id).collect()
}

/// Faults of all kinds, one after the other.
fn wreak(cluster: &mut Cluster, faults: u32) {
    for _ in 0..faults {
        let pause = cluster.rng.random_range(50..1_500);
        cluster.run_for(pause);
        let ids = cluster.ids();
        let drawn = cluster.rng.random_range(0..ids.len());
        let id = cluster.leaders().last().copied().unwrap_or(ids[drawn]);
        let id = if cluster.rng.random_bool(0.5) { id } else { ids[drawn] };
        let is_up = cluster.voters[&id].client.is_some();
        match cluster.rng.random_range(0..6) {
            0 if is_up => cluster.power_off(id),
            1 if is_up => cluster.kill(id),
            0..=2 => down(cluster).into_iter().for_each(|id| cluster.restart(id)),
            3 => cluster.isolate(id),
            4 => cluster.cut(id, ids[(drawn + 1) % ids.len()]),
            _ => cluster.heal(),
        }
    }
}
