//! Where to begin, and what becomes of a position when the log changes under it.

use super::{EARLIEST, NONE, batch, consumer, fetched, pairs, reading, t0};
use crate::{
    client::consumer::{ConsumerCommand, ConsumerError},
    host::event::PositionResetReason::{Initial, OutOfRange, Seek, Truncation},
    ids::{Offset, TopicPartition},
    protocol::{ApiKey, ErrorCode, Request},
};

/// The timestamp that a `ListOffsets` request asks for, and the leader's epoch.
fn asked_offset(request: &crate::client::testing::Arrived) -> (i64, i32) {
    let Request::ListOffsets(body) = &request.frame.body else { panic!("{request:?}") };
    let partition = &body.topics[0].partitions[0];
    (partition.timestamp, partition.current_leader_epoch)
}

#[test]
fn without_a_position_the_policy_says_where_to_begin() {
    for (text, timestamp) in [(EARLIEST, -2), ("{}", -1)] {
        let mut bench = consumer(text);
        let request = bench.take(ApiKey::ListOffsets);
        assert_eq!(asked_offset(&request), (timestamp, 5));
        bench.answer_offset(&request, 17, -1, ErrorCode::None);
        assert_eq!(bench.resets(), [(None, 17, Initial)]);
        assert_eq!(fetched(&bench.take_fetch()), (17, 5));
    }
}

#[test]
fn without_a_position_and_without_a_policy_the_application_must_say() {
    let mut bench = consumer(NONE);
    assert_eq!(bench.failures(), [ConsumerError::NoOffset]);
    bench.command(ConsumerCommand::Seek { partition: t0(), offset: Offset(4) });
    assert_eq!(fetched(&bench.take_fetch()), (4, 5));
}

#[test]
fn an_offset_that_is_not_available_is_asked_for_again_later() {
    let mut bench = consumer(EARLIEST);
    let request = bench.take(ApiKey::ListOffsets);
    bench.answer_offset(&request, -1, -1, ErrorCode::OffsetNotAvailable);
    assert_eq!(bench.waiting(ApiKey::ListOffsets), 0);
    bench.advance(200);
    let request = bench.take(ApiKey::ListOffsets);
    bench.answer_offset(&request, 0, -1, ErrorCode::None);
    assert_eq!(bench.position(), Some(0));
}

#[test]
fn an_offset_that_came_too_late_does_not_undo_a_seek() {
    let mut bench = consumer(EARLIEST);
    let request = bench.take(ApiKey::ListOffsets);
    bench.command(ConsumerCommand::Seek { partition: t0(), offset: Offset(9) });
    bench.answer_offset(&request, 0, -1, ErrorCode::None);
    assert_eq!(bench.position(), Some(9));
}

#[test]
fn a_position_out_of_range_is_reset_by_the_policy() {
    let mut bench = reading(EARLIEST);
    let request = bench.take_fetch();
    bench.refuse(&request, ErrorCode::OffsetOutOfRange);
    let request = bench.take(ApiKey::ListOffsets);
    assert_eq!(asked_offset(&request), (-2, 5));
    bench.answer_offset(&request, 30, -1, ErrorCode::None);
    assert_eq!(bench.resets(), [(Some(0), 30, OutOfRange)]);
    assert_eq!(fetched(&bench.take_fetch()), (30, 5));
}

#[test]
fn a_position_out_of_range_without_a_policy_is_the_applications_affair() {
    let mut bench = reading(NONE);
    let request = bench.take_fetch();
    bench.refuse(&request, ErrorCode::OffsetOutOfRange);
    assert_eq!(bench.failures(), [ConsumerError::OffsetOutOfRange { position: Offset(0) }]);
    bench.advance(10_000);
    assert_eq!(bench.requests.len(), 0);
}

