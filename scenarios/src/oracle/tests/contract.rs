//! The contract's table of examples (4.12), one by one.

use broker::{
    host::event::{
        AttemptOutcome, ElectionKind, LogStartReason, PartitionEvent, ProducerEvent, SendFailure,
    },
    ids::{Offset, ProducerEpoch, ProducerId},
};
use reports::Verdict;

use super::{Run, committed, finish, found};
use crate::history::{Promised, testing::orders};

/// A record is committed on both under KIP-966; broker 1 leads.
fn committed_966(minimum: u32) -> Run {
    let mut run = Run::promising(Promised::UntilUncleanEnds, &[1, 2], minimum);
    run.produce(1, (0, 1), 0, None);
    run.copy(2, (0, 1), 0, 0);
    run.high_watermark(1, 0, 0, 1);
    run.ack(1, (0, 1), 0, 1);
    run
}

/// A leader that does not know yet that another leads, acks=1, moved away before it follows.
#[test]
fn acks_1_that_goes_with_a_replica_is_allowed_if_the_replica_was_moved_away() {
    for (moved, rule) in [(true, "uncommitted acks=1"), (false, "vanished")] {
        let mut run = committed(&[1, 2, 3]);
        run.acks = 1;
        run.produce(1, (1, 1), 1, None);
        run.ack(1, (1, 1), 1, 1);
        run.elect(2, &[1, 2, 3], ElectionKind::Isr);
        run.leads(2, 1);
        if moved {
            run.replicas(&[2, 3]);
        }
        run.isr(&[2, 3]);
        run.tell("broker-1", PartitionEvent::ReplicaRemoved { partition: orders() });
        assert_eq!(found(&finish(run)), [("lost", rule, moved)]);
    }
}

/// Leader cut from followers, acks=1, crash.
#[test]
fn acks_1_lost_with_a_leader_that_was_cut_off_is_allowed() {
    let mut run = committed(&[1, 2, 3]);
    run.acks = 1;
    run.produce(1, (1, 1), 1, None);
    run.ack(1, (1, 1), 1, 1);
    run.crash(1);
    run.elect(2, &[2, 3], ElectionKind::Isr);
    run.leads(2, 1);
    run.restart(1, 2, 1);
    run.follows(1, 2, 1);
    run.truncate(1, 1, 2, 1);
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("lost", "uncommitted acks=1", true)]);
    assert_eq!(judgement.verdict, Verdict::AllowedLoss);
    assert_eq!((judgement.records.acked_lost, judgement.records.lost), (1, 1));
    assert_eq!(
        judgement.anomalies[0].explanation,
        "acked at 0.023 s by broker-1 (epoch 0, offset 1) with acks=1, never below a high \
         watermark; cut by broker-1 at 0.030 s when it followed broker-2 in epoch 1"
    );
}

/// acks=1, already read, then leader crash, ISR member without it elected.
#[test]
fn a_record_that_was_read_and_is_missing_from_an_elected_member_is_a_violation() {
    let mut run = Run::new(&[1, 2], 1);
    run.acks = 1;
    run.produce(1, (0, 1), 0, None);
    // The high watermark passes although broker 2, in the ISR, lacks the record.
    run.high_watermark(1, 0, 0, 1);
    run.ack(1, (0, 1), 0, 1);
    run.crash(1);
    run.elect(2, &[2], ElectionKind::Isr);
    run.leads(2, 1);
    run.restart(1, 1, 0);
    run.follows(1, 2, 1);
    run.truncate(1, 1, 1, 0);
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("lost", "committed", false)]);
    assert_eq!(judgement.verdict, Verdict::Violation);
    assert!(judgement.anomalies[0].explanation.contains("broker-2 never had it"));
}

