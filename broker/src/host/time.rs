//! Time as an argument. `std::time::Instant` cannot be built from a number, so traces of two runs
//! could never be equal with it; this one can.

use core::time::Duration;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// A moment on the node's monotonic clock, in nanoseconds. Its zero means nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Instant(pub u64);

impl Instant {
    /// The moment `duration` later; the far end of time if that cannot be written.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// The time since `earlier`; zero if that is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The earlier of two deadlines, either of which may be missing.
    pub fn earliest(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, None) | (None, one) => one,
        }
    }
}

/// A reading of the node's wall clock: milliseconds since 1970, as record timestamps are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// What the wire writes for "no timestamp".
    pub const NONE: Self = Self(-1);
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The time at which an input comes. A process has no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For timeouts and deadlines: never goes back.
    pub monotonic: Instant,
    /// For record timestamps: may be wrong, may jump.
    pub wall: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_beyond_the_end_of_time_is_the_end_of_time() {
        assert_eq!(Instant(5).plus(Duration::MAX), Instant(u64::MAX));
    }

    #[test]
    fn the_earliest_of_two_deadlines_ignores_a_missing_one() {
        assert_eq!(Instant::earliest(Some(Instant(3)), None), Some(Instant(3)));
        assert_eq!(Instant::earliest(Some(Instant(3)), Some(Instant(2))), Some(Instant(2)));
        assert_eq!(Instant::earliest(None, None), None);
    }
}
