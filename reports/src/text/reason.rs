//! Why the verdict is what it is, in one sentence.

use crate::{Anomaly, Outcome, Verdict};

pub(super) fn reason(outcome: &Outcome) -> String {
    match outcome.verdict {
        Verdict::Ok => ok(outcome),
        Verdict::AllowedReorder => allowed(outcome, "reordered", "stands", "stand", "out of order"),
        Verdict::AllowedDuplicates => {
            allowed(outcome, "duplicate", "stands", "stand", "in the log more than once")
        }
        Verdict::AllowedLoss => allowed(outcome, "lost", "is", "are", "lost"),
        Verdict::Unavailable | Verdict::Stuck => liveness(outcome),
        Verdict::Violation => violation(outcome),
    }
}

fn ok(outcome: &Outcome) -> String {
    format!(
        "all {} can be read, once and in order.",
        counted(outcome.records.acked, "acknowledged record")
    )
}

fn allowed(outcome: &Outcome, kind: &str, one: &str, many: &str, what: &str) -> String {
    let found: Vec<&Anomaly> = outcome.anomalies.iter().filter(|a| a.kind == kind).collect();
    let mut rules: Vec<&str> = found.iter().map(|anomaly| anomaly.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    let verb = if found.len() == 1 { one } else { many };
    format!(
        "{} {verb} {what}, and the contract allows it (\"{}\").",
        counted(found.len() as u64, "record"),
        rules.join("\", \"")
    )
}

fn liveness(outcome: &Outcome) -> String {
    let kind = outcome.verdict.name();
    match outcome.anomalies.iter().find(|anomaly| anomaly.kind == kind) {
        Some(anomaly) => sentence(&anomaly.explanation),
        None => "the cluster did not recover after everything was healed.".to_owned(),
    }
}

/// The earliest broken invariant says more than its consequences do.
fn violation(outcome: &Outcome) -> String {
    if let Some(first) = outcome.violations.first() {
        return format!(
            "{} broke at {} on {}: {}",
            first.invariant,
            first.at,
            first.node,
            sentence(&first.detail)
        );
    }
    match outcome.anomalies.iter().find(|anomaly| !anomaly.allowed) {
        Some(anomaly) => {
            let record = anomaly.record.as_deref().unwrap_or("the partition");
            format!(
                "{record} {} ({}): {}",
                anomaly.kind,
                anomaly.rule,
                sentence(&anomaly.explanation)
            )
        }
        None => "a promise was broken.".to_owned(),
    }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}

fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}
