//! What operators do by chance: maintenance at the wrong time.
//!
//! Brokers and partitions are drawn by name before the run, so nobody knows who is in sync then:
//! what cannot be done is refused, and that is no failure of the run.

use core::time::Duration;

use sim::Stream;

use crate::format::{
    Action, ChaosKind, Elect, ElectPreferred, PeriodRange, Reassign, Scenario, Shutdown, Target,
    Targets, WantedLeader, WantedReplicas,
};

use super::{PlannedFault, chaos::pick};

/// What operators have at hand.
#[derive(Clone, Debug)]
pub(super) struct Operators {
    brokers: Vec<String>,
    partitions: Vec<Replicated>,
}

/// A partition and how many replicas it should have.
#[derive(Clone, Debug)]
struct Replicated {
    name: String,
    replicas: usize,
}

impl Operators {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let config = &scenario.cluster.config;
        let partitions = scenario.topics.iter().flat_map(|topic| {
            (0..topic.partition_count(config)).map(move |number| Replicated {
                name: format!("{}-{number}", topic.name),
                replicas: topic.replica_count(config, number) as usize,
            })
        });
        Self {
            brokers: (1..=scenario.cluster.brokers).map(|id| format!("broker-{id}")).collect(),
            partitions: partitions.collect(),
        }
    }

    /// Draws what an operator does at `at`; nothing if the kind is a fault. `lasts` is how long a
    /// broker is away, `every` what lies between two of them.
    pub(super) fn planned(
        &self,
        kind: ChaosKind,
        at: Duration,
        lasts: Duration,
        every: PeriodRange,
        stream: &mut Stream,
    ) -> Vec<PlannedFault> {
        let Some(partition) = self.partitions.get(stream.below(self.partitions.len().max(1)))
        else {
            return Vec::new();
        };
        match kind {
            ChaosKind::Crash
            | ChaosKind::PowerOff
            | ChaosKind::Pause
            | ChaosKind::Cut
            | ChaosKind::SlowLink
            | ChaosKind::LateMetadata => Vec::new(),
            ChaosKind::Elect => {
                let leader = Target::Node(self.brokers[stream.below(self.brokers.len())].clone());
                let wanted = WantedLeader { partition: partition.name.clone(), leader };
                vec![at_once(at, Elect { wanted })]
            }
            ChaosKind::ElectPreferred => {
                let all = stream.between(0..=1) == 0;
                let partition = if all { "all".to_owned() } else { partition.name.clone() };
                vec![at_once(at, ElectPreferred { partition })]
            }
            ChaosKind::Reassign => self.moves(partition, at, lasts, stream),
            ChaosKind::RollingRestart => self.restarts(at, lasts, every, stream),
        }
    }

    /// A partition moves to brokers in any order; one time in four to one more than it should have,
    /// and that one leaves later.
    fn moves(
        &self,
        partition: &Replicated,
        at: Duration,
        lasts: Duration,
        stream: &mut Stream,
    ) -> Vec<PlannedFault> {
        let (brokers, one_more) = (self.shuffled(stream), stream.between(0..=3) == 0);
        let to = |at, count: usize| {
            let replicas = brokers[..count].to_vec();
            let wanted = WantedReplicas { partition: partition.name.clone(), replicas };
            at_once(at, Reassign { wanted })
        };
        let count = partition.replicas.min(brokers.len());
        if one_more && count < brokers.len() {
            vec![to(at, count + 1), to(at + lasts, count)]
        } else {
            vec![to(at, count)]
        }
    }

    fn restarts(
        &self,
        mut at: Duration,
        lasts: Duration,
        every: PeriodRange,
        stream: &mut Stream,
    ) -> Vec<PlannedFault> {
        let mut faults = Vec::new();
        for broker in self.shuffled(stream) {
            let action = Shutdown { targets: Targets::One(Target::Node(broker)) }.into();
            faults.push(PlannedFault { at, lasts, action });
            at += lasts + pick(every, stream);
        }
        faults
    }

    fn shuffled(&self, stream: &mut Stream) -> Vec<String> {
        let mut brokers = self.brokers.clone();
        for end in (1..brokers.len()).rev() {
            brokers.swap(end, stream.below(end + 1));
        }
        brokers
    }
}

fn at_once(at: Duration, action: impl Into<Action>) -> PlannedFault {
    PlannedFault { at, lasts: Duration::ZERO, action: action.into() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sim::Draws;

    use super::*;
    use crate::{format::ScenarioFile, plan::chaos};

    fn plans(kind: &str, seeds: u64) -> Vec<Vec<PlannedFault>> {
        let text = format!(
            r#"{{ "name": "x", "about": "", "duration": "60s", "cluster": {{ "brokers": 4 }},
                 "topics": [{{ "name": "t", "partitions": 2, "replication.factor": 3 }}],
                 "producers": [{{ "name": "p", "topic": "t", "records": 1 }}],
                 "chaos": {{ "kinds": {{ "{kind}": 1 }}, "at_most": 2, "for": "2s" }} }}"#
        );
        let file = ScenarioFile::from_bytes("x.json", text.into()).unwrap();
        let scenario = file.check().unwrap().scenario;
        (0..seeds).map(|seed| chaos(&scenario, Draws::new(seed))).collect()
    }

    #[test]
    fn every_broker_and_every_partition_is_elected_and_nothing_lasts() {
        let mut asked = BTreeSet::new();
        for fault in plans("elect", 20).into_iter().flatten() {
            assert_eq!(fault.lasts, Duration::ZERO);
            let Action::Elect(Elect { wanted }) = fault.action else { panic!("{fault:?}") };
            asked.insert((wanted.partition, wanted.leader.to_string()));
        }
        assert_eq!(asked.len(), 2 * 4);
    }

    #[test]
    fn a_partition_moves_to_as_many_brokers_and_from_one_more_it_comes_back() {
        let mut larger = 0;
        for plan in plans("reassign", 20) {
            let moves = plan.iter().map(|fault| match &fault.action {
                Action::Reassign(Reassign { wanted }) => (fault.at, wanted),
                other => panic!("{other:?}"),
            });
            let moves: Vec<_> = moves.collect();
            for (at, wanted) in &moves {
                let different: BTreeSet<_> = wanted.replicas.iter().collect();
                assert_eq!(different.len(), wanted.replicas.len());
                if wanted.replicas.len() == 3 {
                    continue;
                }
                larger += 1;
                let back = moves.iter().find(|(later, _)| *later == *at + Duration::from_secs(2));
                let in_time = *at + Duration::from_secs(2) < Duration::from_secs(60);
                assert_eq!(back.map(|(_, wanted)| wanted.replicas.len()), in_time.then_some(3));
            }
        }
        assert!(3 < larger, "{larger}");
    }

    #[test]
    fn brokers_are_restarted_one_after_the_other() {
        for plan in plans("rolling-restart", 20) {
            let mut met = Vec::new();
            for (fault, next) in plan.iter().zip(plan.iter().skip(1)) {
                assert!(fault.at <= next.at);
                met.push(fault.action.clone());
            }
            let different = met.iter().filter(|action| **action == met[0]).count();
            assert!(4 < met.len() && different < met.len(), "{plan:?}");
        }
        let preferred = plans("elect-preferred", 5).concat();
        assert!(preferred.iter().all(|fault| fault.action.name() == "elect-preferred"));
    }
}
