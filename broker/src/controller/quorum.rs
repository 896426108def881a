//! The controller's place in the quorum: when it is in charge, and when it is no more.
//!
//! Mirrors `QuorumController.QuorumMetaLogListener` with `claim` and `renounce`: who leads the
//! quorum is in charge as soon as everything in its log is known to be committed. A controller that
//! stands by keeps no image; one that takes over reads the log from its beginning (Kafka's follow
//! along, and are ready sooner).
//!
//! What is committed is told once, by who was in charge when the quorum had it. If that one ended
//! before it could tell, its successor does: it tells again what it did not know to be committed
//! while it followed. The log does not say why a broker was fenced or after what it registered, so
//! that these are not told then.

use std::convert::Infallible;

use rand_chacha::ChaCha8Rng;

use super::{
    decision::Cause,
    deferred_event_queue::{Answer, Deferred},
    metadata_log::{MetadataLogError, Replayed, committed_batches, committed_records},
    quorum_controller::{Active, Context, Controller, ControllerConfig, Phase, replay},
};
use crate::{
    config::TopicConfig,
    host::{
        Instant,
        event::{CommittedBatch, ControllerEvent, VoterState},
    },
    ids::{ControllerEpoch, ControllerId, LeaderEpoch, Offset},
    metadata::{MetadataImage, MetadataRecord},
    net::RequestId,
    protocol::{ErrorCode, Request, Response, batch::RecordBatch, error_response},
    raft::{
        DriverConfig, KafkaRaftClientDriver, LeaderAndEpoch, RaftConfig, RaftError, Surroundings,
    },
};

/// `Started` comes first.
const NOT_STARTED: &str = "only a controller that has started is in a quorum";

/// The stream of a voter's random draws, beside that of the controller's own.
const STREAM: u64 = 1;

/// A voter, and what was told of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quorum {
    pub(super) driver: KafkaRaftClientDriver,
    /// What it knew to be committed when it last did not lead: others have told of this.
    followed: Offset,
    /// What was told last.
    told: VoterState,
}

impl Quorum {
    fn open(
        config: &ControllerConfig,
        mut rng: ChaCha8Rng,
        cx: &mut Context<'_>,
    ) -> Result<Self, RaftError> {
        rng.set_stream(STREAM);
        let (id, server) = (config.id, config.server.clone());
        let voters = config.voters.len();
        let ids = config.voters.keys().copied().collect();
        let config = DriverConfig {
            raft: RaftConfig { id, voters: ids, server },
            addresses: config.voters.clone(),
            cluster_id: config.cluster_id.clone(),
        };
        let driver = KafkaRaftClientDriver::open(config, rng, cx.now, cx.disk)?;
        let followed = driver.client().high_watermark();
        let told = VoterState {
            voter: id,
            voters: u32::try_from(voters).expect("a quorum is small"),
            epoch: LeaderEpoch(0),
            leader: None,
            log_end: Offset::ZERO,
            high_watermark: followed,
            committed: Vec::new(),
        };
        Ok(Self { driver, followed, told })
    }
}

impl Controller {
    /// Opens the log and takes its place in the quorum: at once in charge, if it is alone.
    pub(super) fn start(&mut self, cx: &mut Context<'_>) -> Result<(), MetadataLogError> {
        let quorum = Quorum::open(&self.config, self.rng.clone(), cx)?;
        self.quorum = Some(Box::new(quorum));
        self.phase = Phase::Standby;
        self.with_quorum(cx, KafkaRaftClientDriver::on_time)?;
        cx.out.listen(self.config.port);
        Ok(())
    }

    /// Lets the voter do something, and draws the consequences.
    pub(super) fn with_quorum(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(
            &mut KafkaRaftClientDriver,
            &mut Surroundings<'_, Infallible>,
        ) -> Result<(), RaftError>,
    ) -> Result<(), MetadataLogError> {
        let mut answers = Vec::new();
        let driver = &mut self.quorum.as_mut().expect(NOT_STARTED).driver;
        let (now, answered) = (cx.now, &mut answers);
        act(driver, &mut Surroundings { now, disk: cx.disk, out: cx.out, answers: answered })?;
        self.settle(cx)?;
        for (id, response) in answers {
            self.server.respond(id, response, cx.out);
        }
        Ok(())
    }

