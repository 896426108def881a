//! Opening a log that was not closed.

use crate::{
    host::{Disk, MemoryDisk},
    ids::{LeaderEpoch, Offset},
    log::{
        Trust, UnifiedLog,
        testing::{at, content, numbered, open, parameters, plain, small},
    },
};

/// Does harm to a file.
type Damage = fn(&mut MemoryDisk, &str);

const FIRST: &str = "data/orders-0/00000000000000000000.log";

/// Ten batches of one record and 69 bytes in segments of four, an epoch each five.
fn filled(disk: &mut MemoryDisk) -> UnifiedLog {
    let (mut log, _) = open(small(), disk);
    for n in 0..10 {
        log.append_as_leader(at(0), numbered(0, n, 1), LeaderEpoch(n / 5), disk).unwrap();
    }
    assert_eq!(log.local.segments.all().len(), 3);
    log
}

#[test]
fn a_kill_loses_nothing_and_the_files_are_the_same() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    let (mut reopened, recovered) = open(small(), &mut disk);
    assert_eq!(content(&mut reopened, &mut disk), content(&mut log, &mut disk));
    assert_eq!(reopened.epochs(), log.epochs());
    assert_eq!((recovered.clean, recovered.cut_bytes, recovered.cut_reason), (false, 0, None));
    assert_eq!(recovered.log_end_offset, Offset(10));
    assert_eq!(recovered.recovery_point, Offset(0), "only a flush moves it");
    let after_first = disk.clone();
    drop(open(small(), &mut disk));
    assert_eq!(disk, after_first, "a second recovery changes nothing");
}

#[test]
fn a_last_batch_torn_at_any_byte_is_cut_away_and_told() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    log.append_as_leader(at(0), plain(2, 0), LeaderEpoch(0), &mut disk).unwrap();
    let whole = disk.len(FIRST).unwrap();
    log.append_as_leader(at(0), plain(3, 0), LeaderEpoch(1), &mut disk).unwrap();
    let full = disk.len(FIRST).unwrap();
    for length in whole..full {
        for zeros in [0, 7, 600] {
            let mut torn = disk.clone();
            torn.truncate(FIRST, length).unwrap();
            torn.truncate(FIRST, length + zeros).unwrap();
            if torn
                .read_at(FIRST, 0, 999)
                .unwrap()
                .starts_with(&disk.read_at(FIRST, 0, 999).unwrap())
            {
                assert_eq!(length, full - 1, "the batch ends with a zero, which came back");
                continue;
            }
            let (mut log, recovered) = open(small(), &mut torn);
            assert_eq!(log.log_end_offset(), Offset(2), "cut at {length}, {zeros} zeros");
            assert_eq!(recovered.cut_bytes, length + zeros - whole);
            assert_eq!(recovered.cut_reason.is_some(), length + zeros != whole);
            assert_eq!(torn.len(FIRST).unwrap(), whole);
            assert_eq!(log.latest_epoch(), Some(LeaderEpoch(0)));
            log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(2), &mut torn).unwrap();
            assert_eq!(content(&mut log, &mut torn).len(), 2);
        }
    }
}

#[test]
fn a_flipped_bit_ends_the_log_there_and_later_segments_go() {
    for position in [0, 3, 8, 16, 17, 30, 61, 68] {
        let mut disk = MemoryDisk::new();
        filled(&mut disk);
        let byte = disk.read_at(FIRST, 69 + position, 1).unwrap()[0];
        disk.write_at(FIRST, 69 + position, &[byte ^ 0x40]).unwrap();
        let (log, recovered) = open(small(), &mut disk);
        assert_eq!(log.log_end_offset(), Offset(1), "position {position}: {recovered:?}");
        assert_eq!(recovered.cut_bytes, 9 * 69);
        assert!(recovered.cut_reason.is_some_and(|reason| reason.contains("position 69")));
        assert_eq!(log.local.segments.all().len(), 1);
        assert!(!disk.exists("data/orders-0/00000000000000000004.log").unwrap());
    }
}

#[test]
fn what_lies_below_the_recovery_point_is_not_read_again() {
    let mut disk = MemoryDisk::new();
    filled(&mut disk);
    disk.write_at(FIRST, 69 + 65, b"!").unwrap();
    for (recovery_point, end) in [(0, 1), (3, 1), (4, 10), (9, 10)] {
        let mut disk = disk.clone();
        let recovery_point = Offset(recovery_point);
        let parameters = crate::log::LogParameters { recovery_point, ..parameters(small()) };
        let (log, recovered) = UnifiedLog::load(parameters, at(0), &mut disk).unwrap();
        assert_eq!(log.log_end_offset(), Offset(end), "from {recovery_point}");
        assert_eq!(recovered.recovery_point, recovery_point.min(Offset(end)));
    }
}

