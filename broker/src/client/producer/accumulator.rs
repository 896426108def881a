//! Records that wait to be sent, in batches (Kafka's `RecordAccumulator` and `BufferPool`).
//!
//! Each partition has a queue of batches; records go to the last, the first is sent next. A batch
//! waits for more records for `linger.ms`, unless something makes it go at once. What is sent again
//! comes back to the head: a producer without idempotence whose connection ended with several
//! requests in flight therefore sends them again in reverse order. An idempotent one puts them
//! back in the order of their numbers.
//!
//! What it does not know: connections and answers.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    batch::{BatchId, Exposure, PendingRecord, ProducerBatch, Stage},
    config::ProducerConfig,
    partitioner::LastBatch,
    transaction_manager::{Batches, DrainGate, TransactionManager},
};
use crate::{
    client::metadata::ClientMetadata,
    host::Instant,
    ids::{BrokerId, TopicName, TopicPartition},
};

/// Whether something makes all batches go at once: a flush, a close, a full buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Batches may wait for more records.
    Linger,
    /// None may.
    AtOnce,
}

/// Whether a record was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Append {
    /// It is part of a batch.
    Done,
    /// The buffer is full.
    NoRoom,
}

/// What [`RecordAccumulator::ready`] found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Readiness {
    /// Brokers that lead a partition with a batch that can go.
    pub(crate) nodes: BTreeSet<BrokerId>,
    /// When to look again, if nothing happens before.
    pub(crate) next_check: Option<Instant>,
    /// Topics with batches for partitions without a known leader.
    pub(crate) unknown_leader_topics: BTreeSet<TopicName>,
}

/// Records that wait to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordAccumulator {
    /// All batches that have not ended, and those that wait for a last answer.
    pub(crate) batches: Batches,
    queues: BTreeMap<TopicPartition, VecDeque<BatchId>>,
    /// With one request in flight for each connection: partitions that have one.
    muted: BTreeSet<TopicPartition>,
    /// The moments at which batches that have not ended expire.
    expiries: BTreeSet<(Instant, BatchId)>,
    /// Where to begin draining for each broker, so that no partition starves the others.
    drain_from: BTreeMap<BrokerId, TopicPartition>,
    available_memory: u64,
    next_origin: u64,
    last_part: u32,
    batch_size: usize,
    linger: Duration,
    delivery_timeout: Duration,
}

impl RecordAccumulator {
    pub(crate) fn new(config: &ProducerConfig) -> Self {
        Self {
            batches: BTreeMap::new(),
            queues: BTreeMap::new(),
            muted: BTreeSet::new(),
            expiries: BTreeSet::new(),
            drain_from: BTreeMap::new(),
            available_memory: config.buffer_memory,
            next_origin: 0,
            last_part: 0,
            batch_size: config.batch_size as usize,
            linger: config.linger_ms.duration(),
            delivery_timeout: config.delivery_timeout(),
        }
    }

    /// Takes a record, if the buffer has room.
    pub(crate) fn append(
        &mut self,
        now: Instant,
        partition: &TopicPartition,
        record: &PendingRecord,
    ) -> Append {
        let last = self.queues.get(partition).and_then(VecDeque::back);
        let last = last.and_then(|id| self.batches.get_mut(id));
        if last.is_some_and(|last| last.try_append(record)) {
            return Append::Done;
        }
        let write_limit = self.batch_size.max(record.batch_size_upper_bound());
        let reserved = write_limit as u64;
        if self.available_memory < reserved {
            return Append::NoRoom;
        }
        self.available_memory -= reserved;
        let id = BatchId { origin: self.next_origin, part: 0 };
        self.next_origin += 1;
        let batch = ProducerBatch::new(partition.clone(), now, write_limit, reserved, record);
        self.track(id, batch);
        self.queues.entry(partition.clone()).or_default().push_back(id);
        Append::Done
    }

    /// Whether the last batch of a partition takes more records.
    pub(crate) fn last_batch(&self, partition: &TopicPartition) -> LastBatch {
        let last = self.queues.get(partition).and_then(VecDeque::back);
        match last.map(|id| &self.batches[id]) {
            Some(batch) if !batch.is_full() => LastBatch::HasRoom,
            Some(_) | None => LastBatch::Full,
        }
    }

