//! Whatever happens to the network and the nodes, a connection loses nothing in its middle, and
//! after everything is healed the nodes talk again.

use core::time::Duration;
use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    AcceptedId, Address, Config, Connection, Disk, Input, Instant, LinkProfile, Moment, NodeId,
    Now, OpenedId, Outbox, Process, Ratio, RuleAction, Stream, Time, TraceHash, World,
    disk::Unsynced, world::Health,
};

const PORT: u16 = 9;
const BEAT: Duration = Duration::from_millis(20);
const PATIENCE: u64 = 50;
const NODES: [&str; 4] = ["a", "b", "c", "d"];

/// Connects to every other node and counts aloud on each connection; checks what it hears.
#[derive(Clone, Debug, PartialEq)]
struct Counter {
    me: &'static str,
    next_connection: u64,
    /// For each peer: the connection, what to say next, and for how many beats it has not stood.
    peers: BTreeMap<&'static str, (OpenedId, Option<u64>, u64)>,
    heard: BTreeMap<AcceptedId, u64>,
    beat: Instant,
}

impl Counter {
    fn new(me: &'static str) -> Self {
        let (peers, heard) = (BTreeMap::new(), BTreeMap::new());
        Self { me, next_connection: 0, peers, heard, beat: Instant(0) }
    }

    fn connect(&mut self, peer: &'static str, out: &mut Outbox<Self>) {
        let connection = OpenedId(self.next_connection);
        self.next_connection += 1;
        self.peers.insert(peer, (connection, None, 0));
        out.open(connection, Address::new(peer, PORT));
    }

    fn on_beat(&mut self, now: Now, out: &mut Outbox<Self>) {
        self.beat = now.monotonic.plus(BEAT);
        for (peer, (connection, count, waited)) in self.peers.clone() {
            let connected = Connection::Opened(connection);
            match count {
                Some(count) => {
                    out.send(connected, Bytes::copy_from_slice(&count.to_le_bytes()), ());
                    self.peers.insert(peer, (connection, Some(count + 1), 0));
                }
                None if waited < PATIENCE => {
                    self.peers.insert(peer, (connection, None, waited + 1));
                }
                None => {
                    out.close(connected);
                    self.connect(peer, out);
                }
            }
        }
    }
}

impl Process for Counter {
    type Command = ();
    type Answer = ();
    /// A number was heard.
    type Event = ();
    type Tag = ();

