//! What a run was in one word.

use std::fmt;

use serde::{Serialize, Serializer};

/// What a run was in one word. The greater is the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every promise was kept, and nothing was lost, repeated or reordered.
    Ok,
    /// Records changed their order, as their producer's configuration allows.
    AllowedReorder,
    /// Records stand in the log more than once, as the contract allows.
    AllowedDuplicates,
    /// Acknowledged records are lost, as the contract allows.
    AllowedLoss,
    /// The cluster did not recover, and a fault that was declared permanent explains it.
    Unavailable,
    /// The cluster did not recover although everything was healed.
    Stuck,
    /// A promise was broken.
    Violation,
}

impl Verdict {
    /// All verdicts, the best first.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::AllowedReorder,
        Self::AllowedDuplicates,
        Self::AllowedLoss,
        Self::Unavailable,
        Self::Stuck,
        Self::Violation,
    ];

    /// The verdict as scenario files and reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::AllowedReorder => "allowed-reorder",
            Self::AllowedDuplicates => "allowed-duplicates",
            Self::AllowedLoss => "allowed-loss",
            Self::Unavailable => "unavailable",
            Self::Stuck => "stuck",
            Self::Violation => "violation",
        }
    }

    /// The verdict of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;

    #[test]
    fn every_verdict_is_found_by_its_name_and_worse_ones_are_greater() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_name(verdict.name()), Some(verdict));
        }
        assert!(Verdict::ALL.is_sorted());
        assert_eq!(Verdict::from_name("fine"), None);
    }
}
