//! Scripted faults: when they begin and end, whom they meet.

use crate::format::{
    Action, Clock, Ending, Fault, Groups, Healed, Issue, KeyPath, Scenario, Until,
};

use super::{Cast, check_range, messages, operations, triggers};

pub(super) fn check(scenario: &Scenario, cast: &Cast) -> Result<(), Issue> {
    for (index, fault) in scenario.faults.iter().enumerate() {
        let at = KeyPath::from("faults").index(index);
        check_beginning(scenario, cast, fault, &at)?;
        check_ending(scenario, cast, fault, &at)?;
        check_action(cast, &fault.action, &at.key("do"))?;
        check_permanent(cast, fault, &at)?;
    }
    Ok(())
}

fn check_beginning(
    scenario: &Scenario,
    cast: &Cast,
    fault: &Fault,
    at: &KeyPath,
) -> Result<(), Issue> {
    match (&fault.at, &fault.when) {
        (Some(_), Some(_)) => Err(Issue::key(
            at.key("when"),
            "a fault begins `at` a time or `when` an event, not both",
        )),
        (None, None) => {
            let issue = Issue::value(at.clone(), "this fault never begins");
            Err(issue.help("expected `at` with a time, or `when` with an event"))
        }
        (Some(_), None) if fault.point.is_some() => {
            Err(Issue::key(at.key("point"), "`point` means nothing without `when`"))
        }
        (Some(time), None) if scenario.duration <= *time => {
            let message = format!("the load is over at {}", scenario.duration);
            Err(Issue::value(at.key("at"), message))
        }
        (Some(_), None) => Ok(()),
        (None, Some(when)) => triggers::check(cast, when, &at.key("when")),
    }
}

fn check_ending(
    scenario: &Scenario,
    cast: &Cast,
    fault: &Fault,
    at: &KeyPath,
) -> Result<(), Issue> {
    if let Action::DiskStall(_) = fault.action
        && !matches!((&fault.lasts, &fault.until), (Some(_), _) | (_, Some(Until::At(_))))
    {
        let message = "a disk stalls for a time: expected `for`, or `until` with `at`";
        return Err(Issue::value(at.clone(), message));
    }
    let key = match (&fault.lasts, &fault.until) {
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => {
            return Err(Issue::key(
                at.key("until"),
                "a fault ends with `for` or `until`, not both",
            ));
        }
        (Some(_), None) => "for",
        (None, Some(_)) => "until",
    };
    if fault.action.ending() == Ending::Momentary {
        let message =
            format!("`{}` is over at once: there is nothing to undo", fault.action.name());
        return Err(Issue::key(at.key(key), message));
    }
    match &fault.until {
        None => Ok(()),
        Some(Until::When(when)) => triggers::check(cast, when, &at.key("until")),
        Some(Until::At(end)) => {
            let end_at = at.key("until").key("at");
            if fault.at.is_some_and(|begin| end.at <= begin) {
                return Err(Issue::value(end_at, "this is not after the fault begins"));
            }
            if scenario.duration < end.at {
                let message = format!("the load is over at {}", scenario.duration);
                return Err(Issue::value(end_at, message));
            }
            Ok(())
        }
    }
}

/// Only a broker can be gone for good: without a controller or a client nothing can be judged.
fn check_permanent(cast: &Cast, fault: &Fault, at: &KeyPath) -> Result<(), Issue> {
    if !fault.permanent {
        return Ok(());
    }
    let key = at.key("permanent");
    if fault.lasts.is_some() || fault.until.is_some() {
        return Err(Issue::key(key, "what is `permanent` has no `for` and no `until`"));
    }
    let targets = match &fault.action {
        Action::Crash(fault) => &fault.targets,
        Action::PowerOff(fault) => &fault.targets,
        Action::Shutdown(fault) => &fault.targets,
        other => {
            let message = format!("`{}` cannot be permanent", other.name());
            return Err(Issue::key(key, message).help("`crash`, `power-off`, `shutdown` can"));
        }
    };
    match targets.all().iter().find(|target| !cast.is_broker(target)) {
        Some(target) => Err(Issue::key(key, format!("{target} is no broker"))),
        None => Ok(()),
    }
}

