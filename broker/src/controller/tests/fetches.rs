//! Brokers fetch the metadata log.

use super::*;
use crate::{
    ids::Offset,
    metadata::{MetadataDelta, MetadataRecord},
    protocol::{
        batch::batches,
        messages::{
            FetchRequest, FetchResponse, ProduceRequest, fetch_request, fetch_response,
            wire_topic_id,
        },
    },
};

fn fetch(offset: i64, epoch: i32, last_epoch: i32) -> FetchRequest {
    let partition = fetch_request::FetchPartition::default()
        .with_partition(0)
        .with_current_leader_epoch(epoch)
        .with_fetch_offset(offset)
        .with_last_fetched_epoch(last_epoch)
        .with_partition_max_bytes(1 << 20);
    let topic = fetch_request::FetchTopic::default()
        .with_topic_id(wire_topic_id(TopicId::CLUSTER_METADATA))
        .with_partitions(vec![partition]);
    FetchRequest::default().with_max_wait_ms(500).with_min_bytes(1).with_topics(vec![topic])
}

fn data(response: Response) -> fetch_response::PartitionData {
    match response {
        Response::Fetch(FetchResponse { mut responses, error_code: 0, .. }) => {
            responses.remove(0).partitions.remove(0)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_observer_that_reads_everything_arrives_at_the_controllers_image() {
    let mut harness = Harness::cluster(3);
    harness.create(vec![topic("orders", 3, 3)]);
    harness.sessions_end(&[1, 2]);
    let read = data(harness.ask(fetch(0, 1, -1)));
    assert_eq!(read.high_watermark, harness.image().end_offset().0);
    let (mut image, mut delta) = (MetadataImage::default(), MetadataDelta::default());
    for batch in batches(read.records.unwrap()) {
        let batch = batch.unwrap();
        if batch.is_control() {
            image.skip_to(batch.next_offset());
            continue;
        }
        for record in batch.records() {
            let record = record.unwrap();
            let decoded = MetadataRecord::decode(&record.value.unwrap()).unwrap();
            image.replay(record.offset, &decoded, &mut delta).unwrap();
        }
    }
    assert_eq!(&image, harness.image());
    assert_eq!(delta.partitions().len(), 3);
}

#[test]
fn a_fetch_at_the_end_waits_until_something_is_appended() {
    let mut harness = Harness::new();
    let end = harness.image().end_offset().0;
    let waiting = harness.send(&fetch(end, 1, 1).into());
    assert_eq!(harness.answers.get(&waiting), None);
    harness.register(1, 1).unwrap();
    let read = data(harness.answers.remove(&waiting).expect("the append wakes the fetch"));
    assert_eq!(read.high_watermark, end + 1);
    assert!(!read.records.unwrap().is_empty());
}

#[test]
fn a_fetch_that_waits_in_vain_is_answered_empty_when_its_time_is_up() {
    let mut harness = Harness::new();
    let end = harness.image().end_offset().0;
    let waiting = harness.send(&fetch(end, 1, 1).into());
    harness.pass(Duration::from_millis(499));
    assert_eq!(harness.answers.get(&waiting), None);
    harness.pass(Duration::from_millis(1));
    let read = data(harness.answers.remove(&waiting).expect("the time is up"));
    assert_eq!((read.error_code, read.records), (0, Some(bytes::Bytes::new())));
}

#[test]
fn a_fetch_that_will_not_wait_is_answered_at_once() {
    let mut harness = Harness::new();
    let end = harness.image().end_offset().0;
    let read = data(harness.ask(fetch(end, 1, 1).with_max_wait_ms(0)));
    assert_eq!(read.error_code, 0);
}

#[test]
fn a_fetch_whose_connection_is_gone_is_forgotten() {
    let mut harness = Harness::new();
    let end = harness.image().end_offset().0;
    let waiting = harness.send(&fetch(end, 1, 1).into());
    harness.step(Input::Closed { connection: Connection::Accepted(waiting) });
    harness.register(1, 1).unwrap();
    assert_eq!(harness.answers.get(&waiting), None);
}

#[test]
fn a_no_op_record_wakes_the_fetches_when_nothing_happens() {
    let config = ServerConfig { metadata_max_idle_interval_ms: Millis(200), ..quiet() };
    let mut harness = Harness::with(config, TestDisk::default());
    let end = harness.image().end_offset();
    let waiting = harness.send(&fetch(end.0, 1, 1).into());
    harness.pass(Duration::from_millis(200));
    assert!(harness.answers.contains_key(&waiting));
    assert_eq!(harness.image().end_offset(), end.next());
    harness.pass(Duration::from_millis(400));
    assert_eq!(harness.image().end_offset(), end.plus(3));
}

#[test]
fn an_observer_of_another_epoch_is_told_which_is_in_force() {
    let mut harness = Harness::new();
    harness.restart();
    for (epoch, error) in [
        (1, ErrorCode::FencedLeaderEpoch),
        (3, ErrorCode::UnknownLeaderEpoch),
        (-1, ErrorCode::None),
    ] {
        let read = data(harness.ask(fetch(0, epoch, -1)));
        assert_eq!(read.error_code, error.code());
        assert_eq!((read.current_leader.leader_id.0, read.current_leader.leader_epoch), (1001, 2));
    }
}

#[test]
fn an_observer_whose_log_parts_from_this_one_is_told_where() {
    let mut harness = Harness::new();
    harness.restart();
    let end = harness.image().end_offset().0;
    // It claims a second record of epoch 1, which ended with the first.
    let read = data(harness.ask(fetch(2, 2, 1)));
    assert_eq!((read.diverging_epoch.epoch, read.diverging_epoch.end_offset), (1, 1));
    // An epoch that there never was.
    let read = data(harness.ask(fetch(end, 2, 9)));
    assert!(0 <= read.diverging_epoch.end_offset);
    let read = data(harness.ask(fetch(end + 1, 2, -1)));
    assert_eq!(read.error_code, ErrorCode::OffsetOutOfRange.code());
}

#[test]
fn nothing_but_the_metadata_log_is_served() {
    let mut harness = Harness::new();
    let error = |harness: &mut Harness, request: FetchRequest| match harness.ask(request) {
        Response::Fetch(response) => ErrorCode::from_code(response.error_code),
        other => panic!("{other:?}"),
    };
    let mut other_topic = fetch(0, 1, -1);
    other_topic.topics[0].topic_id = WireUuid::from_bytes([9; 16]);
    assert_eq!(error(&mut harness, other_topic), ErrorCode::UnknownTopicId);
    let mut other_partition = fetch(0, 1, -1);
    other_partition.topics[0].partitions[0].partition = 1;
    assert_eq!(error(&mut harness, other_partition), ErrorCode::UnknownTopicOrPartition);
    let nothing = FetchRequest::default().with_max_wait_ms(1);
    assert_eq!(error(&mut harness, nothing), ErrorCode::InvalidRequest);
    let produce = harness.send(&ProduceRequest::default().into());
    assert_eq!(harness.closed, [Connection::Accepted(produce)]);
    assert_eq!(harness.image().end_offset(), Offset(1));
}
