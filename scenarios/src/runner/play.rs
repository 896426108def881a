//! One run as it is played: the world, the director who bends it, and the watch that sees it all.
//!
//! Each moment of the world is taken in here: its events go to the watch and to the triggers; what
//! these set off is done before or after the outputs of the step leave, as the scenario says.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use broker::{
    host::{
        Event,
        event::{ControllerEvent, PartitionEvent},
    },
    ids::{Offset, TopicPartition},
    replica::rules::Protocol,
};
use bytes::Bytes;
use sim::{
    Executor, Moment, NodeId, Time, World,
    disk::{Death, PowerLossReport},
    world::{Died, Health, Left, Stepped},
};

use super::{
    director::{Change, Cue, Director, FaultId, Origin},
    faults::Undo,
    operations::Asked,
    replica_bytes::replica_bytes,
    stage::Cast,
};
use crate::{
    blackbox::ClientHistory,
    cluster::Node,
    format::{Point, Scenario},
    history::{CrashKind, DiskFault, FileChange, PowerLoss, Promised, UnsyncedChange},
    invariants::Watch,
};

/// A run in progress.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) scenario: Scenario,
    pub(super) world: World<Node>,
    pub(super) cast: Cast,
    pub(super) director: Director,
    pub(super) watch: Watch,
    /// What the clients saw, for the oracle that knows nothing else.
    pub(super) clients: ClientHistory,
    /// What takes back each fault that lasts.
    undo: BTreeMap<FaultId, Undo>,
    /// What alarms are for, by their tokens.
    cues: Vec<Cue>,
    /// Faults that begin when the outputs of a node's step have left.
    after_outputs: Vec<(NodeId, FaultId)>,
    /// Nodes that are to die at an operation and have not come to it yet.
    pub(super) armed: BTreeSet<NodeId>,
    /// What was done to the world, and when, for the story.
    pub(super) done: Vec<(u64, String)>,
    /// What operators asked for.
    pub(super) asked: Asked,
    /// Faults that could not be brought about, and why.
    pub(super) misfires: Vec<String>,
    /// How many events the run had.
    pub(super) events: u64,
    /// When the load began; the end of time before it does.
    pub(super) began: Time,
    /// How many brokers have begun to serve so far.
    pub(super) serving: usize,
    /// Who became the active controller last.
    pub(super) in_charge: Option<NodeId>,
    /// Who is gone for good, and since which incarnation it is.
    doomed: BTreeMap<NodeId, u32>,
    /// What the final reader got.
    pub(super) fresh: BTreeMap<TopicPartition, Vec<(Offset, Bytes)>>,
}

/// Why a run cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The cluster of the scenario cannot be set up.
    Setup(String),
    /// A process panicked.
    Panicked { node: String, message: String },
    /// The run reached its limit of time or of inputs.
    Limit(String),
}

impl Play {
    pub(super) fn new(
        scenario: Scenario,
        world: World<Node>,
        cast: Cast,
        director: Director,
    ) -> Self {
        let promised = match scenario.cluster.protocol {
            Protocol::Kip966 => Promised::UntilUncleanEnds,
            Protocol::Hw
            | Protocol::Kip101
            | Protocol::Kip279
            | Protocol::Kip320
            | Protocol::Kip595 => Promised::UntilDisksLoseIt,
        };
        Self {
            scenario,
            world,
            cast,
            director,
            watch: Watch::new(promised),
            clients: ClientHistory::default(),
            undo: BTreeMap::new(),
            cues: Vec::new(),
            after_outputs: Vec::new(),
            armed: BTreeSet::new(),
            done: Vec::new(),
            asked: Asked::default(),
            misfires: Vec::new(),
            events: 0,
            began: Time::NEVER,
            serving: 0,
            in_charge: None,
            doomed: BTreeMap::new(),
            fresh: BTreeMap::new(),
        }
    }

    /// Goes on until `done` holds or `time` has come. Says whether it holds. Outputs that leave
    /// change nothing that it could look at: it is asked after steps and alarms.
    pub(super) async fn until(
        &mut self,
        time: Time,
        executor: &mut impl Executor<Node>,
        done: impl Fn(&Self) -> bool,
    ) -> Result<bool, Broken> {
        let mut is_done = done(self);
        while !is_done {
            match self.world.advance_until(time, executor).await {
                Moment::Stepped(stepped) => self.on_stepped(&stepped)?,
                Moment::Left(left) => {
                    self.on_left(&left);
                    continue;
                }
                Moment::Alarm { token } => self.on_alarm(token)?,
                Moment::Reached => return Ok(done(self)),
                Moment::Ended(ending) => return Err(self.broken(&ending)),
            }
            is_done = done(self);
        }
        Ok(true)
    }

