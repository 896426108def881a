//! The two oracles: that they agree, and that a disagreement is found.

use broker::host::event::ConsumerEvent;
use reports::Verdict;

use super::{Config, FinalReader, Run, check, committed, delivery, final_read, judge, last_reader};
use crate::{blackbox::Findings, history::RecordId, oracle::Judgement};

fn disagreements(judgement: &Judgement) -> Vec<&str> {
    let all = judgement.violations.iter();
    all.filter(|v| v.invariant == "oracles-agree").map(|v| v.detail.as_str()).collect()
}

/// Broker 1 acks a record with acks=1 and loses it to broker 2.
fn lost() -> Run {
    let mut run = committed(&[1, 2]);
    run.acks = 1;
    run.produce(1, (1, 1), 1, None);
    run.ack(1, (1, 1), 1, 1);
    run.crash(1);
    run.elect(2, &[2], broker::host::event::ElectionKind::Isr);
    run.leads(2, 1);
    run.restart(1, 2, 1);
    run.follows(1, 2, 1);
    run.truncate(1, 1, 2, 1);
    run
}

#[test]
fn a_loss_that_both_see_is_agreed_upon() {
    let mut run = lost();
    let read = final_read(&run);
    let last = last_reader(&mut run, &Config::default());
    let clients = check(&run.clients, last);
    let judgement = judge(run.watch, &read, &Config::default(), &clients);
    assert_eq!(judgement.black_box.get("unseen"), Some(&1));
    assert_eq!(disagreements(&judgement), Vec::<&str>::new());
    assert_eq!(judgement.verdict, Verdict::AllowedLoss);
}

#[test]
fn a_record_that_was_delivered_and_stands_again_at_its_place_is_lost_to_one_only() {
    let mut run = committed(&[1, 2]);
    run.tell("c1", ConsumerEvent::Delivered(delivery("c1", 0, RecordId::new("p1", 0).value(0))));
    run.crash(1);
    run.elect(2, &[2], broker::host::event::ElectionKind::Isr);
    run.truncate(2, 1, 1, 0);
    run.leads(2, 1);
    run.attempt(2, (0, 1), None, 2);
    run.append_attempt(2, (0, 1), 0, None);
    run.high_watermark(2, 1, 0, 1);
    let read = final_read(&run);
    let last = last_reader(&mut run, &Config::default());
    let clients = check(&run.clients, last);
    let judgement = judge(run.watch, &read, &Config::default(), &clients);
    let kinds: Vec<_> = judgement.anomalies.iter().map(|found| found.kind.as_str()).collect();
    assert!(kinds.contains(&"delivered-then-lost"), "{kinds:?}");
    assert_eq!(disagreements(&judgement), Vec::<&str>::new());
}

#[test]
fn a_loss_that_no_client_finds_is_a_disagreement() {
    let run = lost();
    let read = final_read(&run);
    let final_reader = FinalReader::ReadAll("last".into());
    let clients = Findings { all: Vec::new(), final_reader };
    let judgement = judge(run.watch, &read, &Config::default(), &clients);
    let found = disagreements(&judgement);
    assert!(found.len() == 1 && found[0].contains("which no client found"), "{found:?}");
    assert_eq!(judgement.verdict, Verdict::Violation);
}

#[test]
fn what_clients_saw_and_no_log_ever_had_is_a_disagreement() {
    for (offset, index, says) in
        [(0, 5, "nobody sent what was read at 0"), (3, 0, "no leader ever appended p1:0 at 3")]
    {
        let mut run = committed(&[1]);
        // Told to the black box only.
        let value = RecordId::new("p1", index).value(0);
        let event = ConsumerEvent::Delivered(delivery("c1", offset, value)).into();
        run.clients.on_event(1, &event);
        let read = final_read(&run);
        let clients = check(&run.clients, FinalReader::None);
        let judgement = judge(run.watch, &read, &Config::default(), &clients);
        let found = disagreements(&judgement);
        assert!(found.len() == 1 && found[0].ends_with(says), "{found:?}");
        assert_eq!(judgement.verdict, Verdict::Violation);
    }
}

#[test]
fn a_consumer_that_clients_see_go_back_without_a_reset_is_a_disagreement() {
    let mut run = committed(&[1]);
    for moment in [1, 2] {
        let value = RecordId::new("p1", 0).value(0);
        let event = ConsumerEvent::Delivered(delivery("c1", 0, value)).into();
        run.clients.on_event(moment, &event);
    }
    let read = final_read(&run);
    let clients = check(&run.clients, FinalReader::None);
    let judgement = judge(run.watch, &read, &Config::default(), &clients);
    let found = disagreements(&judgement);
    assert!(found.len() == 1 && found[0].contains("nonmonotonic-poll"), "{found:?}");
}
