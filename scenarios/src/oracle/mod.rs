//! The white-box oracle: the contract's decision procedure, with full knowledge of a run.

mod promise;
mod sentences;

pub use promise::{Promise, promise};
