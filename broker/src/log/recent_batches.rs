//! Where the last batches of a segment stand.
//!
//! Mirrors nothing in Kafka, whose brokers find the tail of a segment through the index and a walk
//! over headers in mapped memory. Almost all reads are by followers and consumers that are a few
//! batches behind; this answers them without touching the disk.
//!
//! What this does not know: batches appended before the log was opened or cut.

use std::collections::VecDeque;

use super::batch_scanner::FoundHeader;
use crate::ids::Offset;

/// How many batches are remembered.
const BATCHES_MAX: usize = 64;

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchPosition {
    pub(super) base_offset: Offset,
    pub(super) last_offset: Offset,
    pub(super) position: u32,
    pub(super) size: u32,
}

impl BatchPosition {
    /// The position behind the batch.
    pub(super) fn end(&self) -> u32 {
        self.position + self.size
    }
}

impl From<FoundHeader> for BatchPosition {
    fn from(found: FoundHeader) -> Self {
        Self {
            base_offset: found.header.base_offset,
            last_offset: found.header.last_offset(),
            position: found.position,
            size: u32::try_from(found.header.size()).expect("a batch lies within its segment"),
        }
    }
}

/// The last batches of a segment: each begins where the one before ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RecentBatches {
    batches: VecDeque<BatchPosition>,
}

impl RecentBatches {
    /// Adds the batch that was just appended.
    pub(super) fn push(&mut self, batch: BatchPosition) {
        if let Some(last) = self.batches.back() {
            assert!(last.end() == batch.position, "{batch:?} does not follow {last:?}");
        }
        if self.batches.len() == BATCHES_MAX {
            self.batches.pop_front();
        }
        self.batches.push_back(batch);
    }

    /// The first batch of the segment that ends at or behind `target`, if it is known which.
    pub(super) fn find(&self, target: Offset) -> Option<BatchPosition> {
        let first = self.batches.front()?;
        if target < first.base_offset {
            return None;
        }
        let index = self.batches.partition_point(|batch| batch.last_offset < target);
        self.batches.get(index).copied()
    }

    /// The greatest end of a batch that is not above `position`, if it is known.
    pub(super) fn boundary(&self, position: u32) -> Option<u32> {
        let count = self.batches.partition_point(|batch| batch.end() <= position);
        let first = self.batches.front()?;
        match count.checked_sub(1) {
            Some(index) => Some(self.batches[index].end()),
            None => (first.position <= position).then_some(first.position),
        }
    }

    /// Forgets what stands at or behind `position`.
    pub(super) fn truncate(&mut self, position: u32) {
        let keep = self.batches.partition_point(|batch| batch.end() <= position);
        self.batches.truncate(keep);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.batches = VecDeque::new();
    }
}
