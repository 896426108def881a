//! What replication wants done, and what it is told became of it.
//!
//! Replication opens no connection and numbers no request: it leaves [`Effect`]s, and gets the
//! completions of those that end, each with the ticket it gave. In Kafka these borders are
//! `LeaderEndPoint` (`BrokerBlockingSender`), `NodeToControllerChannelManager` and
//! `RequestChannel`.

use crate::{
    host::{Disk, Event, Now, event::PartitionEvent},
    ids::BrokerId,
    net::RequestId,
    protocol::{Request, Response, messages::AlterPartitionRequest},
};

/// The surroundings of one step.
pub struct Context<'a> {
    /// When it happens.
    pub now: Now,
    /// The broker's disk.
    pub disk: &'a mut dyn Disk,
    /// Where the effects go, in the order in which they happen.
    pub effects: &'a mut Vec<Effect>,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("now", &self.now).finish_non_exhaustive()
    }
}

impl Context<'_> {
    pub(super) fn event(&mut self, event: PartitionEvent) {
        self.effects.push(Effect::Event(Box::new(event.into())));
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }
}

/// Something that the broker must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answer a request.
    Respond(RequestId, Response),
    /// Close the connection of a request that gets no answer (acks=0 that failed).
    CloseConnection(RequestId),
    /// A request is done and gets no answer (acks=0).
    Done(RequestId),
    /// Send a request to a leader, with `replica.socket.timeout.ms`. While one is on its way, no
    /// other goes to that leader.
    ToLeader {
        /// The leader.
        leader: BrokerId,
        /// A fetch, or what must be known before one: where an epoch, or the log, ends or starts.
        request: Request,
        /// What to complete it with.
        ticket: FetcherTicket,
    },
    /// Nothing is fetched from this leader any more: its connection may be closed. A request to it
    /// that is on its way has no meaning any more.
    FetcherEnded {
        /// The leader.
        leader: BrokerId,
    },
    /// Ask the controller for other ISRs. While one is on its way, no other goes out.
    AlterPartition {
        /// What to send.
        request: AlterPartitionRequest,
        /// What to complete it with.
        ticket: AlterPartitionTicket,
    },
    /// Tell what happened.
    Event(Box<Event>),
    /// Stop at once: the only log directory failed.
    Halt(String),
}

/// Names a request to a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetcherTicket(pub(super) u64);

/// Names a request to the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlterPartitionTicket(pub(super) u64);

/// Why a request got no answer. Whether it was carried out is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetFailure {
    /// The connection could not be made, or ended.
    Disconnected,
    /// The answer did not come in time.
    TimedOut,
}