    /// Makes processes for nodes and starts them.
    pub(super) fn start(&mut self, nodes: &[NodeId]) -> Result<(), Broken> {
        self.start_dead(nodes).map_err(Broken::Setup)
    }

    /// Starts those of the nodes on which nothing lives.
    pub(super) fn start_dead(&mut self, nodes: &[NodeId]) -> Result<(), String> {
        for &node in nodes {
            if !self.is_alive(node) {
                let process = self.cast.process(&self.scenario, &self.world, node)?;
                self.world.start(node, process);
                self.watch.on_started(self.at(), self.world.name(node));
            }
        }
        Ok(())
    }

    pub(super) fn is_alive(&self, node: NodeId) -> bool {
        matches!(self.world.health(node), Health::Running | Health::Paused)
    }

    /// Nanoseconds since the load began, as scenario files count. What happens before is at zero.
    pub(super) fn at(&self) -> u64 {
        self.world.now().0.saturating_sub(self.began.0)
    }

    /// The load begins now: the faults wait for their times and events.
    pub(super) fn arm(&mut self) {
        self.began = self.world.now();
        for (time, cue) in self.director.arm(self.began) {
            self.cue_at(time, cue);
        }
    }

    /// Everything that lasts is taken back, and what is dead is started, but for who is gone for
    /// good.
    pub(super) fn heal_everything(&mut self) -> Result<(), Broken> {
        for id in self.director.lasting() {
            if !self.director.fault(id).permanent {
                self.end(id)?;
            }
        }
        self.world.heal_all();
        let comes_back = |node: &NodeId| self.was_started(*node) && !self.is_gone(*node);
        let nodes: Vec<_> = self.world.nodes().filter(comes_back).collect();
        for node in &nodes {
            self.world.resume(*node);
        }
        self.start(&nodes)
    }

    /// Whether a fault declared permanent keeps this node away: nobody started it again.
    pub(super) fn is_gone(&self, node: NodeId) -> bool {
        self.doomed.get(&node) == Some(&self.world.incarnation(node))
    }

    fn was_started(&self, node: NodeId) -> bool {
        0 < self.world.incarnation(node) && self.cast.is_of_scenario(node)
    }

    fn on_stepped(&mut self, stepped: &Stepped<Node>) -> Result<(), Broken> {
        let (node, at) = (stepped.node, self.at());
        let is_final_reader = self.cast.is_final_reader(node);
        let mut fired = Vec::new();
        for event in &stepped.events {
            self.events += 1;
            self.note_who_is_in_charge(node, event);
            if self.watch.history().is_retold(event) {
                continue;
            }
            self.on_event_for_phases(event, is_final_reader);
            self.misfires.extend(self.asked.refusal(event));
            let name = self.world.name(node);
            self.watch.on_event(at, name, event);
            self.clients.on_event(self.world.now().0, event);
            fired.extend(self.director.observe(name, event));
            if let Event::Partition(PartitionEvent::Recovered(recovered)) = &**event {
                self.compare_with_bytes(node, &recovered.partition);
            }
        }
        if let Some(died) = &stepped.died {
            self.on_died(node, died);
        }
        for fired in fired {
            match (fired.what, fired.point) {
                (Change::Ends, _) => self.end(fired.fault)?,
                (Change::Begins, Point::BeforeOutputs) => self.begin(fired.fault),
                (Change::Begins, Point::AfterOutputs) => {
                    self.after_outputs.push((node, fired.fault));
                }
            }
        }
        Ok(())
    }

    fn note_who_is_in_charge(&mut self, node: NodeId, event: &Event) {
        if matches!(event, Event::Controller(ControllerEvent::ControllerActive { .. })) {
            self.in_charge = Some(node);
        }
    }

    fn on_left(&mut self, left: &Left<Node>) {
        if self.after_outputs.is_empty() {
            return;
        }
        let (now, later) = self.after_outputs.drain(..).partition(|(node, _)| *node == left.node);
        self.after_outputs = later;
        let now: Vec<(NodeId, FaultId)> = now;
        for (_, fault) in now {
            self.begin(fault);
        }
    }

    fn on_alarm(&mut self, token: u64) -> Result<(), Broken> {
        let index = usize::try_from(token).expect("tokens are indexes");
        match self.cues[index] {
            Cue::Begin(fault) => {
                self.begin(fault);
                Ok(())
            }
            Cue::End(fault) => self.end(fault),
        }
    }

