//! Golden vectors and hostile bytes.
use bytes::Bytes;

use super::*;

/// Three records of producer 4242: a plain one, one with a header and no key, a tombstone.
const OF_A_PRODUCER: &str = "00000000000000000000005900000000023a6a93470000000000020000018bcfe568\
     000000018bcfe568050000000000001092000300000011000000031a000000046b300a68656c6c6f0020000a02010c\
     776f726c6421020268027610000604046b320100";

/// One record "x" of nobody in particular.
const MINIMAL: &str = "00000000000000000000003900000000026a9a62380000000000000000000000000000\
     0000000000000000ffffffffffffffffffffffffffff000000010e00000001027800";

fn bytes_of(hex: &str) -> Bytes {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn batch_of(hex: &str) -> RecordBatch {
    RecordBatch::new(bytes_of(hex)).unwrap()
}

#[test]
fn the_golden_batch_of_a_producer_is_read_field_by_field() {
    let batch = batch_of(OF_A_PRODUCER);
    assert_eq!(batch.size(), 101);
    assert_eq!(batch.base_offset(), Offset(0));
    assert_eq!(batch.last_offset(), Offset(2));
    assert_eq!(batch.next_offset(), Offset(3));
    assert_eq!(batch.leader_epoch(), Some(LeaderEpoch(0)));
    assert_eq!(batch.crc(), 0x3a6a_9347);
    assert_eq!(batch.attributes(), Attributes(0));
    assert_eq!(batch.base_timestamp(), Timestamp(1_700_000_000_000));
    assert_eq!(batch.max_timestamp(), Timestamp(1_700_000_000_005));
    assert_eq!(batch.producer_id(), Some(ProducerId(4242)));
    assert_eq!(batch.producer_epoch(), ProducerEpoch(3));
    assert_eq!(batch.base_sequence(), Sequence(17));
    assert_eq!(batch.last_sequence(), Sequence(19));
    assert_eq!(batch.record_count(), 3);
    assert!(batch.header().is_dense() && !batch.is_control());
}