    /// Appends to the log that this controller leads. Returns the offset of the first record.
    pub(super) fn append(
        &mut self,
        batch: &RecordBatch,
        cx: &mut Context<'_>,
    ) -> Result<Offset, MetadataLogError> {
        let mut answers = Vec::new();
        let driver = &mut self.quorum.as_mut().expect(NOT_STARTED).driver;
        let mut around =
            Surroundings { now: cx.now, disk: cx.disk, out: cx.out, answers: &mut answers };
        let first = driver.append(batch, &mut around)?.expect("who is in charge leads the quorum");
        assert_eq!(answers, [], "an append answers nobody");
        self.tell_of_voter(cx)?;
        Ok(first)
    }

    /// Whom this controller believes to be in charge.
    pub(super) fn leader(&self) -> Option<ControllerId> {
        let quorum = self.quorum.as_ref()?;
        quorum.driver.client().leader_and_epoch().leader
    }

    /// Whether it was asked to end, and nobody has to wait for it any more.
    pub(super) fn has_left(&self, now: Instant) -> bool {
        self.quorum.as_ref().is_some_and(|quorum| quorum.driver.client().is_shut_down(now))
    }

    /// Nobody waits for this answer any more.
    pub(super) fn forget(&mut self, id: RequestId) {
        if let Some(quorum) = &mut self.quorum {
            quorum.driver.forget(id);
        }
        if let Phase::Active(active) = &mut self.phase {
            active.deferred.forget(id);
        }
    }

    /// Tells of something when all that this controller has recorded is committed.
    pub(super) fn tell(&mut self, event: ControllerEvent, cx: &mut Context<'_>) {
        match &mut self.phase {
            Phase::Active(active) => {
                active.deferred.push(active.image.end_offset(), Deferred::Event(event));
                self.release(cx);
            }
            Phase::Starting | Phase::Standby | Phase::Ended => cx.out.event(event),
        }
    }

    /// Answers when all that this controller has recorded is committed: even an answer that wrote
    /// nothing may rest on what others wrote.
    pub(super) fn respond(
        &mut self,
        id: RequestId,
        request: Request,
        response: Response,
        cx: &mut Context<'_>,
    ) {
        let active = self.active();
        let answer = Answer { id, request, response };
        active.deferred.push(active.image.end_offset(), Deferred::Answer(answer));
        self.release(cx);
    }

    /// Another is in charge.
    pub(super) fn refuse(&mut self, id: RequestId, request: &Request, cx: &mut Context<'_>) {
        match error_response(request, ErrorCode::NotController) {
            Some(refusal) => self.server.respond(id, refusal, cx.out),
            None => self.server.close(id, cx.out),
        }
    }

    /// Says what need not wait any longer.
    pub(super) fn release(&mut self, cx: &mut Context<'_>) {
        let Phase::Active(active) = &mut self.phase else { return };
        let quorum = self.quorum.as_ref().expect(NOT_STARTED);
        let high_watermark = quorum.driver.client().high_watermark();
        while let Some(ready) = active.deferred.pop(high_watermark) {
            match ready {
                Deferred::Event(event) => cx.out.event(event),
                Deferred::Answer(Answer { id, response, .. }) => {
                    self.server.respond(id, response, cx.out);
                }
            }
        }
    }

