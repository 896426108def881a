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
        BatchError::BadBaseOffset { .. } => invalid_record("the batch's offset cannot be"),
        BatchError::BadCount { .. } => invalid_record("the batch's counts contradict each other"),
    }
}

fn invalid_record(reason: &'static str) -> AppendError {
    refuse(ErrorCode::InvalidRecord, reason)
}

fn refuse(code: ErrorCode, reason: &'static str) -> AppendError {
    AppendError::Invalid { code, reason }
}
