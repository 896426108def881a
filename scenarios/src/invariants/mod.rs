//! What must hold at every moment, checked after every event: one promise per file.
//!
//! Each check looks only at what the event changed; none searches the state, so that the work per
//! event does not grow with the run. The invariants are Kafka's, as its TLA+ models name them, and
//! say nothing of a protocol's excuses: a truncation to the high watermark breaks them, as it
//! should.
//!
//! | file | in the models | oracle | first broken under |
//! |---|---|---|---|
//! | [`type_ok`] | `TypeOk`, `ValidControllerIsrAndElr` | O8 | never |
//! | [`leader_in_isr`] | `LeaderInIsr` | O8 | never |
//! | [`strong_isr`] | `StrongIsr`, over ISR and ELR | O8 | `hw`, `kip-101`, `kip-279` |
//! | [`weak_isr`] | `WeakIsr`; a signal, no violation | O8 | any, by zombies |
//! | [`valid_high_watermark`] | `ValidHighWatermark` of `AsyncIsr` | O4 | `hw` to `kip-279` |
//! | [`high_watermark_sanity`] | – | O4 | never |
//! | [`hw_below_min_isr`] | – (KIP-966) | O4 | watched under `kip-966` only |
//! | [`acknowledged_records_durable`] | `Durable` | O1 | `hw`, `kip-101`, `kip-279` |
//! | [`committed_data_unchanged`] | `NoConflict` | O2 | `hw`, `kip-101`, `kip-279` |
//! | [`exposed_stable`] | `ExposedStable` | O2 | `hw`, `kip-101`, `kip-279` |
//! | [`log_matching`] | `PrefixMatch` | O3 (i) | `hw`, `kip-101`, `kip-279` |
//! | [`log_match`] | `LogMatch` | O3 (ii) | `hw`, `kip-101`, `kip-279` |
//! | [`epochs_non_decreasing`] | `MonoEpoch` | O3 (iii) | `hw`, `kip-101`, `kip-279` |
//! | [`min_hw`] | `MinHw` | O3 (iv) | `hw`, `kip-101`, `kip-279` |
//! | [`acked_too_early`] | – | O1 | never |
//! | [`one_leader_per_epoch`], [`lawful_deletion`], [`model_equals_bytes`] | – | – | never |
//! | [`quorum`]: of the controllers' log | – (`RaftEventSimulationTest`) | – | never |
//!
//! Under `kip-320`, `kip-595` and `kip-966` all hold, and a violation is a find. O5 (no duplicate),
//! O6 (order) and O7 (isolation) are judged at the end, by [`crate::oracle`]; O9 (liveness) by the
//! runner, which waits for recovery.

mod acked_too_early;
mod acknowledged_records_durable;
mod committed_data_unchanged;
mod epochs_non_decreasing;
mod exposed_stable;
mod high_watermark_sanity;
mod hw_below_min_isr;
mod lawful_deletion;
mod leader_in_isr;
mod log_match;
mod log_matching;
mod min_hw;
mod model_equals_bytes;
mod one_leader_per_epoch;
mod quorum;
mod strong_isr;
#[cfg(test)]
mod tests;
mod type_ok;
mod valid_high_watermark;
mod weak_isr;

use std::collections::BTreeSet;

use broker::{
    host::event::{ConsumerEvent, ControllerEvent, Event, PartitionEvent},
    ids::{BrokerId, TopicPartition},
};

use crate::history::{
    CrashKind, DiskFault, Fact, FinalRead, History, PartitionHistory, PowerLoss, Promised,
    ReplicaBytes, When, broker_of, partition_of,
};

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name.
    pub invariant: &'static str,
    /// When it broke.
    pub at: When,
    /// The node whose event broke it.
    pub node: String,
    /// What was found.
    pub detail: String,
}

/// A history and the invariants that watch it grow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watch {
    history: History,
    one_leader_per_epoch: one_leader_per_epoch::OneLeaderPerEpoch,
    high_watermark_sanity: high_watermark_sanity::HighWatermarkSanity,
    exposed_stable: exposed_stable::ExposedStable,
    quorum: quorum::QuorumInvariants,
    findings: Findings,
    signals: Findings,
}

impl Watch {
    /// A watch over a cluster that makes this promise.
    pub fn new(promised: Promised) -> Self {
        Self { history: History::new(promised), ..Self::default() }
    }

    /// The history so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The broken invariants, in the order in which they broke. Each is told once for a node and a
    /// partition: what follows from a broken promise is no news.
    pub fn violations(&self) -> &[Violation] {
        &self.findings.violations
    }

    /// What is worth following and breaks no promise, told as the violations are.
    pub fn signals(&self) -> &[Violation] {
        &self.signals.violations
    }

