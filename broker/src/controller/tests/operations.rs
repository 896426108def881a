//! What operators ask for: elections, reassignments, configuration, partitions.

use super::{brokers::kind, *};
use crate::{
    config::TopicConfig,
    host::event::ElectionKind,
    ids::LeaderEpoch,
    protocol::messages::{
        AlterPartitionReassignmentsRequest, AlterPartitionRequest, CreatePartitionsRequest,
        ElectLeadersRequest, IncrementalAlterConfigsRequest, ListPartitionReassignmentsRequest,
        alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic},
        alter_partition_request,
        create_partitions_request::CreatePartitionsTopic,
        elect_leaders_request::TopicPartitions,
        incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
        wire_topic_id,
    },
};

const UNCLEAN_TYPE: i8 = 1;

fn name(topic: &str) -> WireTopicName {
    WireTopicName(wire_string(topic))
}

fn elect(harness: &mut Harness, topic: &str, election_type: i8) -> ErrorCode {
    let topics = TopicPartitions::default().with_topic(name(topic)).with_partitions(vec![0]);
    let request = ElectLeadersRequest::default()
        .with_election_type(election_type)
        .with_topic_partitions(Some(vec![topics]))
        .with_timeout_ms(1);
    match harness.ask(request) {
        Response::ElectLeaders(response) => {
            let result = &response.replica_election_results[0].partition_result[0];
            ErrorCode::from_code(result.error_code)
        }
        other => panic!("{other:?}"),
    }
}

fn reassign(harness: &mut Harness, replicas: Option<&[i32]>) -> ErrorCode {
    let replicas = replicas.map(|ids| ids.iter().copied().map(WireBrokerId).collect());
    let partition = ReassignablePartition::default().with_replicas(replicas);
    let topic =
        ReassignableTopic::default().with_name(name("orders")).with_partitions(vec![partition]);
    let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]);
    match harness.ask(request) {
        Response::AlterPartitionReassignments(response) => {
            ErrorCode::from_code(response.responses[0].partitions[0].error_code)
        }
        other => panic!("{other:?}"),
    }
}

/// The leader asks for this ISR.
fn alter_isr(harness: &mut Harness, isr: &[i32]) -> ErrorCode {
    let partition = harness.partition("orders").clone();
    let member = |id: &i32| {
        alter_partition_request::BrokerState::default()
            .with_broker_id(WireBrokerId(*id))
            .with_broker_epoch(harness.epoch(*id))
    };
    let data = alter_partition_request::PartitionData::default()
        .with_leader_epoch(partition.leader_epoch.0)
        .with_partition_epoch(partition.partition_epoch.0)
        .with_new_isr_with_epochs(isr.iter().map(member).collect());
    let topic = alter_partition_request::TopicData::default()
        .with_topic_id(wire_topic_id(harness.topic_id("orders")))
        .with_partitions(vec![data]);
    let leader = harness.leader("orders").unwrap();
    let request = AlterPartitionRequest::default()
        .with_broker_id(WireBrokerId(leader))
        .with_broker_epoch(harness.epoch(leader))
        .with_topics(vec![topic]);
    match harness.ask(request) {
        Response::AlterPartition(response) => {
            ErrorCode::from_code(response.topics[0].partitions[0].error_code)
        }
        other => panic!("{other:?}"),
    }
}

fn set_config(harness: &mut Harness, key: &str, value: Option<&str>) -> ErrorCode {
    let config = AlterableConfig::default()
        .with_name(wire_string(key))
        .with_config_operation(i8::from(value.is_none()))
        .with_value(value.map(wire_string));
    let resource = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(wire_string("orders"))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    match harness.ask(request) {
        Response::IncrementalAlterConfigs(response) => {
            ErrorCode::from_code(response.responses[0].error_code)
        }
        other => panic!("{other:?}"),
    }
}

fn replicas(harness: &Harness) -> Vec<i32> {
    harness.partition("orders").replicas.iter().map(|broker| broker.0).collect()
}

