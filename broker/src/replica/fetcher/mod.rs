//! What this broker fetches as a follower, by leader: which partitions, and what is on its way.
//!
//! Mirrors `AbstractFetcherThread` and `ReplicaFetcherManager`. A fetcher does one thing at a time,
//! as Kafka's thread does: it has one request on its way to its leader at most, and everything it
//! has to ask goes over that one connection in turn. What each partition needs next is its
//! [`FetchPhase`]; a request serves all partitions that are in the same phase.
//!
//! Where the follower is in a log is not kept here: the log knows. Does not know how an answer
//! changes a partition.

mod request;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use request::{FetchSizes, PartitionPosition};

use super::effect::FetcherTicket;
use crate::{
    host::Instant,
    ids::{BrokerId, LeaderEpoch, Offset, TopicId, TopicPartition},
};

/// The fetchers of this broker.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fetchers {
    by_leader: BTreeMap<BrokerId, Fetcher>,
    tickets: u64,
}

/// What is fetched from one leader.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fetcher {
    partitions: BTreeMap<TopicPartition, FetchState>,
    /// Invariant: has `(t, p)` iff the partition `p` is delayed until `t`.
    delays: BTreeSet<(Instant, TopicPartition)>,
    in_flight: Option<(FetcherTicket, Asked)>,
    /// The partition that was served last: the next request begins behind it, so that all get
    /// their turn when a response is full.
    served_last: Option<TopicPartition>,
}

/// A partition that is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FetchState {
    topic_id: TopicId,
    leader_epoch: LeaderEpoch,
    phase: FetchPhase,
    delayed_until: Option<Instant>,
}

/// What a partition needs from its leader next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchPhase {
    /// Where the epoch of the follower's last record ends: only then it may fetch (KIP-101).
    Truncating,
    /// Records.
    Fetching,
    /// The leader's log end: the last fetch was out of range.
    LogEnd,
    /// The leader's log start: it is not the log end that was the matter.
    LogStart,
}

/// What a request asked, for each partition as of then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Records behind an offset.
    Fetch(BTreeMap<TopicPartition, AskedFetch>),
    /// The ends of epochs, for these, with the epoch of the leader at the time.
    EpochEnds(BTreeMap<TopicPartition, LeaderEpoch>),
    /// The log end or the log start of these, with the epoch at the time.
    ListOffsets(FetchPhase, BTreeMap<TopicPartition, LeaderEpoch>),
}

/// What a fetch asked for one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AskedFetch {
    /// Where the log ended.
    pub(crate) fetch_offset: Offset,
    /// The epoch of the leader at the time.
    pub(crate) leader_epoch: LeaderEpoch,
}

/// Whether a partition is fetched from somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl Fetchers {
    /// Begins to fetch a partition from a leader, in this phase. It must not be fetched already.
    pub(crate) fn add(
        &mut self,
        partition: &TopicPartition,
        topic_id: TopicId,
        (leader, leader_epoch): (BrokerId, LeaderEpoch),
        phase: FetchPhase,
    ) {
        let state = FetchState { topic_id, leader_epoch, phase, delayed_until: None };
        let fetcher = self.by_leader.entry(leader).or_default();
        let before = fetcher.partitions.insert(partition.clone(), state);
        assert!(before.is_none(), "{partition} is fetched from {leader} already: {before:?}");
    }

    /// Stops fetching a partition, from whomever.
    pub(crate) fn remove(&mut self, partition: &TopicPartition) {
        for fetcher in self.by_leader.values_mut() {
            fetcher.remove(partition);
        }
    }

    /// Notes a new epoch of a partition that goes on being fetched from the same leader. Tells
    /// whether it is fetched at all.
    pub(crate) fn set_leader_epoch(
        &mut self,
        partition: &TopicPartition,
        epoch: LeaderEpoch,
    ) -> Fetched {
        for fetcher in self.by_leader.values_mut() {
            if let Some(state) = fetcher.partitions.get_mut(partition) {
                state.leader_epoch = epoch;
                return Fetched::Yes;
            }
        }
        Fetched::No
    }

    /// Ends the fetchers that have nothing to fetch, and names their leaders.
    pub(crate) fn end_idle(&mut self) -> Vec<BrokerId> {
        let idle = |(leader, fetcher): (&BrokerId, &Fetcher)| {
            fetcher.partitions.is_empty().then_some(*leader)
        };
        let ended: Vec<_> = self.by_leader.iter().filter_map(idle).collect();
        for leader in &ended {
            self.by_leader.remove(leader);
        }
        ended
    }

    /// The leaders that are fetched from.
    pub(crate) fn leaders(&self) -> Vec<BrokerId> {
        self.by_leader.keys().copied().collect()
    }

    /// The fetcher of a leader.
    pub(crate) fn get(&self, leader: BrokerId) -> Option<&Fetcher> {
        self.by_leader.get(&leader)
    }

    /// The fetcher of a leader.
    pub(crate) fn get_mut(&mut self, leader: BrokerId) -> Option<&mut Fetcher> {
        self.by_leader.get_mut(&leader)
    }

    /// Takes the end of a request: whom it went to and what it asked, unless its fetcher has ended
    /// since.
    pub(crate) fn complete(&mut self, ticket: FetcherTicket) -> Option<(BrokerId, Asked)> {
        for (leader, fetcher) in &mut self.by_leader {
            if fetcher.in_flight.as_ref().is_some_and(|(sent, _)| *sent == ticket) {
                return fetcher.in_flight.take().map(|(_, asked)| (*leader, asked));
            }
        }
        None
    }

    /// Notes that a request is on its way.
    pub(crate) fn sent(&mut self, leader: BrokerId, asked: Asked) -> FetcherTicket {
        self.tickets += 1;
        let ticket = FetcherTicket(self.tickets);
        if let Some(fetcher) = self.by_leader.get_mut(&leader) {
            assert!(fetcher.in_flight.is_none(), "one request at a time to {leader}");
            fetcher.in_flight = Some((ticket, asked));
        }
        ticket
    }

    /// When a partition that was delayed may be fetched again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.by_leader.values().filter_map(Fetcher::deadline).min()
    }
}

