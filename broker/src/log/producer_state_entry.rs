//! What a partition remembers of one producer.
//!
//! Mirrors `ProducerStateEntry` and `BatchMetadata` (KIP-98): the producer's epoch and its last
//! five batches. Five are exactly enough: with at most five requests in flight, the oldest batch
//! that can still be retried is the fifth from the end.
//!
//! What this does not know: whether a batch is accepted (see `producer_append_info`).

use std::collections::VecDeque;

use crate::{
    host::Timestamp,
    ids::{Offset, ProducerEpoch, ProducerId, Sequence},
    protocol::batch::BatchHeader,
};

/// How many batches of a producer are remembered.
pub(super) const BATCHES_MAX: usize = 5;

/// What producer state needs to know of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProducerBatch {
    /// Who sent it.
    pub(super) producer_id: ProducerId,
    /// In which of its epochs.
    pub(super) producer_epoch: ProducerEpoch,
    /// What is remembered of it.
    pub(super) metadata: BatchMetadata,
}

/// A batch as producer state remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchMetadata {
    /// The sequence of its last record.
    pub(super) last_sequence: Sequence,
    /// The offset of its last record.
    pub(super) last_offset: Offset,
    /// The offset of its last record less that of its first.
    pub(super) offset_delta: i32,
    /// Its greatest timestamp.
    pub(super) timestamp: Timestamp,
}

impl ProducerBatch {
    /// What producer state needs to know of this batch; none if no idempotent producer sent it.
    pub(super) fn of(header: &BatchHeader) -> Option<Self> {
        let numbered = 0 <= header.producer_epoch.0 && Sequence::ZERO <= header.base_sequence;
        if header.attributes.is_control() || !numbered {
            return None;
        }
        Some(Self {
            producer_id: header.producer_id?,
            producer_epoch: header.producer_epoch,
            metadata: BatchMetadata {
                last_sequence: header.last_sequence(),
                last_offset: header.last_offset(),
                offset_delta: header.last_offset_delta,
                timestamp: header.max_timestamp,
            },
        })
    }
}

impl BatchMetadata {
    /// The sequence of its first record.
    pub(super) fn base_sequence(&self) -> Sequence {
        self.last_sequence.plus(-self.offset_delta)
    }

    /// The offset of its first record.
    pub(super) fn base_offset(&self) -> Offset {
        Offset(self.last_offset.0 - i64::from(self.offset_delta))
    }
}

/// The state of one producer: never without a batch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ProducerStateEntry {
    epoch: ProducerEpoch,
    batches: VecDeque<BatchMetadata>,
}

impl ProducerStateEntry {
    /// The state after a producer's first batch.
    pub(super) fn new(epoch: ProducerEpoch, batch: BatchMetadata) -> Self {
        Self { epoch, batches: VecDeque::from([batch]) }
    }

    /// The newest epoch.
    pub(super) fn epoch(&self) -> ProducerEpoch {
        self.epoch
    }

    /// The newest batch.
    pub(super) fn last(&self) -> &BatchMetadata {
        self.batches.back().expect("an entry begins with a batch and loses none without a newer")
    }

    /// Adds a batch. One of another epoch starts the window anew.
    pub(super) fn add(&mut self, epoch: ProducerEpoch, batch: BatchMetadata) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.batches.clear();
        }
        if self.batches.len() == BATCHES_MAX {
            self.batches.pop_front();
        }
        self.batches.push_back(batch);
    }

    /// The remembered batch that is this one, sent before.
    pub(super) fn find_duplicate(&self, batch: &ProducerBatch) -> Option<&BatchMetadata> {
        let same = |known: &&BatchMetadata| {
            known.base_sequence() == batch.metadata.base_sequence()
                && known.last_sequence == batch.metadata.last_sequence
        };
        if batch.producer_epoch != self.epoch {
            return None;
        }
        self.batches.iter().find(same)
    }

    /// Forgets all but the newest batch, as a snapshot does.
    pub(super) fn keep_last(&mut self) {
        self.batches.drain(..self.batches.len() - 1);
    }
}
