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

fn record(batch: &RecordBatch, index: usize) -> Record {
    batch.records().nth(index).unwrap().unwrap()
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Header, record bytes and CRC put together anew after `change`.
fn resealed(hex: &str, change: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut bytes = BytesMut::from(&bytes_of(hex)[..]);
    change(&mut bytes);
    header::seal(&mut bytes);
    bytes.freeze()
}

#[test]
fn the_golden_records_are_read_with_their_headers_and_nulls() {
    let batch = batch_of(OF_A_PRODUCER);
    assert_eq!(batch.records().count(), 3);
    let first = record(&batch, 0);
    assert_eq!((first.offset, first.sequence), (Offset(0), Sequence(17)));
    assert_eq!(first.timestamp, Timestamp(1_700_000_000_000));
    assert_eq!(
        (first.key, first.value, first.headers),
        (Some(text("k0")), Some(text("hello")), vec![])
    );
    let second = record(&batch, 1);
    assert_eq!((second.offset, second.sequence), (Offset(1), Sequence(18)));
    assert_eq!(second.timestamp, Timestamp(1_700_000_000_005));
    assert_eq!((second.key, second.value), (None, Some(text("world!"))));
    let header = RecordHeader { key: text("h"), value: Some(text("v")) };
    assert_eq!(second.headers, [header]);
    let third = record(&batch, 2);
    assert_eq!(third.timestamp, Timestamp(1_700_000_000_003));
    assert_eq!((third.key, third.value, third.headers), (Some(text("k2")), None, vec![]));
}

#[test]
fn the_golden_batch_of_a_producer_is_built_byte_for_byte() {
    let golden = batch_of(OF_A_PRODUCER);
    let producer = BatchProducer {
        id: ProducerId(4242),
        epoch: ProducerEpoch(3),
        base_sequence: Sequence(17),
    };
    let mut builder = BatchBuilder::new(Some(producer));
    for record in golden.records().map(Result::unwrap) {
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        let expected = builder.size_with(record.timestamp, key, value, &record.headers);
        builder.append(record.timestamp, key, value, &record.headers);
        assert_eq!(builder.size(), expected);
    }
    let built = builder.build();
    assert_eq!(built.leader_epoch(), None);
    assert_eq!(stamp(&built, Offset(0), LeaderEpoch(0)).bytes(), golden.bytes());
}

#[test]
fn the_golden_minimal_batch_is_read_and_built_byte_for_byte() {
    let golden = batch_of(MINIMAL);
    assert_eq!((golden.size(), golden.crc()), (69, 0x6a9a_6238));
    assert_eq!(golden.producer_id(), None);
    assert_eq!(golden.producer_epoch(), ProducerEpoch(-1));
    assert_eq!((golden.base_sequence(), golden.last_sequence()), (Sequence(-1), Sequence(-1)));
    let only = record(&golden, 0);
    assert_eq!((only.key, only.value, only.timestamp), (None, Some(text("x")), Timestamp(0)));
    assert_eq!(only.sequence, Sequence(-1));
    let mut builder = BatchBuilder::new(None);
    builder.append(Timestamp(0), None, Some(b"x"), &[]);
    let built = builder.build();
    assert_eq!(stamp(&built, Offset(0), LeaderEpoch(0)), golden);
}

#[test]
fn a_stamp_changes_offset_and_epoch_and_leaves_the_crc_valid() {
    let batch = batch_of(OF_A_PRODUCER);
    let stamped = stamp(&batch, Offset(1_000_000), LeaderEpoch(9));
    assert_eq!(RecordBatch::new(stamped.bytes().clone()), Ok(stamped.clone()));
    assert_eq!(
        (stamped.base_offset(), stamped.next_offset()),
        (Offset(1_000_000), Offset(1_000_003))
    );
    assert_eq!(stamped.leader_epoch(), Some(LeaderEpoch(9)));
    assert_eq!(stamped.crc(), batch.crc());
    assert_eq!(record(&stamped, 2).offset, Offset(1_000_002));
}

#[test]
fn log_append_time_overrides_the_time_of_each_record() {
    let stamped = stamp_log_append_time(&batch_of(OF_A_PRODUCER), Timestamp(42));
    assert_eq!(RecordBatch::new(stamped.bytes().clone()), Ok(stamped.clone()));
    assert_eq!(stamped.attributes().timestamp_type(), TimestampType::LogAppendTime);
    let times: Vec<_> = stamped.records().map(|record| record.unwrap().timestamp).collect();
    assert_eq!(times, [Timestamp(42); 3]);
}

#[test]
fn concatenated_batches_are_slices_of_the_bytes_and_a_torn_end_is_an_error() {
    let bytes: Bytes = [bytes_of(OF_A_PRODUCER), bytes_of(MINIMAL)].concat().into();
    let found: Vec<_> = batches(bytes.clone()).map(Result::unwrap).collect();
    assert_eq!(found, [batch_of(OF_A_PRODUCER), batch_of(MINIMAL)]);
    assert!(bytes.as_ptr_range().contains(&found[1].bytes().as_ptr()));
    let torn: Vec<_> = batches(bytes.slice(..bytes.len() - 1)).collect();
    let expected = [Ok(batch_of(OF_A_PRODUCER)), Err(BatchError::Short { size: 68 })];
    assert_eq!(torn, expected);
    assert_eq!(batches(Bytes::new()).next(), None);
}

#[test]
fn each_thing_that_can_be_wrong_with_a_batch_has_its_own_error() {
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = bytes_of(MINIMAL).to_vec();
        bytes[at..at + to.len()].copy_from_slice(to);
        RecordBatch::new(bytes.into()).unwrap_err()
    };
    let short = RecordBatch::new(bytes_of(MINIMAL).slice(..60)).unwrap_err();
    assert_eq!(short, BatchError::Short { size: 60 });
    assert_eq!(changed(header::MAGIC_AT, &[1]), BatchError::BadMagic { magic: 1 });
    let length = 48_i32.to_be_bytes();
    assert_eq!(changed(header::LENGTH, &length), BatchError::BadLength { length: 48 });
    let longer = 58_i32.to_be_bytes();
    assert_eq!(changed(header::LENGTH, &longer), BatchError::BadLength { length: 58 });
    let error = changed(HEADER_SIZE, &[0]);
    assert!(matches!(error, BatchError::BadCrc { stored: 0x6a9a_6238, .. }), "{error}");
    let count = i32::MAX.to_be_bytes();
    let error = BatchError::BadCount { count: i32::MAX, offsets: 1 };
    assert_eq!(changed(header::RECORD_COUNT, &count), error);
    let base_offset = i64::MAX;
    let error = BatchError::BadBaseOffset { base_offset };
    assert_eq!(changed(header::BASE_OFFSET, &base_offset.to_be_bytes()), error);
}

