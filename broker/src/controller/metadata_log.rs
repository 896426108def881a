//! The metadata log as the controller reads and writes it: records in batches.
//!
//! Mirrors `RecordsBatchReader` and the serialization in `BatchAccumulator`. Who may write, and
//! what is committed, is the business of [`crate::raft`]; what the records decide is not known
//! here.

use crate::{
    host::{Disk, Now, Timestamp},
    ids::Offset,
    metadata::{MetadataRecord, RecordError, ReplayError},
    protocol::batch::{BatchBuilder, RecordBatch, batches},
    raft::{KafkaRaftClient, RaftError},
};

/// How much is read at a time when the log is replayed.
const REPLAY_BYTES: u32 = 1024 * 1024;

/// Why the controller cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MetadataLogError {
    /// The disk failed, or the quorum contradicts what is committed.
    #[error(transparent)]
    Raft(#[from] RaftError),
    /// A batch that a controller wrote is damaged.
    #[error("{0}")]
    Batch(String),
    /// A record that a controller wrote cannot be read.
    #[error("metadata record at offset {offset}: {error}")]
    Record { offset: Offset, error: RecordError },
    /// A record that a controller wrote cannot follow those before it.
    #[error("metadata record at offset {offset}: {error}")]
    Replay { offset: Offset, error: ReplayError },
}

/// A record as it was found in the log.
pub(super) struct Replayed {
    pub(super) offset: Offset,
    /// When the batch was written that holds it.
    pub(super) written: Timestamp,
    pub(super) record: MetadataRecord,
}

/// Records as one batch: all of them or none.
pub(super) fn batch_of(now: Now, records: &[MetadataRecord]) -> RecordBatch {
    let mut batch = BatchBuilder::new(None);
    for record in records {
        batch.append(now.wall, None, Some(&record.encode()), &[]);
    }
    batch.build()
}

/// Calls `each` with the batches that are committed from `from` on, in order.
pub(super) fn committed_batches(
    client: &mut KafkaRaftClient,
    from: Offset,
    disk: &mut dyn Disk,
    mut each: impl FnMut(&RecordBatch) -> Result<(), MetadataLogError>,
) -> Result<(), MetadataLogError> {
    let mut at = from;
    while at < client.high_watermark() {
        for batch in batches(client.read_committed(at, REPLAY_BYTES, disk)?) {
            let batch = batch.map_err(|error| MetadataLogError::Batch(error.to_string()))?;
            at = batch.next_offset();
            each(&batch)?;
        }
    }
    Ok(())
}

/// All records that are committed, in order.
pub(super) fn committed_records(
    client: &mut KafkaRaftClient,
    disk: &mut dyn Disk,
) -> Result<Vec<Replayed>, MetadataLogError> {
    let mut records = Vec::new();
    let start = client.log_start_offset();
    committed_batches(client, start, disk, |batch| {
        if batch.is_control() { Ok(()) } else { records_of(batch, &mut records) }
    })?;
    Ok(records)
}

fn records_of(batch: &RecordBatch, into: &mut Vec<Replayed>) -> Result<(), MetadataLogError> {
    for record in batch.records() {
        let record = record.map_err(|error| MetadataLogError::Batch(error.to_string()))?;
        let value = record.value.unwrap_or_default();
        let decoded = MetadataRecord::decode(&value)
            .map_err(|error| MetadataLogError::Record { offset: record.offset, error })?;
        let written = batch.max_timestamp();
        into.push(Replayed { offset: record.offset, written, record: decoded });
    }
    Ok(())
}
