//! Cutting the log.

use crate::{
    host::{Disk, MemoryDisk},
    ids::{LeaderEpoch, Offset},
    log::{
        LeaderAppend, UnifiedLog,
        testing::{at, content, numbered, open, plain, small},
    },
};

/// Twelve batches of three records of producer 7 in segments of three, an epoch each four batches.
fn filled(disk: &mut MemoryDisk) -> UnifiedLog {
    let (mut log, _) = open(small(), disk);
    for n in 0..12 {
        let batch = numbered(0, 3 * n, 3);
        log.append_as_leader(at(0), batch, LeaderEpoch(n / 4), disk).unwrap();
    }
    log.update_high_watermark(Offset(36));
    log
}

fn last_offset(log: &mut UnifiedLog, disk: &mut MemoryDisk) -> Option<i64> {
    content(log, disk).last().map(|batch| batch.last_offset().0)
}

#[test]
fn the_log_ends_exactly_where_it_was_cut_and_only_whole_batches_stay() {
    for target in 0..=36_i64 {
        let mut disk = MemoryDisk::new();
        let mut log = filled(&mut disk);
        assert_eq!(log.truncate_to(at(0), Offset(target), &mut disk), Ok(Offset(target)));
        let whole = target / 3 * 3 - 1;
        let found = last_offset(&mut log, &mut disk);
        assert_eq!(found, (0 <= whole).then_some(whole), "cut at {target}");
        assert_eq!(log.high_watermark(), Offset(target));
        let epochs = log.epochs().last().map(|entry| entry.start_offset);
        assert!(epochs < Some(Offset(target)) || target == 0, "{epochs:?} cut at {target}");
        let next = log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(9), &mut disk).unwrap();
        let LeaderAppend::Appended { batch } = next else { panic!("{next:?}") };
        assert_eq!(batch.base_offset(), Offset(target));
        assert_eq!(last_offset(&mut log, &mut disk), Some(target));
    }
}

#[test]
fn a_cut_log_is_the_same_after_a_kill() {
    for target in 0..=36_i64 {
        let mut disk = MemoryDisk::new();
        let mut log = filled(&mut disk);
        log.truncate_to(at(0), Offset(target), &mut disk).unwrap();
        log.append_as_leader(at(0), numbered(1, 0, 1), LeaderEpoch(9), &mut disk).unwrap();
        let before = content(&mut log, &mut disk);
        let (mut reopened, recovered) = open(small(), &mut disk);
        assert_eq!(content(&mut reopened, &mut disk), before, "cut at {target}");
        assert_eq!(recovered.cut_bytes, 0, "{recovered:?}");
        assert_eq!(reopened.epochs(), log.epochs());
        assert_eq!(reopened.log_end_offset(), Offset(target + 1));
    }
}

#[test]
fn producer_state_goes_back_with_the_log() {
    for target in 1..=36_i64 {
        let mut disk = MemoryDisk::new();
        let mut log = filled(&mut disk);
        log.truncate_to(at(0), Offset(target), &mut disk).unwrap();
        // Whatever is left of the producer, its next batch is the one behind the last that stayed.
        let next = i32::try_from(target / 3 * 3).unwrap();
        let appended = log.append_as_leader(at(0), numbered(0, next, 2), LeaderEpoch(9), &mut disk);
        assert!(matches!(appended, Ok(LeaderAppend::Appended { .. })), "{target}: {appended:?}");
        assert_eq!(log.producers(), 1);
        let wrong = log.append_as_leader(at(0), numbered(0, next, 1), LeaderEpoch(9), &mut disk);
        assert!(wrong.is_err(), "{target}: {wrong:?}");
    }
}

#[test]
fn a_cut_at_or_behind_the_end_trims_only_the_epochs() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    log.assign_epoch_start(LeaderEpoch(5), Offset(36), &mut disk).unwrap();
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(5)));
    assert_eq!(log.truncate_to(at(0), Offset(36), &mut disk), Ok(Offset(36)));
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(2)));
    assert_eq!(log.truncate_to(at(0), Offset(99), &mut disk), Ok(Offset(36)));
    assert_eq!(log.high_watermark(), Offset(36));
}

#[test]
fn a_cut_lowers_the_recovery_point_and_the_log_start() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    log.flush(&mut disk).unwrap();
    log.maybe_increment_log_start(Offset(20), &mut disk).unwrap();
    log.truncate_to(at(0), Offset(19), &mut disk).unwrap();
    assert_eq!((log.recovery_point(), log.log_start_offset()), (Offset(19), Offset(19)));
    assert_eq!(log.high_watermark(), Offset(19));
}

#[test]
fn a_cut_before_the_first_segment_begins_the_log_anew() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    log.truncate_fully_and_start_at(at(0), Offset(50), &mut disk).unwrap();
    log.append_as_leader(at(0), plain(3, 0), LeaderEpoch(1), &mut disk).unwrap();
    assert_eq!(log.truncate_to(at(0), Offset(40), &mut disk), Ok(Offset(40)));
    assert_eq!((log.log_start_offset(), log.high_watermark()), (Offset(40), Offset(40)));
    assert_eq!((log.epochs(), log.producers()), (&[][..], 0));
}

#[test]
fn a_log_that_begins_anew_forgets_everything() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    log.truncate_fully_and_start_at(at(0), Offset(50), &mut disk).unwrap();
    let offsets = [log.log_start_offset(), log.high_watermark(), log.log_end_offset()];
    assert_eq!(offsets, [Offset(50); 3]);
    assert_eq!((log.epochs(), log.producers(), log.size()), (&[][..], 0, 0));
    log.append_as_leader(at(0), numbered(0, 99, 1), LeaderEpoch(7), &mut disk).unwrap();
    let (reopened, _) = open(small(), &mut disk);
    assert_eq!((reopened.log_start_offset(), reopened.log_end_offset()), (Offset(50), Offset(51)));
    let names = disk.list("data/orders-0").unwrap();
    assert!(
        !names.iter().any(|name| name.ends_with(".deleted")),
        "a start removes them: {names:?}"
    );
}

#[test]
fn a_removed_file_waits_for_its_delay() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(&mut disk);
    let waiting = |disk: &mut MemoryDisk| {
        let names = disk.list("data/orders-0").unwrap();
        names.iter().filter(|name| name.ends_with(".deleted")).count()
    };
    log.truncate_to(at(0), Offset(10), &mut disk).unwrap();
    assert_eq!(waiting(&mut disk), 2 * 4, "two segments with indexes and snapshots");
    log.on_flush_time(at(59_999), &mut disk).unwrap();
    assert_eq!(waiting(&mut disk), 8);
    log.on_flush_time(at(60_000), &mut disk).unwrap();
    assert_eq!(waiting(&mut disk), 0);
}
