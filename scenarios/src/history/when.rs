//! When something happened: virtual time, and the order of what happens at one time.

use std::fmt;

/// When something happened. Ordered as things happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct When {
    /// Virtual time, in nanoseconds since the run began.
    pub at: u64,
    /// The number of the event in the run.
    pub order: u64,
}

impl When {
    /// The end of all time.
    pub const NEVER: Self = Self { at: u64::MAX, order: u64::MAX };
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        reports::Moment(self.at).fmt(f)
    }
}
