//! What must hold in a quorum after each event: the invariants of `RaftEventSimulationTest`.
//!
//! A violation is noted, not thrown, so that a test can wait for the one that it means.

use std::collections::{BTreeMap, BTreeSet};

use super::simulation::Voter;
use crate::{
    ids::{ControllerId, LeaderEpoch, Offset},
    protocol::batch::batches,
    raft::KafkaRaftClient,
};

/// The invariants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invariant {
    /// What the leader knows to be committed never becomes less.
    MonotonicHighWatermark,
    /// No voter goes back to an earlier epoch, not even when it is started anew.
    MonotonicEpoch,
    /// Whatever is committed is in the logs of a majority, also of those that are down.
    MajorityReachedHighWatermark,
    /// An epoch has one leader.
    SingleLeader,
    /// What is committed at one voter is never something else at another.
    ConsistentCommittedData,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Invariants {
    pub(super) violated: BTreeSet<Invariant>,
    /// The high watermark of the leader that committed last, and its epoch.
    pub(super) committed: (LeaderEpoch, Offset),
    epochs: BTreeMap<ControllerId, LeaderEpoch>,
    leaders: BTreeMap<LeaderEpoch, ControllerId>,
    /// Each committed batch: its epoch and checksum, by its first offset.
    data: BTreeMap<Offset, (Option<LeaderEpoch>, u32)>,
    /// Up to where each voter's committed data were compared.
    compared: BTreeMap<ControllerId, Offset>,
}

impl Invariants {
    /// Looks at all voters.
    pub(super) fn check(&mut self, voters: &mut BTreeMap<ControllerId, Voter>) {
        self.check_epochs(voters);
        self.check_leaders(voters);
        self.check_high_watermark(voters);
        self.check_data(voters);
    }

    fn require(&mut self, invariant: Invariant, holds: bool) {
        if !holds {
            self.violated.insert(invariant);
        }
    }

    fn check_epochs(&mut self, voters: &BTreeMap<ControllerId, Voter>) {
        for (id, voter) in voters {
            let Some(client) = &voter.client else { continue };
            let epoch = client.leader_and_epoch().epoch;
            let before = self.epochs.insert(*id, epoch).unwrap_or_default();
            self.require(Invariant::MonotonicEpoch, before <= epoch);
        }
    }

    fn check_leaders(&mut self, voters: &BTreeMap<ControllerId, Voter>) {
        for voter in voters.values() {
            let Some(client) = &voter.client else { continue };
            let known = client.leader_and_epoch();
            let Some(leader) = known.leader else { continue };
            let first = *self.leaders.entry(known.epoch).or_insert(leader);
            self.require(Invariant::SingleLeader, first == leader);
        }
    }

    fn check_high_watermark(&mut self, voters: &BTreeMap<ControllerId, Voter>) {
        // A leader knows what is committed once a record of its own epoch is.
        let knows = |voter: &Voter| {
            let client = voter.client.as_ref()?;
            let high_watermark = client.high_watermark();
            (client.epoch_start()? < high_watermark).then_some((client.leading()?, high_watermark))
        };
        let Some((epoch, high_watermark)) = voters.values().filter_map(knows).max() else { return };
        if epoch < self.committed.0 {
            return;
        }
        let monotonic = self.committed.1 <= high_watermark;
        self.require(Invariant::MonotonicHighWatermark, monotonic);
        self.committed = (epoch, high_watermark);
        let end =
            |voter: &Voter| voter.client.as_ref().map_or(voter.log_end, KafkaRaftClient::log_end);
        let reached = voters.values().filter(|voter| high_watermark <= end(voter).offset).count();
        let majority = voters.len() / 2 < reached;
        self.require(Invariant::MajorityReachedHighWatermark, majority);
    }

    fn check_data(&mut self, voters: &mut BTreeMap<ControllerId, Voter>) {
        for (id, voter) in voters {
            let Some(client) = &mut voter.client else {
                self.compared.remove(id);
                continue;
            };
            let mut at = self.compared.get(id).copied().unwrap_or(Offset::ZERO);
            while at < client.high_watermark() {
                let bytes = client.read_committed(at, 1 << 20, &mut voter.disk).unwrap();
                for batch in batches(bytes).map(Result::unwrap) {
                    let data = (batch.leader_epoch(), batch.crc());
                    let first = *self.data.entry(batch.base_offset()).or_insert(data);
                    self.require(Invariant::ConsistentCommittedData, first == data);
                    at = batch.next_offset();
                }
            }
            self.compared.insert(*id, at);
        }
    }
}
