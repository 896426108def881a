//! Messages that are held, delayed and dropped, picked by API, topic, end and number.

use serde_json::json;

use super::play;

#[test]
fn held_answers_come_all_at_once_when_they_are_released() {
    let hold = json!({ "hold": { "api": "Produce", "response": true, "to": "p1" } });
    let played = play(json!([{ "at": "1s", "do": hold, "for": "800ms" }])).passed();
    assert_eq!(played.count("p1", "Acknowledged", 1_010, 1_800), 0);
    assert!(0 < played.count("p1", "Acknowledged", 1_800, 1_820));
    assert!(10 < played.count("broker-1", "origin: Leader", 1_800, 2_100));
}

#[test]
fn one_brokers_metadata_is_held_until_an_event() {
    let hold = json!({
        "hold": { "api": "Fetch", "response": true, "topic": "__cluster_metadata",
                  "to": "broker-2" }
    });
    let played = play(json!([
        { "at": "1s", "do": hold, "until": { "at": "2500ms" } },
        { "at": "1200ms", "do": { "shutdown": "broker-3" }, "for": "1s" }
    ]))
    .passed();
    assert!(0 < played.count("broker-1", "MetadataApplied", 1_200, 2_400));
    assert_eq!(played.count("broker-2", "MetadataApplied", 1_200, 2_500), 0);
    assert!(0 < played.count("broker-2", "MetadataApplied", 2_500, 3_000));
}

#[test]
fn a_delayed_message_comes_later_and_the_others_in_time() {
    let delay = json!({
        "delay": { "api": "Produce", "topic": "orders", "partition": 0, "count": 1 },
        "by": "300ms"
    });
    let played = play(json!([{ "at": "1s", "do": delay }])).passed();
    // The stream is in order: what comes behind the one that is late is late too.
    assert_eq!(played.count("broker-1", "origin: Leader", 1_030, 1_290), 0);
    assert!(0 < played.count("broker-1", "origin: Leader", 1_290, 1_350));
    assert!(20 < played.count("broker-1", "origin: Leader", 1_400, 2_400));
}

#[test]
fn the_nth_answer_is_dropped_with_its_connection_and_the_record_sent_again() {
    let drop = json!({
        "drop-with-reset": { "api": "Produce", "response": true, "from": "broker-1", "nth": 3 }
    });
    let played = play(json!([{ "at": "1s", "do": drop }])).passed();
    assert!(0 < played.count("p1", "takes Closed", 1_000, 2_000));
    assert!(
        2 <= played.count(
            "p1",
            "Acknowledged",
            1_000,
            played.first("p1", "takes Closed", 1_000) / 1_000
        )
    );
    assert!(0 < played.count("broker-1", "DuplicateSuppressed", 1_000, 3_000));
    assert_eq!(played.report.outcome.records.duplicates, 0);
}

#[test]
fn another_topic_and_another_api_are_left_alone() {
    let played = play(json!([
        { "at": "1s", "do": { "hold": { "api": "Produce", "topic": "__cluster_metadata" } } },
        { "at": "1s", "do": { "hold": { "api": "Produce", "from": "c1" } } },
        { "at": "1s", "do": { "hold": { "api": "Produce", "topic": "orders", "partition": 1 } } }
    ]))
    .passed();
    assert!(40 < played.count("p1", "Acknowledged", 1_000, 2_000));
}
