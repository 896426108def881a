//! What a leader demands of a batch from a client.
//!
//! Mirrors `LogValidator`, `UnifiedLog.analyzeAndValidateRecords` and
//! `ProduceRequest.validateRecords`: exactly one batch of format 2, undamaged, not too large, with
//! base offset 0, and nothing that only brokers may write.
//!
//! What this does not know: the log; whether the batch is a duplicate (see
//! `producer_append_info`).

use bytes::Bytes;

use super::AppendError;
use crate::{
    config::TopicConfig,
    ids::{Offset, Sequence},
    protocol::{
        ErrorCode,
        batch::{BatchError, Compression, RecordBatch, batches},
    },
};

/// Reads the one batch of a produce request for a partition, and checks it.
pub(super) fn validate(records: Bytes, config: &TopicConfig) -> Result<RecordBatch, AppendError> {
    let size = records.len();
    let mut all = batches(records);
    let batch = match all.next() {
        Some(Ok(batch)) => batch,
        Some(Err(error)) => return Err(damaged(error)),
        None => return Err(invalid_record("there is no batch")),
    };
    if all.next().is_some() {
        return Err(invalid_record("there is more than one batch"));
    }
    let header = batch.header();
    if header.base_offset != Offset::ZERO {
        return Err(invalid_record("the base offset is not 0"));
    }
    if header.attributes.is_control() {
        return Err(invalid_record("clients do not write control batches"));
    }
    if header.attributes.is_transactional() {
        return Err(refuse(ErrorCode::InvalidTxnState, "transactions are not modelled"));
    }
    let numbered = 0 <= header.producer_epoch.0 && Sequence::ZERO <= header.base_sequence;
    if header.producer_id.is_some() && !numbered {
        return Err(invalid_record("a batch with a producer id has an epoch and a sequence"));
    }
    if !header.is_dense() {
        return Err(invalid_record("the batch has not as many records as offsets"));
    }
    if (config.max_message_bytes as usize) < size {
        return Err(refuse(ErrorCode::MessageTooLarge, "the batch exceeds max.message.bytes"));
    }
    if (config.segment_bytes as usize) < size {
        return Err(refuse(ErrorCode::RecordListTooLarge, "the batch exceeds segment.bytes"));
    }
    check_records(&batch)?;
    Ok(batch)
}

/// Reads every record, as a follower or consumer will. Compressed ones cannot be read here.
fn check_records(batch: &RecordBatch) -> Result<(), AppendError> {
    if batch.attributes().compression() != Compression::None {
        return Ok(());
    }
    if batch.records().all(|record| record.is_ok()) {
        return Ok(());
    }
    Err(invalid_record("a record cannot be read"))
}

fn damaged(error: BatchError) -> AppendError {
    match error {
        BatchError::Short { .. } | BatchError::BadLength { .. } | BatchError::BadCrc { .. } => {
            refuse(ErrorCode::CorruptMessage, "the batch is damaged")
        }
        BatchError::BadMagic { .. } => invalid_record("the batch is not of format 2"),
        BatchError::BadBaseOffset { .. } => invalid_record("the base offset is not 0"),
        BatchError::BadCount { .. } => invalid_record("the batch's counts contradict each other"),
    }
}

fn invalid_record(reason: &'static str) -> AppendError {
    refuse(ErrorCode::InvalidRecord, reason)
}

