//! Scenario files, their runner, the oracles, and the program `highwater`.

pub mod history;
pub mod invariants;
pub mod oracle;
