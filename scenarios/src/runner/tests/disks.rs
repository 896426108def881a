//! Disks that fail, fill, stall, forget and lie, and deaths between two of their operations.

use serde_json::json;

use super::play;

#[test]
fn a_write_error_halts_the_broker_and_another_leads() {
    let error = json!({ "disk-error": "broker-1", "on": "write", "path": "orders-0", "count": 1 });
    let played = play(json!([
        { "at": "1s", "do": error },
        { "at": "3s", "do": { "start": "broker-1" } }
    ]));
    assert_eq!(played.count("broker-1", "disk: Fail", 1_000, 1_001), 1);
    let failed = played.count("broker-1", "ReplicaFailed", 1_000, 2_000)
        + played.count("broker-1", "Halted", 1_000, 2_000);
    assert!(0 < failed);
    assert_eq!(played.report.outcome.elections[0].leader.as_deref(), Some("broker-2"));
}

#[test]
fn a_full_disk_halts_the_broker() {
    let full = json!({ "disk-full": "broker-3" });
    let played = play(json!([
        { "at": "1s", "do": full, "for": "1s" },
        { "at": "3s", "do": { "start": "broker-3" } }
    ]));
    assert_eq!(played.count("broker-3", "disk: Fill", 1_000, 1_001), 1);
    assert_eq!(played.count("broker-3", "disk: Heal", 2_000, 2_001), 1);
    assert!(0 < played.count("broker-3", "Halted", 1_000, 2_000));
}

#[test]
fn a_stalled_disk_holds_its_broker_back_as_long_as_it_lasts() {
    let stall = json!({ "disk-stall": "broker-1" });
    let played = play(json!([{ "at": "1s", "do": stall, "for": "700ms" }])).passed();
    assert!(played.count("p1", "Acknowledged", 1_020, 1_700) <= 1);
    assert!(10 < played.count("p1", "Acknowledged", 1_700, 2_000));
}

#[test]
fn a_slow_disk_makes_each_write_take_its_time() {
    let slow = json!({ "disk-slow": "broker-1", "latency": "50ms" });
    let played = play(json!([{ "at": "1s", "do": slow, "for": "1s" }])).passed();
    let (slow, usual) = (
        played.count("broker-1", "Appended(Appended", 1_020, 2_000),
        played.count("broker-1", "Appended(Appended", 0, 980),
    );
    assert!(slow < usual, "{slow} appends while it is slow, {usual} before");
}

#[test]
fn a_flipped_bit_is_found_by_the_checksum_and_not_served() {
    let flip = json!({ "disk-bit-flip": "broker-3", "path": "orders-0/00000000000000000000.log" });
    let played = play(json!([
        { "at": "1s", "do": flip },
        { "at": "1100ms", "do": { "crash": "broker-3" }, "for": "1s" }
    ]));
    assert_eq!(played.count("broker-3", "disk: FlipBit", 1_000, 1_001), 1);
    assert_eq!(played.report.outcome.records.acked_lost, 0);
}

#[test]
fn a_wiped_disk_is_filled_again_by_the_leader() {
    let wipe = json!({ "disk-wipe": "broker-3" });
    let played = play(json!([{ "at": "1s", "do": wipe, "for": "1s" }])).passed();
    assert_eq!(played.count("broker-3", "disk: Wipe", 1_000, 1_001), 1);
    assert!(40 < played.count("broker-3", "origin: Follower", 2_000, 5_000));
    assert_eq!(played.report.outcome.records.acked_lost, 0);
}

#[test]
fn a_broker_dies_at_the_nth_operation_and_comes_back() {
    let crash = json!({
        "crash-at-operation": "broker-3", "nth": 5, "operation": "append", "path": "orders-0"
    });
    let played = play(json!([{ "at": "1s", "do": crash, "for": "1500ms" }])).passed();
    let died = played.first("broker-3", "crash", 1_000) / 1_000;
    let appended = played.count("broker-3", "origin: Follower", 1_000, died);
    assert!((3..=5).contains(&appended), "{appended} appends before it died");
    assert_eq!(played.count("broker-3", "takes Started", 2_500, 2_501), 1);
}

#[test]
fn a_machine_loses_power_at_the_nth_operation() {
    let crash = json!({
        "crash-at-operation": "broker-3", "nth": 2, "operation": "append", "path": "orders-0",
        "unsynced": "drop"
    });
    let played = play(json!([{ "at": "1s", "do": crash, "for": "1500ms" }])).passed();
    assert_eq!(played.count("broker-3", "power off, unsynced Drop", 1_000, 2_500), 1);
}
