//! What must not be said before the quorum has it.
//!
//! Mirrors `DeferredEventQueue`: answers and events that rest on records which may still be lost
//! wait for the high watermark. An answer that wrote nothing waits for what it may have seen.

use std::collections::VecDeque;

use crate::{
    host::event::ControllerEvent,
    ids::Offset,
    net::RequestId,
    protocol::{Request, Response},
};

/// What waits, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct DeferredEventQueue {
    /// Invariant: the offsets do not go down.
    waiting: VecDeque<(Offset, Deferred)>,
}

/// One thing that waits.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deferred {
    /// To be told.
    Event(ControllerEvent),
    /// To be answered.
    Answer(Answer),
}

/// An answer, and what it answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) id: RequestId,
    pub(super) request: Request,
    pub(super) response: Response,
}

impl DeferredEventQueue {
    /// Lets something wait until everything before `end` is committed.
    pub(super) fn push(&mut self, end: Offset, what: Deferred) {
        let last = self.waiting.back().map_or(end, |(last, _)| *last);
        assert!(last <= end, "{end} after {last}");
        self.waiting.push_back((end, what));
    }

    /// The next that waits no longer, now that everything before `high_watermark` is committed.
    pub(super) fn pop(&mut self, high_watermark: Offset) -> Option<Deferred> {
        let (end, _) = self.waiting.front()?;
        if *end <= high_watermark { self.waiting.pop_front().map(|(_, what)| what) } else { None }
    }

    /// Nobody waits for this answer any more.
    pub(super) fn forget(&mut self, id: RequestId) {
        self.waiting.retain(|(_, what)| match what {
            Deferred::Event(_) => true,
            Deferred::Answer(answer) => answer.id != id,
        });
    }

    /// The requests that will not be answered as was thought, in order.
    pub(super) fn into_requests(self) -> impl Iterator<Item = (RequestId, Request)> {
        self.waiting.into_iter().filter_map(|(_, what)| match what {
            Deferred::Event(_) => None,
            Deferred::Answer(answer) => Some((answer.id, answer.request)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::messages::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};

    fn answer(id: u64) -> Deferred {
        Deferred::Answer(Answer {
            id: RequestId(id),
            request: BrokerHeartbeatRequest::default().into(),
            response: BrokerHeartbeatResponse::default().into(),
        })
    }

    #[test]
    fn what_rests_on_records_waits_until_they_are_committed() {
        let mut queue = DeferredEventQueue::default();
        queue.push(Offset(4), answer(1));
        queue.push(Offset(6), answer(2));
        assert_eq!(queue.pop(Offset(3)), None);
        assert_eq!(queue.pop(Offset(5)), Some(answer(1)));
        assert_eq!(queue.pop(Offset(5)), None);
        assert_eq!(queue.pop(Offset(6)), Some(answer(2)));
    }

    #[test]
    fn who_is_gone_is_not_answered_and_the_rest_can_be_refused() {
        let mut queue = DeferredEventQueue::default();
        for id in 1..=3 {
            queue.push(Offset(9), answer(id));
        }
        queue.forget(RequestId(2));
        let left: Vec<_> = queue.into_requests().map(|(id, _)| id.0).collect();
        assert_eq!(left, [1, 3]);
    }
}
