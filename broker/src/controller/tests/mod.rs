//! A controller by hand: requests as frames, time as a number, a disk that can fail.

mod alter_partition;
mod brokers;
mod commands;
mod disk;
mod durability;
mod elections;
mod elr;
mod fetches;
mod operations;
mod quorum;
mod topics;

use core::time::Duration;
use std::collections::BTreeMap;

use disk::TestDisk;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Controller, ControllerCommand, ControllerConfig};
use crate::{
    config::{Millis, ServerConfig},
    host::{
        AcceptedId, Address, Connection, Event, ExitReason, Input, Instant, Now, Outbox, Output,
        Process, Timestamp, event::ControllerEvent,
    },
    ids::{BrokerId, ClientId, ControllerId, TopicId, TopicPartition},
    metadata::{MetadataImage, PartitionRegistration},
    protocol::{
        ApiKey, ErrorCode, Request, Response, decode_response, encode_request,
        messages::{
            BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest,
            BrokerRegistrationResponse, CreateTopicsRequest, CreateTopicsResponse, WireBrokerId,
            WireTopicName, WireUuid, broker_registration_request::Listener, create_topics_request,
            wire_string,
        },
        versions::inter_broker_version,
    },
    replica::{Rules, rules::Protocol},
};

const SESSION: Duration = Duration::from_secs(3);

/// The controller, its disk, and everything that came out of it.
#[derive(Clone)]
struct Harness {
    controller: Controller,
    config: ServerConfig,
    rules: Rules,
    disk: TestDisk,
    now: Instant,
    incarnations: u64,
    connections: u64,
    /// Each request's connection, and what it asked for.
    asked: BTreeMap<AcceptedId, (ApiKey, i16)>,
    answers: BTreeMap<AcceptedId, Response>,
    events: Vec<ControllerEvent>,
    exit: Option<ExitReason>,
    closed: Vec<Connection>,
}

impl Harness {
    fn with(config: ServerConfig, disk: TestDisk) -> Self {
        Self::of_protocol(Protocol::Kip595, config, disk)
    }

    fn of_protocol(protocol: Protocol, config: ServerConfig, disk: TestDisk) -> Self {
        let rules = protocol.rules();
        let mut harness = Self {
            controller: controller(&config, rules, 0),
            config,
            rules,
            disk,
            now: Instant(1),
            incarnations: 0,
            connections: 0,
            asked: BTreeMap::new(),
            answers: BTreeMap::new(),
            events: Vec::new(),
            exit: None,
            closed: Vec::new(),
        };
        harness.step(Input::Started);
        harness
    }

    fn new() -> Self {
        Self::with(quiet(), TestDisk::default())
    }

    /// A cluster of brokers 1 to `brokers`, all of them serving.
    fn cluster(brokers: i32) -> Self {
        let mut harness = Self::new();
        harness.join(brokers);
        harness
    }

    fn join(&mut self, brokers: i32) {
        for id in 1..=brokers {
            self.register(id, 1).unwrap();
            assert!(!self.beat(id).is_fenced);
        }
        self.events.clear();
    }

    /// The process dies and is built anew from its disk.
    fn restart(&mut self) {
        self.incarnations += 1;
        self.controller = controller(&self.config, self.rules, self.incarnations);
        self.exit = None;
        self.events.clear();
        self.step(Input::Started);
    }

    fn now(&self) -> Now {
        let wall = 1_700_000_000_000 + self.now.0 / 1_000_000;
        Now { monotonic: self.now, wall: Timestamp(i64::try_from(wall).unwrap()) }
    }

    fn step(&mut self, input: Input<ControllerCommand>) {
        let mut out = Outbox::new();
        let now = self.now();
        self.controller.step(now, input, &mut self.disk, &mut out);
        for output in out.drain() {
            match output {
                Output::Send { connection: Connection::Accepted(id), frame, .. } => {
                    self.disk.note("send");
                    let (api, version) = self.asked[&id];
                    let (_, response) = decode_response(api, version, frame).unwrap();
                    self.answers.insert(id, response);
                }
                Output::Event(event) => match *event {
                    Event::Controller(event) => self.events.push(event),
                    _ => panic!("a controller tells of nothing else"),
                },
                Output::Exit(reason) => self.exit = Some(reason),
                Output::Close { connection } => self.closed.push(connection),
                Output::Listen { .. } => {}
                Output::Open { .. } | Output::Send { .. } | Output::Answer(_) => {
                    panic!("a controller does not do that")
                }
            }
        }
    }

