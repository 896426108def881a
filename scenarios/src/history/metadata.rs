//! The controller's records of one partition, in order: M(p) of the contract.

use broker::{
    host::event::{ControllerEvent, ElectionKind, PartitionRecord},
    ids::{BrokerId, LeaderEpoch},
};

use super::When;

/// One record of a partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When the controller made it durable.
    pub when: When,
    /// What it changed.
    pub kind: ChangeKind,
    /// The partition as it stands from then on.
    pub record: PartitionRecord,
}

/// What a record changed.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeKind {
    /// The partition was created.
    Created,
    /// It got a leader.
    Elected {
        /// From where.
        kind: ElectionKind,
        /// Who led before.
        previous: Option<BrokerId>,
    },
    /// It lost its leader.
    LeaderLost {
        /// Who led before.
        previous: Option<BrokerId>,
    },
    /// Its ISR changed.
    IsrChanged {
        /// The ISR before.
        previous: Vec<BrokerId>,
    },
}

/// All records of a partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    changes: Vec<Change>,
}

impl Metadata {
    /// The records, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The record in force now.
    pub fn current(&self) -> Option<&PartitionRecord> {
        self.changes.last().map(|change| &change.record)
    }

    /// The record in force at that time.
    pub fn at(&self, when: When) -> Option<&PartitionRecord> {
        let index = self.changes.partition_point(|change| change.when <= when);
        index.checked_sub(1).map(|last| &self.changes[last].record)
    }

    /// Whether this is, at that time, the leader the controller names, in the epoch it names.
    pub fn is_true_leader(&self, broker: BrokerId, epoch: LeaderEpoch) -> bool {
        self.current().is_some_and(|r| r.leader == Some(broker) && r.leader_epoch == epoch)
    }

    /// Whether this very record is known: a controller that starts again replays its log, and tells
    /// of it once more. Offsets in the metadata log only grow.
    pub(super) fn knows(&self, record: &PartitionRecord) -> bool {
        let offset = |change: &Change| change.record.metadata_offset;
        let found = self.changes.binary_search_by_key(&record.metadata_offset, offset);
        found.is_ok_and(|index| self.changes[index].record == *record)
    }

    pub(super) fn push(&mut self, when: When, event: &ControllerEvent) {
        if let Some((kind, record)) = change_of(event) {
            self.changes.push(Change { when, kind, record: record.clone() });
        }
    }
}

/// The electable replicas of a record: its ISR and, from KIP-966 on, its eligible leader replicas
/// (empty before).
pub fn electable(record: &PartitionRecord) -> impl Iterator<Item = BrokerId> + '_ {
    record.isr.iter().chain(&record.elr).copied()
}

/// The record of a partition that an event tells, if it tells one.
pub(super) fn change_of(event: &ControllerEvent) -> Option<(ChangeKind, &PartitionRecord)> {
    match event {
        ControllerEvent::PartitionCreated(record) => Some((ChangeKind::Created, record)),
        ControllerEvent::Elected(election) => {
            let (kind, previous) = (election.kind, election.previous);
            Some((ChangeKind::Elected { kind, previous }, &election.record))
        }
        ControllerEvent::LeaderLost { previous, record } => {
            Some((ChangeKind::LeaderLost { previous: *previous }, record))
        }
        ControllerEvent::IsrChanged { previous, record } => {
            Some((ChangeKind::IsrChanged { previous: previous.clone() }, record))
        }
        ControllerEvent::ControllerActive { .. }
        | ControllerEvent::ControllerResigned { .. }
        | ControllerEvent::QuorumLeaderElected { .. }
        | ControllerEvent::VoterMoved(_)
        | ControllerEvent::Registered { .. }
        | ControllerEvent::Fenced { .. }
        | ControllerEvent::Unfenced { .. }
        | ControllerEvent::ShuttingDown { .. }
        | ControllerEvent::AlterPartitionRefused { .. }
        | ControllerEvent::ElectionRefused { .. }
        | ControllerEvent::TopicDeleted { .. }
        | ControllerEvent::ProducerIdsAllocated { .. } => None,
    }
}

/// The record of a partition that an event tells, if it tells one.
pub(crate) fn record_of(event: &ControllerEvent) -> Option<&PartitionRecord> {
    change_of(event).map(|(_, record)| record)
}
