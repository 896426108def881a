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
