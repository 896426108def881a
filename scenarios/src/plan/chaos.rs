//! Random faults, drawn one after the other.
//!
//! Each fault has a stream of draws of its own, by its number, and takes the same draws whatever
//! comes of them. A fault that would be one too many at its time, or would take away the last
//! broker that is alive, is left out and moves no later one. What operators do is drawn among them.

use core::time::Duration;

use sim::{Draws, Stream};

use crate::format::{
    Action, Chaos, ChaosKind, Crash, Cut, Ending, Hold, Messages, Pause, Period, PeriodRange,
    PowerOff, Scenario, SlowLink, Target, TargetClass, Targets, Unsynced,
};

use super::{PlannedFault, operations::Operators};

/// How much slower than usual a slow link is, at least and at most.
const SLOWNESS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(800)];

/// The plan that a seed makes of a scenario's chaos. Empty without chaos.
pub fn chaos(scenario: &Scenario, draws: Draws) -> Vec<PlannedFault> {
    let Some(chaos) = &scenario.chaos else { return Vec::new() };
    let end = chaos.stop.unwrap_or(scenario.duration).0;
    let (people, operators) = (People::of(scenario), Operators::of(scenario));
    let mut plan: Vec<PlannedFault> = Vec::new();
    let mut at = chaos.start.0;
    for number in 0_u64.. {
        let mut stream = draws.stream("chaos", &number.to_string());
        at += pick(chaos.every, &mut stream);
        if end <= at {
            break;
        }
        let kind = kind(chaos, &mut stream);
        let lasts = pick(chaos.lasts, &mut stream).min(end.saturating_sub(at));
        let faults = match people.action(chaos, kind, &mut stream) {
            Some(action) => vec![PlannedFault { at, lasts, action }],
            None => operators.planned(kind, at, lasts, chaos.every, &mut stream),
        };
        for fault in faults {
            if fault.at < end && is_bearable(&fault, &plan, chaos, &people) {
                let lasts = fault.lasts.min(end.saturating_sub(fault.at));
                plan.push(PlannedFault { lasts, ..fault });
            }
        }
    }
    plan.sort_by_key(|fault| fault.at);
    plan
}

/// A period out of a range.
pub(super) fn pick(range: PeriodRange, stream: &mut Stream) -> Duration {
    let (low, high) = range.ends();
    stream.duration(&(low..=high))
}

fn kind(chaos: &Chaos, stream: &mut Stream) -> ChaosKind {
    let weights = chaos.kinds.all();
    let sum = weights.iter().map(|(_, weight)| u64::from(*weight)).sum::<u64>();
    let mut left = stream.between(0..=sum.saturating_sub(1));
    for (kind, weight) in weights {
        match left.checked_sub(u64::from(weight)) {
            Some(rest) => left = rest,
            None => return kind,
        }
    }
    unreachable!("a draw below the sum of {weights:?} falls on one of them")
}

/// Whether a fault leaves the cluster a chance beside those that last already.
fn is_bearable(
    fault: &PlannedFault,
    plan: &[PlannedFault],
    chaos: &Chaos,
    people: &People,
) -> bool {
    if fault.action.ending() == Ending::Momentary {
        return true;
    }
    // A rolling restart reaches beyond what is drawn after it.
    let at_once = |other: &&PlannedFault| {
        fault.at < other.at + other.lasts && other.at < fault.at + fault.lasts
    };
    let now: Vec<_> = plan.iter().filter(at_once).collect();
    if chaos.at_most as usize <= now.len() {
        return false;
    }
    let node = struck(&fault.action);
    let down = now.iter().filter_map(|other| struck(&other.action));
    let down: Vec<_> = down.chain(node).collect();
    let [brokers, controllers] = [&people.brokers, &people.controllers];
    // Of one controller alone nothing is expected; of several a majority has to be left.
    let majority = controllers.len() / 2 + 1;
    leaves(&down, brokers, 1) && (controllers.len() == 1 || leaves(&down, controllers, majority))
}

/// Whether no process of this class is taken away twice (a dead one cannot die again, nor stand
/// still), and so many are left; the only one may go.
fn leaves(down: &[&String], class: &[String], least: usize) -> bool {
    let mut gone: Vec<_> = down.iter().filter(|name| class.contains(name)).collect();
    gone.sort_unstable();
    let all = gone.len();
    gone.dedup();
    all == gone.len() && (gone.len() + least <= class.len() || class.len() == 1)
}