#[test]
fn a_header_key_that_stands_twice_is_kept_twice() {
    let header = |value| RecordHeader { key: text("trace"), value };
    let headers = [header(Some(text("1"))), header(Some(text("2"))), header(None)];
    let mut builder = BatchBuilder::new(None);
    builder.append(Timestamp(7), Some(b"k"), None, &headers);
    assert_eq!(record(&builder.build(), 0).headers, headers);
}

#[test]
fn a_compressed_batch_is_carried_but_its_records_are_not_read() {
    let attributes = 4_i16.to_be_bytes();
    let bytes = resealed(OF_A_PRODUCER, |it| header::put(it, header::ATTRIBUTES, attributes));
    let batch = RecordBatch::new(bytes).unwrap();
    assert_eq!(batch.attributes().compression(), Compression::Zstd);
    let read: Vec<_> = batch.records().collect();
    assert_eq!(read, [Err(RecordError::Compressed(Compression::Zstd))]);
}

#[test]
fn a_record_that_does_not_fit_its_bytes_ends_the_reading() {
    let longer = resealed(OF_A_PRODUCER, |it| it[HEADER_SIZE] = 0x7e);
    let read: Vec<_> = RecordBatch::new(longer).unwrap().records().collect();
    assert_eq!(read, [Err(RecordError::Malformed { index: 0, field: "length" })]);
    let trailing = resealed(OF_A_PRODUCER, |it| it.extend([0]));
    let last = RecordBatch::new(trailing).unwrap().records().last();
    assert_eq!(last, Some(Err(RecordError::TrailingBytes { size: 1 })));
}

#[test]
fn a_count_of_headers_that_the_record_does_not_hold_is_refused() {
    // The last byte of the minimal batch is the count of its record's headers.
    let bytes = resealed(MINIMAL, |it| *it.last_mut().unwrap() = 0x7e);
    let read: Vec<_> = RecordBatch::new(bytes).unwrap().records().collect();
    assert_eq!(read, [Err(RecordError::Malformed { index: 0, field: "header count" })]);
}

#[test]
fn a_control_batch_says_so() {
    let mut builder = BatchBuilder::control(None);
    builder.append(Timestamp(1), Some(&[0, 0, 0, 2]), Some(&[]), &[]);
    assert!(builder.build().is_control());
}

#[test]
fn records_with_any_byte_changed_are_read_or_refused() {
    let golden = bytes_of(OF_A_PRODUCER);
    for at in HEADER_SIZE..golden.len() {
        for value in 0..=u8::MAX {
            let bytes = resealed(OF_A_PRODUCER, |it| it[at] = value);
            let batch = RecordBatch::new(bytes).unwrap();
            assert!(batch.records().count() <= 4, "byte {at} is {value:#04x}");
        }
    }
}
