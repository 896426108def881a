//! What the oracle found, ready to be reported.

use std::collections::BTreeMap;

use reports::{
    Anomaly, ConsumerCounts, Election, Expectation, IsrChange, Outcome, RecordCounts, Truncation,
    Unavailable, Verdict, Violation,
};

/// What the oracle found: an outcome without what only the runner knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict, the worst that applies.
    pub verdict: Verdict,
    /// What became of the records.
    pub records: RecordCounts,
    /// The longest time in which something could not be done.
    pub unavailable_ms: Unavailable,
    /// What each consumer got.
    pub consumers: BTreeMap<String, ConsumerCounts>,
    /// Each record that was lost, repeated, reordered, …
    pub anomalies: Vec<Anomaly>,
    /// How often the clients' histories alone show which anomaly.
    pub black_box: BTreeMap<String, u64>,
    /// The broken invariants.
    pub violations: Vec<Violation>,
    /// The elections.
    pub elections: Vec<Election>,
    /// The truncations.
    pub truncations: Vec<Truncation>,
    /// The changes of ISRs.
    pub isr_changes: Vec<IsrChange>,
}

/// What only the runner knows of an outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The name of the scenario.
    pub scenario: String,
    /// The name of the variant.
    pub variant: Option<String>,
    /// The seed.
    pub seed: u64,
    /// The protocol.
    pub protocol: String,
    /// The hash of the trace.
    pub trace_hash: String,
    /// How long it took to become healthy again after everything healed, in milliseconds; none if
    /// it did not.
    pub recovered_ms: Option<u64>,
    /// How much virtual time passed, in milliseconds.
    pub simulated_ms: u64,
    /// How many events the run had.
    pub events: u64,
    /// What was expected, evaluated.
    pub expectations: Vec<Expectation>,
}

impl Default for Judgement {
    fn default() -> Self {
        Self {
            verdict: Verdict::Ok,
            records: RecordCounts::default(),
            unavailable_ms: Unavailable::default(),
            consumers: BTreeMap::new(),
            anomalies: Vec::new(),
            black_box: BTreeMap::new(),
            violations: Vec::new(),
            elections: Vec::new(),
            truncations: Vec::new(),
            isr_changes: Vec::new(),
        }
    }
}

impl Judgement {
    /// The outcome of the run. It passed if every expectation was met; without any, if nothing was
    /// broken and nothing is stuck.
    pub fn into_outcome(self, header: Header) -> Outcome {
        let passed = if header.expectations.is_empty() {
            self.verdict < Verdict::Stuck
        } else {
            header.expectations.iter().all(|expectation| expectation.met)
        };
        Outcome {
            scenario: header.scenario,
            variant: header.variant,
            seed: header.seed,
            protocol: header.protocol,
            trace_hash: header.trace_hash,
            verdict: self.verdict,
            passed,
            records: self.records,
            unavailable_ms: self.unavailable_ms,
            consumers: self.consumers,
            anomalies: self.anomalies,
            black_box: self.black_box,
            violations: self.violations,
            elections: self.elections,
            truncations: self.truncations,
            isr_changes: self.isr_changes,
            recovered_ms: header.recovered_ms,
            simulated_ms: header.simulated_ms,
            events: header.events,
            expectations: header.expectations,
        }
    }

    /// Every verdict that applies, the worst first.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let broken = !self.violations.is_empty();
        let mut verdicts: Vec<Verdict> = self.anomalies.iter().map(verdict_of).collect();
        verdicts.extend(broken.then_some(Verdict::Violation));
        verdicts.sort_unstable_by(|left, right| right.cmp(left));
        verdicts.dedup();
        verdicts
    }

    /// The worst that was found names the verdict (contract 4.11).
    pub(super) fn conclude(&mut self) {
        self.verdict = self.verdicts().first().copied().unwrap_or(Verdict::Ok);
    }
}

fn verdict_of(anomaly: &Anomaly) -> Verdict {
    match (anomaly.kind.as_str(), anomaly.allowed) {
        ("stuck", _) => Verdict::Stuck,
        ("unavailable", _) => Verdict::Unavailable,
        (_, false) => Verdict::Violation,
        ("duplicate", true) => Verdict::AllowedDuplicates,
        ("reordered", true) => Verdict::AllowedReorder,
        (_, true) => Verdict::AllowedLoss,
    }
}
