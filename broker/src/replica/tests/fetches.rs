//! What fetches of followers and consumers are answered.

use crate::{
    host::{Disk, event::PartitionEvent},
    ids::{BrokerId, TopicId},
    protocol::{
        ErrorCode, Request, Response,
        messages::{
            FetchRequest, fetch_request, fetch_response::PartitionData, wire_broker, wire_topic_id,
        },
    },
    replica::{
        rules::Protocol,
        testing::{Cluster, Outcome, TOPIC},
    },
};

/// What one fetch asks.
#[derive(Clone, Copy)]
struct Fetch {
    replica: i32,
    epoch: i32,
    offset: i64,
    max_wait_ms: i32,
    min_bytes: i32,
    topic: TopicId,
}

const CONSUMER: Fetch =
    Fetch { replica: -1, epoch: -1, offset: 0, max_wait_ms: 500, min_bytes: 1, topic: TOPIC };

fn request(fetch: Fetch) -> Request {
    let partition = fetch_request::FetchPartition::default()
        .with_current_leader_epoch(fetch.epoch)
        .with_fetch_offset(fetch.offset)
        .with_partition_max_bytes(1_000_000);
    let topic = fetch_request::FetchTopic::default()
        .with_topic_id(wire_topic_id(fetch.topic))
        .with_partitions(vec![partition]);
    let replica = BrokerId::from_wire(fetch.replica);
    let state = fetch_request::ReplicaState::default().with_replica_id(wire_broker(replica));
    Request::Fetch(
        FetchRequest::default()
            .with_replica_state(state)
            .with_max_wait_ms(fetch.max_wait_ms)
            .with_min_bytes(fetch.min_bytes)
            .with_topics(vec![topic]),
    )
}

fn send(cluster: &mut Cluster, to: i32, fetch: Fetch) -> crate::net::RequestId {
    cluster.ask(to, 17, request(fetch))
}

fn got(cluster: &Cluster, id: crate::net::RequestId) -> Option<&PartitionData> {
    match cluster.outcome(id)? {
        Outcome::Answer(Response::Fetch(response)) => Some(&response.responses[0].partitions[0]),
        other => panic!("not an answer to a fetch: {other:?}"),
    }
}

/// The code that a fetch is answered with at once.
fn code(cluster: &mut Cluster, to: i32, fetch: Fetch) -> ErrorCode {
    let id = send(cluster, to, fetch);
    ErrorCode::from_code(got(cluster, id).expect("an answer at once").error_code)
}

fn bytes(data: &PartitionData) -> usize {
    data.records.as_ref().map_or(0, bytes::Bytes::len)
}

#[test]
fn a_parked_fetch_of_a_follower_is_answered_in_the_step_of_the_append() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.carry_request(2);
    assert!(cluster.to_follower.is_empty());
    cluster.produce(1, 1);
    assert_eq!(cluster.to_follower.len(), 1);
}

#[test]
fn a_consumer_is_answered_when_the_record_is_committed_and_not_before() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    let id = send(&mut cluster, 1, CONSUMER);
    cluster.produce(1, 1);
    assert_eq!(got(&cluster, id), None);
    cluster.carry(&[1, 2]);
    let data = got(&cluster, id).unwrap();
    assert_eq!(data.high_watermark, 1);
    assert!(0 < bytes(data));
}

#[test]
fn an_idle_fetch_is_answered_when_its_time_is_over() {
    let mut cluster = Cluster::new(Protocol::Kip595, 1);
    let id = send(&mut cluster, 1, CONSUMER);
    cluster.advance(499);
    assert_eq!(got(&cluster, id), None);
    cluster.advance(1);
    assert_eq!(bytes(got(&cluster, id).unwrap()), 0);
}

#[test]
fn a_fetch_waits_for_min_bytes() {
    let mut cluster = Cluster::new(Protocol::Kip595, 1);
    cluster.produce(1, 1);
    let one = send(&mut cluster, 1, CONSUMER);
    let size = bytes(got(&cluster, one).unwrap());
    let min_bytes = i32::try_from(size).unwrap() * 2;
    let id = send(&mut cluster, 1, Fetch { min_bytes, ..CONSUMER });
    assert_eq!(got(&cluster, id), None);
    cluster.produce(1, 1);
    assert_eq!(bytes(got(&cluster, id).unwrap()), size * 2);
}

#[test]
fn an_idle_follower_learns_the_high_watermark_when_its_fetch_expires() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.produce(1, -1);
    cluster.carry(&[1, 2]);
    assert_eq!((cluster.offsets(1), cluster.offsets(2)), ((1, 1), (0, 1)));
    cluster.advance(500);
    cluster.carry(&[1, 2]);
    assert_eq!(cluster.offsets(2), (1, 1));
}