impl Fetcher {
    fn remove(&mut self, partition: &TopicPartition) {
        self.undelay(partition);
        self.partitions.remove(partition);
    }

    fn undelay(&mut self, partition: &TopicPartition) {
        let until = self.partitions.get_mut(partition).and_then(|state| state.delayed_until.take());
        if let Some(until) = until {
            self.delays.remove(&(until, partition.clone()));
        }
    }

    /// Leaves a partition alone until then, unless it is left alone already.
    pub(crate) fn delay(&mut self, partition: &TopicPartition, until: Instant) {
        if let Some(state) = self.partitions.get_mut(partition)
            && state.delayed_until.is_none()
        {
            state.delayed_until = Some(until);
            self.delays.insert((until, partition.clone()));
        }
    }

    /// Ends the delays whose time is over.
    pub(crate) fn end_delays(&mut self, now: Instant) {
        while let Some((until, partition)) = self.delays.first()
            && *until <= now
        {
            let partition = partition.clone();
            self.undelay(&partition);
        }
    }

    /// Takes a partition out until a new leader epoch brings it back.
    pub(crate) fn fail(&mut self, partition: &TopicPartition) {
        self.remove(partition);
    }

    /// What a partition needs next.
    pub(crate) fn set_phase(&mut self, partition: &TopicPartition, phase: FetchPhase) {
        if let Some(state) = self.partitions.get_mut(partition) {
            state.phase = phase;
        }
    }

    /// What a partition needs after its leader did not answer: what it needed, except that one
    /// whose fetch was out of range fetches again.
    pub(crate) fn fall_back(&mut self, partition: &TopicPartition) {
        if let Some(state) = self.partitions.get_mut(partition) {
            state.phase = match state.phase {
                FetchPhase::Truncating => FetchPhase::Truncating,
                FetchPhase::Fetching | FetchPhase::LogEnd | FetchPhase::LogStart => {
                    FetchPhase::Fetching
                }
            };
        }
    }

    /// Notes that a partition got records.
    pub(crate) fn served(&mut self, partition: &TopicPartition) {
        self.served_last = Some(partition.clone());
    }

    /// A partition, if it is in this phase and not delayed: only then an answer is for it.
    pub(crate) fn ready(
        &self,
        partition: &TopicPartition,
        phase: FetchPhase,
    ) -> Option<&FetchState> {
        self.partitions.get(partition).filter(|state| state.is_ready(phase))
    }

    /// A partition of this fetcher.
    pub(crate) fn get(&self, partition: &TopicPartition) -> Option<&FetchState> {
        self.partitions.get(partition)
    }

    fn deadline(&self) -> Option<Instant> {
        match self.in_flight {
            None => self.delays.first().map(|(until, _)| *until),
            Some(_) => None,
        }
    }
}

impl FetchState {
    /// The epoch of the leader it is fetched from.
    pub(crate) fn leader_epoch(&self) -> LeaderEpoch {
        self.leader_epoch
    }

    fn is_ready(&self, phase: FetchPhase) -> bool {
        self.phase == phase && self.delayed_until.is_none()
    }
}
