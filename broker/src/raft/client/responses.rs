//! What a voter makes of answers.
//!
//! Mirrors `KafkaRaftClient.handleVoteResponse`, `handleBeginQuorumEpochResponse`,
//! `handleEndQuorumEpochResponse`, `handleFetchResponse` and `maybeHandleCommonResponse`: first
//! what the answer says of the quorum, then the rest, if the voter is still in the state in which
//! it asked.

use super::{Context, KafkaRaftClient};
use crate::{
    ids::{ControllerId, LeaderEpoch},
    protocol::ErrorCode,
    raft::{
        messages::{Body, Fetched, LeaderAndEpoch, RaftResponse},
        metadata_log::{Appended, RaftError},
        quorum_state::Role,
        request_manager::Correlation,
    },
};

impl KafkaRaftClient {
    /// A request was answered.
    ///
    /// # Errors
    /// If the disk fails, or the leader contradicts what is committed.
    pub fn on_response(
        &mut self,
        from: ControllerId,
        correlation: Correlation,
        response: RaftResponse,
        cx: &mut Context<'_>,
    ) -> Result<(), RaftError> {
        if self.requests.on_response(from, correlation) {
            self.take_response(from, response, cx)?;
        }
        self.poll(cx)
    }

    /// A request gets no answer.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn on_failure(
        &mut self,
        from: ControllerId,
        correlation: Correlation,
        cx: &mut Context<'_>,
    ) -> Result<(), RaftError> {
        if self.requests.on_response(from, correlation) {
            self.requests.back_off(from, cx.now.monotonic);
        }
        self.poll(cx)
    }

    fn take_response(
        &mut self,
        from: ControllerId,
        response: RaftResponse,
        cx: &mut Context<'_>,
    ) -> Result<(), RaftError> {
        let RaftResponse { error, leader, body } = response;
        // An answer from the past; or the other is behind, and will have caught up by the next.
        if leader.epoch < self.quorum.epoch() || !self.is_consistent(leader) {
            self.requests.back_off(from, cx.now.monotonic);
            return Ok(());
        }
        if self.maybe_transition(leader, cx)? == Transition::Made {
            return Ok(());
        }
        if error != ErrorCode::None {
            self.requests.back_off(from, cx.now.monotonic);
            return Ok(());
        }
        match body {
            Body::Vote { granted } => {
                self.on_vote(from, granted);
                Ok(())
            }
            Body::BeginQuorumEpoch => {
                if let Some(leader) = self.quorum.leader_mut() {
                    leader.acknowledge(from);
                }
                Ok(())
            }
            Body::EndQuorumEpoch => {
                if let Role::Resigned(resigned) = self.quorum.role_mut() {
                    resigned.unacknowledged.retain(|id| *id != from);
                }
                Ok(())
            }
            Body::Fetch(fetched) => self.on_fetched(from, fetched, cx),
        }
    }

    fn on_vote(&mut self, from: ControllerId, granted: bool) {
        let Role::Candidate(candidate) = self.quorum.role_mut() else { return };
        if granted {
            candidate.record_granted(from);
        } else {
            candidate.record_rejected(from);
        }
    }

    fn on_fetched(
        &mut self,
        from: ControllerId,
        fetched: Fetched,
        cx: &mut Context<'_>,
    ) -> Result<(), RaftError> {
        if !matches!(self.quorum.role(), Role::Follower { leader, .. } if *leader == from) {
            return Ok(());
        }
        let Fetched { diverging, high_watermark, log_start: _, records } = fetched;
        if let Some(leaders) = diverging {
            self.log.truncate_to_end_of(cx.now, leaders, cx.disk)?;
        } else {
            match self.log.append_as_follower(cx.now, records, cx.disk)? {
                Appended::Yes => self.log.raise_high_watermark(high_watermark),
                Appended::Refused => {
                    self.requests.back_off(from, cx.now.monotonic);
                    return Ok(());
                }
            }
        }
        self.quorum.reset_fetch_deadline(cx.now.monotonic);
        Ok(())
    }

    /// Whether what another says of an epoch can be: an epoch has one leader, and who leads it
    /// knows.
    pub(super) fn is_consistent(&self, told: LeaderAndEpoch) -> bool {
        let known = self.quorum.leader_and_epoch();
        match told.leader {
            Some(leader) if leader == self.config.id => told.epoch < known.epoch || (told == known),
            Some(leader) => {
                self.config.voters.contains(&leader)
                    && (told.epoch != known.epoch || known.leader.is_none_or(|id| id == leader))
            }
            None => true,
        }
    }

    /// Enters a later epoch, or follows the leader of this one now that it is known.
    pub(super) fn maybe_transition(
        &mut self,
        told: LeaderAndEpoch,
        cx: &mut Context<'_>,
    ) -> Result<Transition, RaftError> {
        let known = self.quorum.leader_and_epoch();
        match told.leader {
            Some(leader)
                if known.epoch < told.epoch
                    || (known.epoch == told.epoch && known.leader.is_none()) =>
            {
                let led = self.quorum.is_leader();
                self.quorum.transition_to_follower(
                    told.epoch,
                    leader,
                    cx.now.monotonic,
                    cx.disk,
                )?;
                self.after_transition(led, cx);
                Ok(Transition::Made)
            }
            None if known.epoch < told.epoch => {
                self.enter_unattached(told.epoch, cx)?;
                Ok(Transition::Made)
            }
            Some(_) | None => Ok(Transition::None),
        }
    }

    /// There is a later epoch without a known leader.
    pub(super) fn enter_unattached(
        &mut self,
        epoch: LeaderEpoch,
        cx: &mut Context<'_>,
    ) -> Result<(), RaftError> {
        let led = self.quorum.is_leader();
        self.quorum.transition_to_unattached(epoch, cx.now.monotonic, cx.disk)?;
        self.after_transition(led, cx);
        Ok(())
    }

    fn after_transition(&mut self, led: bool, cx: &mut Context<'_>) {
        self.requests.reset_all();
        if led {
            self.refuse_waiting_fetches(cx);
        }
    }
}

/// Whether the state is another now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transition {
    Made,
    None,
}
