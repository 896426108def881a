//! Scenarios down, protocols (or protocols less one rule) across, a verdict in every cell.

use serde::Serialize;

use crate::Verdict;

/// What breaks where. Its JSON form is public.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// What stands across, in the order of the cells.
    pub columns: Vec<Column>,
    /// One row for each scenario and variant, in the order of their files.
    pub rows: Vec<Row>,
}

/// One thing that every scenario is run under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// The word above the cells.
    pub head: String,
    /// What it means; none where the head says it all.
    pub about: Option<String>,
}

/// One scenario under everything that stands across.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The scenario.
    pub scenario: String,
    /// The variant; none for the file as it is.
    pub variant: Option<String>,
    /// The seed of every run of the row.
    pub seed: u64,
    /// One cell for each column.
    pub cells: Vec<Cell>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The verdict; none if there is nothing to run.
    pub verdict: Option<Verdict>,
    /// The verdict that the file expects, in words, if it expects any.
    pub expected: Option<String>,
    /// Whether it is as expected, and everything that the scenario tells of took place.
    pub as_expected: bool,
    /// What did not take place, such as a fault that never began.
    pub missing: Vec<String>,
    /// The command that repeats the run.
    pub reproduce: Option<String>,
}

impl Cell {
    /// A cell in which nothing can be run.
    pub fn empty() -> Self {
        Self {
            verdict: None,
            expected: None,
            as_expected: true,
            missing: Vec::new(),
            reproduce: None,
        }
    }

    /// The verdict in one short word.
    pub fn word(&self) -> &'static str {
        match self.verdict {
            None => "-",
            Some(Verdict::Ok) => "ok",
            Some(Verdict::AllowedReorder) => "reorder",
            Some(Verdict::AllowedDuplicates) => "dup",
            Some(Verdict::AllowedLoss) => "loss",
            Some(Verdict::Unavailable) => "down",
            Some(Verdict::Stuck) => "stuck",
            Some(Verdict::Violation) => "violation",
        }
    }
}

impl Row {
    /// The scenario, with its variant behind a slash if it has one.
    pub fn name(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}/{variant}", self.scenario),
            None => self.scenario.clone(),
        }
    }
}

impl Matrix {
    /// The cells that are not as expected, with their row and column.
    pub fn unexpected(&self) -> impl Iterator<Item = (&Row, &Column, &Cell)> {
        self.rows.iter().flat_map(|row| {
            let cells = self.columns.iter().zip(&row.cells);
            let off = cells.filter(|(_, cell)| !cell.as_expected);
            off.map(move |(column, cell)| (row, column, cell))
        })
    }
}
