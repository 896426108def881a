//! Producers and consumers: their partitions exist, and their records can be sent in time.

use core::time::Duration;

use broker::config::ConfigError;

use crate::format::{Document, Issue, KeyPath, Keys, Producer, Scenario};

use super::{Cast, config_issue};

pub(super) fn check(scenario: &Scenario, cast: &Cast, document: &Document) -> Result<(), Issue> {
    let refused =
        |at: &KeyPath, error: &ConfigError| config_issue(document, &at.key("config"), error);
    for (index, producer) in scenario.producers.iter().enumerate() {
        let at = KeyPath::from("producers").index(index);
        cast.topic(&producer.topic, &at.key("topic"))?;
        if let Some(partition) = producer.partition {
            cast.partition(&producer.topic, partition, &at.key("partition"))?;
        }
        if producer.key == Keys::Cycle(0) {
            return Err(Issue::value(at.key("key").key("cycle"), "expected at least 1 key, not 0"));
        }
        check_times(producer, scenario.duration.0, &at)?;
        producer.config.validate().map_err(|error| refused(&at, &error))?;
    }
    for (index, consumer) in scenario.consumers.iter().enumerate() {
        let at = KeyPath::from("consumers").index(index);
        for (place, partition) in consumer.assign.iter().enumerate() {
            cast.named_partition(partition, &at.key("assign").index(place))?;
        }
        consumer.config.validate().map_err(|error| refused(&at, &error))?;
    }
    Ok(())
}

fn check_times(producer: &Producer, load: Duration, at: &KeyPath) -> Result<(), Issue> {
    let stop = producer.stop.map_or(load, |stop| stop.0);
    if stop <= producer.start.0 {
        let key = if producer.stop.is_some() { "stop" } else { "start" };
        let message = format!("`{}` would stop before it starts", producer.name);
        return Err(Issue::value(at.key(key), message));
    }
    if load < stop {
        let message = "the load is over before: see `duration`";
        return Err(Issue::value(at.key("stop"), message));
    }
    let sends = u32::try_from(producer.records - 1).unwrap_or(u32::MAX);
    let needed = producer.every.0.saturating_mul(sends);
    if producer.stop.is_none() && load < producer.start.0.saturating_add(needed) {
        let message = format!(
            "{} records, one every {}, take longer than the load of {}",
            producer.records,
            producer.every,
            crate::format::Period(load)
        );
        let help = "fewer records, a longer `duration`, or a `stop`";
        return Err(Issue::value(at.key("records"), message).help(help));
    }
    Ok(())
}
