//! The network: hosts, directed links between them, and connections that carry frames.
//!
//! # The fault model
//!
//! * A connection is first in, first out in each direction. Nothing is lost in the middle of it:
//!   what cannot be delivered ends it.
//! * A **link** is directed. It has a latency that is drawn for each frame, a bandwidth, and a loss
//!   that shows as the delay of a retransmission.
//! * A **cut** link delivers nothing. What is sent over it, or is under way when it is cut, is
//!   held; after the heal it sets out again. A connection attempt is held in the same way, and
//!   completes after the heal. Cuts may overlap: a link is healed when each is.
//! * When a **process ends** (exit, kill -9) its kernel closes its connections: what was sent
//!   arrives, then the close, after the latency of the link, and after the heal if it is cut.
//! * When a **host loses power** it says nothing. What had left it arrives; what was still held by
//!   a cut or by a peer without power is gone. Its peers' connections are half open. What they send
//!   waits, is sent again when the host is back, and is then answered with a reset. A connection
//!   attempt hangs for as long as the host is off.
//! * A connection to a port that nobody listens on is **refused** after a round trip. Ports die
//!   with their process. A paused process is connected to: the kernel accepts.
//! * A **rule** holds, delays, or drops with a reset the next frames that match a predicate. A
//!   frame that a rule holds has left its sender.
//! * A node's connections to itself take [`LOOPBACK`], and no link fault touches them.
//!
//! What it does not model: buffers that fill up, half-closed connections, and timeouts of the
//! kernel.

mod faults;
mod link;
mod rule;
mod wire;

use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;

pub use link::LinkProfile;
pub use rule::{FrameInfo, RuleAction, RuleId};

use crate::{
    door::{AcceptedId, Address, ConnectFailure, Connection, Input, OpenedId},
    draws::Draws,
    queue::{Direction, Queue},
    time::{Time, nanos},
    world::NodeId,
};
use link::{Class, Link};
use rule::Rule;
use wire::{End, EndState, Hold, Lane, Parcel, What, Wire};

/// How long a frame from a node to itself takes.
pub const LOOPBACK: Duration = Duration::from_micros(20);

/// The first of the ports from which connections are opened, and how many there are.
const EPHEMERAL_PORTS: (u16, u64) = (49_152, 16_384);

/// All hosts, links and connections.
#[derive(Clone, Debug)]
pub(crate) struct Network<T> {
    draws: Draws,
    usual: LinkProfile,
    hosts: Vec<Host>,
    names: BTreeMap<Arc<str>, NodeId>,
    links: Links,
    wires: BTreeMap<u64, Wire>,
    wires_made: u64,
    rules: Vec<Rule<T>>,
    rules_made: u64,
}

/// What a host's kernel knows.
#[derive(Clone, Debug)]
struct Host {
    name: Arc<str>,
    power: Power,
    ports: BTreeSet<u16>,
    opened: BTreeMap<OpenedId, u64>,
}

/// Whether a host has power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    On,
    Off,
}

/// The links by sender and receiver, made when first used.
#[derive(Clone, Debug, Default)]
struct Links(Vec<Vec<Option<Box<Link>>>>);

impl Links {
    fn get(&mut self, from: NodeId, to: NodeId, make: impl FnOnce() -> Link) -> &mut Link {
        let (row, column) = (from.index(), to.index());
        if self.0.len() <= row {
            self.0.resize_with(row + 1, Vec::new);
        }
        if self.0[row].len() <= column {
            self.0[row].resize_with(column + 1, || None);
        }
        self.0[row][column].get_or_insert_with(|| Box::new(make()))
    }

    /// A way from a node to itself is never cut.
    fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        let link = self.0.get(from.index()).and_then(|row| row.get(to.index()));
        from != to && link.is_some_and(|link| link.as_ref().is_some_and(|link| link.is_cut()))
    }
}

/// The network at a moment: changes of it put entries into the queue.
pub(crate) struct Wiring<'a, T> {
    pub(crate) network: &'a mut Network<T>,
    pub(crate) queue: &'a mut Queue,
    pub(crate) now: Time,
}

