//! What is done to a world from outside: nodes that start and die, clocks that go wrong, disks that
//! fail, links that are cut. Each takes effect at once, and is told in the trace.

use core::time::Duration;

use crate::{
    disk::{Disk, DiskFault, PowerLossReport, Unsynced},
    door::{Input, Process},
    network::{FrameInfo, LinkProfile, Power, RuleAction, RuleId},
    queue::Due,
    time::Time,
    trace::Kind,
    world::{Health, NodeId, World, node::Departure},
};

/// Nodes and their processes.
impl<P: Process> World<P> {
    /// Starts a process on a node that has none: its power comes on if it was off. Its first input,
    /// `Started`, comes at once.
    pub fn start(&mut self, node: NodeId, process: P) {
        let state = &mut self.nodes[node.index()];
        assert!(!state.is_alive(), "{} is started while it is {:?}", state.name, state.health);
        state.process = Some(Box::new(process));
        state.health = Health::Running;
        state.incarnation += 1;
        state.disk_mut().revive();
        state.inbox.push_back(Input::Started);
        let incarnation = state.incarnation;
        self.queue.put(self.now, Due::Inbox { node, incarnation });
        self.told(Some(node), || "start".into());
        if self.network.power(node) == Power::Off {
            self.wiring().power_on(node);
        }
    }

    /// Gives power back to a machine without starting a process on it: its kernel answers again.
    pub fn power_on(&mut self, node: NodeId) {
        if self.health(node) == Health::Off {
            self.nodes[node.index()].health = Health::Down;
            self.told(Some(node), || "power on".into());
            self.wiring().power_on(node);
        }
    }

    /// Kills a process (kill -9). Its page cache stays; its kernel closes its connections. Nothing
    /// happens to a node without a process.
    pub fn crash(&mut self, node: NodeId) {
        if self.nodes[node.index()].is_alive() {
            self.told(Some(node), || "crash".into());
            self.end_process(node, Health::Down);
        }
    }

    /// Takes the power from a machine, whether a process lives on it or not. A machine without
    /// power loses nothing more.
    pub fn power_off(&mut self, node: NodeId, unsynced: Unsynced) -> PowerLossReport {
        if self.health(node) == Health::Off {
            return PowerLossReport { mode: unsynced, operations: Vec::new() };
        }
        let (draws, now) = (self.draws, self.now);
        let state = &mut self.nodes[node.index()];
        state.power_losses += 1;
        let key = format!("{} {}", state.name, state.power_losses);
        let mut stream = draws.stream("power loss", &key);
        let report = state.disk_mut().lose_power(unsynced, &mut stream, now);
        state.bury(Health::Off);
        self.queue.wake(node, Time::NEVER);
        self.wiring().power_off(node);
        self.told(Some(node), || format!("power off, unsynced {unsynced:?}: {report:?}"));
        report
    }

    /// Stops a process for a while. What comes for it waits; its kernel goes on.
    pub fn pause(&mut self, node: NodeId) {
        if self.health(node) == Health::Running {
            self.told(Some(node), || "pause".into());
            self.nodes[node.index()].health = Health::Paused;
            self.queue.wake(node, Time::NEVER);
        }
    }

    /// Lets a paused process go on: with its outputs first, if they had not left.
    pub fn resume(&mut self, node: NodeId) {
        if self.health(node) != Health::Paused {
            return;
        }
        self.told(Some(node), || "resume".into());
        let state = &mut self.nodes[node.index()];
        state.health = Health::Running;
        let incarnation = state.incarnation;
        match state.departure {
            Departure::Overdue(_) => self.queue.put(self.now, Due::Leave { node, incarnation }),
            Departure::Idle | Departure::Waiting(_) => self.go_on(node),
        }
    }

    /// Asks a process to end cleanly (SIGTERM).
    pub fn ask_shutdown(&mut self, node: NodeId) {
        if !self.nodes[node.index()].is_alive() {
            return;
        }
        self.told(Some(node), || "shutdown asked".into());
        let state = &mut self.nodes[node.index()];
        state.inbox.push_back(Input::ShutdownAsked);
        let incarnation = state.incarnation;
        self.queue.put(self.now, Due::Inbox { node, incarnation });
    }

    pub(super) fn end_process(&mut self, node: NodeId, health: Health) {
        self.nodes[node.index()].bury(health);
        self.queue.wake(node, Time::NEVER);
        self.wiring().end_process(node);
    }
}

/// Clocks and disks.
impl<P: Process> World<P> {
    /// Puts a node's wall clock forward at once.
    pub fn jump_clock_forward(&mut self, node: NodeId, by: Duration) {
        self.told(Some(node), || format!("clock jumps forward by {by:?}"));
        self.nodes[node.index()].clock.jump_forward(by);
    }

    /// Puts a node's wall clock back at once.
    pub fn jump_clock_back(&mut self, node: NodeId, by: Duration) {
        self.told(Some(node), || format!("clock jumps back by {by:?}"));
        self.nodes[node.index()].clock.jump_back(by);
    }

    /// Lets a node's clocks run too fast, by so many millionths, or too slow, if negative.
    pub fn drift_clock(&mut self, node: NodeId, ppm: i32) {
        self.told(Some(node), || format!("clock drifts by {ppm} ppm"));
        let now = self.now;
        self.nodes[node.index()].clock.drift(now, ppm);
        self.set_wake(node);
    }

    /// Brings a fault upon a node's disk.
    pub fn disk_fault(&mut self, node: NodeId, fault: DiskFault) {
        self.told(Some(node), || format!("disk: {fault:?}"));
        let now = self.now;
        self.nodes[node.index()].disk_mut().apply(fault, now);
    }

