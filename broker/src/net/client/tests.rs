//! One peer, no network: the outbox is read and the answers are written by hand.

use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::{
    host::Output,
    protocol::{
        encode_response,
        messages::{ApiVersionsRequest, MetadataRequest, MetadataResponse},
        versions,
    },
};

type Client = NetworkClient<u8, &'static str>;

struct Harness {
    client: Client,
    out: Outbox<()>,
    now: Instant,
}

impl Harness {
    fn new() -> Self {
        let rng = ChaCha8Rng::seed_from_u64(1);
        let client = NetworkClient::new(ClientId::from("c"), ClientSettings::default(), rng);
        Self { client, out: Outbox::new(), now: Instant(0) }
    }

    fn connected() -> Self {
        let mut harness = Self::new();
        assert_eq!(harness.ready(), Readiness::Connecting);
        harness.client.on_established(OpenedId(0), &mut harness.out);
        harness.out.drain();
        harness
    }

    fn ready(&mut self) -> Readiness {
        self.client.ready(self.now, &7, &Address::new("b", 9092), &mut self.out)
    }

    fn send(&mut self, token: &'static str, timeout_ms: u64) -> i32 {
        let request = Request::Metadata(MetadataRequest::default().with_topics(None));
        let outgoing = Outgoing {
            to: &Address::new("b", 9092),
            version: 12,
            request: &request,
            timeout: Duration::from_millis(timeout_ms),
            token,
        };
        self.client.send(self.now, &7, outgoing, &mut self.out)
    }

    fn answer(&mut self, correlation: i32) {
        let response = Response::Metadata(MetadataResponse::default());
        let (frame, _) = encode_response(12, correlation, &response).unwrap();
        self.client.on_frame(self.now, OpenedId(0), frame, &mut self.out);
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus(Duration::from_millis(ms));
        self.client.on_time(self.now, &mut self.out);
    }

    fn ended(&mut self) -> Vec<(&'static str, Outcome)> {
        std::iter::from_fn(|| self.client.next_completion())
            .map(|completion| (completion.token, completion.outcome))
            .collect()
    }

    fn opened(&mut self) -> usize {
        self.out.drain().filter(|output| matches!(output, Output::Open { .. })).count()
    }
}

#[test]
fn who_is_left_answers_nothing_that_was_sent_or_waits() {
    let mut connected = Harness::connected();
    connected.send("sent", 1000);
    connected.client.leave(connected.now, &7, &mut connected.out);
    assert_eq!(connected.ended(), [("sent", Outcome::Disconnected)]);
    let mut connecting = Harness::new();
    connecting.send("waits", 1000);
    connecting.client.leave(connecting.now, &7, &mut connecting.out);
    assert_eq!(connecting.ended(), [("waits", Outcome::NotSent)]);
    assert_eq!(connecting.client.in_flight(&7), 0);
    assert_eq!(connecting.ready(), Readiness::Connecting, "anew, without a back-off");
}

