//! Whether a client's batch is new, known or out of order.
//!
//! Mirrors `ProducerAppendInfo` and the duplicate check of `UnifiedLog` (KIP-98, KIP-360), for what
//! clients append. Batches that a follower copies are not checked: the leader did that.
//!
//! What this does not know: where the batch will stand.

use super::{
    AppendError,
    producer_state_entry::{BatchMetadata, ProducerBatch, ProducerStateEntry},
};
use crate::{ids::Sequence, protocol::ErrorCode};

/// What a batch is, if it is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// To be appended.
    New,
    /// Appended before, as this.
    Duplicate(BatchMetadata),
}

/// Judges a batch by what is known of its producer.
pub(super) fn judge(
    entry: Option<&ProducerStateEntry>,
    batch: &ProducerBatch,
) -> Result<Verdict, AppendError> {
    // Nothing is known of the producer: it is new, or its state expired, or was deleted with its
    // records. Any sequence may be the next.
    let Some(entry) = entry else { return Ok(Verdict::New) };
    if let Some(known) = entry.find_duplicate(batch) {
        return Ok(Verdict::Duplicate(*known));
    }
    if batch.producer_epoch < entry.epoch() {
        return Err(AppendError::Invalid {
            code: ErrorCode::InvalidProducerEpoch,
            reason: "the producer has begun a newer epoch",
        });
    }
    let expected = if batch.producer_epoch == entry.epoch() {
        entry.last().last_sequence.plus(1)
    } else {
        Sequence::ZERO
    };
    if batch.metadata.base_sequence() == expected {
        return Ok(Verdict::New);
    }
    Err(AppendError::Invalid {
        code: ErrorCode::OutOfOrderSequenceNumber,
        reason: "the first sequence does not follow the last one known",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        host::Timestamp,
        ids::{Offset, ProducerEpoch, ProducerId},
    };

    fn batch(epoch: i16, first: i32, last: i32, last_offset: i64) -> ProducerBatch {
        let count = Sequence(last).plus(-first).0;
        ProducerBatch {
            producer_id: ProducerId(7),
            producer_epoch: ProducerEpoch(epoch),
            metadata: BatchMetadata {
                last_sequence: Sequence(last),
                last_offset: Offset(last_offset),
                offset_delta: count,
                timestamp: Timestamp(1),
            },
        }
    }

    fn entry(batches: &[ProducerBatch]) -> ProducerStateEntry {
        let mut entry = ProducerStateEntry::new(batches[0].producer_epoch, batches[0].metadata);
        for batch in &batches[1..] {
            entry.add(batch.producer_epoch, batch.metadata);
        }
        entry
    }

    fn code(result: &Result<Verdict, AppendError>) -> ErrorCode {
        let Err(AppendError::Invalid { code, .. }) = result else { panic!("{result:?}") };
        *code
    }

    #[test]
    fn without_state_any_first_sequence_is_accepted() {
        assert_eq!(judge(None, &batch(3, 17, 19, 0)), Ok(Verdict::New));
    }

    #[test]
    fn the_sequence_after_the_last_is_accepted_and_any_other_is_out_of_order() {
        let entry = entry(&[batch(0, 0, 9, 9)]);
        assert_eq!(judge(Some(&entry), &batch(0, 10, 12, 0)), Ok(Verdict::New));
        for first in [5, 11, 0] {
            let refused = judge(Some(&entry), &batch(0, first, first + 1, 0));
            assert_eq!(code(&refused), ErrorCode::OutOfOrderSequenceNumber, "{first}");
        }
    }

    #[test]
    fn each_of_the_last_five_batches_is_known_as_a_duplicate_and_the_sixth_is_not() {
        let sent: Vec<_> = (0..6).map(|n| batch(0, 2 * n, 2 * n + 1, i64::from(2 * n))).collect();
        let entry = entry(&sent);
        for again in &sent[1..] {
            assert_eq!(judge(Some(&entry), again), Ok(Verdict::Duplicate(again.metadata)));
        }
        let refused = judge(Some(&entry), &sent[0]);
        assert_eq!(code(&refused), ErrorCode::OutOfOrderSequenceNumber);
    }

    #[test]
    fn a_newer_epoch_begins_at_sequence_zero() {
        let entry = entry(&[batch(0, 0, 9, 9)]);
        assert_eq!(judge(Some(&entry), &batch(1, 0, 0, 0)), Ok(Verdict::New));
        let refused = judge(Some(&entry), &batch(1, 10, 10, 0));
        assert_eq!(code(&refused), ErrorCode::OutOfOrderSequenceNumber);
    }

    #[test]
    fn an_older_epoch_is_fenced_even_for_a_batch_that_was_appended() {
        let entry = entry(&[batch(4, 0, 9, 9), batch(5, 0, 0, 10)]);
        let refused = judge(Some(&entry), &batch(4, 0, 9, 0));
        assert_eq!(code(&refused), ErrorCode::InvalidProducerEpoch);
    }

    #[test]
    fn sequences_wrap_between_batches_and_within_one() {
        let full = entry(&[batch(0, i32::MAX - 1, i32::MAX, 1)]);
        assert_eq!(judge(Some(&full), &batch(0, 0, 3, 0)), Ok(Verdict::New));
        let wrapping = batch(0, i32::MAX, 1, 4);
        assert_eq!(wrapping.metadata.offset_delta, 2);
        let entry = entry(&[wrapping]);
        assert_eq!(judge(Some(&entry), &wrapping), Ok(Verdict::Duplicate(wrapping.metadata)));
        assert_eq!(judge(Some(&entry), &batch(0, 2, 2, 0)), Ok(Verdict::New));
    }
}