    /// Takes in what `node` tells at `at` (nanoseconds since the run began), and checks.
    pub fn on_event(&mut self, at: u64, node: &str, event: &Event) {
        if self.history.is_retold(event) {
            return;
        }
        self.history.on_event(at, node, event);
        let partition = match event {
            Event::Partition(event) => Some(partition_of(event)),
            Event::Controller(event) => leader_in_isr::partition_of(event),
            Event::Consumer(ConsumerEvent::Delivered(delivery)) => Some(&delivery.partition),
            Event::Broker(_) | Event::Producer(_) | Event::Consumer(_) => None,
        };
        if let Event::Controller(ControllerEvent::VoterMoved(state)) = event {
            self.quorum.check(self.history.now(), state, &mut self.findings);
        }
        if let Event::Controller(ControllerEvent::TopicDeleted { topic, .. }) = event {
            self.exposed_stable.forget(topic);
        }
        let Some(partition) = partition.and_then(|name| self.history.partition(name)) else {
            return;
        };
        let context = Context { history: &self.history, partition, node };
        match event {
            Event::Partition(event) => {
                let broker = broker_of(node);
                self.one_leader_per_epoch.check(&context, broker, event, &mut self.findings);
                self.high_watermark_sanity.check(&context, broker, event, &mut self.findings);
                acked_too_early::check(&context, broker, event, &mut self.findings);
                valid_high_watermark::check_moved(&context, broker, event, &mut self.findings);
                lawful_deletion::check(&context, broker, event, &mut self.findings);
                hw_below_min_isr::check(&context, broker, event, &mut self.findings);
                min_hw::check(&context, broker, event, &mut self.findings);
                weak_isr::check(&context, broker, event, &mut self.signals);
                if matches!(event, PartitionEvent::Reconciled { .. } | PartitionEvent::Appended(_))
                {
                    log_match::check(&context, broker, &mut self.findings);
                }
            }
            Event::Controller(event) => {
                type_ok::check(&context, event, &mut self.findings);
                leader_in_isr::check(&context, event, &mut self.findings);
                strong_isr::check_record(&context, event, &mut self.findings);
                valid_high_watermark::check_record(&context, event, &mut self.findings);
            }
            Event::Consumer(event) => {
                self.exposed_stable.check(&context, event, &mut self.findings);
            }
            Event::Broker(_) | Event::Producer(_) => {}
        }
        check_facts(&context, self.history.facts(), &mut self.findings);
    }

    /// The host started the node.
    pub fn on_started(&mut self, at: u64, node: &str) {
        self.quorum.on_started(node);
        self.history.on_started(at, node);
    }

    /// The host ended the node's process.
    pub fn on_crash(&mut self, at: u64, node: &str, kind: CrashKind) {
        self.history.on_crash(at, node, kind);
    }

    /// What the power loss of a node found that was not durable on its disk.
    pub fn on_power_loss(&mut self, at: u64, node: &str, loss: &PowerLoss) {
        self.history.on_power_loss(at, node, loss);
    }

    /// A fault was injected into the node's disk.
    pub fn on_fault(&mut self, at: u64, node: &str, fault: &DiskFault) {
        self.history.on_fault(at, node, fault);
    }

    /// The bytes of a replica, after its log was opened.
    pub fn on_replica_bytes(
        &mut self,
        at: u64,
        node: &str,
        name: &TopicPartition,
        bytes: &ReplicaBytes,
    ) {
        self.history.on_replica_bytes(at, node, name, bytes);
        if let Some(partition) = self.history.partition(name) {
            let context = Context { history: &self.history, partition, node };
            check_facts(&context, self.history.facts(), &mut self.findings);
        }
    }

    /// What the runner reads at the end.
    pub fn on_final_read(&mut self, at: u64, read: &FinalRead) {
        for ((name, broker), bytes) in &read.replicas {
            self.on_replica_bytes(at, &broker.to_string(), name, bytes);
        }
    }
}

fn check_facts(context: &Context<'_>, facts: &[Fact], findings: &mut Findings) {
    for fact in facts {
        match fact {
            Fact::Appended { broker, batch, after } => {
                log_matching::check(context, *broker, (*batch, *after), findings);
                epochs_non_decreasing::check(context, *broker, (*batch, *after), findings);
            }
            Fact::Committed { broker, last } => {
                strong_isr::check_commit(context, *broker, *last, findings);
            }
            Fact::Rewritten { broker, committed, now } => {
                committed_data_unchanged::check(context, *broker, (*committed, *now), findings);
            }
            Fact::CommittedCut { broker, first } => {
                strong_isr::check_cut(context, *broker, *first, findings);
            }
            Fact::AdoptedWithout { broker, leader_epoch, missing } => {
                let adopted = (*broker, *leader_epoch);
                acknowledged_records_durable::check(context, adopted, missing, findings);
            }
            Fact::OpenedOtherwise { .. } | Fact::BytesDiffer { .. } => {
                model_equals_bytes::check(context, fact, findings);
            }
        }
    }
}

/// Where an invariant looks.
struct Context<'a> {
    history: &'a History,
    partition: &'a PartitionHistory,
    node: &'a str,
}

/// What was found, each thing once.
#[derive(Clone, Debug, Default, PartialEq)]
struct Findings {
    violations: Vec<Violation>,
    told: BTreeSet<(&'static str, TopicPartition, Option<BrokerId>)>,
}

impl Findings {
    /// Notes that the invariant broke, for this replica; `detail` is asked only the first time.
    fn broke(
        &mut self,
        invariant: &'static str,
        context: &Context<'_>,
        replica: Option<BrokerId>,
        detail: impl FnOnce() -> String,
    ) {
        let name = &context.partition.name;
        self.note(invariant, name, replica, (context.history.now(), context.node), detail);
    }

    fn note(
        &mut self,
        invariant: &'static str,
        name: &TopicPartition,
        replica: Option<BrokerId>,
        (at, node): (When, &str),
        detail: impl FnOnce() -> String,
    ) {
        if self.told.insert((invariant, name.clone(), replica)) {
            let detail = format!("{name}: {}", detail());
            self.violations.push(Violation { invariant, at, node: node.to_owned(), detail });
        }
    }
}
