//! The name of a record, as its value carries it.
//!
//! A workload writes `<producer>:<index>` into every value, padded to the size that was asked for.
//! Whoever sees the bytes, in a log or at a consumer, knows which record it is, whatever brokers
//! and clients say about it.

use std::{fmt, sync::Arc};

use bytes::Bytes;

/// What fills a value up to its size.
const PADDING: u8 = b' ';
const BLOCK: [u8; 16] = [PADDING; 16];

/// The name of a record: its producer's name and its number in the producer's workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordId {
    /// The producer's name.
    pub producer: Arc<str>,
    /// The record's number in the producer's workload, from 0.
    pub index: u64,
}

impl RecordId {
    /// The record `index` of `producer`.
    pub fn new(producer: &str, index: u64) -> Self {
        Self { producer: producer.into(), index }
    }

    /// The value that carries this name: `size` bytes, or more where the name needs more.
    pub fn value(&self, size: usize) -> Bytes {
        let mut value = self.to_string().into_bytes();
        value.resize(value.len().max(size), PADDING);
        value.into()
    }

    /// The name that a value carries, if a workload wrote it.
    pub fn of_value(value: &[u8]) -> Option<Self> {
        parts(value).map(|(producer, index)| Self::new(producer, index))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.producer, self.index)
    }
}

/// Producer and index of a value, without allocation.
pub(super) fn parts(value: &[u8]) -> Option<(&str, u64)> {
    let mut name = value;
    // Most of a value is padding: it goes by the block first.
    while let Some((rest, &BLOCK)) = name.split_last_chunk() {
        name = rest;
    }
    while let Some((&PADDING, rest)) = name.split_last() {
        name = rest;
    }
    let name = std::str::from_utf8(name).ok()?;
    let (producer, index) = name.rsplit_once(':')?;
    Some((producer, index.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::RecordId;

    #[test]
    fn a_value_carries_its_name_whatever_its_size() {
        let id = RecordId::new("p:1", 51);
        for size in [0, 6, 7, 1000] {
            let value = id.value(size);
            assert_eq!(value.len(), size.max(6));
            assert_eq!(RecordId::of_value(&value), Some(id.clone()));
        }
    }

    #[test]
    fn foreign_values_carry_no_name() {
        for value in [&b""[..], b"hello", b"p1:", b"p1:x", b"\xff:1"] {
            assert_eq!(RecordId::of_value(value), None);
        }
    }
}
