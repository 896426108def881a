//! A bench for clients: a clock that the test moves, and a cluster whose every answer the test
//! writes. Metadata and producer ids are answered by the bench itself, from [`Layout`], until told
//! otherwise.
//!
//! After each step the bench checks what every client promises: its deadline lies ahead, and a copy
//! of it, given the same input, does the same.

use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Debug,
};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{
    host::{
        Address, ConnectFailure, Connection, Event, Input, Instant, MemoryDisk, Now, OpenedId,
        Outbox, Output, Process, Timestamp,
    },
    ids::{BrokerId, LeaderEpoch, TopicId, TopicName},
    protocol::{
        ApiKey, Request, RequestFrame, Response, decode_request, encode_response,
        messages::{
            InitProducerIdResponse, MetadataRequest, MetadataResponse, WireProducerId,
            metadata_response::{
                MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
            },
            topic_of, wire_broker, wire_string, wire_topic, wire_topic_id,
        },
    },
};

/// The cluster as metadata tells of it.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Brokers 1 to this.
    pub(crate) brokers: i32,
    /// The leader and its epoch of each partition.
    pub(crate) topics: BTreeMap<&'static str, Vec<(Option<i32>, i32)>>,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) connection: OpenedId,
    /// The broker it came to; 0 for a bootstrap address.
    pub(crate) broker: i32,
    pub(crate) frame: RequestFrame,
}

/// Which requests the bench answers by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Auto {
    Metadata,
    InitProducerId,
}

/// A client with everything around it.
#[derive(Debug)]
pub(crate) struct Bench<P: Process> {
    pub(crate) process: P,
    pub(crate) now: Instant,
    pub(crate) layout: Layout,
    pub(crate) auto: BTreeSet<Auto>,
    /// Brokers that accept no connection: an attempt hangs.
    pub(crate) unreachable: BTreeSet<i32>,
    /// Brokers that refuse connections.
    pub(crate) refusing: BTreeSet<i32>,
    pub(crate) requests: VecDeque<Arrived>,
    pub(crate) answers: Vec<P::Answer>,
    pub(crate) events: Vec<Event>,
    pub(crate) opened: Vec<i32>,
    connections: BTreeMap<OpenedId, i32>,
    /// The correlations that each connection waits for, oldest first: a broker answers in order.
    unanswered: BTreeMap<OpenedId, VecDeque<i32>>,
    disk: MemoryDisk,
}

/// The address that clients are given.
pub(crate) fn bootstrap() -> Vec<Address> {
    vec![Address::new("bootstrap", 9092)]
}

/// The same generator for each test.
pub(crate) fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(11)
}