    /// Which brokers can be sent something.
    pub(crate) fn ready(
        &mut self,
        now: Instant,
        metadata: &ClientMetadata,
        urgency: Urgency,
    ) -> Readiness {
        let mut found = Readiness::default();
        for (partition, queue) in &self.queues {
            let Some(head) = queue.front() else { continue };
            let Some(leader) = metadata.leader(partition) else {
                found.unknown_leader_topics.insert(partition.topic.clone());
                continue;
            };
            if self.muted.contains(partition) {
                continue;
            }
            let batch = &self.batches[head];
            let full = 1 < queue.len() || batch.is_full() || urgency == Urgency::AtOnce;
            let lingered = if full { batch.queued } else { batch.queued.plus(self.linger) };
            let at = lingered.max(backed_off_until(batch, partition, metadata));
            if at <= now {
                found.nodes.insert(leader);
            } else {
                found.next_check = Instant::earliest(found.next_check, Some(at));
            }
        }
        found
    }

    /// Takes one batch of each partition that `node` leads, up to `max_size` bytes in all.
    pub(crate) fn drain(
        &mut self,
        now: Instant,
        node: BrokerId,
        metadata: &ClientMetadata,
        transactions: &mut Option<TransactionManager>,
        max_size: usize,
    ) -> Vec<BatchId> {
        let mut drained = Vec::new();
        let mut size = 0;
        for partition in self.partitions_in_turn(node, metadata) {
            self.drain_from.insert(node, partition.clone());
            let Some(&id) = self.queues.get(&partition).and_then(VecDeque::front) else { continue };
            let batch = self.batches.get_mut(&id).expect("what is queued is there");
            if self.muted.contains(&partition)
                || now < backed_off_until(batch, &partition, metadata)
            {
                continue;
            }
            // Whoever comes next must wait for a partition that may not go: so does Kafka.
            let too_much = max_size < size + batch.size() && !drained.is_empty();
            let gate = transactions.as_ref().map_or(DrainGate::Open, |all| all.gate(id, batch));
            if too_much || gate == DrainGate::Shut {
                break;
            }
            if let Some(transactions) = transactions {
                transactions.number(id, batch);
            }
            batch.leader_epoch = metadata.leader_epoch(&partition);
            size += batch.size();
            self.queues.get_mut(&partition).expect("its head was just read").pop_front();
            drained.push(id);
        }
        drained
    }

    /// Puts a batch back, to be sent again not before `retry_at`.
    pub(crate) fn reenqueue(
        &mut self,
        now: Instant,
        id: BatchId,
        retry_at: Instant,
        transactions: Option<&TransactionManager>,
    ) {
        let batch = self.batches.get_mut(&id).expect("what failed is there");
        batch.attempts += 1;
        batch.queued = now;
        batch.retry_at = Some(retry_at);
        let partition = batch.partition.clone();
        self.insert(&partition, id, transactions);
    }

    /// Splits a batch that was refused as too large, and puts its parts back.
    pub(crate) fn split_and_reenqueue(
        &mut self,
        id: BatchId,
        transactions: &mut Option<TransactionManager>,
    ) {
        let Some(batch) = self.remove(id) else { return };
        let partition = batch.partition.clone();
        // At most half of what was refused, so that splitting comes to an end where the broker
        // takes less than `batch.size`.
        let limit = self.batch_size.min(batch.size().div_ceil(2));
        let parts: Vec<BatchId> = batch
            .split(limit)
            .into_iter()
            .map(|batch| {
                self.last_part += 1;
                let id = BatchId { origin: id.origin, part: self.last_part };
                self.track(id, batch);
                id
            })
            .collect();
        if let Some(transactions) = transactions {
            transactions.replace(&partition, id, &parts);
        }
        for part in parts.into_iter().rev() {
            self.insert(&partition, part, transactions.as_ref());
        }
    }

    /// Takes a batch that has reached `delivery.timeout.ms`, out of its queue too if it is in one.
    pub(crate) fn next_expired(&mut self, now: Instant) -> Option<BatchId> {
        let (at, id) = *self.expiries.first()?;
        if now < at {
            return None;
        }
        self.expiries.pop_first();
        self.unqueue(id);
        Some(id)
    }

