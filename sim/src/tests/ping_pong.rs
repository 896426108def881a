//! Two small processes that play with each other: a server that answers every ping, and a client
//! that keeps one ping under way and connects again when the connection ends.

use core::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use sim::{Address, Connection, Disk, Input, Instant, Now, OpenedId, Outbox, Process};

/// Where the server listens.
pub(crate) const PORT: u16 = 9;

/// How long the client waits for an answer before it connects anew.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a ping-pong process tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) enum Told {
    /// The client had this many pings answered.
    Answered(u64),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PingPong {
    Server { served: u64 },
    Client(Client),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Client {
    server: Address,
    connection: OpenedId,
    answered: u64,
    deadline: Instant,
    /// What is sent with each ping.
    payload: Bytes,
}

impl PingPong {
    pub(crate) fn server() -> Self {
        Self::Server { served: 0 }
    }

    pub(crate) fn client(server: &str, payload: &'static [u8]) -> Self {
        Self::Client(Client {
            server: Address::new(server, PORT),
            connection: OpenedId(0),
            answered: 0,
            deadline: Instant(u64::MAX),
            payload: Bytes::from_static(payload),
        })
    }
}

impl Process for PingPong {
    /// More to send with each ping.
    type Command = Vec<u8>;
    type Answer = ();
    type Event = Told;
    type Tag = bool;

    fn step(&mut self, now: Now, input: Input<Vec<u8>>, _disk: &mut Disk, out: &mut Outbox<Self>) {
        match self {
            Self::Server { served } => serve(served, input, out),
            Self::Client(client) => client.step(now, input, out),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Server { .. } => None,
            Self::Client(client) => Some(client.deadline),
        }
    }
}

fn serve(served: &mut u64, input: Input<Vec<u8>>, out: &mut Outbox<PingPong>) {
    match input {
        Input::Started => out.listen(PORT),
        Input::Frame { connection, frame } => {
            *served += 1;
            out.send(connection, frame, true);
        }
        Input::Accepted { .. }
        | Input::Woken
        | Input::Closed { .. }
        | Input::Established { .. }
        | Input::ConnectFailed { .. }
        | Input::Command(_) => {}
        Input::ShutdownAsked => out.exit(sim::ExitReason::CleanShutdown),
    }
}

impl Client {
    fn step(&mut self, now: Now, input: Input<Vec<u8>>, out: &mut Outbox<PingPong>) {
        match input {
            Input::Started => self.connect(now, out),
            Input::Woken => {
                out.close(Connection::Opened(self.connection));
                self.connection.0 += 1;
                self.connect(now, out);
            }
            Input::Established { .. } => self.ping(now, out),
            Input::Frame { .. } => {
                self.answered += 1;
                out.event(Told::Answered(self.answered));
                self.ping(now, out);
            }
            Input::Closed { .. } | Input::ConnectFailed { .. } => {
                self.connection.0 += 1;
                self.deadline = now.monotonic.plus(PATIENCE);
            }
            Input::Command(payload) => self.payload = payload.into(),
            Input::Accepted { .. } => {}
            Input::ShutdownAsked => out.exit(sim::ExitReason::CleanShutdown),
        }
    }

    fn connect(&mut self, now: Now, out: &mut Outbox<PingPong>) {
        out.open(self.connection, self.server.clone());
        self.deadline = now.monotonic.plus(PATIENCE);
    }

    fn ping(&mut self, now: Now, out: &mut Outbox<PingPong>) {
        out.send(Connection::Opened(self.connection), self.payload.clone(), false);
        self.deadline = now.monotonic.plus(PATIENCE);
    }
}
