//! What a voter answers.
//!
//! Mirrors `KafkaRaftClient.handleVoteRequest`, `handleBeginQuorumEpochRequest`,
//! `handleEndQuorumEpochRequest` and `handleFetchRequest`. Every answer says what the voter knows
//! of the quorum, so that who asked in vain learns whom to ask.

use bytes::Bytes;

use super::{Context, Effect, KafkaRaftClient};
use crate::{
    config::Millis,
    ids::{ControllerId, LeaderEpoch},
    log::Isolation,
    net::RequestId,
    protocol::ErrorCode,
    raft::{
        messages::{
            BeginQuorumEpoch, Body, EndQuorumEpoch, Fetch, Fetched, LeaderAndEpoch, OffsetAndEpoch,
            RaftRequest, RaftResponse, Replica, Vote,
        },
        metadata_log::RaftError,
        quorum_state::{Role, UpToDate},
    },
};

/// Whether a fetch may still wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    MayWait,
    TimeIsUp,
}

impl KafkaRaftClient {
    /// Answers a request, now or later.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn handle(
        &mut self,
        id: RequestId,
        request: RaftRequest,
        cx: &mut Context<'_>,
    ) -> Result<(), RaftError> {
        match request {
            RaftRequest::Vote(vote) => {
                let (error, granted) = self.vote(&vote, cx)?;
                self.respond(id, error, Body::Vote { granted }, cx);
            }
            RaftRequest::BeginQuorumEpoch(begin) => {
                let error = self.begin(&begin, cx)?;
                self.respond(id, error, Body::BeginQuorumEpoch, cx);
            }
            RaftRequest::EndQuorumEpoch(end) => {
                let error = self.end(&end, cx)?;
                self.respond(id, error, Body::EndQuorumEpoch, cx);
            }
            RaftRequest::Fetch(fetch) => self.answer_fetch(id, fetch, Patience::MayWait, cx)?,
        }
        self.poll(cx)
    }

    /// A vote is given once in an epoch, and only to who has all that may be committed.
    fn vote(&mut self, vote: &Vote, cx: &mut Context<'_>) -> Result<(ErrorCode, bool), RaftError> {
        let possible = vote.log_end.epoch < vote.epoch && vote.candidate != self.config.id;
        if !possible {
            return Ok((ErrorCode::InvalidRequest, false));
        }
        if let Err(error) = self.check_voter(vote.candidate, vote.epoch) {
            return Ok((error, false));
        }
        let now = cx.now.monotonic;
        if self.quorum.epoch() < vote.epoch {
            self.enter_unattached(vote.epoch, cx)?;
        }
        let up_to_date = if self.log.end() <= vote.log_end { UpToDate::Yes } else { UpToDate::No };
        let granted = self.quorum.can_grant_vote(vote.candidate, up_to_date);
        if granted && matches!(self.quorum.role(), Role::Unattached { .. }) {
            self.quorum.transition_to_voted(vote.candidate, now, cx.disk)?;
        }
        Ok((ErrorCode::None, granted))
    }

    fn begin(
        &mut self,
        begin: &BeginQuorumEpoch,
        cx: &mut Context<'_>,
    ) -> Result<ErrorCode, RaftError> {
        if let Err(error) = self.check_voter(begin.leader, begin.epoch) {
            return Ok(error);
        }
        let leader = LeaderAndEpoch { leader: Some(begin.leader), epoch: begin.epoch };
        if !self.is_consistent(leader) {
            return Ok(ErrorCode::InvalidRequest);
        }
        self.maybe_transition(leader, cx)?;
        Ok(ErrorCode::None)
    }

    fn end(&mut self, end: &EndQuorumEpoch, cx: &mut Context<'_>) -> Result<ErrorCode, RaftError> {
        if let Err(error) = self.check_voter(end.leader, end.epoch) {
            return Ok(error);
        }
        let leader = LeaderAndEpoch { leader: Some(end.leader), epoch: end.epoch };
        if !self.is_consistent(leader) {
            return Ok(ErrorCode::InvalidRequest);
        }
        self.maybe_transition(leader, cx)?;
        if matches!(self.quorum.role(), Role::Follower { leader, .. } if *leader == end.leader) {
            let pause = self.quorum.successor_backoff(&end.preferred_successors);
            self.quorum.override_fetch_deadline(cx.now.monotonic.plus(pause));
        }
        Ok(ErrorCode::None)
    }

    /// Answers a fetch, unless it has to wait. A voter's fetch counts as its word that it has the
    /// log on disk up to there, if the logs agree.
    pub(super) fn answer_fetch(
        &mut self,
        id: RequestId,
        fetch: Fetch,
        patience: Patience,
        cx: &mut Context<'_>,
    ) -> Result<(), RaftError> {
        if let Err(error) = self.check_leads(fetch.epoch) {
            self.respond_fetch(id, error, None, Bytes::new(), cx);
            return Ok(());
        }
        let diverging = fetch
            .last_fetched_epoch
            .and_then(|epoch| self.log.divergence(OffsetAndEpoch { epoch, offset: fetch.offset }));
        if diverging.is_some() {
            self.hear(fetch.replica, cx);
            self.respond_fetch(id, ErrorCode::None, diverging, Bytes::new(), cx);
            return Ok(());
        }
        if self.log.end().offset < fetch.offset || fetch.offset < self.log.start_offset() {
            self.respond_fetch(id, ErrorCode::OffsetOutOfRange, None, Bytes::new(), cx);
            return Ok(());
        }
        self.hear(fetch.replica, cx);
        let isolation = match fetch.replica {
            Replica::Voter(voter) => {
                self.replica_has(voter, fetch.offset);
                Isolation::LogEnd
            }
            Replica::Observer => Isolation::HighWatermark,
        };
        let records = self.log.read(fetch.offset, fetch.max_bytes, isolation, cx.disk)?;
        let may_wait = patience == Patience::MayWait && fetch.max_wait != Millis(0);
        if records.is_empty() && may_wait {
            self.purgatory.park(id, cx.now.monotonic, fetch);
        } else {
            self.respond_fetch(id, ErrorCode::None, None, records, cx);
        }
        Ok(())
    }

    /// Who waits here for records of this leader must look for another.
    pub(super) fn refuse_waiting_fetches(&mut self, cx: &mut Context<'_>) {
        for id in self.purgatory.take_all() {
            self.respond_fetch(id, ErrorCode::NotLeaderOrFollower, None, Bytes::new(), cx);
        }
    }

    fn hear(&mut self, replica: Replica, cx: &mut Context<'_>) {
        let Replica::Voter(voter) = replica else { return };
        if let Some(leader) = self.quorum.leader_mut() {
            leader.on_fetch(voter, cx.now.monotonic);
        }
    }

    /// `validateVoterOnlyRequest`: who sent it is a voter, and not behind.
    fn check_voter(&self, voter: ControllerId, epoch: LeaderEpoch) -> Result<(), ErrorCode> {
        if epoch < self.quorum.epoch() {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        if self.config.voters.contains(&voter) { Ok(()) } else { Err(ErrorCode::InvalidRequest) }
    }

    /// `validateLeaderOnlyRequest`: both are in the same epoch, and this voter leads it.
    fn check_leads(&self, epoch: Option<LeaderEpoch>) -> Result<(), ErrorCode> {
        let own = self.quorum.epoch();
        match epoch {
            Some(epoch) if epoch < own => return Err(ErrorCode::FencedLeaderEpoch),
            Some(epoch) if own < epoch => return Err(ErrorCode::UnknownLeaderEpoch),
            Some(_) | None => {}
        }
        if self.quorum.is_leader() { Ok(()) } else { Err(ErrorCode::NotLeaderOrFollower) }
    }

    fn respond_fetch(
        &self,
        id: RequestId,
        error: ErrorCode,
        diverging: Option<OffsetAndEpoch>,
        records: Bytes,
        cx: &mut Context<'_>,
    ) {
        let fetched = Fetched {
            diverging,
            high_watermark: self.log.high_watermark(),
            log_start: self.log.start_offset(),
            records,
        };
        self.respond(id, error, Body::Fetch(fetched), cx);
    }

    fn respond(&self, id: RequestId, error: ErrorCode, body: Body, cx: &mut Context<'_>) {
        let leader = self.quorum.leader_and_epoch();
        let response = RaftResponse { error, leader, body };
        cx.effects.push(Effect::Respond { id, response });
    }
}
