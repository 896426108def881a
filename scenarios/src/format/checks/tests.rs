//! Tests of what no schema can say.

use crate::format::tests::{assert_said, mistakes};

#[test]
fn what_does_not_exist_is_named_with_what_does() {
    assert_said!(mistakes(&[
        (r#""topic": "orders", "partition": 1"#, r#""topic": "order", "partition": 1"#),
        (r#""topic": "orders", "partition": 1"#, r#""topic": "orders", "partition": 2"#),
        (r#""orders-1"]"#, r#""orders-2"]"#),
        (r#""orders-1"]"#, r#""orders"]"#),
        (r#""crash": "leader:orders-0""#, r#""crash": "leader:orders-7""#),
        (r#""crash": "leader:orders-0""#, r#""crash": "brokr-1""#),
        (r#""crash": "leader:orders-0""#, r#""crash": "broker-4""#),
        (r#"["broker-2", "broker-3"]"#, "[]"),
        (r#"["broker-1", "broker-3"]"#, r#"["broker-1", "broker-9"]"#),
        (r#""name": "p2""#, r#""name": "p1""#),
        (r#""name": "c1""#, r#""name": "broker-1""#),
        (r#""name": "events", "a"#, r#""name": "orders", "a"#),
        (r#""event": "elected""#, r#""event": "electd""#),
        (r#""event": "elected""#, r#""event": "elected", "partitoin": "orders-0""#),
        (r#""partition": "orders-0""#, r#""partition": "orders-9""#),
        (r#""isr": ["broker-2"]"#, r#""isr": ["broker-8"]"#),
        (r#""isr": ["broker-2"]"#, r#""kind": "uncleen""#),
        (r#""isr": ["broker-2"]"#, r#""node": "controller-1""#),
        (r#""to": { "min": 3 }"#, r#""to": { "mni": 3 }"#),
        (r#""to": { "min": 3 }"#, r#""to": { "min": 3, "max": 2 }"#),
        (r#""to": { "min": 3 }"#, r#""to": "three""#),
        (r#""response": true, "topic": "orders""#, r#""topic": "oders""#),
        (r#""response": true, "topic": "orders""#, r#""partition": 1"#),
        (r#""disk-error": "broker-1""#, r#""disk-error": "p1""#),
        ("errors.NOT_ENOUGH_REPLICAS", "errors.NOT_ENUOGH_REPLICAS"),
    ]));
}

#[test]
fn what_operators_cannot_do_is_said_where_it_stands() {
    let start = r#""start": "broker-3""#;
    assert_said!(mistakes(&[
        (start, r#""elect": { "partition": "order-0", "leader": "broker-1" }"#),
        (start, r#""elect": { "partition": "orders-0", "leader": "brokr-1" }"#),
        (start, r#""elect": { "partition": "orders-0", "leader": "controller" }"#),
        (start, r#""elect": { "partition": "orders-0", "leeder": "broker-1" }"#),
        (start, r#""elect": { "partition": "orders-0" }"#),
        (start, r#""elect-preferred": "order-0""#),
        (start, r#""reassign": { "partition": "orders-0", "replicas": ["broker-1", "brokr-2"] }"#),
        (start, r#""reassign": { "partition": "orders-0", "replicas": ["broker-1", "broker-1"] }"#),
        (start, r#""set-config": { "topic": "order", "config": { "retention.ms": 1 } }"#),
        (start, r#""set-config": { "topic": "orders", "config": { "retention.m": 1 } }"#),
        (start, r#""set-config": { "topic": "orders", "config": {} }"#),
        (start, r#""add-partitions": { "topic": "orders", "count": 2 }"#),
        (start, r#""elct": { "partition": "orders-0", "leader": "broker-1" }"#),
    ]));
}

#[test]
fn what_does_not_go_together_is_said() {
    assert_said!(mistakes(&[
        (r#""controllers": 1"#, r#""controllers": 4"#),
        (r#""replica.lag.time.max.ms": 2000"#, r#""replica.lag.time.max.ms": 300"#),
        (r#""min.insync.replicas": 2"#, r#""min.insync.replicas": 0"#),
        (r#""min.insync.replicas": 2"#, r#""num.replica.fetchers": 4"#),
        (r#""sources": ["KIP-1"]"#, r#""bugs": ["KAFKA-7128"]"#),
        (r#""replication.factor": 3"#, r#""replication.factor": 4"#),
        (r#""brokers": 3"#, r#""brokers": 2"#),
        (r#"[["broker-1", "broker-3"]]"#, r#"[["broker-1", "broker-1"]]"#),
        (r#"[["broker-1", "broker-3"]]"#, r#"[["broker-1"], ["broker-2", "broker-3"]]"#),
        (r#"[["broker-1", "broker-3"]]"#, r#"[["broker-1"]], "partitions": 2"#),
        (r#""latency": ["1ms", "5ms"]"#, r#""latency": ["5ms", "1ms"]"#),
        (r#""records": 200"#, r#""records": 20000"#),
        (r#""stop": "9s""#, r#""stop": "1s""#),
        (r#""stop": "9s""#, r#""stop": "31s""#),
        (r#""cycle": 8"#, r#""cycle": 0"#),
        (r#"{ "at": "1s", "do""#, r#"{ "do""#),
        (r#"{ "at": "1s", "do""#, r#"{ "at": "1s", "when": { "event": "fenced" }, "do""#),
        (r#"{ "at": "1s", "do""#, r#"{ "at": "1s", "point": "after-outputs", "do""#),
        (r#"{ "at": "1s", "do""#, r#"{ "at": "30s", "do""#),
        (r#"{ "at": "1s", "do""#, r#"{ "at": "1s", "permanent": true, "do""#),
        (r#""start": "broker-3" }"#, r#""start": "broker-3" }, "permanent": true"#),
        (
            r#""start": "broker-3" }"#,
            r#""start": "broker-3" } },
    { "at": "2s", "permanent": true, "do": { "crash": "controller" }"#,
        ),
        (r#"{ "at": "20s" }"#, r#"{ "at": "40s" }"#),
        (r#"{ "at": "20s" }"#, r#"{ "at": "20s" }, "for": "1s""#),
        (r#""start": "broker-3" }"#, r#""start": "broker-3" }, "for": "1s""#),
        (r#"[["leader:orders-0"], ["follower:orders-0"]]"#, r#"[["leader:orders-0"]]"#),
        (r#"[["broker-1"], ["broker-2"]]"#, r#"[["broker-1"], ["broker-2"], ["broker-3"]]"#),
        (r#"[["broker-1"], ["broker-2"]]"#, r#"[["broker-1"], ["broker-1"]]"#),
        (r#", "jump": "-5s""#, ""),
        (r#""api": "Fetch", "response": true"#, r#""api": "BrokerHeartbeat""#),
        (r#""crash": 1, "late-metadata": 1"#, r#""crash": 0"#),
        (r#""every": "2s""#, r#""every": "0s""#),
        (r#""every": "2s""#, r#""every": "2s", "for": "31s""#),
        (r#""every": "2s""#, r#""every": "2s", "stop": "31s""#),
        (r#""duration": "30s""#, r#""duration": "0s""#),
        (
            r#""pause": ["broker-2", "broker-3"] },
      "until": { "at": "20s" }"#,
            r#""disk-stall": "broker-2" }"#
        ),
        (r#""acks": "1""#, r#""acks": "1", "enable.idempotence": true"#),
        (r#""acks": "all""#, r#""acks": "all", "delivery.timeout.ms": 1"#),
        (r#""orders-1"] }"#, r#""orders-1"], "config": { "max.poll.records": 0 } }"#),
    ]));
}

#[test]
fn an_expectation_that_no_run_can_meet_is_refused() {
    assert_said!(mistakes(&[
        (r#""acked_lost": { "min": 1 }"#, r#""acked_lost": { "min": 2, "max": 1 }"#),
        (r#""acked_lost": { "min": 1 }"#, r#""acked_lost": { "min": 301 }"#),
        (r#""acked_lost": { "min": 1 }"#, r#""acked": 5, "acked_lost": { "min": 6 }"#),
        (r#""verdict": "allowed-loss""#, r#""verdict": "ok""#),
        (r#""acked_lost": { "min": 1 }"#, r#""lost": 0"#),
        (r#""verdict": "allowed-loss""#, r#""verdict": []"#),
        (
            r#""verdict": "allowed-loss""#,
            r#""verdict": { "not": ["ok", "stuck", "violation", "unavailable",
                "allowed-loss", "allowed-duplicates", "allowed-reorder"] }"#
        ),
        (r#""verdict": "allowed-loss""#, r#""per_protocol": { "kip-320": [] }"#),
        (r#""verdict": "allowed-loss""#, r#""per_protocol": { "kip-595": "ok" }"#),
        (
            r#""verdict": "allowed-loss""#,
            r#""verdict": "allowed-loss", "per_protocol": { "kip-595": "violation" }"#
        ),
        (r#""verdict": "allowed-loss""#, r#""per_protocol": { "kip-321": "ok" }"#),
        (r#"{ "max": "20s" }"#, r#"{ "min": "21s", "max": "20s" }"#),
    ]));
}
