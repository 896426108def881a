//! The one queue of the world: what will happen, by time and then by the order of putting.
//!
//! Wake-ups stand beside the heap, one slot for each node: a process that moves its deadline with
//! every input leaves nothing stale behind. Both draw their sequence numbers from one counter, so
//! the order among them is as if they stood in one queue.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{time::Time, world::NodeId};

/// Which of a connection's two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    /// From the end that opened to the end that accepted.
    Forth,
    /// The other way.
    Back,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// The first parcel of a lane arrives. Stale if the lane's generation has moved on.
    Lane { connection: u64, direction: Direction, generation: u32 },
    /// The outputs of a step leave, the disk being done.
    Leave { node: NodeId, incarnation: u32 },
    /// A node looks into its inbox.
    Inbox { node: NodeId, incarnation: u32 },
    /// A connection attempt finds that there is no such host.
    UnknownHost { node: NodeId, incarnation: u32, opened: u64 },
    /// A command of the caller's for a node, kept under this number.
    Command { node: NodeId, number: u64 },
    /// The caller asked to be called.
    Alarm { token: u64 },
    /// A node's deadline passes.
    Wake { node: NodeId },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    time: Time,
    sequence: u64,
    due: Due,
}

/// What will happen.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    /// For each node, when it wakes; [`Time::NEVER`] if it does not.
    wakes: Vec<(Time, u64)>,
    /// The earliest of `wakes`, or any that never comes.
    first_wake: usize,
    sequence: u64,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), wakes: Vec::new(), first_wake: 0, sequence: 0 }
    }

    pub(crate) fn add_node(&mut self) {
        self.wakes.push((Time::NEVER, 0));
    }

    pub(crate) fn put(&mut self, time: Time, due: Due) {
        self.sequence += 1;
        self.heap.push(Reverse(Entry { time, sequence: self.sequence, due }));
    }

    /// Moves the wake-up of a node; [`Time::NEVER`] takes it away.
    pub(crate) fn wake(&mut self, node: NodeId, time: Time) {
        let slot = node.index();
        if self.wakes[slot].0 == time {
            return;
        }
        self.sequence += 1;
        self.wakes[slot] = (time, self.sequence);
        if slot == self.first_wake {
            let slots = 0..self.wakes.len();
            self.first_wake = slots.min_by_key(|&at| self.wakes[at]).unwrap_or(0);
        } else if self.wakes[slot] < self.wakes[self.first_wake] {
            self.first_wake = slot;
        }
    }

    /// When the next thing happens.
    pub(crate) fn next_time(&self) -> Option<Time> {
        let heap = self.heap.peek().map(|Reverse(entry)| entry.time);
        let wake = self.wakes.get(self.first_wake).map(|wake| wake.0);
        match (heap, wake.filter(|&wake| wake < Time::NEVER)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, None) | (None, one) => one,
        }
    }

    /// Takes the next thing out.
    pub(crate) fn take(&mut self) -> Option<(Time, Due)> {
        let wake = self.wakes.get(self.first_wake).copied().filter(|wake| wake.0 < Time::NEVER);
        let heap = self.heap.peek().map(|Reverse(entry)| (entry.time, entry.sequence));
        let wakes_first = match (wake, heap) {
            (Some(wake), Some(heap)) => wake < heap,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if wakes_first {
            let at = self.first_wake;
            let time = self.wakes[at].0;
            let node = NodeId::from_index(at);
            self.wake(node, Time::NEVER);
            return Some((time, Due::Wake { node }));
        }
        self.heap.pop().map(|Reverse(entry)| (entry.time, entry.due))
    }

    /// How many entries wait, wake-ups aside.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(queue: &mut Queue) -> Vec<(u64, Due)> {
        std::iter::from_fn(|| queue.take()).map(|(time, due)| (time.0, due)).collect()
    }

    #[test]
    fn what_is_due_at_one_time_comes_in_the_order_of_putting() {
        let mut queue = Queue::new();
        queue.add_node();
        queue.add_node();
        queue.put(Time(5), Due::Alarm { token: 1 });
        queue.wake(NodeId(1), Time(5));
        queue.wake(NodeId(0), Time(5));
        queue.put(Time(5), Due::Alarm { token: 2 });
        queue.put(Time(4), Due::Alarm { token: 3 });
        let expected = [
            (4, Due::Alarm { token: 3 }),
            (5, Due::Alarm { token: 1 }),
            (5, Due::Wake { node: NodeId(1) }),
            (5, Due::Wake { node: NodeId(0) }),
            (5, Due::Alarm { token: 2 }),
        ];
        assert_eq!(all(&mut queue), expected);
    }

    #[test]
    fn a_moved_deadline_leaves_nothing_behind() {
        let mut queue = Queue::new();
        queue.add_node();
        for time in (1..1_000).rev() {
            queue.wake(NodeId(0), Time(time));
        }
        queue.wake(NodeId(0), Time(70));
        assert_eq!(queue.len(), 0);
        assert_eq!(queue.next_time(), Some(Time(70)));
        assert_eq!(all(&mut queue), [(70, Due::Wake { node: NodeId(0) })]);
        assert_eq!(queue.next_time(), None);
    }
}
