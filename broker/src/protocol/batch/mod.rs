//! Record batches of format v2, kept as the bytes that were sent.
//!
//! Mirrors `DefaultRecordBatch`, `DefaultRecord`, `MemoryRecords` and `MemoryRecordsBuilder`
//! (KIP-98). A broker never takes a batch apart: it reads the header, checks the CRC and patches
//! the base offset and the leader epoch ([`stamp`]), which stand outside the CRC. Records are read
//! one by one by those who need them, [`RecordBatch::records`].
//!
//! Older formats are refused. Compressed batches are carried, and their codec is told, but their
//! records cannot be read here.

mod builder;
mod header;
mod leader_change;
mod record;
mod varint;

#[cfg(test)]
mod tests;

use std::fmt;

use bytes::{Bytes, BytesMut};

pub use builder::{BatchBuilder, BatchProducer};
pub use header::{
    Attributes, BatchError, BatchHeader, Compression, HEADER_SIZE, MIN_BATCH_LENGTH, TimestampType,
};
pub use leader_change::leader_change;
pub use record::{Record, RecordError, RecordHeader, Records};

use crate::{
    host::Timestamp,
    ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence},
};

/// One whole batch whose CRC and lengths were checked. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordBatch {
    bytes: Bytes,
}

impl RecordBatch {
    /// Takes the bytes of exactly one batch.
    ///
    /// # Errors
    ///
    /// They are not a batch, see [`BatchError`]; [`BatchError::BadLength`] if more follows it.
    pub fn new(bytes: Bytes) -> Result<Self, BatchError> {
        let header = BatchHeader::read(&bytes)?;
        if header.size() != bytes.len() {
            return Err(BatchError::BadLength { length: header.length });
        }
        header.check_body(&bytes)?;
        Ok(Self { bytes })
    }

    /// All fields of the header.
    pub fn header(&self) -> BatchHeader {
        BatchHeader::read(&self.bytes).expect("the header was read when the batch was made")
    }

    /// The bytes, as they stand on disk and on the wire.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes, for those who need nothing else.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// How many bytes it takes, header included.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The offset of the first record; 0 in a batch that comes from a producer.
    pub fn base_offset(&self) -> Offset {
        Offset(i64::from_be_bytes(self.at(header::BASE_OFFSET)))
    }

    /// The offset of the last record (of the last that the batch was made with, if compacted).
    pub fn last_offset(&self) -> Offset {
        self.base_offset().plus(i64::from(self.last_offset_delta()))
    }

    /// The offset after the last record.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().next()
    }

    /// The last offset less the base offset.
    pub fn last_offset_delta(&self) -> i32 {
        i32::from_be_bytes(self.at(header::LAST_OFFSET_DELTA))
    }

    /// The epoch of the leader that appended it; `None` in a batch that comes from a producer.
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        LeaderEpoch::from_wire(i32::from_be_bytes(self.at(header::LEADER_EPOCH)))
    }

    /// The CRC-32C of everything from the attributes on.
    pub fn crc(&self) -> u32 {
        u32::from_be_bytes(self.at(header::CRC))
    }

    /// Compression, timestamp type, and whether it is transactional or a control batch.
    pub fn attributes(&self) -> Attributes {
        Attributes(i16::from_be_bytes(self.at(header::ATTRIBUTES)))
    }

    /// Whether it holds a control record: a marker of the protocol, never given to applications.
    pub fn is_control(&self) -> bool {
        self.attributes().is_control()
    }

    /// The timestamp that the records' timestamps are relative to.
    pub fn base_timestamp(&self) -> Timestamp {
        Timestamp(i64::from_be_bytes(self.at(header::BASE_TIMESTAMP)))
    }

    /// The largest timestamp of its records.
    pub fn max_timestamp(&self) -> Timestamp {
        Timestamp(i64::from_be_bytes(self.at(header::MAX_TIMESTAMP)))
    }

    /// The idempotent producer that made it, if one did.
    pub fn producer_id(&self) -> Option<ProducerId> {
        let id = i64::from_be_bytes(self.at(header::PRODUCER_ID));
        (0 <= id).then_some(ProducerId(id))
    }

    /// The producer's epoch; −1 without a producer.
    pub fn producer_epoch(&self) -> ProducerEpoch {
        ProducerEpoch(i16::from_be_bytes(self.at(header::PRODUCER_EPOCH)))
    }

    /// The sequence of its first record; −1 without a producer.
    pub fn base_sequence(&self) -> Sequence {
        Sequence(i32::from_be_bytes(self.at(header::BASE_SEQUENCE)))
    }

    /// The sequence of its last record, which wraps; −1 without a producer.
    pub fn last_sequence(&self) -> Sequence {
        self.header().last_sequence()
    }

    /// How many records it holds.
    pub fn record_count(&self) -> i32 {
        i32::from_be_bytes(self.at(header::RECORD_COUNT))
    }

    /// Its records, in order.
    pub fn records(&self) -> Records {
        Records::new(self)
    }

    fn at<const N: usize>(&self, position: usize) -> [u8; N] {
        header::field(&self.bytes, position)
    }
}

impl fmt::Debug for RecordBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordBatch").field(&self.header()).finish()
    }
}

/// Goes through concatenated batches. It ends after the first error.
pub fn batches(bytes: Bytes) -> Batches {
    Batches { rest: bytes }
}

/// The batches of concatenated bytes, each a slice of them, see [`batches`].
#[derive(Clone, Debug, PartialEq)]
pub struct Batches {
    rest: Bytes,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let batch = BatchHeader::read(&self.rest).and_then(|header| {
            if self.rest.len() < header.size() {
                return Err(BatchError::Short { size: self.rest.len() });
            }
            header.check_body(&self.rest[..header.size()])?;
            Ok(RecordBatch { bytes: self.rest.split_to(header.size()) })
        });
        if batch.is_err() {
            self.rest.clear();
        }
        Some(batch)
    }
}

/// Gives the batch its place in the log: its base offset and its leader's epoch. Neither is covered
/// by the CRC, so nothing else changes.
#[must_use]
pub fn stamp(batch: &RecordBatch, base_offset: Offset, leader_epoch: LeaderEpoch) -> RecordBatch {
    let mut bytes = BytesMut::from(&batch.bytes[..]);
    header::put(&mut bytes, header::BASE_OFFSET, base_offset.0.to_be_bytes());
    header::put(&mut bytes, header::LEADER_EPOCH, leader_epoch.0.to_be_bytes());
    RecordBatch { bytes: bytes.freeze() }
}

/// Gives all records of the batch the time of the append (`message.timestamp.type=LogAppendTime`).
/// The header says so, hence the CRC changes.
#[must_use]
pub fn stamp_log_append_time(batch: &RecordBatch, time: Timestamp) -> RecordBatch {
    let mut bytes = BytesMut::from(&batch.bytes[..]);
    let attributes = batch.attributes().with_log_append_time();
    header::put(&mut bytes, header::ATTRIBUTES, attributes.0.to_be_bytes());
    header::put(&mut bytes, header::MAX_TIMESTAMP, time.0.to_be_bytes());
    header::put_crc(&mut bytes);
    RecordBatch { bytes: bytes.freeze() }
}
