//! What the author expects of a run.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{Period, scenario::Protocol};

/// What is expected of a run. What is not named may be anything, but for the verdict: if it is not
/// named, it must be neither `violation` nor `stuck`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Expect {
    /// The verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictExpectation>,
    /// Numbers by the name of what is counted, in the order of [`COUNTS`].
    #[serde(flatten)]
    pub counts: BTreeMap<String, Count>,
    /// How often clients were answered with an error, by the name of Kafka's code: what
    /// `errors.<CODE>` says.
    #[serde(skip)]
    pub errors: BTreeMap<String, Count>,
    /// The longest time for which no acks=all record could be acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_unavailable: Option<PeriodBounds>,
    /// The verdict under each protocol: what `highwater matrix` compares with.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub per_protocol: BTreeMap<Protocol, VerdictExpectation>,
}

impl Expect {
    /// The verdict under the protocol that the file names: its own line of `per_protocol` if it
    /// has one.
    pub fn verdict_under(&self, protocol: Protocol) -> Option<&VerdictExpectation> {
        self.per_protocol.get(&protocol).or(self.verdict.as_ref())
    }
}

/// What can be counted, each with its meaning.
pub const COUNTS: [(&str, &str); 14] = [
    ("sent", "Records that producers were asked to send, without the warm-up."),
    ("acked", "Records that were acknowledged to their producer."),
    ("failed", "Records that were surely not appended."),
    ("unknown", "Records that may or may not have been appended; with acks=0 all of them."),
    ("acked_lost", "Acknowledged records that cannot be read from the final leader."),
    ("lost", "Records, in whatever state, that cannot be read from the final leader."),
    ("duplicates", "Copies of records beyond the first on the final leader."),
    ("reordered", "Records that stand before one that their producer sent earlier."),
    ("repeated", "Records that a consumer was handed again."),
    ("missed", "Records of the final logs that a consumer read past."),
    ("resets", "Moves of a consumer's position other than by reading on, after the first."),
    ("elections", "Elections of a leader after the first of each partition."),
    ("truncations", "Cuts of a log that took records away."),
    ("isr_changes", "Changes of an ISR in the controller's record."),
];

/// The prefix of the keys that count errors.
pub const ERRORS: &str = "errors.";

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = serde_json::Map::deserialize(deserializer)?;
        let mut expect = Self::default();
        for (key, value) in map {
            let at_key = |error| de::Error::custom(format!("{key}: {error}"));
            if key == "verdict" {
                expect.verdict = Some(serde_json::from_value(value).map_err(at_key)?);
            } else if key == "longest_unavailable" {
                expect.longest_unavailable = Some(serde_json::from_value(value).map_err(at_key)?);
            } else if key == "per_protocol" {
                expect.per_protocol = serde_json::from_value(value).map_err(at_key)?;
            } else if let Some(code) = key.strip_prefix(ERRORS) {
                let count = serde_json::from_value(value).map_err(at_key)?;
                expect.errors.insert(code.to_owned(), count);
            } else if COUNTS.iter().any(|(name, _)| *name == key) {
                let count = serde_json::from_value(value).map_err(at_key)?;
                expect.counts.insert(key, count);
            } else {
                return Err(de::Error::custom(format!("unknown expectation `{key}`")));
            }
        }
        Ok(expect)
    }
}

impl JsonSchema for Expect {
    fn schema_name() -> Cow<'static, str> {
        "Expect".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let verdict = generator.subschema_for::<VerdictExpectation>();
        let bounds = generator.subschema_for::<PeriodBounds>();
        let count = generator.subschema_for::<Count>();
        let one_each = Protocol::ALL.map(|protocol| (protocol.name().to_owned(), &verdict));
        let one_each: BTreeMap<_, _> = one_each.into_iter().collect();
        let mut schema = json_schema!({
            "type": "object",
            "description": "What is expected of a run. What is not named may be anything, but for \
                the verdict: if it is not named, it must be neither `violation` nor `stuck`. \
                `errors.<CODE>` counts how often clients were answered with that error of Kafka.",
            "properties": {
                "verdict": described(&verdict, "The verdict."),
                "longest_unavailable": described(
                    &bounds, "The longest time for which no acks=all record was acknowledged."
                ),
                "per_protocol": {
                    "type": "object",
                    "description": "The verdict under each protocol: what `highwater matrix` \
                        compares with. What it says of the file's own protocol counts for `run`.",
                    "properties": one_each,
                    "additionalProperties": false
                },
            },
            "patternProperties": { "^errors\\.[A-Z_]+$": count },
            "additionalProperties": false
        });
        let properties = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut);
        let properties = properties.expect("the properties were written just above");
        for (name, about) in COUNTS {
            properties.insert(name.to_owned(), described(&count, about));
        }
        schema
    }
}

