//! What goes in through the door, and what comes out.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use serde::Serialize;

use super::{AcceptedId, Address, Connection, Event, OpenedId};

/// What a process can be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<C> {
    /// The process begins to live: its first input.
    Started,
    /// A deadline that it named has passed.
    Woken,
    /// A peer connected to a port that it listens on.
    Accepted {
        /// The host's number for the connection.
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
    /// A whole frame arrived: a request or a response, without its length prefix.
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
pub enum Output<A> {
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
    /// Send a frame on an established connection.
    Send {
        /// The connection.
        connection: Connection,
        /// A request or response as it stands on the wire, without its length prefix.
        frame: Bytes,
        /// What it is, for those who must pick it out without decoding.
        tag: FrameTag,
    },
    /// Answer the application.
    Answer(A),
    /// End this incarnation.
    Exit(ExitReason),
    /// Something that matters has happened. Boxed: it is large beside the others.
    Event(Box<Event>),
}

/// What a frame is, without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FrameTag {
    /// Kafka's API key.
    pub api: i16,
    /// The version of that API.
    pub version: i16,
    /// The request's correlation id; its response bears the same.
    pub correlation: i32,
    /// Whether it is the response.
    pub response: bool,
}

/// Why a process ended itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// It was asked to, and everything is on disk.
    CleanShutdown,
    /// It cannot go on: its last log directory failed (`Exit.halt` in Kafka).
    Halted,
    /// Its configuration or its disk does not let it start; the process has said why in an event.
    CannotStart,
}

/// What most steps leave at most.
const ROOM: usize = 8;

/// Where a step leaves its outputs, in the order in which they happen.
#[derive(Clone, Debug)]
pub struct Outbox<A> {
    outputs: Vec<Output<A>>,
    gate: Option<Gate>,
}

impl<A> Default for Outbox<A> {
    fn default() -> Self {
        Self { outputs: Vec::new(), gate: None }
    }
}

/// Lets a host end a process in the middle of a step, at a call to its disk: what the process
/// leaves in its outbox behind a closed gate has no effect.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    /// Nothing passes any more.
    pub fn close(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        // Only the thread that executes the step reads and writes it.
        self.0.load(Ordering::Relaxed)
    }
}

impl<A> Outbox<A> {
    /// An empty outbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty outbox that its host can close in the middle of a step, if there is a gate.
    pub fn behind(gate: Option<Gate>) -> Self {
        Self { outputs: Vec::with_capacity(ROOM), gate }
    }

    /// Appends any output.
    pub fn push(&mut self, output: Output<A>) {
        if !self.gate.as_ref().is_some_and(Gate::is_closed) {
            self.outputs.push(output);
        }
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
    pub fn send(&mut self, connection: Connection, frame: Bytes, tag: FrameTag) {
        self.push(Output::Send { connection, frame, tag });
    }

    /// Answers the application.
    pub fn answer(&mut self, answer: A) {
        self.push(Output::Answer(answer));
    }

    /// Ends this incarnation.
    pub fn exit(&mut self, reason: ExitReason) {
        self.push(Output::Exit(reason));
    }

    /// Tells whoever watches what has happened.
    pub fn event(&mut self, event: impl Into<Event>) {
        self.push(Output::Event(Box::new(event.into())));
    }

    /// Takes everything out, in order, and leaves the outbox empty with its room kept.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Output<A>> {
        self.outputs.drain(..)
    }

    /// What lies in it.
    pub fn outputs(&self) -> &[Output<A>] {
        &self.outputs
    }
}
