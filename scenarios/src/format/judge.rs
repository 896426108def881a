//! Whether an outcome is what its author expects.

use core::time::Duration;

use reports::{Expectation, Outcome};

use super::{Count, Expect, Verdict, VerdictExpectation, expect::ERRORS};

/// Fills in `expectations` and `passed` of an outcome whose other fields are known. Without
/// expectations a run passes if there is no violation and nothing is stuck.
pub fn judge(expect: Option<&Expect>, outcome: &mut Outcome) {
    let nothing = Expect::default();
    let expect = expect.unwrap_or(&nothing);
    let mut judged = vec![judge_verdict(expect, outcome)];
    for (name, count) in &expect.counts {
        judged.push(judge_count(name.clone(), *count, counted(name, outcome)));
    }
    for (code, count) in &expect.errors {
        let actual = outcome.records.errors.get(code).copied().unwrap_or(0);
        judged.push(judge_count(format!("{ERRORS}{code}"), *count, actual));
    }
    judged.extend(expect.longest_unavailable.map(|bounds| {
        let actual = Duration::from_millis(outcome.unavailable_ms.longest());
        Expectation {
            path: "longest_unavailable".to_owned(),
            expected: bounds.to_string(),
            actual: super::Period(actual).to_string(),
            met: bounds.is_met_by(actual),
        }
    }));
    outcome.passed = judged.iter().all(|expectation| expectation.met);
    outcome.expectations = judged;
}

fn judge_verdict(expect: &Expect, outcome: &Outcome) -> Expectation {
    let unsaid = VerdictExpectation::unsaid();
    let verdict = expect.verdict.as_ref().unwrap_or(&unsaid);
    Expectation {
        path: "verdict".to_owned(),
        expected: verdict.to_string(),
        actual: outcome.verdict.to_string(),
        met: verdict.is_met_by(outcome.verdict.into()),
    }
}

fn judge_count(path: String, count: Count, actual: u64) -> Expectation {
    let met = count.is_met_by(actual);
    Expectation { path, expected: count.to_string(), actual: actual.to_string(), met }
}

/// What one of the format's counts comes to.
fn counted(name: &str, outcome: &Outcome) -> u64 {
    let records = &outcome.records;
    match name {
        "sent" => records.sent,
        "acked" => records.acked,
        "failed" => records.failed,
        "unknown" => records.unknown,
        "acked_lost" => records.acked_lost,
        "lost" => records.lost,
        "duplicates" => records.duplicates,
        "reordered" => records.reordered,
        "elections" => outcome.elections.len() as u64,
        "truncations" => outcome.truncations.len() as u64,
        "isr_changes" => outcome.isr_changes.len() as u64,
        other => unreachable!("the format has no count `{other}`"),
    }
}

impl From<reports::Verdict> for Verdict {
    fn from(verdict: reports::Verdict) -> Self {
        match verdict {
            reports::Verdict::Ok => Self::Ok,
            reports::Verdict::AllowedReorder => Self::AllowedReorder,
            reports::Verdict::AllowedDuplicates => Self::AllowedDuplicates,
            reports::Verdict::AllowedLoss => Self::AllowedLoss,
            reports::Verdict::Unavailable => Self::Unavailable,
            reports::Verdict::Stuck => Self::Stuck,
            reports::Verdict::Violation => Self::Violation,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::format::expect::COUNTS;

    fn outcome() -> Outcome {
        let records = reports::RecordCounts {
            acked: 5,
            errors: [("REQUEST_TIMED_OUT".to_owned(), 2)].into(),
            ..reports::RecordCounts::default()
        };
        Outcome {
            scenario: "x".to_owned(),
            variant: None,
            seed: 1,
            protocol: "hw".to_owned(),
            trace_hash: String::new(),
            verdict: reports::Verdict::AllowedLoss,
            passed: false,
            records,
            unavailable_ms: reports::Unavailable { without_leader: 10, without_acks_all: 3_000 },
            consumers: [].into(),
            anomalies: Vec::new(),
            violations: Vec::new(),
            elections: Vec::new(),
            truncations: Vec::new(),
            isr_changes: Vec::new(),
            simulated_ms: 0,
            events: 0,
            expectations: Vec::new(),
        }
    }

    fn judged(expect: serde_json::Value) -> Outcome {
        let mut outcome = outcome();
        judge(Some(&serde_json::from_value(expect).unwrap()), &mut outcome);
        outcome
    }

    #[test]
    fn a_run_passes_if_everything_that_is_expected_is_met() {
        let expect = json!({
            "verdict": ["ok", "allowed-loss"], "acked": { "min": 5 }, "lost": 0,
            "errors.REQUEST_TIMED_OUT": 2, "errors.NOT_ENOUGH_REPLICAS": 0,
            "longest_unavailable": { "max": "3s" }
        });
        assert!(judged(expect).passed);
    }

    #[test]
    fn one_expectation_that_is_not_met_fails_the_run_and_says_what_was_there() {
        for (expect, path, expected, actual) in [
            (json!({ "verdict": "ok" }), "verdict", "ok", "allowed-loss"),
            (
                json!({ "verdict": { "not": "allowed-loss" } }),
                "verdict",
                "not allowed-loss",
                "allowed-loss",
            ),
            (json!({ "acked": { "max": 4 } }), "acked", "at most 4", "5"),
            (json!({ "errors.REQUEST_TIMED_OUT": 1 }), "errors.REQUEST_TIMED_OUT", "1", "2"),
            (
                json!({ "longest_unavailable": { "min": "4s" } }),
                "longest_unavailable",
                "at least 4s",
                "3s",
            ),
        ] {
            let outcome = judged(expect);
            assert!(!outcome.passed);
            let failed = outcome.expectations.iter().find(|expectation| !expectation.met).unwrap();
            let said = (failed.path.as_str(), failed.expected.as_str(), failed.actual.as_str());
            assert_eq!(said, (path, expected, actual));
        }
    }

    #[test]
    fn without_expectations_only_violations_and_stuck_runs_fail() {
        let passes = |verdict| {
            let mut outcome = Outcome { verdict, ..outcome() };
            judge(None, &mut outcome);
            outcome.passed
        };
        let failing: Vec<_> = reports::Verdict::ALL.into_iter().filter(|v| !passes(*v)).collect();
        assert_eq!(failing, [reports::Verdict::Stuck, reports::Verdict::Violation]);
    }

    #[test]
    fn every_count_of_the_format_can_be_judged() {
        for (name, _) in COUNTS {
            counted(name, &outcome());
        }
    }
}
