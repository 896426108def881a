//! The contract's examples, as runs written by hand.

use broker::{
    host::event::{AttemptOutcome, ConsumerEvent, Delivery, ElectionKind, SendFailure},
    ids::{BrokerId, LeaderEpoch, Offset},
};
use reports::{Palette, Report, Verdict, text};

mod agreement;
mod contract;
mod order;

use super::{Config, Header, Judgement, ProducerRules, Recovery, judge};
use crate::blackbox::{FinalReader, check};
use crate::history::{
    FinalRead, RecordId, ReplicaBytes,
    testing::{Run, batch_bytes, orders},
};

/// The final read that agrees with the model: whatever the logs hold, all brokers run.
fn finish(run: Run) -> Judgement {
    finish_with(run, &Config::default())
}

fn finish_with(mut run: Run, config: &Config) -> Judgement {
    let read = final_read(&run);
    let last = last_reader(&mut run, config);
    judge(run.watch, &read, config, &check(&run.clients, last))
}

fn final_read(run: &Run) -> FinalRead {
    let partition = &run.watch.history().partitions()[&orders()];
    let mut read = FinalRead::default();
    for (broker, replica) in &partition.replicas {
        let mut log = Vec::new();
        for entry in replica.entries() {
            let batch = partition.batches.get(entry.batch);
            let values: Vec<_> = batch
                .records
                .iter()
                .flatten()
                .map(|send| run.watch.history().sends().get(*send).record.value(0))
                .collect();
            let values: Vec<&[u8]> = values.iter().map(|value| &value[..]).collect();
            let stamp = batch.stamp.map(|s| (s.id.0, s.epoch.0, s.base_sequence.0));
            let (base, epoch) = (batch.base_offset.0, batch.leader_epoch.0);
            log.extend_from_slice(&batch_bytes(base, epoch, stamp, &values));
        }
        let bytes = ReplicaBytes {
            log_start: replica.log_start,
            high_watermark: Some(replica.log_end_offset()),
            log: log.into(),
        };
        read.replicas.insert((orders(), *broker), bytes);
    }
    read
}

/// The last reader reads the log of the leader, if the cluster recovered.
fn last_reader(run: &mut Run, config: &Config) -> FinalReader {
    let partition = &run.watch.history().partitions()[&orders()];
    let leader = partition.metadata.current().and_then(|record| record.leader);
    let (Some(leader), Recovery::Reached) = (leader, &config.recovery) else {
        return FinalReader::None;
    };
    let sends = run.watch.history().sends();
    let log = &partition.replicas[&leader];
    let records = log.entries().iter().flat_map(|entry| {
        let batch = partition.batches.get(entry.batch);
        (batch.base_offset.0..).zip(&batch.records)
    });
    let named = records.filter(|(offset, _)| log.log_start.0 <= *offset);
    let named =
        named.filter_map(|(offset, send)| Some((offset, sends.get((*send)?).record.value(0))));
    let deliveries: Vec<_> = named.map(|(offset, value)| delivery("last", offset, value)).collect();
    for delivery in deliveries {
        run.clients.on_event(u64::MAX, &ConsumerEvent::Delivered(delivery).into());
    }
    FinalReader::ReadAll("last".into())
}

fn delivery(consumer: &str, offset: i64, value: bytes::Bytes) -> Delivery {
    Delivery {
        consumer: consumer.into(),
        partition: orders(),
        offset: Offset(offset),
        leader_epoch: LeaderEpoch(0),
        broker: BrokerId(1),
        value,
    }
}

/// What was found: kind, rule, whether it is allowed.
fn found(judgement: &Judgement) -> Vec<(&str, &str, bool)> {
    let anomalies = judgement.anomalies.iter();
    anomalies.map(|a| (a.kind.as_str(), a.rule.as_str(), a.allowed)).collect()
}

fn committed(replicas: &[i32]) -> Run {
    let mut run = Run::new(replicas, 1);
    run.produce(1, (0, 1), 0, None);
    for follower in &replicas[1..] {
        run.copy(*follower, (0, 1), 0, 0);
    }
    run.high_watermark(1, 0, 0, 1);
    run.ack(1, (0, 1), 0, 1);
    run
}

#[test]
fn a_run_without_faults_is_ok() {
    let judgement = finish(committed(&[1, 2, 3]));
    assert_eq!(judgement.verdict, Verdict::Ok, "{:?}", judgement.anomalies);
    assert_eq!((judgement.records.sent, judgement.records.acked), (1, 1));
}

