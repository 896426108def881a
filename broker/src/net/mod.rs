//! Requests and responses on connections, both ends of them.
//!
//! [`RequestServer`] is the accepting end: it takes the frames of clients apart and hands out one
//! request of a connection at a time. [`NetworkClient`] is the opening end: it keeps a connection
//! for each peer, numbers the requests, and says how each one ended.
//!
//! Neither knows what a request means.

mod client;
mod server;

pub use client::{ClientSettings, Completion, NetworkClient, Outcome, Outgoing, Readiness};
pub use server::{Incoming, RequestId, RequestServer};
