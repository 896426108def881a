//! One controller, and several.

use serde_json::json;

use super::{document, play_document};

/// The names of those who became active, in order.
fn active(played: &super::Told) -> Vec<String> {
    let mut names = Vec::new();
    for id in 1001..=1003 {
        let name = format!("controller-{id}");
        for _ in 0..played.count(&name, "ControllerActive", 0, 60_000) {
            names.push(name.clone());
        }
    }
    names
}

#[test]
fn what_a_controller_tells_again_after_a_restart_is_no_news() {
    let mut document = document(json!([
        { "at": "1s", "do": { "crash": "controller" }, "for": "1s" }
    ]));
    // Without producer ids the last that was recorded are the partitions.
    document["producers"][0]["config"]["enable.idempotence"] = json!(false);
    let played = play_document(&document).passed();
    assert_eq!(played.count("controller-1001", "PartitionCreated", 0, 10_000), 1);
}

#[test]
fn the_controller_is_the_active_one_of_several() {
    let mut document = document(json!([
        { "at": "500ms", "do": { "crash": "controller" }, "for": "2s" },
        { "at": "4s", "do": { "power-off": "controller" }, "for": "4s" }
    ]));
    document["cluster"]["controllers"] = json!(3);
    document["duration"] = json!("8s");
    let played = play_document(&document).passed();
    let active = active(&played);
    assert_eq!(active.len(), 2, "one after each fault: {active:?}");
    let met = |fault: &str| fault.split(' ').next().unwrap().to_owned();
    let faults = played.faults();
    assert!(faults[2].ends_with("lost power"), "{faults:?}");
    assert_ne!(met(faults[0]), met(faults[2]), "{faults:?}");
    assert_eq!(played.report.outcome.records.acked, 250);
}

#[test]
fn without_a_majority_nobody_is_in_charge_and_records_are_written_all_the_same() {
    let mut document = document(json!([
        { "at": "1s", "do": { "power-off": ["controller-1001", "controller-1002"] }, "for": "4s" }
    ]));
    document["cluster"]["controllers"] = json!(3);
    let played = play_document(&document).passed();
    assert_eq!(played.report.outcome.records.acked, 250);
}
