//! One request at a time to each voter, and a pause after each that failed.
//!
//! Mirrors `RequestManager`. A request that is not answered in time is given up: its answer, should
//! it come, is not looked at. It does not know what is asked.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::{host::Instant, ids::ControllerId};

/// Tells the answer to one request from that to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Correlation(pub u64);

/// What is under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RequestManager {
    request_timeout: Duration,
    retry_backoff: Duration,
    next: u64,
    connections: BTreeMap<ControllerId, Connection>,
}

/// To whom nothing may be sent now, and until when.
#[derive(Clone, Debug, PartialEq)]
enum Connection {
    AwaitingResponse { correlation: Correlation, until: Instant },
    BackingOff { until: Instant },
}

impl Connection {
    fn until(&self) -> Instant {
        match self {
            Self::AwaitingResponse { until, .. } | Self::BackingOff { until } => *until,
        }
    }
}

impl RequestManager {
    /// Nothing is under way.
    pub(super) fn new(request_timeout: Duration, retry_backoff: Duration) -> Self {
        Self { request_timeout, retry_backoff, next: 0, connections: BTreeMap::new() }
    }

    /// Whether a request may be sent to this voter.
    pub(super) fn is_ready(&self, voter: ControllerId, now: Instant) -> bool {
        self.connections.get(&voter).is_none_or(|connection| connection.until() <= now)
    }

    /// A request is sent.
    pub(super) fn on_sent(&mut self, voter: ControllerId, now: Instant) -> Correlation {
        let correlation = Correlation(self.next);
        self.next += 1;
        let until = now.plus(self.request_timeout);
        self.connections.insert(voter, Connection::AwaitingResponse { correlation, until });
        correlation
    }

    /// An answer came. Returns whether it is one that is still waited for.
    #[must_use = "an answer that came too late must not be looked at"]
    pub(super) fn on_response(&mut self, voter: ControllerId, answered: Correlation) -> bool {
        let awaited = matches!(
            self.connections.get(&voter),
            Some(Connection::AwaitingResponse { correlation, .. }) if *correlation == answered
        );
        if awaited {
            self.connections.remove(&voter);
        }
        awaited
    }

    /// The next request to this voter must wait.
    pub(super) fn back_off(&mut self, voter: ControllerId, now: Instant) {
        let until = now.plus(self.retry_backoff);
        self.connections.insert(voter, Connection::BackingOff { until });
    }

    /// Gives up whatever is under way: another state asks other things.
    pub(super) fn reset_all(&mut self) {
        self.connections.clear();
    }

    /// Forgets the requests and pauses whose time is over.
    pub(super) fn expire(&mut self, now: Instant) {
        self.connections.retain(|_, connection| now < connection.until());
    }

    /// When the next request or pause is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.connections.values().map(Connection::until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOTER: ControllerId = ControllerId(1002);

    fn manager() -> RequestManager {
        RequestManager::new(Duration::from_nanos(100), Duration::from_nanos(10))
    }

    #[test]
    fn a_voter_that_owes_an_answer_is_asked_nothing_until_the_time_is_up() {
        let mut manager = manager();
        manager.on_sent(VOTER, Instant(0));
        assert!(!manager.is_ready(VOTER, Instant(99)));
        assert!(manager.is_ready(ControllerId(1003), Instant(0)));
        assert!(manager.is_ready(VOTER, Instant(100)));
    }

    #[test]
    fn an_answer_to_a_request_that_was_given_up_is_not_looked_at() {
        let mut manager = manager();
        let given_up = manager.on_sent(VOTER, Instant(0));
        manager.expire(Instant(100));
        let awaited = manager.on_sent(VOTER, Instant(100));
        assert!(!manager.on_response(VOTER, given_up));
        assert!(manager.on_response(VOTER, awaited));
        assert!(!manager.on_response(VOTER, awaited), "it is answered once");
    }

    #[test]
    fn after_a_failure_there_is_a_pause() {
        let mut manager = manager();
        manager.back_off(VOTER, Instant(5));
        assert!(!manager.is_ready(VOTER, Instant(14)));
        assert_eq!(manager.deadline(), Some(Instant(15)));
        manager.expire(Instant(15));
        assert_eq!(manager.deadline(), None);
    }
}
