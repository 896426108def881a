//! A voter: its timers, and the order of things.
//!
//! Mirrors `KafkaRaftClient` (KIP-595). After each input the state is looked at
//! ([`KafkaRaftClient::poll`]): a deadline that has passed leads to another state, and whatever the
//! state wants to ask is asked. What the voter says about its log or its vote is on disk by then.
//!
//! It does not know connections: requests leave as [`Effect`]s with a number, and come back with
//! their answer, or without.

mod requests;
mod responses;

use rand_chacha::ChaCha8Rng;

use super::{
    config::RaftConfig,
    fetch_purgatory::FetchPurgatory,
    messages::{
        BeginQuorumEpoch, EndQuorumEpoch, Fetch, LeaderAndEpoch, OffsetAndEpoch, RaftRequest,
        RaftResponse, Replica, Vote,
    },
    metadata_log::{KafkaMetadataLog, RaftError, directory},
    quorum_state::{QuorumState, Role},
    quorum_state_store::NAME,
    request_manager::{Correlation, RequestManager},
};
use crate::{
    config::Millis,
    host::{Disk, Instant, Now},
    ids::{ControllerId, LeaderEpoch, Offset},
    log::Isolation,
    net::RequestId,
    protocol::batch::{RecordBatch, leader_change},
};

/// How long a leader may wait for records before it answers a fetch (`MAX_FETCH_WAIT_MS`).
const FETCH_WAIT_MAX: Millis = Millis(500);
/// How much one fetch asks for (`MAX_FETCH_SIZE_BYTES`).
const FETCH_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// A voter of the quorum.
#[derive(Clone, Debug, PartialEq)]
pub struct KafkaRaftClient {
    config: RaftConfig,
    log: KafkaMetadataLog,
    quorum: QuorumState,
    requests: RequestManager,
    purgatory: FetchPurgatory,
    shutdown: Option<Shutdown>,
}

/// What a shutdown waits for: that a later epoch begins, or that the time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shutdown {
    epoch: LeaderEpoch,
    until: Instant,
}

/// Where a step takes place.
#[expect(missing_debug_implementations, reason = "a disk need not be printable")]
pub struct Context<'a> {
    /// When.
    pub now: Now,
    /// The voter's disk.
    pub disk: &'a mut dyn Disk,
    /// What is to be done, in order.
    pub effects: &'a mut Vec<Effect>,
}

/// What a voter wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask another voter.
    Send {
        /// Whom.
        to: ControllerId,
        /// The number under which the answer must come back.
        correlation: Correlation,
        /// What.
        request: RaftRequest,
    },
    /// Answer a request.
    Respond {
        /// Which.
        id: RequestId,
        /// What.
        response: RaftResponse,
    },
}

impl KafkaRaftClient {
    /// Opens what is on disk. `rng` must differ from incarnation to incarnation.
    ///
    /// # Errors
    /// If the disk fails, or a file that cannot be rebuilt holds nonsense.
    pub fn open(
        config: RaftConfig,
        rng: ChaCha8Rng,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<Self, RaftError> {
        assert!(config.voters.contains(&config.id), "{config:?}: only voters are modelled");
        let log = KafkaMetadataLog::open(now, &config.server, disk)?;
        let path = format!("{}/{NAME}", directory());
        let (epoch, at) = (log.end().epoch, now.monotonic);
        let quorum = QuorumState::open(config.clone(), path, epoch, rng, at, disk)?;
        let server = &config.server;
        let requests = RequestManager::new(
            server.controller_quorum_request_timeout_ms.duration(),
            server.controller_quorum_retry_backoff_ms.duration(),
        );
        let purgatory = FetchPurgatory::default();
        Ok(Self { config, log, quorum, requests, purgatory, shutdown: None })
    }

    /// Does what is due. Must be called after the voter was opened, and at its deadlines.
    ///
    /// # Errors
    /// If the disk fails: the voter must end then, here and wherever it says so.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Result<(), RaftError> {
        let now = cx.now.monotonic;
        self.requests.expire(now);
        while self.poll_state(cx)? == Polled::Changed {}
        let (end, high_watermark) = (self.log.end().offset, self.log.high_watermark());
        for (id, fetch) in self.purgatory.take_ready(now, end, high_watermark) {
            self.answer_fetch(id, fetch, requests::Patience::TimeIsUp, cx)?;
        }
        Ok(())
    }

    /// When [`Self::poll`] must be called next.
    pub fn deadline(&self) -> Option<Instant> {
        // Who is leaving stands for no election.
        let state = match self.shutdown {
            Some(shutdown) => Some(shutdown.until),
            None => self.quorum.deadline(),
        };
        [state, self.requests.deadline(), self.purgatory.deadline()]
            .into_iter()
            .fold(None, Instant::earliest)
    }

    /// The epoch and its leader, as far as this voter knows.
    pub fn leader_and_epoch(&self) -> LeaderAndEpoch {
        self.quorum.leader_and_epoch()
    }