    fn begin(&mut self, id: FaultId) {
        let fault = self.director.fault(id);
        let end = self.began.plus(self.scenario.duration.0);
        let rest = end.since(self.world.now());
        let lasts: Duration = fault.lasts.map_or(rest, |lasts| lasts.0);
        let origin = self.director.origin(id);
        let undo = match self.act(&fault.action, lasts, origin) {
            Ok(undo) => undo,
            Err(error) => {
                let why = format!("{}: {error}", fault.action.name());
                match origin {
                    Origin::Written => self.misfires.push(why),
                    Origin::Drawn => self.done.push((self.at(), why)),
                }
                self.director.on_over(id);
                return;
            }
        };
        let mut words = self.words_of(&fault.action, &undo);
        if fault.permanent {
            words.push_str(", for good");
            self.doom(&undo);
        }
        self.done.push((self.at(), words));
        self.undo.insert(id, undo);
        if let Some((time, cue)) = self.director.on_begun(id, self.world.now()) {
            self.cue_at(time, cue);
        }
    }

    fn doom(&mut self, undo: &Undo) {
        let (Undo::Start(nodes) | Undo::EndShutdown(nodes, _)) = undo else {
            unreachable!("{undo:?} starts nobody again")
        };
        for node in nodes {
            self.doomed.insert(*node, self.world.incarnation(*node));
        }
    }

    fn end(&mut self, id: FaultId) -> Result<(), Broken> {
        if !self.director.lasts(id) {
            return Ok(());
        }
        self.director.on_over(id);
        if let Some(undo) = self.undo.remove(&id) {
            self.undo(&undo).map_err(Broken::Setup)?;
            let at = self.at();
            self.done.extend(self.words_of_undo(&undo).map(|words| (at, words)));
        }
        Ok(())
    }

    fn cue_at(&mut self, time: Time, cue: Cue) {
        self.world.alarm_at(time, self.cues.len() as u64);
        self.cues.push(cue);
    }

    fn on_died(&mut self, node: NodeId, died: &Died) {
        let kind = match died.point.death {
            Death::Crash => CrashKind::KilledInStep,
            Death::PowerOff(_) => CrashKind::PoweredOffInStep,
        };
        self.armed.remove(&node);
        self.told_of_crash(node, kind);
        if let Some(report) = &died.power_loss {
            self.told_of_power_loss(node, report);
        }
    }

    /// A log was opened: what the events said of it must be what is on the disk.
    fn compare_with_bytes(&mut self, node: NodeId, partition: &TopicPartition) {
        let bytes = replica_bytes(&self.world, node, partition);
        let name = self.world.name(node);
        self.watch.on_replica_bytes(self.at(), name, partition, &bytes);
    }

    pub(super) fn told_of_crash(&mut self, node: NodeId, kind: CrashKind) {
        self.watch.on_crash(self.at(), self.world.name(node), kind);
    }

    pub(super) fn told_of_disk(&mut self, node: NodeId, fault: &DiskFault) {
        self.watch.on_fault(self.at(), self.world.name(node), fault);
    }

    pub(super) fn told_of_power_loss(&mut self, node: NodeId, report: &PowerLossReport) {
        let changes = report.operations.iter().map(|(operation, _)| UnsyncedChange {
            path: operation.path.clone(),
            change: match operation.operation {
                sim::DiskOperation::Append
                | sim::DiskOperation::WriteAt
                | sim::DiskOperation::Truncate => FileChange::Bytes { from: operation.position },
                _ => FileChange::Name,
            },
        });
        let loss = PowerLoss { unsynced: changes.collect() };
        self.watch.on_power_loss(self.at(), self.world.name(node), &loss);
    }

    fn broken(&self, ending: &sim::Ending) -> Broken {
        match ending {
            sim::Ending::Panicked { node, message } => Broken::Panicked {
                node: self.world.name(*node).to_string(),
                message: message.clone(),
            },
            sim::Ending::Livelock { .. } => {
                Broken::Limit(format!("it goes in circles at {}", self.world.now()))
            }
            sim::Ending::Quiet => Broken::Limit("nothing more happens".to_owned()),
            sim::Ending::TimeLimit { max } => Broken::Limit(format!("its time of {max} is over")),
            sim::Ending::InputLimit { max } => Broken::Limit(format!("it had {max} inputs")),
        }
    }
}
