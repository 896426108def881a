//! What a leader knows of its followers: how far each is, and when it was last caught up.
//!
//! Mirrors Kafka's `Replica` and `ReplicaState`. Being caught up is a matter of time (KIP-16): a
//! follower whose fetch reached what the leader had at its fetch before was caught up then. Does
//! not know the ISR.

use core::time::Duration;
use std::collections::BTreeMap;

use super::rules::FollowerStateOnReelection;
use crate::{
    host::Instant,
    ids::{BrokerEpoch, BrokerId, LeaderEpoch, Offset},
};

/// The followers of a partition, by broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FollowerStates(BTreeMap<BrokerId, FollowerState>);

/// What the leader knows of one follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FollowerState {
    /// The follower has everything below; unknown until it fetches.
    pub(super) log_end_offset: Option<Offset>,
    /// The follower has nothing below; unknown until it fetches.
    pub(super) log_start_offset: Option<Offset>,
    /// The incarnation that fetched last.
    pub(super) incarnation: SeenIncarnation,
    leader_end_at_last_fetch: Option<Offset>,
    last_fetch: Option<Instant>,
    last_caught_up: Option<Instant>,
}

/// What is known of the incarnation of a follower (KIP-903).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeenIncarnation {
    /// It has not fetched yet.
    Never,
    /// It fetched and did not say.
    Unsaid,
    /// It fetched as this incarnation.
    Said(BrokerEpoch),
}

/// A follower's fetch, as far as it concerns what the leader knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FollowerFetch {
    /// The follower.
    pub(super) follower: BrokerId,
    /// Its incarnation, if it says.
    pub(super) incarnation: Option<BrokerEpoch>,
    /// The leader epoch in which it fetches, if it says.
    pub(super) leader_epoch: Option<LeaderEpoch>,
    /// The end of its log.
    pub(super) fetch_offset: Offset,
    /// The start of its log.
    pub(super) log_start_offset: Option<Offset>,
    /// When it came.
    pub(super) at: Instant,
    /// The end of the leader's log when it was read.
    pub(super) leader_end: Offset,
}

impl FollowerFetch {
    /// What the fetch tells of the follower's incarnation.
    pub(super) fn seen_incarnation(&self) -> SeenIncarnation {
        self.incarnation.map_or(SeenIncarnation::Unsaid, SeenIncarnation::Said)
    }
}

/// What a fetch has told of a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// The broker is no follower.
    NoFollower,
    /// The follower is where it was.
    None,
    /// The end of the follower's log is another than was known.
    LogEnd,
}

impl FollowerState {
    const UNKNOWN: Self = Self {
        log_end_offset: None,
        log_start_offset: None,
        incarnation: SeenIncarnation::Never,
        leader_end_at_last_fetch: None,
        last_fetch: None,
        last_caught_up: None,
    };

    fn fetched(&mut self, fetch: &FollowerFetch) {
        if fetch.leader_end <= fetch.fetch_offset {
            self.last_caught_up = self.last_caught_up.max(Some(fetch.at));
        } else if self.leader_end_at_last_fetch <= Some(fetch.fetch_offset) {
            self.last_caught_up = self.last_caught_up.max(self.last_fetch);
        }
        self.log_end_offset = Some(fetch.fetch_offset);
        self.log_start_offset = fetch.log_start_offset;
        self.leader_end_at_last_fetch = self.leader_end_at_last_fetch.max(Some(fetch.leader_end));
        self.last_fetch = Some(fetch.at);
        self.incarnation = fetch.seen_incarnation();
    }

    /// Whether it has all that the leader has, or had it less than `lag_max` ago.
    pub(super) fn is_caught_up(&self, leader_end: Offset, now: Instant, lag_max: Duration) -> bool {
        self.log_end_offset == Some(leader_end)
            || self.last_caught_up.is_some_and(|then| now.since(then) <= lag_max)
    }
}

impl FollowerStates {
    /// Knows exactly these followers from now on: of a new one, nothing.
    pub(super) fn assign(&mut self, followers: impl Iterator<Item = BrokerId> + Clone) {
        self.0.retain(|known, _| followers.clone().any(|id| id == *known));
        for follower in followers {
            self.0.entry(follower).or_insert(FollowerState::UNKNOWN);
        }
    }

