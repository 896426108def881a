//! Each state: what it asks, what it answers, and what leads out of it.

use super::fixture::{
    B, C, Fixture, LOCAL, end, fetch_by, fetch_of, fetched, record_at, records, sent, vote,
    vote_response,
};
use crate::{
    config::Millis,
    ids::{LeaderEpoch, Offset},
    protocol::ErrorCode,
    raft::tests::lossy_disk::LossyDisk,
    raft::{
        BeginQuorumEpoch, Body, EndQuorumEpoch, Fetch, KafkaRaftClient, LeaderAndEpoch,
        RaftRequest, RaftResponse, Replica,
    },
};

fn granted(response: Option<RaftResponse>) -> (ErrorCode, bool) {
    let response = response.expect("a vote is answered at once");
    let Body::Vote { granted } = response.body else { panic!("{response:?}") };
    (response.error, granted)
}

#[test]
fn an_unattached_voter_stands_for_election_when_its_patience_ends() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.wait(999), [], "the timeout is at least a second");
    let asked = fixture.wait(1_001);
    let [(B, _, RaftRequest::Vote(to_b)), (C, _, RaftRequest::Vote(_))] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((to_b.epoch, to_b.candidate, to_b.log_end), (LeaderEpoch(1), LOCAL, end(0, 0)));
}

#[test]
fn a_voter_votes_once_in_an_epoch_even_through_a_power_loss() {
    let mut fixture = Fixture::new();
    assert_eq!(granted(fixture.ask(vote(B, 3, end(0, 0)))), (ErrorCode::None, true));
    fixture.lose_power();
    assert_eq!(granted(fixture.ask(vote(C, 3, end(2, 9)))), (ErrorCode::None, false));
    assert_eq!(granted(fixture.ask(vote(B, 3, end(0, 0)))), (ErrorCode::None, true), "again");
    assert_eq!(granted(fixture.ask(vote(C, 4, end(2, 9)))), (ErrorCode::None, true), "next");
}

#[test]
fn no_vote_is_given_to_whose_log_is_behind() {
    let mut fixture = Fixture::new();
    let epoch = fixture.win();
    fixture.append();
    let next = epoch.0 + 1;
    let own = fixture.client.log_end();
    assert_eq!(own, end(epoch.0, 2));
    assert_eq!(granted(fixture.ask(vote(B, next, end(epoch.0, 1)))), (ErrorCode::None, false));
    assert_eq!(fixture.epoch(), LeaderEpoch(next), "but the epoch counts, and the leader leaves");
    assert_eq!(fixture.client.leading(), None);
    assert_eq!(granted(fixture.ask(vote(C, next, end(epoch.0, 2)))), (ErrorCode::None, true));
}

#[test]
fn votes_for_the_past_for_strangers_and_for_the_impossible_are_refused() {
    let mut fixture = Fixture::new();
    fixture.ask(vote(B, 3, end(0, 0)));
    let refused = |response| granted(response).0;
    assert_eq!(refused(fixture.ask(vote(C, 2, end(0, 0)))), ErrorCode::FencedLeaderEpoch);
    let stranger = crate::ids::ControllerId(1009);
    assert_eq!(refused(fixture.ask(vote(stranger, 4, end(0, 0)))), ErrorCode::InvalidRequest);
    assert_eq!(refused(fixture.ask(vote(C, 4, end(4, 1)))), ErrorCode::InvalidRequest);
    assert_eq!(fixture.epoch(), LeaderEpoch(3), "none of them moved it");
}

#[test]
fn a_candidate_with_a_majority_leads_and_begins_its_epoch_with_a_record() {
    let mut fixture = Fixture::new();
    let asked = fixture.stand();
    let effects = fixture.answer(B, asked[0].1, vote_response(LeaderEpoch(1), true));
    assert_eq!(fixture.client.leading(), Some(LeaderEpoch(1)));
    assert_eq!(fixture.client.log_end(), end(1, 1));
    assert_eq!(fixture.client.high_watermark(), Offset::ZERO, "nobody else has it");
    let told: Vec<_> = sent(effects).into_iter().map(|(to, _, request)| (to, request)).collect();
    let begin = BeginQuorumEpoch { epoch: LeaderEpoch(1), leader: LOCAL };
    let begin = RaftRequest::BeginQuorumEpoch(begin);
    assert_eq!(told, [(B, begin.clone()), (C, begin)]);
}

