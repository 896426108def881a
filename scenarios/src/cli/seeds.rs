//! Ranges of seeds, written as in Rust.

use core::ops::Range;
use std::str::FromStr;

/// `A..B` without B, or `A..=B` with it. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedRange {
    seeds: Range<u64>,
}

impl SeedRange {
    /// The seeds, the first and the one behind the last.
    pub fn seeds(&self) -> Range<u64> {
        self.seeds.clone()
    }
}

impl FromStr for SeedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || "expected a range such as 0..100, or 0..=99".to_owned();
        let (start, end) = text.split_once("..").ok_or_else(shape)?;
        let (end, inclusive) = end.strip_prefix('=').map_or((end, 0), |end| (end, 1));
        let start: u64 = start.trim().parse().map_err(|_| shape())?;
        let end: u64 = end.trim().parse().map_err(|_| shape())?;
        let end = end.checked_add(inclusive).ok_or_else(shape)?;
        if end <= start {
            return Err("this range is empty".to_owned());
        }
        Ok(Self { seeds: start..end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_in_rust() {
        let seeds = |text: &str| text.parse::<SeedRange>().map(|range| range.seeds());
        assert_eq!(seeds("3..5"), Ok(3..5));
        assert_eq!(seeds("3..=5"), Ok(3..6));
        for text in ["5", "5..", "..5", "5..5", "5..3", "a..b", "0..=18446744073709551615", "-1..2"]
        {
            assert!(seeds(text).is_err(), "{text}");
        }
    }
}
