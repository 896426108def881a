//! A broker by hand: a clock that the test moves, a disk, a controller that keeps a metadata log
//! and answers by itself what the test leaves to it, and clients that send what they like.
//!
//! After each step the bench checks what every process promises: its deadline lies ahead, and a
//! copy of it, given the same input, does the same.

mod clients;
mod controller;
mod endings;
mod forwarding;
mod life;
mod metadata_log;
mod versions;

use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    convert::Infallible,
};

use bytes::Bytes;

use super::*;
use crate::{
    config::{Millis, ServerConfig},
    host::{AcceptedId, Address, ConnectFailure, Event, OpenedId, Output, Timestamp},
    ids::{BrokerId, ClientId, ControllerId, TopicId},
    log::testing::FaultyDisk,
    metadata::{BrokerRegistration, IncarnationId, MetadataRecord, PartitionRegistration},
    protocol::{
        ApiKey, ErrorCode, Request, RequestFrame, Response, decode_request, decode_response,
        encode_request, encode_response,
        messages::{BrokerHeartbeatRequest, BrokerRegistrationRequest},
        versions::client_version,
    },
    replica::rules::Protocol,
};

const ORDERS: TopicId = TopicId([7; 16]);

/// A request that arrived at the controller.
#[derive(Clone, Debug)]
struct Arrived {
    connection: OpenedId,
    at: Instant,
    frame: RequestFrame,
}

/// What becomes of an attempt to reach the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Controller {
    Reachable,
    Refuses,
}

/// A broker with everything around it.
#[derive(Clone, Debug)]
struct Bench {
    config: BrokerConfig,
    broker: Broker,
    disk: FaultyDisk,
    now: Instant,
    controller: Controller,
    /// The metadata log: the record at offset n is the nth.
    log: Vec<MetadataRecord>,
    /// What the controller answers by itself.
    auto: BTreeSet<ApiKey>,
    /// What the controller has not answered.
    requests: VecDeque<Arrived>,
    /// What the broker sent to other brokers is not looked at.
    to_controller: BTreeSet<OpenedId>,
    inputs: VecDeque<Input<Infallible>>,
    clients: BTreeMap<AcceptedId, Client>,
    listening: Vec<u16>,
    events: Vec<BrokerEvent>,
    exit: Option<ExitReason>,
    incarnations: u8,
}

/// A client's connection.
#[derive(Clone, Debug, Default)]
struct Client {
    /// What was asked and not answered, oldest first.
    asked: VecDeque<(ApiKey, i16)>,
    answers: VecDeque<Response>,
    closed: bool,
}

impl Bench {
    /// Broker 1, not started.
    fn unborn() -> Self {
        let server = ServerConfig {
            broker_session_timeout_ms: Millis(3_000),
            broker_heartbeat_interval_ms: Millis(500),
            ..ServerConfig::default()
        };
        let config = BrokerConfig {
            broker: BrokerId(1),
            address: Address::new("broker-1", 9092),
            controllers: vec![(ControllerId(100), Address::new("controller", 9093))],
            server,
            rules: Protocol::Kip595.rules(),
            seed: [0; 32],
        };
        Self {
            broker: Broker::new(config.clone()),
            config,
            disk: FaultyDisk::default(),
            now: Instant(1_000_000_000),
            controller: Controller::Reachable,
            log: vec![MetadataRecord::NoOp],
            auto: BTreeSet::from([
                ApiKey::Fetch,
                ApiKey::BrokerRegistration,
                ApiKey::BrokerHeartbeat,
                ApiKey::AllocateProducerIds,
            ]),
            requests: VecDeque::new(),
            to_controller: BTreeSet::new(),
            inputs: VecDeque::new(),
            clients: BTreeMap::new(),
            listening: Vec::new(),
            events: Vec::new(),
            exit: None,
            incarnations: 0,
        }
    }

    /// Broker 1, which serves.
    fn serving() -> Self {
        let mut bench = Self::unborn();
        bench.start();
        bench.advance(100);
        assert_eq!(bench.listening, [9092]);
        bench
    }

    /// Broker 1, which leads `orders-0`. `orders-1` has no leader, and broker 2 leads `orders-2`.
    fn leading() -> Self {
        let mut bench = Self::serving();
        bench.append_orders();
        bench.advance(10);
        bench
    }

    fn append_orders(&mut self) {
        let (one, two) = (BrokerId(1), BrokerId(2));
        self.log.push(MetadataRecord::RegisterBroker(registration(2, self.log.len())));
        let name = "orders".into();
        self.log.push(MetadataRecord::Topic { name, topic_id: ORDERS });
        let partitions = [
            PartitionRegistration::create(vec![one], vec![one]),
            PartitionRegistration::create(vec![two], vec![]),
            PartitionRegistration::create(vec![two], vec![two]),
        ];
        for (partition, registration) in (0..).zip(partitions) {
            self.log.push(MetadataRecord::Partition { topic_id: ORDERS, partition, registration });
        }
    }

    fn start(&mut self) {
        self.give(Input::Started);
    }

    /// The process ends without a word, and is started anew with what its disk holds.
    fn restart(&mut self) {
        self.incarnations += 1;
        self.config.seed = [self.incarnations; 32];
        self.broker = Broker::new(self.config.clone());
        self.requests.clear();
        self.to_controller.clear();
        self.clients.clear();
        self.listening.clear();
        self.events.clear();
        self.exit = None;
        self.start();
    }

    /// Gives the broker an input, and everybody what comes of it.
    fn give(&mut self, input: Input<Infallible>) {
        self.inputs.push_back(input);
        loop {
            while let Some(input) = self.inputs.pop_front() {
                self.step(input);
            }
            if !self.answer_by_itself() {
                return;
            }
        }
    }

