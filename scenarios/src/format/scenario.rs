//! A scenario: a cluster, its clients, what goes wrong, and what is expected of it.
//!
//! These types are the format. Their documentation is what `highwater schema` prints and what error
//! messages quote.

use std::collections::BTreeMap;

pub use broker::replica::rules::{Protocol, RuleOverrides};

use broker::{
    config::{ServerConfig, TopicOverrides},
    replica::Rules,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bandwidth, Chaos, Consumer, Expect, Fault, Period, PeriodRange, Producer, Share};

/// A scenario file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The schema, for editors: `scenario.schema.json`.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The name: the file's, without `.json`.
    #[schemars(extend("format" = "name"))]
    pub name: String,
    /// What is shown, in a sentence or two that a newcomer understands.
    pub about: String,
    /// Where this is known from: a KIP, a KAFKA issue, a page of the documentation.
    #[serde(default)]
    pub sources: Vec<String>,
    /// The seeds that are run when none is asked for.
    #[serde(default = "first_seed")]
    #[schemars(length(min = 1))]
    pub seeds: Vec<u64>,
    /// The brokers and the controllers.
    #[serde(default)]
    pub cluster: Cluster,
    /// How messages travel when no fault bends it.
    #[serde(default)]
    pub network: Network,
    /// The topics, created before anything else.
    #[schemars(length(min = 1))]
    pub topics: Vec<Topic>,
    /// The producers. Each first gets one warm-up record per partition acknowledged.
    #[serde(default)]
    pub producers: Vec<Producer>,
    /// The consumers.
    #[serde(default)]
    pub consumers: Vec<Consumer>,
    /// What goes wrong, as written.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What goes wrong, drawn from the seed.
    #[serde(default)]
    pub chaos: Option<Chaos>,
    /// How long load and faults last. Then faults stop, everything heals, and the cluster has to
    /// recover. Times count from the start of the load, when topics exist and producers are warm.
    #[serde(default = "half_a_minute")]
    pub duration: Period,
    /// What the author expects. Without it a run passes if there is no violation and nothing is
    /// stuck.
    #[serde(default)]
    pub expect: Option<Expect>,
    /// The same with some values changed, by name.
    #[serde(default)]
    pub variants: BTreeMap<String, Variant>,
    /// Known bugs of Kafka to switch on, such as `KAFKA-7128`.
    #[serde(default)]
    pub bugs: Vec<String>,
}

fn first_seed() -> Vec<u64> {
    vec![1]
}

fn half_a_minute() -> Period {
    Period(core::time::Duration::from_secs(30))
}

/// The brokers and the controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// How many brokers: `broker-1`, `broker-2`, …
    #[schemars(range(min = 1, max = 100))]
    pub brokers: u32,
    /// How many controllers: `controller-1001`, `controller-1002`, … A quorum has 1, 3 or 5.
    #[schemars(range(min = 1, max = 5))]
    pub controllers: u32,
    /// How replicas agree on what to keep.
    pub protocol: Protocol,
    /// Single rules of the protocol that are set otherwise: how a bug of Kafka, or the lack of one
    /// rule, is tried out.
    pub rules: RuleOverrides,
    /// Configuration of brokers and controller, under Kafka's keys.
    pub config: ServerConfig,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            brokers: 3,
            controllers: 1,
            protocol: Protocol::Kip595,
            rules: RuleOverrides::default(),
            config: ServerConfig::default(),
        }
    }
}

impl Cluster {
    /// The rules that hold: the protocol's, with those that are set otherwise.
    pub fn replication_rules(&self) -> Rules {
        self.protocol.rules().overridden(&self.rules)
    }
}

/// How messages travel when no fault bends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// How long a message takes one way; each message draws its own from a pair.
    pub latency: PeriodRange,
    /// How much a link carries one way; without limit if left out.
    pub bandwidth: Option<Bandwidth>,
    /// How many packets are lost. They are sent again: loss is delay, never a hole.
    pub loss: Option<Share>,
}

impl Default for Network {
    fn default() -> Self {
        let millis = |ms| Period(core::time::Duration::from_millis(ms));
        Self { latency: PeriodRange::Drawn([millis(1), millis(5)]), bandwidth: None, loss: None }
    }
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// The topic's name.
    #[schemars(extend("format" = "topic"))]
    pub name: String,
    /// How many partitions; if left out, the cluster's `num.partitions`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub partitions: Option<u32>,
    /// How many replicas; if left out, the cluster's `default.replication.factor`.
    #[serde(rename = "replication.factor", default)]
    #[schemars(range(min = 1, max = 100))]
    pub replication_factor: Option<u32>,
    /// Who holds which partition, the preferred leader first, one list of brokers for each
    /// partition. If left out, the controller chooses.
    #[serde(default)]
    pub assignment: Option<Vec<Vec<String>>>,
    /// Configuration of the topic, under Kafka's keys.
    #[serde(default)]
    pub config: TopicOverrides,
}

impl Topic {
    /// How many partitions it has under this configuration of the cluster.
    pub fn partition_count(&self, config: &ServerConfig) -> u32 {
        let assigned = || self.assignment.as_ref().and_then(|all| u32::try_from(all.len()).ok());
        self.partitions.or_else(assigned).unwrap_or(config.num_partitions)
    }

    /// How many replicas one of its partitions has under this configuration of the cluster.
    pub fn replica_count(&self, config: &ServerConfig, partition: u32) -> u32 {
        let assigned = self.assignment.as_ref().and_then(|all| all.get(partition as usize));
        let assigned = assigned.and_then(|brokers| u32::try_from(brokers.len()).ok());
        self.replication_factor.or(assigned).unwrap_or(config.default_replication_factor)
    }
}

/// The same scenario with some values changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// What differs, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// New values by path, such as `producers[0].config.acks`.
    #[serde(default)]
    pub set: BTreeMap<String, serde_json::Value>,
    /// What is expected of this variant, in place of the file's.
    #[serde(default)]
    pub expect: Option<Expect>,
    /// Seeds of this variant, in place of the file's.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub seeds: Option<Vec<u64>>,
}
