//! How far a leader may move its high watermark: to the smallest log end offset of all who count.
//!
//! Mirrors `Partition.maybeIncrementLeaderHW`. Does not move anything; it only says how far.

use core::time::Duration;

use super::{
    cluster_view::ClusterView,
    follower_states::{FollowerState, FollowerStates},
    isr::Isr,
    rules::{HighWatermarkOver, Rules, Switch},
};
use crate::{
    host::Instant,
    ids::{BrokerId, Offset},
};

/// What the decision looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quorum<'a> {
    /// The rules in force.
    pub(super) rules: &'a Rules,
    /// Who is alive.
    pub(super) cluster: &'a ClusterView,
    /// The in-sync replicas.
    pub(super) isr: &'a Isr,
    /// The followers.
    pub(super) followers: &'a FollowerStates,
    /// The effective `min.insync.replicas`.
    pub(super) min_isr: usize,
    /// `replica.lag.time.max.ms`.
    pub(super) lag_max: Duration,
}

impl Quorum<'_> {
    /// The offset below which all who count have everything. None if nothing may be committed: too
    /// few are in sync, or one who counts has not fetched yet.
    pub(super) fn committed_below(&self, leader_end: Offset, now: Instant) -> Option<Offset> {
        match self.rules.high_watermark_gated_by_min_isr {
            Switch::On if self.isr.committed().len() < self.min_isr => return None,
            Switch::On | Switch::Off => {}
        }
        self.followers
            .iter()
            .filter(|(id, state)| {
                state.log_end_offset < Some(leader_end)
                    && (self.is_in_sync(*id) || self.is_about_to_join(*id, state, leader_end, now))
            })
            .map(|(_, state)| state.log_end_offset)
            .min()
            .unwrap_or(Some(leader_end))
    }

    fn is_in_sync(&self, follower: BrokerId) -> bool {
        match self.rules.high_watermark_over {
            HighWatermarkOver::MaximalIsr => self.isr.maximal_contains(follower),
            HighWatermarkOver::CommittedIsr => self.isr.committed().contains(&follower),
        }
    }

    /// The leader must not run away from a follower that has nearly caught up: it would never
    /// rejoin. One that may not join is not waited for (KAFKA-15021).
    fn is_about_to_join(
        &self,
        follower: BrokerId,
        state: &FollowerState,
        leader_end: Offset,
        now: Instant,
    ) -> bool {
        match self.rules.high_watermark_waits_for_joiners {
            Switch::Off => false,
            Switch::On => {
                state.is_caught_up(leader_end, now, self.lag_max)
                    && self.cluster.is_eligible(follower, state.incarnation, self.rules)
            }
        }
    }
}

#[cfg(test)]
mod tests;