    /// Takes over or gives up what the quorum has given or taken.
    fn settle(&mut self, cx: &mut Context<'_>) -> Result<(), MetadataLogError> {
        self.tell_of_voter(cx)?;
        self.release(cx);
        let quorum = self.quorum.as_mut().expect(NOT_STARTED);
        let client = quorum.driver.client();
        let leading = client.leading();
        if matches!(&self.phase, Phase::Active(active) if leading != Some(active.epoch)) {
            self.renounce(cx);
        }
        if self.phase != Phase::Standby {
            return Ok(());
        }
        let quorum = self.quorum.as_mut().expect(NOT_STARTED);
        let client = quorum.driver.client();
        match leading {
            None => quorum.followed = client.high_watermark(),
            Some(epoch) if client.epoch_start() < Some(client.high_watermark()) => {
                self.claim(epoch, cx)?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// This controller is in charge from now on.
    fn claim(&mut self, epoch: LeaderEpoch, cx: &mut Context<'_>) -> Result<(), MetadataLogError> {
        let quorum = self.quorum.as_mut().expect(NOT_STARTED);
        let records = committed_records(quorum.driver.client_mut(), cx.disk)?;
        let untold = if self.config.voters.len() == 1 {
            last_step(&records)
        } else {
            records.partition_point(|record| record.offset < quorum.followed)
        };
        let mut image = MetadataImage::default();
        let again = rebuild(&records, untold, &mut image, &self.topic_defaults)?;
        let end_offset = quorum.driver.client().log_end().offset;
        image.skip_to(end_offset);
        let now = cx.now.monotonic;
        self.phase = Phase::Active(Box::new(Active::new(epoch, image, &self.config.server, now)));
        self.look_at_balance(now);
        let controller_epoch = ControllerEpoch(epoch.0);
        cx.out.event(ControllerEvent::ControllerActive { controller_epoch, end_offset });
        for event in again {
            cx.out.event(event);
        }
        Ok(())
    }

    /// Another is in charge from now on, or nobody. What was decided and is not committed may come
    /// to nothing: who waits for it has to ask again.
    fn renounce(&mut self, cx: &mut Context<'_>) {
        let Phase::Active(active) = std::mem::replace(&mut self.phase, Phase::Standby) else {
            return;
        };
        let controller_epoch = ControllerEpoch(active.epoch.0);
        cx.out.event(ControllerEvent::ControllerResigned { controller_epoch });
        for (id, request) in active.deferred.into_requests() {
            self.refuse(id, &request, cx);
        }
    }

    /// Tells how far a voter of several has come, if it has moved.
    fn tell_of_voter(&mut self, cx: &mut Context<'_>) -> Result<(), MetadataLogError> {
        if self.config.voters.len() == 1 {
            return Ok(());
        }
        let Quorum { driver, told, .. } = &mut **self.quorum.as_mut().expect(NOT_STARTED);
        let client = driver.client_mut();
        let known = client.leader_and_epoch();
        let (log_end, high_watermark) = (client.log_end().offset, client.high_watermark());
        let was = (told.epoch, told.leader, told.log_end, told.high_watermark);
        if was == (known.epoch, known.leader, log_end, high_watermark) {
            return Ok(());
        }
        let mut committed = Vec::new();
        committed_batches(client, told.high_watermark, cx.disk, |batch| {
            let epoch = batch.leader_epoch().unwrap_or_default();
            let (end_offset, crc) = (batch.next_offset(), batch.crc());
            committed.push(CommittedBatch { end_offset, epoch, crc });
            Ok(())
        })?;
        let LeaderAndEpoch { leader, epoch } = known;
        let told_so = (told.epoch, told.leader) == (epoch, leader);
        if client.leading() == Some(epoch) && !told_so {
            cx.out.event(ControllerEvent::QuorumLeaderElected { leader: told.voter, epoch });
        }
        let state = VoterState { epoch, leader, log_end, high_watermark, ..told.clone() };
        *told = state.clone();
        cx.out.event(ControllerEvent::VoterMoved(VoterState { committed, ..state }));
        Ok(())
    }
}

/// Where the last step begins that recorded anything: a crash may have come between its sync and
/// its outputs, and then nobody was told. The batches of one step bear one time, so what is told
/// again may be more than that step recorded, but never less. What comes after it tells nothing.
fn last_step(records: &[Replayed]) -> usize {
    let something = |record: &&Replayed| record.record != MetadataRecord::NoOp;
    let last = records.iter().rfind(something).map(|record| record.written);
    let end = records.iter().rposition(|record| Some(record.written) == last).map_or(0, |n| n + 1);
    let settled = records[..end].iter().rposition(|record| Some(record.written) != last);
    settled.map_or(0, |settled| settled + 1)
}

/// Replays the log. Returns the events from the record with the number `untold` on.
fn rebuild(
    records: &[Replayed],
    untold: usize,
    image: &mut MetadataImage,
    defaults: &TopicConfig,
) -> Result<Vec<ControllerEvent>, MetadataLogError> {
    let mut again = Vec::new();
    for (number, Replayed { offset, record, .. }) in records.iter().enumerate() {
        let offset = *offset;
        image.skip_to(offset);
        let event = replay(offset, record, Cause::default(), image, defaults)
            .map_err(|error| MetadataLogError::Replay { offset, error })?;
        again.extend(event.filter(|_| untold <= number));
    }
    Ok(again)
}
