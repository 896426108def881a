//! Everything random made explicit before a run starts.
//!
//! Chaos becomes a list of timed faults, drawn by key from the seed: the same seed gives the same
//! plan whatever the producers' acks are, a plan can be printed, and one fault of it can be taken
//! out without moving the others. A scenario's own faults stay as they are written: their times are
//! known already, and their triggers wait for what the run brings.
//!
//! What it does not know: the world in which the faults happen.

mod chaos;
mod operations;

pub use chaos::chaos;

use core::time::Duration;

use sim::Draws;

use crate::format::{Action, KeyPath};

/// A fault with everything decided: it begins and ends at these times, counted from the start of
/// the load.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedFault {
    /// When it begins.
    pub at: Duration,
    /// How long it lasts, zero if it is over at once. It ends with the load at the latest.
    pub lasts: Duration,
    /// What it does, to nodes by name.
    pub action: Action,
}

/// The choices of a file as a seed makes them: for [`crate::format::ScenarioFile::resolve`].
pub fn choices(draws: Draws) -> impl FnMut(&KeyPath, u64) -> u64 {
    move |path, last| draws.stream("choice", &path.to_string()).between(0..=last)
}
