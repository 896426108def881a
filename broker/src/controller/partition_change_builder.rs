//! One change of one partition: who holds it, who is in the ISR, and hence who leads.
//!
//! Mirrors Kafka's `PartitionChangeBuilder` (KIP-455, KIP-966). The leader is elected in steps,
//! each tried when those before found nobody; the first step keeps the leader that there is, so
//! that nothing moves without need. What one step may choose is said at the step. A reassignment
//! whose new replicas are all in sync is completed on the way.
//!
//! Eligible leader replicas (ELR) are those that left the ISR while it was smaller than
//! `min.insync.replicas`: nothing was committed since, so they hold everything that was. When ISR
//! and ELR are empty, who led last is remembered in `lastKnownElr`.
//!
//! It does not know why the partition changes, nor what a broker is: who may lead is a question it
//! asks.

use crate::{
    ids::{BrokerId, TopicId},
    metadata::{LeaderChange, LeaderRecoveryState, PartitionChange, PartitionRegistration},
    replica::{Rules, rules::Switch},
};

/// From whom a leader may be taken (`PartitionChangeBuilder.Election`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Election {
    /// The first replica, if it is in the ISR; else as [`Self::Online`].
    Preferred,
    /// From the ISR or, when it is empty, from the ELR.
    Online,
    /// The same, else any replica that is there: the partition stays online and loses what that
    /// replica lacks.
    Unclean,
}

impl Election {
    /// What `unclean.leader.election.enable` allows.
    pub(super) fn allowed_by(unclean_leader_election_enable: bool) -> Self {
        if unclean_leader_election_enable { Self::Unclean } else { Self::Online }
    }
}

/// What a partition's builder must know besides the partition.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// Who is there.
    pub(super) is_acceptable_leader: &'a dyn Fn(BrokerId) -> bool,
    /// From whom a leader may be taken.
    pub(super) election: Election,
    /// `min.insync.replicas` of the topic.
    pub(super) min_insync_replicas: u32,
    /// The protocol.
    pub(super) rules: Rules,
}

/// Collects what is wanted of a partition and makes the record of it.
pub(super) struct PartitionChangeBuilder<'a> {
    partition: &'a PartitionRegistration,
    around: Surroundings<'a>,
    /// The partition as it is wanted. Its leader and its epochs are not looked at.
    target: PartitionRegistration,
    unclean_shutdown: Option<BrokerId>,
}

/// Who shall lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Elected {
    Cleanly(BrokerId),
    Uncleanly(BrokerId),
    Nobody,
}

impl<'a> PartitionChangeBuilder<'a> {
    /// A change of `partition` that wants nothing yet but a leader.
    pub(super) fn new(partition: &'a PartitionRegistration, around: Surroundings<'a>) -> Self {
        Self { partition, around, target: partition.clone(), unclean_shutdown: None }
    }

    /// Wants this ISR.
    pub(super) fn target_isr(mut self, isr: Vec<BrokerId>) -> Self {
        self.target.isr = isr;
        self
    }

    /// Wants this recovery state.
    pub(super) fn target_recovery_state(mut self, state: LeaderRecoveryState) -> Self {
        self.target.recovery_state = state;
        self
    }

    /// Wants these replicas, of which some are being added and some removed.
    pub(super) fn target_replicas(
        mut self,
        replicas: Vec<BrokerId>,
        adding: Vec<BrokerId>,
        removing: Vec<BrokerId>,
    ) -> Self {
        self.target.replicas = replicas;
        self.target.adding = adding;
        self.target.removing = removing;
        self
    }

    /// This broker has not ended cleanly: nothing is known of what it holds.
    pub(super) fn unclean_shutdown(mut self, broker: BrokerId) -> Self {
        self.unclean_shutdown = Some(broker);
        self.target.isr.retain(|member| *member != broker);
        self
    }