/// The node whose process a fault takes away.
fn struck(action: &Action) -> Option<&String> {
    let targets = match action {
        Action::Crash(fault) => &fault.targets,
        Action::PowerOff(fault) => &fault.targets,
        Action::Pause(fault) => &fault.targets,
        Action::Shutdown(fault) => &fault.targets,
        _ => return None,
    };
    match targets {
        Targets::One(Target::Node(name)) => Some(name),
        Targets::One(_) | Targets::Many(_) => None,
    }
}

/// Who can be met.
#[derive(Clone, Debug)]
struct People {
    brokers: Vec<String>,
    controllers: Vec<String>,
    clients: Vec<String>,
}

impl People {
    fn of(scenario: &Scenario) -> Self {
        let cluster = &scenario.cluster;
        let producers = scenario.producers.iter().map(|producer| producer.name.clone());
        let consumers = scenario.consumers.iter().map(|consumer| consumer.name.clone());
        Self {
            brokers: (1..=cluster.brokers).map(|id| format!("broker-{id}")).collect(),
            controllers: (1..=cluster.controllers)
                .map(|id| format!("controller-{}", 1000 + id))
                .collect(),
            clients: producers.chain(consumers).collect(),
        }
    }

    /// Draws what a fault of this kind does; none if there is nobody whom it could meet, or if it
    /// is something that operators do.
    fn action(&self, chaos: &Chaos, kind: ChaosKind, stream: &mut Stream) -> Option<Action> {
        let servers = self.among(&chaos.targets, &[TargetClass::Brokers, TargetClass::Controllers]);
        let linked = self.among(&chaos.targets, &TargetClass::ALL);
        let brokers = self.among(&chaos.targets, &[TargetClass::Brokers]);
        Some(match kind {
            ChaosKind::Crash => Crash { targets: one(&servers, stream)? }.into(),
            ChaosKind::Pause => Pause { targets: one(&servers, stream)? }.into(),
            ChaosKind::PowerOff => {
                let targets = one(&servers, stream)?;
                PowerOff { targets, unsynced: Unsynced::BySeed }.into()
            }
            ChaosKind::Cut => {
                let (groups, one_way) = self.sides(&linked, stream)?;
                Cut { groups, one_way }.into()
            }
            ChaosKind::SlowLink => {
                let (groups, one_way) = self.sides(&linked, stream)?;
                let [low, high] = SLOWNESS;
                let middle = stream.duration(&(low..=high));
                let latency = PeriodRange::Drawn([Period(middle / 2), Period(middle)]);
                SlowLink { groups, latency, one_way }.into()
            }
            ChaosKind::LateMetadata => {
                Hold { messages: metadata_to(one(&brokers, stream)?) }.into()
            }
            ChaosKind::Elect
            | ChaosKind::ElectPreferred
            | ChaosKind::Reassign
            | ChaosKind::RollingRestart => return None,
        })
    }

    fn among<'p>(&'p self, targets: &[TargetClass], allowed: &[TargetClass]) -> Vec<&'p String> {
        let class = |class: &TargetClass| match class {
            TargetClass::Brokers => &self.brokers,
            TargetClass::Controllers => &self.controllers,
            TargetClass::Clients => &self.clients,
        };
        let meant = TargetClass::ALL.iter().filter(|c| targets.contains(c) && allowed.contains(c));
        meant.flat_map(class).collect()
    }

    /// One node against some of the others, or all of them; in one direction or both.
    fn sides(&self, linked: &[&String], stream: &mut Stream) -> Option<(Vec<Targets>, bool)> {
        let one = linked.get(stream.below(linked.len().max(1)))?;
        let bits = stream.word();
        let (everybody, direction) = (stream.between(0..=1), stream.between(0..=3));
        let all = self.brokers.iter().chain(&self.controllers).chain(&self.clients);
        let others: Vec<_> = all.filter(|other| other != one).collect();
        let some: Vec<_> = (0_u32..)
            .zip(&others)
            .filter(|(index, _)| everybody == 1 || (bits >> (index % 64)) & 1 == 1)
            .map(|(_, other)| Target::Node((*other).clone()))
            .collect();
        let first = Target::Node((*others.first()?).clone());
        let some = if some.is_empty() { vec![first] } else { some };
        let node = Targets::One(Target::Node((*one).clone()));
        let (groups, one_way) = match direction {
            0 => (vec![node, Targets::Many(some)], true),
            1 => (vec![Targets::Many(some), node], true),
            _ => (vec![node, Targets::Many(some)], false),
        };
        Some((groups, one_way))
    }
}

fn one(from: &[&String], stream: &mut Stream) -> Option<Targets> {
    let index = stream.below(from.len().max(1));
    from.get(index).map(|name| Targets::One(Target::Node((*name).clone())))
}

