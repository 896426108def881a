//! The position of a record in a partition.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// The position of a record in a partition, counted from 0.
///
/// Logs are half-open: `[log start offset, log end offset)`. The wire knows −1 for "unknown"; in
/// this crate that is `Option<Offset>`, and [`Offset::from_wire`] translates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Offset(pub i64);

impl Offset {
    /// The first offset of a new partition.
    pub const ZERO: Self = Self(0);

    /// The offset `count` records later.
    #[must_use]
    pub fn plus(self, count: i64) -> Self {
        Self(self.0.checked_add(count).expect("an offset stays below 2^63"))
    }

    /// The next offset.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// How many records lie between `earlier` and this offset; negative if it is the later one.
    pub fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// Reads an offset of the wire, where a negative number says "unknown".
    pub fn from_wire(raw: i64) -> Option<Self> {
        (0 <= raw).then_some(Self(raw))
    }

    /// Writes an offset for the wire, −1 if unknown.
    pub fn to_wire(offset: Option<Self>) -> i64 {
        offset.map_or(-1, |known| known.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
