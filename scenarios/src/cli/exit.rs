//! How the program ends: a public format.

use std::process::ExitCode;

/// An exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything passed.
    Passed,
    /// A run did not meet its expectation.
    NotMet,
    /// Interrupted; what was known has been said.
    Interrupted,
    /// Bad usage or a bad scenario file.
    BadUsage,
    /// Two runs of one seed differed.
    Nondeterminism,
    /// The program itself is wrong.
    Internal,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::NotMet => 1,
            Self::Interrupted => 130,
            Self::BadUsage => 2,
            Self::Nondeterminism => 3,
            Self::Internal => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
