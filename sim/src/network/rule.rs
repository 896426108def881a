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
    /// How many frames that match are let pass before the first is taken.
    skip: u32,
    left: u32,
}

impl<T> Clone for Rule<T> {
    fn clone(&self) -> Self {
        let matches = Arc::clone(&self.matches);
        Self { id: self.id, action: self.action, matches, skip: self.skip, left: self.left }
    }
}

impl<T> Rule<T> {
    pub(super) fn new(id: RuleId, action: RuleAction, left: u32, matches: Matches<T>) -> Self {
        Self { id, action, matches, skip: 0, left }
    }

    pub(super) fn skip(&mut self, matches: u32) {
        self.skip = matches;
    }

    /// Whether the rule takes this frame; that uses it up by one.
    pub(super) fn takes(&mut self, info: &FrameInfo<'_, T>) -> bool {
        if self.left == 0 || !(self.matches)(info) {
            return false;
        }
        if 0 < self.skip {
            self.skip -= 1;
            return false;
        }
        self.left -= 1;
        true
    }
}

impl<T> fmt::Debug for Rule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("id", &self.id)
            .field("action", &self.action)
            .field("skip", &self.skip)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