    fn step(&mut self, now: Now, input: Input<()>, _: &mut Disk, out: &mut Outbox<Self>) {
        match input {
            Input::Started => {
                out.listen(PORT);
                let me = self.me;
                for peer in NODES.into_iter().filter(|&peer| peer != me) {
                    self.connect(peer, out);
                }
                self.on_beat(now, out);
            }
            Input::Woken => self.on_beat(now, out),
            Input::Accepted { connection, .. } => {
                assert_eq!(self.heard.insert(connection, 0), None, "accepted twice");
            }
            Input::Established { connection } => {
                let peer = self.peers.values_mut().find(|(id, ..)| *id == connection);
                let (_, count, _) = peer.expect("it was not closed");
                assert_eq!(count.replace(0), None, "established twice");
            }
            Input::ConnectFailed { connection, .. }
            | Input::Closed { connection: Connection::Opened(connection) } => {
                let peer = self.peers.iter().find(|(_, (id, ..))| *id == connection);
                let (&peer, _) = peer.expect("it was not closed before");
                self.peers.insert(peer, (connection, None, 0));
            }
            Input::Closed { connection: Connection::Accepted(connection) } => {
                self.heard.remove(&connection).expect("it was not closed before");
            }
            Input::Frame { connection: Connection::Accepted(connection), frame } => {
                let expected = self.heard.get_mut(&connection).expect("it was not closed");
                assert_eq!(frame[..], expected.to_le_bytes(), "a hole or a change of order");
                *expected += 1;
                out.event(());
            }
            Input::Frame { .. } | Input::ShutdownAsked | Input::Command(()) => {
                panic!("nobody sends that: {input:?}");
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        Some(self.beat)
    }
}

fn some_fault(world: &mut World<Counter>, draw: &mut Stream) {
    let nodes: Vec<NodeId> = world.nodes().collect();
    let (one, other) = (nodes[draw.below(4)], nodes[draw.below(4)]);
    match draw.below(14) {
        0 => world.cut_one_way(one, other),
        1 => world.heal_one_way(one, other),
        2 => world.isolate(one),
        3 => world.rejoin(one),
        4 => world.crash(one),
        5 => drop(world.power_off(one, Unsynced::BySeed)),
        6 | 7 => restart(world, one),
        8 => world.pause(one),
        9 => world.resume(one),
        10 => world.reset_connections(one, other),
        11 => {
            let actions =
                [RuleAction::Hold, RuleAction::Delay(BEAT * 3), RuleAction::DropWithReset];
            let action = actions[draw.below(3)];
            let rule = world.add_rule(action, 2, move |info| info.from == one && info.to == other);
            world.alarm_at(world.now().plus(BEAT * 20), 1_000 + rule.0);
        }
        12 => world.drift_clock(one, 1_000),
        _ => {
            let loss = Ratio::new(u32::from(draw.below(2) == 0), 3);
            let bandwidth = Some(10_000);
            let usual = world.usual_link().clone();
            world.set_link(one, other, LinkProfile { bandwidth, loss, ..usual });
        }
    }
}

fn restart(world: &mut World<Counter>, node: NodeId) {
    match world.health(node) {
        Health::Down | Health::Off => world.start(node, Counter::new(NODES[node.index()])),
        Health::Running | Health::Paused => {}
    }
}

/// Runs until `end`; gives how many numbers each node heard meanwhile.
fn run(world: &mut World<Counter>, end: Time, draw: &mut Stream) -> [u64; 4] {
    let mut heard = [0; 4];
    loop {
        match world.advance_inline_until(end) {
            Moment::Stepped(step) => heard[step.node.index()] += step.events.len() as u64,
            Moment::Alarm { token: 0 } => some_fault(world, draw),
            Moment::Alarm { token } => world.release(crate::RuleId(token - 1_000)),
            Moment::Left(_) => {}
            Moment::Reached => return heard,
            Moment::Ended(ending) => panic!("the run is over: {ending:?}"),
        }
    }
}

fn chaos(seed: u64) -> TraceHash {
    let mut world = World::new(seed, Config::default());
    for name in NODES {
        let node = world.add_node(name);
        world.start(node, Counter::new(name));
    }
    let mut draw = world.draws().stream("chaos", "");
    for _ in 0..60 {
        let at = draw.duration(&(Duration::ZERO..=Duration::from_secs(10)));
        world.alarm_at(Time::at(at), 0);
    }
    run(&mut world, Time::at(Duration::from_secs(11)), &mut draw);
    world.heal_all();
    for node in world.nodes() {
        world.resume(node);
        restart(&mut world, node);
        for other in world.nodes() {
            let usual = world.usual_link().clone();
            world.set_link(node, other, usual);
        }
    }
    // Losses in a row may keep a frame under way for a while; then every pair talks at each beat.
    run(&mut world, Time::at(Duration::from_secs(80)), &mut draw);
    let heard = run(&mut world, Time::at(Duration::from_secs(90)), &mut draw);
    assert!(heard.iter().all(|&count| 1_450 <= count), "seed {seed}: {heard:?}");
    assert!(world.connections() <= 12 + 30, "seed {seed}: {}", world.connections());
    world.trace_hash()
}

#[test]
fn connections_have_no_holes_and_nodes_talk_again_after_any_faults() {
    for seed in 0..25 {
        assert_eq!(chaos(seed), chaos(seed), "seed {seed}");
    }
}
