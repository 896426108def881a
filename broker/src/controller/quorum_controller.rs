//! The controller as a process: the order of things.
//!
//! Mirrors `QuorumController`: its event queue is the host's, its timers are deadlines here. Each
//! decision is appended, synced and replayed before the next is made; it is told and answered when
//! the quorum has it. A disk that fails ends the process: what it holds in memory may be ahead of
//! what is durable.

use core::time::Duration;
use std::{collections::BTreeMap, convert::Infallible};

use rand_chacha::ChaCha8Rng;

use super::{
    broker_heartbeat_manager::BrokerHeartbeatManager,
    command::ControllerCommand,
    decision::{Cause, Decision},
    deferred_event_queue::{Deferred, DeferredEventQueue},
    events::{Before, event_of},
    metadata_log::{MetadataLogError, batch_of},
    quorum::Quorum,
    replication_control_manager::View,
};
use crate::{
    config::{Millis, ServerConfig, TopicConfig},
    host::{
        Address, Connection, Disk, ExitReason, Input, Instant, Now, Outbox, Process,
        event::{ControllerEvent, FenceReason},
    },
    ids::{ControllerEpoch, ControllerId, LeaderEpoch, Offset},
    metadata::{LeaderChange, MetadataDelta, MetadataImage, MetadataRecord, ReplayError},
    net::RequestServer,
    protocol::versions::Listener,
    raft::KafkaRaftClientDriver,
    replica::Rules,
};

/// Who is asked to decide was found to be active.
const NOT_ACTIVE: &str = "only an active controller is asked";

/// What a controller is told when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerConfig {
    /// Its node id.
    pub id: ControllerId,
    /// The port on which it listens.
    pub port: u16,
    /// The quorum, itself among them (`controller.quorum.voters`).
    pub voters: BTreeMap<ControllerId, Address>,
    /// The id of the cluster. Brokers that name another are refused; those that name none are not.
    pub cluster_id: String,
    /// Its configuration.
    pub server: ServerConfig,
    /// The protocol.
    pub rules: Rules,
}

/// The controller.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    pub(super) config: ControllerConfig,
    pub(super) topic_defaults: TopicConfig,
    /// For the ids of topics.
    pub(super) rng: ChaCha8Rng,
    pub(super) server: RequestServer,
    /// None before the start.
    pub(super) quorum: Option<Box<Quorum>>,
    pub(super) phase: Phase,
}

/// Where the controller is in its life.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    Starting,
    /// It follows another, or does not know yet that everything in its log is committed.
    Standby,
    Active(Box<Active>),
    Ended,
}

/// What an active controller holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Active {
    /// The epoch in which it decides.
    pub(super) epoch: LeaderEpoch,
    /// Invariant: what the records of the log amount to, committed or not; it ends where the log
    /// ends.
    pub(super) image: MetadataImage,
    pub(super) heartbeats: BrokerHeartbeatManager,
    /// What waits for the quorum.
    pub(super) deferred: DeferredEventQueue,
    last_write: Instant,
    last_unclean_check: Instant,
    /// Since when some partition has been led by another than its preferred replica, or when the
    /// balance was last looked at while it was.
    imbalanced_since: Option<Instant>,
}

impl Active {
    /// Begins to decide upon what is recorded. Every broker gets a fresh session.
    pub(super) fn new(
        epoch: LeaderEpoch,
        image: MetadataImage,
        server: &ServerConfig,
        now: Instant,
    ) -> Self {
        let timeout = server.broker_session_timeout_ms.duration();
        let heartbeats = BrokerHeartbeatManager::new(timeout, &image, now);
        Self {
            epoch,
            image,
            heartbeats,
            deferred: DeferredEventQueue::default(),
            last_write: now,
            last_unclean_check: now,
            imbalanced_since: None,
        }
    }
}

/// Where a step takes place.
pub(super) struct Context<'a> {
    pub(super) now: Now,
    pub(super) disk: &'a mut dyn Disk,
    pub(super) out: &'a mut Outbox<Infallible>,
}

impl Controller {
    /// A controller that has not started. `rng` must differ from incarnation to incarnation.
    pub fn new(config: ControllerConfig, rng: ChaCha8Rng) -> Self {
        let topic_defaults = config.server.topic_defaults();
        Self {
            config,
            topic_defaults,
            rng,
            server: RequestServer::new(Listener::Controller),
            quorum: None,
            phase: Phase::Starting,
        }
    }