    /// Begins a new leader epoch. Who is in the ISR counts as caught up now.
    pub(super) fn begin_epoch(
        &mut self,
        isr: &[BrokerId],
        (now, leader_end): (Instant, Offset),
        on_reelection: FollowerStateOnReelection,
    ) {
        for (id, state) in &mut self.0 {
            let caught_up = isr.contains(id).then_some(now);
            *state = match on_reelection {
                FollowerStateOnReelection::Reset => {
                    FollowerState { last_caught_up: caught_up, ..FollowerState::UNKNOWN }
                }
                FollowerStateOnReelection::Keep => FollowerState {
                    leader_end_at_last_fetch: Some(leader_end),
                    last_fetch: caught_up,
                    last_caught_up: caught_up,
                    ..*state
                },
            };
        }
    }

    /// Counts a fetch.
    pub(super) fn fetched(&mut self, fetch: &FollowerFetch) -> Advance {
        let Some(state) = self.0.get_mut(&fetch.follower) else { return Advance::NoFollower };
        let before = state.log_end_offset;
        state.fetched(fetch);
        if before == state.log_end_offset { Advance::None } else { Advance::LogEnd }
    }

    /// What is known of one follower.
    pub(super) fn get(&self, follower: BrokerId) -> Option<&FollowerState> {
        self.0.get(&follower)
    }

    /// All followers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (BrokerId, &FollowerState)> {
        self.0.iter().map(|(id, state)| (*id, state))
    }

    /// How many followers there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_nanos(10);
    const F: BrokerId = BrokerId(2);

    fn followers() -> FollowerStates {
        let mut states = FollowerStates::default();
        states.assign([F].into_iter());
        states
    }

    fn fetch(at: u64, fetch_offset: i64, leader_end: i64) -> FollowerFetch {
        FollowerFetch {
            follower: F,
            incarnation: None,
            leader_epoch: None,
            fetch_offset: Offset(fetch_offset),
            log_start_offset: Some(Offset::ZERO),
            at: Instant(at),
            leader_end: Offset(leader_end),
        }
    }

    fn caught_up(states: &FollowerStates, leader_end: i64, now: u64) -> bool {
        states.get(F).unwrap().is_caught_up(Offset(leader_end), Instant(now), LAG)
    }

    #[test]
    fn a_follower_at_the_end_of_the_log_is_caught_up_however_long_ago_it_fetched() {
        let mut states = followers();
        states.fetched(&fetch(1, 5, 5));
        assert!(caught_up(&states, 5, 1_000));
        assert!(caught_up(&states, 6, 11));
        assert!(!caught_up(&states, 6, 12));
    }

    #[test]
    fn reaching_what_the_leader_had_at_the_fetch_before_counts_as_caught_up_then() {
        let mut states = followers();
        states.fetched(&fetch(100, 0, 5));
        assert!(!caught_up(&states, 5, 100));
        states.fetched(&fetch(105, 5, 9));
        assert!(caught_up(&states, 9, 110));
        assert!(!caught_up(&states, 9, 111));
    }

    #[test]
    fn a_new_epoch_forgets_the_offset_and_takes_the_isr_for_caught_up() {
        let mut states = followers();
        states.fetched(&fetch(1, 5, 5));
        let begin = |states: &mut FollowerStates, mode| {
            states.begin_epoch(&[F], (Instant(50), Offset(7)), mode);
        };
        let mut kept = states.clone();
        begin(&mut kept, FollowerStateOnReelection::Keep);
        assert_eq!(kept.get(F).unwrap().log_end_offset, Some(Offset(5)));
        begin(&mut states, FollowerStateOnReelection::Reset);
        assert_eq!(states.get(F).unwrap().log_end_offset, None);
        assert!(caught_up(&states, 7, 60) && !caught_up(&states, 7, 61));
    }

    #[test]
    fn a_broker_that_is_no_follower_counts_for_nothing() {
        let mut states = followers();
        let foreign = FollowerFetch { follower: BrokerId(3), ..fetch(1, 5, 5) };
        assert_eq!(states.fetched(&foreign), Advance::NoFollower);
        assert_eq!(states.len(), 1);
    }
}
