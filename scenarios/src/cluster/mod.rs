//! The cluster in the world: the broker crate's processes as the sim crate's.
//!
//! This is the host of a simulation, and it is thin: [`Node`] says which processes there are,
//! [`adapter`] turns one door into the other, variant by variant, and [`apps`] are the applications
//! that a scenario's producers and consumers stand for.
//!
//! It knows neither faults nor verdicts.

mod adapter;
pub mod apps;
mod disk;
mod node;

pub use node::{AppCommand, Node, NodeEvent};
