//! Each invariant, firing and silent.

mod ladder;

use broker::{
    host::event::{ElectionKind, PartitionEvent, PartitionRecord, RequestRef, Role},
    ids::{BrokerId, LeaderEpoch, Offset, PartitionEpoch, TopicId},
};

use crate::history::testing::{Run, batch_bytes, orders};

/// Three replicas hold the records 0 and 1, committed and acknowledged.
fn healthy() -> Run {
    let mut run = Run::new(&[1, 2, 3], 1);
    run.produce(1, (0, 2), 0, None);
    run.copy(2, (0, 2), 0, 0);
    run.copy(3, (0, 2), 0, 0);
    run.high_watermark(1, 0, 0, 2);
    run.ack(1, (0, 2), 0, 2);
    run
}

#[test]
fn nothing_breaks_in_a_healthy_run() {
    let mut run = healthy();
    run.moved(2, Role::Follower, 0, (0, 2));
    run.isr(&[1, 2]);
    run.isr(&[1, 2, 3]);
    run.crash(1);
    run.elect(2, &[2, 3], ElectionKind::Isr);
    run.leads(2, 1);
    run.high_watermark(2, 1, 2, 2);
    run.restart(1, 2, 0);
    run.follows(1, 2, 1);
    run.produce(2, (2, 1), 2, None);
    run.copy(1, (2, 1), 2, 1);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn a_controller_that_starts_again_tells_nothing_new_and_must_tell_the_same() {
    let mut run = healthy();
    let first = run.record();
    run.isr(&[1, 2]);
    run.retell(first.clone());
    assert_eq!(run.broken(), Vec::<&str>::new());
    let changes = run.watch.history().partitions()[&orders()].metadata.changes().len();
    assert_eq!(changes, 2);
    run.retell(PartitionRecord { isr: vec![BrokerId(1)], ..first });
    assert_eq!(run.broken(), ["type-ok"]);
}

#[test]
fn log_matching_breaks_when_one_place_has_two_contents() {
    let mut run = healthy();
    run.produce(1, (2, 1), 2, None);
    run.copy(2, (7, 1), 2, 0);
    assert_eq!(run.broken(), ["log-matching"]);
}

#[test]
fn log_matching_breaks_when_a_batch_stands_behind_another_one_elsewhere() {
    let mut run = healthy();
    run.produce(1, (2, 1), 2, None);
    run.elect(2, &[2, 3], ElectionKind::Isr);
    run.leads(2, 1);
    run.produce(2, (3, 1), 2, None);
    run.produce(2, (4, 1), 3, None);
    // Broker 1 kept its own record at offset 2 and copies on behind it.
    run.copy(1, (4, 1), 3, 1);
    assert_eq!(run.broken(), ["log-matching"]);
}

#[test]
fn epochs_break_when_an_older_one_stands_behind_a_newer() {
    let mut run = healthy();
    run.copy(2, (2, 1), 2, 3);
    run.copy(2, (3, 1), 3, 1);
    assert_eq!(run.broken(), ["epochs-non-decreasing"]);
}

#[test]
fn high_watermark_breaks_beyond_the_log_end() {
    let mut run = healthy();
    run.isr(&[1]);
    run.high_watermark(1, 0, 2, 3);
    assert_eq!(run.broken(), ["high-watermark-sanity"]);
}

#[test]
fn high_watermark_breaks_when_a_leaders_falls_in_its_epoch() {
    let mut run = healthy();
    run.high_watermark(1, 0, 2, 1);
    assert_eq!(run.broken(), ["high-watermark-sanity"]);
}

#[test]
fn high_watermark_breaks_when_a_followers_is_above_every_leaders() {
    let mut run = healthy();
    run.produce(1, (2, 1), 2, None);
    run.copy(2, (2, 1), 2, 0);
    run.moved(2, Role::Follower, 0, (2, 3));
    assert_eq!(run.broken(), ["high-watermark-sanity"]);
}

#[test]
fn a_leader_outside_the_isr_breaks_leader_in_isr() {
    let mut run = healthy();
    run.elect(2, &[3], ElectionKind::Isr);
    assert_eq!(run.broken(), ["leader-in-isr"]);
}

#[test]
fn a_stranger_in_the_isr_breaks_type_ok() {
    let mut run = Run::new(&[1, 2], 1);
    run.isr(&[1, 2, 9]);
    assert_eq!(run.broken(), ["type-ok"]);
}

#[test]
fn two_leaders_of_one_epoch_break_one_leader_per_epoch() {
    let mut run = healthy();
    run.leads(2, 0);
    assert_eq!(run.broken(), ["one-leader-per-epoch"]);
}

#[test]
fn strong_isr_breaks_when_a_member_lacks_what_was_committed() {
    let mut run = Run::new(&[1, 2, 3], 1);
    run.produce(1, (0, 1), 0, None);
    run.copy(2, (0, 1), 0, 0);
    run.high_watermark(1, 0, 0, 1);
    assert_eq!(run.broken(), ["valid-high-watermark", "strong-isr"]);
}

#[test]
fn strong_isr_breaks_when_a_member_joins_without_what_was_committed() {
    let mut run = Run::new(&[1, 2, 3], 1);
    run.isr(&[1, 2]);
    run.produce(1, (0, 1), 0, None);
    run.copy(2, (0, 1), 0, 0);
    run.high_watermark(1, 0, 0, 1);
    assert_eq!(run.broken(), Vec::<&str>::new());
    run.isr(&[1, 2, 3]);
    assert_eq!(run.broken(), ["strong-isr", "valid-high-watermark"]);
}

#[test]
fn strong_isr_breaks_when_a_member_cuts_what_was_committed() {
    let mut run = healthy();
    run.follows(3, 2, 1);
    run.truncate(3, 1, 2, 0);
    assert_eq!(run.broken(), ["strong-isr"]);
}

#[test]
fn a_replica_outside_the_isr_may_cut_and_lack() {
    let mut run = healthy();
    run.isr(&[1, 2]);
    run.follows(3, 1, 0);
    run.truncate(3, 0, 2, 0);
    run.produce(1, (2, 1), 2, None);
    run.copy(2, (2, 1), 2, 0);
    run.high_watermark(1, 0, 2, 3);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn records_are_not_durable_when_a_leader_is_elected_without_them() {
    let mut run = healthy();
    run.follows(3, 2, 1);
    run.truncate(3, 1, 2, 0);
    run.elect(3, &[2, 3], ElectionKind::Isr);
    run.leads(3, 1);
    assert_eq!(run.broken(), ["strong-isr", "acknowledged-records-durable"]);
    let detail = &run.watch.violations()[1].detail;
    assert!(detail.contains("cut by broker-3 at"), "{detail}");
}

#[test]
fn a_power_loss_of_the_last_replica_standing_is_excused() {
    let mut run = healthy();
    run.isr(&[1]);
    run.power_off(1, Some(0));
    run.leader_lost(&[1]);
    run.restart(1, 0, 0);
    run.elect(1, &[1], ElectionKind::Isr);
    run.leads(1, 2);
    run.produce(1, (5, 1), 0, None);
    run.high_watermark(1, 2, 0, 1);
    run.follows(2, 1, 2);
    run.truncate(2, 2, 2, 0);
    run.copy(2, (5, 1), 0, 2);
    run.isr(&[1, 2]);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn a_recovery_that_cuts_what_was_synced_is_not_excused() {
    let mut run = healthy();
    let size = u64::try_from(batch_bytes(0, 0, None, &[b"p1:0", b"p1:1"]).len()).unwrap();
    run.isr(&[1]);
    run.power_off(1, Some(size));
    run.restart(1, 0, 0);
    assert_eq!(run.broken(), ["recovery-lost-synced-data"]);
}

#[test]
fn an_unclean_election_ends_the_promise_on_what_its_leader_lacks() {
    let mut run = healthy();
    run.isr(&[1]);
    run.produce(1, (2, 1), 2, None);
    run.high_watermark(1, 0, 2, 3);
    run.crash(1);
    run.leader_lost(&[1]);
    run.elect(2, &[2], ElectionKind::Unclean);
    run.leads(2, 2);
    run.produce(2, (3, 1), 2, None);
    run.high_watermark(2, 2, 0, 3);
    run.restart(1, 3, 2);
    run.follows(1, 2, 2);
    run.truncate(1, 2, 3, 2);
    run.copy(1, (3, 1), 2, 2);
    run.isr(&[1, 2]);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn what_a_zombie_exposes_after_an_unclean_election_is_void_at_birth() {
    let mut run = healthy();
    run.isr(&[1]);
    run.produce(1, (2, 1), 2, None);
    run.high_watermark(1, 0, 2, 3);
    run.elect(2, &[2], ElectionKind::Unclean);
    run.leads(2, 1);
    // Broker 1 has not heard of it.
    run.watch_zombie_append(1, (8, 1), 3);
    run.high_watermark(1, 0, 3, 4);
    run.produce(2, (3, 1), 2, None);
    run.high_watermark(2, 1, 0, 3);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn committed_data_breaks_when_another_record_is_committed_in_its_place() {
    let mut run = healthy();
    run.produce(1, (2, 1), 2, None);
    run.copy(2, (2, 1), 2, 0);
    run.copy(3, (2, 1), 2, 0);
    run.high_watermark(1, 0, 2, 3);
    // Broker 2 leads an epoch that the controller never gave out, with another record there.
    run.truncate(2, 1, 3, 2);
    run.copy(2, (9, 1), 2, 1);
    run.high_watermark(2, 1, 2, 3);
    assert!(run.broken().contains(&"committed-data-unchanged"), "{:?}", run.broken());
}

#[test]
fn acks_all_breaks_when_it_is_answered_below_the_high_watermark() {
    let mut run = healthy();
    run.produce(1, (2, 1), 2, None);
    run.ack(1, (2, 1), 2, 2);
    assert_eq!(run.broken(), ["acked-too-early"]);
}

#[test]
fn acks_all_breaks_when_fewer_than_the_minimum_are_in_sync() {
    let mut run = Run::new(&[1, 2], 2);
    run.isr(&[1]);
    run.produce(1, (0, 1), 0, None);
    run.high_watermark(1, 0, 0, 1);
    run.ack(1, (0, 1), 0, 1);
    assert_eq!(run.broken(), ["acked-too-early"]);
}

#[test]
fn a_refusal_for_want_of_replicas_breaks_when_the_record_was_appended() {
    let mut run = healthy();
    let correlation = run.produce(1, (2, 1), 2, None);
    run.answer_error(1, correlation, 19);
    assert_eq!(run.broken(), ["acked-too-early"]);
}

#[test]
fn acks_1_may_be_answered_at_once() {
    let mut run = healthy();
    run.acks = 1;
    run.produce(1, (2, 1), 2, None);
    run.ack(1, (2, 1), 2, 2);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn the_model_breaks_when_the_bytes_are_others() {
    let mut run = healthy();
    let log = [batch_bytes(0, 0, None, &[b"p1:0", b"p1:1"])];
    let bytes = run.bytes_of(2, &log);
    run.watch.on_replica_bytes(1_000_000_000, "broker-2", &orders(), &bytes);
    assert_eq!(run.broken(), Vec::<&str>::new());
    let other = [batch_bytes(0, 0, None, &[b"p1:0", b"p1:7"])];
    let bytes = run.bytes_of(2, &other);
    run.watch.on_replica_bytes(1_000_000_001, "broker-2", &orders(), &bytes);
    assert_eq!(run.broken(), ["model-equals-bytes", "log-matching"]);
}

#[test]
fn a_process_that_died_inside_a_step_may_leave_more_than_it_told() {
    let mut run = healthy();
    run.crash_in_step(2);
    run.restart(2, 3, 0);
    let log = [batch_bytes(0, 0, None, &[b"p1:0", b"p1:1"]), batch_bytes(2, 0, None, &[b"p1:2"])];
    let bytes = run.bytes_of(2, &log);
    run.watch.on_replica_bytes(1_000_000_000, "broker-2", &orders(), &bytes);
    assert_eq!(run.broken(), Vec::<&str>::new());
}

#[test]
fn a_truncation_that_was_not_synced_may_come_undone_with_the_power() {
    let mut run = healthy();
    run.isr(&[1, 2]);
    run.follows(3, 1, 0);
    let whole = batch_bytes(0, 0, None, &[b"p1:0", b"p1:1"]);
    run.truncate(3, 0, 2, 0);
    run.power_off(3, Some(0));
    run.restart(3, 2, 0);
    let bytes = run.bytes_of(3, &[whole]);
    run.watch.on_replica_bytes(1_000_000_000, "broker-3", &orders(), &bytes);
    assert_eq!(run.broken(), Vec::<&str>::new());
    let replica = &run.watch.history().partitions()[&orders()].replicas[&BrokerId(3)];
    assert_eq!((replica.entries().len(), replica.log_end_offset()), (1, Offset(2)));
}

impl Run {
    fn answer_error(&mut self, broker: i32, correlation: i32, error: i16) {
        let answered = broker::host::event::ProduceAnswered {
            partition: orders(),
            request: RequestRef { client: "p1".into(), correlation },
            acks: -1,
            error,
            base_offset: None,
            last_offset: None,
            leader_epoch: LeaderEpoch(0),
            high_watermark: Offset(0),
            isr_size: 1,
            min_insync_replicas: 1,
        };
        self.tell(&format!("broker-{broker}"), PartitionEvent::ProduceAnswered(answered));
    }

    /// A leader that does not know of the newer epoch appends in epoch 0.
    fn watch_zombie_append(&mut self, broker: i32, span: (u64, u64), base: i64) {
        self.copy(broker, span, base, 0);
    }
}

#[test]
fn a_leader_may_come_back_in_a_later_epoch() {
    let mut run = healthy();
    run.elect(2, &[1, 2, 3], ElectionKind::Isr);
    run.leads(2, 1);
    run.elect(1, &[1, 2, 3], ElectionKind::Isr);
    run.tell(
        "broker-1",
        PartitionEvent::BecameLeader {
            partition: orders(),
            topic_id: TopicId([1; 16]),
            leader_epoch: LeaderEpoch(2),
            partition_epoch: PartitionEpoch(2),
            log_end_offset: Offset(2),
            isr: Vec::new(),
        },
    );
    assert_eq!(run.broken(), Vec::<&str>::new());
}