/// CE-a1 under hw.
#[test]
fn a_double_fail_over_under_hw_is_a_violation() {
    let mut run = committed(&[1, 2, 3]);
    run.crash(1);
    run.elect(2, &[2, 3], ElectionKind::Isr);
    run.follows(3, 2, 1);
    run.truncate(3, 1, 1, 0);
    run.crash(2);
    run.elect(3, &[3], ElectionKind::Isr);
    run.leads(3, 2);
    let judgement = finish(run);
    assert!(found(&judgement).contains(&("lost", "committed", false)), "{:?}", found(&judgement));
    assert_eq!(judgement.verdict, Verdict::Violation);
}

/// CE-a2, kip-595.
#[test]
fn the_last_replica_standing_may_lose_its_disk() {
    let mut run = committed(&[1, 2]);
    run.crash(2);
    run.isr(&[1]);
    run.power_off(1, Some(0));
    run.leader_lost(&[1]);
    run.restart(1, 0, 0);
    run.elect(1, &[1], ElectionKind::Isr);
    run.leads(1, 2);
    run.restart(2, 1, 1);
    run.follows(2, 1, 2);
    run.truncate(2, 2, 1, 0);
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("lost", "V-disk", true)]);
    assert_eq!(judgement.verdict, Verdict::AllowedLoss);
}

/// Unclean on, ISR {1} crashed, 2 elected; what the zombie 1 exposed.
#[test]
fn an_unclean_election_loses_what_its_leader_lacks_and_the_zombies_too() {
    let mut run = committed(&[1, 2]);
    run.isr(&[1]);
    run.produce(1, (1, 1), 1, None);
    run.high_watermark(1, 0, 1, 2);
    run.ack(1, (1, 1), 1, 2);
    run.send((2, 1));
    run.attempt(1, (2, 1), None, 1);
    run.append_attempt(1, (2, 1), 2, None);
    run.elect(2, &[2], ElectionKind::Unclean);
    run.leads(2, 1);
    run.high_watermark(1, 0, 2, 3);
    run.ack(1, (2, 1), 2, 3);
    run.follows(1, 2, 1);
    run.truncate(1, 1, 3, 1);
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("lost", "V-unclean", true), ("lost", "V-late", true)]);
    assert_eq!(judgement.verdict, Verdict::AllowedLoss);
}

/// Ack lost, retry, idempotence on, same leader alive: window hit.
#[test]
fn a_retry_after_a_lost_answer_leaves_one_copy_with_idempotence() {
    let mut run = Run::new(&[1], 1);
    run.produce(1, (0, 1), 0, Some((7, 0, 0)));
    run.ended(AttemptOutcome::Disconnected);
    run.attempt(1, (0, 1), Some((7, 0, 0)), 2);
    run.high_watermark(1, 0, 0, 1);
    run.ack(1, (0, 1), 0, 1);
    assert_eq!(finish(run).verdict, Verdict::Ok);
}

/// The same, with two copies: D1.
#[test]
fn two_copies_of_one_sequence_are_a_violation() {
    let mut run = Run::new(&[1], 1);
    run.produce(1, (0, 1), 0, Some((7, 0, 0)));
    run.ended(AttemptOutcome::Disconnected);
    run.attempt(1, (0, 1), Some((7, 0, 0)), 2);
    run.append_attempt(1, (0, 1), 1, Some((7, 0, 0)));
    run.high_watermark(1, 0, 0, 2);
    run.ack(1, (0, 1), 1, 2);
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("duplicate", "D1", false)]);
}

