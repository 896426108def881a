//! What the controller answers for the broker: topics, and blocks of producer ids.

use super::*;
use crate::protocol::messages::{
    AllocateProducerIdsResponse, CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest,
    DeleteTopicsResponse, InitProducerIdRequest, WireProducerId, WireTopicName,
    create_topics_request::CreatableTopic, create_topics_response::CreatableTopicResult,
    delete_topics_request::DeleteTopicState, delete_topics_response::DeletableTopicResult,
    wire_string,
};

fn name() -> WireTopicName {
    WireTopicName(wire_string("new"))
}

fn creation() -> Request {
    let topic = CreatableTopic::default()
        .with_name(name())
        .with_num_partitions(1)
        .with_replication_factor(1);
    CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(1_000).into()
}

fn created() -> CreateTopicsResponse {
    let topic = CreatableTopicResult::default()
        .with_name(name())
        .with_topic_id(uuid(3))
        .with_num_partitions(1)
        .with_replication_factor(1);
    CreateTopicsResponse::default().with_topics(vec![topic])
}

fn uuid(byte: u8) -> crate::protocol::messages::WireUuid {
    crate::protocol::messages::WireUuid::from_bytes([byte; 16])
}

fn deletion(version: i16) -> Request {
    let request = DeleteTopicsRequest::default().with_timeout_ms(1_000);
    if version < 6 {
        return request.with_topic_names(vec![name()]).into();
    }
    let topic = DeleteTopicState::default().with_name(Some(name()));
    request.with_topics(vec![topic]).into()
}

fn producer(response: Option<Response>) -> (ErrorCode, i64, i16) {
    let Some(Response::InitProducerId(body)) = response else { panic!("{response:?}") };
    (ErrorCode::from_code(body.error_code), body.producer_id.0, body.producer_epoch)
}

#[test]
fn a_topic_is_created_by_the_controller_in_every_version() {
    let mut bench = Bench::serving();
    for version in 2..=7 {
        let client = bench.send(&creation(), version);
        assert_eq!(bench.answer(client), None);
        let forwarded = bench.take(ApiKey::CreateTopics);
        assert_eq!((forwarded.frame.version, &forwarded.frame.body), (version, &creation()));
        let mut answer = Response::from(created());
        answer.fit(version);
        bench.respond(&forwarded, answer);
        let Some(Response::CreateTopics(body)) = bench.answer(client) else { panic!("no answer") };
        assert_eq!(body.topics[0].name, name());
    }
}

#[test]
fn a_topic_is_deleted_by_the_controller_in_every_version() {
    let mut bench = Bench::serving();
    for version in 1..=6 {
        let client = bench.send(&deletion(version), version);
        let forwarded = bench.take(ApiKey::DeleteTopics);
        assert_eq!(forwarded.frame.body, deletion(version));
        let topic = DeletableTopicResult::default().with_name(Some(name()));
        let answer = DeleteTopicsResponse::default().with_responses(vec![topic]);
        bench.respond(&forwarded, answer);
        assert!(matches!(bench.answer(client), Some(Response::DeleteTopics(_))));
    }
}

#[test]
fn a_request_is_forwarded_again_when_the_connection_to_the_controller_ends() {
    let mut bench = Bench::serving();
    let client = bench.send(&creation(), 7);
    let lost = bench.take(ApiKey::CreateTopics);
    bench.cut(&lost);
    bench.advance(100);
    let again = bench.take(ApiKey::CreateTopics);
    bench.respond(&again, created());
    assert!(bench.answer(client).is_some());
}

#[test]
fn a_request_is_forwarded_again_when_another_controller_is_in_charge() {
    let mut bench = Bench::serving();
    let client = bench.send(&creation(), 7);
    let refused = bench.take(ApiKey::CreateTopics);
    let mut answer = created();
    answer.topics[0].error_code = ErrorCode::NotController.code();
    bench.respond(&refused, answer);
    assert_eq!(bench.answer(client), None);
    bench.advance(99);
    assert_eq!(bench.waiting(ApiKey::CreateTopics), 0, "it waits a moment");
    bench.advance(10);
    let again = bench.take(ApiKey::CreateTopics);
    bench.respond(&again, created());
    let Some(Response::CreateTopics(body)) = bench.answer(client) else { panic!("no answer") };
    assert_eq!(body.topics[0].error_code, 0);
}

