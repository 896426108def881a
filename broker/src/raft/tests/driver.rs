//! Three voters that speak in frames over connections, in a network without delay.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    convert::Infallible,
};

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{fixture::record, lossy_disk::LossyDisk};
use crate::{
    config::ServerConfig,
    host::{AcceptedId, Address, Connection, Instant, Now, OpenedId, Outbox, Output, Timestamp},
    ids::{CLUSTER_ID, ControllerId, Offset},
    net::RequestServer,
    protocol::{
        Request,
        messages::{
            FetchRequest, fetch_request::FetchPartition, fetch_request::FetchTopic, wire_topic_id,
        },
        versions::Listener,
    },
    raft::{DriverConfig, KafkaRaftClientDriver, RaftConfig, RaftError, Surroundings},
};

const IDS: [ControllerId; 3] = [ControllerId(1001), ControllerId(1002), ControllerId(1003)];

/// A voter with its port.
struct Node {
    driver: KafkaRaftClientDriver,
    server: RequestServer,
    disk: LossyDisk,
}

enum Event {
    Established(OpenedId),
    Closed(Connection),
    Frame(Connection, bytes::Bytes),
    Accepted(AcceptedId),
}

#[derive(Default)]
struct Hub {
    now: Instant,
    nodes: BTreeMap<ControllerId, Node>,
    events: VecDeque<(ControllerId, Event)>,
    /// The other end of each end of a connection.
    links: BTreeMap<(ControllerId, Connection), (ControllerId, Connection)>,
    accepted: u64,
}

impl Hub {
    fn start() -> Self {
        let mut hub = Self::default();
        for id in IDS {
            hub.restart(id, LossyDisk::default());
        }
        hub
    }

    fn restart(&mut self, id: ControllerId, mut disk: LossyDisk) {
        let raft = RaftConfig { id, voters: IDS.into(), server: ServerConfig::default() };
        let addresses = IDS.map(|id| (id, Address::new(&id.to_string(), 9093))).into();
        let config = DriverConfig { raft, addresses, cluster_id: CLUSTER_ID.to_owned() };
        let rng = ChaCha8Rng::seed_from_u64(u64::try_from(id.0).unwrap());
        let now = self.clock();
        let driver = KafkaRaftClientDriver::open(config, rng, now, &mut disk).unwrap();
        let server = RequestServer::new(Listener::Controller);
        self.nodes.insert(id, Node { driver, server, disk });
        self.with(id, KafkaRaftClientDriver::on_time);
    }

    /// The voter loses power; its connections end.
    fn power_off(&mut self, id: ControllerId) -> LossyDisk {
        let mut disk = self.nodes.remove(&id).unwrap().disk;
        disk.lose_power();
        let ends: BTreeSet<_> = self.links.keys().copied().filter(|end| end.0 == id).collect();
        for end in ends {
            self.close(end);
        }
        disk
    }

    fn close(&mut self, end: (ControllerId, Connection)) {
        let Some(other) = self.links.remove(&end) else { return };
        self.links.remove(&other);
        self.events.push_back((other.0, Event::Closed(other.1)));
    }

    fn run_until(&mut self, condition: impl Fn(&Self) -> bool) {
        for _ in 0..20_000 {
            if condition(self) {
                return;
            }
            self.step();
        }
        panic!("it does not come to that");
    }

    fn step(&mut self) {
        if let Some((to, event)) = self.events.pop_front() {
            self.deliver(to, event);
            return;
        }
        let deadline = |node: &Node| node.driver.deadline();
        let due = self.nodes.iter().filter_map(|(id, node)| Some((deadline(node)?, *id))).min();
        let (at, id) = due.expect("somebody waits for something");
        self.now = self.now.max(at);
        self.with(id, KafkaRaftClientDriver::on_time);
    }

    fn deliver(&mut self, to: ControllerId, event: Event) {
        if !self.nodes.contains_key(&to) {
            return;
        }
        match event {
            Event::Established(connection) => self.with(to, |driver, around| {
                driver.on_established(connection, around);
                Ok(())
            }),
            Event::Closed(Connection::Opened(connection)) => {
                self.with(to, |driver, around| driver.on_closed(connection, around));
            }
            Event::Frame(Connection::Opened(connection), frame) => {
                self.with(to, |driver, around| driver.on_frame(connection, frame, around));
            }
            Event::Accepted(connection) => {
                let server = &mut self.nodes.get_mut(&to).unwrap().server;
                server.on_accepted(connection, Address::new("peer", 1));
            }
            Event::Closed(Connection::Accepted(connection)) => {
                let node = self.nodes.get_mut(&to).unwrap();
                if let Some(abandoned) = node.server.on_closed(connection) {
                    node.driver.forget(abandoned);
                }
            }
            Event::Frame(Connection::Accepted(connection), frame) => {
                self.nodes.get_mut(&to).unwrap().server.on_frame(connection, frame);
                self.with(to, |_, _| Ok(()));
            }
        }
    }

