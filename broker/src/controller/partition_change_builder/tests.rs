//! One partition's changes, by tables.

use super::*;
use crate::replica::rules::Protocol;

const TOPIC: TopicId = TopicId([1; 16]);

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

fn around(is_acceptable_leader: &dyn Fn(BrokerId) -> bool, election: Election) -> Surroundings<'_> {
    let rules = Protocol::Kip595.rules();
    Surroundings { is_acceptable_leader, election, min_insync_replicas: 1, rules }
}

fn partition(replicas: &[i32], isr: &[i32], leader: Option<i32>) -> PartitionRegistration {
    PartitionRegistration {
        leader: leader.map(BrokerId),
        ..PartitionRegistration::create(brokers(replicas), brokers(isr))
    }
}

/// One row: replicas, ISR, leader, who is there, the ISR wanted, the election, and what comes
/// of it: the leader and the ISR after.
struct Row {
    before: (&'static [i32], &'static [i32], Option<i32>),
    present: &'static [i32],
    target_isr: &'static [i32],
    election: Election,
    after: (Option<i32>, &'static [i32]),
    leader_written: bool,
}

const TABLE: [Row; 8] = [
    // The leader stays although another replica comes first.
    Row {
        before: (&[1, 2, 3], &[1, 2, 3], Some(2)),
        present: &[1, 2, 3],
        target_isr: &[1, 2, 3],
        election: Election::Online,
        after: (Some(2), &[1, 2, 3]),
        leader_written: false,
    },
    // The leader goes: the first of the assignment that is in the ISR follows.
    Row {
        before: (&[3, 1, 2], &[1, 2, 3], Some(3)),
        present: &[1, 2],
        target_isr: &[1, 2],
        election: Election::Online,
        after: (Some(1), &[1, 2]),
        leader_written: true,
    },
    // A replica that is there but not in the ISR is passed over.
    Row {
        before: (&[1, 2, 3], &[1, 3], Some(1)),
        present: &[2, 3],
        target_isr: &[3],
        election: Election::Unclean,
        after: (Some(3), &[3]),
        leader_written: true,
    },
    // The last member of the ISR goes: it stays in the ISR, and nobody leads.
    Row {
        before: (&[1, 2, 3], &[1], Some(1)),
        present: &[2, 3],
        target_isr: &[],
        election: Election::Online,
        after: (None, &[1]),
        leader_written: true,
    },
    // The same with unclean election: the first replica that is there takes over alone.
    Row {
        before: (&[1, 2, 3], &[1], Some(1)),
        present: &[3, 2],
        target_isr: &[],
        election: Election::Unclean,
        after: (Some(2), &[2]),
        leader_written: true,
    },
    // Nobody is there: not even an unclean election helps.
    Row {
        before: (&[1, 2], &[1], Some(1)),
        present: &[],
        target_isr: &[],
        election: Election::Unclean,
        after: (None, &[1]),
        leader_written: true,
    },
    // Leaderless, and nobody comes: nothing is written again.
    Row {
        before: (&[1, 2], &[1], None),
        present: &[2],
        target_isr: &[1],
        election: Election::Online,
        after: (None, &[1]),
        leader_written: false,
    },
    // Leaderless, and the last member of the ISR comes back.
    Row {
        before: (&[1, 2], &[2], None),
        present: &[1, 2],
        target_isr: &[2],
        election: Election::Unclean,
        after: (Some(2), &[2]),
        leader_written: true,
    },
];

#[test]
fn leaders_are_elected_as_the_table_says() {
    for (number, row) in TABLE.iter().enumerate() {
        let before = partition(row.before.0, row.before.1, row.before.2);
        let present = |broker: BrokerId| row.present.contains(&broker.0);
        let change = PartitionChangeBuilder::new(&before, around(&present, row.election))
            .target_isr(brokers(row.target_isr))
            .build(TOPIC, 0)
            .unwrap_or_else(|| PartitionChange::of(TOPIC, 0));
        let after = before.merge(&change);
        assert_eq!(after.leader.map(|l| l.0), row.after.0, "row {number}");
        assert_eq!(after.isr, brokers(row.after.1), "row {number}");
        let written = change.leader != LeaderChange::Unchanged;
        assert_eq!(written, row.leader_written, "row {number}");
        let raised = after.leader_epoch != before.leader_epoch;
        assert_eq!(raised, row.leader_written, "row {number}");
    }
}

#[test]
fn an_unclean_leader_is_recovering_until_it_says_otherwise() {
    let before = partition(&[1, 2], &[1], Some(1));
    let change = PartitionChangeBuilder::new(&before, around(&|b| b.0 == 2, Election::Unclean))
        .target_isr(Vec::new())
        .build(TOPIC, 0)
        .unwrap();
    let unclean = before.merge(&change);
    assert_eq!(unclean.recovery_state, LeaderRecoveryState::Recovering);
    let recovered = PartitionChangeBuilder::new(&unclean, around(&|_| true, Election::Online))
        .target_recovery_state(LeaderRecoveryState::Recovered)
        .build(TOPIC, 0)
        .unwrap();
    assert_eq!(recovered.leader, LeaderChange::Unchanged);
    assert_eq!(recovered.recovery_state, Some(LeaderRecoveryState::Recovered));
}

#[test]
fn a_partition_that_is_as_wanted_needs_no_record() {
    let before = partition(&[1, 2], &[1, 2], Some(1));
    let built = PartitionChangeBuilder::new(&before, around(&|_| true, Election::Unclean));
    assert_eq!(built.build(TOPIC, 0), None);
}

// ───── eligible leader replicas

/// One row of KIP-966 with `min.insync.replicas` 2: what was, and what becomes of it.
struct ElrRow {
    why: &'static str,
    /// ISR, ELR, leader, last known leader.
    before: (&'static [i32], &'static [i32], Option<i32>, &'static [i32]),
    present: &'static [i32],
    target_isr: &'static [i32],
    unclean: Option<i32>,
    election: Election,
    after: (&'static [i32], &'static [i32], Option<i32>, &'static [i32]),
    recovering: bool,
}

const USUAL: ElrRow = ElrRow {
    why: "",
    before: (&[1, 2, 3], &[], Some(1), &[]),
    present: &[1, 2, 3],
    target_isr: &[1, 2, 3],
    unclean: None,
    election: Election::Online,
    after: (&[1, 2, 3], &[], Some(1), &[]),
    recovering: false,
};

const ELR_TABLE: [ElrRow; 12] = [
    ElrRow {
        why: "above the minimum nobody stays eligible",
        target_isr: &[1, 2],
        after: (&[1, 2], &[], Some(1), &[]),
        ..USUAL
    },
    ElrRow {
        why: "below the minimum, who leaves stays eligible",
        before: (&[1, 2], &[], Some(1), &[]),
        target_isr: &[1],
        after: (&[1], &[2], Some(1), &[]),
        ..USUAL
    },
    ElrRow {
        why: "the last one leaves too, and is remembered as leader",
        before: (&[1], &[2], Some(1), &[]),
        present: &[3],
        target_isr: &[],
        after: (&[], &[2, 1], None, &[1]),
        ..USUAL
    },
    ElrRow {
        why: "who was eligible leads when the ISR is empty",
        before: (&[], &[2, 1], None, &[1]),
        present: &[2, 3],
        target_isr: &[],
        after: (&[2], &[1], Some(2), &[]),
        ..USUAL
    },
    ElrRow {
        why: "it leads in the very change that empties the ISR",
        before: (&[1], &[2], Some(1), &[]),
        present: &[2, 3],
        target_isr: &[],
        after: (&[2], &[1], Some(2), &[]),
        ..USUAL
    },
    ElrRow {
        why: "whoever is in the ISR comes before the eligible",
        before: (&[3], &[1], None, &[]),
        present: &[1, 3],
        target_isr: &[3],
        after: (&[3], &[1], Some(3), &[]),
        ..USUAL
    },
    ElrRow {
        why: "an ISR that is large enough again ends all eligibility",
        before: (&[2], &[1], Some(2), &[]),
        target_isr: &[2, 3],
        after: (&[2, 3], &[], Some(2), &[]),
        ..USUAL
    },
    ElrRow {
        why: "who did not end cleanly leaves the ISR and is not eligible",
        before: (&[1], &[2], Some(1), &[]),
        present: &[3],
        target_isr: &[1],
        unclean: Some(1),
        after: (&[], &[2], None, &[1]),
        ..USUAL
    },
    ElrRow {
        why: "who did not end cleanly leaves the ELR",
        before: (&[], &[2, 1], None, &[1]),
        present: &[3],
        target_isr: &[],
        unclean: Some(2),
        after: (&[], &[1], None, &[1]),
        ..USUAL
    },
    ElrRow {
        why: "with ISR and ELR empty, who led last leads, and must recover",
        before: (&[], &[], None, &[3]),
        target_isr: &[],
        after: (&[3], &[], Some(3), &[]),
        recovering: true,
        ..USUAL
    },
    ElrRow {
        why: "the last leader is not asked while somebody is eligible",
        before: (&[], &[2], None, &[3]),
        present: &[1, 3],
        target_isr: &[],
        after: (&[], &[2], None, &[3]),
        ..USUAL
    },
    ElrRow {
        why: "unless elections may be unclean: then anybody is, and nobody stays eligible",
        before: (&[], &[2], None, &[3]),
        present: &[1, 3],
        target_isr: &[],
        election: Election::Unclean,
        after: (&[1], &[], Some(1), &[]),
        recovering: true,
        ..USUAL
    },
];

#[test]
fn eligible_leader_replicas_come_and_go_as_the_table_says() {
    let rules = Protocol::Kip966.rules();
    for row in &ELR_TABLE {
        let (isr, elr, leader, known) = row.before;
        let before = PartitionRegistration {
            elr: brokers(elr),
            last_known_elr: brokers(known),
            ..partition(&[1, 2, 3], isr, leader)
        };
        let present = |broker: BrokerId| row.present.contains(&broker.0);
        let around = around(&present, row.election);
        let around = Surroundings { min_insync_replicas: 2, rules, ..around };
        let mut builder =
            PartitionChangeBuilder::new(&before, around).target_isr(brokers(row.target_isr));
        if let Some(unclean) = row.unclean {
            builder = builder.unclean_shutdown(BrokerId(unclean));
        }
        let change = builder.build(TOPIC, 0);
        let after = change.map_or_else(|| before.clone(), |change| before.merge(&change));
        let (isr, elr, leader, known) = row.after;
        assert_eq!(after.isr, brokers(isr), "{}", row.why);
        assert_eq!(after.elr, brokers(elr), "{}", row.why);
        assert_eq!(after.leader.map(|l| l.0), leader, "{}", row.why);
        assert_eq!(after.last_known_elr, brokers(known), "{}", row.why);
        let recovering = after.recovery_state == LeaderRecoveryState::Recovering;
        assert_eq!(recovering, row.recovering, "{}", row.why);
    }
}

#[test]
fn without_last_known_leader_a_partition_without_isr_and_elr_waits() {
    let before =
        PartitionRegistration { last_known_elr: brokers(&[3]), ..partition(&[1, 2, 3], &[], None) };
    let mut rules = Protocol::Kip966.rules();
    rules.last_known_leader = Switch::Off;
    let around = Surroundings { rules, ..around(&|_| true, Election::Online) };
    assert_eq!(PartitionChangeBuilder::new(&before, around).build(TOPIC, 0), None);
}

#[test]
fn a_shrinking_isr_raises_the_leader_epoch_only_under_the_old_rule() {
    let before = partition(&[1, 2, 3], &[1, 2, 3], Some(1));
    let mut rules = Protocol::Kip595.rules();
    for (rule, leader) in
        [(Switch::Off, LeaderChange::Unchanged), (Switch::On, LeaderChange::Leader(BrokerId(1)))]
    {
        rules.leader_epoch_bump_on_isr_shrink = rule;
        let around = Surroundings { rules, ..around(&|_| true, Election::Online) };
        let shrunk = PartitionChangeBuilder::new(&before, around)
            .target_isr(brokers(&[1, 2]))
            .build(TOPIC, 0)
            .unwrap();
        assert_eq!(shrunk.leader, leader);
    }
}

// ───── preferred leaders and reassignment

#[test]
fn a_preferred_election_moves_the_leadership_to_the_first_replica_if_it_can() {
    for (isr, leader) in [(&[1, 2][..], 1), (&[2, 3], 2)] {
        let before = partition(&[1, 2, 3], isr, Some(2));
        let around = around(&|_| true, Election::Preferred);
        let change = PartitionChangeBuilder::new(&before, around).build(TOPIC, 0);
        let after = change.map_or_else(|| before.clone(), |change| before.merge(&change));
        assert_eq!(after.leader, Some(BrokerId(leader)));
    }
}

/// From 1 and 2 to 2 and 3: 3 is being added, 1 removed, and 1 leads.
fn reassigned(isr: &[i32]) -> PartitionRegistration {
    PartitionRegistration {
        adding: brokers(&[3]),
        removing: brokers(&[1]),
        ..partition(&[2, 3, 1], isr, Some(1))
    }
}

#[test]
fn a_reassignment_is_complete_when_every_added_replica_is_in_sync() {
    let before = reassigned(&[1, 2]);
    let build = |isr: &[i32]| {
        PartitionChangeBuilder::new(&before, around(&|_| true, Election::Online))
            .target_isr(brokers(isr))
            .build(TOPIC, 0)
    };
    assert_eq!(build(&[1, 2]), None);
    let after = before.merge(&build(&[1, 2, 3]).unwrap());
    assert_eq!((after.replicas, after.isr), (brokers(&[2, 3]), brokers(&[2, 3])));
    assert_eq!((after.adding, after.removing), (brokers(&[]), brokers(&[])));
    // The leader was removed with it.
    assert_eq!(after.leader, Some(BrokerId(2)));
    assert!(before.leader_epoch < after.leader_epoch);
}

#[test]
fn with_elr_a_reassignment_waits_for_the_minimum_of_in_sync_replicas() {
    let before = reassigned(&[1]);
    let rules = Protocol::Kip966.rules();
    let around = around(&|_| true, Election::Online);
    let around = Surroundings { min_insync_replicas: 2, rules, ..around };
    let build = |isr: &[i32]| {
        let builder = PartitionChangeBuilder::new(&before, around).target_isr(brokers(isr));
        before.merge(&builder.build(TOPIC, 0).unwrap())
    };
    assert!(build(&[1, 3]).is_being_reassigned());
    assert!(!build(&[1, 2, 3]).is_being_reassigned());
}

#[test]
fn a_leader_that_stays_gets_a_new_epoch_when_a_replica_goes() {
    let before = PartitionRegistration {
        removing: brokers(&[3]),
        ..partition(&[1, 2, 3], &[1, 2, 3], Some(1))
    };
    let around = around(&|_| true, Election::Online);
    let change = PartitionChangeBuilder::new(&before, around).build(TOPIC, 0).unwrap();
    assert_eq!(change.leader, LeaderChange::Leader(BrokerId(1)));
    assert_eq!(before.merge(&change).replicas, brokers(&[1, 2]));
}