fn moving(harness: &mut Harness) -> Vec<(Vec<i32>, Vec<i32>)> {
    let ids = |wire: &[WireBrokerId]| wire.iter().map(|broker| broker.0).collect::<Vec<_>>();
    match harness.ask(ListPartitionReassignmentsRequest::default().with_topics(None)) {
        Response::ListPartitionReassignments(response) => {
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.map(|p| (ids(&p.adding_replicas), ids(&p.removing_replicas))).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Broker 2 leads, although broker 1 is preferred and there.
fn led_elsewhere() -> Harness {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2, 3], &[]);
    let partition = TopicPartition::new("orders", 0);
    let leader = BrokerId(2);
    harness.step(Input::Command(ControllerCommand::Elect { partition, leader }));
    harness.events.clear();
    harness
}

// ───── elections

#[test]
fn a_preferred_election_gives_the_leadership_back() {
    let mut harness = led_elsewhere();
    assert_eq!(elect(&mut harness, "orders", 0), ErrorCode::None);
    assert_eq!(harness.leader("orders"), Some(1));
    assert_eq!(harness.partition("orders").leader_epoch, LeaderEpoch(2));
    assert_eq!(elect(&mut harness, "orders", 0), ErrorCode::ElectionNotNeeded);
    assert_eq!(elect(&mut harness, "others", 0), ErrorCode::UnknownTopicOrPartition);
}

#[test]
fn a_preferred_replica_outside_the_isr_does_not_lead() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2, 3], &[]);
    harness.sessions_end(&[2, 3]);
    let error = elect(&mut harness, "orders", 0);
    assert_eq!(error, ErrorCode::PreferredLeaderNotAvailable);
    assert_eq!(harness.leader("orders"), Some(2));
}

#[test]
fn an_operator_may_elect_uncleanly_where_the_topic_does_not_allow_it() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[]);
    assert_eq!(elect(&mut harness, "orders", UNCLEAN_TYPE), ErrorCode::ElectionNotNeeded);
    harness.sessions_end(&[1]);
    harness.sessions_end(&[]);
    assert_eq!(elect(&mut harness, "orders", UNCLEAN_TYPE), ErrorCode::EligibleLeadersNotAvailable);
    harness.register(2, 2).unwrap();
    harness.beat(2);
    harness.events.clear();
    assert_eq!(elect(&mut harness, "orders", UNCLEAN_TYPE), ErrorCode::None);
    assert_eq!((harness.leader("orders"), harness.isr("orders")), (Some(2), vec![2]));
    let [ControllerEvent::Elected(election)] = &harness.events[..] else {
        panic!("{:?}", harness.events)
    };
    assert_eq!(election.kind, ElectionKind::Unclean);
}

#[test]
fn leaders_are_balanced_an_interval_after_they_were_moved() {
    for (enabled, leader) in [(true, 1), (false, 2)] {
        let config = ServerConfig {
            auto_leader_rebalance_enable: enabled,
            leader_imbalance_check_interval_seconds: 2,
            ..quiet()
        };
        let mut harness = Harness::with(config, TestDisk::default());
        harness.join(2);
        harness.create_on("orders", &[1, 2], &[]);
        let (partition, to) = (TopicPartition::new("orders", 0), BrokerId(2));
        harness.step(Input::Command(ControllerCommand::Elect { partition, leader: to }));
        harness.pass(Duration::from_millis(1_900));
        assert_eq!(harness.leader("orders"), Some(2));
        harness.pass(Duration::from_millis(200));
        assert_eq!(harness.leader("orders"), Some(leader));
    }
}

// ───── reassignments

#[test]
fn a_reassignment_is_complete_when_the_new_replica_is_in_sync() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2], &[]);
    assert_eq!(reassign(&mut harness, Some(&[1, 3])), ErrorCode::None);
    assert_eq!(replicas(&harness), [1, 3, 2]);
    assert_eq!(moving(&mut harness), [(vec![3], vec![2])]);
    assert_eq!(alter_isr(&mut harness, &[1, 2, 3]), ErrorCode::None);
    assert_eq!((replicas(&harness), harness.isr("orders")), (vec![1, 3], vec![1, 3]));
    assert!(moving(&mut harness).is_empty());
    // The leader stays, in a new epoch: what broker 2 fetched must not count any more.
    assert_eq!(harness.leader("orders"), Some(1));
    assert_eq!(harness.partition("orders").leader_epoch, LeaderEpoch(1));
}

#[test]
fn a_leader_that_is_moved_away_is_told_that_another_was_elected() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2], &[]);
    assert_eq!(reassign(&mut harness, Some(&[2, 3])), ErrorCode::None);
    assert_eq!(harness.leader("orders"), Some(1));
    assert_eq!(alter_isr(&mut harness, &[1, 2, 3]), ErrorCode::NewLeaderElected);
    assert_eq!((harness.leader("orders"), replicas(&harness)), (Some(2), vec![2, 3]));
}

