//! What a testbed asks for.

use super::*;
use crate::{host::event::ElectionKind, ids::LeaderEpoch, metadata::BrokerRegistration};

fn elect(harness: &mut Harness, partition: &str, leader: i32) {
    let partition = TopicPartition::parse(partition).unwrap();
    harness.events.clear();
    let leader = BrokerId(leader);
    harness.step(Input::Command(ControllerCommand::Elect { partition, leader }));
}

#[test]
fn a_member_of_the_isr_leads_in_a_new_epoch_and_nobody_leaves_the_isr() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2, 3], &[]);
    for (leader, epoch) in [(3, 1), (2, 2), (2, 3)] {
        elect(&mut harness, "orders-0", leader);
        let [ControllerEvent::Elected(election)] = &harness.events[..] else {
            panic!("{:?}", harness.events)
        };
        assert_eq!(election.kind, ElectionKind::Isr);
        assert_eq!(
            (harness.leader("orders"), harness.isr("orders")),
            (Some(leader), vec![1, 2, 3])
        );
        assert_eq!(harness.partition("orders").leader_epoch, LeaderEpoch(epoch));
        assert!(harness.image().brokers().values().all(BrokerRegistration::is_active));
    }
}

#[test]
fn who_is_not_in_the_isr_or_not_there_is_refused_and_nothing_is_recorded() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2, 3], &[]);
    harness.create_on("alone", &[1], &[]);
    harness.sessions_end(&[2, 3]);
    for (partition, leader, error) in [
        // It left the ISR with its session.
        ("orders-0", 1, ErrorCode::EligibleLeadersNotAvailable),
        ("orders-0", 9, ErrorCode::EligibleLeadersNotAvailable),
        // The last member of an ISR stays in it, but is not there.
        ("alone-0", 1, ErrorCode::EligibleLeadersNotAvailable),
        ("orders-1", 2, ErrorCode::UnknownTopicOrPartition),
        ("nothing-0", 2, ErrorCode::UnknownTopicOrPartition),
    ] {
        let before = harness.image().clone();
        elect(&mut harness, partition, leader);
        let refused = ControllerEvent::ElectionRefused {
            partition: TopicPartition::parse(partition).unwrap(),
            leader: BrokerId(leader),
            error: error.code(),
        };
        assert_eq!(harness.events, [refused]);
        assert_eq!(*harness.image(), before);
    }
}
