//! How replicas leave the ISR and come back.

use super::told;
use crate::{
    host::event::PartitionEvent,
    ids::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch},
    metadata::{BrokerRegistration, MetadataRecord},
    protocol::{
        ErrorCode,
        messages::{
            AlterPartitionRequest, AlterPartitionResponse, alter_partition_response as response,
            wire_broker, wire_topic_id,
        },
    },
    replica::{
        AlterPartitionTicket, NetFailure,
        rules::{PendingIsrOnKnownRecord, Protocol, Rules, Switch},
        testing::{Cluster, TOPIC, registration},
    },
};

fn proposed(request: &AlterPartitionRequest) -> Vec<i32> {
    let members = &request.topics[0].partitions[0].new_isr_with_epochs;
    members.iter().map(|member| member.broker_id.0).collect()
}

fn next_proposal(cluster: &mut Cluster) -> (AlterPartitionTicket, Vec<i32>) {
    let (_, ticket, request) = cluster.to_controller.pop_front().expect("a proposal");
    (ticket, proposed(&request))
}

fn answer(error: ErrorCode, partition_epoch: i32, isr: &[i32]) -> AlterPartitionResponse {
    let partition = response::PartitionData::default()
        .with_error_code(error.code())
        .with_leader_id(wire_broker(Some(BrokerId(1))))
        .with_partition_epoch(partition_epoch)
        .with_isr(isr.iter().map(|id| wire_broker(Some(BrokerId(*id)))).collect());
    let topic = response::TopicData::default()
        .with_topic_id(wire_topic_id(TOPIC))
        .with_partitions(vec![partition]);
    AlterPartitionResponse::default().with_topics(vec![topic])
}

fn complete(
    cluster: &mut Cluster,
    ticket: AlterPartitionTicket,
    outcome: Result<&AlterPartitionResponse, NetFailure>,
) {
    cluster.step(1, |manager, ctx| manager.on_alter_partition_completed(ctx, ticket, outcome));
}

/// Two brokers; the second is out of the ISR and has everything but the last `behind` records.
fn one_in_sync(change: fn(&mut Rules)) -> Cluster {
    let mut cluster = Cluster::with_rules(Protocol::Kip595, 2, change);
    cluster.change_isr(&[1]);
    cluster.publish_all();
    cluster
}

#[test]
fn a_follower_that_lags_is_proposed_to_leave_and_counts_until_the_answer_comes() {
    let mut cluster = Cluster::new(Protocol::Kip595, 3);
    let request = cluster.produce(1, -1);
    cluster.carry(&[1, 2]);
    cluster.advance(2_000);
    assert!(cluster.to_controller.is_empty(), "not after the lag yet");
    cluster.carry(&[1, 2]);
    cluster.advance(1_000);
    let (ticket, isr) = next_proposal(&mut cluster);
    assert_eq!(isr, [1, 2]);
    assert_eq!(cluster.offsets(1), (0, 1));
    complete(&mut cluster, ticket, Ok(&answer(ErrorCode::None, 1, &[1, 2])));
    assert_eq!(cluster.offsets(1), (1, 1));
    assert_eq!(told(&cluster, request).map(|told| told.0), Some(ErrorCode::RequestTimedOut));
}

#[test]
fn a_follower_that_caught_up_is_proposed_and_counts_at_once() {
    let mut cluster = one_in_sync(|_| {});
    cluster.carry(&[1, 2]);
    let (_, isr) = next_proposal(&mut cluster);
    assert_eq!(isr, [1, 2]);
    cluster.produce(1, -1);
    assert_eq!(cluster.offsets(1), (0, 1), "the new member may be in the ISR already");
}

#[test]
fn the_proposal_names_the_incarnations_that_fetched() {
    let mut cluster = one_in_sync(|_| {});
    cluster.carry(&[1, 2]);
    let (_, _, request) = cluster.to_controller.pop_front().unwrap();
    let members = &request.topics[0].partitions[0].new_isr_with_epochs;
    let epochs: Vec<_> = members.iter().map(|member| member.broker_epoch).collect();
    assert_eq!((request.broker_epoch, epochs), (1, vec![1, 2]));
}

#[test]
fn a_replica_that_may_not_join_is_taken_back() {
    let mut cluster = one_in_sync(|_| {});
    cluster.carry(&[1, 2]);
    let (ticket, _) = next_proposal(&mut cluster);
    complete(&mut cluster, ticket, Ok(&answer(ErrorCode::IneligibleReplica, 0, &[])));
    let request = cluster.produce(1, -1);
    // The joiner is caught up by time: the leader waits for it for a while all the same.
    assert_eq!(told(&cluster, request), None);
    cluster.carry(&[1, 2]);
    assert_eq!(next_proposal(&mut cluster).1, [1, 2], "it is proposed again when it fetches");
}

#[test]
fn an_answer_that_metadata_will_settle_leaves_the_change_under_way() {
    let settled = [
        ErrorCode::FencedLeaderEpoch,
        ErrorCode::InvalidUpdateVersion,
        ErrorCode::InvalidRequest,
        ErrorCode::UnknownTopicId,
        ErrorCode::UnknownTopicOrPartition,
        ErrorCode::NewLeaderElected,
    ];
    for error in settled {
        let mut cluster = one_in_sync(|_| {});
        cluster.carry(&[1, 2]);
        let (ticket, _) = next_proposal(&mut cluster);
        complete(&mut cluster, ticket, Ok(&answer(error, 0, &[])));
        cluster.produce(1, -1);
        cluster.advance(2_500);
        assert_eq!(cluster.offsets(1).0, 0, "{error:?}: the joiner still counts");
        assert!(cluster.to_controller.is_empty(), "{error:?}: nothing is asked again");
        cluster.change_isr(&[1]);
        cluster.publish(1);
        assert_eq!(cluster.offsets(1).0, 1, "{error:?}: metadata settles it");
    }
}

