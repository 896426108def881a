//! A broker's life in the eyes of the controller (Kafka's `BrokerLifecycleManager`; KIP-631,
//! KIP-841, KIP-966).
//!
//! ```text
//!  Registering ──► CatchingUp ──► Fenced ◄──► Running ──► ShuttingDown ──► Stopped
//!      registered      has applied    the controller      asked to end     the controller
//!                      its own        says so, with       cleanly          has moved its
//!                      registration   each heartbeat                       leaderships
//! ```
//!
//! One request is in flight at a time. A request that fails is sent again after a back-off; a
//! heartbeat that succeeds is followed by the next after `broker.heartbeat.interval.ms`.
//!
//! It knows no connection: it says which request is due, and is told how it ended.

use core::time::Duration;

use crate::{
    config::ServerConfig,
    host::{Address, Instant},
    ids::{BrokerEpoch, BrokerId, CLUSTER_ID, Offset},
    protocol::{
        ErrorCode, Request, Response,
        messages::{
            BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, WireUuid,
            broker_registration_request::Listener, wire_broker, wire_string,
        },
    },
};

/// The wait after the first request that failed; it doubles up to the heartbeat interval.
const RESEND_BACKOFF: Duration = Duration::from_millis(100);

/// Where a broker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokerState {
    /// It asks to be registered.
    Registering,
    /// It is registered, and has not yet applied its own registration.
    CatchingUp,
    /// It has caught up; the controller does not let it lead.
    Fenced,
    /// It may lead and be in ISRs.
    Running,
    /// It was asked to end, and waits until it leads nothing.
    ShuttingDown,
    /// The controller let it go, or cannot be asked.
    Stopped,
}

/// What the end of a request has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LifecycleChange {
    /// Nothing that anybody must know.
    None,
    /// It is registered under this epoch.
    Registered(BrokerEpoch),
    /// It is unfenced, for the first time or again.
    Unfenced,
    /// The controller lets it end.
    MayStop,
}

/// What a broker tells of itself when it registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) broker: BrokerId,
    pub(super) address: Address,
    /// Of this incarnation alone.
    pub(super) incarnation: [u8; 16],
    /// Of the incarnation before, if that one ended cleanly.
    pub(super) previous_broker_epoch: Option<BrokerEpoch>,
}

/// The state of one incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lifecycle {
    identity: Identity,
    heartbeat_interval: Duration,
    state: BrokerState,
    /// Invariant: known in every state after `Registering`.
    epoch: Option<BrokerEpoch>,
    in_flight: bool,
    /// When the next request is due, if none is in flight.
    next_at: Instant,
    /// Something changed while a request was in flight: the next is due as soon as that ends.
    at_once: bool,
    failures: u32,
}

impl Lifecycle {
    pub(super) fn new(identity: Identity, config: &ServerConfig, now: Instant) -> Self {
        Self {
            identity,
            heartbeat_interval: config.broker_heartbeat_interval_ms.duration(),
            state: BrokerState::Registering,
            epoch: None,
            in_flight: false,
            next_at: now,
            at_once: false,
            failures: 0,
        }
    }

    pub(super) fn state(&self) -> BrokerState {
        self.state
    }

    pub(super) fn epoch(&self) -> Option<BrokerEpoch> {
        self.epoch
    }

    /// The broker has applied the metadata log up to `end_offset`. Once that covers its own
    /// registration it wants to be unfenced, and says so at once.
    pub(super) fn on_metadata(&mut self, now: Instant, end_offset: Offset) {
        let caught_up = self.epoch.is_some_and(|epoch| epoch.0 < end_offset.0);
        if self.state == BrokerState::CatchingUp && caught_up {
            self.state = BrokerState::Fenced;
            self.communicate_at_once(now);
        }
    }

    /// The broker is to end cleanly. Returns whether the controller must be asked first.
    pub(super) fn begin_shutdown(&mut self, now: Instant) -> LifecycleChange {
        match self.state {
            BrokerState::Fenced | BrokerState::Running => {
                self.state = BrokerState::ShuttingDown;
                self.communicate_at_once(now);
                LifecycleChange::None
            }
            BrokerState::ShuttingDown => LifecycleChange::None,
            BrokerState::Registering | BrokerState::CatchingUp | BrokerState::Stopped => {
                self.state = BrokerState::Stopped;
                LifecycleChange::MayStop
            }
        }
    }

