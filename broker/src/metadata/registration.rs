//! A broker and a partition as the metadata log has them.
//!
//! Mirrors Kafka's `BrokerRegistration` and `PartitionRegistration`. What a change record makes of
//! a partition is said here and nowhere else, so that controller and brokers cannot differ.

use std::{fmt, sync::Arc};

use super::{LeaderChange, PartitionChange};
use crate::{
    host::Address,
    ids::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch},
};

/// What tells one life of a broker process from the next: a UUID that it draws when it starts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IncarnationId(pub [u8; 16]);

impl fmt::Debug for IncarnationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IncarnationId({:032x})", u128::from_be_bytes(self.0))
    }
}

/// A broker that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerRegistration {
    /// The broker.
    pub id: BrokerId,
    /// The epoch of its incarnation: the offset of its registration record.
    pub epoch: BrokerEpoch,
    /// Its incarnation.
    pub incarnation: IncarnationId,
    /// Where it listens.
    pub address: Address,
    /// Its rack, if it names one.
    pub rack: Option<Arc<str>>,
    /// Whether it may neither lead nor be in an ISR.
    pub fenced: bool,
    /// Whether it is shutting down: it keeps serving, but may not lead nor enter an ISR.
    pub in_controlled_shutdown: bool,
}

impl BrokerRegistration {
    /// Whether it may lead and enter ISRs: neither fenced nor shutting down
    /// (`ClusterControlManager.isActive`).
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }
}

/// Whether the leader was elected uncleanly and has not yet said that it recovered (KIP-704).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaderRecoveryState {
    /// The usual state.
    #[default]
    Recovered,
    /// The leader was elected from outside the ISR and must clear this state itself.
    Recovering,
}

impl LeaderRecoveryState {
    /// As requests and records have it.
    pub fn to_wire(self) -> i8 {
        match self {
            Self::Recovered => 0,
            Self::Recovering => 1,
        }
    }

    /// Reads what requests and records have; none if it is neither.
    pub fn from_wire(raw: i8) -> Option<Self> {
        match raw {
            0 => Some(Self::Recovered),
            1 => Some(Self::Recovering),
            _ => None,
        }
    }
}

/// A partition, as the last record about it left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionRegistration {
    /// Who holds it, in order of preference.
    pub replicas: Vec<BrokerId>,
    /// The in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// The eligible leader replicas (KIP-966).
    pub elr: Vec<BrokerId>,
    /// The last known leader (KIP-966; Kafka's field is `lastKnownElr`).
    pub last_known_elr: Vec<BrokerId>,
    /// Replicas that a reassignment removes.
    pub removing: Vec<BrokerId>,
    /// Replicas that a reassignment adds.
    pub adding: Vec<BrokerId>,
    /// The leader, if there is one.
    pub leader: Option<BrokerId>,
    /// Raised whenever a record writes the leader field.
    pub leader_epoch: LeaderEpoch,
    /// Raised by every record about the partition.
    pub partition_epoch: PartitionEpoch,
    /// Whether the leader was elected uncleanly and has not recovered yet.
    pub recovery_state: LeaderRecoveryState,
}

impl PartitionRegistration {
    /// A new partition: everybody in the ISR, the first of them leads.
    ///
    /// `isr` are those of `replicas` that are active now. Both epochs begin at 0.
    pub fn create(replicas: Vec<BrokerId>, isr: Vec<BrokerId>) -> Self {
        Self { leader: isr.first().copied(), replicas, isr, ..Self::default() }
    }

    /// What `change` makes of the partition (`PartitionRegistration.merge`).
    #[must_use]
    pub fn merge(&self, change: &PartitionChange) -> Self {
        let or =
            |new: &Option<Vec<BrokerId>>, old: &Vec<BrokerId>| new.as_ref().unwrap_or(old).clone();
        let (leader, leader_epoch) = match change.leader {
            LeaderChange::Unchanged => (self.leader, self.leader_epoch),
            LeaderChange::NoLeader => (None, self.leader_epoch.next()),
            LeaderChange::Leader(leader) => (Some(leader), self.leader_epoch.next()),
        };
        Self {
            replicas: or(&change.replicas, &self.replicas),
            isr: or(&change.isr, &self.isr),
            elr: or(&change.elr, &self.elr),
            last_known_elr: or(&change.last_known_elr, &self.last_known_elr),
            removing: or(&change.removing, &self.removing),
            adding: or(&change.adding, &self.adding),
            leader,
            leader_epoch,
            partition_epoch: self.partition_epoch.next(),
            recovery_state: change.recovery_state.unwrap_or(self.recovery_state),
        }
    }

    /// Whether a reassignment is under way.
    pub fn is_being_reassigned(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }

    /// `min(min.insync.replicas, number of replicas)`: how many in-sync replicas acks=all needs.
    pub fn effective_min_insync_replicas(&self, min_insync_replicas: u32) -> u32 {
        let replicas = u32::try_from(self.replicas.len()).unwrap_or(u32::MAX);
        min_insync_replicas.min(replicas)
    }
}
