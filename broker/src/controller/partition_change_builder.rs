//! One change of one partition: who is in the ISR, and hence who leads.
//!
//! Mirrors Kafka's `PartitionChangeBuilder`. The leader is elected in steps, each tried when those
//! before found nobody; the first step keeps the leader that there is, so that nothing moves
//! without need. What one step may choose is said at the step. Two rules are the caller's choice:
//! the ISR it wants, and whether an election may be unclean.
//!
//! It does not know why the partition changes, nor what a broker is: who may lead is a question it
//! asks.

use crate::{
    ids::{BrokerId, TopicId},
    metadata::{LeaderChange, LeaderRecoveryState, PartitionChange, PartitionRegistration},
};

/// From whom a leader may be taken (`PartitionChangeBuilder.Election`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Election {
    /// From the ISR only.
    Online,
    /// From the ISR, else any replica that is there: the partition stays online and loses what that
    /// replica lacks.
    Unclean,
}

impl Election {
    /// What `unclean.leader.election.enable` allows.
    pub(super) fn allowed_by(unclean_leader_election_enable: bool) -> Self {
        if unclean_leader_election_enable { Self::Unclean } else { Self::Online }
    }
}

/// Collects what is wanted of a partition and makes the record of it.
pub(super) struct PartitionChangeBuilder<'a> {
    partition: &'a PartitionRegistration,
    is_acceptable_leader: &'a dyn Fn(BrokerId) -> bool,
    election: Election,
    target_isr: Vec<BrokerId>,
    target_recovery_state: LeaderRecoveryState,
}

/// Who shall lead.
enum Elected {
    Cleanly(BrokerId),
    Uncleanly(BrokerId),
    Nobody,
}

impl<'a> PartitionChangeBuilder<'a> {
    /// A change of `partition` that wants nothing yet but a leader. `is_acceptable_leader` says who
    /// is there.
    pub(super) fn new(
        partition: &'a PartitionRegistration,
        is_acceptable_leader: &'a dyn Fn(BrokerId) -> bool,
        election: Election,
    ) -> Self {
        Self {
            partition,
            is_acceptable_leader,
            election,
            target_isr: partition.isr.clone(),
            target_recovery_state: partition.recovery_state,
        }
    }

    /// Wants this ISR.
    pub(super) fn target_isr(mut self, isr: Vec<BrokerId>) -> Self {
        self.target_isr = isr;
        self
    }

    /// Wants this recovery state.
    pub(super) fn target_recovery_state(mut self, state: LeaderRecoveryState) -> Self {
        self.target_recovery_state = state;
        self
    }

    /// The record that brings the partition there, or none if it is there already.
    pub(super) fn build(self, topic_id: TopicId, partition: i32) -> Option<PartitionChange> {
        let mut change = PartitionChange::of(topic_id, partition);
        if self.target_recovery_state != self.partition.recovery_state {
            change.recovery_state = Some(self.target_recovery_state);
        }
        self.elect(&mut change);
        // The last member of the ISR never leaves it: nobody else is known to have everything.
        if change.isr.is_none()
            && !self.target_isr.is_empty()
            && self.target_isr != self.partition.isr
        {
            change.isr = Some(self.target_isr);
        }
        (!change.is_no_op()).then_some(change)
    }

    /// Writes the leader only if it changes: writing it raises the leader epoch.
    fn elect(&self, change: &mut PartitionChange) {
        match self.elected() {
            Elected::Cleanly(leader) => {
                if self.partition.leader != Some(leader) {
                    change.leader = LeaderChange::Leader(leader);
                }
            }
            Elected::Uncleanly(leader) => {
                change.leader = LeaderChange::Leader(leader);
                change.isr = Some(vec![leader]);
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
        let of_isr = |broker: &BrokerId| self.is_valid_new_leader(*broker);
        let present = |broker: &BrokerId| (self.is_acceptable_leader)(*broker);
        let replicas = &self.partition.replicas;
        if let Some(leader) = self.partition.leader.filter(of_isr) {
            return Elected::Cleanly(leader);
        }
        if let Some(leader) = replicas.iter().copied().find(of_isr) {
            return Elected::Cleanly(leader);
        }
        match self.election {
            Election::Online => Elected::Nobody,
            Election::Unclean => {
                replicas.iter().copied().find(present).map_or(Elected::Nobody, Elected::Uncleanly)
            }
        }
    }

    fn is_valid_new_leader(&self, broker: BrokerId) -> bool {
        self.target_isr.contains(&broker) && (self.is_acceptable_leader)(broker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: TopicId = TopicId([1; 16]);

    fn brokers(ids: &[i32]) -> Vec<BrokerId> {
        ids.iter().copied().map(BrokerId).collect()
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
            let change = PartitionChangeBuilder::new(&before, &present, row.election)
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
        let change = PartitionChangeBuilder::new(&before, &|b| b.0 == 2, Election::Unclean)
            .target_isr(Vec::new())
            .build(TOPIC, 0)
            .unwrap();
        let unclean = before.merge(&change);
        assert_eq!(unclean.recovery_state, LeaderRecoveryState::Recovering);
        let recovered = PartitionChangeBuilder::new(&unclean, &|_| true, Election::Online)
            .target_recovery_state(LeaderRecoveryState::Recovered)
            .build(TOPIC, 0)
            .unwrap();
        assert_eq!(recovered.leader, LeaderChange::Unchanged);
        assert_eq!(recovered.recovery_state, Some(LeaderRecoveryState::Recovered));
    }

    #[test]
    fn a_partition_that_is_as_wanted_needs_no_record() {
        let before = partition(&[1, 2], &[1, 2], Some(1));
        let built = PartitionChangeBuilder::new(&before, &|_| true, Election::Unclean);
        assert_eq!(built.build(TOPIC, 0), None);
    }
}