    /// The record that brings the partition there, or none if it is there already.
    pub(super) fn build(mut self, topic_id: TopicId, number: i32) -> Option<PartitionChange> {
        self.complete_reassignment();
        self.populate_elr();
        let mut change = PartitionChange::of(topic_id, number);
        self.elect(&mut change);
        let isr_may_be_written = !self.target.isr.is_empty() || self.has_elr();
        if change.isr.is_none() && isr_may_be_written && self.target.isr != self.partition.isr {
            // Without ELR the last member never leaves the ISR: nobody else is known to have
            // everything.
            change.isr = Some(self.target.isr.clone());
        }
        self.raise_leader_epoch(&mut change);
        let (target, partition) = (&self.target, self.partition);
        change.elr = different(&target.elr, &partition.elr);
        change.replicas = different(&target.replicas, &partition.replicas);
        change.adding = different(&target.adding, &partition.adding);
        change.removing = different(&target.removing, &partition.removing);
        if change.recovery_state.is_none() && target.recovery_state != partition.recovery_state {
            change.recovery_state = Some(target.recovery_state);
        }
        self.remember_leader(&mut change);
        (!change.is_no_op()).then_some(change)
    }

    fn has_elr(&self) -> bool {
        self.around.rules.eligible_leader_replicas == Switch::On
    }

    /// How many members the ISR must have, at most as many as there are replicas.
    fn has_min_isr(&self) -> bool {
        let min = self.target.effective_min_insync_replicas(self.around.min_insync_replicas);
        min as usize <= self.target.isr.len()
    }

    /// Ends a reassignment when every replica that it adds is in the ISR. Under KIP-966 what
    /// remains of the ISR must be large enough, too.
    fn complete_reassignment(&mut self) {
        let target = &self.target;
        if !target.is_being_reassigned() {
            return;
        }
        let stays = |broker: &BrokerId| !target.removing.contains(broker);
        let of = |brokers: &[BrokerId]| brokers.iter().copied().filter(stays).collect::<Vec<_>>();
        let (isr, replicas) = (of(&target.isr), of(&target.replicas));
        if isr.is_empty() || !target.adding.iter().all(|added| isr.contains(added)) {
            return;
        }
        let after = PartitionRegistration {
            isr,
            replicas,
            adding: Vec::new(),
            removing: Vec::new(),
            ..target.clone()
        };
        let before = core::mem::replace(&mut self.target, after);
        if self.has_elr() && !self.has_min_isr() {
            self.target = before;
        }
    }

    /// Who leaves an ISR that is too small stays eligible, unless it has not ended cleanly
    /// (`maybePopulateTargetElr`).
    fn populate_elr(&mut self) {
        if !self.has_elr() || self.has_min_isr() {
            self.target.elr.clear();
            return;
        }
        let mut elr = self.target.elr.clone();
        elr.extend(self.partition.isr.iter().filter(|member| !self.partition.elr.contains(member)));
        let target = &self.target;
        elr.retain(|broker| {
            target.replicas.contains(broker)
                && !target.isr.contains(broker)
                && self.unclean_shutdown != Some(*broker)
        });
        self.target.elr = elr;
    }

    /// Writes the leader only if it changes: writing it raises the leader epoch.
    fn elect(&mut self, change: &mut PartitionChange) {
        match self.elected() {
            Elected::Cleanly(leader) => {
                if self.target.elr.contains(&leader) {
                    self.target.isr = vec![leader];
                    self.target.elr.retain(|broker| *broker != leader);
                }
                if self.partition.leader != Some(leader) {
                    change.leader = LeaderChange::Leader(leader);
                }
            }
            Elected::Uncleanly(leader) => {
                change.leader = LeaderChange::Leader(leader);
                change.isr = Some(vec![leader]);
                // Nobody else may lead with what this one lacks.
                self.target.elr.clear();
                if self.partition.recovery_state != LeaderRecoveryState::Recovering {
                    change.recovery_state = Some(LeaderRecoveryState::Recovering);
                }
            }
            Elected::Nobody => {
                if self.partition.leader.is_some() {
                    change.leader = LeaderChange::NoLeader;
                }
            }
        }
    }

