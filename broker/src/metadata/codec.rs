//! Kafka's flexible encoding (KIP-482), as far as metadata records need it.
//!
//! The wire crate knows the messages of the network, not the records of the metadata log, so this
//! file holds the primitives: unsigned varints, compact strings and arrays, tagged fields. A reader
//! never panics and never allocates more than the bytes it was given could fill.

use std::sync::Arc;

use thiserror::Error;

use crate::ids::{BrokerId, TopicId};

/// Bytes that are no metadata record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// The bytes end inside a field.
    #[error("the record ends inside a field")]
    Truncated,
    /// A field holds what it cannot hold.
    #[error("invalid {0}")]
    Invalid(&'static str),
    /// The frame is of a version that is not known.
    #[error("unknown frame version {0}")]
    UnknownFrameVersion(u32),
    /// No record type has this key.
    #[error("unknown record type {0}")]
    UnknownType(u32),
    /// The record type is known, the version is not.
    #[error("unsupported version {version} of record type {key}")]
    UnsupportedVersion {
        /// The record type.
        key: u32,
        /// The version it claims.
        version: u32,
    },
    /// Something follows the record.
    #[error("{0} bytes behind the record")]
    TrailingBytes(usize),
}

/// Reads fields from the front of a slice.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn end(&self) -> Result<(), RecordError> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(RecordError::TrailingBytes(more)),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn i8(&mut self) -> Result<i8, RecordError> {
        self.array().map(i8::from_be_bytes)
    }

    pub(super) fn i16(&mut self) -> Result<i16, RecordError> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, RecordError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, RecordError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, RecordError> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn uuid(&mut self) -> Result<[u8; 16], RecordError> {
        self.array()
    }

    pub(super) fn topic_id(&mut self) -> Result<TopicId, RecordError> {
        self.uuid().map(TopicId)
    }

    pub(super) fn bool(&mut self) -> Result<bool, RecordError> {
        Ok(self.i8()? != 0)
    }

    pub(super) fn unsigned_varint(&mut self) -> Result<u32, RecordError> {
        let mut value = 0_u64;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| RecordError::Invalid("varint"));
            }
        }
        Err(RecordError::Invalid("varint"))
    }

    /// A length as compact types write it: one more than it is, 0 for null.
    fn compact_length(&mut self) -> Result<Option<usize>, RecordError> {
        let raw = self.unsigned_varint()?;
        Ok(raw.checked_sub(1).map(|length| length as usize))
    }

    pub(super) fn nullable_string(&mut self) -> Result<Option<&'a str>, RecordError> {
        let Some(length) = self.compact_length()? else { return Ok(None) };
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(Some).map_err(|_| RecordError::Invalid("string"))
    }

    pub(super) fn string(&mut self) -> Result<Arc<str>, RecordError> {
        let text = self.nullable_string()?.ok_or(RecordError::Invalid("null string"))?;
        Ok(text.into())
    }

    /// An array of elements that take at least one byte each.
    pub(super) fn nullable_array<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, RecordError>,
    ) -> Result<Option<Vec<T>>, RecordError> {
        let Some(length) = self.compact_length()? else { return Ok(None) };
        if self.rest.len() < length {
            return Err(RecordError::Truncated);
        }
        (0..length).map(|_| element(self)).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn elements<T>(
        &mut self,
        element: impl FnMut(&mut Self) -> Result<T, RecordError>,
    ) -> Result<Vec<T>, RecordError> {
        self.nullable_array(element)?.ok_or(RecordError::Invalid("null array"))
    }

    pub(super) fn broker(&mut self) -> Result<BrokerId, RecordError> {
        BrokerId::from_wire(self.i32()?).ok_or(RecordError::Invalid("broker id"))
    }

    pub(super) fn brokers(&mut self) -> Result<Vec<BrokerId>, RecordError> {
        self.elements(Self::broker)
    }

    pub(super) fn nullable_brokers(&mut self) -> Result<Option<Vec<BrokerId>>, RecordError> {
        self.nullable_array(Self::broker)
    }

    /// The tagged fields at the end of a structure: `field` is told each tag it may know, with the
    /// bytes of that field alone. Unknown tags are skipped, as Kafka does.
    pub(super) fn tagged_fields(
        &mut self,
        mut field: impl FnMut(u32, &mut Reader<'a>) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let size = self.unsigned_varint()?;
            let mut inner = Reader::new(self.take(size as usize)?);
            field(tag, &mut inner)?;
        }
        Ok(())
    }

    pub(super) fn no_tagged_fields(&mut self) -> Result<(), RecordError> {
        self.tagged_fields(|_, _| Ok(()))
    }
}

/// Appends fields to a buffer.
#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn i8(&mut self, value: i8) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn i16(&mut self, value: i16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn uuid(&mut self, value: [u8; 16]) {
        self.bytes.extend_from_slice(&value);
    }

    pub(super) fn unsigned_varint(&mut self, mut value: u32) {
        while 0x80 <= value {
            self.bytes.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.bytes.push(value.to_le_bytes()[0]);
    }

    fn compact_length(&mut self, length: usize) {
        let length = u32::try_from(length).expect("a record is far smaller than 4 GiB");
        self.unsigned_varint(length + 1);
    }

    pub(super) fn string(&mut self, text: &str) {
        self.compact_length(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn nullable_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.unsigned_varint(0),
        }
    }

    pub(super) fn brokers(&mut self, brokers: &[BrokerId]) {
        self.array_length(brokers.len());
        for broker in brokers {
            self.i32(broker.0);
        }
    }

    /// The length of an array whose elements the caller writes next.
    pub(super) fn array_length(&mut self, length: usize) {
        self.compact_length(length);
    }

    pub(super) fn tagged_fields(&mut self, fields: &TaggedFields) {
        self.unsigned_varint(fields.count);
        self.bytes.extend_from_slice(&fields.bytes.bytes);
    }

    pub(super) fn no_tagged_fields(&mut self) {
        self.unsigned_varint(0);
    }
}

/// The tagged fields of one structure, collected in ascending order of their tags.
#[derive(Default)]
pub(super) struct TaggedFields {
    count: u32,
    bytes: Writer,
}

impl TaggedFields {
    pub(super) fn add(&mut self, tag: u32, field: impl FnOnce(&mut Writer)) {
        let mut inner = Writer::default();
        field(&mut inner);
        let size = u32::try_from(inner.bytes.len()).expect("a record is far smaller than 4 GiB");
        self.count += 1;
        self.bytes.unsigned_varint(tag);
        self.bytes.unsigned_varint(size);
        self.bytes.bytes.extend_from_slice(&inner.bytes);
    }

    pub(super) fn add_brokers(&mut self, tag: u32, brokers: Option<&[BrokerId]>) {
        if let Some(brokers) = brokers {
            self.add(tag, |field| field.brokers(brokers));
        }
    }
}
