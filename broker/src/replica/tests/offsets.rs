//! What questions for offsets and epochs are answered.

use crate::{
    ids::LeaderEpoch,
    net::RequestId,
    protocol::{
        ErrorCode, Request, Response,
        messages::{
            ListOffsetsRequest, OffsetForLeaderEpochRequest,
            list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
            list_offsets_response::ListOffsetsPartitionResponse,
            offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
            wire_broker, wire_topic,
        },
    },
    replica::{
        rules::Protocol,
        testing::{Cluster, Outcome, partition, prepared_disk},
    },
};

fn list(cluster: &mut Cluster, version: i16, timestamp: i64) -> (ErrorCode, i64) {
    let asked = ListOffsetsPartition::default().with_timestamp(timestamp);
    let topic = ListOffsetsTopic::default()
        .with_name(wire_topic(&partition().topic))
        .with_partitions(vec![asked.with_current_leader_epoch(-1)]);
    let request =
        ListOffsetsRequest::default().with_replica_id(wire_broker(None)).with_topics(vec![topic]);
    let id = cluster.ask(1, version, Request::ListOffsets(request));
    let found = found(cluster, id);
    (ErrorCode::from_code(found.error_code), found.offset)
}

fn found(cluster: &Cluster, id: RequestId) -> &ListOffsetsPartitionResponse {
    match cluster.outcome(id) {
        Some(Outcome::Answer(Response::ListOffsets(response))) => &response.topics[0].partitions[0],
        other => panic!("not an answer: {other:?}"),
    }
}

#[test]
fn latest_is_the_high_watermark_and_earliest_the_log_start() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.produce(1, 1);
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    cluster.produce(1, 1);
    assert_eq!(list(&mut cluster, 10, -1), (ErrorCode::None, 2));
    assert_eq!(list(&mut cluster, 10, -2), (ErrorCode::None, 0));
    assert_eq!(list(&mut cluster, 10, 5), (ErrorCode::None, 0));
    assert_eq!(list(&mut cluster, 10, 6), (ErrorCode::None, -1));
}

#[test]
fn a_new_leader_does_not_know_the_latest_offset_until_its_followers_fetched() {
    let mut cluster = Cluster::before_metadata(Protocol::Kip595, 2);
    cluster.start(1, prepared_disk(&[0, 0], 1));
    cluster.start(2, prepared_disk(&[0, 0], 1));
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish_all();
    assert_eq!(list(&mut cluster, 10, -1), (ErrorCode::OffsetNotAvailable, -1));
    assert_eq!(list(&mut cluster, 4, -1), (ErrorCode::LeaderNotAvailable, -1));
    cluster.carry(&[1, 2]);
    assert_eq!(list(&mut cluster, 10, -1), (ErrorCode::None, 2));
}

fn epoch_end(cluster: &mut Cluster, to: i32, known: i32, epoch: i32) -> (ErrorCode, i32, i64) {
    let asked = OffsetForLeaderPartition::default()
        .with_current_leader_epoch(known)
        .with_leader_epoch(epoch);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(wire_topic(&partition().topic))
        .with_partitions(vec![asked]);
    let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
    let id = cluster.ask(to, 4, Request::OffsetForLeaderEpoch(request));
    match cluster.outcome(id) {
        Some(Outcome::Answer(Response::OffsetForLeaderEpoch(response))) => {
            let end = &response.topics[0].partitions[0];
            (ErrorCode::from_code(end.error_code), end.leader_epoch, end.end_offset)
        }
        other => panic!("not an answer: {other:?}"),
    }
}

#[test]
fn the_leader_tells_where_an_epoch_ends() {
    let mut cluster = Cluster::before_metadata(Protocol::Kip595, 2);
    cluster.start(1, prepared_disk(&[0, 0, 2], 3));
    cluster.registration.leader_epoch = LeaderEpoch(2);
    cluster.elect(Some(1), &[1]);
    cluster.publish_all();
    let mut ask = |to, known, epoch| epoch_end(&mut cluster, to, known, epoch);
    assert_eq!(ask(1, 3, 0), (ErrorCode::None, 0, 2));
    assert_eq!(ask(1, -1, 1), (ErrorCode::None, 0, 2));
    assert_eq!(ask(1, 3, 3), (ErrorCode::None, 3, 3));
    assert_eq!(ask(1, 3, 4), (ErrorCode::None, -1, -1));
    assert_eq!(ask(1, 2, 0), (ErrorCode::FencedLeaderEpoch, -1, -1));
    assert_eq!(ask(1, 4, 0), (ErrorCode::UnknownLeaderEpoch, -1, -1));
    assert_eq!(ask(2, 3, 0), (ErrorCode::NotLeaderOrFollower, -1, -1));
}
