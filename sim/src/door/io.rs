//! What goes in through the door, and what comes out.

use bytes::Bytes;

use super::{AcceptedId, Address, Connection, OpenedId, Process};
use crate::disk::DeathSwitch;

/// What a process can be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<C> {
    /// The process begins to live: its first input.
    Started,
    /// A deadline that it named has passed.
    Woken,
    /// A peer connected to a port that it listens on.
    Accepted {
        /// The world's number for the connection.
        connection: AcceptedId,
        /// Where the peer is.
        peer: Address,
    },
    /// A connection that it opened stands.
    Established {
        /// The connection.
        connection: OpenedId,
    },
    /// A connection that it opened could not be made.
    ConnectFailed {
        /// The connection.
        connection: OpenedId,
        /// Why not.
        failure: ConnectFailure,
    },
    /// The peer closed the connection, or it was reset. Nothing more comes from it.
    Closed {
        /// The connection.
        connection: Connection,
    },
    /// A whole frame arrived.
    Frame {
        /// The connection on which it came.
        connection: Connection,
        /// The bytes.
        frame: Bytes,
    },
    /// An operator asks it to end cleanly (SIGTERM).
    ShutdownAsked,
    /// Its application asks for something.
    Command(C),
}

/// Why a connection could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The peer's host answers, but nobody listens there.
    Refused,
    /// No such host.
    UnknownHost,
}

/// What a process can do to the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Output<P: Process> {
    /// Accept connections on this port from now on. Before, they are refused.
    Listen {
        /// The port.
        port: u16,
    },
    /// Open a connection. It may hang for as long as the peer is unreachable: the process gives up
    /// by closing it.
    Open {
        /// The process's number for it.
        connection: OpenedId,
        /// Whom to reach.
        to: Address,
    },
    /// Close a connection, in whatever state it is.
    Close {
        /// The connection.
        connection: Connection,
    },
    /// Send a frame on an established connection. On one that has ended meanwhile, it is lost.
    Send {
        /// The connection.
        connection: Connection,
        /// The bytes.
        frame: Bytes,
        /// What it is, for those who must pick it out without decoding.
        tag: P::Tag,
    },
    /// Answer the application.
    Answer(P::Answer),
    /// End this incarnation. What stands after it in the outbox does not happen.
    Exit(ExitReason),
    /// Something that matters has happened.
    Event(P::Event),
}

/// Why a process ended itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// It was asked to, and everything is on disk.
    CleanShutdown,
    /// It cannot go on.
    Halted,
    /// Its configuration or its disk does not let it start.
    CannotStart,
}

/// Where a step leaves its outputs, in the order in which they happen.
///
/// When the disk dies in the middle of a step (a crash point), the outbox dies with it: what is
/// pushed after that is ignored.
#[derive(Clone, Debug)]
pub struct Outbox<P: Process> {
    outputs: Vec<Output<P>>,
    switch: DeathSwitch,
}

impl<P: Process> Outbox<P> {
    pub(crate) fn over(outputs: Vec<Output<P>>, switch: DeathSwitch) -> Self {
        Self { outputs, switch }
    }

    pub(crate) fn take_outputs(&mut self) -> Vec<Output<P>> {
        std::mem::take(&mut self.outputs)
    }

    /// Appends any output.
    pub fn push(&mut self, output: Output<P>) {
        if self.switch.is_alive() {
            self.outputs.push(output);
        }
    }

    /// Appends an output that was left before the disk died, though it is handed over after.
    ///
    /// For an adapter that gives its process an outbox of another type, whose own pushes it guards
    /// with [`crate::Disk::death_switch`].
    pub fn push_from_before_death(&mut self, output: Output<P>) {
        self.outputs.push(output);
    }

    /// Accepts connections on `port` from now on.
    pub fn listen(&mut self, port: u16) {
        self.push(Output::Listen { port });
    }

    /// Opens a connection under the number `connection`.
    pub fn open(&mut self, connection: OpenedId, to: Address) {
        self.push(Output::Open { connection, to });
    }

    /// Closes a connection.
    pub fn close(&mut self, connection: Connection) {
        self.push(Output::Close { connection });
    }

    /// Sends a frame.
    pub fn send(&mut self, connection: Connection, frame: Bytes, tag: P::Tag) {
        self.push(Output::Send { connection, frame, tag });
    }

    /// Answers the application.
    pub fn answer(&mut self, answer: P::Answer) {
        self.push(Output::Answer(answer));
    }

    /// Ends this incarnation.
    pub fn exit(&mut self, reason: ExitReason) {
        self.push(Output::Exit(reason));
    }

    /// Tells whoever watches what has happened.
    pub fn event(&mut self, event: impl Into<P::Event>) {
        self.push(Output::Event(event.into()));
    }

    /// What lies in it.
    pub fn outputs(&self) -> &[Output<P>] {
        &self.outputs
    }
}