fn described(schema: &Schema, about: &str) -> serde_json::Value {
    let mut value = schema.clone().to_value();
    value["description"] = about.into();
    value
}

/// A number, or bounds for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Count {
    /// This number.
    Exactly(u64),
    /// A number within bounds.
    Within(Bounds),
}

/// Bounds for a number, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// At least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

impl Count {
    /// The least that is meant.
    pub fn min(self) -> u64 {
        match self {
            Self::Exactly(number) => number,
            Self::Within(bounds) => bounds.min.unwrap_or(0),
        }
    }

    /// The most that is meant.
    pub fn max(self) -> u64 {
        match self {
            Self::Exactly(number) => number,
            Self::Within(bounds) => bounds.max.unwrap_or(u64::MAX),
        }
    }

    /// Whether a number is as expected.
    pub fn is_met_by(self, actual: u64) -> bool {
        self.min() <= actual && actual <= self.max()
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exactly(number) => number.fmt(f),
            Self::Within(Bounds { min, max }) => match (min, max) {
                (Some(min), Some(max)) => write!(f, "{min} to {max}"),
                (Some(min), None) => write!(f, "at least {min}"),
                (None, Some(max)) => write!(f, "at most {max}"),
                (None, None) => f.write_str("any number"),
            },
        }
    }
}

/// Bounds for a duration, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodBounds {
    /// At least this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Period>,
    /// At most this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Period>,
}

impl PeriodBounds {
    /// Whether a duration is as expected.
    pub fn is_met_by(self, actual: core::time::Duration) -> bool {
        self.min.is_none_or(|min| min.0 <= actual) && self.max.is_none_or(|max| actual <= max.0)
    }
}

impl fmt::Display for PeriodBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "{min} to {max}"),
            (Some(min), None) => write!(f, "at least {min}"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (None, None) => f.write_str("any time"),
        }
    }
}

/// What a run comes to, the worst first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A promise was broken.
    Violation,
    /// After everything healed the cluster did not recover, and nothing excuses it.
    Stuck,
    /// The same, and a fault declared permanent excuses it.
    Unavailable,
    /// Records were lost, within the contract.
    AllowedLoss,
    /// Records stand twice, within the contract.
    AllowedDuplicates,
    /// Records stand out of order, within the contract.
    AllowedReorder,
    /// Nothing was lost, repeated or reordered.
    Ok,
}

impl Verdict {
    /// All of them, the worst first.
    pub const ALL: [Self; 7] = [
        Self::Violation,
        Self::Stuck,
        Self::Unavailable,
        Self::AllowedLoss,
        Self::AllowedDuplicates,
        Self::AllowedReorder,
        Self::Ok,
    ];
}

/// The verdict that reports have under the same name.
pub fn verdict_of(reported: reports::Verdict) -> Verdict {
    match reported {
        reports::Verdict::Violation => Verdict::Violation,
        reports::Verdict::Stuck => Verdict::Stuck,
        reports::Verdict::Unavailable => Verdict::Unavailable,
        reports::Verdict::AllowedLoss => Verdict::AllowedLoss,
        reports::Verdict::AllowedDuplicates => Verdict::AllowedDuplicates,
        reports::Verdict::AllowedReorder => Verdict::AllowedReorder,
        reports::Verdict::Ok => Verdict::Ok,
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Violation => "violation",
            Self::Stuck => "stuck",
            Self::Unavailable => "unavailable",
            Self::AllowedLoss => "allowed-loss",
            Self::AllowedDuplicates => "allowed-duplicates",
            Self::AllowedReorder => "allowed-reorder",
            Self::Ok => "ok",
        })
    }
}