    fn elected(&self) -> Elected {
        let replicas = &self.target.replicas;
        let valid = |broker: &BrokerId| self.is_valid_new_leader(*broker);
        let preferred = match self.around.election {
            Election::Preferred => replicas.first().copied().filter(valid),
            Election::Online | Election::Unclean => None,
        };
        let clean = preferred
            .or_else(|| self.partition.leader.filter(valid))
            .or_else(|| replicas.iter().copied().find(valid));
        let present = |broker: &BrokerId| (self.around.is_acceptable_leader)(*broker);
        let last_resort = || match self.around.election {
            Election::Preferred | Election::Online => None,
            Election::Unclean => replicas.iter().copied().find(present),
        };
        if let Some(leader) = clean {
            return Elected::Cleanly(leader);
        }
        let unclean = self.last_known_leader().filter(present).or_else(last_resort);
        unclean.map_or(Elected::Nobody, Elected::Uncleanly)
    }

    fn is_valid_new_leader(&self, broker: BrokerId) -> bool {
        let target = &self.target;
        let is_eligible = self.has_elr() && target.isr.is_empty() && target.elr.contains(&broker);
        (target.isr.contains(&broker) || is_eligible)
            && target.replicas.contains(&broker)
            && (self.around.is_acceptable_leader)(broker)
    }

    /// Who led last, if nobody else may (`canElectLastKnownLeader`).
    fn last_known_leader(&self) -> Option<BrokerId> {
        let is_on = self.has_elr() && self.around.rules.last_known_leader == Switch::On;
        match &self.partition.last_known_elr[..] {
            [last] if is_on && self.target.isr.is_empty() && self.target.elr.is_empty() => {
                Some(*last).filter(|last| self.target.replicas.contains(last))
            }
            _ => None,
        }
    }

    /// A leader that stays gets a new epoch when a replica goes, since what that one fetched must
    /// not count any more; and when the ISR shrinks, if the rule says so.
    fn raise_leader_epoch(&self, change: &mut PartitionChange) {
        let lost = |before: &[BrokerId], after: &[BrokerId]| {
            before.iter().any(|broker| !after.contains(broker))
        };
        let isr = change.isr.as_ref().unwrap_or(&self.partition.isr);
        let on_shrink = self.around.rules.leader_epoch_bump_on_isr_shrink == Switch::On
            && lost(&self.partition.isr, isr);
        if change.leader == LeaderChange::Unchanged
            && (on_shrink || lost(&self.partition.replicas, &self.target.replicas))
        {
            change.leader =
                self.partition.leader.map_or(LeaderChange::NoLeader, LeaderChange::Leader);
        }
    }

    /// Remembers who led when the ISR becomes empty, until somebody leads again
    /// (`maybeUpdateLastKnownLeader`).
    fn remember_leader(&self, change: &mut PartitionChange) {
        if !self.has_elr() {
            change.last_known_elr = different(&[], &self.partition.last_known_elr);
            return;
        }
        let known = &self.partition.last_known_elr;
        let leads = match change.leader {
            LeaderChange::Leader(_) => true,
            LeaderChange::NoLeader => false,
            LeaderChange::Unchanged => self.partition.leader.is_some(),
        };
        if leads {
            change.last_known_elr = different(&[], known);
        } else if change.isr.as_ref().is_some_and(Vec::is_empty)
            && let Some(leader) = self.partition.leader
        {
            change.last_known_elr = different(&[leader], known);
        }
    }
}

/// The list if it is not the one there was.
fn different(wanted: &[BrokerId], before: &[BrokerId]) -> Option<Vec<BrokerId>> {
    (wanted != before).then(|| wanted.to_vec())
}

#[cfg(test)]
mod tests;
