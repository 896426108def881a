//! What no schema can say: that names exist, that values go together, that expectations can be met.

mod cast;
mod chaos;
mod cluster;
mod expect;
mod faults;
mod messages;
mod triggers;
mod workload;

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
    workload::check(scenario, &cast)?;
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

/// Where two configuration keys do not go together: the first of them that the file sets.
fn config_issue(document: &Document, config: &KeyPath, key: &str, message: &str) -> Issue {
    let set = document.get(config).and_then(Value::as_object);
    let named = set.into_iter().flat_map(|set| set.keys());
    let other = named.filter(|other| message.contains(other.as_str())).next();
    let set = |key: &str| document.get(&config.key(key)).is_some();
    let place = if set(key) { Some(key) } else { other.map(String::as_str) };
    let path = place.map_or_else(|| config.clone(), |key| config.key(key));
    Issue::value(path, message)
}

#[cfg(test)]
mod tests;
