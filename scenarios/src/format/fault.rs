//! When a fault begins and ends. What it does is an [`Action`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Action, Period};

/// Something that goes wrong at a moment. One that never begins, or finds nobody, fails the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Begins at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Period>,
    /// Begins when this has happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// With `when`: before or after the outputs of that step leave the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<Point>,
    /// What happens.
    #[serde(rename = "do")]
    pub action: Action,
    /// Is undone after so long.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Period>,
    /// Is undone at this time, or when this has happened after it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// Is never undone, not even when everything heals: these brokers are gone for good. What then
    /// cannot come back is `unavailable`, not `stuck`.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub permanent: bool,
}

/// An event to wait for; `highwater list --events` prints them with their fields. Any field of the
/// event can be named: it must then have this value (`{"min": …, "max": …}` for a number).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct When {
    /// The kind of event, such as `elected`.
    pub event: String,
    /// Wait for the n-th match.
    #[serde(default = "once")]
    #[schemars(range(min = 1))]
    pub count: u64,
    /// The node that tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Fields of the event, with the values that they must have.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Value>,
}

fn once() -> u64 {
    1
}

/// Where in the step that tells the event a fault begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Before the outputs of the step leave the node: what it did is done, nobody knows it.
    #[default]
    BeforeOutputs,
    /// After the outputs of the step have left the node.
    AfterOutputs,
}

/// When a fault is undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Until {
    /// At a time.
    At(UntilTime),
    /// When something has happened.
    When(When),
}

/// A time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UntilTime {
    /// The time.
    pub at: Period,
}
