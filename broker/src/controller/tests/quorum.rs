//! Three controllers on a network without delay: who is in charge, and what it may say.

use std::collections::{BTreeSet, VecDeque};

use super::*;
use crate::{host::ConnectFailure, ids::Offset};

const IDS: [ControllerId; 3] = [ControllerId(1001), ControllerId(1002), ControllerId(1003)];
/// Connections of clients have numbers from here on.
const CLIENTS: u64 = 1_000_000;

/// What goes on between them.
struct Hub {
    nodes: BTreeMap<ControllerId, (Controller, TestDisk)>,
    now: Instant,
    /// The two ends of each connection.
    links: BTreeMap<(ControllerId, Connection), (ControllerId, Connection)>,
    inputs: VecDeque<(ControllerId, Input<ControllerCommand>)>,
    /// Nothing goes to them or comes from them, but for clients.
    cut: BTreeSet<ControllerId>,
    accepted: u64,
    asked: BTreeMap<AcceptedId, (ApiKey, i16)>,
    answers: BTreeMap<AcceptedId, Response>,
    events: Vec<(ControllerId, ControllerEvent)>,
    exits: Vec<(ControllerId, ExitReason)>,
}

impl Hub {
    fn start() -> Self {
        let mut hub = Self {
            nodes: BTreeMap::new(),
            now: Instant(1),
            links: BTreeMap::new(),
            inputs: VecDeque::new(),
            cut: BTreeSet::new(),
            accepted: 0,
            asked: BTreeMap::new(),
            answers: BTreeMap::new(),
            events: Vec::new(),
            exits: Vec::new(),
        };
        for id in IDS {
            hub.restart(id, TestDisk::default());
        }
        hub.run_until(|hub| hub.active().is_some());
        hub
    }

    fn restart(&mut self, id: ControllerId, disk: TestDisk) {
        let config = ControllerConfig {
            id,
            port: 9093,
            voters: IDS.map(|id| (id, Address::new(&id.to_string(), 9093))).into(),
            cluster_id: "testbed".to_owned(),
            server: quiet(),
            rules: Protocol::Kip595.rules(),
        };
        let seed = u64::try_from(id.0).unwrap() + self.accepted;
        let controller = Controller::new(config, ChaCha8Rng::seed_from_u64(seed));
        self.nodes.insert(id, (controller, disk));
        self.inputs.push_back((id, Input::Started));
    }

    /// It loses power, and its connections end.
    fn power_off(&mut self, id: ControllerId) -> TestDisk {
        let (_, disk) = self.nodes.remove(&id).unwrap();
        let ends: Vec<_> = self.links.keys().copied().filter(|end| end.0 == id).collect();
        for end in ends {
            self.close(end);
        }
        disk.after_power_loss()
    }

    fn close(&mut self, end: (ControllerId, Connection)) {
        let Some((other, connection)) = self.links.remove(&end) else { return };
        self.links.remove(&(other, connection));
        self.inputs.push_back((other, Input::Closed { connection }));
    }

    fn run_until(&mut self, condition: impl Fn(&Self) -> bool) {
        for _ in 0..20_000 {
            if condition(self) {
                return;
            }
            if let Some((id, input)) = self.inputs.pop_front() {
                self.step(id, input);
                continue;
            }
            let deadline = |controller: &Controller| Process::deadline(controller);
            let due = self.nodes.iter().filter_map(|(id, node)| Some((deadline(&node.0)?, *id)));
            let (at, id) = due.min().expect("somebody waits for something");
            self.now = self.now.max(at);
            self.step(id, Input::Woken);
        }
        panic!("it does not come to that: {:?}", self.events);
    }

    /// Lets everything happen that happens at once.
    fn settle(&mut self) {
        self.run_until(|hub| hub.inputs.is_empty());
    }

    fn step(&mut self, id: ControllerId, input: Input<ControllerCommand>) {
        let wall = Timestamp(i64::try_from(self.now.0 / 1_000_000).unwrap());
        let now = Now { monotonic: self.now, wall };
        let Some((controller, disk)) = self.nodes.get_mut(&id) else { return };
        let mut out = Outbox::new();
        controller.step(now, input, disk, &mut out);
        for output in out.drain().collect::<Vec<_>>() {
            self.carry_out(id, output);
        }
    }