#[test]
fn an_answer_out_of_range_for_a_position_that_moved_resets_nothing() {
    let mut bench = reading(EARLIEST);
    let request = bench.take_fetch();
    bench.command(ConsumerCommand::Seek { partition: t0(), offset: Offset(3) });
    bench.refuse(&request, ErrorCode::OffsetOutOfRange);
    assert_eq!(bench.waiting(ApiKey::ListOffsets), 0);
    assert_eq!(fetched(&bench.take_fetch()), (3, 5));
}

#[test]
fn a_new_leader_is_asked_whether_it_has_what_was_read() {
    let mut bench = reading(EARLIEST);
    bench.read_three();
    bench.move_leader();
    let request = bench.take(ApiKey::OffsetForLeaderEpoch);
    assert_eq!(request.broker, 2);
    let Request::OffsetForLeaderEpoch(body) = &request.frame.body else { panic!("{request:?}") };
    let asked = &body.topics[0].partitions[0];
    assert_eq!((asked.leader_epoch, asked.current_leader_epoch), (5, 6));
    assert_eq!(bench.waiting(ApiKey::Fetch), 0, "nothing is fetched before");
    bench.answer_epoch_end(&request, 5, 3, ErrorCode::None);
    assert_eq!(fetched(&bench.take_fetch()), (3, 6));
    assert_eq!(bench.resets(), []);
}

#[test]
fn nothing_is_read_from_the_last_leader_once_there_is_none() {
    let mut bench = reading(EARLIEST);
    bench.read_three();
    bench.layout.topics.insert("t", vec![(None, 6)]);
    let request = bench.take_fetch();
    bench.refuse(&request, ErrorCode::NotLeaderOrFollower);
    bench.advance(5_000);
    assert_eq!(bench.requests.len(), 0);
    bench.layout.lead("t", 0, 1, 7);
    bench.advance(2_000);
    assert_eq!(bench.take(ApiKey::OffsetForLeaderEpoch).broker, 1);
}

#[test]
fn a_log_that_was_truncated_below_the_position_moves_it_to_the_end_of_what_is_common() {
    let mut bench = reading(EARLIEST);
    bench.read_three();
    bench.move_leader();
    let request = bench.take(ApiKey::OffsetForLeaderEpoch);
    bench.answer_epoch_end(&request, 5, 1, ErrorCode::None);
    assert_eq!(bench.resets(), [(Some(3), 1, Truncation)]);
    bench.poll();
    let request = bench.take_fetch();
    assert_eq!(fetched(&request), (1, 6));
    bench.serve(&request, batch(1, 6, &["B"]));
    assert_eq!(bench.read().last(), pairs(&[(1, "B")]).last());
}

#[test]
fn a_truncated_log_without_a_policy_is_the_applications_affair() {
    let mut bench = reading(NONE);
    bench.read_three();
    bench.move_leader();
    let request = bench.take(ApiKey::OffsetForLeaderEpoch);
    bench.answer_epoch_end(&request, 5, 1, ErrorCode::None);
    let (position, divergent) = (Offset(3), Some(Offset(1)));
    assert_eq!(bench.failures(), [ConsumerError::LogTruncation { position, divergent }]);
}

#[test]
fn a_leader_that_does_not_know_the_epoch_makes_the_policy_decide() {
    let mut bench = reading(EARLIEST);
    bench.read_three();
    bench.move_leader();
    let request = bench.take(ApiKey::OffsetForLeaderEpoch);
    bench.answer_epoch_end(&request, -1, -1, ErrorCode::None);
    let request = bench.take(ApiKey::ListOffsets);
    bench.answer_offset(&request, 0, -1, ErrorCode::None);
    assert_eq!(bench.resets(), [(Some(3), 0, Truncation)]);
}

#[test]
fn an_older_epoch_that_reaches_beyond_the_position_passes_as_in_kafka() {
    let mut bench = reading(EARLIEST);
    bench.read_three();
    bench.move_leader();
    let request = bench.take(ApiKey::OffsetForLeaderEpoch);
    bench.answer_epoch_end(&request, 4, 8, ErrorCode::None);
    assert_eq!(fetched(&bench.take_fetch()), (3, 6));
}

