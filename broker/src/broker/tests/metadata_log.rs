//! The metadata log as a broker reads it.

use super::controller::{metadata_answer, metadata_records};
use super::*;
use crate::protocol::messages::{FetchResponse, fetch_response};

/// A broker that serves, and its fetch of the metadata log.
fn fetching() -> (Bench, Arrived) {
    let mut bench = Bench::serving();
    bench.auto.remove(&ApiKey::Fetch);
    let fetch = bench.take(ApiKey::Fetch);
    (bench, fetch)
}

#[test]
fn a_fetch_that_is_refused_comes_again_after_a_back_off() {
    let (mut bench, fetch) = fetching();
    let moved = ErrorCode::NotLeaderOrFollower.code();
    let of_partition = fetch_response::PartitionData::default().with_error_code(moved);
    bench.respond(&fetch, metadata_answer(of_partition));
    bench.advance(19);
    assert_eq!(bench.waiting(ApiKey::Fetch), 0);
    bench.advance(1);
    let again = bench.take(ApiKey::Fetch);
    bench.respond(&again, FetchResponse::default().with_error_code(moved));
    assert_eq!(bench.waiting(ApiKey::Fetch), 0);
    bench.advance(20);
    let third = bench.take(ApiKey::Fetch);
    bench.respond(&third, FetchResponse::default());
    assert_eq!(bench.waiting(ApiKey::Fetch), 0, "an answer without the partition says nothing");
    bench.advance(20);
    assert_eq!(bench.waiting(ApiKey::Fetch), 1);
}

#[test]
fn a_fetch_that_is_not_answered_is_given_up_after_two_seconds() {
    let (mut bench, fetch) = fetching();
    bench.advance(2_000);
    assert!(!bench.to_controller.contains(&fetch.connection));
    bench.advance(100);
    assert_eq!(bench.waiting(ApiKey::Fetch), 1);
}

#[test]
fn a_record_that_cannot_be_read_halts_the_broker() {
    let (mut bench, fetch) = fetching();
    let nonsense = Bytes::from_static(&[1, 2, 3]);
    bench.respond(&fetch, metadata_records(bench.log.len(), &[nonsense]));
    assert_eq!(bench.exit, Some(ExitReason::Halted));
    assert!(matches!(bench.events.last(), Some(BrokerEvent::Halted { .. })));
}

#[test]
fn a_record_that_cannot_be_replayed_halts_the_broker() {
    let (mut bench, fetch) = fetching();
    let of_nothing = MetadataRecord::RemoveTopic { topic_id: TopicId([9; 16]) };
    bench.respond(&fetch, metadata_records(bench.log.len(), &[of_nothing.encode()]));
    assert_eq!(bench.exit, Some(ExitReason::Halted));
}

#[test]
fn a_log_that_has_lost_what_was_applied_halts_the_broker() {
    let (mut bench, fetch) = fetching();
    let epoch = fetch_response::EpochEndOffset::default().with_epoch(1).with_end_offset(1);
    let diverging = fetch_response::PartitionData::default().with_diverging_epoch(epoch);
    bench.respond(&fetch, metadata_answer(diverging));
    let Some(BrokerEvent::Halted { error, .. }) = bench.events.last() else {
        panic!("{:?}", bench.events)
    };
    assert!(error.ends_with("only up to 1"), "{error}");
}

#[test]
fn records_that_were_applied_are_not_applied_again() {
    let (mut bench, fetch) = fetching();
    let all: Vec<Bytes> = bench.log.iter().map(MetadataRecord::encode).collect();
    bench.respond(&fetch, metadata_records(0, &all));
    assert_eq!(bench.exit, None);
    let next = bench.take(ApiKey::Fetch);
    let Request::Fetch(body) = next.frame.body else { unreachable!() };
    let end = i64::try_from(bench.log.len()).unwrap();
    assert_eq!(body.topics[0].partitions[0].fetch_offset, end);
}
