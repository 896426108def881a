//! What was committed: the batches that a presumed leader's high watermark has passed, in order of
//! offset, less what is void.
//!
//! The promise of the contract is on these. Where an election ends the promise (an unclean one, or
//! one after every electable replica lost its disk), the range above the new leader's log end is
//! void from then on, so that later checks raise no false alarm.

use broker::ids::{LeaderEpoch, Offset};

use super::{
    batches::{BatchId, Batches, Commit},
    facts::Fact,
    replica::{Entry, Replica},
};

/// The committed batches of a partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commitment {
    sequence: Vec<Committed>,
    voids: Vec<VoidRange>,
    highest: Offset,
}

/// A committed batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The batch.
    pub batch: BatchId,
    /// Its first offset.
    pub base: Offset,
    /// Its last offset.
    pub last: Offset,
}

/// A range on which the promise ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoidRange {
    /// The first offset.
    pub from: Offset,
    /// The leader epoch in which it ended: what older epochs commit above is void at birth.
    pub epoch: LeaderEpoch,
}

impl Commitment {
    /// The committed batches that are not void.
    pub fn sequence(&self) -> &[Committed] {
        &self.sequence
    }

    /// The last committed batch that is not void.
    pub fn last(&self) -> Option<&Committed> {
        self.sequence.last()
    }

    /// The true high watermark: the offset behind the last committed record.
    pub fn high_watermark(&self) -> Offset {
        self.sequence.last().map_or(Offset::ZERO, |last| last.last.next())
    }

    /// The highest high watermark that any presumed leader ever had.
    pub fn highest_ever(&self) -> Offset {
        self.highest
    }

    /// The ranges on which the promise ended, in order.
    pub fn voids(&self) -> &[VoidRange] {
        &self.voids
    }

    /// A leader that died inside a step had a high watermark that it did not tell.
    pub(super) fn raise_highest(&mut self, high_watermark: Offset) {
        self.highest = self.highest.max(high_watermark);
    }

    /// The first of these entries, in order, that is committed.
    pub(super) fn first_of(&self, entries: &[Entry]) -> Option<BatchId> {
        let first = entries.first()?;
        let index = self.sequence.partition_point(|committed| committed.base < first.base);
        let committed = self.sequence.get(index)?;
        entries
            .iter()
            .find(|entry| committed.base <= entry.base)
            .and_then(|entry| (entry.batch == committed.batch).then_some(committed.batch))
    }

    /// A presumed leader's high watermark stands at `to`.
    pub(super) fn advance(
        &mut self,
        replica: &Replica,
        to: Offset,
        commit: Commit,
        batches: &mut Batches,
        facts: &mut Vec<Fact>,
    ) {
        self.highest = self.highest.max(to);
        let entries = replica.entries();
        let end = entries.partition_point(|entry| entry.base < to);
        // Below a batch that is committed already everything is: only the rest is looked at.
        let known = entries[..end].iter().rposition(|entry| self.contains(entry));
        let fresh = &entries[known.map_or(0, |index| index + 1)..end];
        for entry in fresh {
            batches.commit(entry.batch, commit);
            if !self.void_at_birth(entry.base, commit.leader_epoch) {
                self.put(entry, commit, facts);
            }
        }
        if let Some(last) = fresh.last() {
            facts.push(Fact::Committed { broker: commit.broker, last: last.batch });
        }
    }

    /// Voids what this replica, the leader of `epoch`, lacks.
    pub(super) fn void_missing(&mut self, replica: &Replica, epoch: LeaderEpoch) -> Vec<BatchId> {
        let holds = |committed: &Committed| replica.holds(committed.batch, committed.base);
        let keep = self.sequence.iter().rposition(holds).map_or(0, |index| index + 1);
        let missing: Vec<BatchId> = self.sequence.drain(keep..).map(|c| c.batch).collect();
        if !missing.is_empty() {
            self.voids.push(VoidRange { from: self.high_watermark(), epoch });
        }
        missing
    }

    fn void_at_birth(&self, base: Offset, epoch: LeaderEpoch) -> bool {
        self.voids.iter().any(|void| epoch < void.epoch && void.from <= base)
    }

    fn contains(&self, entry: &Entry) -> bool {
        let index = self.sequence.partition_point(|committed| committed.base < entry.base);
        self.sequence.get(index).is_some_and(|committed| committed.batch == entry.batch)
    }

    fn put(&mut self, entry: &Entry, commit: Commit, facts: &mut Vec<Fact>) {
        let index = self.sequence.partition_point(|committed| committed.last < entry.base);
        let item = Committed { batch: entry.batch, base: entry.base, last: entry.last };
        match self.sequence.get(index) {
            None => self.sequence.push(item),
            Some(there) if there.batch == entry.batch => {}
            Some(there) if there.base <= entry.last => {
                let (broker, committed) = (commit.broker, there.batch);
                facts.push(Fact::Rewritten { broker, committed, now: entry.batch });
                self.sequence[index] = item;
            }
            Some(_) => self.sequence.insert(index, item),
        }
    }
}
