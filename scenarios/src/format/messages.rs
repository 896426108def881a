//! Which messages a fault meets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Targets;

/// Messages: requests or responses of one of Kafka's APIs. Everything that is named must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// The API by Kafka's name, such as `Produce` or `Fetch`.
    #[schemars(extend("format" = "api"))]
    pub api: String,
    /// Responses if true, requests if false.
    #[serde(default)]
    pub response: bool,
    /// Only messages about this topic; `__cluster_metadata` is the controller's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Only messages about this partition of the topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// Only messages that these nodes send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Targets>,
    /// Only messages to these nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Targets>,
    /// Begin with the n-th match.
    #[serde(default = "first")]
    #[schemars(range(min = 1))]
    pub nth: u64,
    /// How many of them; if left out, one for `drop-with-reset`, and all for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub count: Option<u64>,
}

fn first() -> u64 {
    1
}