    /// The epoch that this voter leads, if it does.
    pub fn leading(&self) -> Option<LeaderEpoch> {
        self.quorum.is_leader().then(|| self.quorum.epoch())
    }

    /// The first offset of the log.
    pub fn log_start_offset(&self) -> Offset {
        self.log.start_offset()
    }

    /// The end of the log.
    pub fn log_end(&self) -> OffsetAndEpoch {
        self.log.end()
    }

    /// Where the epoch begins that this voter leads. All of the log is known to be committed once
    /// the high watermark is above.
    pub fn epoch_start(&self) -> Option<Offset> {
        match self.quorum.role() {
            Role::Leader(leader) => Some(leader.epoch_start()),
            Role::Unattached { .. }
            | Role::Voted { .. }
            | Role::Candidate(_)
            | Role::Follower { .. }
            | Role::Resigned(_) => None,
        }
    }

    /// The first offset that this voter does not know to be committed.
    pub fn high_watermark(&self) -> Offset {
        self.log.high_watermark()
    }

    /// Reads committed batches from `from` on.
    ///
    /// # Errors
    /// If the disk fails, or there is no such offset.
    pub fn read_committed(
        &mut self,
        from: Offset,
        max_bytes: u32,
        disk: &mut dyn Disk,
    ) -> Result<bytes::Bytes, RaftError> {
        self.log.read(from, max_bytes, Isolation::HighWatermark, disk)
    }

    /// Reads batches from `from` on, committed or not: a leader's log is all its own to decide on.
    ///
    /// # Errors
    /// If the disk fails, or there is no such offset.
    pub fn read_uncommitted(
        &mut self,
        from: Offset,
        max_bytes: u32,
        disk: &mut dyn Disk,
    ) -> Result<bytes::Bytes, RaftError> {
        self.log.read(from, max_bytes, Isolation::LogEnd, disk)
    }

    /// Appends a batch, if this voter leads. Returns the offset of its first record. It is
    /// committed when the high watermark is above its last, and may be lost if the voter ceases to
    /// lead before. Who waits for records gets them at the next [`Self::poll`], so that several
    /// batches of one step go out together (`BatchAccumulator`).
    ///
    /// # Errors
    /// If the disk fails.
    pub fn append(
        &mut self,
        batch: &RecordBatch,
        cx: &mut Context<'_>,
    ) -> Result<Option<Offset>, RaftError> {
        if !self.quorum.is_leader() {
            return Ok(None);
        }
        self.append_as_leader(batch, cx).map(Some)
    }

