//! The controller as a process: the order of things.
//!
//! Mirrors `QuorumController`: its event queue is the host's, its deferred events are deadlines
//! here. Each decision is appended, synced, replayed, told and answered before the next is made. A
//! disk that fails ends the process: what it holds in memory may be ahead of what is durable.

use core::time::Duration;
use std::convert::Infallible;

use rand_chacha::ChaCha8Rng;

use super::{
    broker_heartbeat_manager::BrokerHeartbeatManager,
    command::ControllerCommand,
    decision::{Cause, Decision},
    events::{Before, event_of},
    metadata_fetch::DelayedFetches,
    metadata_log::{MetadataLog, MetadataLogError, Replayed},
    replication_control_manager::View,
};
use crate::{
    config::{Millis, ServerConfig, TopicConfig},
    host::{
        Connection, Disk, ExitReason, Input, Instant, Now, Outbox, Process,
        event::{ControllerEvent, FenceReason},
    },
    ids::{ControllerEpoch, ControllerId, Offset},
    metadata::{LeaderChange, MetadataDelta, MetadataImage, MetadataRecord, ReplayError},
    net::RequestServer,
    protocol::versions::Listener,
    replica::Rules,
};

/// The host promises that `Started` comes first, and nothing is asked of a process that has ended.
const NOT_ACTIVE: &str = "only an active controller is asked";

/// What a controller is told when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerConfig {
    /// Its node id.
    pub id: ControllerId,
    /// The port on which it listens.
    pub port: u16,
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
    phase: Phase,
}

/// Where the controller is in its life.
#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Starting,
    Active(Box<Active>),
    Ended,
}

