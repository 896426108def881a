//! A node: a machine with a name, a clock and a disk, on which a process lives, or does not.

use std::{collections::VecDeque, fmt, sync::Arc};

use serde::Serialize;

use crate::{
    clock::Clock,
    disk::{Disk, DiskLatency},
    door::{Input, Output, Process},
    time::Instant,
};

/// The number of a node, in the order of adding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct NodeId(pub u32);

impl NodeId {
    /// Where it stands in a list of all nodes.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("there are fewer nodes than that"))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

/// How a node's process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Health {
    /// It takes inputs.
    Running,
    /// It is stopped for a while (a collection of garbage, a migration); its kernel is not.
    Paused,
    /// There is no process; the machine has power.
    Down,
    /// The machine has no power.
    Off,
}

/// The state of a node.
#[derive(Clone, Debug)]
pub(super) struct Node<P: Process> {
    pub(super) name: Arc<str>,
    pub(super) clock: Clock,
    pub(super) health: Health,
    /// How many processes have lived here.
    pub(super) incarnation: u32,
    /// None while it is dead, and while its step is being executed.
    pub(super) process: Option<Box<P>>,
    /// None while a step is being executed.
    pub(super) disk: Option<Box<Disk>>,
    /// What came while it was busy or paused.
    pub(super) inbox: VecDeque<Input<P::Command>>,
    pub(super) deadline: Option<Instant>,
    /// The outputs of its last step, while they have not left.
    pub(super) departure: Departure<P>,
    /// How often it lost power: each loss has a stream of draws of its own.
    pub(super) power_losses: u64,
    /// How many drawn bits of its disk were turned over: so has each of them.
    pub(super) bit_flips: u64,
}

/// The outputs of a step on their way out.
#[derive(Clone, Debug)]
pub(super) enum Departure<P: Process> {
    /// There are none: the process is idle.
    Idle,
    /// They leave when the disk is done.
    Waiting(Vec<Output<P>>),
    /// The disk is done, but the process is paused.
    Overdue(Vec<Output<P>>),
}

impl<P: Process> Departure<P> {
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Self::Idle => true,
            Self::Waiting(_) | Self::Overdue(_) => false,
        }
    }

    pub(super) fn outputs(&self) -> &[Output<P>] {
        match self {
            Self::Idle => &[],
            Self::Waiting(outputs) | Self::Overdue(outputs) => outputs,
        }
    }
}

impl<P: Process> Node<P> {
    pub(super) fn new(name: Arc<str>, clock: Clock, latency: DiskLatency) -> Self {
        Self {
            name,
            clock,
            health: Health::Down,
            incarnation: 0,
            process: None,
            disk: Some(Box::new(Disk::new(latency))),
            inbox: VecDeque::new(),
            deadline: None,
            departure: Departure::Idle,
            power_losses: 0,
            bit_flips: 0,
        }
    }

    pub(super) fn disk(&self) -> &Disk {
        self.disk.as_ref().expect("the disk is away only while a step is executed")
    }

    pub(super) fn disk_mut(&mut self) -> &mut Disk {
        self.disk.as_mut().expect("the disk is away only while a step is executed")
    }

    /// Whether it could take an input now.
    pub(super) fn is_ready(&self) -> bool {
        self.health == Health::Running && self.departure.is_idle()
    }

    pub(super) fn is_alive(&self) -> bool {
        match self.health {
            Health::Running | Health::Paused => true,
            Health::Down | Health::Off => false,
        }
    }

    /// The process is no more, and with it all that was in memory.
    pub(super) fn bury(&mut self, health: Health) {
        self.health = health;
        self.process = None;
        self.inbox.clear();
        self.deadline = None;
        self.departure = Departure::Idle;
    }
}