    /// Lets time pass, waking the controller whenever it wants to be.
    fn pass(&mut self, time: Duration) {
        let end = self.now.plus(time);
        while let Some(due) = self.controller.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.step(Input::Woken);
        }
        self.now = end;
    }

    /// Sends a request on a connection of its own. The answer may come later.
    fn send_version(&mut self, request: &Request, version: i16) -> AcceptedId {
        let connection = AcceptedId(self.connections);
        self.connections += 1;
        self.asked.insert(connection, (request.api(), version));
        let peer = Address::new("peer", 1);
        self.step(Input::Accepted { connection, peer });
        let client = ClientId::from("test");
        let (frame, _) = encode_request(version, 1, &client, request).unwrap();
        self.step(Input::Frame { connection: Connection::Accepted(connection), frame });
        connection
    }

    fn send(&mut self, request: &Request) -> AcceptedId {
        self.send_version(request, inter_broker_version(request.api()))
    }

    fn ask_version(&mut self, request: impl Into<Request>, version: i16) -> Response {
        let connection = self.send_version(&request.into(), version);
        self.answers.remove(&connection).expect("an answer")
    }

    fn ask(&mut self, request: impl Into<Request>) -> Response {
        let request = request.into();
        let version = inter_broker_version(request.api());
        self.ask_version(request, version)
    }

    fn register(&mut self, id: i32, incarnation: u8) -> Result<i64, ErrorCode> {
        let response: BrokerRegistrationResponse = match self.ask(registration(id, incarnation, -1))
        {
            Response::BrokerRegistration(response) => response,
            other => panic!("{other:?}"),
        };
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => Ok(response.broker_epoch),
            error => Err(error),
        }
    }

    fn heartbeat(&mut self, request: BrokerHeartbeatRequest) -> BrokerHeartbeatResponse {
        match self.ask(request) {
            Response::BrokerHeartbeat(response) => response,
            other => panic!("{other:?}"),
        }
    }

    /// A heartbeat of a broker that has applied everything.
    fn alive(&self, id: i32) -> BrokerHeartbeatRequest {
        BrokerHeartbeatRequest::default()
            .with_broker_id(WireBrokerId(id))
            .with_broker_epoch(self.epoch(id))
            .with_current_metadata_offset(self.image().end_offset().0 - 1)
    }

    fn beat(&mut self, id: i32) -> BrokerHeartbeatResponse {
        let request = self.alive(id);
        self.heartbeat(request)
    }

    fn shut_down(&mut self, id: i32) -> BrokerHeartbeatResponse {
        let request = self.alive(id).with_want_shut_down(true);
        self.heartbeat(request)
    }

    /// Lets the sessions of `dead` end while `alive` go on.
    fn sessions_end(&mut self, alive: &[i32]) {
        self.pass(SESSION / 2);
        for id in alive {
            self.beat(*id);
        }
        self.pass(SESSION / 2 + Duration::from_millis(1));
    }

    fn create(
        &mut self,
        topics: Vec<create_topics_request::CreatableTopic>,
    ) -> CreateTopicsResponse {
        let request = CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(1);
        match self.ask(request) {
            Response::CreateTopics(response) => response,
            other => panic!("{other:?}"),
        }
    }

    /// One partition on these brokers, with these configuration values.
    fn create_on(&mut self, name: &str, replicas: &[i32], configs: &[(&str, &str)]) {
        let response = self.create(vec![with_configs(assigned(name, &[replicas]), configs)]);
        assert_eq!(response.topics[0].error_code, 0, "{response:?}");
    }

    fn image(&self) -> &MetadataImage {
        self.controller.image().expect("an active controller")
    }

    fn epoch(&self, id: i32) -> i64 {
        self.image().broker(BrokerId(id)).expect("a registered broker").epoch.0
    }

    fn partition(&self, name: &str) -> &PartitionRegistration {
        self.image().partition_named(&TopicPartition::new(name, 0)).expect("the partition")
    }

    fn topic_id(&self, name: &str) -> TopicId {
        self.image().topic_named(&name.into()).expect("the topic").id
    }

    fn leader(&self, name: &str) -> Option<i32> {
        self.partition(name).leader.map(|leader| leader.0)
    }

    fn isr(&self, name: &str) -> Vec<i32> {
        self.partition(name).isr.iter().map(|broker| broker.0).collect()
    }
}

/// No no-op records, and short sessions.
fn quiet() -> ServerConfig {
    ServerConfig {
        metadata_max_idle_interval_ms: Millis(0),
        broker_session_timeout_ms: Millis(3_000),
        ..ServerConfig::default()
    }
}

fn controller(config: &ServerConfig, rules: Rules, incarnation: u64) -> Controller {
    let config = ControllerConfig {
        id: ControllerId(1001),
        port: 9093,
        voters: [(ControllerId(1001), Address::new("controller-1001", 9093))].into(),
        cluster_id: "testbed".to_owned(),
        server: config.clone(),
        rules,
    };
    Controller::new(config, ChaCha8Rng::seed_from_u64(incarnation))
}

fn registration(id: i32, incarnation: u8, previous_epoch: i64) -> BrokerRegistrationRequest {
    let listener = Listener::default()
        .with_name(wire_string("PLAINTEXT"))
        .with_host(wire_string(&format!("broker-{id}")))
        .with_port(9092);
    BrokerRegistrationRequest::default()
        .with_broker_id(WireBrokerId(id))
        .with_cluster_id(wire_string("testbed"))
        .with_incarnation_id(WireUuid::from_bytes([incarnation; 16]))
        .with_listeners(vec![listener])
        .with_previous_broker_epoch(previous_epoch)
}

fn topic(name: &str, partitions: i32, factor: i16) -> create_topics_request::CreatableTopic {
    create_topics_request::CreatableTopic::default()
        .with_name(WireTopicName(wire_string(name)))
        .with_num_partitions(partitions)
        .with_replication_factor(factor)
}

fn assigned(name: &str, partitions: &[&[i32]]) -> create_topics_request::CreatableTopic {
    let assignment = |(number, brokers): (i32, &&[i32])| {
        create_topics_request::CreatableReplicaAssignment::default()
            .with_partition_index(number)
            .with_broker_ids(brokers.iter().copied().map(WireBrokerId).collect())
    };
    topic(name, -1, -1).with_assignments((0..).zip(partitions).map(assignment).collect())
}

fn with_configs(
    topic: create_topics_request::CreatableTopic,
    configs: &[(&str, &str)],
) -> create_topics_request::CreatableTopic {
    let config = |(key, value): &(&str, &str)| {
        create_topics_request::CreatableTopicConfig::default()
            .with_name(wire_string(key))
            .with_value(Some(wire_string(value)))
    };
    topic.with_configs(configs.iter().map(config).collect())
}
