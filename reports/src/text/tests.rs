//! The renderers, read as a stranger would.

use std::collections::BTreeMap;

use super::{Palette, summary_text, text};
use crate::{
    Anomaly, ConsumerCounts, Election, Expectation, FaultLine, IsrChange, Moment, Outcome,
    RecordCounts, Report, Summary, Truncation, Unavailable, Verdict, Violation, json,
};

#[test]
fn a_loss_that_the_contract_allows_is_told_with_its_chain_of_events() {
    insta::assert_snapshot!("allowed_loss", text(&allowed_loss(), Palette::Plain));
}

#[test]
fn a_healthy_run_is_told_in_few_lines() {
    insta::assert_snapshot!("healthy", text(&healthy(), Palette::Plain));
}

#[test]
fn a_violation_names_the_first_broken_invariant() {
    insta::assert_snapshot!("violation", text(&violation(), Palette::Plain));
}

#[test]
fn a_long_story_is_folded_in_the_middle() {
    let mut report = healthy();
    report.faults = (0..200)
        .map(|n| FaultLine { at: Moment::from_millis(n * 100), what: format!("fault {n}") })
        .collect();
    let text = text(&report, Palette::Plain);
    assert!(text.contains("… and 140 more: 140 fault\n"), "{text}");
    assert!(text.contains("fault 29\n") && text.contains("fault 170\n"), "{text}");
    assert!(!text.contains("fault 30\n") && !text.contains("fault 169\n"), "{text}");
}

#[test]
fn text_is_colored_only_when_asked() {
    let report = allowed_loss();
    let plain = text(&report, Palette::Plain);
    let colored = text(&report, Palette::Colored);
    assert!(!plain.contains('\u{1b}'));
    assert!(colored.contains('\u{1b}'));
    assert_eq!(strip(&colored), plain);
}

#[test]
fn json_is_one_line_with_the_public_keys_in_order() {
    let json = json(&allowed_loss().outcome).unwrap();
    assert_eq!(json.lines().count(), 1);
    insta::assert_snapshot!("json", json.replace(",\"", ",\n\""));
}

#[test]
fn many_seeds_are_counted_by_verdict_with_the_first_seed_of_each() {
    let mut summary = Summary::default();
    for seed in (0..12).rev() {
        let report = if seed % 4 == 3 { violation() } else { allowed_loss() };
        let outcome = Outcome { seed, ..report.outcome };
        let scenario = &outcome.scenario;
        summary.add(&outcome, &format!("highwater run scenarios/{scenario}.json --seed {seed}"));
    }
    insta::assert_snapshot!("summary", summary_text(&summary, Palette::Plain));
}

fn strip(colored: &str) -> String {
    let mut plain = String::new();
    let mut rest = colored;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, behind)| behind);
    }
    plain + rest
}

fn allowed_loss() -> Report {
    let anomalies = (50..55).map(lost).collect();
    let outcome = Outcome {
        scenario: "leader-crash-acks-1".to_owned(),
        verdict: Verdict::AllowedLoss,
        passed: false,
        records: RecordCounts {
            sent: 200,
            acked: 198,
            failed: 0,
            unknown: 2,
            acked_lost: 5,
            lost: 6,
            errors: BTreeMap::from([("NOT_LEADER_OR_FOLLOWER".to_owned(), 3)]),
            ..RecordCounts::default()
        },
        unavailable_ms: Unavailable { without_leader: 3120, without_acks_all: 0 },
        anomalies,
        elections: vec![election(6_514, "broker-1", "broker-2", &["broker-2", "broker-3"])],
        truncations: vec![Truncation {
            at: Moment::from_millis(11_900),
            node: "broker-1".to_owned(),
            partition: "orders-0".to_owned(),
            from: 55,
            to: 50,
            leader_epoch: 1,
            reason: "diverging-epoch".to_owned(),
        }],
        isr_changes: vec![IsrChange {
            at: Moment::from_millis(12_050),
            partition: "orders-0".to_owned(),
            from: nodes(&["broker-2", "broker-3"]),
            to: nodes(&["broker-1", "broker-2", "broker-3"]),
        }],
        expectations: vec![
            expectation("verdict", "allowed-loss", "allowed-loss", true),
            expectation("acked_lost", "at least 10", "5", false),
        ],
        ..healthy().outcome
    };
    Report {
        outcome,
        faults: vec![
            fault(3_000, "cut broker-1 from broker-2, broker-3"),
            fault(3_500, "crash broker-1"),
            fault(11_500, "restart broker-1"),
        ],
        reproduce: "highwater run scenarios/leader-crash-acks-1.json --seed 7".to_owned(),
    }
}