#[test]
fn a_segment_that_ends_too_early_ends_the_log() {
    let mut disk = MemoryDisk::new();
    filled(&mut disk);
    disk.truncate(FIRST, 3 * 69).unwrap();
    let (log, recovered) = open(small(), &mut disk);
    assert_eq!(log.log_end_offset(), Offset(3));
    assert_eq!(recovered.cut_bytes, 6 * 69);
    let reason = recovered.cut_reason.unwrap();
    assert_eq!(reason, "segment 4 does not begin at the log end 3");
}

#[test]
fn a_missing_or_damaged_index_is_rebuilt_even_after_a_clean_shutdown() {
    let index = "data/orders-0/00000000000000000000.index";
    let time = "data/orders-0/00000000000000000000.timeindex";
    let damages: [Damage; 4] = [
        |disk, path| disk.remove(path).unwrap(),
        |disk, path| disk.append(path, b"abc").unwrap(),
        |disk, path| disk.append(path, &[0xff; 24]).unwrap(),
        |disk, path| disk.append(path, &[0; 24]).unwrap(),
    ];
    for trust in [Trust::Files, Trust::BelowRecoveryPoint] {
        for damage in damages {
            for path in [index, time] {
                let mut disk = MemoryDisk::new();
                let mut log = filled(&mut disk);
                log.close(&mut disk).unwrap();
                let bytes = disk.read_at(path, 0, 999).unwrap();
                damage(&mut disk, path);
                let parameters = crate::log::LogParameters { trust, ..parameters(small()) };
                let (mut log, _) = UnifiedLog::load(parameters, at(0), &mut disk).unwrap();
                assert_eq!(content(&mut log, &mut disk).len(), 10);
                assert_eq!(disk.read_at(path, 0, 999).unwrap(), bytes, "{trust:?} {path}");
            }
        }
    }
}

#[test]
fn a_clean_start_reads_no_more_than_the_tail_and_trusts_the_rest() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    log.close(&mut disk).unwrap();
    disk.write_at(FIRST, 69 + 65, b"!").unwrap();
    let parameters = crate::log::LogParameters { trust: Trust::Files, ..parameters(small()) };
    let (log, recovered) = UnifiedLog::load(parameters, at(0), &mut disk).unwrap();
    assert_eq!(log.log_end_offset(), Offset(10));
    assert_eq!((recovered.clean, recovered.recovery_point), (true, Offset(10)));
}

#[test]
fn the_high_watermark_begins_with_the_checkpoint_within_the_log() {
    let mut disk = MemoryDisk::new();
    filled(&mut disk);
    for (checkpoint, expected) in [(None, 0), (Some(7), 7), (Some(99), 10), (Some(0), 0)] {
        let parameters = crate::log::LogParameters {
            high_watermark: checkpoint.map(Offset),
            ..parameters(small())
        };
        let (log, recovered) = UnifiedLog::load(parameters, at(0), &mut disk).unwrap();
        assert_eq!(log.high_watermark(), Offset(expected));
        assert_eq!(recovered.high_watermark, Offset(expected));
    }
}

#[test]
fn a_log_that_ends_before_its_start_begins_anew_at_its_start() {
    let mut disk = MemoryDisk::new();
    filled(&mut disk);
    let log_start_offset = Offset(50);
    let parameters = crate::log::LogParameters { log_start_offset, ..parameters(small()) };
    let (log, _) = UnifiedLog::load(parameters, at(0), &mut disk).unwrap();
    assert_eq!((log.log_start_offset(), log.log_end_offset()), (Offset(50), Offset(50)));
    assert_eq!((log.epochs(), log.producers(), log.high_watermark()), (&[][..], 0, Offset(50)));
}

#[test]
fn an_epoch_that_was_noted_without_records_is_dropped_at_the_start() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    log.assign_epoch_start(LeaderEpoch(8), Offset(10), &mut disk).unwrap();
    let (log, _) = open(small(), &mut disk);
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(1)));
}

#[test]
fn epochs_that_the_file_lacks_are_read_from_the_batches() {
    let mut disk = MemoryDisk::new();
    let log = filled(&mut disk);
    disk.remove("data/orders-0/leader-epoch-checkpoint").unwrap();
    assert_eq!(open(small(), &mut disk).0.epochs(), log.epochs());
}