impl<T> Network<T> {
    pub(crate) fn new(draws: Draws, usual: LinkProfile) -> Self {
        Self {
            draws,
            usual,
            hosts: Vec::new(),
            names: BTreeMap::new(),
            links: Links::default(),
            wires: BTreeMap::new(),
            wires_made: 0,
            rules: Vec::new(),
            rules_made: 0,
        }
    }

    pub(crate) fn add_host(&mut self, node: NodeId, name: Arc<str>) {
        assert_eq!(node.index(), self.hosts.len(), "hosts are numbered like nodes");
        let former = self.names.insert(Arc::clone(&name), node);
        assert_eq!(former, None, "two hosts are called {name}");
        self.hosts.push(Host {
            name,
            power: Power::On,
            ports: BTreeSet::new(),
            opened: BTreeMap::new(),
        });
    }

    pub(crate) fn host(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).copied()
    }

    pub(crate) fn listen(&mut self, node: NodeId, port: u16) {
        self.hosts[node.index()].ports.insert(port);
    }

    pub(crate) fn power(&self, node: NodeId) -> Power {
        self.hosts[node.index()].power
    }

    /// How many connections there are, half open ones included.
    pub(crate) fn connections(&self) -> usize {
        self.wires.len()
    }

    fn link(&mut self, from: NodeId, to: NodeId) -> &mut Link {
        let Self { links, hosts, draws, usual, .. } = self;
        links.get(from, to, || new_link(*draws, hosts, (from, to), usual))
    }

    fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.links.is_cut(from, to)
    }

    fn wire_of(&self, node: NodeId, connection: Connection) -> Option<(u64, Direction)> {
        match connection {
            Connection::Opened(opened) => {
                let number = self.hosts[node.index()].opened.get(&opened)?;
                Some((*number, Direction::Forth))
            }
            Connection::Accepted(AcceptedId(number)) => Some((number, Direction::Back)),
        }
    }

    /// Takes a connection away if nothing can happen on it any more.
    fn maybe_forget(&mut self, number: u64) {
        let over = |wire: &Wire| wire.ends.iter().all(|end| end.state.is_over());
        if self.wires.get(&number).is_some_and(over) {
            self.forget(number);
        }
    }

    fn forget(&mut self, number: u64) {
        if let Some(wire) = self.wires.remove(&number)
            && let Connection::Opened(opened) = wire.ends[0].called
        {
            let known = &mut self.hosts[wire.ends[0].node.index()].opened;
            // A later incarnation may have given the same number to a connection of its own.
            if known.get(&opened) == Some(&number) {
                known.remove(&opened);
            }
        }
    }
}