/// Client cut with batches appended, leader killed and re-elected, retry of the first: D3a.
#[test]
fn a_leader_that_was_opened_anew_remembers_one_batch_of_a_producer() {
    let mut run = Run::new(&[1], 1);
    for index in 0..3 {
        let sequence = i32::try_from(index).unwrap();
        run.produce(1, (index, 1), i64::from(sequence), Some((7, 0, sequence)));
    }
    run.high_watermark(1, 0, 0, 3);
    run.crash(1);
    run.restart(1, 3, 0);
    run.attempt(1, (0, 1), Some((7, 0, 0)), 2);
    run.ended(AttemptOutcome::Refused { error: 45 });
    run.tell(
        "p1",
        ProducerEvent::ProducerIdAssigned {
            producer: "p1".into(),
            producer_id: ProducerId(7),
            producer_epoch: ProducerEpoch(1),
            reason: Some("OUT_OF_ORDER_SEQUENCE_NUMBER".to_owned()),
        },
    );
    run.attempt(1, (0, 1), Some((7, 1, 0)), 3);
    run.append_attempt(1, (0, 1), 3, Some((7, 1, 0)));
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("duplicate", "D3a", true)]);
}

/// Delivery timeout, record later in the log.
#[test]
fn a_record_that_timed_out_may_stand_in_the_log() {
    let mut run = committed(&[1]);
    run.produce(1, (1, 1), 1, None);
    run.unknown(1, SendFailure::DeliveryTimeout);
    let judgement = finish(run);
    assert_eq!(judgement.verdict, Verdict::Ok);
    assert_eq!(judgement.records.unknown, 1);
}

/// `DeleteRecords` to the high watermark: V-delete, no loss.
#[test]
fn deleted_records_are_not_lost() {
    let mut run = committed(&[1]);
    run.tell(
        "broker-1",
        PartitionEvent::LogStartMoved {
            partition: orders(),
            from: Offset(0),
            to: Offset(1),
            reason: LogStartReason::DeleteRecords,
        },
    );
    let judgement = finish(run);
    assert_eq!((judgement.verdict, judgement.records.lost), (Verdict::Ok, 0));
}

/// CE-e1: the follower is shut down, the leader loses its disk and is elected again. Up to
/// KIP-595 it is the last replica standing; under KIP-966 the follower could be elected.
#[test]
fn the_last_leader_may_lose_its_disk_unless_an_eligible_replica_holds_the_record() {
    let cases = [
        (committed(&[1, 2]), &[][..], ("lost", "V-disk", true)),
        (committed_966(1), &[2][..], ("lost", "committed", false)),
    ];
    for (mut run, elr, expected) in cases {
        run.shut_down(2);
        run.elr(elr);
        run.isr(&[1]);
        run.power_off(1, Some(0));
        run.leader_lost(&[1]);
        run.restart(1, 0, 0);
        run.elect(1, &[1], ElectionKind::Isr);
        run.leads(1, 2);
        run.restart(2, 1, 1);
        run.follows(2, 1, 2);
        run.truncate(2, 2, 1, 0);
        assert_eq!(found(&finish(run)), [expected]);
    }
}

/// All three power off, flush.messages=1, record lost.
#[test]
fn what_was_synced_may_not_be_lost_by_a_power_loss_of_all() {
    let mut run = committed(&[1, 2, 3]);
    for broker in [1, 2, 3] {
        run.power_off(broker, Some(1_000_000));
    }
    run.leader_lost(&[1]);
    for broker in [1, 2, 3] {
        run.restart(broker, 0, 0);
    }
    run.elect(1, &[1], ElectionKind::Isr);
    run.leads(1, 2);
    let judgement = finish(run);
    assert!(found(&judgement).contains(&("lost", "committed", false)), "{:?}", found(&judgement));
    assert!(judgement.violations.iter().any(|v| v.invariant == "recovery-lost-synced-data"));
}

/// kip-966, min ISR 2: 2 is killed, then 1 powers off before 2 is back in the ISR.
fn killed_then_powered_off() -> Run {
    let mut run = committed_966(2);
    run.crash(2);
    run.elr(&[2]);
    run.isr(&[1]);
    run.power_off(1, Some(0));
    run
}