    /// The request that is due now, if one is. `metadata_end` is how far the broker has applied
    /// the metadata log.
    pub(super) fn poll(&mut self, now: Instant, metadata_end: Offset) -> Option<Request> {
        if self.in_flight || now < self.next_at || self.state == BrokerState::Stopped {
            return None;
        }
        self.in_flight = true;
        Some(match self.epoch {
            None => Request::BrokerRegistration(self.registration()),
            Some(epoch) => Request::BrokerHeartbeat(self.heartbeat(epoch, metadata_end)),
        })
    }

    /// When [`Self::poll`] has something to send.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.in_flight && self.state != BrokerState::Stopped).then_some(self.next_at)
    }

    /// The request was answered.
    pub(super) fn on_response(&mut self, now: Instant, response: &Response) -> LifecycleChange {
        self.in_flight = false;
        match response {
            Response::BrokerRegistration(answer) => {
                let registered = ErrorCode::from_code(answer.error_code) == ErrorCode::None;
                if !registered || self.state != BrokerState::Registering {
                    return self.on_failure(now);
                }
                let epoch = BrokerEpoch(answer.broker_epoch);
                self.succeed(now, Duration::ZERO);
                self.epoch = Some(epoch);
                self.state = BrokerState::CatchingUp;
                LifecycleChange::Registered(epoch)
            }
            Response::BrokerHeartbeat(answer) => {
                if ErrorCode::from_code(answer.error_code) != ErrorCode::None {
                    return self.on_failure(now);
                }
                self.on_heartbeat_answered(now, answer)
            }
            _ => self.on_failure(now),
        }
    }

    /// The request did not reach the controller, or its answer did not come back.
    pub(super) fn on_failure(&mut self, now: Instant) -> LifecycleChange {
        self.in_flight = false;
        let backoff = RESEND_BACKOFF.saturating_mul(1 << self.failures.min(10));
        self.failures += 1;
        self.next_at = now.plus(backoff.min(self.heartbeat_interval));
        LifecycleChange::None
    }

    fn on_heartbeat_answered(
        &mut self,
        now: Instant,
        answer: &BrokerHeartbeatResponse,
    ) -> LifecycleChange {
        self.succeed(now, self.heartbeat_interval);
        match self.state {
            BrokerState::ShuttingDown if answer.should_shut_down => {
                self.state = BrokerState::Stopped;
                LifecycleChange::MayStop
            }
            BrokerState::Fenced if !answer.is_fenced => {
                self.state = BrokerState::Running;
                LifecycleChange::Unfenced
            }
            BrokerState::Running if answer.is_fenced => {
                self.state = BrokerState::Fenced;
                LifecycleChange::None
            }
            BrokerState::Registering
            | BrokerState::CatchingUp
            | BrokerState::Fenced
            | BrokerState::Running
            | BrokerState::ShuttingDown
            | BrokerState::Stopped => LifecycleChange::None,
        }
    }

    fn communicate_at_once(&mut self, now: Instant) {
        self.next_at = now;
        self.at_once = self.in_flight;
    }

    /// A request succeeded: the next is due after `wait`, unless it was wanted at once meanwhile.
    fn succeed(&mut self, now: Instant, wait: Duration) {
        let at_once = std::mem::take(&mut self.at_once);
        self.failures = 0;
        self.next_at = if at_once { now } else { now.plus(wait) };
    }

    fn registration(&self) -> BrokerRegistrationRequest {
        let listener = Listener::default()
            .with_name(wire_string("PLAINTEXT"))
            .with_host(wire_string(&self.identity.address.host))
            .with_port(self.identity.address.port)
            .with_security_protocol(0);
        BrokerRegistrationRequest::default()
            .with_broker_id(wire_broker(Some(self.identity.broker)))
            .with_cluster_id(wire_string(CLUSTER_ID))
            .with_incarnation_id(WireUuid::from_bytes(self.identity.incarnation))
            .with_listeners(vec![listener])
            .with_previous_broker_epoch(BrokerEpoch::to_wire(self.identity.previous_broker_epoch))
    }

    fn heartbeat(&self, epoch: BrokerEpoch, metadata_end: Offset) -> BrokerHeartbeatRequest {
        let (want_fence, want_shut_down) = match self.state {
            BrokerState::Registering | BrokerState::CatchingUp => (true, false),
            BrokerState::Fenced | BrokerState::Running => (false, false),
            BrokerState::ShuttingDown | BrokerState::Stopped => (false, true),
        };
        BrokerHeartbeatRequest::default()
            .with_broker_id(wire_broker(Some(self.identity.broker)))
            .with_broker_epoch(epoch.0)
            .with_current_metadata_offset(metadata_end.0 - 1)
            .with_want_fence(want_fence)
            .with_want_shut_down(want_shut_down)
    }
}
