//! A run as text for people: the verdict first, with its reason; what it counts; the story; at the
//! end the verdict again, the trace hash and the command that reproduces the run.

mod anomalies;
mod matrix;
mod palette;
mod reason;
mod story;
mod table;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use crate::{Outcome, Report, Summary};

pub use matrix::{matrix_markdown, matrix_text};
pub use palette::Palette;
use reason::reason;

/// The report of one run. Ends with a line end.
pub fn text(report: &Report, palette: Palette) -> String {
    let mut out = String::new();
    write(report, palette, &mut out).expect("writing to a string does not fail");
    out
}

/// The table over many runs. Ends with a line end.
pub fn summary_text(summary: &Summary, palette: Palette) -> String {
    let mut out = String::new();
    table::write(summary, palette, &mut out).expect("writing to a string does not fail");
    out
}

fn write(report: &Report, palette: Palette, out: &mut String) -> std::fmt::Result {
    let outcome = &report.outcome;
    writeln!(out, "{}: {}", palette.verdict(outcome.verdict), reason(outcome))?;
    writeln!(out)?;
    write_counts(outcome, palette, out)?;
    story::write(report, palette, out)?;
    anomalies::write(outcome, palette, out)?;
    write_expectations(outcome, palette, out)?;
    writeln!(out)?;
    write_recap(report, palette, out)
}

fn write_counts(outcome: &Outcome, palette: Palette, out: &mut String) -> std::fmt::Result {
    write_label(out, palette, "scenario")?;
    write!(out, "{}", outcome.scenario)?;
    if let Some(variant) = &outcome.variant {
        write!(out, ", variant {variant}")?;
    }
    writeln!(out, ", seed {}, protocol {}", outcome.seed, outcome.protocol)?;
    write_records(outcome, palette, out)?;
    for (name, counts) in &outcome.consumers {
        write_label(out, palette, "consumer")?;
        writeln!(
            out,
            "{name}: {} delivered · {} repeated · {} missed · {} position resets",
            counts.delivered, counts.repeated, counts.missed, counts.resets
        )?;
    }
    write_label(out, palette, "waited")?;
    writeln!(
        out,
        "at most {} without a leader, {} without progress of acks=all",
        millis(outcome.unavailable_ms.without_leader),
        millis(outcome.unavailable_ms.without_acks_all)
    )?;
    write_label(out, palette, "recovered")?;
    match outcome.recovered_ms {
        Some(after) => writeln!(out, "{} after everything was healed", millis(after))?,
        None => writeln!(out, "no")?,
    }
    write_label(out, palette, "run")?;
    writeln!(out, "{} simulated, {} events", millis(outcome.simulated_ms), outcome.events)
}

fn write_records(outcome: &Outcome, palette: Palette, out: &mut String) -> std::fmt::Result {
    let records = &outcome.records;
    write_label(out, palette, "records")?;
    writeln!(
        out,
        "{} sent · {} acked · {} failed · {} unknown",
        records.sent, records.acked, records.failed, records.unknown
    )?;
    write_label(out, palette, "")?;
    writeln!(
        out,
        "{} acked lost · {} lost in all · {} stranded · {} duplicates · {} reordered",
        records.acked_lost, records.lost, records.stranded, records.duplicates, records.reordered
    )?;
    if records.errors.is_empty() {
        return Ok(());
    }
    write_label(out, palette, "errors")?;
    let errors: Vec<_> =
        records.errors.iter().map(|(code, count)| format!("{count} {code}")).collect();
    writeln!(out, "{}", errors.join(" · "))
}

fn write_expectations(outcome: &Outcome, palette: Palette, out: &mut String) -> std::fmt::Result {
    if outcome.expectations.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "{}", palette.heading("Expected"))?;
    for expectation in &outcome.expectations {
        let mark = if expectation.met { palette.good("met    ") } else { palette.bad("NOT MET") };
        let (path, expected) = (&expectation.path, &expectation.expected);
        writeln!(out, "  {mark}  {path}: expected {expected}, was {}", expectation.actual)?;
    }
    Ok(())
}

fn write_recap(report: &Report, palette: Palette, out: &mut String) -> std::fmt::Result {
    let outcome = &report.outcome;
    let records = &outcome.records;
    let passed = if outcome.passed { palette.good("passed") } else { palette.bad("FAILED") };
    writeln!(out, "{passed}: {}", palette.verdict(outcome.verdict))?;
    writeln!(
        out,
        "{} acked, {} of them lost, {} duplicates, {} reordered, {} violations",
        records.acked,
        records.acked_lost,
        records.duplicates,
        records.reordered,
        violations(outcome)
    )?;
    writeln!(out, "trace {}", outcome.trace_hash)?;
    writeln!(out, "{}", report.reproduce)
}

/// How many promises were broken: invariants and anomalies that no rule allows.
fn violations(outcome: &Outcome) -> usize {
    let broken = |anomaly: &&crate::Anomaly| !anomaly.allowed && !anomalies::is_liveness(anomaly);
    outcome.violations.len() + outcome.anomalies.iter().filter(broken).count()
}

fn write_label(out: &mut String, palette: Palette, label: &str) -> std::fmt::Result {
    write!(out, "{} ", palette.faint(&format!("{label:<9}")))
}

fn millis(millis: u64) -> String {
    crate::Moment::from_millis(millis).to_string()
}
