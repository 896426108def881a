//! Every batch that any leader ever appended, each once, whoever copied it.
//!
//! A batch is known by where it stands and what it holds: base offset, leader epoch, CRC. Together
//! with the batch before it, which must be the same wherever it stands (the log matching property),
//! this makes whole logs comparable in constant time: two logs that hold one batch are the same
//! below it.

use std::collections::BTreeMap;

use broker::{
    host::event::Appended,
    ids::{BrokerId, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence},
};

use super::{When, sends::AttemptIndex, sends::SendIndex};

/// The number of a batch in its partition, in the order in which they were first appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchId(pub usize);

/// A batch: one copy of each of its records, as the contract counts copies.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// The leader epoch stamped into it.
    pub leader_epoch: LeaderEpoch,
    /// Its CRC-32C.
    pub crc: u32,
    /// How many bytes it takes in the log.
    pub size: u64,
    /// What an idempotent producer stamped into it.
    pub stamp: Option<ProducerStamp>,
    /// The sends whose records it holds, in order; none for a record that no workload sent.
    pub records: Vec<Option<SendIndex>>,
    /// How a leader appended it; none if it was seen only on followers or on disk.
    pub origin: Option<Origin>,
    /// The batch before it, wherever it was first seen.
    pub before: Before,
    /// When the high watermark of a presumed leader that held it first passed it.
    pub committed: Option<Commit>,
}

/// What an idempotent producer stamps into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProducerStamp {
    /// The producer's id.
    pub id: ProducerId,
    /// The producer's epoch.
    pub epoch: ProducerEpoch,
    /// The first sequence.
    pub base_sequence: Sequence,
}

/// How a leader appended a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// When.
    pub when: When,
    /// The leader.
    pub broker: BrokerId,
    /// The attempt that brought it, if it is known.
    pub attempt: Option<AttemptIndex>,
}

/// What stands before a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// It is not known: the log in which it was seen began with it.
    Unknown,
    /// Nothing: its offset is 0.
    Nothing,
    /// This batch.
    Batch(BatchId),
}

/// The high watermark of a presumed leader first passed a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// When.
    pub when: When,
    /// The presumed leader.
    pub broker: BrokerId,
    /// The leader epoch it had adopted.
    pub leader_epoch: LeaderEpoch,
}

/// The batches of a partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batches {
    all: Vec<Batch>,
    places: BTreeMap<(Offset, LeaderEpoch, u32), BatchId>,
}

/// What a replica appends, apart from its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NewBatch {
    pub(super) base_offset: Offset,
    pub(super) last_offset: Offset,
    pub(super) leader_epoch: LeaderEpoch,
    pub(super) crc: u32,
    pub(super) size: u64,
    pub(super) stamp: Option<ProducerStamp>,
    pub(super) origin: Option<Origin>,
}

impl NewBatch {
    pub(super) fn of(appended: &Appended, origin: Option<Origin>) -> Self {
        let stamp = match (appended.producer_id, appended.producer_epoch, appended.base_sequence) {
            (Some(id), Some(epoch), Some(base_sequence)) => {
                Some(ProducerStamp { id, epoch, base_sequence })
            }
            (None | Some(_), _, _) => None,
        };
        Self {
            base_offset: appended.base_offset,
            last_offset: appended.last_offset,
            leader_epoch: appended.leader_epoch,
            crc: appended.crc,
            size: appended.batch.len() as u64,
            stamp,
            origin,
        }
    }
}

impl Batches {
    /// The batch of this number.
    pub fn get(&self, id: BatchId) -> &Batch {
        &self.all[id.0]
    }

    /// All batches, in the order in which they were first appended.
    pub fn iter(&self) -> impl Iterator<Item = (BatchId, &Batch)> {
        self.all.iter().enumerate().map(|(index, batch)| (BatchId(index), batch))
    }

    /// The batch at this place, if there was one.
    pub fn find(&self, base: Offset, epoch: LeaderEpoch, crc: u32) -> Option<BatchId> {
        self.places.get(&(base, epoch, crc)).copied()
    }

    /// The batch of this epoch that holds this offset, if there was one.
    pub fn holding(&self, offset: Offset, epoch: LeaderEpoch) -> Option<BatchId> {
        let below = self.places.range(..=(offset, epoch, u32::MAX)).rev();
        let of_epoch = below.take_while(|((base, ..), _)| offset.since(*base) < 1 << 20);
        let mut found = of_epoch
            .filter(|((_, of, _), id)| *of == epoch && offset <= self.get(**id).last_offset);
        found.next().map(|(_, id)| *id)
    }

    /// Another batch that stands at the same offset in the same epoch, if there is one.
    pub fn conflict(&self, id: BatchId) -> Option<BatchId> {
        let Batch { base_offset: base, leader_epoch: epoch, .. } = *self.get(id);
        let same = self.places.range((base, epoch, 0)..=(base, epoch, u32::MAX));
        same.map(|(_, other)| *other).find(|other| *other != id)
    }

    /// Finds the batch, or notes it with the sends that `records` names.
    pub(super) fn intern(
        &mut self,
        new: &NewBatch,
        before: Before,
        records: impl FnOnce() -> Vec<Option<SendIndex>>,
    ) -> BatchId {
        let place = (new.base_offset, new.leader_epoch, new.crc);
        if let Some(id) = self.places.get(&place) {
            return *id;
        }
        let id = BatchId(self.all.len());
        self.places.insert(place, id);
        self.all.push(Batch {
            base_offset: new.base_offset,
            last_offset: new.last_offset,
            leader_epoch: new.leader_epoch,
            crc: new.crc,
            size: new.size,
            stamp: new.stamp,
            records: records(),
            origin: new.origin,
            before,
            committed: None,
        });
        id
    }

    pub(super) fn commit(&mut self, id: BatchId, commit: Commit) {
        self.all[id.0].committed.get_or_insert(commit);
    }

    /// Completes what was unknown where the batch was first seen.
    pub(super) fn set_before(&mut self, id: BatchId, before: Before) {
        self.all[id.0].before = before;
    }
}
