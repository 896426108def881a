//! Who there is: nodes by name, partitions by name.

use std::collections::BTreeMap;

use broker::ids::TopicPartition;

use crate::format::{Issue, KeyPath, Scenario, Target, Targets};

/// The nodes and partitions of a scenario.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    nodes: BTreeMap<String, Kind>,
    partitions: BTreeMap<String, u32>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Broker,
    Controller,
    Client,
}

impl Cast {
    /// Everybody in a scenario; an issue if two have one name.
    pub(super) fn of(scenario: &Scenario) -> Result<Self, Issue> {
        let mut nodes = BTreeMap::new();
        for id in 1..=scenario.cluster.brokers {
            nodes.insert(format!("broker-{id}"), Kind::Broker);
        }
        for id in 1..=scenario.cluster.controllers {
            nodes.insert(format!("controller-{}", 1000 + id), Kind::Controller);
        }
        let clients = |list: &str, names: Vec<&str>| -> Vec<(KeyPath, String)> {
            let at = |index| KeyPath::from(list).index(index).key("name");
            names.iter().enumerate().map(|(i, name)| (at(i), (*name).to_owned())).collect()
        };
        let producers = scenario.producers.iter().map(|p| p.name.as_str()).collect();
        let consumers = scenario.consumers.iter().map(|c| c.name.as_str()).collect();
        let named = [clients("producers", producers), clients("consumers", consumers)];
        for (at, name) in named.into_iter().flatten() {
            if name == "controller" || nodes.contains_key(&name) {
                return Err(Issue::value(at, format!("there is another node called `{name}`")));
            }
            nodes.insert(name, Kind::Client);
        }
        let config = &scenario.cluster.config;
        let count = |topic: &super::super::Topic| topic.partition_count(config);
        let partitions = scenario.topics.iter().map(|t| (t.name.clone(), count(t))).collect();
        Ok(Self { nodes, partitions })
    }

    /// What the node of this name is.
    pub(super) fn node(&self, name: &str, at: &KeyPath) -> Result<Kind, Issue> {
        self.nodes.get(name).copied().ok_or_else(|| {
            let issue = Issue::value(at.clone(), format!("no node is called `{name}`"));
            issue.nearest(name, self.nodes.keys().map(String::as_str).chain(["controller"]))
        })
    }

    /// Whether the topic exists.
    pub(super) fn topic(&self, name: &str, at: &KeyPath) -> Result<u32, Issue> {
        self.partitions.get(name).copied().ok_or_else(|| {
            let issue = Issue::value(at.clone(), format!("no topic is called `{name}`"));
            issue.nearest(name, self.partitions.keys().map(String::as_str))
        })
    }

    /// Whether the partition of a topic exists.
    pub(super) fn partition(&self, topic: &str, number: u32, at: &KeyPath) -> Result<(), Issue> {
        let count = self.partitions.get(topic).copied().unwrap_or(0);
        if number < count {
            return Ok(());
        }
        let plural = if count == 1 { "" } else { "s" };
        let message = format!("`{topic}` has {count} partition{plural}, so no partition {number}");
        Err(Issue::value(at.clone(), message))
    }

    /// Whether a partition written `orders-0` exists.
    pub(super) fn named_partition(&self, name: &str, at: &KeyPath) -> Result<(), Issue> {
        let exists = |partition: &TopicPartition| {
            let count = self.partitions.get(partition.topic.as_str());
            let number = u32::try_from(partition.partition).ok();
            count.zip(number).is_some_and(|(count, number)| number < *count)
        };
        if TopicPartition::parse(name).as_ref().is_some_and(exists) {
            return Ok(());
        }
        let issue = Issue::value(at.clone(), format!("no partition is called `{name}`"));
        let known: Vec<_> = self
            .partitions
            .iter()
            .flat_map(|(topic, count)| (0..(*count).min(20)).map(move |n| format!("{topic}-{n}")))
            .collect();
        Err(issue.nearest(name, known.iter().map(String::as_str)))
    }

    /// Whether a target can exist.
    pub(super) fn target(&self, target: &Target, at: &KeyPath) -> Result<(), Issue> {
        match target {
            Target::Controller => Ok(()),
            Target::Node(name) => self.node(name, at).map(drop),
            Target::Leader(partition) | Target::Follower(partition) | Target::InSync(partition) => {
                self.named_partition(&partition.to_string(), at)
            }
        }
    }

    /// Whether a target can be a broker.
    pub(super) fn broker(&self, target: &Target, at: &KeyPath) -> Result<(), Issue> {
        self.target(target, at)?;
        let is_broker = match target {
            Target::Node(name) => self.nodes.get(name) == Some(&Kind::Broker),
            Target::Controller => false,
            Target::Leader(_) | Target::Follower(_) | Target::InSync(_) => true,
        };
        if is_broker {
            return Ok(());
        }
        let issue = Issue::value(at.clone(), format!("`{target}` is no broker"));
        let brokers = self.nodes.iter().filter(|(_, kind)| **kind == Kind::Broker);
        Err(issue.nearest(&target.to_string(), brokers.map(|(name, _)| name.as_str())))
    }

    /// Whether all targets can exist, and there is one at least.
    pub(super) fn targets(&self, targets: &Targets, at: &KeyPath) -> Result<(), Issue> {
        match targets {
            Targets::One(target) => self.target(target, at),
            Targets::Many(all) if all.is_empty() => {
                Err(Issue::value(at.clone(), "expected at least one node or role"))
            }
            Targets::Many(all) => all
                .iter()
                .enumerate()
                .try_for_each(|(index, target)| self.target(target, &at.index(index))),
        }
    }

    /// Whether this is a broker, whoever it is.
    pub(super) fn is_broker(&self, target: &Target) -> bool {
        match target {
            Target::Controller => false,
            Target::Node(name) => self.nodes.get(name) == Some(&Kind::Broker),
            Target::Leader(_) | Target::Follower(_) | Target::InSync(_) => true,
        }
    }

    /// Whether a fault that needs a disk or a power switch can meet these.
    pub(super) fn servers(&self, targets: &Targets, at: &KeyPath) -> Result<(), Issue> {
        self.targets(targets, at)?;
        for target in targets.all() {
            if let Target::Node(name) = target
                && self.nodes.get(name) == Some(&Kind::Client)
            {
                let message = format!("`{name}` is a client: expected brokers or the controller");
                return Err(Issue::value(at.clone(), message));
            }
        }
        Ok(())
    }
}
