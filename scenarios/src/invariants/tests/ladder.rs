//! The invariants of the models that compare replicas, leaders' views and readers.

use broker::{
    host::event::{
        ConsumerEvent, ControllerEvent, Delivery, ElectionKind, LogStartReason, PartitionEvent,
        PartitionRecord, Role,
    },
    ids::{BrokerId, LeaderEpoch, Offset, PartitionEpoch},
};

use super::healthy;
use crate::history::{
    Promised, RecordId,
    testing::{Run, orders},
};

fn adopts_isr(run: &mut Run, leader: i32, isr: &[i32]) {
    let event = PartitionEvent::IsrAdopted {
        partition: orders(),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: PartitionEpoch(1),
        isr: isr.iter().copied().map(BrokerId).collect(),
    };
    run.tell(&format!("broker-{leader}"), event);
}

fn reconciled(run: &mut Run, follower: i32, epoch: i32) {
    let event = PartitionEvent::Reconciled {
        partition: orders(),
        leader_epoch: LeaderEpoch(epoch),
        leader: BrokerId(2),
        log_end_offset: Offset(0),
    };
    run.tell(&format!("broker-{follower}"), event);
}

fn hand_out(run: &mut Run, offset: i64, epoch: i32, index: u64) {
    let delivery = Delivery {
        consumer: "c1".into(),
        partition: orders(),
        offset: Offset(offset),
        leader_epoch: LeaderEpoch(epoch),
        broker: BrokerId(1),
        value: RecordId::new("p1", index).value(0),
    };
    run.tell("c1", ConsumerEvent::Delivered(delivery));
}

fn signals(run: &Run) -> Vec<&'static str> {
    run.watch.signals().iter().map(|signal| signal.invariant).collect()
}

#[test]
fn a_record_that_a_controller_tells_again_happened_once() {
    let mut run = healthy();
    run.isr(&[1, 2]);
    let changes = |run: &Run| run.watch.history().partition(&orders()).unwrap().metadata.clone();
    let before = changes(&run);
    let record = before.current().unwrap().clone();
    let previous = vec![BrokerId(1), BrokerId(2), BrokerId(3)];
    let again = ControllerEvent::IsrChanged { previous: previous.clone(), record: record.clone() };
    run.tell("controller-1001", again);
    assert_eq!((changes(&run), run.broken()), (before, Vec::new()));
    // The same place in the log with other words in it is another matter.
    let other = PartitionRecord { isr: vec![BrokerId(1)], ..record };
    run.tell("controller-1001", ControllerEvent::IsrChanged { previous, record: other });
    assert_eq!(run.broken(), ["type-ok"]);
}

#[test]
fn an_eligible_replica_in_the_isr_breaks_type_ok() {
    let mut run = healthy();
    run.elr(&[2]);
    run.isr(&[1, 2]);
    assert_eq!(run.broken(), ["type-ok"]);
}

