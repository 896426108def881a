//! Under which name and number batches leave an idempotent producer (the idempotent part of Kafka's
//! `TransactionManager`, `TxnPartitionMap` and `TxnPartitionEntry`; KIP-98, KIP-360).
//!
//! A leader takes the batches of a producer's epoch in the order of their numbers only, and knows
//! the last five of each partition. When it says that a number is out of order although nothing
//! before it is missing on this side, the producer raises its own epoch and numbers everything that
//! is not answered in the partition from 0 again. Other partitions take the new epoch when
//! they have nothing unanswered (KAFKA-12152).
//!
//! What it does not know: time, connections, why a batch ended.

use std::collections::{BTreeMap, BTreeSet};

use super::batch::{BatchId, ProducerBatch};
use crate::{
    ids::{Offset, ProducerEpoch, ProducerId, Sequence, TopicPartition},
    protocol::{ErrorCode, batch::BatchProducer},
};

/// Batches by their names.
pub(crate) type Batches = BTreeMap<BatchId, ProducerBatch>;

/// A producer's id and epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProducerIdAndEpoch {
    pub(crate) id: ProducerId,
    pub(crate) epoch: ProducerEpoch,
}

/// Whether the first batch of a queue may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DrainGate {
    Open,
    Shut,
}

/// What to do about a refused batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    Yes,
    No,
}

/// Whether numbers after a failed batch have to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdjustSequences {
    Yes,
    No,
}

/// The names and numbers of a producer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TransactionManager {
    /// None until the cluster gave one.
    identity: Option<ProducerIdAndEpoch>,
    /// The one before, whose epochs are used up.
    exhausted: Option<ProducerIdAndEpoch>,
    partitions: BTreeMap<TopicPartition, PartitionEntry>,
    /// Partitions in which a batch that was sent again ended without an answer, with the number
    /// after it.
    unresolved: BTreeMap<TopicPartition, Sequence>,
    /// Partitions that need a new epoch, and why.
    bump_required: BTreeMap<TopicPartition, &'static str>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct PartitionEntry {
    identity: Option<ProducerIdAndEpoch>,
    next: Option<Sequence>,
    last_acked: Option<Sequence>,
    /// Numbered and not ended, in the order of their numbers.
    in_flight: Vec<BatchId>,
}

impl TransactionManager {
    pub(crate) fn new() -> Self {
        Self {
            identity: None,
            exhausted: None,
            partitions: BTreeMap::new(),
            unresolved: BTreeMap::new(),
            bump_required: BTreeMap::new(),
        }
    }

    /// The name to send under, if there is one.
    pub(crate) fn identity(&self) -> Option<ProducerIdAndEpoch> {
        self.identity
    }

