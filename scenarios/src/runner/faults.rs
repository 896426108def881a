//! Bringing a fault upon the world, and taking it back.

use core::time::Duration;
use std::collections::BTreeSet;

use broker::{
    ids::{TopicId, TopicName},
    protocol::ApiKey,
};
use sim::{
    DiskOperation, LinkProfile, NodeId, RuleAction, RuleId,
    disk::{CrashPoint, Death, DiskFault, DiskLatency, PathPattern, Unsynced},
};

use super::{
    director::Origin,
    messages::{Picked, PickedTopic},
    play::Play,
    stage::ratio,
};
use crate::{
    format::{
        self, Action, ChangingOperation, Clock, CrashAtOperation, Direction, DiskCall, Groups,
        Healed, Messages, PeriodRange, Targets,
    },
    history::{CrashKind, FileChange, UnsyncedChange},
};

/// What takes a fault back.
#[derive(Clone, Debug)]
pub(super) enum Undo {
    Nothing,
    Start(Vec<NodeId>),
    /// Starts those that were asked to end; who has not ended yet is killed first, as an init
    /// system does. The incarnations that were asked stand beside them.
    EndShutdown(Vec<NodeId>, Vec<u32>),
    Resume(Vec<NodeId>),
    Heal(Vec<(NodeId, NodeId)>),
    Links(Vec<(NodeId, NodeId, LinkProfile)>),
    Release(RuleId),
    RepairDisks(Vec<NodeId>),
    /// Starts those that died at an operation; of the others it is no longer deadly.
    Disarm(Vec<NodeId>),
    SetClocks(Vec<NodeId>, Clock),
}

impl Play {
    /// Does what an action says, now. `lasts` is how long it is meant to last.
    ///
    /// # Errors
    /// It found nobody.
    pub(super) fn act(
        &mut self,
        action: &Action,
        lasts: Duration,
        origin: Origin,
    ) -> Result<Undo, String> {
        match action {
            Action::Cut(cut) => {
                let links = self.links(&cut.groups, cut.one_way)?;
                Ok(self.cut(links))
            }
            Action::Isolate(isolate) => self.isolate(&isolate.targets),
            Action::Heal(heal) => self.heal(&heal.groups),
            Action::Crash(crash) => {
                let nodes = self.nodes_of(&crash.targets)?;
                for node in &nodes {
                    self.crash(*node);
                }
                Ok(Undo::Start(nodes))
            }
            Action::PowerOff(off) => {
                let nodes = self.nodes_of(&off.targets)?;
                for node in &nodes {
                    self.power_off(*node, unsynced(off.unsynced));
                }
                Ok(Undo::Start(nodes))
            }
            Action::Shutdown(shutdown) => {
                let nodes = self.nodes_of(&shutdown.targets)?;
                for node in &nodes {
                    self.world.ask_shutdown(*node);
                }
                let asked = nodes.iter().map(|node| self.world.incarnation(*node)).collect();
                Ok(Undo::EndShutdown(nodes, asked))
            }
            Action::Start(start) => {
                let nodes = self.nodes_of(&start.targets)?;
                self.start_dead(&nodes)?;
                Ok(Undo::Nothing)
            }
            Action::Pause(pause) => {
                let nodes = self.nodes_of(&pause.targets)?;
                for node in &nodes {
                    self.world.pause(*node);
                }
                Ok(Undo::Resume(nodes))
            }
            Action::SlowLink(_) | Action::Throttle(_) | Action::Loss(_) | Action::Reset(_) => {
                self.bend_links(action)
            }
            Action::Hold(_) | Action::Delay(_) | Action::DropWithReset(_) => {
                self.pick_messages(action)
            }
            Action::DiskError(_)
            | Action::DiskFull(_)
            | Action::DiskStall(_)
            | Action::DiskSlow(_)
            | Action::DiskBitFlip(_)
            | Action::DiskWipe(_)
            | Action::CrashAtOperation(_) => self.spoil_disks(action, lasts),
            Action::Clock(clock) => self.set_clocks(clock),
            Action::Elect(elect) => self.elect(&elect.wanted, origin),
            Action::ElectPreferred(_)
            | Action::Reassign(_)
            | Action::SetConfig(_)
            | Action::AddPartitions(_) => self.operate(action, origin),
        }
    }

    fn isolate(&mut self, targets: &Targets) -> Result<Undo, String> {
        let nodes = self.nodes_of(targets)?;
        let others: Vec<_> = self.world.nodes().filter(|node| !nodes.contains(node)).collect();
        Ok(self.cut(across(&[nodes, others], false)))
    }

