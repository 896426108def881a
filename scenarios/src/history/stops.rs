//! How incarnations of brokers end, and what their disks lose.

use broker::ids::{BrokerId, Offset};

use super::{
    DiskFault, FileChange, History, Leadership, PowerLoss, UnsyncedChange, When, broker_of,
    disk::{LogPath, log_path},
    partition::PartitionHistory,
    replica::{LastStep, Part, Power, Stopped, Why},
};

/// How the host ended a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashKind {
    /// kill -9 between two steps.
    Killed,
    /// kill -9 at a disk operation inside a step: what the step did before was not all told.
    KilledInStep,
    /// The host lost power; [`History::on_power_loss`] says what its disk lost.
    PoweredOff,
    /// The host lost power at a disk operation inside a step.
    PoweredOffInStep,
}

/// How an incarnation of a broker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with everything on disk and the marker that says so.
    Clean,
    /// kill -9.
    Killed,
    /// A power loss.
    PoweredOff,
    /// By itself, for its disk failed.
    Halted,
}

/// One life of a broker's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incarnation {
    /// The broker.
    pub broker: BrokerId,
    /// When it started.
    pub started: When,
    /// When and how it ended, if it did.
    pub ended: Option<(When, End)>,
}

impl History {
    /// The host started the node.
    pub fn on_started(&mut self, at: u64, node: &str) {
        self.tick(at);
        if let Some(broker) = broker_of(node) {
            self.incarnations.push(Incarnation { broker, started: self.now, ended: None });
        }
    }

    /// The host ended the node's process.
    pub fn on_crash(&mut self, at: u64, node: &str, kind: CrashKind) {
        self.tick(at);
        let Some(broker) = broker_of(node) else { return };
        let (end, power, last_step) = match kind {
            CrashKind::Killed => (End::Killed, Power::Kept, LastStep::Whole),
            CrashKind::KilledInStep => (End::Killed, Power::Kept, LastStep::CutShort),
            CrashKind::PoweredOff => (End::PoweredOff, Power::Lost, LastStep::Whole),
            CrashKind::PoweredOffInStep => (End::PoweredOff, Power::Lost, LastStep::CutShort),
        };
        self.end_incarnation(broker, end);
        self.stop_replicas(broker, power, last_step);
    }

    /// What the power loss of a node, told by [`History::on_crash`] before, found that was not
    /// durable on its disk. Without it, a power loss loses nothing that was written.
    pub fn on_power_loss(&mut self, at: u64, node: &str, loss: &PowerLoss) {
        self.tick(at);
        let Some(broker) = broker_of(node) else { return };
        for change in &loss.unsynced {
            self.excuse(broker, change);
        }
    }

    /// A fault was injected into the node's disk.
    pub fn on_fault(&mut self, at: u64, node: &str, fault: &DiskFault) {
        self.tick(at);
        let Some(broker) = broker_of(node) else { return };
        match fault {
            DiskFault::Damaged(change) => self.excuse(broker, change),
            DiskFault::Wiped => {
                let now = self.now;
                for partition in self.partitions.values_mut() {
                    if let Some(replica) = partition.replicas.get_mut(&broker) {
                        replica.cut(Offset::ZERO, now, |_| Why::Wipe);
                        replica.log_start = Offset::ZERO;
                    }
                }
            }
        }
    }

    pub(super) fn end_incarnation(&mut self, broker: BrokerId, end: End) {
        let now = self.now;
        let last = self.incarnations.iter_mut().rev().find(|life| life.broker == broker);
        if let Some(life) = last.filter(|life| life.ended.is_none()) {
            life.ended = Some((now, end));
            self.note_end(broker, now, end);
        }
        let led: Vec<_> = self
            .partitions
            .values()
            .filter(|partition| leads(partition, broker))
            .map(|partition| partition.name.clone())
            .collect();
        for name in led {
            self.set_leadership(&name, Leadership::Leaderless);
        }
    }

    fn stop_replicas(&mut self, broker: BrokerId, power: Power, last_step: LastStep) {
        let when = self.now;
        for partition in self.partitions.values_mut() {
            if let Some(replica) = partition.replicas.get_mut(&broker) {
                // A second stop before the log was opened again loses what the first one may have.
                let before = replica.stopped.and_then(|stop| stop.unsynced_from);
                let damaged = replica.damaged_from;
                let unsynced_from = [before, damaged].into_iter().flatten().min();
                replica.stopped = Some(Stopped { when, power, last_step, unsynced_from });
            }
        }
    }

    fn excuse(&mut self, broker: BrokerId, change: &UnsyncedChange) {
        let (name, segment) = match log_path(&change.path) {
            Some(LogPath::Segment(name, base)) => (name, Some(base)),
            Some(LogPath::Directory(name)) => (name, None),
            None => return,
        };
        let partition = self.partitions.get_mut(&name);
        let Some(replica) = partition.and_then(|p| p.replicas.get_mut(&broker)) else { return };
        let from = match (segment, change.change) {
            (None, FileChange::Bytes { .. } | FileChange::Name) => Offset::ZERO,
            (Some(base), FileChange::Name) => base,
            (Some(base), FileChange::Bytes { from }) => replica.offset_at(base, from),
        };
        let first = |known: Option<Offset>| Some(known.map_or(from, |known| known.min(from)));
        match &mut replica.stopped {
            Some(stopped) => stopped.unsynced_from = first(stopped.unsynced_from),
            None => replica.damaged_from = first(replica.damaged_from),
        }
    }
}

fn leads(partition: &PartitionHistory, broker: BrokerId) -> bool {
    let role = partition.replica(broker).and_then(|replica| replica.role);
    let leads = matches!(role, Some((_, Part::Leader { .. })));
    leads && partition.metadata.current().is_some_and(|record| record.leader == Some(broker))
}
