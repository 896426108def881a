//! The table over many runs.

use std::fmt::Write as _;

use super::Palette;
use crate::{Summary, SummaryRow};

pub(super) fn write(summary: &Summary, palette: Palette, out: &mut String) -> std::fmt::Result {
    let runs = summary.runs();
    let name_width = width(summary, "scenario", |row| row.scenario.clone());
    let count_width = width(summary, "runs", |row| row.count.to_string());
    let seed_width = width(summary, "first seed", |row| row.first_seed.to_string());
    let head = format!(
        "{:<6}  {:<name_width$}  {:<18}  {:>count_width$}  {:>6}  {:>seed_width$}  reproduce",
        "", "scenario", "verdict", "runs", "share", "first seed"
    );
    writeln!(out, "{}", palette.faint(&head))?;
    for row in summary.rows() {
        let passed = if row.passed { palette.good("passed") } else { palette.bad("FAILED") };
        let verdict = palette.verdict_padded(row.verdict, 18);
        let per_mille = row.per_mille(runs);
        let share = format!("{}.{} %", per_mille / 10, per_mille % 10);
        writeln!(
            out,
            "{passed}  {:<name_width$}  {verdict}  {:>count_width$}  {share:>6}  \
             {:>seed_width$}  {}",
            row.scenario, row.count, row.first_seed, row.reproduce
        )?;
    }
    writeln!(out, "{runs} runs, {} failed", summary.failed())
}

fn width(summary: &Summary, head: &str, cell: impl Fn(&SummaryRow) -> String) -> usize {
    summary.rows().iter().map(|row| cell(row).len()).chain([head.len()]).max().unwrap_or(0)
}
