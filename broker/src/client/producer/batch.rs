//! Records on their way to one partition, which succeed or fail together (Kafka's `ProducerBatch`).
//!
//! A batch keeps its records until it ends, so that it can be encoded again under another producer
//! epoch (KIP-360) or be split when the broker finds it too large. It also keeps what is known of
//! its attempts: whether any of them may have left a copy in a log.

use bytes::Bytes;

use super::Header;
use crate::{
    host::{Instant, Timestamp},
    ids::{LeaderEpoch, SendId, Sequence, TopicPartition},
    protocol::batch::{BatchBuilder, BatchProducer, HEADER_SIZE, RecordBatch},
};

/// Names a batch within one producer. Parts of a split batch share the origin, so that what waits
/// for all batches up to some origin waits for them too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchId {
    /// The number of the batch as it was gathered.
    pub(crate) origin: u64,
    /// The number of the part, none twice; 0 is the whole.
    pub(crate) part: u32,
}

/// A record that waits for its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PendingRecord {
    /// The send it came with.
    pub(crate) send: SendId,
    /// When the application sent it.
    pub(crate) timestamp: Timestamp,
    /// The key.
    pub(crate) key: Option<Bytes>,
    /// The value.
    pub(crate) value: Bytes,
    /// The headers.
    pub(crate) headers: Vec<Header>,
}

/// What is known of the attempts that have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// No attempt was made, or each was refused with a code that says "not appended".
    SurelyAbsent,
    /// An attempt is under way, or ended without saying that nothing was appended.
    MaybeAppended,
}

/// Whether the batch still takes records or results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// More records may come.
    Open,
    /// It was drained at least once: its records are fixed.
    Closed,
    /// The application was told how it ended. It waits here only for the answer to its last
    /// request.
    Done,
}

/// Records on their way to one partition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProducerBatch {
    /// Where it goes.
    pub(crate) partition: TopicPartition,
    /// When its first record came: `delivery.timeout.ms` counts from here.
    pub(crate) created: Instant,
    /// When it last came into the queue.
    pub(crate) queued: Instant,
    /// Not to be sent before, unless the leader changes.
    pub(crate) retry_at: Option<Instant>,
    /// How often it was put back into the queue.
    pub(crate) attempts: u32,
    /// The leader's epoch when it was last sent.
    pub(crate) leader_epoch: Option<LeaderEpoch>,
    /// Its name, once it was drained by an idempotent producer.
    pub(crate) producer: Option<BatchProducer>,
    /// Whether it got another name since it was last drained.
    pub(crate) sequence_reset: bool,
    /// What is known of its attempts.
    pub(crate) exposure: Exposure,
    /// Whether it takes records or results.
    pub(crate) stage: Stage,
    /// What it takes of `buffer.memory`.
    pub(crate) reserved: u64,
    sends: Vec<SendId>,
    content: Content,
    write_limit: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Building(BatchBuilder),
    Built(RecordBatch),
}

impl ProducerBatch {
    /// A batch with its first record, which always fits.
    pub(crate) fn new(
        partition: TopicPartition,
        now: Instant,
        write_limit: usize,
        reserved: u64,
        first: &PendingRecord,
    ) -> Self {
        let mut builder = BatchBuilder::new(None);
        first.write_to(&mut builder);
        Self {
            partition,
            created: now,
            queued: now,
            retry_at: None,
            attempts: 0,
            leader_epoch: None,
            producer: None,
            sequence_reset: false,
            exposure: Exposure::SurelyAbsent,
            stage: Stage::Open,
            reserved,
            sends: vec![first.send],
            content: Content::Building(builder),
            write_limit,
        }
    }

    /// Takes a record if there is room. Says whether it did.
    pub(crate) fn try_append(&mut self, record: &PendingRecord) -> bool {
        let Content::Building(builder) = &mut self.content else { return false };
        if self.stage != Stage::Open || self.write_limit < record.size_in(builder) {
            return false;
        }
        record.write_to(builder);
        self.sends.push(record.send);
        true
    }

    /// Whether nothing more fits.
    pub(crate) fn is_full(&self) -> bool {
        self.stage != Stage::Open || self.write_limit <= self.size()
    }

    /// Its size on the wire, in bytes.
    pub(crate) fn size(&self) -> usize {
        match &self.content {
            Content::Building(builder) => builder.size(),
            Content::Built(batch) => batch.size(),
        }
    }

    /// How many records it has.
    pub(crate) fn record_count(&self) -> i32 {
        i32::try_from(self.sends.len()).expect("a batch has fewer than 2^31 records")
    }

