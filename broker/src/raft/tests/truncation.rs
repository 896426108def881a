//! Logs that parted: where they are cut, and what is never cut.

use super::fixture::{B, Fixture, end, fetch_by, fetch_of, fetched, record_at, records, sent};
use crate::{
    ids::{LeaderEpoch, Offset},
    raft::{Body, Fetched, RaftError},
};

/// A follower of B with the epochs 1, 1, 2 in its log, of which so much is committed.
fn follower(high_watermark: i64) -> (Fixture, crate::raft::Correlation) {
    let mut fixture = Fixture::new();
    let (mut correlation, _) = fixture.follow_b(3);
    for (offset, epoch) in [(0, 1), (1, 1), (2, 2)] {
        let batch = records(record_at(offset, epoch), high_watermark);
        let effects = fixture.answer(B, correlation, fetched(3, batch));
        correlation = fetch_of(&sent(effects)).0;
    }
    (fixture, correlation)
}

fn diverging(epoch: i32, offset: i64) -> Fetched {
    let diverging = Some(end(epoch, offset));
    Fetched { diverging, ..records(bytes::Bytes::new(), 0) }
}

#[test]
fn a_follower_cuts_its_log_where_the_leader_says_that_it_parts() {
    // Leader: 1 1 1 3. Follower: 1 1 2. The leader's epoch 2 ends with its epoch 1, at offset 3,
    // where the follower has had no epoch 1 for long.
    let (mut fixture, correlation) = follower(0);
    let effects = fixture.answer(B, correlation, fetched(3, diverging(1, 3)));
    assert_eq!(fixture.client.log_end(), end(1, 2));
    let (_, next) = fetch_of(&sent(effects));
    assert_eq!((next.offset, next.last_fetched_epoch), (Offset(2), Some(LeaderEpoch(1))));
}

#[test]
fn a_cut_goes_no_further_than_the_leaders_epoch_ends() {
    // Leader: 1 3. Follower: 1 1 2.
    let (mut fixture, correlation) = follower(0);
    fixture.answer(B, correlation, fetched(3, diverging(1, 1)));
    assert_eq!(fixture.client.log_end(), end(1, 1));
}

#[test]
fn a_log_that_has_nothing_in_common_is_cut_whole() {
    let (mut fixture, correlation) = follower(0);
    fixture.answer(B, correlation, fetched(3, diverging(0, 0)));
    assert_eq!(fixture.client.log_end(), end(0, 0));
}

#[test]
fn what_is_committed_is_not_cut_whatever_a_leader_says() {
    let (mut fixture, correlation) = follower(2);
    let mut effects = Vec::new();
    let mut cx = crate::raft::Context {
        now: super::fixture::at(fixture.millis),
        disk: &mut fixture.disk,
        effects: &mut effects,
    };
    let answer = fetched(3, diverging(1, 1));
    let result = fixture.client.on_response(B, correlation, answer, &mut cx);
    assert_eq!(result, Err(RaftError::Diverged { agrees: Offset(1), committed: Offset(2) }));
}

#[test]
fn a_leader_says_where_the_last_epoch_of_a_follower_ends() {
    let (mut fixture, _) = follower(0);
    let epoch = fixture.win();
    // Its log is 1 1 2 and its own epoch now; the follower's is longer in epoch 1.
    let response = fixture.ask(fetch_by(B, epoch, end(1, 3))).unwrap();
    let Body::Fetch(got) = response.body else { panic!("not a fetch") };
    assert_eq!(got.diverging, Some(end(1, 2)));
    assert_eq!(fixture.client.high_watermark(), Offset::ZERO, "it does not count as having it");
    let response = fixture.ask(fetch_by(B, epoch, end(1, 2))).unwrap();
    let Body::Fetch(got) = response.body else { panic!("not a fetch") };
    assert_eq!(got.diverging, None);
}

#[test]
fn records_of_earlier_epochs_are_committed_with_the_first_of_the_leaders_own() {
    let (mut fixture, _) = follower(0);
    let epoch = fixture.win();
    fixture.ask(fetch_by(B, epoch, end(2, 3)));
    assert_eq!(fixture.client.high_watermark(), Offset::ZERO, "a majority has them, and yet");
    fixture.ask(fetch_by(B, epoch, end(epoch.0, 4)));
    assert_eq!(fixture.client.high_watermark(), Offset(4));
}
