//! What happened, in order: faults, elections, ISR changes, truncations.

use std::fmt::Write as _;

use super::Palette;
use crate::{Election, IsrChange, Moment, Report, Truncation};

/// How many lines are shown at the beginning and at the end of a long story.
const SHOWN_AT_EACH_END: usize = 30;

pub(super) fn write(report: &Report, palette: Palette, out: &mut String) -> std::fmt::Result {
    let lines = lines(report);
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "{}", palette.heading("Story"))?;
    let folded = 2 * SHOWN_AT_EACH_END < lines.len();
    for (index, line) in lines.iter().enumerate() {
        let hidden = SHOWN_AT_EACH_END <= index && index + SHOWN_AT_EACH_END < lines.len();
        if !(folded && hidden) {
            let label = palette.faint(&format!("{:<10}", line.label));
            writeln!(out, "  {:>11}  {label}  {}", line.at.to_string(), line.what)?;
        } else if index == SHOWN_AT_EACH_END {
            let hidden = &lines[index..lines.len() - SHOWN_AT_EACH_END];
            writeln!(out, "               … {}", folded_words(hidden))?;
        }
    }
    Ok(())
}

struct Line {
    at: Moment,
    label: &'static str,
    what: String,
}

const LABELS: [&str; 4] = ["fault", "election", "isr", "truncation"];

/// The sort is stable: at one moment a fault stands before what it causes.
fn lines(report: &Report) -> Vec<Line> {
    let outcome = &report.outcome;
    let faults =
        report.faults.iter().map(|f| Line { at: f.at, label: LABELS[0], what: f.what.clone() });
    let elections =
        outcome.elections.iter().map(|e| Line { at: e.at, label: LABELS[1], what: election(e) });
    let isr_changes =
        outcome.isr_changes.iter().map(|c| Line { at: c.at, label: LABELS[2], what: change(c) });
    let truncations =
        outcome.truncations.iter().map(|t| Line { at: t.at, label: LABELS[3], what: cut(t) });
    let mut lines: Vec<Line> =
        faults.chain(elections).chain(isr_changes).chain(truncations).collect();
    lines.sort_by_key(|line| line.at);
    lines
}

fn folded_words(lines: &[Line]) -> String {
    let words = LABELS.iter().filter_map(|label| {
        let count = lines.iter().filter(|line| line.label == *label).count();
        (count != 0).then(|| format!("{count} {label}"))
    });
    format!("and {} more: {}", lines.len(), words.collect::<Vec<_>>().join(", "))
}

fn election(election: &Election) -> String {
    let previous = election.previous.as_deref().unwrap_or("nobody");
    let Election { partition, leader_epoch, kind, .. } = election;
    let isr = list(&election.isr);
    match &election.leader {
        Some(leader) => format!(
            "{partition}: {leader} leads in epoch {leader_epoch} (before: {previous}), \
             elected {kind}, ISR {isr}"
        ),
        None => format!(
            "{partition}: no leader from epoch {leader_epoch} on (before: {previous}), ISR {isr}"
        ),
    }
}

fn change(change: &IsrChange) -> String {
    format!("{}: ISR {} → {}", change.partition, list(&change.from), list(&change.to))
}

fn cut(truncation: &Truncation) -> String {
    let Truncation { node, partition, from, to, leader_epoch, reason, .. } = truncation;
    format!(
        "{partition}: {node} cut [{to}, {from}), {} in epoch {leader_epoch} ({reason})",
        if from - to == 1 { "1 record".to_owned() } else { format!("{} records", from - to) }
    )
}

fn list(nodes: &[String]) -> String {
    if nodes.is_empty() { "empty".to_owned() } else { format!("[{}]", nodes.join(", ")) }
}
