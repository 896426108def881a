//! An admin client before a cluster that the tests play.

use core::time::Duration;

use super::*;
use crate::{
    client::testing::{Arrived, Auto, Bench, bootstrap, rng, topic_id},
    ids::{BrokerId, TopicId},
    protocol::messages::wire_topic_id,
    protocol::{ApiKey, messages::create_topics_response::CreatableTopicResult},
};

fn admin() -> Bench<Admin> {
    Bench::new(Admin::new(ClientId::from("admin"), bootstrap(), rng()))
}

fn create(names: &[&str], timeout_ms: u64) -> AdminCommand {
    let topics = names.iter().map(|name| NewTopic {
        name: TopicName::from(*name),
        partitions: Some(1),
        replication_factor: Some(3),
        assignment: None,
        configs: BTreeMap::from([("min.insync.replicas".to_owned(), "2".to_owned())]),
    });
    let timeout = Duration::from_millis(timeout_ms);
    AdminCommand::CreateTopics { topics: topics.collect(), timeout }
}

fn answer(bench: &mut Bench<Admin>, request: &Arrived, topics: &[(&str, ErrorCode)]) {
    let topics = topics.iter().map(|(name, error)| {
        CreatableTopicResult::default()
            .with_name(wire_topic(&TopicName::from(*name)))
            .with_topic_id(wire_topic_id(topic_id(name)))
            .with_error_code(error.code())
    });
    let response = CreateTopicsResponse::default().with_topics(topics.collect());
    bench.respond(request, &response.into());
}

fn created(name: &str, result: Result<TopicId, AdminError>) -> AdminAnswer {
    AdminAnswer::TopicCreated { name: TopicName::from(name), result }
}

#[test]
fn topics_are_asked_for_until_the_cluster_is_complete() {
    let mut bench = admin();
    bench.command(create(&["a", "b"], 10_000));
    let request = bench.take(ApiKey::CreateTopics);
    let incomplete = ErrorCode::InvalidReplicationFactor;
    answer(&mut bench, &request, &[("a", ErrorCode::None), ("b", incomplete)]);
    assert_eq!(bench.answers, [created("a", Ok(topic_id("a")))]);
    assert_eq!(bench.waiting(ApiKey::CreateTopics), 0, "not at once");
    bench.advance(200);
    let request = bench.take(ApiKey::CreateTopics);
    let Request::CreateTopics(body) = &request.frame.body else { panic!("{request:?}") };
    assert_eq!(body.topics.len(), 1);
    assert_eq!(body.topics[0].configs[0].name.as_str(), "min.insync.replicas");
    answer(&mut bench, &request, &[("b", ErrorCode::None)]);
    assert_eq!(bench.answers[1..], [created("b", Ok(topic_id("b")))]);
}

#[test]
fn an_assignment_is_asked_for_without_numbers_beside_it() {
    let mut bench = admin();
    let topic = NewTopic {
        name: TopicName::from("a"),
        partitions: Some(2),
        replication_factor: Some(2),
        assignment: Some(vec![vec![BrokerId(2), BrokerId(1)], vec![BrokerId(3), BrokerId(2)]]),
        configs: BTreeMap::new(),
    };
    let (topics, timeout) = (vec![topic], Duration::from_secs(1));
    bench.command(AdminCommand::CreateTopics { topics, timeout });
    let request = bench.take(ApiKey::CreateTopics);
    let Request::CreateTopics(body) = &request.frame.body else { panic!("{request:?}") };
    let asked = &body.topics[0];
    assert_eq!((asked.num_partitions, asked.replication_factor), (-1, -1));
    let second = &asked.assignments[1];
    assert_eq!(second.partition_index, 1);
    let brokers: Vec<i32> = second.broker_ids.iter().map(|broker| broker.0).collect();
    assert_eq!(brokers, [3, 2]);
}

#[test]
fn a_refusal_that_does_not_pass_is_reported() {
    let mut bench = admin();
    bench.command(create(&["a"], 10_000));
    let request = bench.take(ApiKey::CreateTopics);
    answer(&mut bench, &request, &[("a", ErrorCode::TopicAlreadyExists)]);
    let message = "TOPIC_ALREADY_EXISTS".to_owned();
    let refused = AdminError::Refused { error: 36, message };
    assert_eq!(bench.answers, [created("a", Err(refused))]);
}

#[test]
fn a_cluster_that_does_not_answer_is_given_up_when_the_time_is_over() {
    let mut bench = admin();
    bench.command(create(&["a"], 2_000));
    bench.advance(1_999);
    assert_eq!(bench.answers, []);
    bench.advance(1);
    assert_eq!(bench.answers, [created("a", Err(AdminError::TimedOut))]);
    let late = bench.take(ApiKey::CreateTopics);
    answer(&mut bench, &late, &[("a", ErrorCode::None)]);
    assert_eq!(bench.answers.len(), 1);
}

#[test]
fn a_cluster_that_is_not_there_yet_is_tried_until_it_is() {
    let mut bench = admin();
    for broker in 0..=3 {
        bench.refusing.insert(broker);
        bench.disconnect(broker);
    }
    bench.command(create(&["a"], 30_000));
    bench.advance(10_000);
    assert_eq!(bench.waiting(ApiKey::CreateTopics), 0);
    bench.refusing.clear();
    bench.advance(1_300);
    assert_eq!(bench.waiting(ApiKey::CreateTopics), 1);
}

#[test]
fn a_description_says_where_partitions_are_now() {
    let mut bench = admin();
    bench.layout.topics.insert("a", vec![(Some(2), 4), (None, 1)]);
    let topics = vec![TopicName::from("a"), TopicName::from("missing")];
    let timeout = Duration::from_secs(5);
    bench.command(AdminCommand::DescribeTopics { topics, timeout });
    bench.advance(200);
    let [AdminAnswer::TopicsDescribed(Ok(described))] = &bench.answers[..] else {
        panic!("{:?}", bench.answers)
    };
    assert_eq!(described.len(), 1);
    let partitions = &described[&TopicName::from("a")].partitions;
    assert_eq!(partitions[&0].leader, Some(BrokerId(2)));
    assert_eq!(partitions[&1].leader, None);
}

#[test]
fn a_client_that_is_closed_gives_up_what_runs() {
    let mut bench = admin();
    bench.auto.remove(&Auto::Metadata);
    bench.command(create(&["a"], 2_000));
    bench.command(AdminCommand::Close);
    assert_eq!(bench.answers, [created("a", Err(AdminError::Closed)), AdminAnswer::Closed]);
    bench.advance(100_000);
}