impl<P> Bench<P>
where
    P: Process<Command: Clone + Debug, Answer: Clone + Debug + PartialEq>,
{
    /// A client that has started, in a cluster of three brokers with the topic `t`, whose one
    /// partition is led by broker 1 in epoch 5.
    pub(crate) fn new(process: P) -> Self {
        let topics = BTreeMap::from([("t", vec![(Some(1), 5)])]);
        let mut bench = Self {
            process,
            now: Instant(1_000_000_000),
            layout: Layout { brokers: 3, topics },
            auto: BTreeSet::from([Auto::Metadata, Auto::InitProducerId]),
            unreachable: BTreeSet::new(),
            refusing: BTreeSet::new(),
            requests: VecDeque::new(),
            answers: Vec::new(),
            events: Vec::new(),
            opened: Vec::new(),
            connections: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            disk: MemoryDisk::new(),
        };
        bench.step(Input::Started);
        bench
    }

    pub(crate) fn command(&mut self, command: P::Command) {
        self.step(Input::Command(command));
    }

    /// Gives the client an input, and the cluster what comes of it.
    pub(crate) fn step(&mut self, input: Input<P::Command>) {
        let wall = Timestamp(i64::try_from(self.now.0 / 1_000_000).unwrap());
        let now = Now { monotonic: self.now, wall };
        let (mut out, mut again) = (Outbox::new(), Outbox::new());
        let mut copy = self.process.clone();
        copy.step(now, input.clone(), &mut self.disk, &mut again);
        self.process.step(now, input, &mut self.disk, &mut out);
        assert_eq!(out.outputs(), again.outputs());
        assert_eq!(self.process, copy);
        if let Some(deadline) = self.process.deadline() {
            assert!(self.now < deadline, "a deadline in the past would wake it for ever");
        }
        let outputs: Vec<_> = out.drain().collect();
        for output in outputs {
            self.take_output(output);
        }
    }

    /// Lets time pass, and wakes the client when it wants to be.
    pub(crate) fn advance(&mut self, millis: u64) {
        let end = self.now.plus(Duration::from_millis(millis));
        let mut wakes = 0;
        while let Some(deadline) = self.process.deadline()
            && deadline <= end
        {
            self.now = deadline;
            self.step(Input::Woken);
            wakes += 1;
            assert!(wakes < 10_000, "the client keeps waking");
        }
        self.now = end;
    }

    /// Takes the oldest request of an API.
    pub(crate) fn take(&mut self, api: ApiKey) -> Arrived {
        let waiting = self.requests.iter().position(|request| request.frame.api == api);
        let at = waiting.unwrap_or_else(|| panic!("no {api:?} among {:?}", self.requests));
        self.requests.remove(at).unwrap()
    }

    /// How many requests of an API wait for an answer.
    pub(crate) fn waiting(&self, api: ApiKey) -> usize {
        self.requests.iter().filter(|request| request.frame.api == api).count()
    }

    /// Answers the oldest request of a connection.
    pub(crate) fn respond(&mut self, to: &Arrived, response: &Response) {
        let (version, correlation) = (to.frame.version, to.frame.correlation);
        let oldest = self.unanswered.get_mut(&to.connection).and_then(VecDeque::pop_front);
        assert_eq!(oldest, Some(correlation), "a broker answers in order");
        let (frame, _) = encode_response(version, correlation, response).unwrap();
        self.step(Input::Frame { connection: Connection::Opened(to.connection), frame });
        self.answer_by_itself();
    }

    /// Ends all connections to a broker, and forgets what it was asked.
    pub(crate) fn disconnect(&mut self, broker: i32) {
        self.requests.retain(|request| request.broker != broker);
        let ended: Vec<OpenedId> =
            self.connections.iter().filter(|(_, to)| **to == broker).map(|(id, _)| *id).collect();
        for connection in ended {
            self.connections.remove(&connection);
            self.unanswered.remove(&connection);
            self.step(Input::Closed { connection: Connection::Opened(connection) });
        }
    }

    /// How many connections to a broker stand or hang.
    pub(crate) fn connections_to(&self, broker: i32) -> usize {
        self.connections.values().filter(|to| **to == broker).count()
    }

    fn take_output(&mut self, output: Output<P::Answer>) {
        match output {
            Output::Open { connection, to } => self.open(connection, &to),
            Output::Close { connection: Connection::Opened(connection) } => {
                self.requests.retain(|request| request.connection != connection);
                self.connections.remove(&connection);
                self.unanswered.remove(&connection);
            }
            Output::Send { connection: Connection::Opened(connection), frame, tag } => {
                let frame = decode_request(frame).unwrap();
                assert_eq!((tag.api, tag.correlation), (frame.api.code(), frame.correlation));
                let broker = self.connections[&connection];
                self.arrive(Arrived { connection, broker, frame });
            }
            Output::Answer(answer) => self.answers.push(answer),
            Output::Event(event) => self.events.push(*event),
            Output::Exit(_) => {}
            Output::Listen { .. } | Output::Close { .. } | Output::Send { .. } => {
                panic!("a client does not serve: {output:?}")
            }
        }
    }

    fn open(&mut self, connection: OpenedId, to: &Address) {
        let number = to.host.strip_prefix("broker-").map_or(0, |number| number.parse().unwrap());
        self.opened.push(number);
        if self.refusing.contains(&number) {
            let failure = ConnectFailure::Refused;
            self.step(Input::ConnectFailed { connection, failure });
            return;
        }
        self.connections.insert(connection, number);
        if !self.unreachable.contains(&number) {
            self.step(Input::Established { connection });
        }
    }

    fn arrive(&mut self, request: Arrived) {
        let silent = matches!(&request.frame.body, Request::Produce(body) if body.acks == 0);
        if !silent {
            let unanswered = self.unanswered.entry(request.connection).or_default();
            unanswered.push_back(request.frame.correlation);
        }
        self.requests.push_back(request);
        self.answer_by_itself();
    }

    /// Answers what the test leaves to the bench and no older request is in the way of.
    fn answer_by_itself(&mut self) {
        let next = self.requests.iter().position(|request| {
            let oldest = self.unanswered.get(&request.connection).and_then(VecDeque::front);
            let automatic = match &request.frame.body {
                Request::Metadata(_) => self.auto.contains(&Auto::Metadata),
                Request::InitProducerId(_) => self.auto.contains(&Auto::InitProducerId),
                _ => false,
            };
            automatic && oldest == Some(&request.frame.correlation)
        });
        let Some(request) = next.and_then(|at| self.requests.remove(at)) else { return };
        let response = match &request.frame.body {
            Request::Metadata(body) => self.layout.metadata(body).into(),
            _ => producer_id(7).into(),
        };
        self.respond(&request, &response);
    }
}

