//! Times: the world's own, and those that a node's clock shows.
//!
//! `std::time::Instant` cannot be built from a number, so two runs could never be compared with it.

use core::time::Duration;
use std::fmt;

use serde::Serialize;

/// A moment of the run, in nanoseconds since it began. No process sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// The far end of time: a moment that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment `duration` after the run began.
    pub fn at(duration: Duration) -> Self {
        Self(0).plus(duration)
    }

    /// The moment `duration` later; the far end of time if that cannot be written.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// The time since `earlier`; zero if that is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// A moment on a node's monotonic clock, in nanoseconds. Its zero means nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Instant(pub u64);

impl Instant {
    /// The moment `duration` later; the far end of time if that cannot be written.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

/// A reading of a node's wall clock: milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// The time at which an input comes, as the node's clock shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For timeouts and deadlines: never goes back.
    pub monotonic: Instant,
    /// For time stamps: may be wrong, may jump.
    pub wall: Timestamp,
}

/// A duration in nanoseconds; the largest number if it is longer.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
