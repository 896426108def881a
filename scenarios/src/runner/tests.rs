//! Whole runs on a small cluster: each action of the format is seen to happen, and to end.
//!
//! Three brokers, one partition led by `broker-1`, one producer with acks=all and one consumer.
//! What happened is read from the trace and from the report; times count from the load's beginning.

use serde_json::{Value, json};

use super::{Seeds, run_with};
use crate::{
    cli::Tracing,
    format::{Resolved, ScenarioFile, Selection},
};

mod controllers;
mod disks;
mod messages;
mod operations;
mod processes;
mod triggers;

/// The scenario that the faults are put into.
fn document(faults: Value) -> Value {
    let mut document = json!({
        "name": "small",
        "about": "A small cluster to try faults on.",
        "seeds": [1],
        "cluster": {
            "brokers": 3,
            "config": {
                "min.insync.replicas": 1,
                "broker.session.timeout.ms": 2000,
                "broker.heartbeat.interval.ms": 500,
                "replica.lag.time.max.ms": 1500,
                "replica.fetch.backoff.ms": 200
            }
        },
        "network": { "latency": ["1ms", "3ms"] },
        "topics": [
            { "name": "orders", "assignment": [["broker-1", "broker-2", "broker-3"]] }
        ],
        "producers": [{
            "name": "p1", "topic": "orders", "records": 250, "every": "20ms",
            "config": {
                "acks": "all", "enable.idempotence": true,
                "request.timeout.ms": 1500, "delivery.timeout.ms": 15000
            }
        }],
        "consumers": [{ "name": "c1", "assign": ["orders-0"] }],
        "duration": "5s"
    });
    document["faults"] = faults;
    document
}

fn resolved(document: &Value) -> Resolved {
    let file = ScenarioFile::from_bytes("small.json", document.to_string().into_bytes()).unwrap();
    let resolved = file.resolve(&Selection::default(), &mut |_, _| 0);
    resolved.unwrap_or_else(|error| panic!("{error}"))
}

/// Runs the small scenario with these faults.
fn play(faults: Value) -> Told {
    play_document(&document(faults))
}

/// Runs a scenario.
fn play_document(document: &Value) -> Told {
    let seeds = Seeds { world: 1, madsim: 1 };
    let run = run_with(&resolved(document), seeds, Tracing::Entries).unwrap();
    let trace = run.trace.as_deref().unwrap_or_default();
    let all: Vec<_> = trace.lines().map(Line::read).collect();
    let began = all.iter().find(|line| line.what == "takes Command(Begin)").map(|line| line.at);
    let since = |line: Line| Line { at: line.at - began.unwrap_or(0), ..line };
    Told { lines: all.into_iter().map(since).collect(), report: run.report }
}

/// A run to look into.
struct Told {
    lines: Vec<Line>,
    report: reports::Report,
}

/// One line of the trace.
#[derive(Clone, Debug)]
struct Line {
    /// Microseconds since the load began.
    at: i64,
    node: String,
    what: String,
}

impl Line {
    fn read(text: &str) -> Self {
        let mut words = text.splitn(3, ' ');
        let time = words.next().unwrap().trim_end_matches('s');
        let (seconds, nanos) = time.split_once('.').unwrap();
        let at = seconds.parse::<i64>().unwrap() * 1_000_000 + nanos[..6].parse::<i64>().unwrap();
        let node = words.next().unwrap().to_owned();
        Self { at, node, what: words.next().unwrap_or_default().to_owned() }
    }
}

impl Told {
    /// The run passed: the fault began and met somebody, no promise broke, everything recovered.
    #[track_caller]
    fn passed(self) -> Self {
        let text = reports::text(&self.report, reports::Palette::Plain);
        assert!(self.report.outcome.passed, "{text}");
        self
    }

    /// The lines of a node whose text contains `part`, from and to these milliseconds.
    fn told(&self, node: &str, part: &str, from_ms: i64, to_ms: i64) -> Vec<&Line> {
        let within = |line: &&Line| from_ms * 1_000 <= line.at && line.at < to_ms * 1_000;
        let told = |line: &&Line| line.node == node && line.what.contains(part);
        self.lines.iter().filter(within).filter(told).collect()
    }

    /// How often a node said this within these milliseconds.
    fn count(&self, node: &str, part: &str, from_ms: i64, to_ms: i64) -> usize {
        self.told(node, part, from_ms, to_ms).len()
    }

    /// When a node first said this at this millisecond or after, in microseconds.
    #[track_caller]
    fn first(&self, node: &str, part: &str, from_ms: i64) -> i64 {
        let told = self.told(node, part, from_ms, i64::MAX / 1_000);
        told.first().unwrap_or_else(|| panic!("{node} never said {part}")).at
    }

    /// The faults as the report tells them.
    fn faults(&self) -> Vec<&str> {
        self.report.faults.iter().map(|fault| fault.what.as_str()).collect()
    }

    /// What was wrong with the faults.
    fn misfires(&self) -> Vec<&str> {
        let expectations = self.report.outcome.expectations.iter();
        let unmet = expectations.filter(|expectation| !expectation.met);
        unmet.filter(|unmet| unmet.path == "faults").map(|unmet| unmet.actual.as_str()).collect()
    }
}

