//! The records of a batch.
//!
//! Mirrors `DefaultRecord` and the iterators of `DefaultRecordBatch`. Keys, values and headers are
//! slices of the batch; nothing is allocated by a length that the bytes do not back. A header's key
//! may stand twice, as in Kafka.

use bytes::{BufMut, Bytes};

use super::{
    RecordBatch,
    header::{Compression, HEADER_SIZE, TimestampType},
    varint,
};
use crate::{
    host::Timestamp,
    ids::{Offset, Sequence},
};

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the partition.
    pub offset: Offset,
    /// Its time, by the clock of the producer or of the broker.
    pub timestamp: Timestamp,
    /// Its number within its producer's epoch; −1 without an idempotent producer.
    pub sequence: Sequence,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; none in a tombstone.
    pub value: Option<Bytes>,
    /// The headers, in order.
    pub headers: Vec<RecordHeader>,
}

/// A header of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Its key, UTF-8 by convention.
    pub key: Bytes,
    /// Its value.
    pub value: Option<Bytes>,
}

/// Why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The batch is compressed. It can be stored and passed on, but not read here.
    #[error("the records are compressed ({0:?})")]
    Compressed(Compression),
    /// A record does not fit its bytes.
    #[error("record {index} of the batch is malformed: {field}")]
    Malformed {
        /// Which record, counted from 0.
        index: i32,
        /// The part that does not fit.
        field: &'static str,
    },
    /// Bytes are left behind the last record.
    #[error("{size} bytes are left behind the last record")]
    TrailingBytes {
        /// How many.
        size: usize,
    },
}

/// The records of a batch, in order. It ends after the first error.
#[derive(Clone, Debug, PartialEq)]
pub struct Records {
    rest: Bytes,
    index: i32,
    count: i32,
    base_offset: Offset,
    base_timestamp: Timestamp,
    append_time: Option<Timestamp>,
    base_sequence: Sequence,
    error: Option<RecordError>,
}

impl Records {
    pub(super) fn new(batch: &RecordBatch) -> Self {
        let header = batch.header();
        let compression = header.attributes.compression();
        let append_time = match header.attributes.timestamp_type() {
            TimestampType::CreateTime => None,
            TimestampType::LogAppendTime => Some(header.max_timestamp),
        };
        let compressed = compression != Compression::None;
        Self {
            rest: batch.bytes().slice(HEADER_SIZE..),
            index: 0,
            count: header.record_count,
            base_offset: header.base_offset,
            base_timestamp: header.base_timestamp,
            append_time,
            base_sequence: header.base_sequence,
            error: compressed.then_some(RecordError::Compressed(compression)),
        }
    }

    fn read_next(&mut self) -> Result<Record, RecordError> {
        let index = self.index;
        let malformed = |field| RecordError::Malformed { index, field };
        let length = varint::read_i32(&mut self.rest).ok_or(malformed("length"))?;
        let length = usize::try_from(length).map_err(|_| malformed("length"))?;
        if self.rest.len() < length {
            return Err(malformed("length"));
        }
        let mut body = self.rest.split_to(length);
        let record = self.read_body(&mut body).map_err(malformed)?;
        if body.is_empty() { Ok(record) } else { Err(malformed("end")) }
    }

    fn read_body(&self, body: &mut Bytes) -> Result<Record, &'static str> {
        if body.is_empty() {
            return Err("attributes");
        }
        // No attribute of a record is assigned.
        drop(body.split_to(1));
        let timestamp_delta = varint::read_i64(body).ok_or("timestamp delta")?;
        let offset_delta = varint::read_i32(body).ok_or("offset delta")?;
        let offset = self.base_offset.0.checked_add(i64::from(offset_delta));
        let own_time = self.base_timestamp.0.wrapping_add(timestamp_delta);
        Ok(Record {
            offset: Offset(offset.ok_or("offset delta")?),
            timestamp: self.append_time.unwrap_or(Timestamp(own_time)),
            sequence: match self.base_sequence {
                none if none.0 < 0 => none,
                base => base.plus(offset_delta),
            },
            key: read_bytes(body, "key")?,
            value: read_bytes(body, "value")?,
            headers: read_headers(body)?,
        })
    }

    fn fail(&mut self, error: RecordError) -> RecordError {
        self.index = self.count;
        self.rest.clear();
        error
    }
}

impl Iterator for Records {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return Some(Err(self.fail(error)));
        }
        if self.count <= self.index {
            let size = self.rest.len();
            return (0 < size).then(|| Err(self.fail(RecordError::TrailingBytes { size })));
        }
        let record = self.read_next();
        self.index += 1;
        Some(record.map_err(|error| self.fail(error)))
    }
}

/// What goes into a record, before it has an offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft<'a> {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: &'a [RecordHeader],
}

impl Draft<'_> {
    /// How many bytes it takes, its length field included.
    pub(super) fn size(&self) -> usize {
        let body = self.body_size();
        varint::size(signed(body)) + body
    }

    pub(super) fn write(&self, to: &mut impl BufMut) {
        varint::write(to, signed(self.body_size()));
        to.put_u8(0);
        varint::write(to, self.timestamp_delta);
        varint::write(to, i64::from(self.offset_delta));
        write_bytes(to, self.key);
        write_bytes(to, self.value);
        varint::write(to, signed(self.headers.len()));
        for header in self.headers {
            write_bytes(to, Some(&header.key));
            write_bytes(to, header.value.as_deref());
        }
    }

    fn body_size(&self) -> usize {
        let headers = self.headers.iter();
        let headers = headers
            .map(|header| bytes_size(Some(&header.key)) + bytes_size(header.value.as_deref()));
        1 + varint::size(self.timestamp_delta)
            + varint::size(i64::from(self.offset_delta))
            + bytes_size(self.key)
            + bytes_size(self.value)
            + varint::size(signed(self.headers.len()))
            + headers.sum::<usize>()
    }
}

fn read_bytes(from: &mut Bytes, what: &'static str) -> Result<Option<Bytes>, &'static str> {
    let length = varint::read_i32(from).ok_or(what)?;
    if length == -1 {
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| what)?;
    if from.len() < length { Err(what) } else { Ok(Some(from.split_to(length))) }
}

fn read_headers(from: &mut Bytes) -> Result<Vec<RecordHeader>, &'static str> {
    let count = varint::read_i32(from).ok_or("header count")?;
    let count = usize::try_from(count).map_err(|_| "header count")?;
    // A header takes two bytes at least.
    if from.len() / 2 < count {
        return Err("header count");
    }
    (0..count).map(|_| read_header(from)).collect()
}

fn read_header(from: &mut Bytes) -> Result<RecordHeader, &'static str> {
    let key = read_bytes(from, "header key")?.ok_or("header key")?;
    Ok(RecordHeader { key, value: read_bytes(from, "header value")? })
}

fn write_bytes(to: &mut impl BufMut, bytes: Option<&[u8]>) {
    match bytes {
        None => varint::write(to, -1),
        Some(bytes) => {
            varint::write(to, signed(bytes.len()));
            to.put_slice(bytes);
        }
    }
}

fn bytes_size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint::size(signed(bytes.len())) + bytes.len())
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).expect("nothing in memory is larger than 2^63 bytes")
}
