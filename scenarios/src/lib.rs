//! The experiments: scenario files, their format, and what runs and judges them.
//!
//! | module | what it is |
//! |---|---|
//! | [`format`] | what stands in a scenario file, and what is wrong with it |
//! | [`plan`] | everything random made explicit before a run starts |
//! | [`cli`] | the program `highwater` |

pub mod cli;
pub mod format;
pub mod plan;
