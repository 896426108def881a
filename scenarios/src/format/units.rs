//! Quantities as a scenario file writes them: text with a unit.
//!
//! Kafka's own keys keep Kafka's units (`….ms` are numbers); everything else says its unit. All are
//! integers inside: a run computes with no floats.

use core::time::Duration;
use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What a text should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected(pub String);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads and writes a type as text, and gives it a schema whose `format` names its parser.
macro_rules! written_as_text {
    ($name:ident, $format:literal, $about:literal, $examples:expr) => {
        impl TryFrom<String> for $name {
            type Error = Expected;

            fn try_from(text: String) -> Result<Self, Expected> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "format": $format,
                    "description": $about,
                    "examples": $examples
                })
            }
        }
    };
}

pub(crate) use written_as_text;

/// A length of time, such as `"250ms"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(pub Duration);

written_as_text!(
    Period,
    "duration",
    "A duration: a whole number and ns, us, ms, s, m or h.",
    ["250ms", "2s"]
);

/// The units of a duration in nanoseconds, the largest first.
const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// No run is longer than this; sums of a few such durations still fit.
const LONGEST: Duration = Duration::from_secs(1_000 * 3_600);

impl FromStr for Period {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let (number, unit) = split_unit(text);
        let expected = || Expected(r#"a duration such as "250ms" or "2s""#.to_owned());
        if number.contains('.') {
            let hint = r#"a whole number with a unit, such as "1500ms""#;
            return Err(Expected(hint.to_owned()));
        }
        let number: u64 = number.parse().map_err(|_| expected())?;
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?;
        let duration = number.checked_mul(*nanos).map(Duration::from_nanos);
        duration
            .filter(|duration| *duration <= LONGEST)
            .map(Self)
            .ok_or_else(|| Expected("a duration of at most 1000h".to_owned()))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let exact = |unit: u64| nanos.is_multiple_of(u128::from(unit));
        // Minutes and hours are read, not written: `90s` says more than `1m`.
        let (name, unit) = UNITS[2..]
            .iter()
            .find(|(_, unit)| exact(*unit))
            .expect("every number of nanoseconds is a multiple of one");
        write!(f, "{}{name}", nanos / u128::from(*unit))
    }
}

/// A difference of time, such as `"-5s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignedPeriod {
    /// Whether the clock goes back.
    pub direction: Direction,
    /// By how much.
    pub by: Period,
}

/// Where a clock is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To a later time.
    Forward,
    /// To an earlier time.
    Back,
}

written_as_text!(
    SignedPeriod,
    "signed-duration",
    "A duration, with a minus sign to go back.",
    ["5s", "-5s"]
);

impl FromStr for SignedPeriod {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let (direction, rest) = match text.strip_prefix('-') {
            Some(rest) => (Direction::Back, rest),
            None => (Direction::Forward, text),
        };
        let by = rest.parse().map_err(|Expected(what)| Expected(format!("{what}, or \"-5s\"")))?;
        Ok(Self { direction, by })
    }
}

impl fmt::Display for SignedPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            Direction::Forward => self.by.fmt(f),
            Direction::Back => write!(f, "-{}", self.by),
        }
    }
}

/// A rate of transfer in bytes a second, such as `"10MB/s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bandwidth(pub u64);

written_as_text!(
    Bandwidth,
    "bandwidth",
    "Bytes a second: a whole number and B/s, KB/s (1000), MB/s or GB/s.",
    ["10MB/s", "64KB/s"]
);

const RATES: [(&str, u64); 4] =
    [("GB/s", 1_000_000_000), ("MB/s", 1_000_000), ("KB/s", 1_000), ("B/s", 1)];

impl FromStr for Bandwidth {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let (number, unit) = split_unit(text);
        let rate = RATES.iter().find(|(name, _)| *name == unit).map(|(_, rate)| *rate);
        let number = number.parse::<u64>().ok().filter(|number| 1 <= *number);
        rate.zip(number)
            .and_then(|(rate, number)| rate.checked_mul(number))
            .map(Self)
            .ok_or_else(|| Expected(r#"a bandwidth such as "10MB/s" or "64KB/s""#.to_owned()))
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, rate) = RATES
            .iter()
            .find(|(_, rate)| self.0.is_multiple_of(*rate))
            .expect("every number of bytes is a multiple of one");
        write!(f, "{}{name}", self.0 / rate)
    }
}

/// A share, such as `"0.5%"`, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Share {
    /// The share in millionths: 10 000 is one percent.
    pub millionths: u32,
}

written_as_text!(
    Share,
    "share",
    "A share from 0% to 100%, with up to four decimals.",
    ["1%", "0.05%"]
);

impl FromStr for Share {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let expected = || Expected(r#"a share from "0%" to "100%", such as "0.5%""#.to_owned());
        let number = text.strip_suffix('%').ok_or_else(expected)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || 4 < decimals.len() {
            return Err(expected());
        }
        let whole: u32 = whole.parse().map_err(|_| expected())?;
        let decimals: u32 = format!("{decimals:0<4}").parse().map_err(|_| expected())?;
        let millionths = whole.checked_mul(10_000).and_then(|w| w.checked_add(decimals));
        millionths
            .filter(|share| *share <= 1_000_000)
            .map(|millionths| Self { millionths })
            .ok_or_else(expected)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.millionths / 10_000, self.millionths % 10_000);
        match decimals {
            0 => write!(f, "{whole}%"),
            _ => write!(f, "{whole}.{}%", format!("{decimals:04}").trim_end_matches('0')),
        }
    }
}

/// One duration, or a pair from which each use draws its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PeriodRange {
    /// Always the same.
    Fixed(Period),
    /// Drawn anew at each use, both ends included.
    Drawn([Period; 2]),
}

impl PeriodRange {
    /// The shortest and the longest.
    pub fn ends(self) -> (Duration, Duration) {
        match self {
            Self::Fixed(period) => (period.0, period.0),
            Self::Drawn([low, high]) => (low.0, high.0),
        }
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    let number = |c: char| c.is_ascii_digit() || c == '.';
    text.split_at(text.find(|c| !number(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_in_its_largest_exact_unit() {
        for (read, written) in
            [("250ms", "250ms"), ("2000ms", "2s"), ("2m", "120s"), ("1500us", "1500us")]
        {
            assert_eq!(read.parse::<Period>().unwrap().to_string(), written);
        }
        assert_eq!("-2000ms".parse::<SignedPeriod>().unwrap().to_string(), "-2s");
        assert_eq!("3000KB/s".parse::<Bandwidth>().unwrap().to_string(), "3MB/s");
        assert_eq!("0.50%".parse::<Share>().unwrap().to_string(), "0.5%");
        assert_eq!("100%".parse::<Share>().unwrap().millionths, 1_000_000);
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_an_example() {
        for text in ["", "2", "s", "2 s", "-2s", "1.5s", "2sec", "99999999999h", "2000h"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
        for text in ["0B/s", "10MB", "x"] {
            assert!(text.parse::<Bandwidth>().is_err(), "{text}");
        }
        for text in ["1", "101%", "-1%", "0.00001%", ".5%", "+1%", "1.%"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
        let Expected(message) = "1.5s".parse::<Period>().unwrap_err();
        assert!(message.contains("1500ms"), "{message}");
    }
}