#[test]
fn acks_1_that_only_a_stale_log_has_is_stranded() {
    let mut run = committed(&[1, 2, 3]);
    run.acks = 1;
    run.produce(1, (1, 1), 1, None);
    run.ack(1, (1, 1), 1, 1);
    run.crash(1);
    run.elect(2, &[2, 3], ElectionKind::Isr);
    run.leads(2, 1);
    let judgement = finish_without(run, 1);
    assert_eq!(found(&judgement), [("lost", "uncommitted acks=1", true)]);
    assert_eq!(judgement.records.stranded, 1);
}

/// As [`finish`], but this broker never came back.
fn finish_without(mut run: Run, _broker: i32) -> Judgement {
    let watch = std::mem::take(&mut run.watch);
    let clients = check(&run.clients, FinalReader::None);
    judge(watch, &FinalRead::default(), &Config::default(), &clients)
}

#[test]
fn synced_data_may_not_be_lost_with_power() {
    let mut run = committed(&[1, 2]);
    for broker in [1, 2] {
        run.power_off(broker, Some(1_000_000));
    }
    run.leader_lost(&[1]);
    run.restart(1, 0, 0);
    run.restart(2, 0, 0);
    run.elect(1, &[1], ElectionKind::Isr);
    run.leads(1, 2);
    let judgement = finish(run);
    assert_eq!(judgement.verdict, Verdict::Violation);
    assert!(found(&judgement).contains(&("lost", "committed", false)));
}

#[test]
fn a_retry_without_idempotence_may_leave_two_copies() {
    let mut run = Run::new(&[1], 1);
    run.produce(1, (0, 1), 0, None);
    run.ended(AttemptOutcome::Disconnected);
    run.attempt(1, (0, 1), None, 2);
    run.append_attempt(1, (0, 1), 1, None);
    run.high_watermark(1, 0, 0, 2);
    run.ack(1, (0, 1), 1, 2);
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("duplicate", "D2", true)]);
    assert_eq!(judgement.verdict, Verdict::AllowedDuplicates);
    assert_eq!(judgement.records.duplicates, 1);
}

#[test]
fn a_copy_of_a_refused_attempt_is_a_violation() {
    let mut run = Run::new(&[1], 1);
    run.produce(1, (0, 1), 0, None);
    run.ended(AttemptOutcome::Refused { error: 19 });
    run.attempt(1, (0, 1), None, 2);
    run.append_attempt(1, (0, 1), 1, None);
    run.high_watermark(1, 0, 0, 2);
    run.ack(1, (0, 1), 1, 2);
    assert_eq!(found(&finish(run)), [("duplicate", "D2", false)]);
}

#[test]
fn a_leader_that_had_the_batch_in_its_window_may_not_refuse_its_retry() {
    let mut run = Run::new(&[1], 1);
    run.produce(1, (0, 1), 0, Some((7, 0, 0)));
    run.high_watermark(1, 0, 0, 1);
    run.attempt(1, (0, 1), Some((7, 0, 0)), 2);
    run.ended(AttemptOutcome::Refused { error: 45 });
    run.attempt(1, (0, 1), Some((7, 1, 0)), 3);
    run.append_attempt(1, (0, 1), 1, Some((7, 1, 0)));
    assert_eq!(found(&finish(run)), [("duplicate", "D3", false)]);
}

#[test]
fn a_failed_record_may_not_stand_in_any_log() {
    let mut run = committed(&[1]);
    run.produce(1, (1, 1), 1, None);
    run.failed(1, SendFailure::DeliveryTimeout);
    assert_eq!(found(&finish(run)), [("misreported", "failed means not appended", false)]);
}

#[test]
fn a_send_may_be_reported_failed_only_after_certain_refusals() {
    for (error, anomalies) in [(19, 0), (7, 1)] {
        let mut run = committed(&[1]);
        run.send((1, 1));
        run.attempt(1, (1, 1), None, 1);
        run.ended(AttemptOutcome::Refused { error });
        run.failed(1, SendFailure::Refused { error });
        assert_eq!(finish(run).anomalies.len(), anomalies);
    }
}