    /// The cluster as an active controller has it, of which the newest records may not be committed
    /// yet; none from others.
    pub fn image(&self) -> Option<&MetadataImage> {
        self.active_ref().map(|active| &active.image)
    }

    /// The epoch in which it decides, if it does. One that was deposed may not know it yet: the
    /// later epoch counts.
    pub fn active_epoch(&self) -> Option<ControllerEpoch> {
        self.active_ref().map(|active| ControllerEpoch(active.epoch.0))
    }

    fn take(
        &mut self,
        input: Input<ControllerCommand>,
        cx: &mut Context<'_>,
    ) -> Result<(), MetadataLogError> {
        match input {
            Input::Started => self.start(cx),
            Input::Woken => self.on_time(cx),
            Input::Accepted { connection, peer } => {
                self.server.on_accepted(connection, peer);
                Ok(())
            }
            Input::Frame { connection: Connection::Accepted(connection), frame } => {
                self.server.on_frame(connection, frame);
                self.serve(cx)
            }
            Input::Closed { connection: Connection::Accepted(connection) } => {
                if let Some(abandoned) = self.server.on_closed(connection) {
                    self.forget(abandoned);
                }
                Ok(())
            }
            Input::ShutdownAsked => {
                self.with_quorum(cx, KafkaRaftClientDriver::shut_down)?;
                self.serve(cx)
            }
            Input::Command(command) => self.obey(command, cx),
            Input::Established { connection } => {
                self.with_quorum(cx, |quorum, around| {
                    quorum.on_established(connection, around);
                    Ok(())
                })?;
                self.serve(cx)
            }
            Input::ConnectFailed { connection, .. }
            | Input::Closed { connection: Connection::Opened(connection) } => {
                self.with_quorum(cx, |quorum, around| quorum.on_closed(connection, around))?;
                self.serve(cx)
            }
            Input::Frame { connection: Connection::Opened(connection), frame } => {
                self.with_quorum(cx, |quorum, around| quorum.on_frame(connection, frame, around))?;
                self.serve(cx)
            }
        }
    }

    /// Makes a decision: appends and syncs its records and replays them. The events are told and
    /// the answer is given, by [`Self::tell`] and [`Self::respond`], when the quorum has them.
    pub(super) fn commit<T>(
        &mut self,
        decision: Decision<T>,
        cx: &mut Context<'_>,
    ) -> Result<T, MetadataLogError> {
        let Decision { records, cause, answer } = decision;
        if records.is_empty() {
            return Ok(answer);
        }
        let first = self.append(&batch_of(cx.now, &records), cx)?;
        let Phase::Active(active) = &mut self.phase else { panic!("{NOT_ACTIVE}") };
        active.last_write = cx.now.monotonic;
        let moves_leaders = records.iter().any(moves_leaders);
        let end = Offset(first.0 + i64::try_from(records.len()).expect("a batch is in memory"));
        for (offset, record) in (first.0..).map(Offset).zip(&records) {
            match replay(offset, record, cause, &mut active.image, &self.topic_defaults) {
                Ok(Some(event)) => active.deferred.push(end, Deferred::Event(event)),
                Ok(None) => {}
                Err(error) => panic!("decided and cannot be: {record:?} at {offset}: {error}"),
            }
        }
        self.release(cx);
        if moves_leaders {
            self.look_at_balance(cx.now.monotonic);
        }
        Ok(answer)
    }

    /// Does what is due, fencing at most one broker: the deadline of the next has then passed, and
    /// the host comes back at once.
    fn on_time(&mut self, cx: &mut Context<'_>) -> Result<(), MetadataLogError> {
        if self.active_ref().is_some() {
            self.decide_what_is_due(cx)?;
        }
        self.serve(cx)
    }

    fn decide_what_is_due(&mut self, cx: &mut Context<'_>) -> Result<(), MetadataLogError> {
        let now = cx.now.monotonic;
        let active = self.active();
        if let Some(stale) = active.heartbeats.find_one_stale_broker(&active.image, now) {
            let broker = active.image.broker(stale).expect("a stale broker is registered").clone();
            let decision = self.view().fence(&broker, FenceReason::SessionTimeout);
            self.commit(decision, cx)?;
        }
        if self.next_unclean_check().is_some_and(|due| due <= now) {
            self.active().last_unclean_check = now;
            let decision = self.view().elect_unclean_leaders();
            self.commit(decision, cx)?;
        }
        if self.next_balance().is_some_and(|due| due <= now) {
            // What stays out of balance is looked at again after the interval.
            self.active().imbalanced_since = None;
            let decision = self.view().balance_leaders();
            self.commit(decision, cx)?;
            self.look_at_balance(now);
        }
        if self.next_no_op().is_some_and(|due| due <= now) {
            self.commit(Decision::of(vec![MetadataRecord::NoOp], ()), cx)?;
        }
        Ok(())
    }