#[test]
fn a_follower_serves_consumers_up_to_its_own_high_watermark() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.produce(1, -1);
    cluster.carry(&[1, 2]);
    let id = send(&mut cluster, 2, CONSUMER);
    assert_eq!(got(&cluster, id), None);
    cluster.advance(499);
    cluster.advance(1);
    let late = send(&mut cluster, 2, CONSUMER);
    assert_eq!(got(&cluster, late), None);
    cluster.carry(&[1, 2]);
    assert!(0 < bytes(got(&cluster, late).unwrap()), "the wait ends with the high watermark");
}

#[test]
fn an_epoch_that_is_not_the_leaders_is_fenced() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish_all();
    for replica in [-1, 2] {
        let fetch = Fetch { replica, ..CONSUMER };
        let old = code(&mut cluster, 1, Fetch { epoch: 0, ..fetch });
        let new = code(&mut cluster, 1, Fetch { epoch: 2, ..fetch });
        assert_eq!((old, new), (ErrorCode::FencedLeaderEpoch, ErrorCode::UnknownLeaderEpoch));
    }
}

#[test]
fn under_hw_nobody_is_fenced_by_an_epoch() {
    let mut cluster = Cluster::new(Protocol::Hw, 2);
    let id = send(&mut cluster, 1, Fetch { epoch: 7, max_wait_ms: 0, ..CONSUMER });
    assert_eq!(got(&cluster, id).unwrap().error_code, 0);
}

#[test]
fn a_follower_is_served_by_the_leader_only() {
    let mut cluster = Cluster::new(Protocol::Kip595, 3);
    let refused = code(&mut cluster, 2, Fetch { replica: 3, ..CONSUMER });
    assert_eq!(refused, ErrorCode::NotLeaderOrFollower);
}

#[test]
fn a_broker_that_is_not_assigned_is_refused_as_its_knowledge_has_it() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    let stranger = Fetch { replica: 9, ..CONSUMER };
    let knowing = code(&mut cluster, 1, Fetch { epoch: 0, ..stranger });
    let unknowing = code(&mut cluster, 1, stranger);
    assert_eq!(
        (knowing, unknowing),
        (ErrorCode::UnknownLeaderEpoch, ErrorCode::NotLeaderOrFollower)
    );
}

#[test]
fn an_offset_outside_of_the_log_is_out_of_range_for_everybody() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    for (replica, offset) in [(-1, 1), (2, 1), (-1, -5)] {
        let refused = code(&mut cluster, 1, Fetch { replica, offset, ..CONSUMER });
        assert_eq!(refused, ErrorCode::OffsetOutOfRange);
    }
    let counted = cluster.events(1, |event| match event {
        PartitionEvent::FollowerFetched { .. } => Some(()),
        _ => None,
    });
    assert_eq!(counted, [], "a fetch that failed counts for nothing (KAFKA-8400)");
}

#[test]
fn a_topic_id_that_nobody_knows_is_said_so() {
    let mut cluster = Cluster::new(Protocol::Kip595, 1);
    let unknown = Fetch { topic: TopicId([8; 16]), max_wait_ms: 0, ..CONSUMER };
    assert_eq!(code(&mut cluster, 1, unknown), ErrorCode::UnknownTopicId);
}

#[test]
fn a_consumer_that_waits_is_told_when_its_broker_loses_the_partition() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    let id = send(&mut cluster, 1, Fetch { epoch: 0, ..CONSUMER });
    cluster.elect(Some(2), &[1, 2]);
    cluster.publish(1);
    assert_eq!(got(&cluster, id).unwrap().error_code, ErrorCode::FencedLeaderEpoch.code());
}

#[test]
fn a_disk_that_fails_halts_the_broker() {
    let mut cluster = Cluster::new(Protocol::Kip595, 1);
    let log = "data/orders-0/00000000000000000000.log";
    cluster.node_mut(1).disk.remove(log).unwrap();
    let request = cluster.produce(1, -1);
    assert_eq!(cluster.outcome(request), None);
    assert!(cluster.node(1).halted.is_some());
    let failed = cluster.events(1, |event| match event {
        PartitionEvent::ReplicaFailed { partition, .. } => Some(partition.to_string()),
        _ => None,
    });
    assert_eq!(failed, ["orders-0"]);
    assert_eq!(cluster.node(1).manager.deadline(), None);
}
