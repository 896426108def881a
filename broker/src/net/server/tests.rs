//! Connections by hand: frames in, outputs read.

use super::*;
use crate::{
    host::Output,
    ids::ClientId,
    protocol::{
        Request, decode_response, encode_request,
        messages::{ApiVersionsRequest, BrokerHeartbeatRequest, MetadataRequest, MetadataResponse},
    },
};

const PEER: AcceptedId = AcceptedId(3);

fn server() -> RequestServer {
    let mut server = RequestServer::new(Listener::Broker);
    server.on_accepted(PEER, Address::new("client", 1));
    server
}

fn metadata(correlation: i32) -> Bytes {
    let request = Request::Metadata(MetadataRequest::default().with_topics(None));
    encode_request(12, correlation, &ClientId::from("c"), &request).unwrap().0
}

fn answer() -> Response {
    Response::Metadata(MetadataResponse::default())
}

#[test]
fn the_next_request_of_a_connection_is_taken_only_after_the_answer() {
    let (mut server, mut out) = (server(), Outbox::<()>::new());
    server.on_frame(PEER, metadata(1));
    server.on_frame(PEER, metadata(2));
    let first = server.next(&mut out).expect("a request");
    assert_eq!(first.frame.correlation, 1);
    assert_eq!(server.next(&mut out), None);
    server.respond(first.id, answer(), &mut out);
    assert_eq!(server.next(&mut out).expect("the second").frame.correlation, 2);
}

#[test]
fn a_request_that_gets_no_answer_frees_its_connection() {
    let (mut server, mut out) = (server(), Outbox::<()>::new());
    server.on_frame(PEER, metadata(1));
    server.on_frame(PEER, metadata(2));
    let first = server.next(&mut out).expect("a request");
    server.finish_without_response(first.id);
    assert!(server.next(&mut out).is_some());
    assert!(out.outputs().is_empty());
}

#[test]
fn connections_do_not_wait_for_each_other() {
    let (mut server, mut out) = (server(), Outbox::<()>::new());
    server.on_accepted(AcceptedId(4), Address::new("other", 1));
    server.on_frame(PEER, metadata(1));
    server.on_frame(AcceptedId(4), metadata(9));
    assert_eq!(server.next(&mut out).map(|incoming| incoming.frame.correlation), Some(1));
    assert_eq!(server.next(&mut out).map(|incoming| incoming.frame.correlation), Some(9));
}

#[test]
fn the_answer_bears_the_version_and_correlation_of_its_request() {
    let (mut server, mut out) = (server(), Outbox::<()>::new());
    server.on_frame(PEER, metadata(77));
    let incoming = server.next(&mut out).expect("a request");
    server.respond(incoming.id, answer(), &mut out);
    let Some(Output::Send { connection, frame, tag }) = out.drain().next() else {
        panic!("no answer")
    };
    assert_eq!(connection, Connection::Accepted(PEER));
    assert_eq!((tag.version, tag.correlation, tag.response), (12, 77, true));
    assert_eq!(decode_response(ApiKey::Metadata, 12, frame).unwrap(), (77, answer()));
}

#[test]
fn a_closed_connection_abandons_what_is_served_on_it() {
    let (mut server, mut out) = (server(), Outbox::<()>::new());
    server.on_frame(PEER, metadata(1));
    let incoming = server.next(&mut out).expect("a request");
    assert_eq!(server.on_closed(PEER), Some(incoming.id));
    server.respond(incoming.id, answer(), &mut out);
    server.on_frame(PEER, metadata(2));
    assert_eq!(server.next(&mut out), None);
    assert!(out.outputs().is_empty());
}

#[test]
fn a_frame_that_cannot_be_read_closes_its_connection() {
    let too_new = {
        let mut frame = metadata(1).to_vec();
        frame[2..4].copy_from_slice(&99_i16.to_be_bytes());
        Bytes::from(frame)
    };
    let unknown = Bytes::from_static(&[0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);
    for frame in [Bytes::from_static(b"xy"), unknown, too_new, metadata(1).slice(..12)] {
        let (mut server, mut out) = (server(), Outbox::<()>::new());
        server.on_frame(PEER, frame);
        server.on_frame(PEER, metadata(2));
        assert_eq!(server.next(&mut out), None);
        let closed = Output::Close { connection: Connection::Accepted(PEER) };
        assert_eq!(out.outputs(), [closed]);
    }
}

#[test]
fn an_api_of_another_listener_closes_the_connection() {
    let (mut server, mut out) = (server(), Outbox::<()>::new());
    let heartbeat = Request::BrokerHeartbeat(BrokerHeartbeatRequest::default());
    let (frame, _) = encode_request(0, 1, &ClientId::from("b"), &heartbeat).unwrap();
    server.on_frame(PEER, frame);
    assert_eq!(server.next(&mut out), None);
    assert!(matches!(out.outputs(), [Output::Close { .. }]));
}

#[test]
fn api_versions_that_are_too_new_are_told_what_is_spoken() {
    let (mut server, mut out) = (server(), Outbox::<()>::new());
    let request = Request::ApiVersions(ApiVersionsRequest::default());
    let (frame, _) = encode_request(0, 5, &ClientId::from("c"), &request).unwrap();
    let mut frame = frame.to_vec();
    frame[2..4].copy_from_slice(&77_i16.to_be_bytes());
    server.on_frame(PEER, frame.into());
    server.on_frame(PEER, metadata(6));
    let next = server.next(&mut out).expect("the connection stays open");
    assert_eq!(next.frame.correlation, 6);
    let Some(Output::Send { frame, .. }) = out.drain().next() else { panic!("no answer") };
    let (correlation, response) = decode_response(ApiKey::ApiVersions, 0, frame).unwrap();
    let Response::ApiVersions(response) = response else { panic!("{response:?}") };
    assert_eq!((correlation, response.error_code), (5, 35));
    assert!(!response.api_keys.is_empty());
}
