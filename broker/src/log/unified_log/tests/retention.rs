//! What becomes of old segments.

use crate::{
    config::{CleanupPolicy, TopicConfig},
    host::{Disk, MemoryDisk, event::LogStartReason},
    ids::{LeaderEpoch, Offset},
    log::{
        LogStartError, LogStartMove, UnifiedLog,
        testing::{at, content, open, plain, small},
    },
};

/// Nine batches of one record and 69 bytes in segments of three, a second after each other.
fn filled(config: &TopicConfig, disk: &mut MemoryDisk) -> UnifiedLog {
    let (mut log, _) = open(TopicConfig { segment_bytes: 3 * 69, ..config.clone() }, disk);
    for n in 0..9 {
        log.append_as_leader(at(0), plain(1, 1_000 * n), LeaderEpoch(0), disk).unwrap();
    }
    log.update_high_watermark(Offset(9));
    log
}

fn moved(from: i64, to: i64, reason: LogStartReason) -> Vec<LogStartMove> {
    vec![LogStartMove { from: Offset(from), to: Offset(to), reason }]
}

#[test]
fn a_segment_goes_when_its_newest_record_is_too_old() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&TopicConfig { retention_ms: 5_000, ..small() }, &mut disk);
    assert_eq!(log.delete_old_segments(at(7_000), &mut disk), Ok(vec![]));
    let gone = log.delete_old_segments(at(7_001), &mut disk);
    assert_eq!(gone, Ok(moved(0, 3, LogStartReason::RetentionTime)));
    assert_eq!(content(&mut log, &mut disk)[0].base_offset(), Offset(3));
    assert_eq!(log.epochs()[0].start_offset, Offset(3));
    let reopened = open(small(), &mut disk).0;
    assert_eq!(reopened.log_start_offset(), Offset(3));
}

#[test]
fn when_all_segments_go_an_empty_one_is_begun_and_offsets_go_on() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&TopicConfig { retention_ms: 5_000, ..small() }, &mut disk);
    let gone = log.delete_old_segments(at(99_000), &mut disk);
    assert_eq!(gone, Ok(moved(0, 9, LogStartReason::RetentionTime)));
    assert_eq!((log.log_end_offset(), log.size()), (Offset(9), 0));
    assert_eq!(log.delete_old_segments(at(999_000), &mut disk), Ok(vec![]));
    let reopened = open(small(), &mut disk).0;
    assert_eq!((reopened.log_start_offset(), reopened.log_end_offset()), (Offset(9), Offset(9)));
}

#[test]
fn no_segment_goes_that_reaches_above_the_high_watermark() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&TopicConfig { retention_ms: 5_000, ..small() }, &mut disk);
    log.update_high_watermark(Offset(5));
    let gone = log.delete_old_segments(at(99_000), &mut disk);
    assert_eq!(gone, Ok(moved(0, 3, LogStartReason::RetentionTime)));
}

#[test]
fn segments_go_as_long_as_enough_bytes_are_left() {
    for (limit, start) in [(9 * 69, 0), (6 * 69 + 1, 0), (6 * 69, 3), (3 * 69, 6), (0, 9)] {
        let mut disk = MemoryDisk::new();
        let config = TopicConfig { retention_bytes: limit, retention_ms: -1, ..small() };
        let mut log = filled(&config, &mut disk);
        log.delete_old_segments(at(0), &mut disk).unwrap();
        assert_eq!(log.log_start_offset(), Offset(start), "limit {limit}");
    }
}

#[test]
fn without_the_policy_only_what_lies_below_the_log_start_goes() {
    let mut disk = MemoryDisk::new();
    let config = TopicConfig {
        cleanup_policy: CleanupPolicy::None,
        retention_ms: 0,
        retention_bytes: 0,
        ..small()
    };
    let mut log = filled(&config, &mut disk);
    assert_eq!(log.delete_old_segments(at(99_000), &mut disk), Ok(vec![]));
    log.maybe_increment_log_start(Offset(5), &mut disk).unwrap();
    assert_eq!(log.delete_old_segments(at(99_000), &mut disk), Ok(vec![]));
    assert_eq!(log.first_segment_base_offset(), Offset(3));
    assert_eq!(log.log_start_offset(), Offset(5));
    assert!(!disk.exists("data/orders-0/00000000000000000000.log").unwrap());
}

#[test]
fn the_log_start_moves_up_to_the_high_watermark_and_no_further() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&small(), &mut disk);
    log.update_high_watermark(Offset(5));
    let moved = log.maybe_increment_log_start(Offset(5), &mut disk);
    assert_eq!(moved, Ok(Some((Offset(0), Offset(5)))));
    assert_eq!(log.maybe_increment_log_start(Offset(4), &mut disk), Ok(None));
    let refused = log.maybe_increment_log_start(Offset(6), &mut disk);
    let (offset, high_watermark) = (Offset(6), Offset(5));
    assert_eq!(refused, Err(LogStartError::AboveHighWatermark { offset, high_watermark }));
}
