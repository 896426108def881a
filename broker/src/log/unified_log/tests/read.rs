//! Reading by offset and by time.

use crate::{
    host::{MemoryDisk, Timestamp},
    ids::{LeaderEpoch, Offset},
    log::{
        Isolation, MinOneBatch, ReadError, UnifiedLog,
        testing::{at, open, plain, small, stamped},
    },
    protocol::batch::batches,
};

/// Twenty batches of three records, 83 bytes each, in segments of three batches.
fn filled(disk: &mut MemoryDisk) -> UnifiedLog {
    let (mut log, _) = open(small(), disk);
    for n in 0..20 {
        let batch = plain(3, 1_000 + 10 * n);
        assert_eq!(batch.len(), 85);
        log.append_as_leader(at(0), batch, LeaderEpoch(0), disk).unwrap();
    }
    log
}

fn bases(
    log: &mut UnifiedLog,
    from: i64,
    max: u32,
    to: Isolation,
    disk: &mut MemoryDisk,
) -> Vec<i64> {
    let data = log.read(Offset(from), max, to, MinOneBatch::No, disk).unwrap();
    batches(data.records).map(|batch| batch.unwrap().base_offset().0).collect()
}

#[test]
fn a_read_begins_with_the_batch_that_holds_the_offset_and_ends_with_a_whole_one() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    let mut reopened = open(small(), &mut disk).0;
    for log in [&mut log, &mut reopened] {
        for from in 0..60 {
            let first = from / 3 * 3;
            let found = bases(log, from, 85, Isolation::LogEnd, &mut disk);
            assert_eq!(found, [first], "from {from}");
            let found = bases(log, from, 2 * 85 + 84, Isolation::LogEnd, &mut disk);
            let last =
                if from / 9 == (from + 3) / 9 && first != 57 { Some(first + 3) } else { None };
            let expected: Vec<_> = [Some(first), last].into_iter().flatten().collect();
            assert_eq!(found, expected, "from {from}");
        }
    }
}

#[test]
fn a_batch_larger_than_the_limit_is_given_only_if_one_must_be() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    assert_eq!(bases(&mut log, 4, 84, Isolation::LogEnd, &mut disk), [0; 0]);
    for limit in [0, 84] {
        let read = log.read(Offset(4), limit, Isolation::LogEnd, MinOneBatch::Yes, &mut disk);
        assert_eq!(read.unwrap().records.len(), 85);
    }
}

#[test]
fn a_consumer_reads_no_batch_that_reaches_above_the_high_watermark() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    let to = Isolation::HighWatermark;
    for (high_watermark, from, expected) in [
        (0, 0, vec![]),
        (6, 0, vec![0, 3]),
        (8, 0, vec![0, 3]),
        (8, 7, vec![]),
        (9, 6, vec![6]),
        (9, 9, vec![]),
        (12, 9, vec![9]),
        (60, 57, vec![57]),
        (57, 59, vec![]),
    ] {
        log.update_high_watermark(Offset(high_watermark));
        let found = bases(&mut log, from, 999, to, &mut disk);
        assert_eq!(found, expected, "from {from} below {high_watermark}");
    }
}

#[test]
fn the_log_end_is_in_range_and_what_lies_outside_is_told() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    log.update_high_watermark(Offset(60));
    log.maybe_increment_log_start(Offset(4), &mut disk).unwrap();
    assert_eq!(bases(&mut log, 60, 999, Isolation::LogEnd, &mut disk), [0; 0]);
    assert_eq!(bases(&mut log, 4, 85, Isolation::LogEnd, &mut disk), [3]);
    for from in [0, 3, 61] {
        let read = log.read(Offset(from), 9, Isolation::LogEnd, MinOneBatch::Yes, &mut disk);
        let (offset, log_start, log_end) = (Offset(from), Offset(4), Offset(60));
        assert_eq!(read, Err(ReadError::OutOfRange { offset, log_start, log_end }));
    }
}

#[test]
fn available_bytes_are_what_repeated_reads_give() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    log.update_high_watermark(Offset(31));
    for (from, isolation, batches) in [
        (0, Isolation::LogEnd, 20),
        (59, Isolation::LogEnd, 1),
        (60, Isolation::LogEnd, 0),
        (0, Isolation::HighWatermark, 10),
        (29, Isolation::HighWatermark, 1),
        (30, Isolation::HighWatermark, 0),
        (45, Isolation::HighWatermark, 0),
    ] {
        let available = log.available_bytes(Offset(from), isolation, &mut disk);
        assert_eq!(available, Ok(85 * batches), "from {from} {isolation:?}");
    }
}

#[test]
fn an_offset_in_a_gap_leads_to_the_next_batch() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    for offset in [0, 10, 20] {
        log.append_as_follower(at(0), stamped(plain(1, 0), offset, 0), &mut disk).unwrap();
    }
    assert_eq!(bases(&mut log, 5, 69, Isolation::LogEnd, &mut disk), [10]);
    let mut log = open(small(), &mut disk).0;
    assert_eq!(bases(&mut log, 11, 69, Isolation::LogEnd, &mut disk), [20]);
}

#[test]
fn a_point_in_time_leads_to_the_first_record_that_is_not_older() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    let mut reopened = open(small(), &mut disk).0;
    for log in [&mut log, &mut reopened] {
        let mut offset = |millis| {
            let found = log.offset_for_timestamp(Timestamp(millis), &mut disk).unwrap();
            found.map(|found| (found.timestamp.0, found.offset.0))
        };
        assert_eq!(offset(0), Some((1_000, 0)));
        assert_eq!(offset(1_000), Some((1_000, 0)));
        assert_eq!(offset(1_001), Some((1_010, 3)));
        assert_eq!(offset(1_111), Some((1_120, 36)));
        assert_eq!(offset(1_190), Some((1_190, 57)));
        assert_eq!(offset(1_191), None);
    }
    log.update_high_watermark(Offset(60));
    log.maybe_increment_log_start(Offset(4), &mut disk).unwrap();
    let found = log.offset_for_timestamp(Timestamp(0), &mut disk).unwrap().unwrap();
    assert_eq!((found.offset, found.leader_epoch), (Offset(4), Some(LeaderEpoch(0))));
    log.maybe_increment_log_start(Offset(9), &mut disk).unwrap();
    let found = log.offset_for_timestamp(Timestamp(0), &mut disk).unwrap().unwrap();
    assert_eq!(found.offset, Offset(9), "the first segment holds nothing any more");
}
