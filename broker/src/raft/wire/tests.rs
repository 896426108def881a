//! Everything that voters say comes out of a frame as it went in.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{refusal, request_of_wire, request_to_wire, response_of_wire, response_to_wire};
use crate::{
    config::Millis,
    ids::{CLUSTER_ID, ClientId, ControllerId, LeaderEpoch, Offset},
    protocol::{
        ApiKey, ErrorCode, Request, decode_request, decode_response, encode_request,
        encode_response,
        messages::{VoteRequest, wire_string},
        versions::{inter_broker_version, supported},
    },
    raft::messages::{
        BeginQuorumEpoch, Body, EndQuorumEpoch, Fetch, Fetched, LeaderAndEpoch, OffsetAndEpoch,
        RaftRequest, RaftResponse, Replica, Vote,
    },
};

const A: ControllerId = ControllerId(1001);
const B: ControllerId = ControllerId(1002);

fn voters() -> BTreeSet<ControllerId> {
    BTreeSet::from([A, B])
}

fn requests() -> Vec<RaftRequest> {
    let epoch = LeaderEpoch(7);
    let log_end = OffsetAndEpoch { epoch: LeaderEpoch(6), offset: Offset(42) };
    let fetch = Fetch {
        replica: Replica::Voter(A),
        epoch: Some(epoch),
        offset: Offset(42),
        last_fetched_epoch: Some(LeaderEpoch(6)),
        max_wait: Millis(500),
        max_bytes: 1_000,
    };
    let observed =
        Fetch { replica: Replica::Observer, epoch: None, last_fetched_epoch: None, ..fetch };
    let preferred_successors = vec![B, A];
    vec![
        RaftRequest::Vote(Vote { epoch, candidate: A, log_end }),
        RaftRequest::BeginQuorumEpoch(BeginQuorumEpoch { epoch, leader: A }),
        RaftRequest::EndQuorumEpoch(EndQuorumEpoch { epoch, leader: A, preferred_successors }),
        RaftRequest::Fetch(fetch),
        RaftRequest::Fetch(observed),
    ]
}

fn bodies() -> Vec<(ApiKey, Body)> {
    let fetched = Fetched {
        diverging: None,
        high_watermark: Offset(5),
        log_start: Offset(1),
        records: Bytes::from_static(b"batches"),
    };
    let diverging = Some(OffsetAndEpoch { epoch: LeaderEpoch(2), offset: Offset(3) });
    let diverged = Fetched { diverging, records: Bytes::new(), ..fetched.clone() };
    vec![
        (ApiKey::Vote, Body::Vote { granted: true }),
        (ApiKey::Vote, Body::Vote { granted: false }),
        (ApiKey::BeginQuorumEpoch, Body::BeginQuorumEpoch),
        (ApiKey::EndQuorumEpoch, Body::EndQuorumEpoch),
        (ApiKey::Fetch, Body::Fetch(fetched)),
        (ApiKey::Fetch, Body::Fetch(diverged)),
    ]
}

#[test]
fn requests_come_out_of_a_frame_as_they_went_in() {
    for request in requests() {
        let body = request_to_wire(&request, B, CLUSTER_ID);
        let version = inter_broker_version(body.api());
        let (frame, _) = encode_request(version, 1, &ClientId::from("raft"), &body).unwrap();
        let read = decode_request(frame).unwrap();
        let came = request_of_wire(&read.body, version, &voters(), CLUSTER_ID);
        assert_eq!(came, Ok(request));
    }
}

#[test]
fn responses_come_out_of_a_frame_as_they_went_in_at_every_version() {
    for (api, body) in bodies() {
        for (error, leader) in [(ErrorCode::None, Some(B)), (ErrorCode::FencedLeaderEpoch, None)] {
            let leader = LeaderAndEpoch { leader, epoch: LeaderEpoch(7) };
            let response = RaftResponse { error, leader, body: body.clone() };
            let first = if api == ApiKey::Fetch { 12 } else { *supported(api).start() };
            for version in first..=*supported(api).end() {
                let wire = response_to_wire(&response, version);
                let (frame, _) = encode_response(version, 1, &wire).unwrap();
                let (_, read) = decode_response(api, version, frame).unwrap();
                assert_eq!(response_of_wire(read), Some(response.clone()), "{api} {version}");
            }
        }
    }
}

#[test]
fn who_belongs_to_another_cluster_is_refused() {
    for request in requests() {
        let body = request_to_wire(&request, B, "another");
        let version = inter_broker_version(body.api());
        let read = request_of_wire(&body, version, &voters(), CLUSTER_ID);
        assert_eq!(read, Err(ErrorCode::InconsistentClusterId));
    }
}

#[test]
fn what_is_not_about_the_metadata_log_is_refused() {
    let read = |body: &Request| request_of_wire(body, 1, &voters(), CLUSTER_ID);
    let empty = VoteRequest::default();
    assert_eq!(read(&empty.into()), Err(ErrorCode::InvalidRequest));
    let Request::Vote(mut vote) = request_to_wire(&requests()[0], B, CLUSTER_ID) else { panic!() };
    vote.topics[0].topic_name.0 = wire_string("orders");
    assert_eq!(read(&vote.clone().into()), Err(ErrorCode::InvalidRequest));
    let Request::Vote(mut vote) = request_to_wire(&requests()[0], B, CLUSTER_ID) else { panic!() };
    vote.topics[0].partitions[0].replica_epoch = -1;
    assert_eq!(read(&vote.into()), Err(ErrorCode::InvalidRequest));
}

#[test]
fn a_refusal_of_the_whole_says_nothing_of_the_quorum() {
    for api in [ApiKey::Vote, ApiKey::BeginQuorumEpoch, ApiKey::EndQuorumEpoch, ApiKey::Fetch] {
        let refusal = refusal(api, ErrorCode::InconsistentClusterId).unwrap();
        assert_eq!(refusal.api(), api);
        assert_eq!(response_of_wire(refusal), None);
    }
    assert_eq!(refusal(ApiKey::Produce, ErrorCode::InvalidRequest), None);
}
