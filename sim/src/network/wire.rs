//! A connection between two hosts: two ends, and a lane of parcels in each direction.

use std::collections::VecDeque;

use bytes::Bytes;

use super::rule::RuleId;
use crate::{
    door::Connection,
    queue::{Direction, Due, Queue},
    time::Time,
    world::NodeId,
};

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) ends: [End; 2],
    pub(super) lanes: [Lane; 2],
    pub(super) port: u16,
    /// It was reset on the way: what is sent from now on is lost.
    pub(super) broken: bool,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) node: NodeId,
    pub(super) state: EndState,
    /// What its process calls the connection.
    pub(super) called: Connection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndState {
    /// The opener has not heard from the other side.
    Connecting,
    /// The accepting side has not heard of the connection.
    Unborn,
    /// Frames come and go.
    Open,
    /// Its process closed it, or was told that it is closed, or is no more.
    Closed,
    /// Its host lost power: nobody there knows of it.
    Gone,
}

impl EndState {
    /// Whether nothing can happen at this end any more.
    pub(super) fn is_over(self) -> bool {
        match self {
            Self::Unborn | Self::Closed | Self::Gone => true,
            Self::Connecting | Self::Open => false,
        }
    }
}

/// What is under way in one direction, first in, first out. Only the first parcel stands in the
/// queue of the world; one that is held up holds up those behind it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    pub(super) parcels: VecDeque<Parcel>,
    pub(super) generation: u32,
    scheduled: Option<Time>,
}

#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) what: What,
    /// When it arrives, if it is first by then; [`Time::NEVER`] while it is held.
    pub(super) ready: Time,
    /// How many nanoseconds it takes once it is let go.
    pub(super) transit: u64,
    pub(super) hold: Hold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Free,
    Cut,
    Rule(RuleId),
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// A connection is asked for.
    Ask,
    /// It stands.
    Grant,
    /// It does not.
    Refuse,
    Frame(Bytes),
    Close,
    Reset,
}

impl Parcel {
    pub(super) fn release(&mut self, now: Time) {
        self.hold = Hold::Free;
        self.ready = Time(now.0.saturating_add(self.transit));
    }
}

impl Lane {
    /// Sees to it that the first parcel, and no other, stands in the queue.
    pub(super) fn schedule(&mut self, queue: &mut Queue, now: Time, key: (u64, Direction)) {
        let first = self.parcels.front().map(|parcel| parcel.ready.max(now));
        let wanted = first.filter(|&ready| ready < Time::NEVER);
        if wanted == self.scheduled {
            return;
        }
        self.generation = self.generation.wrapping_add(1);
        self.scheduled = wanted;
        if let Some(time) = wanted {
            let (connection, direction) = key;
            queue.put(time, Due::Lane { connection, direction, generation: self.generation });
        }
    }

    /// The scheduled entry was taken from the queue.
    pub(super) fn unscheduled(&mut self) {
        self.scheduled = None;
    }

    /// Drops all that is under way.
    pub(super) fn clear(&mut self) {
        self.parcels.clear();
        self.generation = self.generation.wrapping_add(1);
        self.scheduled = None;
    }

    /// The link or the host is back: what waited at its end, or was held by a cut, sets out again.
    pub(super) fn let_go(&mut self, now: Time) {
        for parcel in &mut self.parcels {
            let waited = parcel.ready <= now || parcel.hold == Hold::Cut;
            if waited {
                parcel.release(now);
            }
        }
    }
}