/// Which verdicts are expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum VerdictExpectation {
    /// This one.
    One(Verdict),
    /// One of these.
    Any(Vec<Verdict>),
    /// Any but these.
    Except(Except),
}

/// Any verdict but these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Except {
    /// The verdicts that are not expected.
    pub not: Verdicts,
}

/// One verdict or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Verdicts {
    /// One.
    One(Verdict),
    /// Several.
    Many(Vec<Verdict>),
}

impl VerdictExpectation {
    /// What a file expects that says nothing of the verdict.
    pub fn unsaid() -> Self {
        Self::Except(Except { not: Verdicts::Many(vec![Verdict::Violation, Verdict::Stuck]) })
    }

    /// Whether a verdict is as expected.
    pub fn is_met_by(&self, actual: Verdict) -> bool {
        match self {
            Self::One(verdict) => *verdict == actual,
            Self::Any(verdicts) => verdicts.contains(&actual),
            Self::Except(Except { not }) => !not.all().contains(&actual),
        }
    }
}

impl Verdicts {
    fn all(&self) -> &[Verdict] {
        match self {
            Self::One(verdict) => core::slice::from_ref(verdict),
            Self::Many(verdicts) => verdicts,
        }
    }
}

impl fmt::Display for VerdictExpectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |verdicts: &[Verdict], word: &str| {
            let names: Vec<_> = verdicts.iter().map(ToString::to_string).collect();
            names.join(word)
        };
        match self {
            Self::One(verdict) => verdict.fmt(f),
            Self::Any(verdicts) => f.write_str(&list(verdicts, " or ")),
            Self::Except(Except { not }) => write!(f, "not {}", list(not.all(), " nor ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn verdicts_are_expected_alone_in_lists_and_by_exclusion() {
        let read = |value| serde_json::from_value::<VerdictExpectation>(value).unwrap();
        let met = |expected: &VerdictExpectation| Verdict::ALL.map(|v| expected.is_met_by(v));
        assert!(met(&read(json!("ok")))[6]);
        assert_eq!(met(&read(json!("ok")))[..6], [false; 6]);
        assert_eq!(met(&read(json!(["ok", "stuck"])))[..2], [false, true]);
        assert_eq!(read(json!({ "not": ["violation", "stuck"] })), VerdictExpectation::unsaid());
        assert_eq!(met(&VerdictExpectation::unsaid())[..3], [false, false, true]);
        assert!(!met(&read(json!({ "not": "ok" })))[6]);
    }

    #[test]
    fn counts_are_met_at_their_bounds() {
        let count = |value| serde_json::from_value::<Count>(value).unwrap();
        assert!(count(json!(3)).is_met_by(3) && !count(json!(3)).is_met_by(2));
        let within = count(json!({ "min": 1, "max": 2 }));
        assert_eq!([0, 1, 2, 3].map(|n| within.is_met_by(n)), [false, true, true, false]);
    }

    #[test]
    fn errors_are_counted_under_their_names() {
        let text =
            json!({ "verdict": "ok", "acked": 5, "errors.NOT_ENOUGH_REPLICAS": { "min": 1 } });
        let expect: Expect = serde_json::from_value(text).unwrap();
        assert_eq!(expect.counts["acked"], Count::Exactly(5));
        assert_eq!(expect.errors["NOT_ENOUGH_REPLICAS"].min(), 1);
        assert!(serde_json::from_value::<Expect>(json!({ "akced": 5 })).is_err());
    }

    #[test]
    fn a_protocol_has_a_verdict_of_its_own() {
        let text = json!({ "verdict": "ok", "per_protocol": { "hw": "violation" } });
        let expect: Expect = serde_json::from_value(text.clone()).unwrap();
        let under = |protocol| expect.verdict_under(protocol).cloned().unwrap();
        assert_eq!(under(Protocol::Hw), VerdictExpectation::One(Verdict::Violation));
        assert_eq!(under(Protocol::Kip320), VerdictExpectation::One(Verdict::Ok));
        assert_eq!(serde_json::to_value(&expect).unwrap(), text);
    }
}
