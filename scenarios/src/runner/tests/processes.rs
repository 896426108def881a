//! Processes that die, stand still and end, and clocks that are wrong.

use serde_json::json;

use super::{document, play, play_document};

#[test]
fn a_crashed_leader_is_replaced_and_started_again_on_the_same_node() {
    let crash = json!({ "crash": "leader:orders-0" });
    let played = play(json!([{ "at": "1s", "do": crash, "for": "3s" }])).passed();
    assert_eq!(played.faults(), ["broker-1 killed (kill -9)", "broker-1 started again"]);
    assert_eq!(played.count("broker-1", "", 1_001, 4_000), 0, "the dead say nothing");
    assert_eq!(played.count("broker-1", "takes Started", 4_000, 4_001), 1);
    assert_eq!(played.report.outcome.elections[0].leader.as_deref(), Some("broker-2"));
}

#[test]
fn a_start_brings_back_who_was_killed_before() {
    let played = play(json!([
        { "at": "1s", "do": { "crash": "broker-3" } },
        { "at": "2s", "do": { "start": "broker-3" } }
    ]))
    .passed();
    assert_eq!(played.count("broker-3", "takes Started", 2_000, 2_001), 1);
    assert_eq!(played.faults()[1], "broker-3 started");
}

#[test]
fn a_power_loss_treats_unsynced_data_as_it_is_told_to() {
    let kept = |unsynced: &str| {
        let off = json!({ "power-off": "broker-3", "unsynced": unsynced });
        let played = play(json!([{ "at": "2s", "do": off, "for": "1s" }])).passed();
        let told = played.told("broker-3", "power off, unsynced", 2_000, 2_001);
        let report = told[0].what.clone();
        let of = |fate: &str| report.matches(&format!("}}, {fate}")).count();
        (of("Kept"), of("Dropped"), of("Torn"))
    };
    let (keeps, drops) = (kept("keep"), kept("drop"));
    assert!(0 < keeps.0 && keeps.1 + keeps.2 == 0, "{keeps:?}");
    assert!(0 < drops.1 && drops.0 + drops.2 == 0, "{drops:?}");
    let torn = kept("torn");
    assert!(torn.2 <= 1, "{torn:?}");
    for unsynced in ["prefix", "each-on-its-own", "by-seed"] {
        let (kept, dropped, torn) = kept(unsynced);
        assert_eq!(kept + dropped + torn, keeps.0, "{unsynced}");
    }
}

#[test]
fn a_paused_broker_stands_still_and_takes_what_waited_when_it_goes_on() {
    let pause = json!({ "pause": "broker-2" });
    let played = play(json!([{ "at": "1s", "do": pause, "for": "1s" }])).passed();
    assert_eq!(played.count("broker-2", "takes", 1_001, 2_000), 0);
    assert!(0 < played.count("broker-2", "takes", 2_000, 2_010));
    assert_eq!(played.count("broker-2", "takes Started", 0, 5_000), 0, "it is the same process");
    assert_eq!(played.faults(), ["broker-2 paused", "broker-2 goes on"]);
}

#[test]
fn a_shutdown_hands_over_ends_cleanly_and_is_undone() {
    let shutdown = json!({ "shutdown": "broker-1" });
    let played = play(json!([{ "at": "1s", "do": shutdown, "for": "2s" }])).passed();
    assert_eq!(played.count("broker-1", "takes ShutdownAsked", 1_000, 1_001), 1);
    assert_eq!(played.count("broker-1", "ShutDownCleanly", 1_000, 2_000), 1);
    assert_eq!(played.count("broker-1", "takes Started", 3_000, 3_001), 1);
    assert!(played.report.outcome.unavailable_ms.without_leader < 1_000, "it handed over");
}

#[test]
fn a_clock_jumps_drifts_and_is_set_right() {
    let jump = json!({ "clock": "broker-2", "jump": "-5s", "drift_ppm": 100_000 });
    let played = play(json!([{ "at": "1s", "do": jump, "for": "2s" }])).passed();
    for (what, at) in [
        ("clock jumps back by 5s", 1_000),
        ("clock drifts by 100000 ppm", 1_000),
        ("clock jumps forward by 5s", 3_000),
        ("clock drifts by 0 ppm", 3_000),
    ] {
        assert_eq!(played.count("broker-2", what, at, at + 1), 1, "{what}");
    }
}

#[test]
fn who_is_gone_for_good_is_not_waited_for() {
    let crash = json!({ "crash": "leader:orders-0" });
    let played = play(json!([{ "at": "1s", "do": crash, "permanent": true }])).passed();
    assert_eq!(played.faults(), ["broker-1 killed (kill -9), for good"]);
    assert_eq!(played.count("broker-1", "takes Started", 0, i64::MAX / 2_000), 0);
    let outcome = &played.report.outcome;
    assert!(outcome.recovered_ms.is_some(), "the others are enough");
    assert_eq!(outcome.elections[0].leader.as_deref(), Some("broker-2"));
}

#[test]
fn who_was_gone_for_good_and_is_started_again_is_waited_for() {
    let played = play(json!([
        { "at": "1s", "do": { "crash": "broker-3" }, "permanent": true },
        { "at": "2s", "do": { "start": "broker-3" } }
    ]))
    .passed();
    let isr = played.report.outcome.isr_changes.last().map(|change| change.to.len());
    assert!(isr.is_none_or(|members| members == 3), "{isr:?}");
}

#[test]
fn what_cannot_come_back_is_unavailable_and_says_why() {
    let all = json!({ "power-off": ["broker-1", "broker-2", "broker-3"] });
    let played = play(json!([{ "at": "1s", "do": all, "permanent": true }]));
    let outcome = &played.report.outcome;
    assert_eq!(outcome.verdict, reports::Verdict::Unavailable, "{:?}", outcome.violations);
    assert_eq!(outcome.recovered_ms, None);
    let two = json!({ "power-off": ["broker-2", "broker-3"] });
    let mut document = document(json!([{ "at": "1s", "do": two, "permanent": true }]));
    document["cluster"]["config"]["min.insync.replicas"] = json!(2);
    let played = play_document(&document);
    let found = &played.report.outcome.anomalies;
    let why = found.iter().find(|anomaly| anomaly.kind == "unavailable");
    let why = why.map(|anomaly| anomaly.explanation.clone()).unwrap_or_default();
    assert!(why.contains("can have 1 replicas in sync, and needs 2"), "{why} {found:?}");
}