    /// The cluster gave a name. What was numbered under an exhausted one is numbered anew.
    /// Returns why it is another one.
    pub(crate) fn assigned(
        &mut self,
        identity: ProducerIdAndEpoch,
        batches: &mut Batches,
    ) -> Option<&'static str> {
        self.identity = Some(identity);
        self.rewrite_sequences(batches);
        self.exhausted.take().map(|_| "the epochs of the last id are used up")
    }

    /// Looks at partitions with unresolved numbers, and raises the epoch if one needs it. Returns
    /// why it was raised.
    pub(crate) fn advance(&mut self, batches: &mut Batches) -> Option<&'static str> {
        self.resolve_sequences();
        let identity = self.identity?;
        let reason = *self.bump_required.values().next()?;
        if identity.epoch.0 == i16::MAX {
            self.exhausted = self.identity.take();
            return None;
        }
        let epoch = ProducerEpoch(identity.epoch.0 + 1);
        self.identity = Some(ProducerIdAndEpoch { epoch, ..identity });
        self.rewrite_sequences(batches);
        Some(reason)
    }

    /// Whether the batch at the head of its queue may be sent
    /// (`RecordAccumulator.shouldStopDrainBatchesForPartition`).
    pub(crate) fn gate(&self, id: BatchId, batch: &ProducerBatch) -> DrainGate {
        if self.identity.is_none() {
            return DrainGate::Shut;
        }
        let entry = self.partitions.get(&batch.partition);
        let first_in_flight = entry.and_then(|entry| entry.in_flight.first());
        let shut = if batch.producer.is_none() {
            // A batch of a new epoch must not overtake those of the old one, nor any those whose
            // fate is not known.
            let stale = entry.is_some_and(|entry| entry.identity != self.identity);
            (stale && first_in_flight.is_some()) || self.unresolved.contains_key(&batch.partition)
        } else {
            // It is sent again: only the first in line may, which makes it one at a time.
            first_in_flight.is_some_and(|first| *first != id)
        };
        if shut { DrainGate::Shut } else { DrainGate::Open }
    }

    /// Numbers a batch that leaves for the first time.
    pub(crate) fn number(&mut self, id: BatchId, batch: &mut ProducerBatch) {
        if batch.producer.is_some() {
            return;
        }
        let identity = self.identity.expect("the gate is shut without an id");
        let entry = self.partitions.entry(batch.partition.clone()).or_default();
        if entry.identity != Some(identity) && entry.in_flight.is_empty() {
            *entry = PartitionEntry { identity: Some(identity), ..PartitionEntry::default() };
        }
        let base_sequence = entry.next.unwrap_or(Sequence::ZERO);
        let ProducerIdAndEpoch { id: producer, epoch } = identity;
        batch.producer = Some(BatchProducer { id: producer, epoch, base_sequence });
        entry.next = Some(base_sequence.plus(batch.record_count()));
        entry.in_flight.push(id);
    }

    /// Where in its partition's order of numbers a batch stands.
    pub(crate) fn rank(&self, partition: &TopicPartition, id: BatchId) -> Option<usize> {
        self.partitions.get(partition)?.in_flight.iter().position(|other| *other == id)
    }

    /// A batch was appended.
    pub(crate) fn completed(&mut self, id: BatchId, batch: &ProducerBatch) {
        let entry = self.partitions.entry(batch.partition.clone()).or_default();
        let last = batch.last_sequence().expect("a batch that was sent has a number");
        if entry.last_acked.is_none_or(|acked| is_after(last, acked)) {
            entry.last_acked = Some(last);
        }
        entry.in_flight.retain(|other| *other != id);
    }

    /// A batch was given up.
    pub(crate) fn failed(
        &mut self,
        id: BatchId,
        partition: &TopicPartition,
        error: Option<ErrorCode>,
        adjust: AdjustSequences,
    ) {
        self.forget(partition, id);
        match error {
            Some(ErrorCode::OutOfOrderSequenceNumber) => {
                self.require_bump(partition, "a batch failed out of order");
            }
            Some(ErrorCode::UnknownProducerId) => {
                self.partitions.remove(partition);
                self.unresolved.remove(partition);
            }
            _ if adjust == AdjustSequences::Yes => {
                self.require_bump(partition, "a batch failed, its number is free");
            }
            _ => {}
        }
    }

    /// A batch ended without an answer after it was sent again: nothing new may be sent until those
    /// after it have ended.
    pub(crate) fn mark_unresolved(&mut self, batch: &ProducerBatch) {
        let Some(last) = batch.last_sequence() else { return };
        let next = last.plus(1);
        let later = self.unresolved.get(&batch.partition).is_none_or(|old| is_after(next, *old));
        if later {
            self.unresolved.insert(batch.partition.clone(), next);
        }
    }

    /// A batch is no longer in flight, or is replaced by its parts.
    pub(crate) fn replace(&mut self, partition: &TopicPartition, id: BatchId, parts: &[BatchId]) {
        let Some(entry) = self.partitions.get_mut(partition) else { return };
        if let Some(at) = entry.in_flight.iter().position(|other| *other == id) {
            entry.in_flight.splice(at..=at, parts.iter().copied());
        }
    }

    /// Whether a refused batch is to be sent again.
    pub(crate) fn can_retry(
        &mut self,
        batch: &ProducerBatch,
        error: ErrorCode,
        log_start: Option<Offset>,
    ) -> Retry {
        match error {
            ErrorCode::UnknownProducerId => {
                // Without a log start the answer was made while the partition moved away; after
                // a new numbering it belongs to the old one.
                if log_start.is_some() && !batch.sequence_reset {
                    self.require_bump(&batch.partition, "the leader does not know the producer");
                }
                Retry::Yes
            }
            ErrorCode::OutOfOrderSequenceNumber => {
                self.on_out_of_order(batch);
                Retry::Yes
            }
            _ if error.is_retriable() => Retry::Yes,
            _ => Retry::No,
        }
    }

    fn on_out_of_order(&mut self, batch: &ProducerBatch) {
        let first = batch.producer.map(|name| name.base_sequence);
        let gap = match self.unresolved.get(&batch.partition) {
            // An earlier one is missing or comes again: this one will have its turn.
            None => !batch.sequence_reset && first == Some(self.next_expected(&batch.partition)),
            Some(unresolved) => first == Some(*unresolved),
        };
        if gap {
            self.require_bump(&batch.partition, "the leader misses what it acknowledged");
        }
    }

    /// The number after the last acknowledged one.
    fn next_expected(&self, partition: &TopicPartition) -> Sequence {
        let acked = self.partitions.get(partition).and_then(|entry| entry.last_acked);
        acked.map_or(Sequence::ZERO, |last| last.plus(1))
    }

    fn require_bump(&mut self, partition: &TopicPartition, reason: &'static str) {
        self.bump_required.entry(partition.clone()).or_insert(reason);
    }

    fn forget(&mut self, partition: &TopicPartition, id: BatchId) {
        self.replace(partition, id, &[]);
    }

    fn resolve_sequences(&mut self) {
        let ended: BTreeSet<TopicPartition> = self
            .unresolved
            .keys()
            .filter(|partition| {
                self.partitions.get(*partition).is_none_or(|entry| entry.in_flight.is_empty())
            })
            .cloned()
            .collect();
        for partition in ended {
            let next = self.partitions.get(&partition).and_then(|entry| entry.next);
            if next.unwrap_or(Sequence::ZERO) != self.next_expected(&partition) {
                self.require_bump(&partition, "a batch expired after a retry");
            }
            self.unresolved.remove(&partition);
        }
    }

    /// Numbers what is in flight in the partitions that need it from 0, under the present name.
    fn rewrite_sequences(&mut self, batches: &mut Batches) {
        let Some(identity) = self.identity else { return };
        for partition in std::mem::take(&mut self.bump_required).into_keys() {
            self.unresolved.remove(&partition);
            let entry = self.partitions.entry(partition).or_default();
            let mut base_sequence = Sequence::ZERO;
            for id in &entry.in_flight {
                let batch = batches.get_mut(id).expect("what is in flight is there");
                let ProducerIdAndEpoch { id, epoch } = identity;
                batch.rename(BatchProducer { id, epoch, base_sequence });
                base_sequence = base_sequence.plus(batch.record_count());
            }
            entry.identity = Some(identity);
            entry.next = Some(base_sequence);
            entry.last_acked = None;
        }
    }
}

