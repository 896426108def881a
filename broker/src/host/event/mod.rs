//! Skeleton.

/// Filled in by the next change.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {}
