//! The in-sync replicas of a partition, as its leader knows them, and the change it has asked for.
//!
//! Mirrors Kafka's `PartitionState` with `CommittedPartitionState`, `PendingExpandIsr` and
//! `PendingShrinkIsr` (KIP-497). While a change is asked for, nobody but the controller knows
//! whether it is in force: the *maximal* ISR, which the high watermark waits for, has everybody who
//! may be in it. Does not know who deserves to be in the ISR, nor how the controller is asked.

use crate::ids::{BrokerId, LeaderEpoch, PartitionEpoch};

/// The ISR that is committed, and the change to it that is under way, if one is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Isr {
    committed: Vec<BrokerId>,
    pending: Option<Pending>,
}

/// A change that the controller has not answered yet. There is one at most.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pending {
    proposal: IsrProposal,
    joining: Option<BrokerId>,
}

/// An ISR that the leader asks the controller for. The epochs say what it is a change of: two
/// proposals of one partition are the same only if they are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IsrProposal {
    /// The epoch in which the leader leads.
    pub(super) leader_epoch: LeaderEpoch,
    /// The partition epoch of the committed ISR.
    pub(super) partition_epoch: PartitionEpoch,
    /// The ISR asked for.
    pub(super) isr: Vec<BrokerId>,
}

impl Isr {
    /// An ISR that is committed, with no change under way.
    pub(super) fn committed_as(isr: Vec<BrokerId>) -> Self {
        Self { committed: isr, pending: None }
    }

    /// The ISR that the controller last confirmed.
    pub(super) fn committed(&self) -> &[BrokerId] {
        &self.committed
    }

    /// The change that is under way.
    pub(super) fn proposal(&self) -> Option<&IsrProposal> {
        self.pending.as_ref().map(|pending| &pending.proposal)
    }

    /// Whether a replica is in the committed ISR or may be in it by now.
    pub(super) fn maximal_contains(&self, broker: BrokerId) -> bool {
        self.committed.contains(&broker) || self.joining() == Some(broker)
    }

    /// How many replicas may be in the ISR by now.
    pub(super) fn maximal_size(&self) -> usize {
        self.committed.len() + usize::from(self.joining().is_some())
    }

    fn joining(&self) -> Option<BrokerId> {
        self.pending.as_ref().and_then(|pending| pending.joining)
    }

    /// Asks for one member more. From now on the maximal ISR has it.
    pub(super) fn propose_expand(
        &mut self,
        (leader_epoch, partition_epoch): (LeaderEpoch, PartitionEpoch),
        joining: BrokerId,
    ) -> IsrProposal {
        assert!(!self.committed.contains(&joining), "{joining} is in the ISR {self:?}");
        let mut isr = self.committed.clone();
        isr.push(joining);
        self.propose(IsrProposal { leader_epoch, partition_epoch, isr }, Some(joining))
    }

    /// Asks for an ISR without some members. Until the answer comes they still count.
    pub(super) fn propose_shrink(
        &mut self,
        (leader_epoch, partition_epoch): (LeaderEpoch, PartitionEpoch),
        leaving: &[BrokerId],
    ) -> IsrProposal {
        assert!(!leaving.is_empty(), "a shrink of {self:?} takes somebody out");
        let isr = self.committed.iter().copied().filter(|id| !leaving.contains(id)).collect();
        self.propose(IsrProposal { leader_epoch, partition_epoch, isr }, None)
    }

    fn propose(&mut self, proposal: IsrProposal, joining: Option<BrokerId>) -> IsrProposal {
        assert!(self.pending.is_none(), "one change at a time: {self:?}, asked for {proposal:?}");
        self.pending = Some(Pending { proposal: proposal.clone(), joining });
        proposal
    }

    /// The controller confirmed an ISR, which need not be the one asked for.
    pub(super) fn commit(&mut self, isr: Vec<BrokerId>) {
        *self = Self::committed_as(isr);
    }

    /// The change is known not to have been made.
    pub(super) fn withdraw(&mut self) {
        self.pending = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCHS: (LeaderEpoch, PartitionEpoch) = (LeaderEpoch(3), PartitionEpoch(7));

    fn brokers<const N: usize>(ids: [i32; N]) -> Vec<BrokerId> {
        ids.map(BrokerId).to_vec()
    }

    #[test]
    fn a_joiner_counts_from_the_moment_it_is_proposed() {
        let mut isr = Isr::committed_as(brokers([1, 2]));
        let proposal = isr.propose_expand(EPOCHS, BrokerId(3));
        assert_eq!(proposal.isr, brokers([1, 2, 3]));
        assert_eq!((isr.maximal_size(), isr.committed().len()), (3, 2));
        assert!(isr.maximal_contains(BrokerId(3)));
    }

    #[test]
    fn a_leaver_counts_until_the_controller_has_confirmed() {
        let mut isr = Isr::committed_as(brokers([1, 2, 3]));
        let proposal = isr.propose_shrink(EPOCHS, &brokers([2]));
        assert_eq!(proposal.isr, brokers([1, 3]));
        assert!(isr.maximal_contains(BrokerId(2)));
        isr.commit(proposal.isr);
        assert!(!isr.maximal_contains(BrokerId(2)));
        assert_eq!(isr.proposal(), None);
    }

    #[test]
    fn a_change_that_was_not_made_leaves_the_committed_isr() {
        let mut isr = Isr::committed_as(brokers([1]));
        isr.propose_expand(EPOCHS, BrokerId(2));
        isr.withdraw();
        assert_eq!(isr, Isr::committed_as(brokers([1])));
    }
}