    /// Takes a fault back.
    ///
    /// # Errors
    /// A process cannot be made anew.
    pub(super) fn undo(&mut self, undo: &Undo) -> Result<(), String> {
        match undo {
            Undo::Nothing => {}
            Undo::Start(nodes) => self.start_dead(nodes)?,
            Undo::EndShutdown(nodes, asked) => {
                for (&node, &asked) in nodes.iter().zip(asked) {
                    if self.world.incarnation(node) == asked {
                        self.crash(node);
                    }
                }
                self.start_dead(nodes)?;
            }
            Undo::Resume(nodes) => {
                for node in nodes {
                    self.world.resume(*node);
                }
            }
            Undo::Heal(links) => {
                for (from, to) in links {
                    self.world.heal_one_way(*from, *to);
                }
            }
            Undo::Links(links) => {
                for (from, to, profile) in links {
                    self.world.set_link(*from, *to, profile.clone());
                }
            }
            Undo::Release(rule) => self.world.release(*rule),
            Undo::RepairDisks(nodes) => {
                for node in nodes {
                    self.world.disk_fault(*node, DiskFault::Heal);
                }
            }
            Undo::Disarm(nodes) => {
                for node in nodes {
                    self.world.disk_fault(*node, DiskFault::Heal);
                    if self.armed.remove(node) {
                        let name = self.world.name(*node);
                        let never = format!("crash-at-operation: {name} did no such operation");
                        self.misfires.push(never);
                    }
                }
                self.start_dead(nodes)?;
            }
            Undo::SetClocks(nodes, clock) => {
                for node in nodes {
                    self.turn_clock(*node, clock, Turn::Back);
                }
            }
        }
        Ok(())
    }

    fn cut(&mut self, links: Vec<(NodeId, NodeId)>) -> Undo {
        for (from, to) in &links {
            self.world.cut_one_way(*from, *to);
        }
        Undo::Heal(links)
    }

    fn heal(&mut self, healed: &Healed) -> Result<Undo, String> {
        match healed {
            Healed::All(_) => self.world.heal_all(),
            Healed::Groups(groups) => {
                for (from, to) in self.links(groups, false)? {
                    self.world.heal_one_way(from, to);
                }
            }
        }
        Ok(Undo::Nothing)
    }

    fn bend_links(&mut self, action: &Action) -> Result<Undo, String> {
        let (groups, one_way) = match action {
            Action::SlowLink(slow) => (&slow.groups, slow.one_way),
            Action::Throttle(throttle) => (&throttle.groups, throttle.one_way),
            Action::Loss(loss) => (&loss.groups, loss.one_way),
            Action::Reset(reset) => {
                for (one, other) in self.links(&reset.groups, true)? {
                    self.world.reset_connections(one, other);
                }
                return Ok(Undo::Nothing);
            }
            other => unreachable!("{} bends no link", other.name()),
        };
        let mut before = Vec::new();
        for (from, to) in self.links(groups, one_way)? {
            let usual = self.world.link(from, to);
            let mut bent = usual.clone();
            match action {
                Action::SlowLink(slow) => {
                    let (shortest, longest) = slow.latency.ends();
                    bent.latency = shortest..=longest;
                }
                Action::Throttle(throttle) => bent.bandwidth = Some(throttle.bandwidth.0),
                Action::Loss(loss) => bent.loss = ratio(loss.share),
                other => unreachable!("{} bends no link", other.name()),
            }
            self.world.set_link(from, to, bent);
            before.push((from, to, usual));
        }
        Ok(Undo::Links(before))
    }

    fn pick_messages(&mut self, action: &Action) -> Result<Undo, String> {
        let (messages, rule, usual_count) = match action {
            Action::Hold(hold) => (&hold.messages, RuleAction::Hold, u32::MAX),
            Action::Delay(delay) => {
                let by = self.drawn("delay", delay.by);
                (&delay.messages, RuleAction::Delay(by), u32::MAX)
            }
            Action::DropWithReset(drop) => (&drop.messages, RuleAction::DropWithReset, 1),
            other => unreachable!("{} picks no message", other.name()),
        };
        let picked = self.picked(messages)?;
        let count = messages.count.map_or(usual_count, |n| u32::try_from(n).unwrap_or(u32::MAX));
        let rule = self.world.add_rule(rule, count, move |info| picked.matches(info));
        let skip = u32::try_from(messages.nth.saturating_sub(1)).unwrap_or(u32::MAX);
        if 0 < skip {
            self.world.skip_matches(rule, skip);
        }
        Ok(Undo::Release(rule))
    }

