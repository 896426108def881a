//! What operators do.

use serde_json::json;

use super::play;

#[test]
fn an_elected_member_of_the_isr_leads_although_nobody_died() {
    let played = play(json!([
        { "at": "1s", "do": { "elect": { "partition": "orders-0", "leader": "broker-3" } } },
        { "at": "2s", "do": { "elect": { "partition": "orders-0", "leader": "leader:orders-0" } } },
        { "at": "3s", "do": { "elect": { "partition": "orders-0", "leader": "follower:orders-0" } } }
    ]))
    .passed();
    let elections = &played.report.outcome.elections;
    let leaders: Vec<_> = elections
        .iter()
        .map(|e| (e.leader.as_deref().unwrap(), e.leader_epoch, e.isr.len()))
        .collect();
    // The leader again, in a new epoch; then the first of the followers.
    assert_eq!(leaders, [("broker-3", 1, 3), ("broker-3", 2, 3), ("broker-1", 3, 3)]);
    assert_eq!(played.count("controller-1001", "Fenced", 0, 5_000), 0);
    assert_eq!(played.faults()[0], "asked that broker-3 leads orders-0");
    assert_eq!(played.report.outcome.records.acked, 250);
}

#[test]
fn an_election_of_somebody_outside_the_isr_fails_the_run() {
    let played = play(json!([
        { "at": "1s", "do": { "pause": "broker-2" }, "for": "3500ms" },
        { "at": "4400ms", "do": { "elect": { "partition": "orders-0", "leader": "broker-2" } } }
    ]));
    let why = "elect: broker-2 is not in the ISR of orders-0, or not there";
    assert_eq!(played.misfires(), [why]);
    assert!(!played.report.outcome.passed);
}

#[test]
fn an_election_without_a_controller_fails_the_run() {
    let played = play(json!([
        { "at": "1s", "do": { "crash": "controller" }, "for": "1s" },
        { "at": "1500ms", "do": { "elect": { "partition": "orders-0", "leader": "broker-2" } } }
    ]));
    assert_eq!(played.misfires(), ["elect: no controller runs"]);
}