#[test]
fn a_record_of_acks_0_that_met_a_dead_broker_may_be_lost() {
    let mut run = committed(&[1]);
    run.acks = 0;
    run.send((1, 1));
    run.attempt(1, (1, 1), None, 1);
    run.ended(AttemptOutcome::NoAnswerExpected);
    run.unknown(1, SendFailure::NotConfirmed);
    run.crash(1);
    run.restart(1, 1, 1);
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("lost", "uncommitted acks=0", true)]);
    assert_eq!((judgement.records.acked_lost, judgement.records.lost), (0, 1));
}

#[test]
fn a_record_of_acks_0_may_not_vanish_without_a_failure() {
    let mut run = committed(&[1]);
    run.acks = 0;
    run.send((1, 1));
    run.attempt(1, (1, 1), None, 1);
    run.unknown(1, SendFailure::NotConfirmed);
    assert_eq!(found(&finish(run)), [("lost", "vanished", false)]);
}

fn deliver(run: &mut Run, offset: i64, index: u64) {
    let value = RecordId::new("p1", index).value(0);
    run.tell("c1", ConsumerEvent::Delivered(delivery("c1", offset, value)));
}

#[test]
fn a_consumer_may_see_only_what_was_committed() {
    let mut run = committed(&[1]);
    deliver(&mut run, 0, 0);
    run.produce(1, (1, 1), 1, None);
    deliver(&mut run, 1, 1);
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("dirty-read", "deliveries", false)]);
    assert_eq!(judgement.consumers["c1"].delivered, 2);
}

#[test]
fn a_consumer_may_not_see_another_record_nor_pass_one_over() {
    let mut run = committed(&[1]);
    run.produce(1, (1, 2), 1, None);
    run.high_watermark(1, 0, 1, 3);
    deliver(&mut run, 0, 1);
    deliver(&mut run, 2, 2);
    let judgement = finish(run);
    let kinds: Vec<_> = found(&judgement).iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(kinds, ["changed-record", "gap"]);
}

#[test]
fn replicas_that_differ_below_their_high_watermarks_have_diverged() {
    let mut run = committed(&[1, 2]);
    run.isr(&[1]);
    run.produce(1, (1, 1), 1, None);
    run.high_watermark(1, 0, 1, 2);
    run.copy(2, (5, 1), 1, 0);
    assert!(found(&finish(run)).contains(&("diverged", "log matching", false)));
}

#[test]
fn a_cluster_that_does_not_recover_is_stuck_unless_a_permanent_fault_explains_it() {
    for (gone, verdict) in [(vec![], Verdict::Stuck), (vec![BrokerId(1)], Verdict::Unavailable)] {
        let mut run = committed(&[1]);
        run.crash(1);
        let detail = "orders-0 has no leader".to_owned();
        let recovery = Recovery::NotReached { detail, gone: gone.into_iter().collect() };
        let judgement = finish_with(run, &Config { recovery, ..Config::default() });
        assert_eq!(judgement.verdict, verdict);
    }
}

#[test]
fn the_time_without_a_leader_is_measured_until_the_next_one_has_adopted_its_epoch() {
    let mut run = committed(&[1, 2]);
    run.crash(1);
    let from = run.millis;
    run.millis += 3_000;
    run.elect(2, &[2], ElectionKind::Isr);
    run.leads(2, 1);
    let waited = run.millis - from;
    assert_eq!(finish(run).unavailable_ms.without_leader, waited);
}

#[test]
fn a_judgement_reads_as_a_report() {
    let mut run = committed(&[1, 2, 3]);
    run.acks = 1;
    for index in 1..6 {
        run.produce(1, (index, 1), i64::try_from(index).unwrap(), None);
        run.ack(1, (index, 1), i64::try_from(index).unwrap(), 1);
    }
    run.crash(1);
    run.elect(2, &[2, 3], ElectionKind::Isr);
    run.leads(2, 1);
    run.restart(1, 6, 1);
    run.follows(1, 2, 1);
    run.truncate(1, 1, 6, 1);
    run.isr(&[1, 2, 3]);
    let outcome = finish(run).into_outcome(Header {
        scenario: "leader-crash-acks-1".to_owned(),
        variant: None,
        seed: 7,
        protocol: "kip-595".to_owned(),
        trace_hash: "0b5ab0f8b8c2a1d3e4f5061728394a5b".to_owned(),
        recovered_ms: Some(0),
        simulated_ms: 100,
        events: 60,
        expectations: Vec::new(),
    });
    let reproduce = "highwater run leader-crash-acks-1.json --seed 7".to_owned();
    let report = Report { outcome, faults: Vec::new(), reproduce };
    insta::assert_snapshot!(text(&report, Palette::Plain));
}