fn check_action(cast: &Cast, action: &Action, at: &KeyPath) -> Result<(), Issue> {
    let name = at.key(action.name());
    match action {
        Action::Cut(cut) => check_groups(cast, &cut.groups, way(cut.one_way), &name),
        Action::Throttle(fault) => check_groups(cast, &fault.groups, way(fault.one_way), &name),
        Action::Loss(fault) => check_groups(cast, &fault.groups, way(fault.one_way), &name),
        Action::Reset(reset) => check_groups(cast, &reset.groups, Way::Both, &name),
        Action::SlowLink(fault) => {
            check_groups(cast, &fault.groups, way(fault.one_way), &name)?;
            check_range(fault.latency, &at.key("latency"))
        }
        Action::Heal(heal) => match &heal.groups {
            Healed::All(_) => Ok(()),
            Healed::Groups(groups) => check_groups(cast, groups, Way::Both, &name),
        },
        Action::Isolate(fault) => cast.targets(&fault.targets, &name),
        Action::Crash(fault) => cast.targets(&fault.targets, &name),
        Action::Start(fault) => cast.targets(&fault.targets, &name),
        Action::Pause(fault) => cast.targets(&fault.targets, &name),
        Action::Shutdown(fault) => cast.targets(&fault.targets, &name),
        Action::PowerOff(fault) => cast.targets(&fault.targets, &name),
        Action::Hold(fault) => messages::check(cast, &fault.messages, &name),
        Action::DropWithReset(fault) => messages::check(cast, &fault.messages, &name),
        Action::Delay(fault) => {
            messages::check(cast, &fault.messages, &name)?;
            check_range(fault.by, &at.key("by"))
        }
        Action::DiskError(fault) => cast.servers(&fault.targets, &name),
        Action::DiskFull(fault) => cast.servers(&fault.targets, &name),
        Action::DiskStall(fault) => cast.servers(&fault.targets, &name),
        Action::DiskBitFlip(fault) => cast.servers(&fault.targets, &name),
        Action::DiskWipe(fault) => cast.servers(&fault.targets, &name),
        Action::CrashAtOperation(fault) => cast.servers(&fault.targets, &name),
        Action::DiskSlow(fault) => cast.servers(&fault.targets, &name),
        Action::Clock(clock) => check_clock(cast, clock, at, &name),
        Action::Elect(elect) => {
            cast.named_partition(&elect.wanted.partition, &name.key("partition"))?;
            cast.broker(&elect.wanted.leader, &name.key("leader"))
        }
        Action::ElectPreferred(_)
        | Action::Reassign(_)
        | Action::SetConfig(_)
        | Action::AddPartitions(_) => operations::check(cast, action, &name),
    }
}

fn check_clock(cast: &Cast, clock: &Clock, at: &KeyPath, name: &KeyPath) -> Result<(), Issue> {
    cast.targets(&clock.targets, name)?;
    if clock.jump.is_some() || clock.drift_ppm.is_some() {
        return Ok(());
    }
    Err(Issue::value(at.clone(), "this changes no clock").help("expected `jump` or `drift_ppm`"))
}

fn check_groups(cast: &Cast, groups: &Groups, way: Way, at: &KeyPath) -> Result<(), Issue> {
    if groups.len() < 2 || way == Way::One && groups.len() != 2 {
        let wanted = if way == Way::One { "two groups, from and to" } else { "two groups or more" };
        let message = format!("expected {wanted}, not {}", groups.len());
        return Err(
            Issue::value(at.clone(), message).help(r#"such as [["broker-1"], ["broker-2"]]"#)
        );
    }
    let mut seen = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let at = at.index(index);
        cast.targets(group, &at)?;
        for target in group.all() {
            if seen.contains(&target) {
                return Err(Issue::value(at, format!("`{target}` stands in two groups")));
            }
        }
        seen.extend(group.all());
    }
    Ok(())
}

/// In which directions links are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    One,
    Both,
}

fn way(one_way: bool) -> Way {
    if one_way { Way::One } else { Way::Both }
}