/// What processes do to the network.
impl<T> Wiring<'_, T> {
    /// A process opens a connection. An error means that there is no such host.
    pub(crate) fn open(
        &mut self,
        node: NodeId,
        opened: OpenedId,
        to: &Address,
    ) -> Result<(), ConnectFailure> {
        let peer = self.network.host(&to.host).ok_or(ConnectFailure::UnknownHost)?;
        let number = self.network.wires_made;
        self.network.wires_made += 1;
        let called = Connection::Opened(opened);
        let opener = End { node, state: EndState::Connecting, called };
        let called = Connection::Accepted(AcceptedId(number));
        let acceptor = End { node: peer, state: EndState::Unborn, called };
        let lanes = [Lane::default(), Lane::default()];
        let wire = Wire { ends: [opener, acceptor], lanes, port: to.port, broken: false };
        self.network.wires.insert(number, wire);
        let former = self.network.hosts[node.index()].opened.insert(opened, number);
        assert_eq!(former, None, "{node} numbers two connections {opened:?}");
        self.post((number, Direction::Forth), What::Ask, 0, Hold::Free);
        Ok(())
    }

    /// A process sends a frame. On a connection that does not stand, it is lost.
    pub(crate) fn send(&mut self, node: NodeId, connection: Connection, frame: Bytes, tag: &T) {
        let Some(key) = self.network.wire_of(node, connection) else { return };
        let Some(wire) = self.network.wires.get(&key.0) else { return };
        let (mine, peer) = (wire.ends[side(key.1)], wire.ends[1 - side(key.1)]);
        if wire.broken || mine.node != node || mine.state != EndState::Open {
            return;
        }
        let info = FrameInfo { from: node, to: peer.node, tag, frame: &frame };
        let rule = self
            .network
            .rules
            .iter_mut()
            .find_map(|rule| rule.takes(&info).then_some((rule.id, rule.action)));
        match rule {
            None => self.post(key, What::Frame(frame), 0, Hold::Free),
            Some((id, RuleAction::Hold)) => self.post(key, What::Frame(frame), 0, Hold::Rule(id)),
            Some((_, RuleAction::Delay(delay))) => {
                self.post(key, What::Frame(frame), nanos(delay), Hold::Free);
            }
            Some((_, RuleAction::DropWithReset)) => self.break_wire(key.0),
        }
    }

    /// A process closes a connection, in whatever state it is.
    pub(crate) fn close(&mut self, node: NodeId, connection: Connection) {
        let Some(key) = self.network.wire_of(node, connection) else { return };
        let Some(wire) = self.network.wires.get(&key.0) else { return };
        if wire.ends[side(key.1)].node == node {
            self.close_end(key);
        }
    }

    fn close_end(&mut self, key: (u64, Direction)) {
        let Some(wire) = self.network.wires.get_mut(&key.0) else { return };
        let (mine, peer) = (side(key.1), 1 - side(key.1));
        if wire.ends[mine].state.is_over() {
            return;
        }
        wire.ends[mine].state = EndState::Closed;
        let asked = wire.lanes[mine].parcels.front();
        if asked.is_some_and(|parcel| matches!(parcel.what, What::Ask)) {
            // Nobody has heard of the attempt yet, and nobody will.
            self.network.forget(key.0);
        } else if wire.ends[peer].state.is_over() || wire.broken {
            self.network.maybe_forget(key.0);
        } else {
            self.post(key, What::Close, 0, Hold::Free);
        }
    }

    /// Sends a parcel on its way, `extra` nanoseconds late.
    fn post(&mut self, key: (u64, Direction), what: What, extra: u64, hold: Hold) {
        let Network { wires, links, hosts, draws, usual, .. } = &mut *self.network;
        let Some(wire) = wires.get_mut(&key.0) else { return };
        let (from, to) = (wire.ends[side(key.1)].node, wire.ends[1 - side(key.1)].node);
        let class = match &what {
            What::Frame(frame) => Class::Frame { bytes: frame.len() },
            What::Ask | What::Grant | What::Refuse | What::Close | What::Reset => Class::Control,
        };
        let (transit, cut) = if from == to {
            (nanos(LOOPBACK), false)
        } else {
            let link = links.get(from, to, || new_link(*draws, hosts, (from, to), usual));
            (link.transit(self.now, class), link.is_cut())
        };
        let transit = transit.saturating_add(extra);
        let hold = if hold == Hold::Free && cut { Hold::Cut } else { hold };
        let ready = match hold {
            Hold::Free => Time(self.now.0.saturating_add(transit)),
            Hold::Cut | Hold::Rule(_) => Time::NEVER,
        };
        let lane = &mut wire.lanes[side(key.1)];
        lane.parcels.push_back(Parcel { what, ready, transit, hold });
        if lane.parcels.len() == 1 {
            lane.schedule(self.queue, self.now, key);
        }
    }
}

