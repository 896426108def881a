//! What operators do.

use serde_json::json;

use super::{document, play, play_document};

#[test]
fn an_elected_member_of_the_isr_leads_although_nobody_died() {
    let played = play(json!([
        { "at": "1s", "do": { "elect": { "partition": "orders-0", "leader": "broker-3" } } },
        { "at": "2s", "do": { "elect": { "partition": "orders-0", "leader": "leader:orders-0" } } },
        { "at": "3s",
          "do": { "elect": { "partition": "orders-0", "leader": "follower:orders-0" } } }
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

#[test]
fn a_preferred_election_brings_the_leadership_back_and_so_does_the_balance() {
    for wanted in ["orders-0", "all"] {
        let played = play(json!([
            { "at": "1s", "do": { "elect": { "partition": "orders-0", "leader": "broker-2" } } },
            { "at": "2s", "do": { "elect-preferred": wanted } }
        ]))
        .passed();
        let elections = &played.report.outcome.elections;
        assert_eq!(elections.last().unwrap().leader.as_deref(), Some("broker-1"));
        assert_eq!(elections.len(), 2);
    }
    let elect = json!({ "elect": { "partition": "orders-0", "leader": "broker-2" } });
    let mut balanced = document(json!([{ "at": "1s", "do": elect }]));
    balanced["cluster"]["config"]["leader.imbalance.check.interval.seconds"] = json!(2);
    let played = play_document(&balanced).passed();
    assert_eq!(played.first("controller-1001", "Elected", 1_500) / 1_000_000, 3);
}

#[test]
fn a_preferred_leader_that_is_not_in_sync_fails_the_fault() {
    let played = play(json!([
        { "at": "1s", "do": { "crash": "broker-1" }, "for": "4s" },
        { "at": "4500ms", "do": { "elect-preferred": "orders-0" } }
    ]));
    let misfires = played.misfires();
    assert!(misfires[0].contains("PREFERRED_LEADER_NOT_AVAILABLE"), "{misfires:?}");
}

#[test]
fn a_partition_moves_to_other_brokers_and_leaves_nothing_behind() {
    let to = json!({ "partition": "orders-0", "replicas": ["broker-4", "broker-2"] });
    let mut moved = document(json!([{ "at": "1s", "do": { "reassign": to } }]));
    moved["cluster"]["brokers"] = json!(4);
    let played = play_document(&moved).passed();
    let last = played.report.outcome.elections.last().unwrap().clone();
    assert!(["broker-4", "broker-2"].contains(&last.leader.as_deref().unwrap()), "{last:?}");
    for gone in ["broker-1", "broker-3"] {
        assert_eq!(played.count(gone, "ReplicaRemoved", 1_000, 5_000), 1, "{gone}");
    }
    assert_eq!(played.report.outcome.records.acked, 250);
}

#[test]
fn a_topic_that_allows_unclean_elections_from_now_on_has_a_leader_again() {
    let config = json!({ "topic": "orders", "config": { "unclean.leader.election.enable": true } });
    let played = play(json!([
        { "at": "1s", "do": { "crash": ["broker-2", "broker-3"] }, "for": "2500ms" },
        { "when": { "event": "isr-changed", "isr": ["broker-1"] },
          "do": { "crash": "broker-1" } },
        { "at": "4800ms", "do": { "set-config": config } }
    ]));
    assert!(played.misfires().is_empty(), "{:?}", played.misfires());
    let unclean = |election: &&reports::Election| election.kind == "unclean";
    assert!(played.report.outcome.elections.iter().any(|election| unclean(&election)));
}

#[test]
fn a_topic_gets_partitions_while_it_is_used() {
    let add = json!({ "add-partitions": { "topic": "orders", "count": 3 } });
    let played = play(json!([{ "at": "1s", "do": add }])).passed();
    assert_eq!(played.count("controller-1001", "PartitionCreated", 1_000, 2_000), 2);
    assert_eq!(played.faults(), ["asked for 3 partitions of orders"]);
}

#[test]
fn under_kip_966_an_eligible_replica_leads_after_everybody_in_the_isr_was_lost() {
    let crash = json!({ "crash": ["broker-1"] });
    let mut document = document(json!([
        { "at": "1s", "do": { "shutdown": "broker-3" }, "for": "2s" },
        { "at": "1s", "do": crash, "for": "3s" }
    ]));
    document["cluster"]["protocol"] = json!("kip-966");
    document["cluster"]["config"]["min.insync.replicas"] = json!(2);
    let played = play_document(&document).passed();
    assert_eq!(played.report.outcome.records.acked, 250);
    assert!(played.report.outcome.violations.is_empty());
}

#[test]
fn what_the_seed_asks_operators_for_may_be_refused() {
    let mut document = document(json!([]));
    document["chaos"] = json!({
        "kinds": { "elect": 4, "elect-preferred": 2, "reassign": 1, "rolling-restart": 1,
                   "crash": 2 },
        "every": "200ms", "for": "1s", "at_most": 2, "targets": ["brokers", "controllers"]
    });
    let played = play_document(&document).passed();
    assert!(played.misfires().is_empty(), "{:?}", played.misfires());
    let refused = played.count("controller-1001", "ElectionRefused", 0, 10_000);
    let nobody = played.faults().iter().filter(|told| told.contains("no controller runs")).count();
    assert!(0 < refused + nobody, "{:?}", played.faults());
    let all = played.faults().join("; ");
    for done in
        ["asked that broker-", "asked for preferred leaders", "asked to move", "asked to sh"]
    {
        assert!(all.contains(done), "{done}: {all}");
    }
}

#[test]
fn a_broker_that_does_not_end_in_time_is_killed() {
    let played = play(json!([
        { "at": "1s", "do": { "crash": "controller" }, "for": "3s" },
        { "at": "1500ms", "do": { "shutdown": "broker-2" }, "for": "500ms" }
    ]))
    .passed();
    assert_eq!(played.faults()[1..3], ["broker-2 asked to shut down", "broker-2 started again"]);
    assert_eq!(played.count("broker-2", "Serving", 2_000, 10_000), 1);
}