/// kip-966, min ISR 2, A kill -9, then B power off before A is back in the ISR; B lacks the record.
#[test]
fn two_unclean_ends_excuse_a_loss_with_min_isr_2_although_one_disk_lost_data() {
    let mut run = killed_then_powered_off();
    run.elr(&[1, 2]);
    run.leader_lost(&[]);
    // Broker 2 registers after an unclean end, and is eligible no more.
    run.restart(2, 1, 1);
    run.elr(&[1]);
    run.isr(&[]);
    run.restart(1, 0, 0);
    run.elr(&[]);
    run.elect(1, &[1], ElectionKind::LastKnownLeader);
    run.leads(1, 2);
    run.follows(2, 1, 2);
    run.truncate(2, 2, 1, 0);
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("lost", "V-disk", true)]);
    let explanation = &judgement.anomalies[0].explanation;
    assert!(explanation.ends_with("2 ended uncleanly, min.insync.replicas is 2"), "{explanation}");
}

#[test]
fn the_last_known_leader_may_lack_a_record_after_two_unclean_ends_and_not_after_one() {
    for (minimum, expected) in
        [(2, ("lost", "V-last-known", true)), (3, ("lost", "committed", false))]
    {
        let mut run = committed_966(minimum);
        run.crash(2);
        run.elr(&[2]);
        run.isr(&[1]);
        run.power_off(1, Some(0));
        run.restart(1, 0, 0);
        run.elr(&[]);
        run.elect(1, &[1], ElectionKind::LastKnownLeader);
        run.leads(1, 1);
        run.restart(2, 1, 1);
        run.follows(2, 1, 1);
        run.truncate(2, 1, 1, 0);
        assert!(found(&finish(run)).contains(&expected), "min ISR {minimum}");
    }
}

/// The same, but A's stop was a controlled shutdown; its disk is wiped all the same.
#[test]
fn one_unclean_end_excuses_no_loss_with_min_isr_2() {
    let mut run = committed_966(2);
    run.shut_down(2);
    run.elr(&[2]);
    run.isr(&[1]);
    run.power_off(1, Some(0));
    run.elr(&[1, 2]);
    run.leader_lost(&[]);
    run.wipe(2);
    run.restart(2, 0, 0);
    run.restart(1, 0, 0);
    run.elr(&[1]);
    run.elect(2, &[2], ElectionKind::Elr);
    run.leads(2, 2);
    let judgement = finish(run);
    assert_eq!(found(&judgement), [("lost", "committed", false)]);
    let explanation = &judgement.anomalies[0].explanation;
    assert!(explanation.ends_with("1 ended uncleanly, min.insync.replicas is 2"), "{explanation}");
}

/// kip-966, min ISR 1, ISR {A, B}, A powers off, B is fine, the record is lost.
#[test]
fn a_count_of_unclean_ends_excuses_nothing_while_an_electable_replica_holds_the_record() {
    let mut run = committed_966(1);
    run.power_off(1, Some(0));
    run.elect(2, &[2], ElectionKind::Isr);
    run.follows(2, 1, 1);
    run.truncate(2, 1, 1, 0);
    run.leads(2, 1);
    assert!(found(&finish(run)).contains(&("lost", "committed", false)));
}

/// A zombie answers acks=all: its ISR members fetched in its epoch, and the promise holds.
#[test]
fn a_zombie_may_acknowledge_what_its_isr_members_have() {
    let mut run = committed(&[1, 2]);
    run.send((1, 1));
    run.attempt(1, (1, 1), None, 1);
    run.append_attempt(1, (1, 1), 1, None);
    run.copy(2, (1, 1), 1, 0);
    run.elect(2, &[1, 2], ElectionKind::Isr);
    run.high_watermark(1, 0, 1, 2);
    run.ack(1, (1, 1), 1, 2);
    run.leads(2, 1);
    run.high_watermark(2, 1, 1, 2);
    let judgement = finish(run);
    assert_eq!(found(&judgement), []);
    assert_eq!(judgement.verdict, Verdict::Ok, "{:?}", judgement.violations);
}