/// A fresh producer id.
pub(crate) fn producer_id(id: i64) -> InitProducerIdResponse {
    InitProducerIdResponse::default().with_producer_id(WireProducerId(id)).with_producer_epoch(0)
}

/// The id of the bench's topics.
pub(crate) fn topic_id(name: &str) -> TopicId {
    let mut id = [7; 16];
    id[..name.len()].copy_from_slice(name.as_bytes());
    TopicId(id)
}

impl Layout {
    /// The leader of a partition and its epoch, from now on.
    pub(crate) fn lead(&mut self, topic: &'static str, partition: usize, leader: i32, epoch: i32) {
        self.topics.get_mut(topic).unwrap()[partition] = (Some(leader), epoch);
    }

    pub(crate) fn metadata(&self, request: &MetadataRequest) -> MetadataResponse {
        let brokers = (1..=self.brokers).map(|id| {
            MetadataResponseBroker::default()
                .with_node_id(wire_broker(Some(BrokerId(id))))
                .with_host(wire_string(&format!("broker-{id}")))
                .with_port(9092)
        });
        let asked = request.topics.iter().flatten().filter_map(|topic| topic.name.as_ref());
        let topics = asked.map(|name| self.topic(&topic_of(name)));
        MetadataResponse::default()
            .with_brokers(brokers.collect())
            .with_topics(topics.collect())
            .with_controller_id(wire_broker(Some(BrokerId(1))))
    }

    fn topic(&self, name: &TopicName) -> MetadataResponseTopic {
        let answer = MetadataResponseTopic::default().with_name(Some(wire_topic(name)));
        let Some(partitions) = self.topics.get(name.as_str()) else {
            return answer.with_error_code(3);
        };
        let partitions = (0..).zip(partitions).map(|(index, (leader, epoch))| {
            MetadataResponsePartition::default()
                .with_partition_index(index)
                .with_error_code(if leader.is_some() { 0 } else { 5 })
                .with_leader_id(wire_broker(leader.map(BrokerId)))
                .with_leader_epoch(LeaderEpoch(*epoch).0)
        });
        answer
            .with_topic_id(wire_topic_id(topic_id(name.as_str())))
            .with_partitions(partitions.collect())
    }
}