#[test]
fn requests_wait_for_the_connection_and_leave_in_order() {
    let mut harness = Harness::new();
    harness.send("a", 1000);
    harness.send("b", 1000);
    assert_eq!(harness.opened(), 1);
    harness.client.on_established(OpenedId(0), &mut harness.out);
    let sent: Vec<_> = harness
        .out
        .drain()
        .map(|output| match output {
            Output::Send { tag, .. } => tag.correlation,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sent, [0, 1]);
    assert_eq!(harness.client.in_flight(&7), 2);
}

#[test]
fn an_answer_ends_the_oldest_request() {
    let mut harness = Harness::connected();
    let first = harness.send("a", 1000);
    harness.send("b", 1000);
    harness.answer(first);
    let ended = harness.ended();
    assert!(matches!(ended[..], [("a", Outcome::Response(Response::Metadata(_)))]));
}

#[test]
fn an_answer_out_of_order_ends_the_connection() {
    let mut harness = Harness::connected();
    harness.send("a", 1000);
    let second = harness.send("b", 1000);
    harness.answer(second);
    assert_eq!(harness.ended(), [("a", Outcome::Disconnected), ("b", Outcome::Disconnected)]);
    assert!(harness.out.outputs().iter().any(|output| matches!(output, Output::Close { .. })));
}

#[test]
fn a_frame_that_is_no_answer_ends_the_connection() {
    let mut harness = Harness::connected();
    harness.send("a", 1000);
    harness.client.on_frame(harness.now, OpenedId(0), Bytes::from_static(b"xy"), &mut harness.out);
    assert_eq!(harness.ended(), [("a", Outcome::Disconnected)]);
}

#[test]
fn a_lost_connection_ends_requests_oldest_first() {
    let mut harness = Harness::connected();
    harness.send("a", 1000);
    harness.send("b", 1000);
    harness.client.on_closed(harness.now, OpenedId(0));
    assert_eq!(harness.ended(), [("a", Outcome::Disconnected), ("b", Outcome::Disconnected)]);
}

#[test]
fn a_request_without_answer_in_time_ends_all_on_its_connection() {
    let mut harness = Harness::connected();
    harness.send("slow", 100);
    harness.send("behind", 5000);
    assert_eq!(harness.client.deadline(), Some(Instant(100_000_000)));
    harness.pass(100);
    assert_eq!(harness.ended(), [("slow", Outcome::TimedOut), ("behind", Outcome::Disconnected)]);
    assert_eq!(harness.client.in_flight(&7), 0);
}

#[test]
fn what_waits_for_a_connection_that_fails_was_never_sent() {
    let mut harness = Harness::new();
    harness.send("a", 1000);
    harness.client.on_connect_failed(harness.now, OpenedId(0));
    assert_eq!(harness.ended(), [("a", Outcome::NotSent)]);
}

#[test]
fn a_connection_that_hangs_is_given_up() {
    let mut harness = Harness::new();
    harness.send("a", 60_000);
    harness.pass(10_000);
    assert_eq!(harness.ended(), [("a", Outcome::NotSent)]);
    assert!(harness.out.outputs().iter().any(|output| matches!(output, Output::Close { .. })));
}

#[test]
fn what_waits_too_long_for_a_connection_was_never_sent_and_the_connection_goes_on() {
    let mut harness = Harness::new();
    harness.send("a", 100);
    harness.send("b", 5000);
    harness.pass(100);
    assert_eq!(harness.ended(), [("a", Outcome::NotSent)]);
    assert_eq!(harness.ready(), Readiness::Connecting);
}

#[test]
fn the_back_off_doubles_with_each_failure_and_ends_when_a_connection_stands() {
    let mut harness = Harness::new();
    let mut waits = Vec::new();
    for connection in 0..6 {
        harness.ready();
        harness.client.on_connect_failed(harness.now, OpenedId(connection));
        let Readiness::BackingOff(until) = harness.ready() else { panic!("no back-off") };
        waits.push(until.since(harness.now).as_millis());
        harness.now = until;
    }
    for (wait, about) in waits.iter().zip([50, 100, 200, 400, 800, 1000]) {
        assert!((about * 4 / 5..=about * 6 / 5).contains(wait), "{waits:?}");
    }
    assert_eq!(harness.ready(), Readiness::Connecting);
    harness.client.on_established(OpenedId(6), &mut harness.out);
    assert_eq!(harness.ready(), Readiness::Ready);
}

#[test]
fn a_request_during_a_back_off_leaves_after_it() {
    let mut harness = Harness::connected();
    harness.client.on_closed(harness.now, OpenedId(0));
    harness.send("a", 5000);
    assert_eq!(harness.opened(), 0);
    let at = harness.client.deadline().expect("the end of the back-off");
    harness.now = at;
    harness.client.on_time(at, &mut harness.out);
    assert_eq!(harness.opened(), 1);
}

#[test]
fn a_peer_that_moves_is_reached_at_its_new_place() {
    let mut harness = Harness::connected();
    harness.send("a", 1000);
    let moved = Address::new("elsewhere", 1);
    assert_eq!(
        harness.client.ready(harness.now, &7, &moved, &mut harness.out),
        Readiness::Connecting
    );
    assert_eq!(harness.ended(), [("a", Outcome::Disconnected)]);
}

#[test]
fn a_request_without_answer_needs_a_connection_and_has_no_end() {
    let mut harness = Harness::new();
    let request = Request::ApiVersions(ApiVersionsRequest::default());
    let version = *versions::supported(ApiKey::ApiVersions).start();
    let Harness { client, out, .. } = &mut harness;
    assert_eq!(client.send_without_answer(&7, version, &request, out), None);
    harness.ready();
    harness.client.on_established(OpenedId(0), &mut harness.out);
    let Harness { client, out, .. } = &mut harness;
    assert_eq!(client.send_without_answer(&7, version, &request, out), Some(0));
    assert_eq!(harness.ended(), []);
}