/// Whether `a` comes after `b` on the circle of 2³¹ numbers.
fn is_after(a: Sequence, b: Sequence) -> bool {
    const HALF: i64 = 1 << 30;
    let distance = (i64::from(a.0) - i64::from(b.0)).rem_euclid(1 << 31);
    (1..HALF).contains(&distance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::producer::batch::PendingRecord,
        host::{Instant, Timestamp},
        ids::SendId,
    };

    const FIRST: BatchId = BatchId { origin: 0, part: 0 };
    const SECOND: BatchId = BatchId { origin: 1, part: 0 };

    fn batch(records: u64) -> ProducerBatch {
        let record = |send| PendingRecord {
            send: SendId(send),
            timestamp: Timestamp(0),
            key: None,
            value: bytes::Bytes::new(),
            headers: Vec::new(),
        };
        let partition = TopicPartition::new("t", 0);
        let mut batch = ProducerBatch::new(partition, Instant(0), 1_000, 0, &record(0));
        for send in 1..records {
            assert!(batch.try_append(&record(send)));
        }
        batch
    }

    /// A manager whose next number is this one, and all before it acknowledged.
    fn before(next: i32) -> TransactionManager {
        let mut manager = TransactionManager::new();
        let id = ProducerIdAndEpoch { id: ProducerId(1), epoch: ProducerEpoch(0) };
        manager.assigned(id, &mut Batches::new());
        let entry = PartitionEntry {
            identity: Some(id),
            next: Some(Sequence(next)),
            last_acked: Some(Sequence(next).plus(-1)),
            in_flight: Vec::new(),
        };
        manager.partitions.insert(TopicPartition::new("t", 0), entry);
        manager
    }

    #[test]
    fn numbers_go_on_from_zero_after_the_largest() {
        let mut manager = before(i32::MAX - 1);
        let (mut first, mut second) = (batch(3), batch(1));
        manager.number(FIRST, &mut first);
        manager.number(SECOND, &mut second);
        assert_eq!(first.producer.unwrap().base_sequence, Sequence(i32::MAX - 1));
        assert_eq!(first.last_sequence(), Some(Sequence(0)));
        assert_eq!(second.producer.unwrap().base_sequence, Sequence(1));
        manager.completed(FIRST, &first);
        // What follows the wrap is the next expected: out of order there is a gap.
        let out_of_order = ErrorCode::OutOfOrderSequenceNumber;
        assert_eq!(manager.can_retry(&second, out_of_order, None), Retry::Yes);
        assert!(!manager.bump_required.is_empty());
    }

    #[test]
    fn later_on_the_circle_is_less_than_half_way_ahead() {
        assert!(is_after(Sequence(0), Sequence(i32::MAX)));
        assert!(is_after(Sequence(5), Sequence(4)));
        assert!(!is_after(Sequence(4), Sequence(4)));
        assert!(!is_after(Sequence(i32::MAX), Sequence(0)));
    }

    #[test]
    fn a_batch_that_is_sent_again_waits_for_those_before_it() {
        let mut manager = before(0);
        let (mut first, mut second) = (batch(1), batch(1));
        manager.number(FIRST, &mut first);
        manager.number(SECOND, &mut second);
        assert_eq!(manager.gate(FIRST, &first), DrainGate::Open);
        assert_eq!(manager.gate(SECOND, &second), DrainGate::Shut);
        manager.completed(FIRST, &first);
        assert_eq!(manager.gate(SECOND, &second), DrainGate::Open);
    }
}