/// What the queue does to the network.
impl<T> Wiring<'_, T> {
    /// The first parcel of a lane is due. Gives the input that comes of it, and for whom.
    pub(crate) fn arrive<C>(
        &mut self,
        key: (u64, Direction),
        generation: u32,
    ) -> Option<(NodeId, Input<C>)> {
        let Network { wires, links, hosts, .. } = &mut *self.network;
        let wire = wires.get_mut(&key.0)?;
        let (from, to) = (wire.ends[side(key.1)].node, wire.ends[1 - side(key.1)].node);
        let lane = &mut wire.lanes[side(key.1)];
        if lane.generation != generation {
            return None;
        }
        lane.unscheduled();
        if links.is_cut(from, to) || hosts[to.index()].power == Power::Off {
            return None;
        }
        let parcel = lane.parcels.pop_front()?;
        lane.schedule(self.queue, self.now, key);
        self.on_parcel(key, parcel.what)
    }

    fn on_parcel<C>(&mut self, key: (u64, Direction), what: What) -> Option<(NodeId, Input<C>)> {
        let wire = self.network.wires.get_mut(&key.0)?;
        let end = &mut wire.ends[1 - side(key.1)];
        let (node, connection) = (end.node, end.called);
        match (end.state, what) {
            (EndState::Unborn, What::Ask) => self.on_ask(key.0),
            (EndState::Connecting, What::Grant) => {
                end.state = EndState::Open;
                let Connection::Opened(connection) = connection else { return None };
                Some((node, Input::Established { connection }))
            }
            (EndState::Connecting, What::Refuse | What::Reset | What::Close) => {
                end.state = EndState::Closed;
                let Connection::Opened(connection) = connection else { return None };
                self.network.maybe_forget(key.0);
                let failure = ConnectFailure::Refused;
                Some((node, Input::ConnectFailed { connection, failure }))
            }
            (EndState::Open, What::Frame(frame)) => {
                Some((node, Input::Frame { connection, frame }))
            }
            (EndState::Open, What::Close | What::Reset) => {
                end.state = EndState::Closed;
                self.network.maybe_forget(key.0);
                Some((node, Input::Closed { connection }))
            }
            (EndState::Gone, What::Close | What::Reset) => {
                self.network.maybe_forget(key.0);
                None
            }
            (EndState::Gone, What::Ask | What::Grant | What::Refuse | What::Frame(_)) => {
                // The host has forgotten the connection: it answers so, once.
                let back = opposite(key.1);
                wire.lanes[side(key.1)].clear();
                wire.broken = true;
                self.post((key.0, back), What::Reset, 0, Hold::Free);
                None
            }
            (EndState::Closed | EndState::Unborn | EndState::Open | EndState::Connecting, _) => {
                None
            }
        }
    }

    /// A connection is asked for: the kernel answers, whatever the process is doing.
    fn on_ask<C>(&mut self, number: u64) -> Option<(NodeId, Input<C>)> {
        let wire = self.network.wires.get_mut(&number)?;
        let (opener, acceptor) = (wire.ends[0], wire.ends[1]);
        let listens = self.network.hosts[acceptor.node.index()].ports.contains(&wire.port);
        let back = (number, Direction::Back);
        if !listens {
            wire.ends[1].state = EndState::Closed;
            self.post(back, What::Refuse, 0, Hold::Free);
            return None;
        }
        wire.ends[1].state = EndState::Open;
        self.post(back, What::Grant, 0, Hold::Free);
        let (first, count) = EPHEMERAL_PORTS;
        let port = first + u16::try_from(number % count).expect("it is below the count of ports");
        let host = Arc::clone(&self.network.hosts[opener.node.index()].name);
        let peer = Address { host, port };
        let connection = AcceptedId(number);
        Some((acceptor.node, Input::Accepted { connection, peer }))
    }
}

fn new_link(draws: Draws, hosts: &[Host], way: (NodeId, NodeId), usual: &LinkProfile) -> Link {
    let (from, to) = (&hosts[way.0.index()].name, &hosts[way.1.index()].name);
    Link::new(draws, from, to, usual.clone())
}

fn side(direction: Direction) -> usize {
    match direction {
        Direction::Forth => 0,
        Direction::Back => 1,
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Forth => Direction::Back,
        Direction::Back => Direction::Forth,
    }
}
