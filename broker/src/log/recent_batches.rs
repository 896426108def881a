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

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches of two records and ten bytes; `skipped` of them are before the first.
    fn recent(skipped: u32, count: u32) -> RecentBatches {
        let mut recent = RecentBatches::default();
        for n in skipped..skipped + count {
            let base_offset = Offset(i64::from(2 * n));
            let last_offset = base_offset.next();
            recent.push(BatchPosition { base_offset, last_offset, position: 10 * n, size: 10 });
        }
        recent
    }

    #[test]
    fn a_batch_is_found_by_each_of_its_offsets_if_it_is_among_the_last() {
        let recent = recent(3, 2);
        let position = |target| recent.find(Offset(target)).map(|batch| batch.position);
        let found = [5, 6, 7, 8, 9, 10].map(position);
        assert_eq!(found, [None, Some(30), Some(30), Some(40), Some(40), None]);
    }

    #[test]
    fn only_the_last_batches_are_remembered() {
        let recent = recent(0, 70);
        assert_eq!(recent.find(Offset(11)), None);
        assert_eq!(recent.find(Offset(12)).unwrap().position, 60);
    }

    #[test]
    fn a_boundary_is_the_end_of_the_last_batch_that_fits() {
        let recent = recent(3, 2);
        let boundaries = [29, 30, 39, 40, 49, 50, 99].map(|position| recent.boundary(position));
        let known = [30, 30, 40, 40, 50, 50].map(Some);
        assert_eq!(boundaries[0], None);
        assert_eq!(boundaries[1..], known);
    }

    #[test]
    fn what_is_cut_is_forgotten() {
        let mut recent = recent(0, 3);
        recent.truncate(10);
        assert_eq!(recent.find(Offset(2)), None);
        assert_eq!(recent.find(Offset(1)).unwrap().position, 0);
    }
}
