//! The world: nodes, the network between them, and the queue of what happens next.
//!
//! A caller drives it: [`World::advance`] takes the next thing from the queue and gives back the
//! [`Moment`] that comes of it. Between two moments the world stands still, and the caller may look
//! into it, clone it, or bring a fault upon it. A step gives two moments: after [`Moment::Stepped`]
//! its events are known and its outputs have not left; after [`Moment::Left`] they have.
//!
//! How a process is made, and made again after a crash, is the caller's business.

mod advance;
mod faults;
mod lines;
mod moment;
mod node;
mod outputs;

use core::time::Duration;
use std::{collections::BTreeMap, sync::Arc};

pub use moment::{Died, Ending, Left, Moment, Stepped};
pub use node::{Health, NodeId};

use crate::{
    clock::Clock,
    disk::{Disk, DiskLatency},
    door::{Output, Process},
    draws::Draws,
    executor::Job,
    network::{LinkProfile, Network, Wiring},
    queue::{Due, Queue},
    time::{Instant, Time},
    trace::{Trace, TraceHash},
};
use node::Node;

/// How far apart the zeros of two nodes' monotonic clocks lie.
const CLOCK_SPACING: Duration = Duration::from_secs(1_000);

/// What a world is like before anything happens in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What every link is like.
    pub link: LinkProfile,
    /// How long the calls of every disk take.
    pub disk: DiskLatency,
    /// The run ends at this time.
    pub time_max: Time,
    /// The run ends after so many inputs.
    pub inputs_max: u64,
    /// The run ends after so many inputs at one and the same time: its processes run in circles.
    pub inputs_at_once_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            link: LinkProfile::default(),
            disk: DiskLatency::default(),
            time_max: Time::at(Duration::from_secs(3_600)),
            inputs_max: 100_000_000,
            inputs_at_once_max: 1_000_000,
        }
    }
}

/// A world. Cloned, it goes on exactly as its original does.
#[derive(Clone, Debug)]
pub struct World<P: Process> {
    config: Config,
    draws: Draws,
    now: Time,
    queue: Queue,
    nodes: Vec<Node<P>>,
    network: Network<P::Tag>,
    commands: BTreeMap<u64, P::Command>,
    commands_given: u64,
    trace: Trace,
    inputs: u64,
    /// When the last input was taken, and how many were taken at that time.
    inputs_at: (Time, u64),
    /// Whose outputs leave next, before anything else happens.
    leaving: Option<NodeId>,
    ending: Option<Ending>,
    /// Room for the outputs of the next step.
    spare: Vec<Output<P>>,
    /// Room for the next step.
    spare_job: Option<Box<Job<P>>>,
}

/// Building a world, and asking it.
impl<P: Process> World<P> {
    /// An empty world at time zero.
    pub fn new(seed: u64, config: Config) -> Self {
        let draws = Draws::new(seed);
        Self {
            network: Network::new(draws, config.link.clone()),
            config,
            draws,
            now: Time(0),
            queue: Queue::new(),
            nodes: Vec::new(),
            commands: BTreeMap::new(),
            commands_given: 0,
            trace: Trace::new(),
            inputs: 0,
            inputs_at: (Time(0), 0),
            leaving: None,
            ending: None,
            spare: Vec::new(),
            spare_job: None,
        }
    }

    /// Adds a machine. No process runs on it until [`World::start`]. No two have one name.
    pub fn add_node(&mut self, name: &str) -> NodeId {
        let node = NodeId::from_index(self.nodes.len());
        let name: Arc<str> = name.into();
        self.network.add_host(node, Arc::clone(&name));
        self.queue.add_node();
        let zero = Instant(0).plus(CLOCK_SPACING * (node.0 + 1));
        self.nodes.push(Node::new(name, Clock::right(zero), self.config.disk));
        node
    }

    /// Gives the application on a node something to do at a time. If no process runs there then,
    /// nothing comes of it.
    pub fn command_at(&mut self, node: NodeId, time: Time, command: P::Command) {
        assert!(self.now <= time, "a command for {time}, which has passed: it is {}", self.now);
        let number = self.commands_given;
        self.commands_given += 1;
        self.commands.insert(number, command);
        self.queue.put(time, Due::Command { node, number });
    }

    /// Asks for a [`Moment::Alarm`] at a time.
    pub fn alarm_at(&mut self, time: Time, token: u64) {
        assert!(self.now <= time, "an alarm for {time}, which has passed: it is {}", self.now);
        self.queue.put(time, Due::Alarm { token });
    }

    /// Draws what is still to be drawn under another seed: a fork of a run that goes its own way.
    pub fn reseed(&mut self, seed: u64) {
        self.told(None, || format!("reseed {seed}"));
        self.draws = Draws::new(seed);
        self.network.reseed(self.draws);
    }

    /// What the time is.
    pub fn now(&self) -> Time {
        self.now
    }

    /// When the next thing happens, if anything does.
    pub fn next_time(&self) -> Option<Time> {
        if self.leaving.is_some() { Some(self.now) } else { self.queue.next_time() }
    }

    /// The draws of this run.
    pub fn draws(&self) -> Draws {
        self.draws
    }

    /// The nodes, in the order of adding.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<P> {
        (0..self.nodes.len()).map(NodeId::from_index)
    }

    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<NodeId> {
        self.network.host(name)
    }

    /// The name of a node.
    pub fn name(&self, node: NodeId) -> &Arc<str> {
        &self.nodes[node.index()].name
    }

    /// How a node is doing.
    pub fn health(&self, node: NodeId) -> Health {
        self.nodes[node.index()].health
    }

    /// How many processes have lived on a node.
    pub fn incarnation(&self, node: NodeId) -> u32 {
        self.nodes[node.index()].incarnation
    }

    /// The process on a node, if it is alive.
    pub fn process(&self, node: NodeId) -> Option<&P> {
        self.nodes[node.index()].process.as_deref()
    }

    /// The disk of a node.
    pub fn disk(&self, node: NodeId) -> &Disk {
        self.nodes[node.index()].disk()
    }

    /// The clock of a node.
    pub fn clock(&self, node: NodeId) -> &Clock {
        &self.nodes[node.index()].clock
    }

    /// The outputs of a node's last step that have not left yet.
    pub fn departing(&self, node: NodeId) -> &[Output<P>] {
        self.nodes[node.index()].departure.outputs()
    }

    /// How many inputs were taken so far.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// How many connections there are, half open ones included.
    pub fn connections(&self) -> usize {
        self.network.connections()
    }

    /// How many things wait in the queue.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Why the run is over, if it is.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// What happened so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Keeps the entries of the trace from now on.
    pub fn keep_trace(&mut self) {
        self.trace.keep_entries();
    }

    /// The hash of what happened so far.
    pub fn trace_hash(&self) -> TraceHash {
        self.trace.hash()
    }

    fn wiring(&mut self) -> Wiring<'_, P::Tag> {
        Wiring { network: &mut self.network, queue: &mut self.queue, now: self.now }
    }

    /// Puts the wake-up of a node where its deadline lies on its clock.
    fn set_wake(&mut self, node: NodeId) {
        let state = &self.nodes[node.index()];
        let deadline = state.deadline.filter(|_| state.is_ready());
        let time = deadline.map_or(Time::NEVER, |at| state.clock.when(at).max(self.now));
        self.queue.wake(node, time);
    }
}