#[test]
fn a_leader_that_joins_as_it_completes_a_move_was_elected_cleanly() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2], &[]);
    assert_eq!(reassign(&mut harness, Some(&[3, 2])), ErrorCode::None);
    assert_eq!(alter_isr(&mut harness, &[1, 2, 3]), ErrorCode::NewLeaderElected);
    let elected = harness.events.iter().find_map(|event| match event {
        ControllerEvent::Elected(election) => Some(election),
        _ => None,
    });
    let election = elected.unwrap();
    assert_eq!((election.record.leader, election.kind), (Some(BrokerId(3)), ElectionKind::Isr));
}

#[test]
fn replicas_that_are_only_removed_go_at_once() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2, 3], &[]);
    assert_eq!(reassign(&mut harness, Some(&[3])), ErrorCode::None);
    assert_eq!((harness.leader("orders"), replicas(&harness)), (Some(3), vec![3]));
}

#[test]
fn an_unfinished_reassignment_is_taken_back() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2], &[]);
    assert_eq!(reassign(&mut harness, None), ErrorCode::NoReassignmentInProgress);
    reassign(&mut harness, Some(&[3, 2]));
    assert_eq!(reassign(&mut harness, None), ErrorCode::None);
    let mut after = replicas(&harness);
    after.sort_unstable();
    assert_eq!((after, harness.isr("orders")), (vec![1, 2], vec![1, 2]));
    assert!(moving(&mut harness).is_empty());
}

#[test]
fn a_reassignment_to_nobody_or_to_strangers_is_refused() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[]);
    for replicas in [&[][..], &[1, 1], &[1, 9]] {
        let error = reassign(&mut harness, Some(replicas));
        assert_eq!(error, ErrorCode::InvalidReplicaAssignment, "{replicas:?}");
    }
}

// ───── configuration and partitions

#[test]
fn a_value_of_a_topic_is_changed_and_taken_back() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[]);
    let min = |harness: &Harness| {
        let topic = harness.image().topic_named(&"orders".into()).unwrap();
        topic.config(&TopicConfig::clone(&harness.config.topic_defaults())).min_insync_replicas
    };
    assert_eq!(set_config(&mut harness, "min.insync.replicas", Some("2")), ErrorCode::None);
    assert_eq!(min(&harness), 2);
    assert_eq!(set_config(&mut harness, "min.insync.replicas", None), ErrorCode::None);
    assert_eq!(min(&harness), 1);
    let error = set_config(&mut harness, "min.insync.replicas", Some("none"));
    assert_eq!(error, ErrorCode::InvalidConfig);
}

#[test]
fn a_topic_that_allows_unclean_elections_from_now_on_gets_its_leader_at_once() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[]);
    harness.sessions_end(&[1]);
    harness.sessions_end(&[]);
    harness.register(2, 2).unwrap();
    harness.beat(2);
    assert_eq!(harness.leader("orders"), None);
    harness.events.clear();
    let error = set_config(&mut harness, "unclean.leader.election.enable", Some("true"));
    assert_eq!((error, harness.leader("orders")), (ErrorCode::None, Some(2)));
    assert_eq!(harness.events.iter().map(kind).collect::<Vec<_>>(), ["elected"]);
}

#[test]
fn with_a_smaller_minimum_nobody_stays_eligible() {
    let mut harness = Harness::of_protocol(Protocol::Kip966, quiet(), TestDisk::default());
    harness.join(2);
    harness.create_on("orders", &[1, 2], &[("min.insync.replicas", "2")]);
    harness.sessions_end(&[1]);
    assert_eq!(harness.partition("orders").elr, [BrokerId(2)]);
    // From now on broker 1 commits alone.
    set_config(&mut harness, "min.insync.replicas", Some("1"));
    assert!(harness.partition("orders").elr.is_empty());
}

#[test]
fn a_topic_gets_more_partitions_and_never_fewer() {
    let mut harness = Harness::cluster(3);
    harness.create_on("orders", &[1, 2], &[]);
    for (count, error) in
        [(1, ErrorCode::InvalidPartitions), (0, ErrorCode::InvalidPartitions), (3, ErrorCode::None)]
    {
        let topic = CreatePartitionsTopic::default()
            .with_name(name("orders"))
            .with_count(count)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default().with_topics(vec![topic]);
        match harness.ask(request) {
            Response::CreatePartitions(response) => {
                assert_eq!(ErrorCode::from_code(response.results[0].error_code), error);
            }
            other => panic!("{other:?}"),
        }
    }
    let topic = harness.image().topic_named(&"orders".into()).unwrap();
    assert_eq!(topic.partitions.keys().copied().collect::<Vec<_>>(), [0, 1, 2]);
    assert!(topic.partitions.values().all(|partition| partition.replicas.len() == 2));
}
