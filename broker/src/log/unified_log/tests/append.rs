//! Appending as leader and as follower.

use bytes::Bytes;

use crate::{
    host::{Disk, MemoryDisk},
    ids::{LeaderEpoch, Offset},
    log::{
        FollowerAppendError, LeaderAppend,
        testing::{at, content, open, plain, small, stamped},
    },
};

const GOLDEN: &str = "00000000000000000000005900000000023a6a93470000000000020000018bcfe56800000\
    0018bcfe568050000000000001092000300000011000000031a000000046b300a68656c6c6f0020000a02010c776f\
    726c6421020268027610000604046b320100";

fn golden() -> Bytes {
    let digit = |index: usize| u8::from_str_radix(&GOLDEN[index..index + 2], 16).unwrap();
    (0..GOLDEN.len()).step_by(2).map(digit).collect()
}

#[test]
fn a_batch_stands_in_the_file_as_kafka_writes_it() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    log.append_as_leader(at(0), golden(), LeaderEpoch(0), &mut disk).unwrap();
    let path = "data/orders-0/00000000000000000000.log";
    assert_eq!(disk.read_at(path, 0, 999).unwrap(), golden());
    log.append_as_leader(at(0), golden(), LeaderEpoch(0), &mut disk).unwrap();
    assert_eq!(log.log_end_offset(), Offset(3), "the second was a duplicate");
}

#[test]
fn a_leader_gives_the_next_offsets_and_its_epoch() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    log.append_as_leader(at(0), plain(3, 0), LeaderEpoch(4), &mut disk).unwrap();
    let second = log.append_as_leader(at(0), plain(2, 0), LeaderEpoch(6), &mut disk).unwrap();
    let LeaderAppend::Appended { batch } = second else { panic!("{second:?}") };
    assert_eq!((batch.base_offset(), batch.last_offset()), (Offset(3), Offset(4)));
    assert_eq!(batch.leader_epoch(), Some(LeaderEpoch(6)));
    assert_eq!(log.log_end_offset(), Offset(5));
    let epochs: Vec<_> = log.epochs().iter().map(|entry| entry.start_offset).collect();
    assert_eq!(epochs, [Offset(0), Offset(3)]);
    assert_eq!(log.end_offset_for_epoch(LeaderEpoch(5)), Some((LeaderEpoch(4), Offset(3))));
}

#[test]
fn a_follower_keeps_offsets_and_epochs_and_learns_the_epochs() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    let sent = [stamped(plain(2, 0), 0, 1), stamped(plain(1, 0), 2, 3)].concat();
    let copied = log.append_as_follower(at(0), sent.into(), &mut disk).unwrap();
    assert_eq!(copied, content(&mut log, &mut disk));
    assert_eq!(log.log_end_offset(), Offset(3));
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(3)));
    assert_eq!(log.epoch_for_offset(Offset(1)), Some(LeaderEpoch(1)));
}

#[test]
fn a_follower_leaves_out_a_batch_that_is_cut_off() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    let whole = stamped(plain(2, 0), 0, 1);
    let next = stamped(plain(1, 0), 2, 1);
    for cut in [1, 60, next.len() - 1] {
        let sent = [&whole[..], &next[..cut]].concat();
        let mut copy = log.clone();
        let copied = copy.append_as_follower(at(0), sent.into(), &mut disk.clone()).unwrap();
        assert_eq!(copied.len(), 1, "cut at {cut}");
    }
    assert_eq!(log.append_as_follower(at(0), next.slice(..9), &mut disk), Ok(vec![]));
}

#[test]
fn a_follower_takes_nothing_if_one_batch_is_damaged_or_out_of_order() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    let first = stamped(plain(2, 0), 0, 1);
    let mut damaged = stamped(plain(1, 0), 2, 1).to_vec();
    damaged[65] ^= 1;
    let sent = [&first[..], &damaged].concat();
    let refused = log.append_as_follower(at(0), sent.into(), &mut disk);
    assert_eq!(refused, Err(FollowerAppendError::Corrupt));
    let sent = [first, stamped(plain(1, 0), 1, 1)].concat();
    let refused = log.append_as_follower(at(0), sent.into(), &mut disk);
    assert_eq!(refused, Err(FollowerAppendError::OutOfOrder));
    let too_far = stamped(plain(1, 0), 1 << 31, 1);
    let refused = log.append_as_follower(at(0), too_far, &mut disk);
    assert_eq!(refused, Err(FollowerAppendError::OutOfOrder));
    let impossible = stamped(plain(1, 0), i64::MAX - 1, 1);
    let refused = log.append_as_follower(at(0), impossible, &mut disk);
    assert_eq!(refused, Err(FollowerAppendError::Corrupt));
    assert_eq!((log.log_end_offset(), log.latest_epoch()), (Offset(0), None));
}

#[test]
fn a_follower_refuses_a_batch_before_its_end_and_tells_where_it_lies() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    log.append_as_follower(at(0), stamped(plain(5, 0), 0, 1), &mut disk).unwrap();
    let refused = log.append_as_follower(at(0), stamped(plain(3, 0), 4, 1), &mut disk);
    let (first, last, log_end) = (Offset(4), Offset(6), Offset(5));
    assert_eq!(refused, Err(FollowerAppendError::UnexpectedOffset { first, last, log_end }));
}

#[test]
fn a_follower_takes_a_gap_as_its_leader_has_it() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    log.append_as_follower(at(0), stamped(plain(1, 0), 0, 1), &mut disk).unwrap();
    log.append_as_follower(at(0), stamped(plain(1, 0), 9, 1), &mut disk).unwrap();
    let found: Vec<_> = content(&mut log, &mut disk).iter().map(|b| b.base_offset().0).collect();
    assert_eq!(found, [0, 9]);
}

#[test]
fn flush_messages_syncs_after_so_many_records() {
    let mut disk = MemoryDisk::new();
    let config = crate::config::TopicConfig { flush_messages: Some(3), ..small() };
    let (mut log, _) = open(config, &mut disk);
    log.append_as_leader(at(0), plain(2, 0), LeaderEpoch(0), &mut disk).unwrap();
    assert_eq!(log.recovery_point(), Offset(0));
    log.append_as_leader(at(0), plain(1, 0), LeaderEpoch(0), &mut disk).unwrap();
    assert_eq!(log.recovery_point(), Offset(3));
}

#[test]
fn the_high_watermark_stays_within_log_start_and_log_end() {
    let mut disk = MemoryDisk::new();
    let (mut log, _) = open(small(), &mut disk);
    log.append_as_leader(at(0), plain(9, 0), LeaderEpoch(0), &mut disk).unwrap();
    assert_eq!(log.update_high_watermark(Offset(99)), Some((Offset(0), Offset(9))));
    assert_eq!(log.maybe_increment_high_watermark(Offset(5)), None);
    log.maybe_increment_log_start(Offset(4), &mut disk).unwrap();
    assert_eq!(log.update_high_watermark(Offset(1)), Some((Offset(9), Offset(4))));
    assert_eq!(log.maybe_increment_high_watermark(Offset(7)), Some((Offset(4), Offset(7))));
    assert_eq!(log.update_high_watermark(Offset(7)), None);
}
