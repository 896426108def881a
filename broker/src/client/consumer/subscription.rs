//! Where a consumer stands in each partition (Kafka's `SubscriptionState`, with assigned partitions
//! only; KIP-320).
//!
//! ```text
//!   assigned ─► AwaitReset ──► AwaitValidation ──► Fetching ─┐
//!                  ▲   ▲              ▲               │ │    │ records
//!                  │   └─ truncated ──┘◄─ new leader ─┘ │    ▼
//!                  └────── out of range, seek ──────────┘  position moves
//! ```
//!
//! A position carries the epoch of the last batch that was read. When the partition's leader or its
//! epoch changes, the new leader is asked where that epoch ends in its log before anything is
//! fetched: a position beyond that end belongs to a log that is no more.

use std::collections::BTreeMap;

use crate::{
    client::metadata::ClientMetadata,
    host::{Instant, event::PositionResetReason},
    ids::{BrokerId, LeaderEpoch, Offset, TopicPartition},
};

/// Where to go without a usable position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResetTarget {
    Earliest,
    Latest,
}

/// A leader as a position knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeaderAndEpoch {
    pub(crate) leader: BrokerId,
    pub(crate) epoch: Option<LeaderEpoch>,
}

/// The next record to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) offset: Offset,
    /// The epoch of the batch before it, if that is known.
    pub(crate) offset_epoch: Option<LeaderEpoch>,
    /// Whom to fetch from.
    pub(crate) leader: Option<LeaderAndEpoch>,
}

/// What a partition waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// For records.
    Fetching,
    /// For an offset to begin at.
    AwaitReset { target: ResetTarget, reason: PositionResetReason },
    /// For the leader's word that its log still has what was read.
    AwaitValidation,
    /// For the application: it was told of a failure.
    Failed,
}

/// A partition that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionState {
    pub(crate) phase: Phase,
    pub(crate) position: Option<Position>,
    /// Nothing is asked about it before.
    pub(crate) retry_at: Option<Instant>,
    /// Failures in a row.
    pub(crate) failures: u32,
}

impl PartitionState {
    /// Whether something may be asked about it now.
    pub(crate) fn may_ask(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    /// The position, if records are read there.
    pub(crate) fn fetch_position(&self) -> Option<Position> {
        self.position.filter(|_| self.phase == Phase::Fetching)
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.retry_at = None;
        self.failures = 0;
    }
}

/// The partitions that are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SubscriptionState {
    partitions: BTreeMap<TopicPartition, PartitionState>,
}

impl SubscriptionState {
    /// Reads these partitions and no others. Returns those that are new and have no position.
    pub(crate) fn assign(&mut self, assigned: &[TopicPartition]) -> Vec<TopicPartition> {
        self.partitions.retain(|partition, _| assigned.contains(partition));
        let mut new = Vec::new();
        for partition in assigned {
            if self.partitions.contains_key(partition) {
                continue;
            }
            let state = PartitionState {
                phase: Phase::Failed,
                position: None,
                retry_at: None,
                failures: 0,
            };
            self.partitions.insert(partition.clone(), state);
            new.push(partition.clone());
        }
        new
    }

    pub(crate) fn get(&self, partition: &TopicPartition) -> Option<&PartitionState> {
        self.partitions.get(partition)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &PartitionState)> {
        self.partitions.iter()
    }

    /// Nothing is asked about a partition before `at`.
    pub(crate) fn wait_until(&mut self, partition: &TopicPartition, at: Instant) {
        if let Some(state) = self.partitions.get_mut(partition) {
            state.retry_at = Some(at);
        }
    }

    /// Asking about a partition failed. Returns how often it had failed before.
    pub(crate) fn count_failure(&mut self, partition: &TopicPartition) -> u32 {
        let Some(state) = self.partitions.get_mut(partition) else { return 0 };
        state.failures = state.failures.saturating_add(1);
        state.failures - 1
    }

    /// A fetch brought an answer without an error.
    pub(crate) fn fetched(&mut self, partition: &TopicPartition) {
        if let Some(state) = self.partitions.get_mut(partition) {
            state.retry_at = None;
            state.failures = 0;
        }
    }

    /// The position is of no use: another has to be found. It is kept for the record.
    pub(crate) fn request_reset(
        &mut self,
        partition: &TopicPartition,
        target: ResetTarget,
        reason: PositionResetReason,
    ) {
        if let Some(state) = self.partitions.get_mut(partition) {
            state.enter(Phase::AwaitReset { target, reason });
        }
    }

    /// Goes on at a position that needs no validation. Returns the offset before.
    pub(crate) fn seek_validated(
        &mut self,
        partition: &TopicPartition,
        position: Position,
    ) -> Option<Offset> {
        let state = self.partitions.get_mut(partition)?;
        let before = state.position.replace(position);
        state.enter(Phase::Fetching);
        before.map(|before| before.offset)
    }

    /// Goes on at a position, after validation if its epoch is known. Returns the offset before.
    pub(crate) fn seek_unvalidated(
        &mut self,
        partition: &TopicPartition,
        position: Position,
    ) -> Option<Offset> {
        let before = self.seek_validated(partition, position);
        if let Some(state) = self.partitions.get_mut(partition) {
            state.validate();
        }
        before
    }

    /// Records were read up to a position.
    pub(crate) fn advance(
        &mut self,
        partition: &TopicPartition,
        offset: Offset,
        epoch: Option<LeaderEpoch>,
    ) {
        let state = self.partitions.get_mut(partition);
        if let Some(position) = state.and_then(|state| state.position.as_mut()) {
            position.offset = offset;
            position.offset_epoch = epoch.or(position.offset_epoch);
        }
    }

    /// The leader's log still has what was read.
    pub(crate) fn validated(&mut self, partition: &TopicPartition) {
        if let Some(state) = self.partitions.get_mut(partition)
            && state.phase == Phase::AwaitValidation
        {
            state.enter(Phase::Fetching);
        }
    }

    /// The application has to say how to go on.
    pub(crate) fn fail(&mut self, partition: &TopicPartition) {
        if let Some(state) = self.partitions.get_mut(partition) {
            state.enter(Phase::Failed);
        }
    }

    /// Compares all positions with the leaders that are known now
    /// (`maybeValidatePositionForCurrentLeader`).
    pub(crate) fn follow_leaders(&mut self, metadata: &ClientMetadata) {
        for (partition, state) in &mut self.partitions {
            if metadata.partition(partition).is_none() {
                continue;
            }
            // Without a leader nothing is read, not even from the one before: it may be a zombie.
            let known = metadata
                .leader(partition)
                .map(|leader| LeaderAndEpoch { leader, epoch: metadata.leader_epoch(partition) });
            let Some(position) = &mut state.position else { continue };
            let reads = matches!(state.phase, Phase::Fetching | Phase::AwaitValidation);
            if reads && position.leader != known {
                position.leader = known;
                state.enter(Phase::Fetching);
                state.validate();
            }
        }
    }
}

impl PartitionState {
    fn validate(&mut self) {
        let Some(position) = self.position else { return };
        let leader_epoch = position.leader.and_then(|leader| leader.epoch);
        if position.offset_epoch.is_some() && leader_epoch.is_some() {
            self.enter(Phase::AwaitValidation);
        }
    }
}