    /// Begins to leave: a leader resigns, so that the others elect another at once
    /// (`KafkaRaftClient.shutdown`). The time that it takes is bounded by the request timeout.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn shut_down(&mut self, cx: &mut Context<'_>) -> Result<(), RaftError> {
        let wait = self.config.server.controller_quorum_request_timeout_ms.duration();
        let until = cx.now.monotonic.plus(wait);
        self.shutdown = Some(Shutdown { epoch: self.quorum.epoch(), until });
        if self.quorum.is_leader() && !self.quorum.is_only_voter() {
            self.resign(cx);
        }
        self.poll(cx)
    }

    /// Whether nothing is left to wait for after [`Self::shut_down`].
    pub fn is_shut_down(&self, now: Instant) -> bool {
        let Some(shutdown) = self.shutdown else { return false };
        let led = matches!(self.quorum.role(), Role::Resigned(_));
        !led || shutdown.epoch < self.quorum.epoch() || shutdown.until <= now
    }

    /// Nobody waits for the answer to this request any more.
    pub fn forget(&mut self, id: RequestId) {
        self.purgatory.forget(id);
    }

    /// Looks at the state once.
    fn poll_state(&mut self, cx: &mut Context<'_>) -> Result<Polled, RaftError> {
        let now = cx.now.monotonic;
        let due = self.quorum.deadline().is_some_and(|deadline| deadline <= now);
        let alone = self.quorum.is_only_voter();
        match self.quorum.role() {
            Role::Unattached { .. } | Role::Voted { .. } | Role::Resigned(_) if due || alone => {
                self.stand(cx)
            }
            Role::Unattached { .. } | Role::Voted { .. } => Ok(Polled::Same),
            Role::Candidate(_) => self.poll_candidate(cx),
            Role::Leader(_) if due => {
                self.resign(cx);
                Ok(Polled::Changed)
            }
            Role::Leader(leader) => {
                let unacknowledged = leader.unacknowledged();
                self.begin_epoch(&unacknowledged, cx);
                Ok(Polled::Same)
            }
            Role::Follower { .. } if due => self.stand(cx),
            Role::Follower { leader, .. } => {
                let leader = *leader;
                self.fetch(leader, cx);
                Ok(Polled::Same)
            }
            Role::Resigned(_) => {
                self.end_epoch(cx);
                Ok(Polled::Same)
            }
        }
    }

    fn poll_candidate(&mut self, cx: &mut Context<'_>) -> Result<Polled, RaftError> {
        let now = cx.now.monotonic;
        let Role::Candidate(candidate) = self.quorum.role() else { return Ok(Polled::Same) };
        if candidate.is_granted() {
            self.become_leader(cx)?;
            return Ok(Polled::Changed);
        }
        match candidate.backing_off_until {
            Some(until) if until <= now => return self.stand(cx),
            Some(_) => return Ok(Polled::Same),
            None => {}
        }
        let lost = candidate.is_rejected() || candidate.election_deadline <= now;
        let (retries, unrecorded) = (candidate.retries, candidate.unrecorded());
        if lost {
            let until = now.plus(self.quorum.election_backoff(retries));
            if let Role::Candidate(candidate) = self.quorum.role_mut() {
                candidate.backing_off_until = Some(until);
            }
            return Ok(Polled::Changed);
        }
        let vote =
            Vote { epoch: self.quorum.epoch(), candidate: self.config.id, log_end: self.log.end() };
        for voter in unrecorded {
            self.send(voter, RaftRequest::Vote(vote.clone()), cx);
        }
        Ok(Polled::Same)
    }

    /// Stands for election, unless the voter is leaving.
    fn stand(&mut self, cx: &mut Context<'_>) -> Result<Polled, RaftError> {
        if self.shutdown.is_some() {
            return Ok(Polled::Same);
        }
        self.quorum.transition_to_candidate(cx.now.monotonic, cx.disk)?;
        self.requests.reset_all();
        Ok(Polled::Changed)
    }

    /// The first record of the epoch says who leads it; when that is committed, so is all before.
    fn become_leader(&mut self, cx: &mut Context<'_>) -> Result<(), RaftError> {
        let epoch_start = self.log.end().offset;
        self.quorum.transition_to_leader(epoch_start, cx.now.monotonic, cx.disk)?;
        self.requests.reset_all();
        let voters: Vec<_> = self.config.voters.iter().map(|id| id.0).collect();
        let change = leader_change(cx.now.wall, self.config.id.0, &voters);
        self.append_as_leader(&change, cx)?;
        Ok(())
    }

    fn append_as_leader(
        &mut self,
        batch: &RecordBatch,
        cx: &mut Context<'_>,
    ) -> Result<Offset, RaftError> {
        let epoch = self.quorum.epoch();
        let base = self.log.append_as_leader(cx.now, batch, epoch, cx.disk)?;
        self.replica_has(self.config.id, self.log.end().offset);
        Ok(base)
    }

    /// A voter has the log on disk up to here.
    fn replica_has(&mut self, voter: ControllerId, end: Offset) {
        let Some(leader) = self.quorum.leader_mut() else { return };
        if let Some(committed) = leader.update_replica(voter, end) {
            self.log.raise_high_watermark(committed);
        }
    }

    fn resign(&mut self, cx: &mut Context<'_>) {
        self.quorum.transition_to_resigned(cx.now.monotonic);
        self.requests.reset_all();
        self.refuse_waiting_fetches(cx);
    }

    fn begin_epoch(&mut self, unacknowledged: &[ControllerId], cx: &mut Context<'_>) {
        let (epoch, leader) = (self.quorum.epoch(), self.config.id);
        for voter in unacknowledged {
            let request = BeginQuorumEpoch { epoch, leader };
            self.send(*voter, RaftRequest::BeginQuorumEpoch(request), cx);
        }
    }

    fn end_epoch(&mut self, cx: &mut Context<'_>) {
        let Role::Resigned(resigned) = self.quorum.role() else { return };
        let request = EndQuorumEpoch {
            epoch: self.quorum.epoch(),
            leader: self.config.id,
            preferred_successors: resigned.preferred_successors.clone(),
        };
        for voter in resigned.unacknowledged.clone() {
            self.send(voter, RaftRequest::EndQuorumEpoch(request.clone()), cx);
        }
    }

    fn fetch(&mut self, leader: ControllerId, cx: &mut Context<'_>) {
        let end = self.log.end();
        let fetch = Fetch {
            replica: Replica::Voter(self.config.id),
            epoch: Some(self.quorum.epoch()),
            offset: end.offset,
            last_fetched_epoch: Some(end.epoch),
            max_wait: FETCH_WAIT_MAX,
            max_bytes: FETCH_BYTES_MAX,
        };
        self.send(leader, RaftRequest::Fetch(fetch), cx);
    }

    /// Sends a request, if none is under way to this voter.
    fn send(&mut self, to: ControllerId, request: RaftRequest, cx: &mut Context<'_>) {
        let now = cx.now.monotonic;
        if self.requests.is_ready(to, now) {
            let correlation = self.requests.on_sent(to, now);
            cx.effects.push(Effect::Send { to, correlation, request });
        }
    }
}

/// Whether the state is another now, and must be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Polled {
    Same,
    Changed,
}
