//! What the author expected, held against what was.

use core::time::Duration;

use reports::{ConsumerCounts, Expectation, Outcome};

use crate::format::{
    Count, Except, Expect, Period, PeriodBounds, Protocol, Verdict, VerdictExpectation, Verdicts,
    verdict_of,
};

/// Every expectation of a scenario, met or not. What it does not say of the verdict is said here.
pub(super) fn expectations(
    expect: Option<&Expect>,
    protocol: Protocol,
    outcome: &Outcome,
) -> Vec<Expectation> {
    let unsaid = Expect::default();
    let expect = expect.unwrap_or(&unsaid);
    let mut all = vec![of_verdict(expect.verdict_under(protocol), outcome)];
    for (name, count) in &expect.counts {
        all.push(of_count(name, *count, counted(name, outcome)));
    }
    for (code, count) in &expect.errors {
        let actual = outcome.records.errors.get(code).copied().unwrap_or(0);
        all.push(of_count(&format!("errors.{code}"), *count, actual));
    }
    if let Some(bounds) = expect.longest_unavailable {
        all.push(of_unavailable(bounds, outcome));
    }
    all
}

fn of_verdict(expected: Option<&VerdictExpectation>, outcome: &Outcome) -> Expectation {
    let expected = expected.cloned().unwrap_or_else(VerdictExpectation::unsaid);
    let actual = verdict_of(outcome.verdict);
    Expectation {
        path: "verdict".to_owned(),
        expected: verdict_in_words(&expected),
        actual: name(actual),
        met: expected.is_met_by(actual),
    }
}

fn of_count(path: &str, expected: Count, actual: u64) -> Expectation {
    Expectation {
        path: path.to_owned(),
        expected: expected.to_string(),
        actual: actual.to_string(),
        met: expected.is_met_by(actual),
    }
}

fn of_unavailable(bounds: PeriodBounds, outcome: &Outcome) -> Expectation {
    let actual = Duration::from_millis(outcome.unavailable_ms.longest());
    let expected = match (bounds.min, bounds.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any time".to_owned(),
    };
    Expectation {
        path: "longest_unavailable".to_owned(),
        expected,
        actual: Period(actual).to_string(),
        met: bounds.is_met_by(actual),
    }
}

/// The number that an expectation names. The format lets no other name through.
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
        "repeated" => of_consumers(outcome, |counts| counts.repeated),
        "missed" => of_consumers(outcome, |counts| counts.missed),
        "resets" => of_consumers(outcome, |counts| counts.resets),
        "elections" => outcome.elections.len() as u64,
        "truncations" => outcome.truncations.len() as u64,
        "isr_changes" => outcome.isr_changes.len() as u64,
        other => unreachable!("nothing called {other} is counted"),
    }
}

fn of_consumers(outcome: &Outcome, count: fn(&ConsumerCounts) -> u64) -> u64 {
    outcome.consumers.values().map(count).sum()
}

fn name(verdict: Verdict) -> String {
    match serde_json::to_value(verdict) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("a verdict is written as {other:?}"),
    }
}

fn verdict_in_words(expected: &VerdictExpectation) -> String {
    let names = |verdicts: &[Verdict]| {
        verdicts.iter().map(|verdict| name(*verdict)).collect::<Vec<_>>().join(" or ")
    };
    match expected {
        VerdictExpectation::One(verdict) => name(*verdict),
        VerdictExpectation::Any(verdicts) => names(verdicts),
        VerdictExpectation::Except(Except { not: Verdicts::One(verdict) }) => {
            format!("not {}", name(*verdict))
        }
        VerdictExpectation::Except(Except { not: Verdicts::Many(verdicts) }) => {
            format!("not {}", names(verdicts))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Bounds;

    #[test]
    fn bounds_are_said_in_words() {
        let count = Count::Within(Bounds { min: Some(1), max: None });
        let expectation = of_count("acked_lost", count, 0);
        assert_eq!((expectation.expected.as_str(), expectation.met), ("at least 1", false));
    }

    #[test]
    fn every_verdict_has_the_same_name_in_files_and_reports() {
        for verdict in Verdict::ALL {
            assert!(reports::Verdict::from_name(&name(verdict)).is_some(), "{verdict:?}");
        }
    }
}