    fn carry_out(&mut self, id: ControllerId, output: Output<std::convert::Infallible>) {
        match output {
            Output::Open { connection, to } => self.open(id, connection, &to),
            Output::Close { connection } => self.close((id, connection)),
            Output::Send { connection: Connection::Accepted(client), frame, .. }
                if CLIENTS <= client.0 =>
            {
                let (api, version) = self.asked[&client];
                self.answers.insert(client, decode_response(api, version, frame).unwrap().1);
            }
            Output::Send { connection, frame, .. } => {
                let Some((to, connection)) = self.links.get(&(id, connection)).copied() else {
                    return;
                };
                if !self.cut.contains(&id) && !self.cut.contains(&to) {
                    self.inputs.push_back((to, Input::Frame { connection, frame }));
                }
            }
            Output::Event(event) => match *event {
                Event::Controller(event) => self.events.push((id, event)),
                _ => panic!("a controller tells of nothing else"),
            },
            Output::Exit(reason) => {
                self.exits.push((id, reason));
                self.power_off(id);
            }
            Output::Listen { .. } => {}
            Output::Answer(_) => panic!("a controller has no application"),
        }
    }

    fn open(&mut self, id: ControllerId, connection: crate::host::OpenedId, to: &Address) {
        let peer = IDS.into_iter().find(|id| *id.to_string() == *to.host).unwrap();
        if !self.nodes.contains_key(&peer) {
            let failure = ConnectFailure::Refused;
            self.inputs.push_back((id, Input::ConnectFailed { connection, failure }));
            return;
        }
        let accepted = AcceptedId(self.accepted);
        self.accepted += 1;
        let ends = [(id, Connection::Opened(connection)), (peer, Connection::Accepted(accepted))];
        self.links.insert(ends[0], ends[1]);
        self.links.insert(ends[1], ends[0]);
        let address = Address::new(&id.to_string(), 1);
        self.inputs.push_back((peer, Input::Accepted { connection: accepted, peer: address }));
        self.inputs.push_back((id, Input::Established { connection }));
    }

    /// A client asks a controller. The answer may come later.
    fn ask(&mut self, id: ControllerId, request: impl Into<Request>) -> AcceptedId {
        let request = request.into();
        let connection = AcceptedId(CLIENTS + self.asked.len() as u64);
        let version = inter_broker_version(request.api());
        self.asked.insert(connection, (request.api(), version));
        let (frame, _) = encode_request(version, 1, &ClientId::from("test"), &request).unwrap();
        let peer = Address::new("peer", 1);
        self.step(id, Input::Accepted { connection, peer });
        self.step(id, Input::Frame { connection: Connection::Accepted(connection), frame });
        connection
    }

    /// Who is in charge: of several the one of the latest epoch.
    fn active(&self) -> Option<ControllerId> {
        let epoch = |id: &ControllerId| self.nodes[id].0.active_epoch();
        self.nodes.keys().copied().filter(|id| epoch(id).is_some()).max_by_key(epoch)
    }

    fn image(&self, id: ControllerId) -> &MetadataImage {
        self.nodes[&id].0.image().expect("it is in charge")
    }

    fn registered(&self, answer: AcceptedId) -> Option<Result<i64, ErrorCode>> {
        match self.answers.get(&answer)? {
            Response::BrokerRegistration(response) if response.error_code == 0 => {
                Some(Ok(response.broker_epoch))
            }
            Response::BrokerRegistration(response) => {
                Some(Err(ErrorCode::from_code(response.error_code)))
            }
            other => panic!("{other:?}"),
        }
    }

    /// Who told that this broker was registered.
    fn tellers(&self, number: i32) -> Vec<ControllerId> {
        let tells = |event: &ControllerEvent| match event {
            ControllerEvent::Registered { broker, .. } => broker.0 == number,
            _ => false,
        };
        self.events.iter().filter(|(_, event)| tells(event)).map(|(id, _)| *id).collect()
    }
}

#[test]
fn one_is_in_charge_and_the_others_say_that_they_are_not() {
    let mut hub = Hub::start();
    let active = hub.active().unwrap();
    for id in IDS {
        let asked = hub.ask(id, registration(7, 1, -1));
        hub.settle();
        let registered = hub.registered(asked).unwrap();
        if id == active {
            assert!(registered.is_ok());
        } else {
            assert_eq!(registered, Err(ErrorCode::NotController));
        }
    }
    assert_eq!(hub.tellers(7), [active]);
}

#[test]
fn nothing_is_answered_or_told_before_a_majority_has_it() {
    let mut hub = Hub::start();
    hub.settle();
    let active = hub.active().unwrap();
    hub.cut.insert(active);
    let asked = hub.ask(active, registration(7, 1, -1));
    hub.settle();
    assert!(hub.image(active).broker(BrokerId(7)).is_some(), "it decides upon what it wrote");
    assert_eq!((hub.registered(asked), hub.tellers(7)), (None, vec![]));
}

