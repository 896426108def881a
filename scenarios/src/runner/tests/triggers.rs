//! Faults that wait for an event, faults that come to nothing, and runs that cannot go on.

use core::time::Duration;

use serde_json::json;
use sim::{Madsim, run_on_fresh_thread};

use super::{
    super::{Director, Play, Run, TIME_MAX_BESIDES, phases::Played, play::Broken, report, stage},
    document, play, resolved,
};
use crate::cluster::Node;

#[test]
fn the_nth_event_sets_a_fault_off_before_its_outputs_leave() {
    let played = play(json!([{
        "when": { "event": "appended", "node": "broker-1", "count": 50 },
        "do": { "crash": "broker-1" }, "for": "1s"
    }]))
    .passed();
    let died = played.lines.iter().position(|line| line.node == "broker-1" && line.what == "crash");
    let before = &played.lines[..died.unwrap()];
    let appended = before.iter().filter(|line| {
        0 <= line.at && line.node == "broker-1" && line.what.contains("Appended(Appended")
    });
    assert!(50 <= appended.count());
    assert!(before.last().unwrap().what.contains("Partition("), "{:?}", before.last());
}

#[test]
fn after_outputs_means_that_what_the_step_said_is_on_its_way() {
    let of = |point: &str| {
        let played = play(json!([{
            "when": { "event": "produce-answered", "count": 20 }, "point": point,
            "do": { "crash": "broker-1" }, "for": "1s"
        }]))
        .passed();
        let died = played.first("broker-1", "crash", 0);
        let at = |line: &&super::Line| line.at == died && line.what.contains("does Send");
        played.lines.iter().filter(at).count()
    };
    assert_eq!(of("before-outputs"), 0);
    assert!(0 < of("after-outputs"));
}

#[test]
fn an_event_ends_a_fault() {
    let played = play(json!([{
        "at": "1s", "do": { "crash": "broker-1" },
        "until": { "event": "elected", "leader": "broker-2" }
    }]))
    .passed();
    let elected = played.first("controller-1001", "Elected", 1_000);
    assert_eq!(played.first("broker-1", "takes Started", 1_000), elected);
}

#[test]
fn a_fault_that_never_begins_fails_the_run() {
    let played = play(json!([{
        "when": { "event": "elected", "count": 9 }, "do": { "crash": "broker-1" }
    }]));
    assert_eq!(played.misfires(), ["crash: never began"]);
    assert!(!played.report.outcome.passed);
}

#[test]
fn a_fault_that_finds_nobody_fails_the_run() {
    let played = play(json!([
        { "at": "1s", "do": { "crash": ["broker-1", "broker-2", "broker-3"] }, "for": "4s" },
        { "when": { "event": "leader-lost" }, "do": { "pause": "leader:orders-0" }, "for": "10ms" }
    ]));
    assert_eq!(played.misfires(), ["pause: there is no leader:orders-0"]);
    assert!(!played.report.outcome.passed);
}

#[test]
fn a_deadly_operation_that_never_comes_fails_the_run() {
    let played = play(json!([{
        "at": "1s", "for": "1s",
        "do": { "crash-at-operation": "broker-3", "nth": 1_000_000, "operation": "append" }
    }]));
    assert_eq!(played.misfires(), ["crash-at-operation: broker-3 did no such operation"]);
}

#[test]
fn what_everything_heals_ends_too_and_the_cluster_recovers() {
    let played = play(json!([
        { "at": "4s", "do": { "crash": "broker-2" } },
        { "at": "4s", "do": { "cut": [["broker-1"], ["broker-3"]] } },
        { "at": "4s", "do": { "pause": "c1" } }
    ]))
    .passed();
    assert_eq!(played.count("broker-2", "takes Started", 5_000, 5_001), 1);
    assert_eq!(played.report.outcome.records.acked, 250);
}

#[test]
fn a_panic_in_a_process_is_a_violation_with_its_message() {
    let run = judged(TIME_MAX_BESIDES, |_| {
        Err(Broken::Panicked { node: "broker-1".to_owned(), message: "3 < 2".to_owned() })
    });
    let outcome = run.report.outcome;
    assert_eq!(outcome.verdict, reports::Verdict::Violation);
    let violation = outcome.violations.last().unwrap();
    assert_eq!(
        (violation.invariant.as_str(), violation.node.as_str(), violation.detail.as_str()),
        ("no-panic", "broker-1", "3 < 2")
    );
    assert!(!outcome.passed);
}

#[test]
fn a_run_that_reaches_its_limit_of_time_is_stuck() {
    let run = judged(Duration::from_secs(7), |played| played);
    assert_eq!(run.report.outcome.verdict, reports::Verdict::Stuck);
    assert_eq!(run.report.outcome.simulated_ms, 7_000);
    assert!(!run.report.outcome.passed);
}

/// Plays the small scenario in a world with this limit; `ended` may change how it ended.
fn judged(
    time_max: Duration,
    ended: impl FnOnce(Result<Played, Broken>) -> Result<Played, Broken> + Send + 'static,
) -> Run {
    let resolved = resolved(&document(json!([])));
    let run = async |executor: &mut Madsim<Node>| {
        let scenario = resolved.scenario.clone();
        let (world, cast) = stage::build(&scenario, 1, time_max);
        let mut play = Play::new(scenario, world, cast, Director::new([], []));
        let played = play.play(executor).await;
        report::report(play, &ended(played), &resolved, 1)
    };
    run_on_fresh_thread(1, run).unwrap().unwrap()
}
