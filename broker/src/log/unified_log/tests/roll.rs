//! When a new segment begins.

use crate::{
    config::{Millis, ServerConfig, TopicConfig},
    host::{Disk, MemoryDisk},
    ids::{LeaderEpoch, Offset},
    log::{
        UnifiedLog,
        testing::{FaultyDisk, at, content, open, plain, sized, small, stamped},
    },
};

fn bases(log: &UnifiedLog) -> Vec<i64> {
    log.local.segments.all().iter().map(|segment| segment.base_offset().0).collect()
}

#[test]
fn a_segment_that_would_grow_too_large_is_closed() {
    let mut disk = MemoryDisk::new();
    let config = TopicConfig { segment_bytes: 3 * 69, ..small() };
    let (mut log, _) = open(config, &mut disk);
    for _ in 0..7 {
        log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(0), &mut disk).unwrap();
    }
    assert_eq!(bases(&log), [0, 3, 6]);
    assert!(disk.exists("data/orders-0/00000000000000000003.snapshot").unwrap());
    assert_eq!(content(&mut log, &mut disk).len(), 7);
}

#[test]
fn a_segment_is_closed_when_records_are_so_much_younger_than_its_first() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(TopicConfig { segment_ms: Millis(100), ..small() }, &mut disk);
    for millis in [1_000, 1_100, 1_101, 1_050, 1_202] {
        log.append_as_leader(at(0), plain(1, millis), LeaderEpoch(0), &mut disk).unwrap();
    }
    assert_eq!(bases(&log), [0, 2, 4]);
}

#[test]
fn a_segment_without_timestamps_is_closed_by_the_clock() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(TopicConfig { segment_ms: Millis(100), ..small() }, &mut disk);
    for now in [0, 100, 101] {
        log.append_as_leader(at(now), plain(1, -1), LeaderEpoch(0), &mut disk).unwrap();
    }
    assert_eq!(bases(&log), [0, 2]);
}

#[test]
fn a_full_index_closes_the_segment() {
    let mut disk = MemoryDisk::new();
    // Three entries of the offset index, two of the time index, one of them for closing.
    let defaults = ServerConfig::default().topic_defaults();
    let config = TopicConfig { segment_index_bytes: 24, index_interval_bytes: 0, ..defaults };
    let (mut log, _) = open(config, &mut disk);
    for _ in 0..6 {
        log.append_as_leader(at(0), plain(1, -1), LeaderEpoch(0), &mut disk).unwrap();
    }
    assert_eq!(bases(&log), [0, 4], "every batch but the first adds an entry");
    for millis in 0..5 {
        log.append_as_leader(at(0), plain(1, millis), LeaderEpoch(0), &mut disk).unwrap();
    }
    assert_eq!(bases(&log), [0, 4, 7, 9]);
}

#[test]
fn an_offset_too_far_from_the_base_begins_a_segment() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    let last = i64::from(i32::MAX);
    for offset in [0, last, last + 1] {
        let sent = stamped(plain(1, 0), offset, 0);
        log.append_as_follower(at(0), sent, &mut disk).unwrap();
    }
    assert_eq!(bases(&log), [0, last + 1]);
    assert_eq!(content(&mut log, &mut disk).len(), 3);
}

#[test]
fn a_follower_splits_a_fetch_that_is_larger_than_a_segment() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(TopicConfig { segment_bytes: 150, ..small() }, &mut disk);
    let sent: Vec<_> = (0..5).map(|n| stamped(plain(1, 0), n, 0)).collect();
    log.append_as_follower(at(0), sent.concat().into(), &mut disk).unwrap();
    assert_eq!(bases(&log), [0, 2, 4]);
    let large = stamped(sized(500), 5, 0);
    log.append_as_follower(at(0), large, &mut disk).unwrap();
    assert_eq!(bases(&log), [0, 2, 4, 5], "a batch that fits nowhere has a segment of its own");
}

#[test]
fn what_was_rolled_is_flushed_by_the_next_tick_with_the_directory() {
    let mut disk = FaultyDisk::default();
    let config = TopicConfig { segment_bytes: 150, ..small() };
    let (mut log, _) = open(config, &mut disk);
    for _ in 0..3 {
        log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(0), &mut disk).unwrap();
    }
    assert_eq!((bases(&log), log.recovery_point()), (vec![0, 2], Offset(0)));
    disk.syncs.clear();
    log.on_flush_time(at(1), &mut disk).unwrap();
    assert_eq!(log.recovery_point(), Offset(2));
    assert!(disk.syncs.contains(&"data/orders-0/00000000000000000000.log".to_owned()));
    assert!(!disk.syncs.contains(&"data/orders-0/00000000000000000002.log".to_owned()));
    assert!(disk.syncs.contains(&"data/orders-0/00000000000000000002.snapshot".to_owned()));
    assert_eq!(disk.syncs.last().unwrap(), "data/orders-0");
}

#[test]
fn a_flush_syncs_what_is_unsynced_and_no_more() {
    let mut disk = FaultyDisk::default();
    let (mut log, _) = open(small(), &mut disk);
    log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(0), &mut disk).unwrap();
    log.flush(&mut disk).unwrap();
    disk.syncs.clear();
    log.flush(&mut disk).unwrap();
    assert_eq!(disk.syncs, [""; 0]);
    log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(0), &mut disk).unwrap();
    log.flush(&mut disk).unwrap();
    assert_eq!(disk.syncs, ["data/orders-0/00000000000000000000.log"]);
}

#[test]
fn flush_ms_syncs_when_the_oldest_unsynced_record_is_so_old() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(TopicConfig { flush_ms: Some(Millis(50)), ..small() }, &mut disk);
    log.append_as_leader(at(10), plain(1, 0), LeaderEpoch(0), &mut disk).unwrap();
    log.append_as_leader(at(40), plain(1, 0), LeaderEpoch(0), &mut disk).unwrap();
    log.on_flush_time(at(59), &mut disk).unwrap();
    assert_eq!(log.recovery_point(), Offset(0));
    log.on_flush_time(at(60), &mut disk).unwrap();
    assert_eq!(log.recovery_point(), Offset(2));
}
