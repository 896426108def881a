//! Brokers, controller, protocol, configuration and topics.

use std::collections::BTreeSet;

use crate::format::{Document, Issue, KeyPath, Scenario, Topic};

use super::{check_range, config_issue};

/// How many controllers make a quorum.
const QUORUMS: [u32; 3] = [1, 3, 5];

pub(super) fn check(scenario: &Scenario, document: &Document) -> Result<(), Issue> {
    let at = KeyPath::from("cluster");
    if !QUORUMS.contains(&scenario.cluster.controllers) {
        let message = "expected 1, 3 or 5: a quorum of an even number bears no more failures";
        return Err(Issue::value(at.key("controllers"), message));
    }
    scenario
        .cluster
        .config
        .validate()
        .map_err(|error| config_issue(document, &at.key("config"), &error))?;
    if !scenario.bugs.is_empty() {
        let message = "known bugs cannot be switched on yet: expected an empty list";
        return Err(Issue::value(KeyPath::from("bugs").index(0), message));
    }
    if scenario.duration.0.is_zero() {
        return Err(Issue::value(KeyPath::from("duration"), "expected more than nothing"));
    }
    check_range(scenario.network.latency, &KeyPath::from("network").key("latency"))?;
    check_topics(scenario)
}

fn check_topics(scenario: &Scenario) -> Result<(), Issue> {
    let mut names = BTreeSet::new();
    for (index, topic) in scenario.topics.iter().enumerate() {
        let at = KeyPath::from("topics").index(index);
        if !names.insert(&topic.name) {
            let message = format!("there is another topic called `{}`", topic.name);
            return Err(Issue::value(at.key("name"), message));
        }
        check_replication(scenario, topic, &at)?;
        check_assignment(scenario, topic, &at.key("assignment"))?;
    }
    Ok(())
}

fn check_replication(scenario: &Scenario, topic: &Topic, at: &KeyPath) -> Result<(), Issue> {
    let brokers = scenario.cluster.brokers;
    let default = scenario.cluster.config.default_replication_factor;
    let factor = topic.replication_factor.unwrap_or(default);
    if factor <= brokers || topic.assignment.is_some() {
        return Ok(());
    }
    let message = format!("{factor} replicas need as many brokers, and there are {brokers}");
    Err(Issue::value(at.key("replication.factor"), message))
}

fn check_assignment(scenario: &Scenario, topic: &Topic, at: &KeyPath) -> Result<(), Issue> {
    let Some(assignment) = &topic.assignment else { return Ok(()) };
    let partitions = topic.partition_count(&scenario.cluster.config) as usize;
    if assignment.len() != partitions || assignment.is_empty() {
        let (expected, actual) = (partitions.max(1), assignment.len());
        let message = format!("expected a list of brokers for each of {expected}, not {actual}");
        return Err(Issue::value(at.clone(), message));
    }
    let factor = topic.replication_factor.map_or(assignment[0].len(), |factor| factor as usize);
    for (index, replicas) in assignment.iter().enumerate() {
        let at = at.index(index);
        if replicas.len() != factor || replicas.is_empty() {
            let (factor, actual) = (factor.max(1), replicas.len());
            let message = format!("expected {factor} brokers, not {actual}");
            return Err(Issue::value(at, message));
        }
        check_replicas(replicas, scenario.cluster.brokers, &at)?;
    }
    Ok(())
}

fn check_replicas(replicas: &[String], brokers: u32, at: &KeyPath) -> Result<(), Issue> {
    let known: Vec<_> = (1..=brokers).map(|id| format!("broker-{id}")).collect();
    for (place, broker) in replicas.iter().enumerate() {
        let at = at.index(place);
        if !known.contains(broker) {
            let issue = Issue::value(at, format!("no broker is called `{broker}`"));
            return Err(issue.nearest(broker, known.iter().map(String::as_str)));
        }
        if replicas[..place].contains(broker) {
            return Err(Issue::value(at, format!("`{broker}` stands here twice")));
        }
    }
    Ok(())
}
