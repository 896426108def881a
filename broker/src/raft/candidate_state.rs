//! A voter that wants to lead, and who is for it.
//!
//! Mirrors `CandidateState`. It does not know how votes are asked for.

use std::collections::BTreeMap;

use crate::{host::Instant, ids::ControllerId};

/// What a candidate knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CandidateState {
    /// Which attempt this is, the first being 1.
    pub(super) retries: u32,
    /// When the election counts as failed.
    pub(super) election_deadline: Instant,
    /// When the next attempt is made, once this one has failed.
    pub(super) backing_off_until: Option<Instant>,
    votes: BTreeMap<ControllerId, Ballot>,
}

/// What is known of one voter's vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ballot {
    Unrecorded,
    Granted,
    Rejected,
}

impl CandidateState {
    /// An election in which the candidate has voted for itself.
    pub(super) fn new(
        local: ControllerId,
        voters: impl IntoIterator<Item = ControllerId>,
        retries: u32,
        election_deadline: Instant,
    ) -> Self {
        let ballot = |id| if id == local { Ballot::Granted } else { Ballot::Unrecorded };
        let votes = voters.into_iter().map(|id| (id, ballot(id))).collect();
        Self { retries, election_deadline, backing_off_until: None, votes }
    }

    /// A voter is for it. Who is no voter is not counted.
    pub(super) fn record_granted(&mut self, voter: ControllerId) {
        self.record(voter, Ballot::Granted);
    }

    /// A voter is against it.
    pub(super) fn record_rejected(&mut self, voter: ControllerId) {
        self.record(voter, Ballot::Rejected);
    }

    fn record(&mut self, voter: ControllerId, ballot: Ballot) {
        if let Some(known) = self.votes.get_mut(&voter)
            && *known != Ballot::Granted
        {
            *known = ballot;
        }
    }

    /// Whether a majority is for it.
    pub(super) fn is_granted(&self) -> bool {
        self.majority() <= self.count(Ballot::Granted)
    }

    /// Whether a majority is out of reach.
    pub(super) fn is_rejected(&self) -> bool {
        self.count(Ballot::Granted) + self.count(Ballot::Unrecorded) < self.majority()
    }

    /// Who has not answered.
    pub(super) fn unrecorded(&self) -> Vec<ControllerId> {
        let open = self.votes.iter().filter(|(_, ballot)| **ballot == Ballot::Unrecorded);
        open.map(|(id, _)| *id).collect()
    }

    fn majority(&self) -> usize {
        self.votes.len() / 2 + 1
    }

    fn count(&self, ballot: Ballot) -> usize {
        self.votes.values().filter(|known| **known == ballot).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(voters: i32) -> CandidateState {
        let voters = (1..=voters).map(|n| ControllerId(1000 + n));
        CandidateState::new(ControllerId(1001), voters, 1, Instant(0))
    }

    #[test]
    fn a_candidate_alone_has_the_majority() {
        assert!(of(1).is_granted());
    }

    #[test]
    fn three_of_five_votes_are_a_majority_and_three_against_end_the_hope() {
        let mut candidate = of(5);
        candidate.record_granted(ControllerId(1002));
        assert!(!candidate.is_granted());
        candidate.record_rejected(ControllerId(1003));
        candidate.record_rejected(ControllerId(1004));
        assert!(!candidate.is_rejected());
        assert_eq!(candidate.unrecorded(), [ControllerId(1005)]);
        let mut lost = candidate.clone();
        lost.record_rejected(ControllerId(1005));
        assert!(lost.is_rejected());
        candidate.record_granted(ControllerId(1005));
        assert!(candidate.is_granted());
    }

    #[test]
    fn votes_of_strangers_and_second_votes_do_not_count() {
        let mut candidate = of(3);
        candidate.record_granted(ControllerId(1009));
        assert!(!candidate.is_granted());
        candidate.record_granted(ControllerId(1002));
        candidate.record_rejected(ControllerId(1002));
        assert!(candidate.is_granted(), "a vote is not taken back");
    }
}
