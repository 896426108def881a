//! The anomalies and the broken invariants, folded by cause.

use std::fmt::Write as _;

use super::Palette;
use crate::{Anomaly, Outcome, Violation};

/// How many of one cause are shown one by one.
const SHOWN: usize = 3;

pub(super) fn write(outcome: &Outcome, palette: Palette, out: &mut String) -> std::fmt::Result {
    write_violations(&outcome.violations, palette, out)?;
    if outcome.anomalies.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "{}", palette.heading("What became of records"))?;
    for group in groups(&outcome.anomalies, same_cause) {
        write_group(&group, palette, out)?;
    }
    Ok(())
}

/// Whether it says that the cluster did not recover, which is not a broken promise of the contract.
pub(super) fn is_liveness(anomaly: &Anomaly) -> bool {
    anomaly.kind == "stuck" || anomaly.kind == "unavailable"
}

/// The cause stands once, above the records that share it.
fn write_group(group: &[&Anomaly], palette: Palette, out: &mut String) -> std::fmt::Result {
    let first = group[0];
    let many = if group.len() == 1 { String::new() } else { format!("{} × ", group.len()) };
    let judged = if first.allowed {
        format!("{many}{}, allowed by \"{}\"", first.kind, first.rule)
    } else {
        palette.bad(&format!("{many}{}, NOT ALLOWED (\"{}\")", first.kind, first.rule))
    };
    writeln!(out, "  {judged}: {}", first.cause)?;
    for anomaly in group.iter().take(SHOWN) {
        let (place, own) = (place(anomaly), own_part(anomaly));
        match (place.is_empty(), own.is_empty()) {
            (true, true) => {}
            (true, false) => writeln!(out, "    {own}")?,
            (false, true) => writeln!(out, "    {place}")?,
            (false, false) => writeln!(out, "    {place}: {own}")?,
        }
    }
    write_rest(group.len(), out)
}

/// The explanation without the cause at its end.
fn own_part(anomaly: &Anomaly) -> &str {
    let explanation = anomaly.explanation.as_str();
    let own = explanation.strip_suffix(anomaly.cause.as_str()).unwrap_or(explanation);
    own.trim_end_matches("; ")
}

fn write_rest(count: usize, out: &mut String) -> std::fmt::Result {
    match count.saturating_sub(SHOWN) {
        0 => Ok(()),
        rest => writeln!(out, "    … and {rest} more of the same cause"),
    }
}

fn write_violations(
    violations: &[Violation],
    palette: Palette,
    out: &mut String,
) -> std::fmt::Result {
    if violations.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "{}", palette.heading("Broken invariants"))?;
    for group in groups(violations, |a, b| a.invariant == b.invariant && a.node == b.node) {
        for violation in group.iter().take(SHOWN) {
            let (at, node) = (violation.at.to_string(), &violation.node);
            let name = palette.bad(&violation.invariant);
            writeln!(out, "  {at:>11}  {name} on {node}: {}", violation.detail)?;
        }
        match group.len().saturating_sub(SHOWN) {
            0 => {}
            rest => writeln!(out, "               … and {rest} more of the same invariant there")?,
        }
    }
    Ok(())
}

/// `p1:51 (orders-0, offset 51)`, as far as it is known.
fn place(anomaly: &Anomaly) -> String {
    let partition = match (&anomaly.topic, anomaly.partition) {
        (Some(topic), Some(number)) => Some(format!("{topic}-{number}")),
        (Some(topic), None) => Some(topic.clone()),
        (None, Some(_) | None) => None,
    };
    let offset = anomaly.offset.map(|offset| format!("offset {offset}"));
    let place: Vec<String> = [partition, offset].into_iter().flatten().collect();
    match (&anomaly.record, place.is_empty()) {
        (Some(record), true) => record.clone(),
        (Some(record), false) => format!("{record} ({})", place.join(", ")),
        (None, true) => String::new(),
        (None, false) => place.join(", "),
    }
}

fn same_cause(left: &Anomaly, right: &Anomaly) -> bool {
    let key = |a: &Anomaly| (a.allowed, a.kind.clone(), a.rule.clone(), a.cause.clone());
    key(left) == key(right)
}

/// Groups of items, in the order of the first of each.
fn groups<T>(items: &[T], same: impl Fn(&T, &T) -> bool) -> Vec<Vec<&T>> {
    let mut groups: Vec<Vec<&T>> = Vec::new();
    for item in items {
        match groups.iter_mut().find(|group| same(group[0], item)) {
            Some(group) => group.push(item),
            None => groups.push(vec![item]),
        }
    }
    groups
}