// ───── the network

#[test]
fn without_faults_everything_arrives_and_is_acknowledged() {
    let played = play(json!([])).passed();
    let records = &played.report.outcome.records;
    assert_eq!((records.sent, records.acked, records.lost), (250, 250, 0));
    assert!(played.faults().is_empty());
}

#[test]
fn a_cut_between_leader_and_followers_stops_fetches_both_ways_and_is_healed() {
    let cut = json!({ "cut": [["broker-1"], ["broker-2", "broker-3"]] });
    let played = play(json!([{ "at": "1s", "do": cut, "for": "2500ms" }])).passed();
    assert!(10 < played.count("broker-1", "FollowerFetched", 500, 1000));
    assert_eq!(played.count("broker-1", "FollowerFetched", 1010, 3500), 0);
    assert!(0 < played.count("broker-1", "FollowerFetched", 3500, 5000));
    let isr = &played.report.outcome.isr_changes;
    assert!(isr.iter().any(|change| change.to == ["broker-1"]), "{isr:?}");
}

#[test]
fn a_cut_one_way_lets_the_other_way_through() {
    let cut = json!({ "cut": [["broker-1"], ["p1"]], "one_way": true });
    let played = play(json!([{ "at": "1s", "do": cut, "for": "1s" }])).passed();
    // What the producer may have in flight without an answer still arrives.
    assert!(3 <= played.count("broker-1", "origin: Leader", 1_005, 2_000));
    assert_eq!(played.count("p1", "Acknowledged", 1_005, 2_000), 0);
    assert!(10 < played.count("p1", "Acknowledged", 2_000, 2_100));
    assert_eq!(played.faults(), ["cut: broker-1 > p1", "healed: broker-1 > p1"]);
}

#[test]
fn an_isolated_leader_hears_nobody_until_it_is_back() {
    let isolate = json!({ "isolate": "leader:orders-0" });
    let played = play(json!([{ "at": "1s", "do": isolate, "for": "3s" }])).passed();
    assert!(0 < played.count("broker-1", "takes Frame", 900, 1000));
    assert_eq!(played.count("broker-1", "takes Frame", 1001, 4000), 0);
    assert!(0 < played.count("broker-1", "takes Frame", 4000, 5000));
    assert_eq!(played.report.outcome.elections[0].leader.as_deref(), Some("broker-2"));
}

#[test]
fn a_heal_ends_cuts_before_their_time() {
    for heal in [json!("all"), json!([["broker-1"], ["broker-2", "broker-3"]])] {
        let played = play(json!([
            { "at": "1s", "do": { "cut": [["broker-1"], ["broker-2", "broker-3"]] } },
            { "at": "2s", "do": { "heal": heal } }
        ]))
        .passed();
        assert_eq!(played.count("broker-1", "FollowerFetched", 1010, 2000), 0);
        assert!(10 < played.count("broker-1", "FollowerFetched", 2000, 3000));
    }
}

#[test]
fn a_slow_link_delays_what_goes_over_it_and_no_longer() {
    let slow = json!({ "slow-link": [["p1"], ["broker-1"]], "latency": "200ms" });
    let played = play(json!([{ "at": "1s", "do": slow, "for": "2s" }])).passed();
    assert!(10 < played.count("p1", "Acknowledged", 650, 990));
    let slow = played.told("p1", "Acknowledged", 1_100, 1_390);
    assert!(slow.is_empty(), "an answer in less than two times 200 ms: {slow:?}");
    assert!(40 < played.count("p1", "Acknowledged", 4_000, 5_000));
}

#[test]
fn a_throttled_link_takes_its_time_for_bytes() {
    let throttle = json!({ "throttle": [["p1"], ["broker-1"]], "bandwidth": "1KB/s" });
    let played = play(json!([{ "at": "1s", "do": throttle, "for": "1s" }])).passed();
    // A record of 100 bytes wants 100 ms and more; fifty are sent in this time.
    let acknowledged = played.count("p1", "Acknowledged", 1_050, 2_000);
    assert!(acknowledged < 25, "{acknowledged}");
    assert!(40 < played.count("p1", "Acknowledged", 0, 1_000));
}

#[test]
fn lost_packets_cost_time_and_no_frame() {
    let loss = json!({ "loss": [["p1"], ["broker-1"]], "share": "60%" });
    let played = play(json!([{ "at": "1s", "do": loss, "for": "2s" }])).passed();
    let lossy = played.count("p1", "Acknowledged", 1_020, 1_300);
    let usual = played.count("p1", "Acknowledged", 520, 800);
    assert!(lossy < usual, "{lossy} acknowledgements under loss, {usual} without");
    assert_eq!(played.report.outcome.records.acked, 250);
}

#[test]
fn a_reset_closes_the_connections_at_both_ends() {
    let reset = json!({ "reset": [["p1"], ["broker-1"]] });
    let played = play(json!([{ "at": "1s", "do": reset }])).passed();
    for node in ["p1", "broker-1"] {
        assert_eq!(played.count(node, "takes Closed", 0, 1_000), 0);
        assert!(0 < played.count(node, "takes Closed", 1_000, 1_020), "{node}");
    }
    assert!(0 < played.count("p1", "does Open", 1_000, 2_000));
}
