//! The bytes of a snapshot of producer state.
//!
//! Mirrors the message `ProducerSnapshot` and the reading and writing of it in
//! `ProducerStateManager`: version 1, a CRC-32C of what follows it, then the producers with their
//! last batch, all big-endian.
//!
//! What this does not know: to which offset the state belongs; the file's name says it.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut};

use super::producer_state_entry::{BatchMetadata, ProducerStateEntry};
use crate::{
    host::Timestamp,
    ids::{Offset, ProducerEpoch, ProducerId, Sequence},
};

const VERSION: i16 = 1;
const ENTRY_SIZE: usize = 46;
/// What the two fields for transactions say when there is none.
const NO_COORDINATOR_EPOCH: i32 = -1;
const NO_TRANSACTION: i64 = -1;

/// Writes the producers, each with its last batch.
pub(super) fn encode(producers: &BTreeMap<ProducerId, ProducerStateEntry>) -> Vec<u8> {
    let mut body = Vec::with_capacity(4 + producers.len() * ENTRY_SIZE);
    body.put_u32(u32::try_from(producers.len()).expect("fewer producers than 2^32"));
    for (producer_id, entry) in producers {
        let last = entry.last();
        body.put_i64(producer_id.0);
        body.put_i16(entry.epoch().0);
        body.put_i32(last.last_sequence.0);
        body.put_i64(last.last_offset.0);
        body.put_i32(last.offset_delta);
        body.put_i64(last.timestamp.0);
        body.put_i32(NO_COORDINATOR_EPOCH);
        body.put_i64(NO_TRANSACTION);
    }
    let mut bytes = Vec::with_capacity(6 + body.len());
    bytes.put_i16(VERSION);
    bytes.put_u32(crc32c::crc32c(&body));
    bytes.extend_from_slice(&body);
    bytes
}

/// Reads the producers; none if the bytes are no whole snapshot.
pub(super) fn decode(mut bytes: &[u8]) -> Option<BTreeMap<ProducerId, ProducerStateEntry>> {
    if bytes.len() < 10 || bytes.get_i16() != VERSION {
        return None;
    }
    if bytes.get_u32() != crc32c::crc32c(bytes) {
        return None;
    }
    let count = usize::try_from(bytes.get_u32()).ok()?;
    if bytes.len() != count.checked_mul(ENTRY_SIZE)? {
        return None;
    }
    let mut producers = BTreeMap::new();
    for mut entry in bytes.chunks_exact(ENTRY_SIZE) {
        let (producer_id, epoch) = (ProducerId(entry.get_i64()), ProducerEpoch(entry.get_i16()));
        let batch = BatchMetadata {
            last_sequence: Sequence(entry.get_i32()),
            last_offset: Offset(entry.get_i64()),
            offset_delta: entry.get_i32(),
            timestamp: Timestamp(entry.get_i64()),
        };
        producers.insert(producer_id, ProducerStateEntry::new(epoch, batch));
    }
    Some(producers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> BTreeMap<ProducerId, ProducerStateEntry> {
        let batch = BatchMetadata {
            last_sequence: Sequence(9),
            last_offset: Offset(109),
            offset_delta: 2,
            timestamp: Timestamp(5),
        };
        [(ProducerId(7), ProducerStateEntry::new(ProducerEpoch(3), batch))].into()
    }

    #[test]
    fn the_bytes_are_those_of_the_message_producer_snapshot() {
        let bytes = encode(&one());
        let mut body = vec![0, 0, 0, 1];
        body.extend([0, 0, 0, 0, 0, 0, 0, 7, 0, 3, 0, 0, 0, 9]);
        body.extend([0, 0, 0, 0, 0, 0, 0, 109, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 5]);
        body.extend([0xff; 12]);
        assert_eq!(bytes[..2], [0, 1]);
        assert_eq!(bytes[2..6], crc32c::crc32c(&body).to_be_bytes());
        assert_eq!(bytes[6..], body);
    }

    #[test]
    fn a_snapshot_is_read_back() {
        assert_eq!(decode(&encode(&one())), Some(one()));
        assert_eq!(decode(&encode(&BTreeMap::new())), Some(BTreeMap::new()));
    }

    #[test]
    fn no_damaged_or_cut_snapshot_is_read() {
        let bytes = encode(&one());
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "cut at {length}");
        }
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x10;
            assert_eq!(decode(&damaged), None, "damaged at {position}");
        }
    }
}