    fn picked(&self, messages: &Messages) -> Result<Picked, String> {
        let api = ApiKey::ALL.iter().copied().find(|api| api.name() == messages.api);
        let end = |targets: &Option<Targets>| -> Result<Option<BTreeSet<NodeId>>, String> {
            let nodes = targets.as_ref().map(|targets| self.nodes_of(targets)).transpose()?;
            Ok(nodes.map(|nodes| nodes.into_iter().collect()))
        };
        let partition = messages.partition.and_then(|number| i32::try_from(number).ok());
        let topic = messages.topic.as_deref().map(|name| {
            let name = TopicName::from(name);
            PickedTopic { id: self.topic_id(&name), name, partition }
        });
        Ok(Picked {
            api: api.ok_or_else(|| format!("no API is called {}", messages.api))?,
            response: messages.response,
            from: end(&messages.from)?,
            to: end(&messages.to)?,
            topic,
        })
    }

    fn topic_id(&self, name: &TopicName) -> Option<TopicId> {
        if *name == TopicName::cluster_metadata() {
            return Some(TopicId::CLUSTER_METADATA);
        }
        let mut partitions = self.watch.history().partitions().keys();
        let first = partitions.find(|partition| partition.topic == *name)?;
        self.record(first).map(|record| record.topic_id)
    }

    fn spoil_disks(&mut self, action: &Action, lasts: Duration) -> Result<Undo, String> {
        let targets = match action {
            Action::DiskError(fault) => &fault.targets,
            Action::DiskFull(fault) => &fault.targets,
            Action::DiskStall(fault) => &fault.targets,
            Action::DiskSlow(fault) => &fault.targets,
            Action::DiskBitFlip(fault) => &fault.targets,
            Action::DiskWipe(fault) => &fault.targets,
            Action::CrashAtOperation(fault) => &fault.targets,
            other => unreachable!("{} spoils no disk", other.name()),
        };
        let nodes = self.nodes_of(targets)?;
        for &node in &nodes {
            self.spoil_disk(node, action, lasts)?;
        }
        Ok(match action {
            Action::DiskWipe(_) => Undo::Start(nodes),
            Action::CrashAtOperation(_) => Undo::Disarm(nodes),
            Action::DiskBitFlip(_) => Undo::Nothing,
            _ => Undo::RepairDisks(nodes),
        })
    }

    fn spoil_disk(&mut self, node: NodeId, action: &Action, lasts: Duration) -> Result<(), String> {
        let fault = match action {
            Action::DiskError(fault) => DiskFault::Fail {
                operations: operations(fault.on),
                path: pattern(fault.path.as_deref()),
                count: fault.count.map_or(u32::MAX, |n| u32::try_from(n).unwrap_or(u32::MAX)),
            },
            Action::DiskFull(_) => DiskFault::Fill,
            Action::DiskStall(_) => DiskFault::Stall(lasts),
            Action::DiskSlow(slow) => {
                let each = slow.latency.0;
                DiskFault::Latency(DiskLatency { read: each, write: each, sync: each })
            }
            Action::CrashAtOperation(point) => {
                self.armed.insert(node);
                DiskFault::CrashAt(crash_point(point))
            }
            Action::DiskWipe(_) => {
                self.crash(node);
                self.told_of_disk(node, &crate::history::DiskFault::Wiped);
                DiskFault::Wipe
            }
            Action::DiskBitFlip(flip) => return self.flip_bit(node, &flip.path),
            other => unreachable!("{} spoils no disk", other.name()),
        };
        self.world.disk_fault(node, fault);
        Ok(())
    }

    fn flip_bit(&mut self, node: NodeId, part: &str) -> Result<(), String> {
        let disk = self.world.disk(node);
        let filled = |path: &String| disk.peek(path).is_some_and(|bytes| !bytes.is_empty());
        let paths: Vec<_> =
            disk.paths().into_iter().filter(|path| path.contains(part) && filled(path)).collect();
        if paths.is_empty() {
            return Err(format!("no file of {} has {part} in its path", self.world.name(node)));
        }
        let key = format!("{} {}", self.world.name(node), self.world.now());
        let chosen = self.world.draws().stream("file to damage", &key).below(paths.len());
        let path = &paths[chosen];
        if let Some(bit) = self.world.flip_some_bit(node, path) {
            let change = FileChange::Bytes { from: bit / 8 };
            let damaged = UnsyncedChange { path: path.clone(), change };
            self.told_of_disk(node, &crate::history::DiskFault::Damaged(damaged));
        }
        Ok(())
    }

    fn set_clocks(&mut self, clock: &Clock) -> Result<Undo, String> {
        let nodes = self.nodes_of(&clock.targets)?;
        for &node in &nodes {
            self.turn_clock(node, clock, Turn::Wrong);
        }
        Ok(Undo::SetClocks(nodes, clock.clone()))
    }

