//! A disk that fails, and a process that is killed between two calls to it.

use crate::{
    config::TopicConfig,
    host::{DiskErrorKind, DiskOperation, MemoryDisk},
    ids::{LeaderEpoch, Offset},
    log::{
        AppendError, Isolation, LogError, MinOneBatch, ReadError, UnifiedLog,
        testing::{FaultyDisk, at, content, numbered, open, plain, small},
    },
};

#[test]
fn a_failed_append_marks_the_log_failed_and_it_refuses_all_that_follows() {
    let mut disk = FaultyDisk::default();
    let (mut log, _) = open(small(), &mut disk);
    log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(0), &mut disk).unwrap();
    disk.fails = Some(DiskOperation::Append);
    let failed = log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(0), &mut disk);
    let Err(AppendError::Storage(LogError::Disk(error))) = failed else { panic!("{failed:?}") };
    assert_eq!((error.kind, log.failure()), (DiskErrorKind::Io, Some(&error)));
    disk.fails = None;
    let refused = LogError::Failed(error);
    let append = log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(0), &mut disk);
    assert_eq!(append, Err(AppendError::Storage(refused.clone())));
    let read = log.read(Offset(0), 99, Isolation::LogEnd, MinOneBatch::Yes, &mut disk);
    assert_eq!(read, Err(ReadError::Storage(refused.clone())));
    assert_eq!(log.truncate_to(at(0), Offset(0), &mut disk), Err(refused.clone()));
    assert_eq!(log.flush(&mut disk), Err(refused.clone()));
    assert_eq!(log.delete_old_segments(at(0), &mut disk), Err(refused));
}

#[test]
fn a_failed_read_sync_rename_or_truncation_marks_the_log_failed() {
    type Attempt = fn(&mut UnifiedLog, &mut FaultyDisk) -> bool;
    let attempts: [(DiskOperation, Attempt); 4] = [
        (DiskOperation::ReadAt, |log, disk| {
            log.read(Offset(0), 99, Isolation::LogEnd, MinOneBatch::Yes, disk).is_err()
        }),
        (DiskOperation::Sync, |log, disk| log.flush(disk).is_err()),
        (DiskOperation::Rename, |log, disk| log.truncate_to(at(0), Offset(0), disk).is_err()),
        (DiskOperation::Truncate, |log, disk| log.truncate_to(at(0), Offset(1), disk).is_err()),
    ];
    for (operation, attempt) in attempts {
        let mut disk = FaultyDisk::default();
        let (mut log, _) = open(small(), &mut disk);
        for _ in 0..9 {
            log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(0), &mut disk).unwrap();
        }
        disk.fails = Some(operation);
        assert!(attempt(&mut log, &mut disk), "{operation}");
        assert!(log.failure().is_some(), "{operation}");
    }
}

#[test]
fn a_refused_batch_does_not_mark_the_log_failed() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    let refused = log.append_as_leader(at(0), plain(1, 0).slice(..9), LeaderEpoch(0), &mut disk);
    assert!(matches!(refused, Err(AppendError::Invalid { .. })));
    assert_eq!(log.failure(), None);
}

/// Appends with rolls, a cut and retention. Returns what the log held before the call that failed,
/// and what it would hold after it.
fn workload(disk: &mut FaultyDisk) -> Vec<Vec<i64>> {
    let config = TopicConfig { retention_bytes: 450, ..small() };
    let Ok((mut log, _)) = UnifiedLog::load(crate::log::testing::parameters(config), at(0), disk)
    else {
        return vec![vec![]];
    };
    let mut images = vec![vec![]];
    for n in 0..14 {
        let mut next: Vec<i64> = images.last().unwrap().clone();
        let result = match n {
            6 => {
                next.retain(|offset| *offset < 5);
                log.truncate_to(at(0), Offset(5), disk).map(drop)
            }
            11 => {
                log.update_high_watermark(log.log_end_offset());
                let result = log.delete_old_segments(at(0), disk).map(drop);
                next.retain(|offset| log.log_start_offset().0 <= *offset);
                result
            }
            _ => {
                next.push(log.log_end_offset().0);
                let batch = numbered(0, i32::try_from(log.log_end_offset().0).unwrap(), 1);
                let appended = log.append_as_leader(at(0), batch, LeaderEpoch(n / 5), disk);
                appended.map(drop).map_err(|error| match error {
                    AppendError::Storage(error) => error,
                    invalid @ AppendError::Invalid { .. } => panic!("{invalid}"),
                })
            }
        };
        images.push(next);
        if result.is_err() {
            break;
        }
    }
    images
}

#[test]
fn after_a_kill_between_any_two_disk_calls_the_log_is_that_before_or_after_the_step() {
    let mut whole = FaultyDisk::default();
    workload(&mut whole);
    for after in 0..=whole.mutations {
        let mut disk = FaultyDisk::crashing(MemoryDisk::new(), after);
        let images = workload(&mut disk);
        let mut disk = disk.disk;
        let (mut log, recovered) = open(small(), &mut disk);
        let batches = content(&mut log, &mut disk);
        let found: Vec<_> = batches.iter().map(|batch| batch.base_offset().0).collect();
        let [.., before, last] = &images[..] else {
            assert!(found.is_empty());
            continue;
        };
        let within = found == *before || found == *last || is_between(&found, before, last);
        assert!(within, "after {after}: {found:?}, not {before:?} or {last:?}");
        assert_eq!(recovered.cut_bytes, 0, "after {after}: {recovered:?}");
        let (again, _) = open(small(), &mut disk);
        assert_eq!(again, open(small(), &mut disk).0);
        assert_eq!(again.log_end_offset(), log.log_end_offset());
    }
}

/// A cut or a retention that was interrupted has taken some of what it would take, from its end.
fn is_between(found: &[i64], before: &[i64], after: &[i64]) -> bool {
    let held = |offset: &i64| found.contains(offset);
    after.iter().all(held)
        && found.iter().all(|offset| before.contains(offset))
        && found.windows(2).all(|two| two[0] + 1 == two[1])
}