    /// The number of its last record.
    pub(crate) fn last_sequence(&self) -> Option<Sequence> {
        self.producer.map(|name| name.base_sequence.plus(self.record_count() - 1))
    }

    /// Its sends, in order.
    pub(crate) fn sends(&self) -> &[SendId] {
        &self.sends
    }

    /// Gives it another name, under which it is sent next.
    pub(crate) fn rename(&mut self, name: BatchProducer) {
        self.producer = Some(name);
        self.sequence_reset = true;
        if let Content::Built(batch) = &self.content {
            let mut builder = BatchBuilder::new(None);
            for record in pending(&self.sends, batch) {
                record.write_to(&mut builder);
            }
            self.content = Content::Building(builder);
        }
    }

    /// Fixes its records and gives its bytes.
    pub(crate) fn close(&mut self) -> Bytes {
        self.stage = Stage::Closed;
        self.sequence_reset = false;
        let empty = Content::Building(BatchBuilder::new(None));
        let batch = match std::mem::replace(&mut self.content, empty) {
            Content::Built(batch) => batch,
            Content::Building(mut builder) => {
                if let Some(name) = self.producer {
                    builder.set_producer(name);
                }
                builder.build()
            }
        };
        let bytes = batch.bytes().clone();
        self.content = Content::Built(batch);
        bytes
    }

    /// Puts the records of a batch that was sent into batches of at most `write_limit` bytes. A
    /// record that is larger gets one of its own.
    pub(crate) fn split(self, write_limit: usize) -> Vec<Self> {
        let Content::Built(batch) = &self.content else { return vec![self] };
        let mut parts: Vec<Self> = Vec::new();
        for (place, record) in (0..).zip(pending(&self.sends, batch)) {
            if parts.last_mut().is_some_and(|last| last.try_append(&record)) {
                continue;
            }
            let partition = self.partition.clone();
            let mut part = Self::new(partition, self.created, write_limit, 0, &record);
            part.queued = self.queued;
            part.exposure = self.exposure;
            part.producer = self.producer.map(|name| BatchProducer {
                base_sequence: name.base_sequence.plus(place),
                ..name
            });
            parts.push(part);
        }
        for part in &mut parts {
            part.stage = Stage::Closed;
        }
        parts
    }
}

/// The records of a batch that this producer has made, each with its send.
fn pending<'a>(
    sends: &'a [SendId],
    batch: &RecordBatch,
) -> impl Iterator<Item = PendingRecord> + use<'a> {
    sends.iter().zip(batch.records()).map(|(send, record)| {
        let record = record.expect("this producer made the batch");
        PendingRecord {
            send: *send,
            timestamp: record.timestamp,
            key: record.key,
            value: record.value.unwrap_or_default(),
            headers: record.headers,
        }
    })
}

impl PendingRecord {
    /// The most that a batch with this record alone can take (Kafka's
    /// `AbstractRecords.estimateSizeInBytesUpperBound`).
    pub(crate) fn batch_size_upper_bound(&self) -> usize {
        // Attributes, and a length, a timestamp and an offset of ten, five and five bytes.
        const RECORD_OVERHEAD: usize = 21;
        HEADER_SIZE + RECORD_OVERHEAD + self.payload_size()
    }

    fn size_in(&self, builder: &BatchBuilder) -> usize {
        let value = Some(&self.value[..]);
        builder.size_with(self.timestamp, self.key.as_deref(), value, &self.headers)
    }

    fn write_to(&self, builder: &mut BatchBuilder) {
        let value = Some(&self.value[..]);
        builder.append(self.timestamp, self.key.as_deref(), value, &self.headers);
    }

    fn payload_size(&self) -> usize {
        let headers = self.headers.iter().map(|header| {
            prefixed(Some(header.key.len())) + prefixed(header.value.as_ref().map(Bytes::len))
        });
        prefixed(self.key.as_ref().map(Bytes::len))
            + prefixed(Some(self.value.len()))
            + varint(self.headers.len())
            + headers.sum::<usize>()
    }
}

/// The size of bytes with their length before them; −1 stands for none.
fn prefixed(length: Option<usize>) -> usize {
    length.map_or(1, |length| varint(length) + length)
}

/// The size of a length in zigzag and groups of seven bits.
fn varint(length: usize) -> usize {
    let bits = usize::BITS - (length << 1).leading_zeros();
    bits.max(1).div_ceil(7) as usize
}