#[test]
fn who_is_deposed_refuses_what_it_has_not_answered_and_forgets_what_it_thought() {
    let mut hub = Hub::start();
    hub.settle();
    let old = hub.active().unwrap();
    hub.cut.insert(old);
    let asked = hub.ask(old, registration(7, 1, -1));
    hub.run_until(|hub| hub.registered(asked).is_some());
    assert_eq!(hub.registered(asked), Some(Err(ErrorCode::NotController)));
    assert!(hub.nodes[&old].0.image().is_none());
    hub.run_until(|hub| hub.active().is_some_and(|active| active != old));
    let new = hub.active().unwrap();
    assert!(hub.image(new).broker(BrokerId(7)).is_none());
    hub.cut.clear();
    let asked = hub.ask(new, registration(7, 2, -1));
    hub.run_until(|hub| hub.registered(asked).is_some());
    let end = hub.image(new).end_offset();
    let voter = |hub: &Hub| {
        let told = hub.events.iter().filter_map(|(id, event)| match event {
            ControllerEvent::VoterMoved(state) if *id == old => Some(state.high_watermark),
            _ => None,
        });
        told.max()
    };
    hub.run_until(|hub| voter(hub) == Some(end));
    assert_eq!(hub.tellers(7), [new], "the first registration came to nothing");
}

#[test]
fn the_next_finds_all_that_was_answered_and_gives_fresh_sessions() {
    let mut hub = Hub::start();
    let old = hub.active().unwrap();
    let asked = hub.ask(old, registration(1, 1, -1));
    hub.run_until(|hub| hub.registered(asked).is_some());
    let epoch = hub.registered(asked).unwrap().unwrap();
    let request = BrokerHeartbeatRequest::default()
        .with_broker_id(WireBrokerId(1))
        .with_broker_epoch(epoch)
        .with_current_metadata_offset(epoch);
    let beaten = hub.ask(old, request);
    hub.run_until(|hub| hub.answers.contains_key(&beaten));
    let disk = hub.power_off(old);
    hub.run_until(|hub| hub.active().is_some());
    let new = hub.active().unwrap();
    assert!(hub.image(new).broker(BrokerId(1)).is_some_and(|broker| !broker.fenced));
    let began = hub.now;
    hub.run_until(|hub| hub.image(new).broker(BrokerId(1)).is_some_and(|broker| broker.fenced));
    assert!(began.plus(SESSION) < hub.now);
    hub.restart(old, disk);
    let end = hub.image(new).end_offset();
    hub.run_until(|hub| {
        hub.nodes[&old]
            .0
            .quorum
            .as_ref()
            .is_some_and(|quorum| end <= quorum.driver.client().high_watermark())
    });
    assert_eq!(hub.active(), Some(new));
}

#[test]
fn what_was_committed_and_not_told_is_told_by_the_next() {
    let mut hub = Hub::start();
    let asked = hub.ask(hub.active().unwrap(), registration(1, 1, -1));
    hub.run_until(|hub| hub.registered(asked).is_some());
    hub.settle();
    let old = hub.active().unwrap();
    let create = CreateTopicsRequest::default().with_topics(vec![topic("orders", 1, 1)]);
    let unfenced = BrokerHeartbeatRequest::default()
        .with_broker_id(WireBrokerId(1))
        .with_broker_epoch(hub.registered(asked).unwrap().unwrap())
        .with_current_metadata_offset(hub.image(old).end_offset().0 - 1);
    let beaten = hub.ask(old, unfenced);
    hub.run_until(|hub| hub.answers.contains_key(&beaten));
    hub.settle();
    let created = hub.ask(old, create);
    // The record leaves for the others, and the leader dies before it hears of them.
    let to_followers: Vec<_> = hub.inputs.drain(..).filter(|(to, _)| *to != old).collect();
    hub.power_off(old);
    let closings = std::mem::take(&mut hub.inputs);
    hub.inputs.extend(to_followers);
    hub.inputs.extend(closings);
    hub.run_until(|hub| hub.active().is_some());
    let new = hub.active().unwrap();
    assert!(!hub.answers.contains_key(&created));
    let told = hub.events.iter().filter_map(|(id, event)| match event {
        ControllerEvent::PartitionCreated(record) => Some((*id, record.metadata_offset)),
        _ => None,
    });
    let told: Vec<(ControllerId, Offset)> = told.collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, new);
}

#[test]
fn who_is_asked_to_end_hands_over_first() {
    let mut hub = Hub::start();
    hub.settle();
    let (old, before) = (hub.active().unwrap(), hub.now);
    hub.step(old, Input::ShutdownAsked);
    hub.run_until(|hub| hub.active().is_some_and(|active| active != old));
    assert_eq!(hub.exits, [(old, ExitReason::CleanShutdown)]);
    assert_eq!(hub.now, before, "nobody had to wait for a timeout");
}
