//! Makes batches.
//!
//! Mirrors `MemoryRecordsBuilder`: the base timestamp is that of the first record, the offsets
//! count from 0, and the leader epoch is unknown until a leader appends the batch.

use bytes::BytesMut;

use super::{
    RecordBatch,
    header::{self, Attributes, HEADER_SIZE},
    record::{Draft, RecordHeader},
};
use crate::{
    host::Timestamp,
    ids::{ProducerEpoch, ProducerId, Sequence},
};

/// Who sends a batch, and the sequence of its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchProducer {
    /// The producer's id.
    pub id: ProducerId,
    /// The producer's epoch.
    pub epoch: ProducerEpoch,
    /// The sequence of the first record.
    pub base_sequence: Sequence,
}

/// A batch that is being filled.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchBuilder {
    bytes: BytesMut,
    producer: Option<BatchProducer>,
    attributes: Attributes,
    base_timestamp: Option<Timestamp>,
    max_timestamp: Timestamp,
    count: i32,
}

impl BatchBuilder {
    /// An empty batch, of an idempotent producer or of none.
    pub fn new(producer: Option<BatchProducer>) -> Self {
        Self {
            bytes: BytesMut::zeroed(HEADER_SIZE),
            producer,
            attributes: Attributes::default(),
            base_timestamp: None,
            max_timestamp: Timestamp::NONE,
            count: 0,
        }
    }

    /// An empty control batch.
    pub fn control(producer: Option<BatchProducer>) -> Self {
        let empty = Self::new(producer);
        Self { attributes: empty.attributes.with_control(), ..empty }
    }

    /// Appends a record.
    pub fn append(
        &mut self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[RecordHeader],
    ) {
        let draft = self.draft(timestamp, key, value, headers);
        self.bytes.reserve(draft.size());
        draft.write(&mut self.bytes);
        self.base_timestamp = self.base_timestamp.or(Some(timestamp));
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.count = self.count.checked_add(1).expect("a batch holds fewer than 2^31 records");
    }

    /// How many bytes the batch takes now, header included.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes the batch would take with this record more.
    pub fn size_with(
        &self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[RecordHeader],
    ) -> usize {
        self.size() + self.draft(timestamp, key, value, headers).size()
    }

    /// How many records it holds now.
    pub fn record_count(&self) -> i32 {
        self.count
    }

    /// The producer and the sequence that it was begun with.
    pub fn producer(&self) -> Option<BatchProducer> {
        self.producer
    }

    /// Names the producer later than the records: a producer numbers a batch when it sends it.
    pub fn set_producer(&mut self, producer: BatchProducer) {
        self.producer = Some(producer);
    }

    /// Ends the batch, which must not be empty. Its base offset is 0 and its leader epoch −1.
    pub fn build(self) -> RecordBatch {
        assert!(0 < self.count, "a batch holds at least one record");
        let mut bytes = self.bytes;
        let base_timestamp = self.base_timestamp.unwrap_or(Timestamp::NONE);
        let producer = self.producer.unwrap_or(NO_PRODUCER);
        header::put(&mut bytes, header::LEADER_EPOCH, (-1_i32).to_be_bytes());
        header::put(&mut bytes, header::ATTRIBUTES, self.attributes.0.to_be_bytes());
        header::put(&mut bytes, header::LAST_OFFSET_DELTA, (self.count - 1).to_be_bytes());
        header::put(&mut bytes, header::BASE_TIMESTAMP, base_timestamp.0.to_be_bytes());
        header::put(&mut bytes, header::MAX_TIMESTAMP, self.max_timestamp.0.to_be_bytes());
        header::put(&mut bytes, header::PRODUCER_ID, producer.id.0.to_be_bytes());
        header::put(&mut bytes, header::PRODUCER_EPOCH, producer.epoch.0.to_be_bytes());
        header::put(&mut bytes, header::BASE_SEQUENCE, producer.base_sequence.0.to_be_bytes());
        header::put(&mut bytes, header::RECORD_COUNT, self.count.to_be_bytes());
        header::seal(&mut bytes);
        RecordBatch { bytes: bytes.freeze() }
    }

    fn draft<'a>(
        &self,
        timestamp: Timestamp,
        key: Option<&'a [u8]>,
        value: Option<&'a [u8]>,
        headers: &'a [RecordHeader],
    ) -> Draft<'a> {
        let base = self.base_timestamp.unwrap_or(timestamp);
        let timestamp_delta = timestamp.0.wrapping_sub(base.0);
        Draft { timestamp_delta, offset_delta: self.count, key, value, headers }
    }
}

/// What the header says if nobody in particular made the batch.
const NO_PRODUCER: BatchProducer =
    BatchProducer { id: ProducerId(-1), epoch: ProducerEpoch(-1), base_sequence: Sequence(-1) };