    /// When the next batch expires.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// Whether a batch has reached `delivery.timeout.ms`.
    pub(crate) fn has_expired(&self, batch: &ProducerBatch, now: Instant) -> bool {
        batch.created.plus(self.delivery_timeout) <= now
    }

    /// A batch has ended for the application: its memory is free.
    pub(crate) fn ended(&mut self, id: BatchId) {
        let batch = self.batches.get_mut(&id).expect("what ends is there");
        batch.stage = Stage::Done;
        self.available_memory += std::mem::take(&mut batch.reserved);
        self.expiries.remove(&(batch.created.plus(self.delivery_timeout), id));
    }

    /// Forgets a batch.
    pub(crate) fn remove(&mut self, id: BatchId) -> Option<ProducerBatch> {
        let batch = self.batches.remove(&id)?;
        self.available_memory += batch.reserved;
        self.expiries.remove(&(batch.created.plus(self.delivery_timeout), id));
        Some(batch)
    }

    /// The oldest batch that has not ended.
    pub(crate) fn oldest_incomplete(&self) -> Option<u64> {
        let mut batches = self.batches.iter();
        batches.find(|(_, batch)| batch.stage != Stage::Done).map(|(id, _)| id.origin)
    }

    /// The number that the next batch will have.
    pub(crate) fn next_origin(&self) -> u64 {
        self.next_origin
    }

    /// All batches that have not ended, oldest first, out of their queues.
    pub(crate) fn abort(&mut self) -> Vec<BatchId> {
        self.queues.clear();
        let open = self.batches.iter().filter(|(_, batch)| batch.stage != Stage::Done);
        open.map(|(id, _)| *id).collect()
    }

    pub(crate) fn mute(&mut self, partition: &TopicPartition) {
        self.muted.insert(partition.clone());
    }

    pub(crate) fn unmute(&mut self, partition: &TopicPartition) {
        self.muted.remove(partition);
    }

    fn track(&mut self, id: BatchId, batch: ProducerBatch) {
        self.expiries.insert((batch.created.plus(self.delivery_timeout), id));
        self.batches.insert(id, batch);
    }

    fn unqueue(&mut self, id: BatchId) {
        let partition = &self.batches[&id].partition;
        if let Some(queue) = self.queues.get_mut(partition) {
            queue.retain(|other| *other != id);
        }
    }

    /// Puts a batch at the head, or among numbered ones at its place.
    fn insert(
        &mut self,
        partition: &TopicPartition,
        id: BatchId,
        transactions: Option<&TransactionManager>,
    ) {
        let queue = self.queues.entry(partition.clone()).or_default();
        let at = transactions.map_or(0, |transactions| {
            let rank = transactions.rank(partition, id);
            queue
                .iter()
                .take_while(|other| {
                    transactions.rank(partition, **other).is_some_and(|its| Some(its) < rank)
                })
                .count()
        });
        queue.insert(at, id);
    }

    /// The partitions that `node` leads and that have batches, beginning after those that had
    /// their turn.
    fn partitions_in_turn(&self, node: BrokerId, metadata: &ClientMetadata) -> Vec<TopicPartition> {
        let led = |partition: &&TopicPartition| metadata.leader(partition) == Some(node);
        let waiting = || self.queues.iter().filter(|(_, queue)| !queue.is_empty()).map(|(p, _)| p);
        let Some(from) = self.drain_from.get(&node) else {
            return waiting().filter(led).cloned().collect();
        };
        let after = waiting().filter(|partition| from <= *partition);
        let before = waiting().filter(|partition| *partition < from);
        after.chain(before).filter(led).cloned().collect()
    }
}

/// When the back-off of a batch ends. A new leader ends it at once (KIP-580, KAFKA-15868).
fn backed_off_until(
    batch: &ProducerBatch,
    partition: &TopicPartition,
    metadata: &ClientMetadata,
) -> Instant {
    let leader_changed = batch.leader_epoch < metadata.leader_epoch(partition);
    if leader_changed { batch.queued } else { batch.retry_at.unwrap_or(batch.queued) }
}

/// What an expired or aborted batch's application may be told.
impl ProducerBatch {
    /// Whether nothing of it can be in any log.
    pub(crate) fn surely_absent(&self) -> bool {
        self.exposure == Exposure::SurelyAbsent
    }
}