/// The answers that carry the controller's log to one broker.
fn metadata_to(broker: Targets) -> Messages {
    Messages {
        api: "Fetch".to_owned(),
        response: true,
        topic: Some("__cluster_metadata".to_owned()),
        partition: None,
        from: None,
        to: Some(broker),
        nth: 1,
        count: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::format::ScenarioFile;

    fn scenario(chaos: &str) -> Scenario {
        scenario_with("", chaos)
    }

    fn scenario_with(cluster: &str, chaos: &str) -> Scenario {
        let text = format!(
            r#"{{ {cluster} "name": "x", "about": "", "duration": "60s",
                 "topics": [{{ "name": "t" }}],
                 "producers": [{{ "name": "p", "topic": "t", "records": 1 }}], "chaos": {chaos} }}"#
        );
        let file = ScenarioFile::from_bytes("x.json", text.into()).unwrap();
        file.check().unwrap().scenario
    }

    #[test]
    fn a_seed_has_one_plan_and_another_seed_another() {
        let scenario = scenario("{}");
        let plan = chaos(&scenario, Draws::new(7));
        assert_eq!(plan, chaos(&scenario, Draws::new(7)));
        assert_ne!(plan, chaos(&scenario, Draws::new(8)));
        assert!(4 < plan.len(), "{plan:?}");
    }

    #[test]
    fn faults_end_with_the_load_and_are_no_more_at_once_than_allowed() {
        let scenario = scenario(r#"{ "at_most": 2, "every": ["10ms", "2s"], "start": "3s" }"#);
        for seed in 0..50 {
            let plan = chaos(&scenario, Draws::new(seed));
            for fault in &plan {
                assert!(Duration::from_secs(3) <= fault.at);
                assert!(fault.at + fault.lasts <= scenario.duration.0);
                let at_once = plan
                    .iter()
                    .filter(|other| other.at <= fault.at && fault.at < other.at + other.lasts);
                assert!(at_once.count() <= 2);
            }
        }
    }

    #[test]
    fn every_kind_with_a_weight_appears_and_none_without() {
        let kinds = |chaos_text: &str| {
            let scenario = scenario(chaos_text);
            let plans = (0..40).flat_map(|seed| chaos(&scenario, Draws::new(seed)));
            plans.map(|fault| fault.action.name()).collect::<BTreeSet<_>>()
        };
        let all = ["crash", "cut", "hold", "pause", "power-off", "slow-link"];
        assert_eq!(kinds("{}"), BTreeSet::from(all));
        assert_eq!(kinds(r#"{ "kinds": { "pause": 1 } }"#), BTreeSet::from(["pause"]));
    }

    #[test]
    fn at_least_one_broker_is_left_and_none_dies_twice() {
        let scenario = scenario(
            r#"{ "kinds": { "crash": 1 }, "at_most": 100, "every": "100ms", "for": "30s" }"#,
        );
        for seed in 0..20 {
            let plan = chaos(&scenario, Draws::new(seed));
            for fault in &plan {
                let down = plan.iter().filter(|o| o.at <= fault.at && fault.at < o.at + o.lasts);
                let names: Vec<_> = down.filter_map(|other| struck(&other.action)).collect();
                assert!(names.len() < 3, "{names:?}");
                assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
            }
        }
    }

    #[test]
    fn a_majority_of_several_controllers_is_left_and_none_dies_twice() {
        let scenario = scenario_with(
            r#""cluster": { "controllers": 5 },"#,
            r#"{ "kinds": { "crash": 1, "power-off": 1 }, "at_most": 100, "every": "100ms",
                 "for": "30s", "targets": ["controllers"] }"#,
        );
        let mut most = 0;
        for seed in 0..20 {
            let plan = chaos(&scenario, Draws::new(seed));
            for fault in &plan {
                let down = plan.iter().filter(|o| o.at <= fault.at && fault.at < o.at + o.lasts);
                let names: Vec<_> = down.filter_map(|other| struck(&other.action)).collect();
                assert!(names.iter().all(|name| name.starts_with("controller-")), "{names:?}");
                assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
                most = most.max(names.len());
            }
        }
        assert_eq!(most, 2);
    }

    #[test]
    fn a_choice_depends_on_its_seed_and_place_only() {
        use crate::{format::KeyPath, plan::choices};
        let path = KeyPath::parse("network.latency").unwrap();
        let draw = |seed, path: &KeyPath| choices(Draws::new(seed))(path, 1_000_000);
        assert_eq!(draw(1, &path), draw(1, &path));
        assert_ne!(draw(1, &path), draw(2, &path));
        assert_ne!(draw(1, &path), draw(1, &path.index(0)));
    }
}
