//! Rules: the next frames that match a predicate are held, delayed, or dropped with a reset.

use core::{fmt, time::Duration};
use std::sync::Arc;

use bytes::Bytes;

use crate::world::NodeId;

/// The name of a rule, to release it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId(pub u64);

/// A frame as a rule sees it, when it leaves its sender.
#[derive(Debug)]
pub struct FrameInfo<'a, T> {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// What the sender says it is.
    pub tag: &'a T,
    /// The bytes; to be decoded only when the rest matches.
    pub frame: &'a Bytes,
}

/// What is done to a frame that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// It waits, and what follows it on its connection waits behind it, until the rule is released.
    Hold,
    /// It takes so much longer, and holds up what follows it on its connection.
    Delay(Duration),
    /// It is lost with its connection: both ends are told of a reset. What was sent before arrives.
    DropWithReset,
}

pub(super) type Matches<T> = Arc<dyn Fn(&FrameInfo<'_, T>) -> bool + Send + Sync>;

pub(super) struct Rule<T> {
    pub(super) id: RuleId,
    pub(super) action: RuleAction,
    matches: Matches<T>,
    left: u32,
}

impl<T> Clone for Rule<T> {
    fn clone(&self) -> Self {
        let matches = Arc::clone(&self.matches);
        Self { id: self.id, action: self.action, matches, left: self.left }
    }
}

impl<T> Rule<T> {
    pub(super) fn new(id: RuleId, action: RuleAction, left: u32, matches: Matches<T>) -> Self {
        Self { id, action, matches, left }
    }

    /// Whether the rule takes this frame; that uses it up by one.
    pub(super) fn takes(&mut self, info: &FrameInfo<'_, T>) -> bool {
        let takes = 0 < self.left && (self.matches)(info);
        if takes {
            self.left -= 1;
        }
        takes
    }
}

impl<T> fmt::Debug for Rule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("id", &self.id)
            .field("action", &self.action)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
