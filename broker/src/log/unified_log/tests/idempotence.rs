//! Batches that come again, late or never.

use crate::{
    host::{MemoryDisk, Timestamp},
    ids::{LeaderEpoch, Offset},
    log::{
        AppendError, LeaderAppend, UnifiedLog,
        testing::{at, content, open, produced, small, stamped},
    },
};

fn append(log: &mut UnifiedLog, epoch: i16, first: i32, disk: &mut MemoryDisk) -> String {
    let batch = produced(7, epoch, first, 2, 5);
    match log.append_as_leader(at(0), batch, LeaderEpoch(0), disk) {
        Ok(LeaderAppend::Appended { batch }) => format!("at {}", batch.base_offset()),
        Ok(LeaderAppend::Duplicate { base_offset, last_offset, timestamp }) => {
            assert_eq!((last_offset, timestamp), (base_offset.next(), Timestamp(5)));
            format!("again {base_offset}")
        }
        Err(AppendError::Invalid { code, .. }) => code.name().to_owned(),
        Err(error @ AppendError::Storage(_)) => panic!("{error}"),
    }
}

fn filled(batches: i32, disk: &mut MemoryDisk) -> UnifiedLog {
    let (mut log, _) = open(small(), disk);
    for n in 0..batches {
        assert_eq!(append(&mut log, 0, 2 * n, disk), format!("at {}", 2 * n));
    }
    log
}

#[test]
fn a_duplicate_among_the_last_five_is_told_with_its_offset_and_not_appended() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(6, &mut disk);
    let before = disk.clone();
    for n in 1..6 {
        assert_eq!(append(&mut log, 0, 2 * n, &mut disk), format!("again {}", 2 * n));
    }
    assert_eq!(append(&mut log, 0, 0, &mut disk), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    assert_eq!(disk, before);
}

#[test]
fn after_any_start_the_window_is_exactly_the_last_batch() {
    let mut disk = MemoryDisk::new();
    drop(filled(6, &mut disk));
    let mut log = open(small(), &mut disk).0;
    assert_eq!(append(&mut log, 0, 8, &mut disk), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    assert_eq!(append(&mut log, 0, 10, &mut disk), "again 10");
    assert_eq!(append(&mut log, 0, 12, &mut disk), "at 12");
}

#[test]
fn a_gap_is_out_of_order_and_an_old_epoch_is_fenced() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(1, &mut disk);
    assert_eq!(append(&mut log, 0, 4, &mut disk), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    assert_eq!(append(&mut log, 1, 2, &mut disk), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    assert_eq!(append(&mut log, 1, 0, &mut disk), "at 2");
    assert_eq!(append(&mut log, 0, 2, &mut disk), "INVALID_PRODUCER_EPOCH");
}

#[test]
fn a_producer_that_expired_begins_at_any_sequence() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(2, &mut disk);
    log.remove_expired_producers(at(86_400_004));
    assert_eq!(append(&mut log, 0, 50, &mut disk), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    log.remove_expired_producers(at(86_400_005));
    assert_eq!(append(&mut log, 0, 50, &mut disk), "at 4");
}

#[test]
fn a_follower_builds_the_same_state_without_checking() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    let copy = |(at, first)| stamped(produced(7, 0, first, 2, 5), at, 1);
    let copies = [(0, 9), (2, 40), (4, 3)].map(copy);
    log.append_as_follower(at(0), copies.concat().into(), &mut disk).unwrap();
    assert_eq!(content(&mut log, &mut disk).len(), 3);
    assert_eq!(append(&mut log, 0, 9, &mut disk), "again 0");
    assert_eq!(append(&mut log, 0, 5, &mut disk), "at 6");
}

#[test]
fn a_duplicate_does_not_move_the_log_end() {
    let mut disk = MemoryDisk::new();
    let mut log = filled(1, &mut disk);
    append(&mut log, 0, 0, &mut disk);
    assert_eq!(log.log_end_offset(), Offset(2));
}