#[test]
fn a_candidate_without_a_majority_pauses_and_stands_again_in_the_next_epoch() {
    let mut fixture = Fixture::new();
    let asked = fixture.stand();
    for (voter, correlation, _) in asked {
        fixture.answer(voter, correlation, vote_response(LeaderEpoch(1), false));
    }
    assert_eq!(fixture.client.leading(), None);
    fixture.wait(1_000);
    assert_eq!(fixture.epoch(), LeaderEpoch(2), "the pause is at most a second");
}

#[test]
fn a_vote_of_another_election_does_not_count() {
    let mut fixture = Fixture::new();
    let first = fixture.stand();
    fixture.wait(2_000);
    fixture.wait(1_000);
    assert_eq!(fixture.epoch(), LeaderEpoch(2));
    fixture.answer(B, first[0].1, vote_response(LeaderEpoch(1), true));
    assert_eq!(fixture.client.leading(), None);
}

#[test]
fn a_candidate_follows_who_has_won_its_epoch() {
    let mut fixture = Fixture::new();
    fixture.stand();
    let (_, fetch) = fixture.follow_b(1);
    assert_eq!((fetch.epoch, fetch.offset), (Some(LeaderEpoch(1)), Offset::ZERO));
    let leader = Some(B);
    let known = LeaderAndEpoch { leader, epoch: LeaderEpoch(1) };
    assert_eq!(fixture.client.leader_and_epoch(), known);
    fixture.lose_power();
    assert_eq!(fixture.client.leader_and_epoch(), known, "it remembers whom it follows");
}

#[test]
fn a_follower_acknowledges_only_what_no_power_loss_takes() {
    let mut fixture = Fixture::new();
    let (correlation, _) = fixture.follow_b(1);
    let effects = fixture.answer(B, correlation, fetched(1, records(record_at(0, 1), 0)));
    let (_, next) = fetch_of(&sent(effects));
    assert_eq!((next.offset, next.last_fetched_epoch), (Offset(1), Some(LeaderEpoch(1))));
    fixture.lose_power();
    assert_eq!(fixture.client.log_end(), end(1, 1));
}

#[test]
fn a_follower_learns_what_is_committed_as_far_as_it_has_it() {
    let mut fixture = Fixture::new();
    let (correlation, _) = fixture.follow_b(1);
    fixture.answer(B, correlation, fetched(1, records(record_at(0, 1), 7)));
    assert_eq!(fixture.client.high_watermark(), Offset(1));
}

#[test]
fn a_follower_stands_for_election_when_its_leader_is_silent() {
    let mut fixture = Fixture::new();
    let (correlation, _) = fixture.follow_b(1);
    fixture.millis += 1_500;
    fixture.answer(B, correlation, fetched(1, records(bytes::Bytes::new(), 0)));
    fixture.wait(1_999);
    assert_eq!(fixture.epoch(), LeaderEpoch(1), "its patience began anew");
    fixture.wait(1);
    assert_eq!(fixture.epoch(), LeaderEpoch(2));
}

#[test]
fn a_follower_asks_again_after_a_pause_when_its_leader_cannot_be_reached() {
    let mut fixture = Fixture::new();
    let (correlation, _) = fixture.follow_b(1);
    fixture.with(|client, cx| client.on_failure(B, correlation, cx));
    assert_eq!(fixture.wait(19), []);
    fetch_of(&fixture.wait(1));
}

