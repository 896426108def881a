//! The experiments: scenario files, their format, and what runs and judges them.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the program `highwater` |
//! | [`runner`] | one run of a scenario, from its file and a seed to its outcome |
//! | [`oracle`] | what the contract says of a run |
//! | [`blackbox`] | what clients can tell of a run by themselves |
//! | [`invariants`] | what must hold after every step |
//! | [`history`] | the model of a run, made of its events |
//! | [`cluster`] | the brokers and clients in the simulated world |
//! | [`plan`] | everything random made explicit before a run starts |
//! | [`format`] | what stands in a scenario file, and what is wrong with it |

pub mod blackbox;
pub mod cli;
pub mod cluster;
pub mod format;
pub mod history;
pub mod invariants;
pub mod oracle;
pub mod plan;
pub mod runner;
