//! Requests that wait: for replicas to have a record, or for records to be there.
//!
//! Mirrors `DelayedOperationPurgatory`. A waiting request is found by the partitions it watches and
//! by its deadline, so that neither an append nor the passing of time looks at the others. Does not
//! know what the requests wait for.

use std::collections::{BTreeMap, BTreeSet};

use crate::{host::Instant, ids::TopicPartition, net::RequestId};

/// Waiting requests of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Purgatory<T> {
    waiting: BTreeMap<RequestId, Waiting<T>>,
    /// Invariant: has `(p, r)` iff the request `r` waits and watches `p`.
    watched: BTreeMap<TopicPartition, BTreeSet<RequestId>>,
    /// Invariant: has `(d, r)` iff the request `r` waits until `d`.
    deadlines: BTreeSet<(Instant, RequestId)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Waiting<T> {
    operation: T,
    watches: Vec<TopicPartition>,
    deadline: Instant,
}

impl<T> Default for Purgatory<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), watched: BTreeMap::new(), deadlines: BTreeSet::new() }
    }
}

impl<T> Purgatory<T> {
    /// Lets a request wait until `deadline` at the latest.
    pub(super) fn park(
        &mut self,
        request: RequestId,
        watches: Vec<TopicPartition>,
        deadline: Instant,
        operation: T,
    ) {
        for partition in &watches {
            self.watched.entry(partition.clone()).or_default().insert(request);
        }
        self.deadlines.insert((deadline, request));
        let before = self.waiting.insert(request, Waiting { operation, watches, deadline });
        assert!(before.is_none(), "{request:?} waits already");
    }

    /// The requests that watch a partition, in the order in which they came.
    pub(super) fn watchers(&self, partition: &TopicPartition) -> Vec<RequestId> {
        self.watched.get(partition).map_or_else(Vec::new, |ids| ids.iter().copied().collect())
    }

    /// A waiting request.
    pub(super) fn get_mut(&mut self, request: RequestId) -> Option<&mut T> {
        self.waiting.get_mut(&request).map(|waiting| &mut waiting.operation)
    }

    /// A waiting request.
    pub(super) fn get(&self, request: RequestId) -> Option<&T> {
        self.waiting.get(&request).map(|waiting| &waiting.operation)
    }

    /// Takes a request out: it waits no longer.
    pub(super) fn remove(&mut self, request: RequestId) -> Option<T> {
        let Waiting { operation, watches, deadline } = self.waiting.remove(&request)?;
        self.deadlines.remove(&(deadline, request));
        for partition in watches {
            if let Some(ids) = self.watched.get_mut(&partition) {
                ids.remove(&request);
                if ids.is_empty() {
                    self.watched.remove(&partition);
                }
            }
        }
        Some(operation)
    }

    /// A request whose time is over, the longest overdue first.
    pub(super) fn next_expired(&self, now: Instant) -> Option<RequestId> {
        let (deadline, request) = self.deadlines.first()?;
        (*deadline <= now).then_some(*request)
    }

    /// When the next request's time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_found_by_each_partition_it_watches_until_it_is_taken_out() {
        let (a, b) = (TopicPartition::new("a", 0), TopicPartition::new("b", 0));
        let mut purgatory = Purgatory::default();
        purgatory.park(RequestId(7), vec![a.clone(), b.clone()], Instant(5), "seven");
        purgatory.park(RequestId(8), vec![a.clone()], Instant(4), "eight");
        assert_eq!(purgatory.watchers(&a), [RequestId(7), RequestId(8)]);
        assert_eq!(purgatory.remove(RequestId(7)), Some("seven"));
        assert_eq!(purgatory.watchers(&a), [RequestId(8)]);
        assert_eq!(purgatory.watchers(&b), []);
        assert_eq!(purgatory.remove(RequestId(7)), None);
    }

    #[test]
    fn the_request_whose_time_is_over_longest_comes_first() {
        let mut purgatory = Purgatory::default();
        purgatory.park(RequestId(1), Vec::new(), Instant(5), ());
        purgatory.park(RequestId(2), Vec::new(), Instant(4), ());
        assert_eq!(purgatory.deadline(), Some(Instant(4)));
        assert_eq!(purgatory.next_expired(Instant(3)), None);
        assert_eq!(purgatory.next_expired(Instant(9)), Some(RequestId(2)));
    }
}