/// What an active controller holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Active {
    pub(super) log: MetadataLog,
    /// Invariant: what the records of the log below its end amount to.
    pub(super) image: MetadataImage,
    pub(super) heartbeats: BrokerHeartbeatManager,
    pub(super) fetches: DelayedFetches,
    last_write: Instant,
    last_unclean_check: Instant,
    /// Since when some partition has been led by another than its preferred replica, or when the
    /// balance was last looked at while it was.
    imbalanced_since: Option<Instant>,
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
            phase: Phase::Starting,
        }
    }

    /// The cluster as it is recorded; none before the start and after the end.
    pub fn image(&self) -> Option<&MetadataImage> {
        match &self.phase {
            Phase::Active(active) => Some(&active.image),
            Phase::Starting | Phase::Ended => None,
        }
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
                    self.active().fetches.forget(abandoned);
                }
                Ok(())
            }
            Input::ShutdownAsked => {
                // Everything that was ever answered is durable: there is nothing left to write.
                self.end(ExitReason::CleanShutdown, cx);
                Ok(())
            }
            Input::Command(command) => self.obey(command, cx),
            Input::Established { .. }
            | Input::ConnectFailed { .. }
            | Input::Frame { connection: Connection::Opened(_), .. }
            | Input::Closed { connection: Connection::Opened(_) } => {
                panic!("a controller opens no connections")
            }
        }
    }

    /// Loads the log and enters a new epoch.
    fn start(&mut self, cx: &mut Context<'_>) -> Result<(), MetadataLogError> {
        let mut log = MetadataLog::open(cx.now, &self.config.server, cx.disk)?;
        let records = log.replay(cx.disk)?;
        let mut image = MetadataImage::default();
        let again = rebuild(&records, &mut image, &self.topic_defaults)?;
        image.skip_to(log.end_offset());
        let now = cx.now.monotonic;
        let timeout = self.config.server.broker_session_timeout_ms.duration();
        let heartbeats = BrokerHeartbeatManager::new(timeout, &image, now);
        self.phase = Phase::Active(Box::new(Active {
            log,
            image,
            heartbeats,
            fetches: DelayedFetches::default(),
            last_write: now,
            last_unclean_check: now,
            imbalanced_since: None,
        }));
        self.look_at_balance(now);
        // The first record of the epoch, so that the epoch itself is durable.
        self.commit(Decision::of(vec![MetadataRecord::NoOp], ()), cx)?;
        let active = self.active();
        let controller_epoch = ControllerEpoch(active.log.epoch().0);
        let end_offset = active.log.end_offset();
        cx.out.event(ControllerEvent::ControllerActive { controller_epoch, end_offset });
        for event in again {
            cx.out.event(event);
        }
        cx.out.listen(self.config.port);
        Ok(())
    }

    /// Makes a decision true: appends and syncs its records, replays them, tells the events. Then
    /// the answer may be given.
    pub(super) fn commit<T>(
        &mut self,
        decision: Decision<T>,
        cx: &mut Context<'_>,
    ) -> Result<T, MetadataLogError> {
        let Decision { records, cause, answer } = decision;
        if records.is_empty() {
            return Ok(answer);
        }
        let Phase::Active(active) = &mut self.phase else { panic!("{NOT_ACTIVE}") };
        active.last_write = cx.now.monotonic;
        let first = active.log.append(cx.now, &records, cx.disk)?;
        let moves_leaders = records.iter().any(moves_leaders);
        for (offset, record) in (first.0..).map(Offset).zip(&records) {
            match replay(offset, record, cause, &mut active.image, &self.topic_defaults) {
                Ok(Some(event)) => cx.out.event(event),
                Ok(None) => {}
                Err(error) => panic!("decided and cannot be: {record:?} at {offset}: {error}"),
            }
        }
        if moves_leaders {
            self.look_at_balance(cx.now.monotonic);
        }
        Ok(answer)
    }

    /// Does what is due, fencing at most one broker: the deadline of the next has then passed, and
    /// the host comes back at once.
    fn on_time(&mut self, cx: &mut Context<'_>) -> Result<(), MetadataLogError> {
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
        self.serve(cx)
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
    fn look_at_balance(&mut self, now: Instant) {
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
            Phase::Starting | Phase::Ended => panic!("{NOT_ACTIVE}"),
        }
    }

    pub(super) fn active_ref(&self) -> Option<&Active> {
        match &self.phase {
            Phase::Active(active) => Some(active),
            Phase::Starting | Phase::Ended => None,
        }
    }

    fn end(&mut self, reason: ExitReason, cx: &mut Context<'_>) {
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

/// Replays the log. Returns the events of the last step that recorded anything: a crash may have
/// come between its sync and its outputs, and then nobody was told. The batches of one step bear
/// one time, so what is told again may be more than that step recorded, but never less.
fn rebuild(
    records: &[Replayed],
    image: &mut MetadataImage,
    defaults: &TopicConfig,
) -> Result<Vec<ControllerEvent>, MetadataLogError> {
    let something = |record: &&Replayed| record.record != MetadataRecord::NoOp;
    let last = records.iter().rfind(something).map(|record| record.written);
    let end = records.iter().rposition(|record| Some(record.written) == last).map_or(0, |n| n + 1);
    let settled = records[..end].iter().rposition(|record| Some(record.written) != last);
    let first_again = settled.map_or(0, |settled| settled + 1);
    let mut again = Vec::new();
    for (number, Replayed { offset, record, .. }) in records.iter().enumerate() {
        let offset = *offset;
        let event = replay(offset, record, Cause::default(), image, defaults)
            .map_err(|error| MetadataLogError::Replay { offset, error })?;
        again.extend(event.filter(|_| first_again <= number));
    }
    Ok(again)
}

/// Takes a record into the image. Returns its event.
fn replay(
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
        let active = self.active_ref()?;
        [
            active.heartbeats.deadline(&active.image),
            active.fetches.deadline(),
            self.next_no_op(),
            self.next_unclean_check(),
            self.next_balance(),
        ]
        .into_iter()
        .fold(None, Instant::earliest)
    }
}