    fn step(&mut self, input: Input<Infallible>) {
        let wall = Timestamp(i64::try_from(self.now.0 / 1_000_000).unwrap());
        let now = Now { monotonic: self.now, wall };
        let (mut out, mut again) = (Outbox::new(), Outbox::new());
        let (mut copy, mut disk) = (self.broker.clone(), self.disk.clone());
        copy.step(now, input.clone(), &mut disk, &mut again);
        self.broker.step(now, input, &mut self.disk, &mut out);
        assert_eq!(out.outputs(), again.outputs());
        assert_eq!(self.broker, copy);
        if let Some(deadline) = self.broker.deadline() {
            assert!(self.now < deadline, "a deadline in the past would wake it for ever");
        }
        for output in out.drain() {
            self.take_output(output);
        }
    }

    fn take_output(&mut self, output: Output<Infallible>) {
        assert_eq!(self.exit, None, "an ended broker does nothing: {output:?}");
        match output {
            Output::Open { connection, to } => self.open(connection, &to),
            Output::Close { connection: Connection::Opened(connection) } => {
                self.requests.retain(|request| request.connection != connection);
                self.to_controller.remove(&connection);
            }
            Output::Close { connection: Connection::Accepted(connection) } => {
                self.clients.get_mut(&connection).unwrap().closed = true;
            }
            Output::Send { connection: Connection::Opened(connection), frame, .. } => {
                assert!(self.to_controller.contains(&connection), "it is not established");
                let (at, frame) = (self.now, decode_request(frame).unwrap());
                self.requests.push_back(Arrived { connection, at, frame });
            }
            Output::Send { connection: Connection::Accepted(connection), frame, tag } => {
                let client = self.clients.get_mut(&connection).unwrap();
                let (api, version) = client.asked.pop_front().expect("a request");
                assert_eq!((tag.api, tag.response), (api.code(), true));
                client.answers.push_back(decode_response(api, version, frame).unwrap().1);
            }
            Output::Listen { port } => self.listening.push(port),
            Output::Exit(reason) => self.exit = Some(reason),
            Output::Event(event) => {
                if let Event::Broker(event) = *event {
                    self.events.push(event);
                }
            }
            Output::Answer(never) => match never {},
        }
    }

    /// Connections to other brokers hang.
    fn open(&mut self, connection: OpenedId, to: &Address) {
        if &*to.host != "controller" {
            return;
        }
        self.inputs.push_back(match self.controller {
            Controller::Reachable => {
                self.to_controller.insert(connection);
                Input::Established { connection }
            }
            Controller::Refuses => {
                Input::ConnectFailed { connection, failure: ConnectFailure::Refused }
            }
        });
    }

    /// Lets time pass, and wakes the broker when it wants to be.
    fn advance(&mut self, millis: u64) {
        let end = self.now.plus(Duration::from_millis(millis));
        let mut wakes = 0;
        self.answer_fetches();
        while let Some(due) = self.next_due().filter(|due| *due <= end) {
            self.now = due;
            if self.broker.deadline().is_some_and(|deadline| deadline <= due) {
                self.give(Input::Woken);
            }
            self.answer_fetches();
            wakes += 1;
            assert!(wakes < 10_000, "the broker keeps waking");
        }
        self.now = end;
    }

    /// Sends a request on a connection of its own.
    fn send(&mut self, request: &Request, version: i16) -> AcceptedId {
        let connection = self.connect();
        self.send_on(connection, request, version);
        connection
    }

    fn connect(&mut self) -> AcceptedId {
        let connection = AcceptedId(self.clients.len() as u64);
        self.clients.insert(connection, Client::default());
        self.give(Input::Accepted { connection, peer: Address::new("client", 1) });
        connection
    }

    fn send_on(&mut self, connection: AcceptedId, request: &Request, version: i16) {
        let (frame, _) = encode_request(version, 1, &ClientId::from("c"), request).unwrap();
        let client = self.clients.get_mut(&connection).unwrap();
        if !matches!(request, Request::Produce(body) if body.acks == 0) {
            client.asked.push_back((request.api(), version));
        }
        self.send_frame(connection, frame);
    }

    fn send_frame(&mut self, connection: AcceptedId, frame: Bytes) {
        self.give(Input::Frame { connection: Connection::Accepted(connection), frame });
    }

    fn answer(&mut self, connection: AcceptedId) -> Option<Response> {
        self.clients.get_mut(&connection).unwrap().answers.pop_front()
    }

    fn ask(&mut self, request: impl Into<Request>) -> Response {
        let request = request.into();
        let version = client_version(request.api());
        self.ask_version(&request, version)
    }

    fn ask_version(&mut self, request: &Request, version: i16) -> Response {
        let connection = self.send(request, version);
        let unanswered = || panic!("no answer to {request:?} in version {version}");
        self.answer(connection).unwrap_or_else(unanswered)
    }

    fn is_closed(&self, connection: AcceptedId) -> bool {
        self.clients[&connection].closed
    }

    fn has(&self, wanted: impl Fn(&BrokerEvent) -> bool) -> bool {
        self.events.iter().any(wanted)
    }

    /// A client goes away.
    fn hang_up(&mut self, connection: AcceptedId) {
        self.give(Input::Closed { connection: Connection::Accepted(connection) });
    }
}

/// A broker that is registered and unfenced at an offset.
fn registration(id: i32, offset: usize) -> BrokerRegistration {
    BrokerRegistration {
        id: BrokerId(id),
        epoch: crate::ids::BrokerEpoch(i64::try_from(offset).unwrap()),
        incarnation: IncarnationId([0; 16]),
        address: Address::new(&format!("broker-{id}"), 9092),
        rack: None,
        fenced: false,
        in_controlled_shutdown: false,
    }
}
