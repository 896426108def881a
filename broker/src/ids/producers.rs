//! The identity of a producer and of what it sends (KIP-98, KIP-360).

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// What the cluster calls an idempotent producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ProducerId(pub i64);

/// Raised when a producer starts its sequences anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ProducerEpoch(pub i16);

/// The number of a record within one producer epoch and partition; wraps from 2³¹−1 to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Sequence(pub i32);

impl Sequence {
    /// The first sequence of an epoch.
    pub const ZERO: Self = Self(0);

    /// The sequence `count` records later, wrapping as Kafka's does
    /// (`DefaultRecordBatch.incrementSequence`).
    #[must_use]
    pub fn plus(self, count: i32) -> Self {
        Self(
            i32::try_from((i64::from(self.0) + i64::from(count)).rem_euclid(1 << 31))
                .expect("a remainder of 2^31 fits"),
        )
    }
}

/// The number of a `send` within one producer, counted from 0. Never on the wire: it ties the
/// producer's completions to what the application asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct SendId(pub u64);

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ProducerEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    #[test]
    fn a_sequence_wraps_to_zero_after_the_largest_number() {
        assert_eq!(Sequence(i32::MAX).plus(1), Sequence::ZERO);
        assert_eq!(Sequence(i32::MAX - 1).plus(5), Sequence(3));
        assert_eq!(Sequence(0).plus(-1), Sequence(i32::MAX));
    }
}