    /// Lets a voter do something, then serve what has come, then carries out what it wants.
    fn with<T: Default>(
        &mut self,
        id: ControllerId,
        act: impl FnOnce(
            &mut KafkaRaftClientDriver,
            &mut Surroundings<'_, Infallible>,
        ) -> Result<T, RaftError>,
    ) -> T {
        let now = self.clock();
        let Some(Node { driver, server, disk }) = self.nodes.get_mut(&id) else {
            return T::default();
        };
        let (mut out, mut answers) = (Outbox::new(), Vec::new());
        let mut around = Surroundings { now, disk, out: &mut out, answers: &mut answers };
        let result = act(driver, &mut around).unwrap();
        loop {
            for (request, response) in around.answers.drain(..) {
                server.respond(request, response, around.out);
            }
            let Some(incoming) = server.next(around.out) else { break };
            driver.handle(incoming.id, &incoming.frame, &mut around).unwrap();
        }
        for output in out.drain().collect::<Vec<_>>() {
            self.carry_out(id, output);
        }
        result
    }

    fn carry_out(&mut self, id: ControllerId, output: Output<Infallible>) {
        match output {
            Output::Open { connection, to } => {
                let peer = IDS.into_iter().find(|id| *id.to_string() == *to.host).unwrap();
                let opened = Connection::Opened(connection);
                if !self.nodes.contains_key(&peer) {
                    self.events.push_back((id, Event::Closed(opened)));
                    return;
                }
                let number = AcceptedId(self.accepted);
                self.accepted += 1;
                let accepted = Connection::Accepted(number);
                self.links.insert((id, opened), (peer, accepted));
                self.links.insert((peer, accepted), (id, opened));
                self.events.push_back((peer, Event::Accepted(number)));
                self.events.push_back((id, Event::Established(connection)));
            }
            Output::Close { connection } => self.close((id, connection)),
            Output::Send { connection, frame, .. } => {
                if let Some(other) = self.links.get(&(id, connection)) {
                    self.events.push_back((other.0, Event::Frame(other.1, frame)));
                }
            }
            other => panic!("a voter does not {other:?}"),
        }
    }

    fn leader(&self) -> Option<ControllerId> {
        let leads = |node: &Node| node.driver.client().leading().is_some();
        self.nodes.iter().find(|(_, node)| leads(node)).map(|(id, _)| *id)
    }

    fn append(&mut self) -> Offset {
        let leader = self.leader().expect("somebody leads");
        let appended = self.with(leader, |driver, around| driver.append(&record(), around));
        self.with(leader, KafkaRaftClientDriver::on_time);
        appended.expect("a leader appends")
    }

    fn all_have(&self, offset: Offset) -> bool {
        let has = |node: &Node| offset < node.driver.client().high_watermark();
        self.nodes.values().all(has)
    }

    fn clock(&self) -> Now {
        let millis = i64::try_from(self.now.0 / 1_000_000).unwrap();
        Now { monotonic: self.now, wall: Timestamp(millis) }
    }
}

#[test]
fn voters_elect_replicate_and_survive_the_power_loss_of_their_leader() {
    let mut hub = Hub::start();
    hub.run_until(|hub| hub.leader().is_some());
    let written = hub.append();
    hub.run_until(|hub| hub.all_have(written));
    let old = hub.leader().unwrap();
    let disk = hub.power_off(old);
    hub.run_until(|hub| hub.leader().is_some());
    let written = hub.append();
    hub.run_until(|hub| hub.all_have(written));
    hub.restart(old, disk);
    hub.run_until(|hub| hub.all_have(written));
    assert_ne!(hub.leader(), Some(old));
}

#[test]
fn a_leader_that_shuts_down_hands_over_without_anybody_waiting_for_a_timeout() {
    let mut hub = Hub::start();
    hub.run_until(|hub| hub.leader().is_some());
    let written = hub.append();
    hub.run_until(|hub| hub.all_have(written));
    let (old, before) = (hub.leader().unwrap(), hub.now);
    hub.with(old, KafkaRaftClientDriver::shut_down);
    hub.run_until(|hub| hub.leader().is_some_and(|leader| leader != old));
    assert!(hub.nodes[&old].driver.client().is_shut_down(hub.now));
    assert_eq!(hub.now, before, "the network has no delay");
}

#[test]
fn who_asks_for_another_log_is_refused() {
    let mut hub = Hub::start();
    hub.run_until(|hub| hub.leader().is_some());
    let topic = FetchTopic::default()
        .with_topic_id(wire_topic_id(crate::ids::TopicId([7; 16])))
        .with_partitions(vec![FetchPartition::default()]);
    let body: Request = FetchRequest::default().with_topics(vec![topic]).into();
    let frame = crate::protocol::RequestFrame {
        api: body.api(),
        version: 17,
        correlation: 1,
        client: crate::ids::ClientId::from("stranger"),
        body,
    };
    let id = crate::net::RequestId(1_000_000);
    let leader = hub.leader().unwrap();
    let refused = hub.with(leader, |driver, around| {
        driver.handle(id, &frame, around)?;
        Ok(around.answers.pop())
    });
    let Some((answered, crate::protocol::Response::Fetch(response))) = refused else { panic!() };
    assert_eq!(answered, id);
    let error = crate::protocol::ErrorCode::UnknownTopicId;
    assert_eq!(response.error_code, error.code());
}
