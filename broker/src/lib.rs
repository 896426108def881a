//! Kafka's broker, controller, producer and consumer as state machines without I/O.
//!
//! Everything enters and leaves through one door, [`host`]: a process takes an input and the time,
//! and gives outputs. Nothing here reads a clock, opens a socket, starts a thread or draws a random
//! number that was not handed to it, so that the same inputs give the same outputs, always.
//!
//! What this crate does not know: that it is simulated, what a scenario is, what a fault is.
//!
//! Each module may import those below it, never those above (`scenarios/tests/tidy.rs` checks it):
//!
//! | module | what it is |
//! |---|---|
//! | [`broker`], [`controller`], [`client`] | the processes |
//! | [`raft`] | the quorum of controllers |
//! | [`replica`] | a partition's replication: leader, follower, ISR, high watermark |
//! | [`log`] | a partition on disk: segments, indexes, checkpoints, recovery |
//! | [`metadata`] | the records of the metadata log and the image made of them |
//! | [`net`] | requests and responses on connections, both ends |
//! | [`protocol`] | Kafka's wire format and record batches |
//! | [`config`] | Kafka's configuration keys |
//! | [`host`] | the door: input, output, disk, time, events |
//! | [`ids`] | the names of things: offsets, epochs, brokers, partitions |

#![deny(clippy::float_arithmetic)]

pub mod broker;
pub mod client;
pub mod config;
pub mod controller;
pub mod host;
pub mod ids;
pub mod log;
pub mod metadata;
pub mod net;
pub mod protocol;
pub mod raft;
pub mod replica;
