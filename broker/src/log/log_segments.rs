//! The segments of a log, by base offset.
//!
//! Mirrors `LogSegments`. There is always at least one; the last is the active one, the only one
//! that is written.
//!
//! What this does not know: what is in a segment.

use super::log_segment::LogSegment;
use crate::ids::Offset;

/// The segments of a log, oldest first, never none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LogSegments {
    segments: Vec<LogSegment>,
}

impl LogSegments {
    /// A log with these segments, which must be in order.
    pub(super) fn new(segments: Vec<LogSegment>) -> Self {
        assert!(!segments.is_empty(), "a log has a segment");
        assert!(segments.windows(2).all(|two| two[0].base_offset() < two[1].base_offset()));
        Self { segments }
    }

    /// The segment that is written.
    pub(super) fn active(&self) -> &LogSegment {
        self.segments.last().expect("a log has a segment")
    }

    /// The segment that is written.
    pub(super) fn active_mut(&mut self) -> &mut LogSegment {
        self.segments.last_mut().expect("a log has a segment")
    }

    /// The oldest segment.
    pub(super) fn first(&self) -> &LogSegment {
        self.segments.first().expect("a log has a segment")
    }

    /// All, oldest first.
    pub(super) fn all(&self) -> &[LogSegment] {
        &self.segments
    }

    /// All, oldest first.
    pub(super) fn all_mut(&mut self) -> &mut [LogSegment] {
        &mut self.segments
    }

    /// The place of the segment that holds `offset`: the last that begins at or before it.
    pub(super) fn floor(&self, offset: Offset) -> Option<usize> {
        if self.active().base_offset() <= offset {
            return Some(self.segments.len() - 1);
        }
        let count = self.segments.partition_point(|segment| segment.base_offset() <= offset);
        count.checked_sub(1)
    }

    /// Makes a new segment the active one.
    pub(super) fn push(&mut self, segment: LogSegment) {
        let (last, new) = (self.active().base_offset(), segment.base_offset());
        assert!(last < new, "segment {new} begins behind segment {last}");
        self.segments.push(segment);
    }

    /// Takes out the oldest segments; one at least must stay.
    pub(super) fn take_oldest(&mut self, count: usize) -> Vec<LogSegment> {
        assert!(count < self.segments.len(), "a log keeps a segment");
        self.segments.drain(..count).collect()
    }

    /// Takes out the segments that begin behind `offset`; the first stays.
    pub(super) fn take_above(&mut self, offset: Offset) -> Vec<LogSegment> {
        let keep = self.segments.partition_point(|segment| segment.base_offset() <= offset).max(1);
        self.segments.split_off(keep)
    }

    /// Takes out everything and begins with another segment.
    pub(super) fn replace(&mut self, segment: LogSegment) -> Vec<LogSegment> {
        core::mem::replace(&mut self.segments, vec![segment])
    }

    /// The bytes of all segments.
    pub(super) fn size(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.size)).sum()
    }
}
