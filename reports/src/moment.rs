//! A point of virtual time, as reports write it.

use std::fmt;

use serde::{Serialize, Serializer};

const NANOS_PER_MILLI: u64 = 1_000_000;

/// A point of virtual time: nanoseconds since the run began.
///
/// For people it is seconds with milliseconds (`3.214 s`); in JSON a duration as scenario files
/// write it, with every digit that counts (`"3214.000051ms"`), so that it can be pasted into one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment `millis` milliseconds after the start.
    pub fn from_millis(millis: u64) -> Self {
        Self(millis * NANOS_PER_MILLI)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0 / NANOS_PER_MILLI;
        write!(f, "{}.{:03} s", millis / 1000, millis % 1000)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (whole, rest) = (self.0 / NANOS_PER_MILLI, self.0 % NANOS_PER_MILLI);
        if rest == 0 {
            return serializer.collect_str(&format_args!("{whole}ms"));
        }
        let fraction = format!("{rest:06}");
        serializer.collect_str(&format_args!("{whole}.{}ms", fraction.trim_end_matches('0')))
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn a_moment_is_seconds_for_people_and_a_duration_for_programs() {
        assert_eq!(Moment(3_214_500_000).to_string(), "3.214 s");
        assert_eq!(serde_json::to_string(&Moment(3_214_000_000)).unwrap(), "\"3214ms\"");
        assert_eq!(serde_json::to_string(&Moment(3_214_500_001)).unwrap(), "\"3214.500001ms\"");
    }
}