fn refuse(code: ErrorCode, reason: &'static str) -> AppendError {
    AppendError::Invalid { code, reason }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::{
        host::Timestamp,
        log::testing::{numbered, plain, sized, small, stamped},
        protocol::batch::BatchBuilder,
    };

    fn refused(records: Bytes) -> &'static str {
        match validate(records, &small()) {
            Err(AppendError::Invalid { code, .. }) => code.name(),
            other => panic!("{other:?}"),
        }
    }

    /// Changes bytes of a batch and makes the CRC right again.
    fn changed(batch: &Bytes, position: usize, bytes: &[u8]) -> Bytes {
        let mut batch = BytesMut::from(&batch[..]);
        batch[position..position + bytes.len()].copy_from_slice(bytes);
        let crc = crc32c::crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        batch.freeze()
    }

    #[test]
    fn one_good_batch_is_taken_as_it_is() {
        let batch = numbered(0, 0, 2);
        assert_eq!(validate(batch.clone(), &small()).unwrap().bytes(), &batch);
    }

    #[test]
    fn none_and_two_batches_are_invalid() {
        assert_eq!(refused(Bytes::new()), "INVALID_RECORD");
        assert_eq!(refused([plain(1, 0), plain(1, 0)].concat().into()), "INVALID_RECORD");
    }

    #[test]
    fn every_flipped_bit_is_refused_but_those_of_the_leader_epoch() {
        let batch = plain(1, 0);
        for position in (0..batch.len()).filter(|position| !(12..16).contains(position)) {
            for bit in 0..8 {
                let mut damaged = BytesMut::from(&batch[..]);
                damaged[position] ^= 1 << bit;
                assert!(validate(damaged.freeze(), &small()).is_err(), "{position} {bit}");
            }
        }
    }

    #[test]
    fn damage_is_a_corrupt_message() {
        let batch = plain(1, 0);
        assert_eq!(refused(batch.slice(..batch.len() - 1)), "CORRUPT_MESSAGE");
        assert_eq!(refused(batch.slice(..40)), "CORRUPT_MESSAGE");
        let mut damaged = BytesMut::from(&batch[..]);
        damaged[65] ^= 1;
        assert_eq!(refused(damaged.freeze()), "CORRUPT_MESSAGE");
    }

    #[test]
    fn an_older_format_is_invalid() {
        let mut old = BytesMut::from(&plain(1, 0)[..]);
        old[16] = 1;
        assert_eq!(refused(old.freeze()), "INVALID_RECORD");
    }

    #[test]
    fn clients_do_not_choose_the_offset() {
        assert_eq!(refused(stamped(plain(1, 0), 1, 0)), "INVALID_RECORD");
        assert!(validate(stamped(plain(1, 0), 0, 9), &small()).is_ok(), "the epoch is replaced");
    }

    #[test]
    fn clients_write_no_control_batches_and_no_transactions() {
        let mut control = BatchBuilder::control(None);
        control.append(Timestamp(0), Some(b"k"), Some(b"v"), &[]);
        assert_eq!(refused(control.build().into_bytes()), "INVALID_RECORD");
        assert_eq!(refused(changed(&plain(1, 0), 21, &[0, 0x10])), "INVALID_TXN_STATE");
    }

    #[test]
    fn a_producer_without_epoch_or_sequence_is_invalid() {
        let batch = numbered(0, 0, 1);
        assert_eq!(refused(changed(&batch, 51, &[0xff; 2])), "INVALID_RECORD");
        assert_eq!(refused(changed(&batch, 53, &[0xff; 4])), "INVALID_RECORD");
    }

    #[test]
    fn counts_that_contradict_each_other_are_invalid() {
        assert_eq!(refused(changed(&plain(2, 0), 57, &[0, 0, 0, 1])), "INVALID_RECORD");
        assert_eq!(refused(changed(&plain(2, 0), 57, &[0, 0, 0, 3])), "INVALID_RECORD");
        assert_eq!(refused(changed(&plain(1, 0), 61, &[0x7e])), "INVALID_RECORD");
    }

    #[test]
    fn a_batch_is_too_large_for_the_topic_before_it_is_for_the_segment() {
        let large = sized(400);
        assert_eq!(refused(large.clone()), "RECORD_LIST_TOO_LARGE");
        let config = TopicConfig { max_message_bytes: 200, ..small() };
        let refused = validate(large, &config).unwrap_err();
        let AppendError::Invalid { code, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(code, ErrorCode::MessageTooLarge);
    }
}