    fn next_no_op(&self) -> Option<Instant> {
        let interval = self.config.server.metadata_max_idle_interval_ms;
        let last_write = self.active_ref()?.last_write;
        (interval != Millis(0)).then(|| last_write.plus(interval.duration()))
    }

    fn next_unclean_check(&self) -> Option<Instant> {
        let interval = self.config.server.unclean_leader_election_interval_ms;
        let last = self.active_ref()?.last_unclean_check;
        (interval != Millis(0)).then(|| last.plus(interval.duration()))
    }

    /// The interval begins when the imbalance appears.
    pub(super) fn look_at_balance(&mut self, now: Instant) {
        if self.config.server.auto_leader_rebalance_enable {
            let is_imbalanced = self.view().is_imbalanced();
            let since = &mut self.active().imbalanced_since;
            *since = is_imbalanced.then(|| since.unwrap_or(now));
        }
    }

    fn next_balance(&self) -> Option<Instant> {
        let seconds = self.config.server.leader_imbalance_check_interval_seconds;
        let since = self.active_ref()?.imbalanced_since?;
        Some(since.plus(Duration::from_secs(seconds.max(1).into())))
    }

    /// What decisions are made from.
    pub(super) fn view(&self) -> View<'_> {
        let active = self.active_ref().expect(NOT_ACTIVE);
        View { image: &active.image, defaults: &self.topic_defaults, rules: self.config.rules }
    }

    pub(super) fn active(&mut self) -> &mut Active {
        match &mut self.phase {
            Phase::Active(active) => active,
            Phase::Starting | Phase::Standby | Phase::Ended => panic!("{NOT_ACTIVE}"),
        }
    }

    pub(super) fn active_ref(&self) -> Option<&Active> {
        match &self.phase {
            Phase::Active(active) => Some(active),
            Phase::Starting | Phase::Standby | Phase::Ended => None,
        }
    }

    pub(super) fn end(&mut self, reason: ExitReason, cx: &mut Context<'_>) {
        self.phase = Phase::Ended;
        cx.out.exit(reason);
    }
}

/// Whether a record may change who leads what, or who should.
fn moves_leaders(record: &MetadataRecord) -> bool {
    match record {
        MetadataRecord::Partition { .. } | MetadataRecord::RemoveTopic { .. } => true,
        MetadataRecord::PartitionChange(change) => {
            change.leader != LeaderChange::Unchanged || change.replicas.is_some()
        }
        MetadataRecord::RegisterBroker(_)
        | MetadataRecord::UnregisterBroker { .. }
        | MetadataRecord::BrokerRegistrationChange(_)
        | MetadataRecord::Topic { .. }
        | MetadataRecord::Config(_)
        | MetadataRecord::ProducerIds(_)
        | MetadataRecord::NoOp => false,
    }
}

/// Takes a record into the image. Returns its event.
pub(super) fn replay(
    offset: Offset,
    record: &MetadataRecord,
    cause: Cause,
    image: &mut MetadataImage,
    defaults: &TopicConfig,
) -> Result<Option<ControllerEvent>, ReplayError> {
    let before = Before::of(image, record);
    // A controller acts upon the image itself; nobody here reads what changed.
    image.replay(offset, record, &mut MetadataDelta::default())?;
    Ok(event_of(before, record, offset, cause, image, defaults))
}

impl Process for Controller {
    type Command = ControllerCommand;
    type Answer = Infallible;

    fn step(
        &mut self,
        now: Now,
        input: Input<ControllerCommand>,
        disk: &mut dyn Disk,
        out: &mut Outbox<Infallible>,
    ) {
        if self.phase == Phase::Ended {
            return;
        }
        let mut cx = Context { now, disk, out };
        if self.take(input, &mut cx).is_err() {
            self.end(ExitReason::Halted, &mut cx);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        if self.phase == Phase::Ended {
            return None;
        }
        let quorum = self.quorum.as_ref().and_then(|quorum| quorum.driver.deadline());
        let Some(active) = self.active_ref() else { return quorum };
        [
            active.heartbeats.deadline(&active.image),
            quorum,
            self.next_no_op(),
            self.next_unclean_check(),
            self.next_balance(),
        ]
        .into_iter()
        .fold(None, Instant::earliest)
    }
}
