//! What a leader decides about its followers: who has what, who is in sync, what is committed.
//!
//! Mirrors the leader's half of `Partition`: `updateFollowerFetchState`, `maybeExpandIsr`,
//! `maybeShrinkIsr`, `handleAlterPartitionUpdate`, `handleAlterPartitionError` and
//! `maybeIncrementLeaderHW` (KIP-497, KIP-841, KIP-903).

use super::{Partition, PartitionRole, Setting};
use crate::{
    host::{Instant, event::PartitionEvent},
    ids::{BrokerId, LeaderEpoch, Offset, PartitionEpoch},
    protocol::ErrorCode,
    replica::{
        effect::Context,
        follower_states::{Advance, FollowerFetch, FollowerStates, SeenIncarnation},
        high_watermark::Quorum,
        isr::{Isr, IsrProposal},
        rules::Switch,
    },
};

/// What a leader knows besides its log.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Leadership {
    /// The end of its log when it became leader in this epoch.
    pub(crate) leader_epoch_start_offset: Offset,
    /// The in-sync replicas.
    pub(crate) isr: Isr,
    /// The followers.
    pub(crate) followers: FollowerStates,
}

/// A follower that may join the ISR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    follower: BrokerId,
    log_end_offset: Offset,
    incarnation: SeenIncarnation,
}

impl From<&FollowerFetch> for Candidate {
    fn from(fetch: &FollowerFetch) -> Self {
        let (follower, log_end_offset) = (fetch.follower, fetch.fetch_offset);
        Self { follower, log_end_offset, incarnation: fetch.seen_incarnation() }
    }
}

/// What counting a follower's fetch has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// An ISR to ask the controller for.
    pub(crate) proposal: Option<IsrProposal>,
    /// The high watermark moved.
    pub(crate) high_watermark_moved: bool,
}

/// What the controller said to a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AlterPartitionAnswer {
    /// This ISR is committed.
    Committed {
        /// The epoch of the leader.
        leader_epoch: LeaderEpoch,
        /// The partition epoch of the record.
        partition_epoch: PartitionEpoch,
        /// The ISR.
        isr: Vec<BrokerId>,
    },
    /// It refused.
    Refused(ErrorCode),
}

/// What is to be done after the controller's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterAnswer {
    /// Nothing: the answer came too late, or the proposal is settled, or metadata will settle it.
    Nothing,
    /// The high watermark moved.
    HighWatermarkMoved,
    /// Ask again: whether the change was made is unknown.
    AskAgain,
}

impl Leadership {
    /// `min(min.insync.replicas, replicas)`: how many must be in sync for acks=all.
    pub(crate) fn effective_min_isr(&self, min_insync_replicas: u32) -> usize {
        let wanted = usize::try_from(min_insync_replicas).unwrap_or(usize::MAX);
        wanted.min(self.followers.len() + 1)
    }

    /// Whether a follower that is so far should join the ISR.
    fn wants_to_add(&self, setting: &Setting, one: Candidate, high_watermark: Offset) -> bool {
        let has_epoch_start = match setting.rules.expansion_needs_leader_epoch_start_offset {
            Switch::Off => true,
            Switch::On => self.leader_epoch_start_offset <= one.log_end_offset,
        };
        self.isr.proposal().is_none()
            && !self.isr.committed().contains(&one.follower)
            && high_watermark <= one.log_end_offset
            && has_epoch_start
            && setting.cluster.is_eligible(one.follower, one.incarnation, &setting.rules)
    }

    /// The members of the ISR that have not caught up for too long.
    fn lagging(&self, setting: &Setting, leader_end: Offset, now: Instant) -> Vec<BrokerId> {
        let lags = |id: &BrokerId| {
            *id != setting.broker
                && self
                    .followers
                    .get(*id)
                    .is_none_or(|state| !state.is_caught_up(leader_end, now, setting.lag_max))
        };
        self.isr.committed().iter().copied().filter(lags).collect()
    }
}

impl Partition {
    fn epochs(&self) -> (LeaderEpoch, PartitionEpoch) {
        (self.leader_epoch.unwrap_or_default(), self.partition_epoch.unwrap_or_default())
    }

    /// Moves the high watermark as far as the followers allow. Tells whether it moved.
    pub(crate) fn advance_high_watermark(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
    ) -> bool {
        let min_insync_replicas = self.min_insync_replicas();
        let PartitionRole::Leader(leadership) = &self.role else { return false };
        let quorum = Quorum {
            rules: &setting.rules,
            cluster: &setting.cluster,
            isr: &leadership.isr,
            followers: &leadership.followers,
            min_isr: leadership.effective_min_isr(min_insync_replicas),
            lag_max: setting.lag_max,
        };
        let committed = quorum.committed_below(self.log.log_end_offset(), ctx.now.monotonic);
        let moved = committed.and_then(|below| self.log.maybe_increment_high_watermark(below));
        self.tell_high_watermark(ctx, moved)
    }

