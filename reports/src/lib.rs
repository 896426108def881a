//! The answers: what a run found out, as text for people and as JSON for programs.
//!
//! Plain data in, bytes out. An [`Outcome`] is everything that is to be said about one run and is,
//! serialised, the public JSON format; a [`Report`] adds what only people want to read (the faults,
//! the command that reproduces the run). Renderers draw nothing, read no clock and ask no terminal:
//! equal data gives equal bytes, and colour comes only when it is asked for.
//!
//! What this crate does not know: brokers, scenarios, how a verdict is found. Nodes, partitions and
//! records are names here.

mod matrix;
mod moment;
mod outcome;
mod records;
mod summary;
mod text;
mod verdict;

pub use matrix::{Cell, Column, Matrix, Row};
pub use moment::Moment;
pub use outcome::{
    Anomaly, Election, Expectation, FaultLine, IsrChange, Outcome, Report, Truncation, Unavailable,
    Violation,
};
pub use records::{ConsumerCounts, RecordCounts};
pub use summary::{Summary, SummaryRow};
pub use text::{Palette, matrix_markdown, matrix_text, summary_text, text};
pub use verdict::Verdict;

/// The outcome as one line of JSON, without a line end. Keys stand in the order of the type, lists
/// in the order of virtual time.
///
/// # Errors
///
/// None in practice: every field of an [`Outcome`] has a JSON form.
pub fn json(outcome: &Outcome) -> Result<String, serde_json::Error> {
    serde_json::to_string(outcome)
}

/// The matrix as one line of JSON, without a line end.
///
/// # Errors
///
/// None in practice: every field of a [`Matrix`] has a JSON form.
pub fn matrix_json(matrix: &Matrix) -> Result<String, serde_json::Error> {
    serde_json::to_string(matrix)
}