#[test]
fn a_client_is_told_when_the_controller_does_not_answer_in_time() {
    for version in 1..=6 {
        let mut bench = Bench::serving();
        let deleting = bench.send(&deletion(version), version);
        let creating = bench.send(&creation(), version.max(2));
        bench.advance(29_999);
        assert_eq!(bench.answer(deleting), None);
        bench.advance(1);
        let Some(Response::DeleteTopics(body)) = bench.answer(deleting) else { panic!("none") };
        assert_eq!(body.responses[0].error_code, ErrorCode::RequestTimedOut.code());
        let Some(Response::CreateTopics(body)) = bench.answer(creating) else { panic!("none") };
        assert_eq!(body.topics[0].error_code, ErrorCode::RequestTimedOut.code());
    }
}

#[test]
fn an_answer_of_the_controller_for_a_client_that_is_gone_is_dropped() {
    let mut bench = Bench::serving();
    let client = bench.send(&creation(), 7);
    let forwarded = bench.take(ApiKey::CreateTopics);
    bench.hang_up(client);
    bench.respond(&forwarded, created());
    assert_eq!(bench.answer(client), None);
    assert_eq!(bench.exit, None);
}

#[test]
fn a_request_of_a_client_that_is_gone_is_not_forwarded_again() {
    let mut bench = Bench::serving();
    let client = bench.send(&creation(), 7);
    let forwarded = bench.take(ApiKey::CreateTopics);
    bench.hang_up(client);
    bench.cut(&forwarded);
    bench.advance(1_000);
    assert_eq!(bench.waiting(ApiKey::CreateTopics), 0);
}

#[test]
fn producers_wait_while_a_block_of_ids_is_on_its_way_and_get_different_ids() {
    let mut bench = Bench::serving();
    bench.auto.remove(&ApiKey::AllocateProducerIds);
    let request = Request::from(InitProducerIdRequest::default().with_transactional_id(None));
    let clients = [bench.send(&request, 5), bench.send(&request, 0), bench.send(&request, 5)];
    assert_eq!(bench.waiting(ApiKey::AllocateProducerIds), 1);
    bench.hang_up(clients[0]);
    let asked = bench.take(ApiKey::AllocateProducerIds);
    let block = AllocateProducerIdsResponse::default()
        .with_producer_id_start(WireProducerId(70))
        .with_producer_id_len(1);
    bench.respond(&asked, block.clone());
    assert_eq!(producer(bench.answer(clients[1])), (ErrorCode::None, 70, 0));
    assert_eq!(bench.answer(clients[2]), None, "the block is used up");
    let asked = bench.take(ApiKey::AllocateProducerIds);
    bench.respond(&asked, block.with_producer_id_start(WireProducerId(80)));
    assert_eq!(producer(bench.answer(clients[2])), (ErrorCode::None, 80, 0));
}

#[test]
fn a_block_of_ids_that_is_refused_or_empty_is_asked_for_again_after_a_back_off() {
    let mut bench = Bench::serving();
    bench.auto.remove(&ApiKey::AllocateProducerIds);
    let client =
        bench.send(&InitProducerIdRequest::default().with_transactional_id(None).into(), 5);
    let stale = ErrorCode::StaleBrokerEpoch.code();
    for answer in [
        AllocateProducerIdsResponse::default().with_error_code(stale),
        AllocateProducerIdsResponse::default(),
    ] {
        let asked = bench.take(ApiKey::AllocateProducerIds);
        bench.respond(&asked, answer);
        bench.advance(49);
        assert_eq!(bench.waiting(ApiKey::AllocateProducerIds), 0);
        bench.advance(1);
    }
    bench.auto.insert(ApiKey::AllocateProducerIds);
    bench.advance(10);
    assert_eq!(producer(bench.answer(client)), (ErrorCode::None, 1_000, 0));
}

#[test]
fn a_producer_without_transactions_gets_a_new_id_whatever_it_names() {
    let mut bench = Bench::serving();
    let named = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_producer_id(WireProducerId(1_000))
        .with_producer_epoch(4);
    let first = bench.ask(named.clone());
    assert_eq!(producer(Some(first)), (ErrorCode::None, 1_000, 0));
    let second = bench.ask(named.clone());
    assert_eq!(producer(Some(second)), (ErrorCode::None, 1_001, 0));
    let half = bench.ask(named.with_producer_epoch(-1));
    assert_eq!(producer(Some(half)).0, ErrorCode::InvalidRequest);
}
