//! Tests of the log directory.

use super::*;
use crate::{
    host::{DiskOperation, MemoryDisk, event::LogStartReason},
    ids::LeaderEpoch,
    log::testing::{FaultyDisk, at, content, numbered, plain, small},
};

const ID: TopicId = TopicId([7; 16]);

fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

fn load(now: u64, disk: &mut dyn Disk) -> Loaded {
    LogManager::load(at(now), "data", &ServerConfig::default(), MarkerDeletion::Synced, disk)
        .unwrap()
}

fn created(disk: &mut dyn Disk) -> (LogManager, UnifiedLog) {
    let mut manager = load(0, disk).manager;
    let log = manager.create(at(0), &orders(), ID, small(), disk).unwrap();
    (manager, log)
}

fn append(log: &mut UnifiedLog, batches: usize, disk: &mut dyn Disk) {
    for _ in 0..batches {
        log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(0), disk).unwrap();
    }
}

fn text(disk: &mut dyn Disk, name: &str) -> String {
    let bytes = disk.read_at(&format!("data/{name}"), 0, 999).unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn reloaded(disk: &mut dyn Disk) -> (LogManager, UnifiedLog, Recovered, LastShutdown) {
    let Loaded { manager, mut logs, last_shutdown } = load(0, disk);
    let (log, recovered) = logs.remove(&orders()).unwrap();
    (manager, log, recovered, last_shutdown)
}

#[test]
fn a_clean_shutdown_is_told_once_with_the_broker_epoch() {
    let mut disk = MemoryDisk::new();
    let (mut manager, mut log) = created(&mut disk);
    append(&mut log, 7, &mut disk);
    log.update_high_watermark(Offset(5));
    manager.shutdown([&mut log].into_iter(), BrokerEpoch(31), &mut disk).unwrap();
    let (_, again, recovered, last) = reloaded(&mut disk);
    assert_eq!(last, LastShutdown::Clean { broker_epoch: Some(BrokerEpoch(31)) });
    assert!(recovered.clean);
    assert_eq!((again.high_watermark(), again.recovery_point()), (Offset(5), Offset(7)));
    assert_eq!(again.topic_id(), Some(ID));
    let (_, _, recovered, last) = reloaded(&mut disk);
    assert_eq!((last, recovered.clean), (LastShutdown::Unclean, false));
}

#[test]
fn the_deletion_of_the_marker_is_synced_unless_kafkas_way_is_asked_for() {
    for (deletion, expected) in [(MarkerDeletion::Synced, 1), (MarkerDeletion::Unsynced, 0)] {
        let mut disk = FaultyDisk::default();
        let mut manager = load(0, &mut disk).manager;
        manager.shutdown(core::iter::empty(), BrokerEpoch(1), &mut disk).unwrap();
        disk.syncs.clear();
        LogManager::load(at(0), "data", &ServerConfig::default(), deletion, &mut disk).unwrap();
        assert_eq!(disk.syncs.iter().filter(|path| *path == "data").count(), expected);
        assert!(!disk.disk.exists("data/.kafka_cleanshutdown").unwrap());
    }
}

#[test]
fn a_shutdown_that_fails_leaves_no_marker() {
    let mut disk = FaultyDisk::default();
    let (mut manager, mut log) = created(&mut disk);
    append(&mut log, 1, &mut disk);
    disk.fails = Some(DiskOperation::Sync);
    assert!(manager.shutdown([&mut log].into_iter(), BrokerEpoch(1), &mut disk).is_err());
    assert!(!disk.disk.exists("data/.kafka_cleanshutdown").unwrap());
}

#[test]
fn checkpoints_are_written_in_their_time_and_the_high_watermark_survives_a_kill() {
    let mut disk = MemoryDisk::new();
    let (mut manager, mut log) = created(&mut disk);
    append(&mut log, 6, &mut disk);
    log.update_high_watermark(Offset(4));
    assert_eq!(manager.deadline(), Some(at(1_000).monotonic));
    manager.on_time(at(4_999), [&mut log].into_iter(), &mut disk).unwrap();
    assert!(!disk.exists("data/replication-offset-checkpoint").unwrap());
    manager.on_time(at(5_000), [&mut log].into_iter(), &mut disk).unwrap();
    assert_eq!(text(&mut disk, "replication-offset-checkpoint"), "0\n1\norders 0 4\n");
    assert!(!disk.exists("data/recovery-point-offset-checkpoint").unwrap());
    log.maybe_increment_log_start(Offset(2), &mut disk).unwrap();
    manager.on_time(at(60_000), [&mut log].into_iter(), &mut disk).unwrap();
    let rolled = log.recovery_point();
    assert_eq!(rolled, Offset(4), "the first segment was rolled, and flushed by the tick");
    assert_eq!(text(&mut disk, "recovery-point-offset-checkpoint"), "0\n1\norders 0 4\n");
    assert_eq!(text(&mut disk, "log-start-offset-checkpoint"), "0\n1\norders 0 2\n");
    let (_, again, _, _) = reloaded(&mut disk);
    assert_eq!((again.high_watermark(), again.log_start_offset()), (Offset(4), Offset(2)));
}

#[test]
fn a_checkpoint_that_is_missing_or_nonsense_counts_as_nothing() {
    let names = [
        "recovery-point-offset-checkpoint",
        "log-start-offset-checkpoint",
        "replication-offset-checkpoint",
    ];
    for name in names {
        for nonsense in [None, Some(&b"0\n1\norders 0"[..]), Some(b"\xff\xfe")] {
            let mut disk = MemoryDisk::new();
            let (mut manager, mut log) = created(&mut disk);
            append(&mut log, 6, &mut disk);
            log.update_high_watermark(Offset(6));
            manager.on_time(at(60_000), [&mut log].into_iter(), &mut disk).unwrap();
            let path = format!("data/{name}");
            disk.remove(&path).unwrap();
            if let Some(bytes) = nonsense {
                disk.create(&path).unwrap();
                disk.append(&path, bytes).unwrap();
            }
            let (_, mut again, _, _) = reloaded(&mut disk);
            assert_eq!(content(&mut again, &mut disk).len(), 6, "{name}");
            let lost = name == "replication-offset-checkpoint";
            assert_eq!(again.high_watermark(), Offset(if lost { 0 } else { 6 }), "{name}");
        }
    }
}

#[test]
fn a_cut_lowers_the_recovery_point_in_the_checkpoint_before_the_log_is_touched() {
    let mut disk = FaultyDisk::default();
    let (mut manager, mut log) = created(&mut disk);
    append(&mut log, 6, &mut disk);
    log.flush(&mut disk).unwrap();
    manager.checkpoint_recovery_points([&log].into_iter(), &mut disk).unwrap();
    assert_eq!(text(&mut disk, "recovery-point-offset-checkpoint"), "0\n1\norders 0 6\n");
    let mut failing = FaultyDisk { fails: Some(DiskOperation::Truncate), ..disk.clone() };
    let failed = manager.clone().truncate_to(at(0), &mut log.clone(), Offset(3), &mut failing);
    assert!(failed.is_err());
    assert_eq!(text(&mut failing, "recovery-point-offset-checkpoint"), "0\n1\norders 0 3\n");
    assert_eq!(manager.truncate_to(at(0), &mut log, Offset(3), &mut disk), Ok(Offset(3)));
    assert_eq!(text(&mut disk, "recovery-point-offset-checkpoint"), "0\n1\norders 0 3\n");
    manager.truncate_fully_and_start_at(at(0), &mut log, Offset(1), &mut disk).unwrap();
    assert_eq!(text(&mut disk, "recovery-point-offset-checkpoint"), "0\n1\norders 0 1\n");
    assert_eq!(log.log_end_offset(), Offset(1));
}

#[test]
fn a_deleted_log_is_renamed_and_removed_after_the_delay_and_nothing_is_inherited() {
    let mut disk = MemoryDisk::new();
    let (mut manager, mut log) = created(&mut disk);
    append(&mut log, 6, &mut disk);
    log.update_high_watermark(Offset(6));
    manager.on_time(at(60_000), [&mut log].into_iter(), &mut disk).unwrap();
    drop(log);
    manager.delete(at(60_000), &orders(), &mut disk).unwrap();
    assert!(disk.exists("data/orders-0.0-delete").unwrap());
    assert_eq!(text(&mut disk, "replication-offset-checkpoint"), "0\n0\n");
    let mut log = manager.create(at(60_000), &orders(), ID, small(), &mut disk).unwrap();
    append(&mut log, 1, &mut disk);
    assert_eq!((log.log_end_offset(), log.high_watermark()), (Offset(1), Offset(0)));
    manager.on_time(at(119_999), [&mut log].into_iter(), &mut disk).unwrap();
    assert!(disk.exists("data/orders-0.0-delete").unwrap());
    manager.on_time(at(120_000), [&mut log].into_iter(), &mut disk).unwrap();
    assert!(!disk.exists("data/orders-0.0-delete").unwrap());
    assert_eq!(content(&mut log, &mut disk).len(), 1);
}

#[test]
fn a_start_takes_up_the_removal_of_deleted_logs_and_leaves_other_names_alone() {
    let mut disk = MemoryDisk::new();
    let (mut manager, _) = created(&mut disk);
    manager.delete(at(0), &orders(), &mut disk).unwrap();
    for other in ["data/notes", "data/__cluster_metadata-0", "data/orders-0-stray"] {
        disk.create_dir(other).unwrap();
    }
    let Loaded { mut manager, logs, .. } = load(5_000, &mut disk);
    assert!(logs.is_empty());
    manager.on_time(at(65_000), core::iter::empty(), &mut disk).unwrap();
    let names = disk.list("data").unwrap();
    for other in ["notes", "__cluster_metadata-0", "orders-0-stray"] {
        assert!(names.iter().any(|name| name == other), "{names:?}");
    }
    assert!(!names.iter().any(|name| name.ends_with("-delete")), "{names:?}");
}

#[test]
fn retention_and_the_expiry_of_producers_come_in_their_time() {
    let mut disk = MemoryDisk::new();
    let (mut manager, mut log) = created(&mut disk);
    append(&mut log, 5, &mut disk);
    log.append_as_leader(at(0), numbered(0, 0, 1), LeaderEpoch(0), &mut disk).unwrap();
    log.update_high_watermark(Offset(6));
    log.update_config(TopicConfig { retention_ms: 1_000, ..small() });
    let moves = manager.on_time(at(299_999), [&mut log].into_iter(), &mut disk);
    assert_eq!(moves, Ok(vec![]));
    let moves = manager.on_time(at(300_000), [&mut log].into_iter(), &mut disk).unwrap();
    let (from, to, reason) = (Offset(0), Offset(6), LogStartReason::RetentionTime);
    assert_eq!(moves, [(orders(), LogStartMove { from, to, reason })]);
    assert_eq!(log.producers(), 1);
    manager.on_time(at(86_400_000), [&mut log].into_iter(), &mut disk).unwrap();
    assert_eq!(log.producers(), 0);
}

#[test]
fn a_directory_that_fails_is_an_error() {
    let mut disk = FaultyDisk::default();
    let (mut manager, mut log) = created(&mut disk);
    disk.fails = Some(DiskOperation::Rename);
    let ticked = manager.on_time(at(5_000), [&mut log].into_iter(), &mut disk);
    assert!(matches!(ticked, Err(LogError::Disk(_))), "{ticked:?}");
    disk.fails = Some(DiskOperation::List);
    let config = ServerConfig::default();
    let loaded = LogManager::load(at(0), "data", &config, MarkerDeletion::Synced, &mut disk);
    assert!(loaded.is_err());
}

#[test]
fn a_kill_at_any_moment_of_a_shutdown_loses_nothing_and_the_marker_comes_last() {
    let mut disk = MemoryDisk::new();
    let (manager, mut log) = created(&mut disk);
    for n in 0..7 {
        log.append_as_leader(at(0), numbered(0, n, 1), LeaderEpoch(n / 3), &mut disk).unwrap();
    }
    log.update_high_watermark(Offset(5));
    let shut_down = |after: u32| {
        let mut disk = FaultyDisk::crashing(disk.clone(), after);
        let logs = &mut [log.clone()];
        let result = manager.clone().shutdown(logs.iter_mut(), BrokerEpoch(9), &mut disk);
        (result.is_ok(), disk.disk, disk.mutations)
    };
    let (_, _, all) = shut_down(u32::MAX);
    for after in 0..=all {
        let (done, mut disk, _) = shut_down(after);
        let (_, mut again, recovered, last) = reloaded(&mut disk);
        assert_eq!(content(&mut again, &mut disk).len(), 7, "after {after}");
        assert_eq!((recovered.cut_bytes, again.producers()), (0, 1), "after {after}");
        assert!(!done || recovered.clean, "after {after}");
        if recovered.clean {
            assert_eq!((again.high_watermark(), again.recovery_point()), (Offset(5), Offset(7)));
        } else {
            assert_eq!(last, LastShutdown::Unclean);
        }
    }
}

#[test]
fn a_kill_at_any_moment_of_a_cut_leaves_a_log_that_ends_before_or_where_it_was_cut() {
    let mut disk = MemoryDisk::new();
    let (mut manager, mut log) = created(&mut disk);
    append(&mut log, 11, &mut disk);
    log.flush(&mut disk).unwrap();
    manager.checkpoint_recovery_points([&log].into_iter(), &mut disk).unwrap();
    let cut = |after: u32| {
        let mut disk = FaultyDisk::crashing(disk.clone(), after);
        let done = manager.clone().truncate_to(at(0), &mut log.clone(), Offset(2), &mut disk);
        (done.is_ok(), disk.disk, disk.mutations)
    };
    let (_, _, all) = cut(u32::MAX);
    let mut ends = Vec::new();
    for after in 0..=all {
        let (done, mut disk, _) = cut(after);
        let (_, mut again, recovered, _) = reloaded(&mut disk);
        let held = content(&mut again, &mut disk).len();
        assert_eq!(Offset(i64::try_from(held).unwrap()), again.log_end_offset());
        assert_eq!((recovered.cut_bytes, done && held != 2), (0, false), "after {after}");
        ends.push(held);
    }
    ends.dedup();
    assert_eq!(ends, [11, 8, 4, 2], "newest segments first");
}
