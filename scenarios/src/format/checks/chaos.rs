//! Random faults: that there is something to draw, and time for it.

use core::time::Duration;

use crate::format::{Issue, KeyPath, Scenario, TargetClass};

use super::check_range;

pub(super) fn check(scenario: &Scenario) -> Result<(), Issue> {
    let Some(chaos) = &scenario.chaos else { return Ok(()) };
    let at = KeyPath::from("chaos");
    check_range(chaos.every, &at.key("every"))?;
    check_range(chaos.lasts, &at.key("for"))?;
    if chaos.every.ends().1 < Duration::from_millis(10) {
        return Err(Issue::value(at.key("every"), "expected at least 10ms"));
    }
    if chaos.kinds.all().iter().all(|(_, weight)| *weight == 0) {
        return Err(Issue::value(at.key("kinds"), "expected at least one kind with a weight"));
    }
    let stop = chaos.stop.unwrap_or(scenario.duration);
    if scenario.duration < stop {
        let message = format!("the load is over at {}", scenario.duration);
        return Err(Issue::value(at.key("stop"), message));
    }
    let room = stop.0.saturating_sub(chaos.start.0);
    if room < chaos.lasts.ends().0 {
        let message = "the shortest of these faults is longer than the time for them";
        return Err(Issue::value(at.key("for"), message));
    }
    let others = chaos.kinds.all().iter().map(|(_, weight)| u64::from(*weight)).sum::<u64>();
    let metadata = u64::from(chaos.kinds.late_metadata);
    if metadata == others && !chaos.targets.contains(&TargetClass::Brokers) {
        let message = "`late-metadata` meets brokers: expected them among the targets";
        return Err(Issue::value(at.key("targets"), message));
    }
    Ok(())
}
