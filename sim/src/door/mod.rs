//! The door of a process: everything it is told, and everything it does, passes here.
//!
//! What the world promises to a process:
//!
//! * Inputs come one at a time. `Started` is the first of an incarnation, and comes once.
//! * Frames of one connection arrive in the order in which they were sent, none twice, none
//!   missing: what cannot be delivered ends the connection.
//! * A connection that was opened gets at most one of `Established` or `ConnectFailed`, and after
//!   `Established` at most one `Closed`. A process that closes a connection hears nothing more of
//!   it.
//! * `Now::monotonic` never goes back. `Now::wall` may jump.

mod connection;
mod io;

use std::fmt::Debug;

use serde::Serialize;

pub use connection::{AcceptedId, Address, Connection, OpenedId};
pub use io::{ConnectFailure, ExitReason, Input, Outbox, Output};

use crate::{
    disk::Disk,
    time::{Instant, Now},
};

/// A state machine behind the door. A value: it can be cloned, compared and printed.
///
/// Its words are serialised into the trace, whose hash tells whether two runs are the same.
pub trait Process: Clone + Debug + PartialEq + Send + 'static {
    /// What an application asks of it.
    type Command: Clone + Debug + PartialEq + Serialize + Send + 'static;

    /// What an application is answered.
    type Answer: Clone + Debug + PartialEq + Serialize + Send + 'static;

    /// What it tells whoever watches.
    type Event: Clone + Debug + PartialEq + Serialize + Send + 'static;

    /// What a frame is, for rules that pick frames out without decoding them.
    type Tag: Clone + Debug + PartialEq + Serialize + Send + 'static;

    /// Takes one input at `now`. Reads and writes `disk`, and leaves what is to be done in `out`,
    /// in order.
    fn step(
        &mut self,
        now: Now,
        input: Input<Self::Command>,
        disk: &mut Disk,
        out: &mut Outbox<Self>,
    );

    /// When [`Input::Woken`] should come next, if nothing else comes before. Asked after each step.
    /// A deadline in the past means at once.
    fn deadline(&self) -> Option<Instant>;
}