#[test]
fn records_that_do_not_fit_are_left_out() {
    let mut fixture = Fixture::new();
    let (correlation, _) = fixture.follow_b(1);
    let mut damaged = record_at(0, 1).to_vec();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fixture.answer(B, correlation, fetched(1, records(damaged.into(), 1)));
    assert_eq!(fixture.client.log_end(), end(0, 0));
    assert_eq!(fixture.client.high_watermark(), Offset::ZERO);
}

#[test]
fn an_epoch_has_one_leader() {
    let mut fixture = Fixture::new();
    fixture.follow_b(1);
    let begin = BeginQuorumEpoch { epoch: LeaderEpoch(1), leader: C };
    let response = fixture.ask(RaftRequest::BeginQuorumEpoch(begin)).unwrap();
    assert_eq!(response.error, ErrorCode::InvalidRequest);
    assert_eq!(response.leader.leader, Some(B));
}

#[test]
fn a_leader_commits_what_a_majority_has_fetched_past() {
    let mut fixture = Fixture::new();
    let epoch = fixture.win();
    assert_eq!(fixture.append(), Some(Offset(1)));
    let response = fixture.ask(fetch_by(B, epoch, end(0, 0))).unwrap();
    let Body::Fetch(got) = response.body else { panic!("not a fetch") };
    assert!(!got.records.is_empty(), "a voter gets what is not committed yet");
    fixture.ask(fetch_by(C, epoch, end(epoch.0, 1)));
    assert_eq!(fixture.client.high_watermark(), Offset(1));
    fixture.ask(fetch_by(B, epoch, end(epoch.0, 2)));
    assert_eq!(fixture.client.high_watermark(), Offset(2));
}

#[test]
fn an_observer_gets_what_is_committed_and_waits_for_more() {
    let mut fixture = Fixture::new();
    let epoch = fixture.win();
    let observe = |wait: u64| {
        RaftRequest::Fetch(Fetch {
            replica: Replica::Observer,
            epoch: None,
            offset: Offset::ZERO,
            last_fetched_epoch: None,
            max_wait: Millis(wait),
            max_bytes: 1 << 20,
        })
    };
    let response = fixture.ask(observe(0)).unwrap();
    let Body::Fetch(got) = response.body else { panic!("not a fetch") };
    assert!(got.records.is_empty());
    assert_eq!(fixture.ask(observe(500)), None, "it waits");
    let fetch = fetch_by(B, epoch, end(epoch.0, 1));
    let id = crate::net::RequestId(99);
    let ((), effects) = fixture.with(|client, cx| client.handle(id, fetch, cx));
    assert_eq!(effects.len(), 2, "both are answered: {effects:?}");
}

#[test]
fn a_fetch_that_waits_is_answered_when_its_time_is_up() {
    let mut fixture = Fixture::new();
    let epoch = fixture.win();
    let RaftRequest::Fetch(fetch) = fetch_by(B, epoch, end(epoch.0, 1)) else { panic!() };
    let fetch = RaftRequest::Fetch(Fetch { max_wait: Millis(500), ..fetch });
    assert_eq!(fixture.ask(fetch), None);
    fixture.millis += 500;
    let ((), effects) = fixture.with(KafkaRaftClient::poll);
    assert!(effects.iter().any(|effect| matches!(effect, crate::raft::Effect::Respond { .. })));
}

#[test]
fn who_fetches_in_another_epoch_or_from_no_leader_is_told() {
    let mut fixture = Fixture::new();
    let ask = |fixture: &mut Fixture, epoch: i32| {
        let request = fetch_by(B, LeaderEpoch(epoch), end(0, 0));
        fixture.ask(request).unwrap().error
    };
    assert_eq!(ask(&mut fixture, 0), ErrorCode::NotLeaderOrFollower);
    let epoch = fixture.win();
    assert_eq!(ask(&mut fixture, epoch.0 - 1), ErrorCode::FencedLeaderEpoch);
    assert_eq!(ask(&mut fixture, epoch.0 + 1), ErrorCode::UnknownLeaderEpoch);
}