    /// Counts a follower's fetch that was read successfully: this is how a follower acknowledges.
    /// One that was refused for its epoch is counted only where no fence forbids it.
    ///
    /// # Errors
    /// `NOT_LEADER_OR_FOLLOWER` if an older incarnation of the follower sent it (KIP-903).
    pub(crate) fn count_fetch(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
        fetch: &FollowerFetch,
    ) -> Result<Counted, ErrorCode> {
        let alive = setting.cluster.alive_epoch(fetch.follower);
        if fetch.incarnation.is_some() && fetch.incarnation < alive {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let PartitionRole::Leader(leadership) = &mut self.role else {
            return Err(ErrorCode::NotLeaderOrFollower);
        };
        if leadership.followers.get(fetch.follower).is_none() {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let is_of_other_epoch =
            fetch.leader_epoch.is_some() && fetch.leader_epoch != self.leader_epoch;
        let is_fenced = |fence: Switch| is_of_other_epoch && fence == Switch::On;
        let mut advance = Advance::None;
        if !is_fenced(setting.rules.high_watermark_epoch_fence) {
            advance = leadership.followers.fetched(fetch);
            ctx.event(PartitionEvent::FollowerFetched {
                partition: self.name.clone(),
                follower: fetch.follower,
                leader_epoch: self.leader_epoch.unwrap_or_default(),
                fetch_offset: fetch.fetch_offset,
            });
        }
        let proposal = if is_fenced(setting.rules.isr_expansion_epoch_fence) {
            None
        } else {
            self.maybe_expand_isr(ctx, setting, fetch.into())
        };
        let high_watermark_moved =
            advance == Advance::LogEnd && self.advance_high_watermark(ctx, setting);
        Ok(Counted { proposal, high_watermark_moved })
    }

    fn maybe_expand_isr(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
        one: Candidate,
    ) -> Option<IsrProposal> {
        let (epochs, high_watermark) = (self.epochs(), self.log.high_watermark());
        let PartitionRole::Leader(leadership) = &mut self.role else { return None };
        if !leadership.wants_to_add(setting, one, high_watermark) {
            return None;
        }
        let proposal = leadership.isr.propose_expand(epochs, one.follower);
        self.tell_proposal(ctx, &proposal);
        Some(proposal)
    }

    /// Looks once more, without a fetch, whether a follower should join the ISR.
    pub(crate) fn recheck_expansion(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
    ) -> Option<IsrProposal> {
        let PartitionRole::Leader(leadership) = &self.role else { return None };
        let known = leadership.followers.iter().filter_map(|(follower, state)| {
            let (log_end_offset, incarnation) = (state.log_end_offset?, state.incarnation);
            Some(Candidate { follower, log_end_offset, incarnation })
        });
        let candidates: Vec<_> = known.collect();
        candidates.into_iter().find_map(|one| self.maybe_expand_isr(ctx, setting, one))
    }

    /// Asks for an ISR without those that lag, if any do and no change is under way.
    pub(crate) fn maybe_shrink_isr(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
    ) -> Option<IsrProposal> {
        let (epochs, log_end) = (self.epochs(), self.log.log_end_offset());
        let PartitionRole::Leader(leadership) = &mut self.role else { return None };
        if leadership.isr.proposal().is_some() {
            return None;
        }
        let leaving = leadership.lagging(setting, log_end, ctx.now.monotonic);
        if leaving.is_empty() {
            return None;
        }
        let proposal = leadership.isr.propose_shrink(epochs, &leaving);
        self.tell_proposal(ctx, &proposal);
        Some(proposal)
    }

    fn tell_proposal(&self, ctx: &mut Context<'_>, proposal: &IsrProposal) {
        let PartitionRole::Leader(leadership) = &self.role else { return };
        ctx.event(PartitionEvent::IsrProposed {
            partition: self.name.clone(),
            leader_epoch: proposal.leader_epoch,
            from: leadership.isr.committed().to_vec(),
            to: proposal.isr.clone(),
        });
    }

    /// Takes the controller's answer to a proposal.
    pub(crate) fn on_answer(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
        proposal: &IsrProposal,
        answer: AlterPartitionAnswer,
    ) -> AfterAnswer {
        let PartitionRole::Leader(leadership) = &mut self.role else {
            return AfterAnswer::Nothing;
        };
        if leadership.isr.proposal() != Some(proposal) {
            // Metadata has settled the change before its answer came.
            return AfterAnswer::Nothing;
        }
        match answer {
            AlterPartitionAnswer::Refused(error) => after_refusal(&mut leadership.isr, error),
            AlterPartitionAnswer::Committed { leader_epoch, partition_epoch, isr } => {
                let is_stale = Some(leader_epoch) != self.leader_epoch
                    || Some(partition_epoch) < self.partition_epoch;
                if is_stale {
                    return AfterAnswer::Nothing;
                }
                leadership.isr.commit(isr.clone());
                self.partition_epoch = Some(partition_epoch);
                let partition = self.name.clone();
                ctx.event(PartitionEvent::IsrAdopted {
                    partition,
                    leader_epoch,
                    partition_epoch,
                    isr,
                });
                if self.advance_high_watermark(ctx, setting) {
                    AfterAnswer::HighWatermarkMoved
                } else {
                    AfterAnswer::Nothing
                }
            }
        }
    }

    /// A proposal that could not be handed on is taken back at once.
    pub(crate) fn withdraw_proposal(&mut self) {
        if let PartitionRole::Leader(leadership) = &mut self.role {
            leadership.isr.withdraw();
        }
    }
}

fn after_refusal(isr: &mut Isr, error: ErrorCode) -> AfterAnswer {
    if matches!(error, ErrorCode::OperationNotAttempted | ErrorCode::IneligibleReplica) {
        // Only these say that the change was not made, now or by an earlier try.
        isr.withdraw();
        return AfterAnswer::Nothing;
    }
    let is_settled_by_metadata = matches!(
        error,
        ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::NewLeaderElected
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::InvalidUpdateVersion
            | ErrorCode::InvalidRequest
    );
    if is_settled_by_metadata { AfterAnswer::Nothing } else { AfterAnswer::AskAgain }
}
