//! How a broker ends, and what its successor makes of it.

use super::*;
use crate::{
    host::DiskOperation,
    ids::TopicName,
    protocol::messages::{BrokerHeartbeatResponse, MetadataRequest},
};

fn waits_for_others() -> BrokerHeartbeatResponse {
    BrokerHeartbeatResponse::default().with_is_caught_up(true)
}

/// A broker that was asked to end, and has asked the controller.
fn shutting_down() -> Bench {
    let mut bench = Bench::leading();
    bench.auto.remove(&ApiKey::BrokerHeartbeat);
    bench.give(Input::ShutdownAsked);
    bench
}

#[test]
fn a_controlled_shutdown_waits_until_the_controller_agrees() {
    let mut bench = shutting_down();
    assert!(bench.has(|event| matches!(event, BrokerEvent::ControlledShutdownBegan { .. })));
    let (first, body) = bench.take_heartbeat();
    assert!(body.want_shut_down && !body.want_fence);
    bench.respond(&first, waits_for_others());
    bench.advance(50);
    let (second, _) = bench.take_heartbeat();
    bench.respond(&second, waits_for_others());
    bench.advance(499);
    assert_eq!(bench.waiting(ApiKey::BrokerHeartbeat), 0);
    bench.ask(MetadataRequest::default().with_topics(None));
    bench.advance(1);
    let (third, _) = bench.take_heartbeat();
    assert_eq!(bench.exit, None);
    bench.respond(&third, waits_for_others().with_should_shut_down(true));
    assert_eq!(bench.exit, Some(ExitReason::CleanShutdown));
    assert!(bench.has(|event| matches!(event, BrokerEvent::ShutDownCleanly { .. })));
}

#[test]
fn a_controlled_shutdown_without_controller_ends_after_five_minutes() {
    let mut bench = shutting_down();
    bench.controller = Controller::Refuses;
    let (lost, _) = bench.take_heartbeat();
    bench.cut(&lost);
    bench.advance(299_999);
    assert_eq!(bench.exit, None);
    bench.advance(1);
    assert_eq!(bench.exit, Some(ExitReason::CleanShutdown));
}

#[test]
fn to_be_asked_twice_to_end_is_to_be_asked_once() {
    let mut bench = shutting_down();
    bench.give(Input::ShutdownAsked);
    assert_eq!(bench.waiting(ApiKey::BrokerHeartbeat), 1);
    let began = |event: &&BrokerEvent| matches!(event, BrokerEvent::ControlledShutdownBegan { .. });
    assert_eq!(bench.events.iter().filter(began).count(), 1);
}

#[test]
fn a_broker_that_never_served_ends_without_asking() {
    let mut bench = Bench::unborn();
    bench.auto.remove(&ApiKey::BrokerRegistration);
    bench.start();
    bench.give(Input::ShutdownAsked);
    assert_eq!(bench.exit, Some(ExitReason::CleanShutdown));
    assert!(!bench.has(|event| matches!(event, BrokerEvent::ControlledShutdownBegan { .. })));
}

#[test]
fn without_controlled_shutdown_a_broker_ends_at_once() {
    let mut bench = Bench::unborn();
    bench.config.server.controlled_shutdown_enable = false;
    bench.broker = Broker::new(bench.config.clone());
    bench.start();
    bench.advance(100);
    bench.give(Input::ShutdownAsked);
    assert_eq!(bench.exit, Some(ExitReason::CleanShutdown));
    assert!(!bench.has(|event| matches!(event, BrokerEvent::ControlledShutdownBegan { .. })));
}

#[test]
fn a_broker_that_ends_closes_its_clients_connections() {
    let mut bench = Bench::leading();
    let client = bench.connect();
    bench.give(Input::ShutdownAsked);
    assert_eq!(bench.exit, Some(ExitReason::CleanShutdown));
    assert!(bench.is_closed(client));
}

#[test]
fn after_a_clean_end_the_next_incarnation_names_the_epoch_of_the_last() {
    let mut bench = Bench::serving();
    bench.give(Input::ShutdownAsked);
    bench.auto.remove(&ApiKey::BrokerRegistration);
    bench.restart();
    let (_, body) = bench.take_registration();
    assert_eq!(body.previous_broker_epoch, 1);
    assert!(matches!(
        bench.events[0],
        BrokerEvent::BrokerStarted { previous_broker_epoch: Some(_), .. }
    ));
}

#[test]
fn after_a_kill_the_next_incarnation_names_no_epoch() {
    let mut bench = Bench::serving();
    bench.auto.remove(&ApiKey::BrokerRegistration);
    bench.restart();
    let (_, body) = bench.take_registration();
    assert_eq!(body.previous_broker_epoch, -1);
}

#[test]
fn a_disk_that_cannot_be_read_does_not_let_a_broker_start() {
    let mut bench = Bench::unborn();
    bench.disk.fails = Some(DiskOperation::List);
    bench.start();
    assert_eq!(bench.exit, Some(ExitReason::CannotStart));
    assert!(matches!(&bench.events[..], [BrokerEvent::Halted { .. }]));
    assert_eq!(bench.broker.deadline(), None);
}

#[test]
fn a_disk_that_fails_halts_the_broker_and_nothing_comes_after() {
    let mut bench = Bench::leading();
    let parked = bench.connect();
    bench.disk.fails = Some(DiskOperation::Append);
    bench.send_on(parked, &clients::produce("orders", 0, -1), 11);
    assert_eq!(bench.exit, Some(ExitReason::Halted));
    assert!(matches!(bench.events.last(), Some(BrokerEvent::Halted { .. })));
    assert_eq!(bench.answer(parked), None);
    // The bench lets no output pass behind the exit.
    bench.give(Input::ShutdownAsked);
    bench.give(Input::Woken);
    assert_eq!(bench.broker.deadline(), None);
}

#[test]
fn logs_that_no_metadata_names_are_removed_once_when_the_broker_has_caught_up() {
    let mut bench = Bench::leading();
    let partition = TopicPartition::new("orders", 0);
    assert!(bench.broker.log(&partition).is_some());
    bench.log.push(MetadataRecord::RemoveTopic { topic_id: ORDERS });
    bench.auto.remove(&ApiKey::Fetch);
    bench.auto.remove(&ApiKey::BrokerRegistration);
    bench.restart();
    assert!(bench.broker.log(&partition).is_some(), "it is found on the disk");
    bench.auto.insert(ApiKey::Fetch);
    bench.advance(1_000);
    assert!(bench.broker.log(&partition).is_some(), "it is kept until the broker is registered");
    bench.auto.insert(ApiKey::BrokerRegistration);
    bench.advance(1_000);
    assert!(bench.broker.log(&partition).is_none());
    let name = TopicName::from("orders");
    let topic_id = TopicId([8; 16]);
    bench.log.push(MetadataRecord::Topic { name, topic_id });
    let registration = PartitionRegistration::create(vec![BrokerId(1)], vec![BrokerId(1)]);
    bench.log.push(MetadataRecord::Partition { topic_id, partition: 0, registration });
    bench.advance(1_000);
    assert!(bench.broker.log(&partition).is_some(), "what comes later is no stray");
}