#[test]
fn eligible_replicas_beside_a_full_isr_break_type_ok() {
    let mut run = healthy();
    run.elr(&[3]);
    run.isr(&[1, 2]);
    assert_eq!(run.broken(), ["type-ok"]);
    let mut run = Run::new(&[1, 2, 3], 2);
    run.elr(&[2]);
    run.isr(&[1]);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn a_view_of_the_isr_with_a_member_that_lacks_what_is_exposed_is_a_signal_only() {
    let mut run = healthy();
    run.isr(&[1, 2]);
    adopts_isr(&mut run, 1, &[1, 2]);
    run.produce(1, (2, 1), 2, None);
    run.copy(2, (2, 1), 2, 0);
    run.high_watermark(1, 0, 2, 3);
    assert_eq!(signals(&run), Vec::<&str>::new());
    adopts_isr(&mut run, 1, &[1, 2, 3]);
    assert_eq!(signals(&run), ["weak-isr"]);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn a_high_watermark_above_the_end_of_a_members_log_is_not_valid() {
    let mut run = healthy();
    run.produce(1, (2, 1), 2, None);
    run.copy(2, (2, 1), 2, 0);
    run.high_watermark(1, 0, 2, 3);
    assert_eq!(run.broken(), ["valid-high-watermark", "strong-isr"]);
}

#[test]
fn a_member_that_joins_below_the_high_watermark_makes_it_not_valid() {
    let mut run = healthy();
    run.isr(&[1, 2]);
    run.produce(1, (2, 1), 2, None);
    run.copy(2, (2, 1), 2, 0);
    run.high_watermark(1, 0, 2, 3);
    assert_eq!(run.broken(), Vec::<&str>::new());
    run.isr(&[1, 2, 3]);
    assert_eq!(run.broken(), ["strong-isr", "valid-high-watermark"]);
}

#[test]
fn a_commitment_below_min_isr_breaks_kip_966_and_nothing_before_it() {
    for (promised, broken) in
        [(Promised::UntilUncleanEnds, &["hw-below-min-isr"][..]), (Promised::default(), &[])]
    {
        let mut run = Run::promising(promised, &[1, 2], 2);
        run.isr(&[1]);
        adopts_isr(&mut run, 1, &[1]);
        run.produce(1, (0, 1), 0, None);
        run.high_watermark(1, 0, 0, 1);
        assert_eq!(run.broken(), broken);
    }
}

/// Broker 3 has another record than its leader at offset 2, of an epoch before.
fn differs(run: &mut Run) {
    run.isr(&[1, 2]);
    run.copy(3, (9, 1), 2, 0);
    run.elect(2, &[2], ElectionKind::Isr);
    run.leads(2, 1);
    run.produce(2, (3, 1), 2, None);
    run.follows(3, 2, 1);
}

#[test]
fn a_reconciled_follower_that_differs_from_its_leader_breaks_log_match() {
    let mut run = healthy();
    differs(&mut run);
    assert_eq!(run.broken(), Vec::<&str>::new());
    reconciled(&mut run, 3, 1);
    assert_eq!(run.broken(), ["log-match"]);
}

#[test]
fn a_reconciled_follower_that_was_cut_matches_its_leader() {
    let mut run = healthy();
    differs(&mut run);
    run.truncate(3, 1, 3, 2);
    reconciled(&mut run, 3, 1);
    run.copy(3, (3, 1), 2, 1);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn two_replicas_that_differ_below_both_high_watermarks_break_min_hw() {
    let mut run = healthy();
    differs(&mut run);
    run.moved(2, Role::Leader, 1, (2, 3));
    assert_eq!(run.broken(), Vec::<&str>::new());
    run.moved(3, Role::Follower, 1, (2, 3));
    assert_eq!(run.broken(), ["min-hw"]);
}

#[test]
fn what_is_void_may_differ_until_the_replica_is_reconciled() {
    let mut run = healthy();
    run.isr(&[1]);
    run.produce(1, (2, 1), 2, None);
    run.high_watermark(1, 0, 2, 3);
    run.elect(2, &[2], ElectionKind::Unclean);
    run.leads(2, 1);
    run.produce(2, (3, 1), 2, None);
    run.high_watermark(2, 1, 0, 3);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn another_record_where_one_was_handed_out_breaks_exposed_stable() {
    let mut run = healthy();
    run.produce(1, (2, 1), 2, None);
    hand_out(&mut run, 2, 0, 2);
    run.elect(2, &[2, 3], ElectionKind::Isr);
    run.leads(2, 1);
    run.produce(2, (3, 1), 2, None);
    hand_out(&mut run, 1, 0, 1);
    assert_eq!(run.broken(), Vec::<&str>::new());
    hand_out(&mut run, 2, 1, 3);
    assert_eq!(run.broken(), ["exposed-stable"]);
}

#[test]
fn what_an_unclean_election_took_may_be_handed_out_anew() {
    let mut run = healthy();
    run.isr(&[1]);
    run.produce(1, (2, 1), 2, None);
    run.high_watermark(1, 0, 2, 3);
    hand_out(&mut run, 2, 0, 2);
    run.elect(2, &[2], ElectionKind::Unclean);
    run.leads(2, 1);
    run.produce(2, (3, 1), 2, None);
    run.high_watermark(2, 1, 0, 3);
    hand_out(&mut run, 2, 1, 3);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn a_deletion_above_the_high_watermark_is_not_lawful() {
    for (to, broken) in [(2, &[][..]), (3, &["lawful-deletion"])] {
        let mut run = healthy();
        run.produce(1, (2, 1), 2, None);
        let event = PartitionEvent::LogStartMoved {
            partition: orders(),
            from: Offset(0),
            to: Offset(to),
            reason: LogStartReason::DeleteRecords,
        };
        run.tell("broker-1", event);
        assert_eq!(run.broken(), broken);
    }
}

#[test]
fn acks_all_breaks_when_another_record_stands_at_the_offset() {
    let mut run = healthy();
    run.send((2, 1));
    run.attempt(1, (2, 1), None, 1);
    run.ack(1, (2, 1), 0, 2);
    assert_eq!(run.broken(), ["acked-too-early"]);
}
