//! What no schema can say: that names exist, that values go together, that expectations can be met.

mod cast;
mod chaos;
mod cluster;
mod expect;
mod faults;
mod messages;
mod operations;
mod triggers;
mod workload;

use broker::config::ConfigError;
use serde_json::Value;

use super::{Document, Issue, KeyPath, PeriodRange, Scenario};

use cast::Cast;

/// Checks a scenario whose types are right.
///
/// # Errors
/// The first thing wrong.
pub(super) fn check(scenario: &Scenario, document: &Document) -> Result<(), Issue> {
    cluster::check(scenario, document)?;
    let cast = Cast::of(scenario)?;
    workload::check(scenario, &cast, document)?;
    faults::check(scenario, &cast)?;
    chaos::check(scenario)?;
    expect::check(scenario)
}

/// A pair that is drawn from must not be empty.
fn check_range(range: PeriodRange, at: &KeyPath) -> Result<(), Issue> {
    let (low, high) = range.ends();
    if low <= high {
        return Ok(());
    }
    Err(Issue::value(at.clone(), "expected the shorter duration first"))
}

/// Where configuration keys do not go together: the one to look at first, or else the first in the
/// file of those that the message names.
fn config_issue(document: &Document, config: &KeyPath, error: &ConfigError) -> Issue {
    let is_set = |key: &&str| document.get(&config.key(key)).is_some();
    let set = document.get(config).and_then(Value::as_object);
    let mut named = set.into_iter().flat_map(|set| set.keys()).map(String::as_str);
    let place = Some(error.key).filter(is_set);
    let place = place.or_else(|| named.find(|key| error.message.contains(key)));
    let path = place.map_or_else(|| config.clone(), |key| config.key(key));
    let said_twice = format!("{}: ", error.key);
    Issue::value(path, error.message.strip_prefix(&said_twice).unwrap_or(&error.message))
}

#[cfg(test)]
mod tests;
