//! Each promise, broken and kept.

use broker::{
    host::event::{CommittedBatch, VoterState},
    ids::{ControllerId, LeaderEpoch, Offset},
};

use super::QuorumInvariants;
use crate::{history::When, invariants::Findings};

/// What three voters tell, and what was found in it.
#[derive(Default)]
struct Quorum {
    invariants: QuorumInvariants,
    findings: Findings,
}

impl Quorum {
    /// Voters 1 to 3 have two batches, both committed, in epoch 1 of voter 1.
    fn healthy() -> Self {
        let mut quorum = Self::default();
        for voter in 1..=3 {
            quorum.tell(voter, 1, Some(1), (2, 0));
        }
        for voter in 1..=3 {
            quorum.tell(voter, 1, Some(1), (2, 2));
        }
        quorum
    }

    fn tell(&mut self, voter: i32, epoch: i32, leader: Option<i32>, ends: (i64, i64)) {
        self.tell_with(voter, (epoch, leader), ends, &[]);
    }

    fn tell_with(
        &mut self,
        voter: i32,
        (epoch, leader): (i32, Option<i32>),
        (log_end, high_watermark): (i64, i64),
        committed: &[(i64, u32)],
    ) {
        let batch = |(end_offset, crc): &(i64, u32)| CommittedBatch {
            end_offset: Offset(*end_offset),
            epoch: LeaderEpoch(1),
            crc: *crc,
        };
        let state = VoterState {
            voter: ControllerId(1000 + voter),
            voters: 3,
            epoch: LeaderEpoch(epoch),
            leader: leader.map(|leader| ControllerId(1000 + leader)),
            log_end: Offset(log_end),
            high_watermark: Offset(high_watermark),
            committed: committed.iter().map(batch).collect(),
        };
        self.invariants.check(When::default(), &state, &mut self.findings);
    }

    fn broken(&self) -> Vec<&'static str> {
        self.findings.violations.iter().map(|violation| violation.invariant).collect()
    }
}

#[test]
fn an_election_and_a_restart_break_nothing() {
    let mut quorum = Quorum::healthy();
    quorum.tell_with(1, (1, Some(1)), (3, 2), &[(1, 7), (2, 8)]);
    quorum.tell(2, 2, None, (2, 2));
    quorum.tell(2, 2, Some(2), (3, 2));
    quorum.invariants.on_started("controller-1001");
    quorum.tell(1, 1, None, (3, 0));
    quorum.tell_with(1, (2, Some(2)), (3, 2), &[(1, 7), (2, 8)]);
    quorum.tell(2, 2, Some(2), (3, 3));
    assert_eq!(quorum.broken(), Vec::<&str>::new());
}

#[test]
fn an_epoch_that_falls_is_found_even_after_a_restart() {
    let mut quorum = Quorum::healthy();
    quorum.invariants.on_started("controller-1002");
    quorum.tell(2, 0, None, (2, 0));
    assert_eq!(quorum.broken(), ["quorum-monotonic-epoch"]);
}

#[test]
fn a_high_watermark_that_falls_is_found() {
    let mut quorum = Quorum::healthy();
    quorum.tell(3, 1, Some(1), (2, 1));
    assert_eq!(quorum.broken(), ["quorum-monotonic-high-watermark"]);
}

#[test]
fn two_leaders_of_one_epoch_are_found() {
    let mut quorum = Quorum::healthy();
    quorum.tell(2, 2, Some(2), (2, 2));
    quorum.tell(3, 2, Some(3), (2, 2));
    assert_eq!(quorum.broken(), ["quorum-single-leader"]);
}

#[test]
fn a_high_watermark_that_no_majority_has_reached_is_found() {
    let mut quorum = Quorum::healthy();
    quorum.tell(1, 1, Some(1), (3, 3));
    assert_eq!(quorum.broken(), ["quorum-majority-reached-high-watermark"]);
}

#[test]
fn committed_data_that_is_another_elsewhere_is_found() {
    let mut quorum = Quorum::healthy();
    quorum.tell_with(1, (1, Some(1)), (2, 2), &[(1, 7), (2, 8)]);
    quorum.tell_with(2, (1, Some(1)), (2, 2), &[(1, 7), (2, 9)]);
    assert_eq!(quorum.broken(), ["quorum-consistent-committed-data"]);
}