    fn turn_clock(&mut self, node: NodeId, clock: &Clock, turn: Turn) {
        if let Some(jump) = clock.jump {
            match (jump.direction, turn) {
                (Direction::Forward, Turn::Wrong) | (Direction::Back, Turn::Back) => {
                    self.world.jump_clock_forward(node, jump.by.0);
                }
                (Direction::Back, Turn::Wrong) | (Direction::Forward, Turn::Back) => {
                    self.world.jump_clock_back(node, jump.by.0);
                }
            }
        }
        if let Some(ppm) = clock.drift_ppm {
            let ppm = match turn {
                Turn::Wrong => ppm,
                Turn::Back => 0,
            };
            self.world.drift_clock(node, ppm);
        }
    }

    fn links(&self, groups: &Groups, one_way: bool) -> Result<Vec<(NodeId, NodeId)>, String> {
        let groups = groups.iter().map(|targets| self.nodes_of(targets));
        Ok(across(&groups.collect::<Result<Vec<_>, _>>()?, one_way))
    }

    fn drawn(&self, concern: &str, range: PeriodRange) -> Duration {
        let (shortest, longest) = range.ends();
        let key = self.world.now().to_string();
        self.world.draws().stream(concern, &key).duration(&(shortest..=longest))
    }

    /// Kills a process, if one lives there.
    pub(super) fn crash(&mut self, node: NodeId) {
        if self.is_alive(node) {
            self.world.crash(node);
            self.told_of_crash(node, CrashKind::Killed);
        }
    }

    /// Takes the power from a machine, if it has any.
    fn power_off(&mut self, node: NodeId, unsynced: Unsynced) {
        if self.world.health(node) == sim::world::Health::Off {
            return;
        }
        let alive = self.is_alive(node);
        let report = self.world.power_off(node, unsynced);
        if alive {
            self.told_of_crash(node, CrashKind::PoweredOff);
        }
        self.told_of_power_loss(node, &report);
    }
}

/// Which way a clock is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Wrong,
    Back,
}

/// The links from each group to the others.
fn across(groups: &[Vec<NodeId>], one_way: bool) -> Vec<(NodeId, NodeId)> {
    let mut links = Vec::new();
    for (at, one) in groups.iter().enumerate() {
        for other in &groups[at + 1..] {
            for &from in one {
                for &to in other.iter().filter(|to| **to != from) {
                    links.push((from, to));
                    if !one_way {
                        links.push((to, from));
                    }
                }
            }
        }
    }
    links
}

fn unsynced(unsynced: format::Unsynced) -> Unsynced {
    match unsynced {
        format::Unsynced::Keep => Unsynced::Keep,
        format::Unsynced::Drop => Unsynced::Drop,
        format::Unsynced::Prefix => Unsynced::Prefix,
        format::Unsynced::Torn => Unsynced::Torn,
        format::Unsynced::EachOnItsOwn => Unsynced::EachOnItsOwn,
        format::Unsynced::BySeed => Unsynced::BySeed,
    }
}

fn pattern(part: Option<&str>) -> PathPattern {
    part.map_or(PathPattern::Any, |part| PathPattern::Contains(part.to_owned()))
}

fn crash_point(point: &CrashAtOperation) -> CrashPoint {
    CrashPoint {
        operation: point.operation.map(changing),
        path: pattern(point.path.as_deref()),
        nth: point.nth,
        death: point.unsynced.map_or(Death::Crash, |data| Death::PowerOff(unsynced(data))),
    }
}

fn changing(operation: ChangingOperation) -> DiskOperation {
    match operation {
        ChangingOperation::Create => DiskOperation::Create,
        ChangingOperation::Append => DiskOperation::Append,
        ChangingOperation::WriteAt => DiskOperation::WriteAt,
        ChangingOperation::Truncate => DiskOperation::Truncate,
        ChangingOperation::Rename => DiskOperation::Rename,
        ChangingOperation::Remove => DiskOperation::Remove,
        ChangingOperation::CreateDir => DiskOperation::CreateDir,
        ChangingOperation::RemoveDir => DiskOperation::RemoveDir,
        ChangingOperation::Sync => DiskOperation::Sync,
        ChangingOperation::SyncDir => DiskOperation::SyncDir,
    }
}

fn operations(call: DiskCall) -> Vec<DiskOperation> {
    match call {
        DiskCall::Read => vec![DiskOperation::ReadAt],
        DiskCall::Write => vec![
            DiskOperation::Create,
            DiskOperation::Append,
            DiskOperation::WriteAt,
            DiskOperation::Truncate,
            DiskOperation::Rename,
            DiskOperation::Remove,
            DiskOperation::CreateDir,
            DiskOperation::RemoveDir,
        ],
        DiskCall::Sync => vec![DiskOperation::Sync, DiskOperation::SyncDir],
    }
}