#[test]
fn an_answer_about_a_position_that_moved_says_nothing() {
    let mut bench = reading(EARLIEST);
    bench.read_three();
    bench.move_leader();
    let request = bench.take(ApiKey::OffsetForLeaderEpoch);
    bench.command(ConsumerCommand::Seek { partition: t0(), offset: Offset(7) });
    bench.answer_epoch_end(&request, 5, 1, ErrorCode::None);
    assert_eq!(bench.position(), Some(7));
    assert_eq!(bench.failures(), []);
}

#[test]
fn a_leader_that_is_not_ready_to_validate_is_asked_again_later() {
    let mut bench = reading(EARLIEST);
    bench.read_three();
    bench.move_leader();
    let request = bench.take(ApiKey::OffsetForLeaderEpoch);
    bench.answer_epoch_end(&request, -1, -1, ErrorCode::UnknownLeaderEpoch);
    assert_eq!(bench.requests.len(), 0);
    bench.advance(200);
    let request = bench.take(ApiKey::OffsetForLeaderEpoch);
    bench.answer_epoch_end(&request, 5, 3, ErrorCode::None);
    assert_eq!(fetched(&bench.take_fetch()), (3, 6));
}

#[test]
fn what_was_fetched_ahead_is_dropped_while_the_position_is_validated() {
    let mut bench = reading(EARLIEST);
    bench.read_three();
    let ahead = bench.take_fetch();
    bench.layout.lead("t", 0, 2, 6);
    bench.serve(&ahead, batch(3, 5, &["d"]));
    bench.advance(300_000);
    assert_eq!(bench.waiting(ApiKey::OffsetForLeaderEpoch), 1);
    bench.poll();
    assert_eq!(bench.read().len(), 3);
}

#[test]
fn seeks_to_both_ends_ask_the_leader() {
    let mut bench = reading(NONE);
    bench.command(ConsumerCommand::SeekToEnd { partitions: Vec::new() });
    bench.take_fetch();
    bench.disconnect(1);
    bench.advance(200);
    let request = bench.take(ApiKey::ListOffsets);
    assert_eq!(asked_offset(&request), (-1, 5));
    bench.command(ConsumerCommand::SeekToBeginning { partitions: vec![t0()] });
    bench.answer_offset(&request, 90, -1, ErrorCode::None);
    assert_eq!(bench.position(), Some(0), "the end is no longer what is wanted");
    let request = bench.take(ApiKey::ListOffsets);
    assert_eq!(asked_offset(&request), (-2, 5));
    bench.answer_offset(&request, 2, -1, ErrorCode::None);
    assert_eq!(bench.resets(), [(Some(0), 2, Seek)]);
}

#[test]
fn a_reset_with_an_epoch_is_validated_before_the_first_fetch() {
    let mut bench = consumer(EARLIEST);
    let request = bench.take(ApiKey::ListOffsets);
    bench.answer_offset(&request, 0, 3, ErrorCode::None);
    let request = bench.take(ApiKey::OffsetForLeaderEpoch);
    bench.answer_epoch_end(&request, 3, 12, ErrorCode::None);
    assert_eq!(fetched(&bench.take_fetch()), (0, 5));
}

#[test]
fn partitions_that_are_assigned_again_keep_their_position() {
    let mut bench = reading(EARLIEST);
    bench.layout.topics.insert("t", vec![(Some(1), 5), (Some(2), 5)]);
    bench.read_three();
    let other = TopicPartition::new("t", 1);
    bench.command(ConsumerCommand::Assign { partitions: vec![t0(), other] });
    assert_eq!(bench.position(), Some(3));
    bench.command(ConsumerCommand::Assign { partitions: Vec::new() });
    assert_eq!(bench.position(), None);
}
