//! A broker's life in the eyes of the controller (Kafka's `BrokerLifecycleManager`; KIP-631,
//! KIP-841, KIP-966).
//!
//! ```text
//!  Registering ──► CatchingUp ──► Fenced ──► Running ──► ShuttingDown ──► Stopped
//!      registered      has applied    unfenced    asked to end     the controller
//!                      its own        for the     cleanly          has moved its
//!                      registration   first time                   leaderships
//! ```
//!
//! A broker that is fenced again while it runs goes on as before: it wants to be unfenced with each
//! heartbeat, and learns what it may lead from the metadata alone.
//!
//! One request is in flight at a time. A heartbeat that succeeds is followed by the next after
//! `broker.heartbeat.interval.ms`. One that is refused, be it for a stale epoch, comes again after
//! a back-off that doubles from 100 ms to the session timeout (Kafka adds 2 % of jitter, which is
//! left out). One that found no controller is sent again as soon as a connection can be made, for
//! half a session, as `NodeToControllerRequestThread` does; only then has it failed.
//!
//! Who cannot register in time gives up. The wait for the controller in a controlled shutdown ends
//! after five minutes, the time that `KafkaBroker.shutdown` has; who never served does not ask.
//!
//! It knows no connection: it says which request is due, and is told how it ended.

use core::time::Duration;

use crate::{
    config::ServerConfig,
    host::{Address, Instant},
    ids::{BrokerEpoch, BrokerId, CLUSTER_ID, Offset},
    protocol::{
        ErrorCode, Request, Response, is_not_controller,
        messages::{
            BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, WireUuid,
            broker_registration_request::Listener, wire_broker, wire_string,
        },
    },
};

/// The wait after the first request that failed; it doubles up to the session timeout.
const RESEND_BACKOFF: Duration = Duration::from_millis(100);

/// After the first heartbeat of a shutdown the next comes soon: most shutdowns take no longer.
const FIRST_SHUTDOWN_WAIT: Duration = Duration::from_millis(50);

/// How long a broker waits until the controller lets it end (`KafkaBroker.shutdown`).
const CONTROLLED_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Where a broker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokerState {
    /// It asks to be registered.
    Registering,
    /// It is registered, and has not yet applied its own registration.
    CatchingUp,
    /// It has caught up; the controller has never let it serve.
    Fenced,
    /// It serves. It may be fenced again, which makes no difference here.
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
    /// It is unfenced, for the first time.
    Unfenced,
    /// It may end: the controller agrees, need not be asked, or was asked for long enough.
    MayStop,
    /// It could not register in time.
    GaveUp,
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

/// A request that is due.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Due {
    pub(super) request: Request,
    /// How long to wait for its answer.
    pub(super) timeout: Duration,
}

/// The times that the configuration sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    heartbeat_interval: Duration,
    backoff_max: Duration,
    /// How long a request that does not reach the controller is sent again at once: half a session
    /// (KAFKA-14392), so that the next still comes in time.
    retry: Duration,
    answer: Duration,
    registration: Duration,
}

/// The state of one incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lifecycle {
    identity: Identity,
    times: Times,
    state: BrokerState,
    /// When this state is given up: only `Registering` and `ShuttingDown` are.
    gives_up_at: Instant,
    /// Invariant: known in every state after `Registering`.
    epoch: Option<BrokerEpoch>,
    in_flight: bool,
    /// When the request that is in flight, or is to be sent again at once, was sent first.
    first_sent: Option<Instant>,
    /// When the next request is due, if none is in flight.
    next_at: Instant,
    /// Something changed while a request was in flight: the next is due as soon as that ends.
    at_once: bool,
    failures: u32,
    /// How often the controller did not let it end yet.
    waits: u32,
}

impl Times {
    fn of(config: &ServerConfig) -> Self {
        let session = config.broker_session_timeout_ms.duration();
        Self {
            heartbeat_interval: config.broker_heartbeat_interval_ms.duration(),
            backoff_max: session,
            retry: session / 2,
            answer: config.controller_socket_timeout_ms.duration(),
            registration: config.initial_broker_registration_timeout_ms.duration(),
        }
    }
}

