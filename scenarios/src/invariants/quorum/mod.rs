//! The safety of the controllers' quorum, one promise per file.
//!
//! Mirrors the invariants of `RaftEventSimulationTest`: `MonotonicEpoch`, `MonotonicHighWatermark`,
//! `SingleLeader`, `MajorityReachedHighWatermark` and `ConsistentCommittedData`. Fed by what the
//! voters tell of themselves; a quorum of one tells nothing, and has nothing to break.

mod consistent_committed_data;
mod majority_reached_high_watermark;
mod monotonic_epoch;
mod monotonic_high_watermark;
mod single_leader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use broker::{
    host::event::VoterState,
    ids::{ControllerId, TopicName, TopicPartition},
};

use super::Findings;
use crate::history::When;

/// What the voters have told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct QuorumInvariants {
    /// What each told last. A voter that is down still has its log.
    voters: BTreeMap<ControllerId, VoterState>,
    /// Who has not told anything since it was started, and has its high watermark to learn.
    started: Vec<String>,
    single_leader: single_leader::SingleLeader,
    consistent_committed_data: consistent_committed_data::ConsistentCommittedData,
}

impl QuorumInvariants {
    /// A voter was started: the high watermark it must learn again.
    pub(super) fn on_started(&mut self, node: &str) {
        self.started.push(node.to_owned());
    }

    /// Takes in what a voter tells, and checks.
    pub(super) fn check(&mut self, at: When, state: &VoterState, findings: &mut Findings) {
        let node = state.voter.to_string();
        let mut telling = Telling { at, node: &node, findings };
        let before = self.voters.insert(state.voter, state.clone());
        if let Some(before) = &before {
            monotonic_epoch::check(before, state, &mut telling);
            if !self.started.contains(&node) {
                monotonic_high_watermark::check(before, state, &mut telling);
            }
        }
        self.started.retain(|started| *started != node);
        self.single_leader.check(state, &mut telling);
        majority_reached_high_watermark::check(&self.voters, state, &mut telling);
        self.consistent_committed_data.check(state, &mut telling);
    }
}

/// Where what is found goes.
struct Telling<'a> {
    at: When,
    node: &'a str,
    findings: &'a mut Findings,
}

impl Telling<'_> {
    fn broke(&mut self, invariant: &'static str, detail: impl FnOnce() -> String) {
        let log = TopicPartition { topic: TopicName::cluster_metadata(), partition: 0 };
        self.findings.note(invariant, &log, None, (self.at, self.node), detail);
    }
}