    /// The disk of a node, to set it up from outside before a process starts on it. What is done to
    /// it here stands in no trace and takes no time.
    pub fn disk_mut(&mut self, node: NodeId) -> &mut Disk {
        let state = &mut self.nodes[node.index()];
        assert!(!state.is_alive(), "the disk of {} is set up while its process lives", state.name);
        state.disk_mut()
    }

    /// Turns over one drawn bit of a file, and says which; none if the file is empty or not there.
    pub fn flip_some_bit(&mut self, node: NodeId, path: &str) -> Option<u64> {
        let state = &mut self.nodes[node.index()];
        let bits = state.disk().peek(path)?.len() as u64 * 8;
        let last = bits.checked_sub(1)?;
        state.bit_flips += 1;
        let key = format!("{} {}", state.name, state.bit_flips);
        let bit = self.draws.stream("bit flip", &key).between(0..=last);
        self.disk_fault(node, DiskFault::FlipBit { path: path.to_owned(), bit });
        Some(bit)
    }
}

/// The network.
impl<P: Process> World<P> {
    /// Cuts the way from one node to another. The way back stays.
    pub fn cut_one_way(&mut self, from: NodeId, to: NodeId) {
        let way = self.way(from, to);
        self.told(None, || format!("cut {way}"));
        self.network.cut(from, to);
    }

    /// Takes one cut off the way from one node to another.
    pub fn heal_one_way(&mut self, from: NodeId, to: NodeId) {
        let way = self.way(from, to);
        self.told(None, || format!("heal {way}"));
        self.wiring().heal(from, to);
    }

    /// Cuts every node of each group from every node of the other groups, both ways.
    pub fn cut(&mut self, groups: &[Vec<NodeId>]) {
        for (from, to) in across(groups) {
            self.cut_one_way(from, to);
        }
    }

    /// Takes back one [`World::cut`] with the same groups.
    pub fn heal(&mut self, groups: &[Vec<NodeId>]) {
        for (from, to) in across(groups) {
            self.heal_one_way(from, to);
        }
    }

    /// Cuts a node from all others.
    pub fn isolate(&mut self, node: NodeId) {
        self.cut(&self.node_and_others(node));
    }

    /// Takes back one [`World::isolate`].
    pub fn rejoin(&mut self, node: NodeId) {
        self.heal(&self.node_and_others(node));
    }

    /// Takes all cuts off all links.
    pub fn heal_all(&mut self) {
        self.told(None, || "heal all".into());
        self.wiring().heal_all();
    }

    /// What the way from one node to another is like now.
    pub fn link(&mut self, from: NodeId, to: NodeId) -> LinkProfile {
        self.network.link_profile(from, to)
    }

    /// Changes the way from one node to another: slow, narrow, lossy, or as usual again.
    pub fn set_link(&mut self, from: NodeId, to: NodeId, profile: LinkProfile) {
        let way = self.way(from, to);
        self.told(None, || format!("link {way}: {profile}"));
        self.network.set_link_profile(from, to, profile);
    }

    /// What every link is like if nothing else is said.
    pub fn usual_link(&self) -> &LinkProfile {
        self.network.usual_profile()
    }

    /// Resets every connection between two nodes.
    pub fn reset_connections(&mut self, one: NodeId, other: NodeId) {
        let way = self.way(one, other);
        self.told(None, || format!("reset {way}"));
        self.wiring().reset(one, other);
    }

    /// Holds, delays or drops the next `count` frames that match, from when they leave their
    /// sender.
    pub fn add_rule(
        &mut self,
        action: RuleAction,
        count: u32,
        matches: impl Fn(&FrameInfo<'_, P::Tag>) -> bool + Send + Sync + 'static,
    ) -> RuleId {
        let id = self.network.add_rule(action, count, matches);
        self.told(None, || format!("rule {}: {action:?}, {count} frames", id.0));
        id
    }

    /// Lets a rule begin only after so many more frames have matched it.
    pub fn skip_matches(&mut self, rule: RuleId, matches: u32) {
        self.told(None, || format!("rule {} lets {matches} pass", rule.0));
        self.network.skip_matches(rule, matches);
    }

    /// Ends a rule, and lets go what it holds.
    pub fn release(&mut self, rule: RuleId) {
        self.told(None, || format!("release rule {}", rule.0));
        self.wiring().release(rule);
    }

    /// How many frames a rule holds now.
    pub fn held_by(&self, rule: RuleId) -> usize {
        self.network.held_by(rule)
    }

    fn node_and_others(&self, node: NodeId) -> [Vec<NodeId>; 2] {
        [vec![node], self.nodes().filter(|&other| other != node).collect()]
    }

    fn way(&self, from: NodeId, to: NodeId) -> String {
        format!("{} > {}", self.name(from), self.name(to))
    }

    /// Faults are few: their words are what is hashed.
    pub(super) fn told(&mut self, node: Option<NodeId>, words: impl Fn() -> String) {
        let now = self.now;
        let node = node.map(|node| (node, &self.nodes[node.index()].name));
        self.trace.record(Kind::Fault, now, node, |line| line.bytes(words().as_bytes()), &words);
    }
}

/// Every pair of nodes from two different groups, in both orders.
fn across(groups: &[Vec<NodeId>]) -> Vec<(NodeId, NodeId)> {
    let mut pairs = Vec::new();
    for (at, one) in groups.iter().enumerate() {
        for other in &groups[at + 1..] {
            for &a in one {
                pairs.extend(other.iter().flat_map(|&b| [(a, b), (b, a)]));
            }
        }
    }
    pairs
}