impl Lifecycle {
    pub(super) fn new(identity: Identity, config: &ServerConfig, now: Instant) -> Self {
        Self {
            identity,
            times: Times::of(config),
            state: BrokerState::Registering,
            gives_up_at: now.plus(Times::of(config).registration),
            epoch: None,
            in_flight: false,
            first_sent: None,
            next_at: now,
            at_once: false,
            failures: 0,
            waits: 0,
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

    /// The broker is to end cleanly. Only one that has served must ask the controller first
    /// (`BeginControlledShutdownEvent`).
    pub(super) fn begin_shutdown(&mut self, now: Instant) -> LifecycleChange {
        match self.state {
            BrokerState::Running => {
                self.state = BrokerState::ShuttingDown;
                self.gives_up_at = now.plus(CONTROLLED_SHUTDOWN_TIMEOUT);
                self.communicate_at_once(now);
                LifecycleChange::None
            }
            BrokerState::ShuttingDown => LifecycleChange::None,
            BrokerState::Registering
            | BrokerState::CatchingUp
            | BrokerState::Fenced
            | BrokerState::Stopped => self.stopped(LifecycleChange::MayStop),
        }
    }

    /// Gives up what has taken too long.
    pub(super) fn on_time(&mut self, now: Instant) -> LifecycleChange {
        match self.state {
            BrokerState::Registering if self.gives_up_at <= now => {
                self.stopped(LifecycleChange::GaveUp)
            }
            BrokerState::ShuttingDown if self.gives_up_at <= now => {
                self.stopped(LifecycleChange::MayStop)
            }
            BrokerState::Registering
            | BrokerState::CatchingUp
            | BrokerState::Fenced
            | BrokerState::Running
            | BrokerState::ShuttingDown
            | BrokerState::Stopped => LifecycleChange::None,
        }
    }

    /// The request that is due now, if one is. `metadata_end` is how far the broker has applied
    /// the metadata log.
    pub(super) fn poll(&mut self, now: Instant, metadata_end: Offset) -> Option<Due> {
        if self.in_flight || now < self.next_at || self.state == BrokerState::Stopped {
            return None;
        }
        self.in_flight = true;
        let since = now.since(*self.first_sent.get_or_insert(now));
        let timeout = self.times.answer.min(self.times.retry.saturating_sub(since));
        let request = match self.epoch {
            None => Request::BrokerRegistration(self.registration()),
            Some(epoch) => Request::BrokerHeartbeat(self.heartbeat(epoch, metadata_end)),
        };
        Some(Due { request, timeout })
    }

    /// When [`Self::poll`] has something to send, or [`Self::on_time`] something to give up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let next = (!self.in_flight).then_some(self.next_at);
        match self.state {
            BrokerState::Registering | BrokerState::ShuttingDown => {
                Instant::earliest(next, Some(self.gives_up_at))
            }
            BrokerState::CatchingUp | BrokerState::Fenced | BrokerState::Running => next,
            BrokerState::Stopped => None,
        }
    }

    /// The request was answered.
    pub(super) fn on_response(&mut self, now: Instant, response: &Response) -> LifecycleChange {
        self.in_flight = false;
        if is_not_controller(response) {
            return self.ask_another(now);
        }
        match response {
            Response::BrokerRegistration(answer) => {
                let registered = ErrorCode::from_code(answer.error_code) == ErrorCode::None;
                if !registered || self.state != BrokerState::Registering {
                    return self.fail(now);
                }
                let epoch = BrokerEpoch(answer.broker_epoch);
                self.succeed(now, Duration::ZERO);
                self.epoch = Some(epoch);
                self.state = BrokerState::CatchingUp;
                LifecycleChange::Registered(epoch)
            }
            Response::BrokerHeartbeat(answer) => {
                if ErrorCode::from_code(answer.error_code) != ErrorCode::None {
                    return self.fail(now);
                }
                self.on_heartbeat_answered(now, answer)
            }
            // The network client gives no answer to another request.
            _ => self.fail(now),
        }
    }

    /// The request did not reach the controller, or its answer did not come back: it goes out again
    /// as soon as there is a connection, unless that was tried for long enough.
    pub(super) fn on_unanswered(&mut self, now: Instant) -> LifecycleChange {
        self.in_flight = false;
        if self.first_sent.is_some_and(|first| now < first.plus(self.times.retry)) {
            self.next_at = now;
            return LifecycleChange::None;
        }
        self.fail(now)
    }

    fn fail(&mut self, now: Instant) -> LifecycleChange {
        self.first_sent = None;
        self.at_once = false;
        let backoff = RESEND_BACKOFF.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        self.next_at = now.plus(backoff.min(self.times.backoff_max));
        LifecycleChange::None
    }

    /// Another controller is in charge, and will be known soon: nobody was asked yet, so that the
    /// pauses do not grow (`NodeToControllerRequestThread` puts the request back).
    fn ask_another(&mut self, now: Instant) -> LifecycleChange {
        self.first_sent = None;
        self.next_at = now.plus(RESEND_BACKOFF);
        LifecycleChange::None
    }

    fn stopped(&mut self, change: LifecycleChange) -> LifecycleChange {
        self.state = BrokerState::Stopped;
        change
    }

    fn on_heartbeat_answered(
        &mut self,
        now: Instant,
        answer: &BrokerHeartbeatResponse,
    ) -> LifecycleChange {
        let soon = self.state == BrokerState::ShuttingDown && self.waits == 0;
        let wait = if soon { FIRST_SHUTDOWN_WAIT } else { self.times.heartbeat_interval };
        self.succeed(now, wait);
        match self.state {
            BrokerState::ShuttingDown if answer.should_shut_down => {
                self.stopped(LifecycleChange::MayStop)
            }
            BrokerState::ShuttingDown => {
                self.waits = self.waits.saturating_add(1);
                LifecycleChange::None
            }
            BrokerState::Fenced if !answer.is_fenced => {
                self.state = BrokerState::Running;
                LifecycleChange::Unfenced
            }
            BrokerState::Registering
            | BrokerState::CatchingUp
            | BrokerState::Fenced
            | BrokerState::Running
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
        self.first_sent = None;
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
