//! Tests of producer state and its snapshots.

use super::*;
use crate::{
    host::MemoryDisk,
    ids::{ProducerEpoch, Sequence},
    log::producer_state_entry::BatchMetadata,
};

const NEVER: Expiry = Expiry { now: Timestamp(0), after: Duration::MAX };

fn manager(disk: &mut MemoryDisk) -> ProducerStateManager {
    disk.create_dir("d").unwrap();
    ProducerStateManager::open(&"d".into(), disk).unwrap()
}

fn batch(producer: i64, last_sequence: i32, last_offset: i64, timestamp: i64) -> ProducerBatch {
    ProducerBatch {
        producer_id: ProducerId(producer),
        producer_epoch: ProducerEpoch(0),
        metadata: BatchMetadata {
            last_sequence: Sequence(last_sequence),
            last_offset: Offset(last_offset),
            offset_delta: 0,
            timestamp: Timestamp(timestamp),
        },
    }
}

fn filled(manager: &mut ProducerStateManager, from: i32, to: i32) {
    for sequence in from..to {
        manager.update(&batch(7, sequence, i64::from(sequence), 0));
        manager.update_map_end_offset(Offset(i64::from(sequence) + 1));
    }
}

fn snapshots(disk: &mut MemoryDisk) -> Vec<i64> {
    let names = disk.list("d").unwrap();
    names.iter().filter_map(|name| offset_of(name, SNAPSHOT)).map(|offset| offset.0).collect()
}

#[test]
fn the_window_is_five_batches_and_one_after_a_reload() {
    let mut disk = MemoryDisk::new();
    let mut live = manager(&mut disk);
    filled(&mut live, 0, 7);
    let known = |manager: &ProducerStateManager| {
        let entry = manager.get(ProducerId(7)).unwrap();
        (0..7).filter(|n| entry.find_duplicate(&batch(7, *n, 0, 0)).is_some()).collect::<Vec<_>>()
    };
    assert_eq!(known(&live), [2, 3, 4, 5, 6]);
    live.take_snapshot(&mut disk).unwrap();
    let mut reloaded = manager(&mut disk);
    reloaded.truncate_and_reload(Offset(0), Offset(7), NEVER, &mut disk).unwrap();
    assert_eq!(known(&reloaded), [6]);
    assert_eq!(reloaded.map_end_offset(), Offset(7));
}

#[test]
fn a_snapshot_is_written_once_for_an_offset_and_none_for_the_first() {
    let mut disk = MemoryDisk::new();
    let mut manager = manager(&mut disk);
    manager.take_snapshot(&mut disk).unwrap();
    filled(&mut manager, 0, 3);
    manager.take_snapshot(&mut disk).unwrap();
    let first = disk.clone();
    manager.take_snapshot(&mut disk).unwrap();
    assert_eq!(disk, first);
    assert_eq!(snapshots(&mut disk), [3]);
}

#[test]
fn going_back_loads_the_newest_snapshot_not_above_and_removes_those_outside() {
    let mut disk = MemoryDisk::new();
    let mut manager = manager(&mut disk);
    for end in [2, 4, 6, 8] {
        let from = end - 2;
        filled(&mut manager, from, end);
        manager.take_snapshot(&mut disk).unwrap();
    }
    manager.truncate_and_reload(Offset(2), Offset(7), NEVER, &mut disk).unwrap();
    assert_eq!(snapshots(&mut disk), [4, 6]);
    assert_eq!(manager.map_end_offset(), Offset(6));
    let last = manager.get(ProducerId(7)).unwrap().last().last_sequence;
    assert_eq!(last, Sequence(5));
}

#[test]
fn a_damaged_snapshot_gives_way_to_an_older_one_and_at_last_to_none() {
    let mut disk = MemoryDisk::new();
    let mut manager = manager(&mut disk);
    for end in [2, 4] {
        filled(&mut manager, end - 2, end);
        manager.take_snapshot(&mut disk).unwrap();
    }
    disk.write_at(&path_of("d", Offset(4), SNAPSHOT), 9, b"!").unwrap();
    manager.truncate_and_reload(Offset(0), Offset(9), NEVER, &mut disk).unwrap();
    assert_eq!((manager.map_end_offset(), snapshots(&mut disk)), (Offset(2), vec![2]));
    disk.truncate(&path_of("d", Offset(2), SNAPSHOT), 3).unwrap();
    manager.truncate_and_reload(Offset(0), Offset(9), NEVER, &mut disk).unwrap();
    assert_eq!((manager.map_end_offset(), snapshots(&mut disk)), (Offset(0), vec![]));
    assert_eq!(manager.len(), 0);
}

#[test]
fn a_silent_producer_expires_also_while_a_snapshot_is_loaded() {
    let mut disk = MemoryDisk::new();
    let mut manager = manager(&mut disk);
    manager.update(&batch(1, 0, 0, 1_000));
    manager.update(&batch(2, 0, 1, 1_001));
    manager.update_map_end_offset(Offset(2));
    manager.take_snapshot(&mut disk).unwrap();
    let at = |now| Expiry::new(Timestamp(now), Duration::from_millis(500));
    let mut live = manager.clone();
    live.remove_expired(at(1_499));
    assert_eq!(live.len(), 2);
    live.remove_expired(at(1_500));
    assert!(live.get(ProducerId(1)).is_none() && live.get(ProducerId(2)).is_some());
    manager.truncate_and_reload(Offset(0), Offset(9), at(1_500), &mut disk).unwrap();
    assert!(manager.get(ProducerId(1)).is_none() && manager.get(ProducerId(2)).is_some());
}

#[test]
fn stray_snapshots_are_removed_but_not_the_newest() {
    let mut disk = MemoryDisk::new();
    let mut manager = manager(&mut disk);
    for end in [2, 4, 6] {
        filled(&mut manager, end - 2, end);
        manager.take_snapshot(&mut disk).unwrap();
    }
    manager.remove_stray_snapshots(&[Offset(2)].into(), &mut disk).unwrap();
    assert_eq!(snapshots(&mut disk), [2, 6]);
}