#[test]
fn an_answer_that_says_nothing_of_the_outcome_is_asked_for_again() {
    let mut cluster = one_in_sync(|_| {});
    cluster.carry(&[1, 2]);
    let (ticket, first) = next_proposal(&mut cluster);
    complete(&mut cluster, ticket, Ok(&answer(ErrorCode::NotController, 0, &[])));
    let (ticket, second) = next_proposal(&mut cluster);
    assert_eq!(first, second);
    complete(&mut cluster, ticket, Err(NetFailure::TimedOut));
    assert!(cluster.to_controller.is_empty());
    cluster.advance(50);
    assert_eq!(next_proposal(&mut cluster).1, first);
}

#[test]
fn an_answer_that_comes_after_the_metadata_changes_nothing() {
    let mut cluster = one_in_sync(|_| {});
    cluster.carry(&[1, 2]);
    let (ticket, _) = next_proposal(&mut cluster);
    cluster.elect(Some(1), &[1]);
    cluster.publish(1);
    complete(&mut cluster, ticket, Ok(&answer(ErrorCode::None, 2, &[1, 2])));
    cluster.produce(1, -1);
    cluster.advance(2_500);
    assert_eq!(cluster.offsets(1), (1, 1));
}

#[test]
fn a_record_that_was_known_already_leaves_the_change_under_way_unless_the_rule_drops_it() {
    let counts = |change: fn(&mut Rules)| {
        let mut cluster = Cluster::with_rules(Protocol::Kip595, 3, change);
        cluster.change_isr(&[1]);
        cluster.publish_all();
        cluster.carry(&[1, 2]);
        let (ticket, _) = next_proposal(&mut cluster);
        cluster.change_isr(&[1, 2]);
        complete(&mut cluster, ticket, Ok(&answer(ErrorCode::None, 2, &[1, 2])));
        cluster.carry(&[1, 3]);
        assert_eq!(next_proposal(&mut cluster).1, [1, 2, 3]);
        cluster.publish(1);
        cluster.advance(2_900);
        cluster.produce(1, 1);
        cluster.carry(&[1, 2]);
        cluster.offsets(1).0
    };
    assert_eq!(counts(|_| {}), 0, "broker 3 may be in the ISR by now");
    let drop_it = |rules: &mut Rules| {
        rules.pending_isr_on_known_record = PendingIsrOnKnownRecord::Drop;
    };
    assert_eq!(counts(drop_it), 1);
}

#[test]
fn a_follower_must_reach_the_start_of_the_epoch_to_join() {
    let proposals = |change: fn(&mut Rules)| {
        let mut cluster = Cluster::with_rules(Protocol::Kip595, 3, change);
        cluster.produce(1, 1);
        cluster.produce(1, 1);
        cluster.carry(&[1, 3]);
        // Broker 3 leads with both records and the high watermark at 0; broker 2 has nothing.
        cluster.elect(Some(3), &[1, 3]);
        cluster.publish(2);
        cluster.publish(3);
        cluster.carry_request(2);
        cluster.to_controller.len()
    };
    assert_eq!(proposals(|_| {}), 0);
    let without = |rules: &mut Rules| {
        rules.expansion_needs_leader_epoch_start_offset = Switch::Off;
    };
    assert_eq!(proposals(without), 1);
}

#[test]
fn a_replica_that_is_fenced_or_shutting_down_does_not_join() {
    for (fenced, in_controlled_shutdown) in [(true, false), (false, true)] {
        let mut cluster = one_in_sync(|_| {});
        let second = registration(2, 2);
        let change = BrokerRegistration { fenced, in_controlled_shutdown, ..second };
        cluster.record(&MetadataRecord::RegisterBroker(change));
        cluster.publish(1);
        cluster.carry(&[1, 2]);
        assert!(cluster.to_controller.is_empty());
    }
}

#[test]
fn a_fetch_of_an_older_incarnation_is_refused_and_not_counted() {
    let mut cluster = one_in_sync(|_| {});
    cluster.record(&MetadataRecord::RegisterBroker(registration(2, 9)));
    cluster.publish(1);
    cluster.carry_request(2);
    let refused = cluster.events(1, |event| match event {
        PartitionEvent::FetchRefused { follower, error, .. } => Some((*follower, *error)),
        _ => None,
    });
    assert_eq!(refused, [(Some(BrokerId(2)), ErrorCode::NotLeaderOrFollower.code())]);
    assert!(cluster.to_controller.is_empty());
    cluster.step(2, |manager, _| manager.registered(BrokerEpoch(9)));
    cluster.carry_answer(2);
    cluster.advance(1_000);
    cluster.carry(&[1, 2]);
    assert_eq!(next_proposal(&mut cluster).1, [1, 2]);
}

#[test]
fn what_is_adopted_is_told_once() {
    let mut cluster = one_in_sync(|_| {});
    cluster.carry(&[1, 2]);
    let (ticket, _) = next_proposal(&mut cluster);
    complete(&mut cluster, ticket, Ok(&answer(ErrorCode::None, 2, &[1, 2])));
    cluster.change_isr(&[1, 2]);
    cluster.publish(1);
    let adopted = cluster.events(1, |event| match event {
        PartitionEvent::IsrAdopted { leader_epoch, partition_epoch, isr, .. } => {
            Some((*leader_epoch, *partition_epoch, isr.len()))
        }
        _ => None,
    });
    let epoch = LeaderEpoch(0);
    assert_eq!(adopted, [(epoch, PartitionEpoch(1), 1), (epoch, PartitionEpoch(2), 2)]);
}