fn healthy() -> Report {
    let outcome = Outcome {
        scenario: "healthy".to_owned(),
        variant: None,
        seed: 7,
        protocol: "kip-595".to_owned(),
        trace_hash: "0b5ab0f8b8c2a1d3e4f5061728394a5b".to_owned(),
        verdict: Verdict::Ok,
        passed: true,
        records: RecordCounts { sent: 200, acked: 200, ..RecordCounts::default() },
        unavailable_ms: Unavailable::default(),
        consumers: BTreeMap::from([(
            "c1".to_owned(),
            ConsumerCounts { delivered: 200, ..ConsumerCounts::default() },
        )]),
        anomalies: Vec::new(),
        black_box: BTreeMap::new(),
        violations: Vec::new(),
        elections: Vec::new(),
        truncations: Vec::new(),
        isr_changes: Vec::new(),
        recovered_ms: Some(412),
        simulated_ms: 30_000,
        events: 48_211,
        expectations: Vec::new(),
    };
    Report {
        outcome,
        faults: Vec::new(),
        reproduce: "highwater run scenarios/healthy.json --seed 7".to_owned(),
    }
}

fn violation() -> Report {
    let loss = "broker-3 was elected in epoch 2 without it: cut by broker-3 at 6.521 s when it \
                followed broker-2 in epoch 1";
    let outcome = Outcome {
        scenario: "hw-truncation-loss".to_owned(),
        variant: Some("min-isr-2".to_owned()),
        protocol: "hw".to_owned(),
        verdict: Verdict::Violation,
        passed: false,
        records: RecordCounts { sent: 10, acked: 10, acked_lost: 1, lost: 1, ..<_>::default() },
        black_box: BTreeMap::new(),
        anomalies: vec![Anomaly {
            allowed: false,
            rule: "committed".to_owned(),
            explanation: format!("acked at 3.214 s by broker-1 (epoch 0) with acks=all; {loss}"),
            cause: loss.to_owned(),
            ..lost(9)
        }],
        violations: vec![Violation {
            invariant: "strong-isr".to_owned(),
            at: Moment::from_millis(6_521),
            node: "broker-3".to_owned(),
            detail: "orders-0: offset 9 is below the high watermark 10, and broker-3, in the ISR, \
                     lacks it"
                .to_owned(),
        }],
        ..healthy().outcome
    };
    Report { outcome, ..allowed_loss() }
}

fn lost(offset: i64) -> Anomaly {
    let cause = "cut by broker-1 at 11.900 s when it followed broker-2 in epoch 1";
    Anomaly {
        kind: "lost".to_owned(),
        topic: Some("orders".to_owned()),
        partition: Some(0),
        offset: Some(offset),
        record: Some(format!("p1:{offset}")),
        allowed: true,
        rule: "uncommitted acks=1".to_owned(),
        explanation: format!(
            "acked at 3.214 s by broker-1 (epoch 0, offset {offset}) with acks=1, never below a \
             high watermark; {cause}"
        ),
        cause: cause.to_owned(),
    }
}

fn election(at: u64, previous: &str, leader: &str, isr: &[&str]) -> Election {
    Election {
        at: Moment::from_millis(at),
        partition: "orders-0".to_owned(),
        previous: Some(previous.to_owned()),
        leader: Some(leader.to_owned()),
        leader_epoch: 1,
        kind: "isr".to_owned(),
        isr: nodes(isr),
    }
}

fn expectation(path: &str, expected: &str, actual: &str, met: bool) -> Expectation {
    let (path, expected) = (path.to_owned(), expected.to_owned());
    Expectation { path, expected, actual: actual.to_owned(), met }
}

fn fault(at: u64, what: &str) -> FaultLine {
    FaultLine { at: Moment::from_millis(at), what: what.to_owned() }
}

fn nodes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
