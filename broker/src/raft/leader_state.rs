//! A leader's knowledge of the voters: what they have, and whether they still listen.
//!
//! Mirrors `LeaderState`. An offset is committed when a majority has it on disk and the leader has
//! written a record of its own epoch below it; a record of an earlier epoch that a majority has may
//! still be overwritten (Raft §5.4.2). It does not know the log.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    host::Instant,
    ids::{ControllerId, Offset},
};

/// What a leader knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LeaderState {
    local: ControllerId,
    /// Where the leader's own epoch begins: the offset of its `LeaderChange` record.
    epoch_start: Offset,
    /// Up to where each voter has the log on disk; none if it has not said.
    voters: BTreeMap<ControllerId, Option<Offset>>,
    /// Who has not answered `BeginQuorumEpoch` or fetched yet.
    unacknowledged: BTreeSet<ControllerId>,
    fetched: BTreeSet<ControllerId>,
    check_quorum_timeout: Duration,
    check_quorum_deadline: Instant,
}

impl LeaderState {
    /// A leader that has heard of nobody.
    pub(super) fn new(
        local: ControllerId,
        voters: &BTreeSet<ControllerId>,
        epoch_start: Offset,
        check_quorum_timeout: Duration,
        now: Instant,
    ) -> Self {
        let others = voters.iter().copied().filter(|id| *id != local);
        Self {
            local,
            epoch_start,
            voters: voters.iter().map(|id| (*id, None)).collect(),
            unacknowledged: others.collect(),
            fetched: BTreeSet::new(),
            check_quorum_timeout,
            check_quorum_deadline: now.plus(check_quorum_timeout),
        }
    }

    /// Where the leader's epoch begins.
    pub(super) fn epoch_start(&self) -> Offset {
        self.epoch_start
    }

    /// Everything before `end` is on this voter's disk. Returns up to where the log is committed by
    /// that, if the leader can tell.
    pub(super) fn update_replica(&mut self, voter: ControllerId, end: Offset) -> Option<Offset> {
        *self.voters.get_mut(&voter)? = Some(end);
        self.committed()
    }

    /// A voter fetched: it listens, and knows who leads.
    pub(super) fn on_fetch(&mut self, voter: ControllerId, now: Instant) {
        if !self.voters.contains_key(&voter) || voter == self.local {
            return;
        }
        self.unacknowledged.remove(&voter);
        self.fetched.insert(voter);
        // With the leader itself these are a majority.
        if self.voters.len() / 2 <= self.fetched.len() {
            self.fetched.clear();
            self.check_quorum_deadline = now.plus(self.check_quorum_timeout);
        }
    }

    /// A voter answered `BeginQuorumEpoch`.
    pub(super) fn acknowledge(&mut self, voter: ControllerId) {
        self.unacknowledged.remove(&voter);
    }

    /// To whom `BeginQuorumEpoch` must be sent.
    pub(super) fn unacknowledged(&self) -> Vec<ControllerId> {
        self.unacknowledged.iter().copied().collect()
    }

    /// When the leader must resign, unless a majority fetches before. A leader alone never must.
    pub(super) fn check_quorum_deadline(&self) -> Option<Instant> {
        (1 < self.voters.len()).then_some(self.check_quorum_deadline)
    }

    /// The other voters, the one that has most of the log first.
    pub(super) fn successors(&self) -> Vec<ControllerId> {
        let mut others: Vec<_> = self.voters.iter().filter(|(id, _)| **id != self.local).collect();
        others.sort_by_key(|(id, end)| (std::cmp::Reverse(**end), **id));
        others.into_iter().map(|(id, _)| *id).collect()
    }

    fn committed(&self) -> Option<Offset> {
        let mut ends: Vec<_> = self.voters.values().copied().collect();
        ends.sort_unstable_by(|a, b| b.cmp(a));
        // Sorted downwards, a majority has at least what stands in the middle.
        ends[ends.len() / 2].filter(|end| self.epoch_start < *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(number: i32) -> ControllerId {
        ControllerId(1000 + number)
    }

    fn leader(voters: i32, epoch_start: i64) -> LeaderState {
        let voters = (1..=voters).map(id).collect();
        LeaderState::new(id(1), &voters, Offset(epoch_start), SECOND, Instant(0))
    }

    #[test]
    fn an_offset_is_committed_when_a_majority_has_it() {
        let mut leader = leader(5, 0);
        assert_eq!(leader.update_replica(id(1), Offset(9)), None);
        assert_eq!(leader.update_replica(id(2), Offset(3)), None);
        assert_eq!(leader.update_replica(id(3), Offset(7)), Some(Offset(3)));
        assert_eq!(leader.update_replica(id(2), Offset(8)), Some(Offset(7)));
        assert_eq!(leader.update_replica(id(9), Offset(9)), None, "not a voter");
    }

    #[test]
    fn records_of_earlier_epochs_are_not_committed_by_being_counted() {
        let mut leader = leader(3, 5);
        leader.update_replica(id(1), Offset(6));
        assert_eq!(leader.update_replica(id(2), Offset(5)), None);
        assert_eq!(leader.update_replica(id(2), Offset(6)), Some(Offset(6)));
    }

    #[test]
    fn a_leader_alone_commits_what_it_wrote_and_never_resigns() {
        let mut leader = leader(1, 0);
        assert_eq!(leader.update_replica(id(1), Offset(1)), Some(Offset(1)));
        assert_eq!(leader.check_quorum_deadline(), None);
    }

    #[test]
    fn the_quorum_is_checked_by_the_fetches_of_a_majority() {
        let mut leader = leader(5, 0);
        let first = leader.check_quorum_deadline();
        leader.on_fetch(id(2), Instant(100));
        leader.on_fetch(id(2), Instant(200));
        leader.on_fetch(id(9), Instant(200));
        assert_eq!(leader.check_quorum_deadline(), first, "one of four others is no majority");
        leader.on_fetch(id(4), Instant(300));
        assert_eq!(leader.check_quorum_deadline(), Some(Instant(300).plus(SECOND)));
        leader.on_fetch(id(4), Instant(400));
        assert_eq!(leader.check_quorum_deadline(), Some(Instant(300).plus(SECOND)), "counted anew");
    }

    #[test]
    fn the_successor_is_who_has_most_of_the_log() {
        let mut leader = leader(4, 0);
        leader.update_replica(id(2), Offset(3));
        leader.update_replica(id(4), Offset(5));
        assert_eq!(leader.successors(), [id(4), id(2), id(3)]);
    }

    #[test]
    fn who_fetches_or_answers_need_not_be_told_again_who_leads() {
        let mut leader = leader(3, 0);
        assert_eq!(leader.unacknowledged(), [id(2), id(3)]);
        leader.on_fetch(id(2), Instant(0));
        leader.acknowledge(id(3));
        assert_eq!(leader.unacknowledged(), []);
    }
}