#[test]
fn a_leader_from_which_no_majority_fetches_resigns() {
    let mut fixture = Fixture::new();
    let epoch = fixture.win();
    fixture.wait(2_500);
    fixture.ask(fetch_by(B, epoch, end(0, 0)));
    fixture.wait(2_999);
    assert_eq!(fixture.client.leading(), Some(epoch), "three seconds from the last fetch");
    fixture.wait(1);
    assert_eq!(fixture.client.leading(), None);
    assert_eq!(fixture.append(), None);
    assert_eq!(fixture.epoch(), epoch, "it cannot lead this epoch again");
    fixture.wait(2_000);
    assert_eq!(fixture.epoch(), epoch.next(), "it stands for the next");
}

#[test]
fn a_leader_that_was_restarted_does_not_lead_its_epoch_again() {
    let mut fixture = Fixture::new();
    let epoch = fixture.win();
    fixture.lose_power();
    assert_eq!(fixture.client.leading(), None);
    let told = fixture.wait(0);
    assert!(
        matches!(
            &told[..],
            [(B, _, RaftRequest::EndQuorumEpoch(end)), (C, ..)] if end.epoch == epoch
        ),
        "{told:?}"
    );
    assert_eq!(fixture.client.log_end(), end(epoch.0, 1), "its record is still there");
}

#[test]
fn a_leader_that_shuts_down_hands_over_to_who_has_most_of_the_log() {
    let mut fixture = Fixture::new();
    let epoch = fixture.win();
    fixture.ask(fetch_by(C, epoch, end(epoch.0, 1)));
    let ((), effects) = fixture.with(KafkaRaftClient::shut_down);
    let told = sent(effects);
    let [(B, _, RaftRequest::EndQuorumEpoch(to_b)), (C, ..)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(to_b.preferred_successors, [C, B]);
    let now = super::fixture::at(fixture.millis).monotonic;
    assert!(!fixture.client.is_shut_down(now));
    fixture.ask(vote(C, epoch.0 + 1, end(epoch.0, 1)));
    assert!(fixture.client.is_shut_down(now), "another epoch has begun");
}

#[test]
fn a_leader_that_nobody_hears_shuts_down_all_the_same() {
    let mut fixture = Fixture::new();
    fixture.win();
    fixture.with(KafkaRaftClient::shut_down);
    fixture.wait(2_000);
    assert!(fixture.client.is_shut_down(super::fixture::at(fixture.millis).monotonic));
    assert_eq!(fixture.client.leading(), None, "it does not stand again");
}

#[test]
fn the_preferred_successor_stands_at_once_and_the_next_later() {
    for (successors, pause) in [([LOCAL, C], 0), ([C, LOCAL], 500)] {
        let mut fixture = Fixture::new();
        fixture.follow_b(1);
        let ending = EndQuorumEpoch {
            epoch: LeaderEpoch(1),
            leader: B,
            preferred_successors: successors.to_vec(),
        };
        fixture.ask(RaftRequest::EndQuorumEpoch(ending));
        if 0 < pause {
            fixture.wait(pause - 1);
            assert_eq!(fixture.epoch(), LeaderEpoch(1));
            fixture.wait(1);
        }
        assert_eq!(fixture.epoch(), LeaderEpoch(2));
    }
}

#[test]
fn a_voter_alone_leads_at_once_and_again_after_a_power_loss() {
    let mut fixture = Fixture::on(LossyDisk::default(), &[LOCAL]);
    fixture.wait(0);
    assert_eq!(fixture.client.leading(), Some(LeaderEpoch(1)));
    assert_eq!(fixture.append(), Some(Offset(1)));
    assert_eq!(fixture.client.high_watermark(), Offset(2));
    fixture.lose_power();
    fixture.wait(0);
    assert_eq!(fixture.client.leading(), Some(LeaderEpoch(2)));
    assert_eq!(fixture.client.high_watermark(), Offset(3), "with the record of the new epoch");
}
