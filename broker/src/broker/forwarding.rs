//! Requests of clients that the controller must answer (Kafka's `ForwardingManager`, without the
//! envelope: there are no principals to carry).
//!
//! A request goes on in the version in which it came. If the connection to the controller ends
//! before the answer, or another controller is in charge, it is sent again: the controllers may
//! then see it twice, and say the second time that the topic is there already. When
//! `request.timeout.ms` is over, the client is told so (Kafka has a fixed minute for it). What
//! became of the request is then unknown.

use core::time::Duration;
use std::collections::BTreeMap;

use super::{Running, channels::Token, surroundings::Surroundings};
use crate::{
    host::Instant,
    net::{Outgoing, RequestId},
    protocol::{ErrorCode, Request, Response, error_response, is_not_controller},
    replica::NetFailure,
};

/// The wait before a controller is asked again that was not in charge (`retryBackoffMs` of
/// `NodeToControllerChannelManagerImpl`'s thread).
const RETRY_BACKOFF: Duration = Duration::from_millis(100);

/// What waits for the controller's answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Forwarding {
    waiting: BTreeMap<RequestId, Forwarded>,
}

#[derive(Clone, Debug, PartialEq)]
struct Forwarded {
    request: Request,
    version: i16,
    until: Instant,
    /// When it goes out again, if it does not wait for an answer.
    again_at: Option<Instant>,
}

impl Forwarding {
    /// The connection of a request is gone: nobody waits any more.
    pub(super) fn forget(&mut self, id: RequestId) {
        self.waiting.remove(&id);
    }

    /// When a request goes out again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.values().filter_map(|forwarded| forwarded.again_at).min()
    }

    fn due(&self, now: Instant) -> Vec<RequestId> {
        let due = |forwarded: &Forwarded| forwarded.again_at.is_some_and(|at| at <= now);
        self.waiting.iter().filter(|(_, waits)| due(waits)).map(|(id, _)| *id).collect()
    }
}

impl Running {
    /// Passes a request on to the controller, whose answer the client gets.
    pub(super) fn forward(
        &mut self,
        id: RequestId,
        version: i16,
        request: Request,
        around: &mut Surroundings<'_>,
    ) {
        let timeout = self.config.server.request_timeout_ms.duration();
        let until = around.now.monotonic.plus(timeout);
        self.forwarding.waiting.insert(id, Forwarded { request, version, until, again_at: None });
        self.send_forwarded(id, around);
    }

    /// The controller has answered, or not.
    pub(super) fn on_forwarded(
        &mut self,
        id: RequestId,
        result: Result<Response, NetFailure>,
        around: &mut Surroundings<'_>,
    ) {
        let now = around.now.monotonic;
        // Without an entry the client is gone.
        let Some(forwarded) = self.forwarding.waiting.get_mut(&id) else { return };
        let may_wait = now < forwarded.until;
        let response = match result {
            Ok(response) if may_wait && is_not_controller(&response) => {
                forwarded.again_at = Some(now.plus(RETRY_BACKOFF).min(forwarded.until));
                return;
            }
            Ok(response) => response,
            Err(_) if may_wait => return self.send_forwarded(id, around),
            Err(NetFailure::Disconnected | NetFailure::TimedOut) => {
                let refusal = error_response(&forwarded.request, ErrorCode::RequestTimedOut);
                refusal.expect("what is forwarded is answered by controllers")
            }
        };
        self.forwarding.waiting.remove(&id);
        self.server.respond(id, response, around.out);
    }

    /// Sends again what was refused by who was not in charge.
    pub(super) fn forward_again(&mut self, around: &mut Surroundings<'_>) {
        for id in self.forwarding.due(around.now.monotonic) {
            self.send_forwarded(id, around);
        }
    }

    fn send_forwarded(&mut self, id: RequestId, around: &mut Surroundings<'_>) {
        let Some(forwarded) = self.forwarding.waiting.get_mut(&id) else { return };
        forwarded.again_at = None;
        let now = around.now.monotonic;
        let to = self.controllers.address().clone();
        let outgoing = Outgoing {
            to: &to,
            version: forwarded.version,
            request: &forwarded.request,
            timeout: forwarded.until.since(now),
            token: Token::Forwarded(id),
        };
        let channel = outgoing.token.channel();
        self.network.send(now, &channel, outgoing, around.out);
    }
}
