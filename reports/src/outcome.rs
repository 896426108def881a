//! Everything that is to be said about one run.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{ConsumerCounts, Moment, RecordCounts, Verdict};

/// Everything that is to be said about one run.
///
/// Serialised, this is the public JSON format: its top-level keys are these fields, in this order.
/// Keys may be added, none is renamed or removed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The name of the scenario.
    pub scenario: String,
    /// The name of the variant, if it was not the scenario as it stands.
    pub variant: Option<String>,
    /// The seed.
    pub seed: u64,
    /// The replication protocol that the brokers spoke.
    pub protocol: String,
    /// The hash of the run's trace: two runs of one seed have one hash.
    pub trace_hash: String,
    /// What the run was in one word.
    pub verdict: Verdict,
    /// Whether every expectation was met.
    pub passed: bool,
    /// What became of the records.
    pub records: RecordCounts,
    /// The longest time in which something could not be done.
    pub unavailable_ms: Unavailable,
    /// How long it took after all was healed, in milliseconds, until everything was well again:
    /// every broker serving, every replica in sync, every send ended, everything read. None if it
    /// was not.
    pub recovered_ms: Option<u64>,
    /// What each consumer got, by name.
    pub consumers: BTreeMap<String, ConsumerCounts>,
    /// Each lost, repeated, reordered record and whatever else was out of the ordinary.
    pub anomalies: Vec<Anomaly>,
    /// How often the clients' histories alone show which anomaly, by its name in Jepsen's checker.
    pub black_box: BTreeMap<String, u64>,
    /// Each broken invariant, in the order in which they broke.
    pub violations: Vec<Violation>,
    /// Each election, and each moment from which a partition had no leader.
    pub elections: Vec<Election>,
    /// Each truncation of a replica's log.
    pub truncations: Vec<Truncation>,
    /// Each change of an ISR without election.
    pub isr_changes: Vec<IsrChange>,
    /// How much virtual time passed, in milliseconds.
    pub simulated_ms: u64,
    /// How many events the run had.
    pub events: u64,
    /// What the author of the scenario expected, and what was.
    pub expectations: Vec<Expectation>,
}

/// The longest time in which something could not be done, over all partitions, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unavailable {
    /// A partition had no leader in the controller's record, or one that was not running.
    pub without_leader: u64,
    /// Records with acks=all waited, and none of the partition was acknowledged.
    pub without_acks_all: u64,
}

impl Unavailable {
    /// The longer of the two.
    pub fn longest(self) -> u64 {
        self.without_leader.max(self.without_acks_all)
    }
}

/// Something that happened to a record and would not happen in a healthy cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Anomaly {
    /// What it is: `lost`, `duplicate`, `reordered`, `dirty-read`, `diverged`, `stuck`, …
    pub kind: String,
    /// The topic, if it concerns one.
    pub topic: Option<String>,
    /// The partition's number in it.
    pub partition: Option<i32>,
    /// The record's offset, where it stands or stood.
    pub offset: Option<i64>,
    /// The record: the producer and its number in the producer's workload (`p1:51`).
    pub record: Option<String>,
    /// Whether the contract allows it. What it does not allow makes the run a violation.
    pub allowed: bool,
    /// The rule that allows it or that was broken (`V-disk`, `uncommitted acks=1`, `D3a`).
    pub rule: String,
    /// The chain of events that led to it, as one sentence.
    pub explanation: String,
    /// The part of the explanation that it shares with others; reports fold by it.
    pub cause: String,
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The name of the invariant.
    pub invariant: String,
    /// When it broke.
    pub at: Moment,
    /// The node whose event broke it.
    pub node: String,
    /// What was found.
    pub detail: String,
}

/// A partition got a leader, or lost the last one it could have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Election {
    /// When the controller recorded it.
    pub at: Moment,
    /// The partition (`orders-0`).
    pub partition: String,
    /// Who led before.
    pub previous: Option<String>,
    /// Who leads now; none if nobody can.
    pub leader: Option<String>,
    /// The new leader epoch.
    pub leader_epoch: i32,
    /// From where the leader was taken (`isr`, `elr`, `last-known-leader`, `unclean`), or `none`.
    pub kind: String,
    /// The ISR now.
    pub isr: Vec<String>,
}

/// A replica cut the end of its log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Truncation {
    /// When.
    pub at: Moment,
    /// Whose replica.
    pub node: String,
    /// The partition.
    pub partition: String,
    /// The end of its log before.
    pub from: i64,
    /// The end of its log after.
    pub to: i64,
    /// The leader epoch in which it followed.
    pub leader_epoch: i32,
    /// Why, in kebab case, as the event says.
    pub reason: String,
}

/// An ISR changed without election.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IsrChange {
    /// When the controller recorded it.
    pub at: Moment,
    /// The partition.
    pub partition: String,
    /// The ISR before.
    pub from: Vec<String>,
    /// The ISR after.
    pub to: Vec<String>,
}

/// What the author of the scenario expected of one value, and what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// Which value (`verdict`, `acked_lost`).
    pub path: String,
    /// What was expected, in words.
    pub expected: String,
    /// What was.
    pub actual: String,
    /// Whether it was met.
    pub met: bool,
}

/// An outcome with what only people want to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The outcome.
    pub outcome: Outcome,
    /// What was done to the cluster, in order.
    pub faults: Vec<FaultLine>,
    /// The command that gives this run again.
    pub reproduce: String,
}

/// Something that was done to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultLine {
    /// When.
    pub at: Moment,
    /// What, in words (`crash broker-1`).
    pub what: String,
}
