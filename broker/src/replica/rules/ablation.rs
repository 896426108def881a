//! Ablations: a protocol less one rule, to see what the rule is for.
//!
//! The first eight are those of a model check of `Kip320.tla`: each of them loses data with three
//! replicas and at most four leader epochs. The others are bugs that Kafka had, or has, by their
//! issue or KIP.

use super::{Protocol, RuleName, RuleOverrides, Rules};

/// A protocol less one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ablation {
    /// Its name, such as `fetch-unfenced`.
    pub name: &'static str,
    /// The rule that is taken away.
    pub rule: RuleName,
    /// What the rule is then, by its word.
    pub value: &'static str,
    /// What knows of it: the model check with the number of steps to a loss, an issue, or a KIP.
    pub source: &'static str,
}

const fn less(
    name: &'static str,
    rule: RuleName,
    value: &'static str,
    source: &'static str,
) -> Ablation {
    Ablation { name, rule, value, source }
}

impl Ablation {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        less("no-truncation", RuleName::Truncation, "none", "Kip320.tla: loss in 11 steps"),
        less(
            "truncate-to-high-watermark",
            RuleName::Truncation,
            "own-high-watermark",
            "Kip320.tla: loss in 13 steps; KIP-101",
        ),
        less(
            "expansion-by-high-watermark",
            RuleName::ExpansionNeedsLeaderEpochStartOffset,
            "off",
            "Kip320.tla: loss in 13 steps; KAFKA-7128",
        ),
        less(
            "truncate-as-kip-101",
            RuleName::Truncation,
            "end-offset-of-epoch",
            "Kip320.tla: loss in 14 steps; KAFKA-6361, KIP-279",
        ),
        less(
            "high-watermark-unfenced",
            RuleName::HighWatermarkEpochFence,
            "off",
            "Kip320.tla: loss in 14 steps",
        ),
        less(
            "reconcile-unfenced",
            RuleName::ReconcileEpochFence,
            "off",
            "Kip320.tla: loss in 15 steps",
        ),
        less(
            "isr-expansion-unfenced",
            RuleName::IsrExpansionEpochFence,
            "off",
            "Kip320.tla: loss in 16 steps",
        ),
        less(
            "fetch-unfenced",
            RuleName::FetchEpochFence,
            "off",
            "Kip320.tla: loss in 18 steps; KAFKA-6880",
        ),
        less("reconcile-by-leader-id", RuleName::Reconcile, "leader-id-change", "KAFKA-7164"),
        less("no-epoch-entry", RuleName::EpochEntryOnElection, "off", "KAFKA-7415"),
        less(
            "use-response-of-other-epoch",
            RuleName::DropFetchResponseOfOtherEpoch,
            "off",
            "KAFKA-18991",
        ),
        less(
            "keep-follower-state",
            RuleName::FollowerStateOnReelection,
            "keep",
            "Kafka's Replica.resetReplicaState",
        ),
        less(
            "drop-pending-isr",
            RuleName::PendingIsrOnKnownRecord,
            "drop",
            "Kafka's Partition.updateAssignmentAndIsr",
        ),
        less("committed-isr", RuleName::HighWatermarkOver, "committed-isr", "KIP-497"),
        less("no-joiners", RuleName::HighWatermarkWaitsForJoiners, "off", "KIP-497"),
        less("no-eligibility", RuleName::IsrEligibility, "off", "KIP-841"),
        less("no-broker-epoch", RuleName::BrokerEpochInFetch, "off", "KIP-903"),
        less(
            "recheck-expansion",
            RuleName::RecheckExpansionOnMetadata,
            "on",
            "Kafka expands the ISR only in a fetch",
        ),
        less(
            "incarnation-stays-in-isr",
            RuleName::NewIncarnationLeavesIsr,
            "off",
            "Kafka below metadata version 4.0-IV1",
        ),
        less("epoch-bump-on-shrink", RuleName::LeaderEpochBumpOnIsrShrink, "on", "KAFKA-15021"),
        less(
            "high-watermark-ungated",
            RuleName::HighWatermarkGatedByMinIsr,
            "off",
            "KAFKA-15583, KIP-966",
        ),
        less("no-eligible-leaders", RuleName::EligibleLeaderReplicas, "off", "KIP-966"),
        less("no-unclean-detection", RuleName::UncleanShutdownDetection, "off", "KIP-966"),
        less("no-last-known-leader", RuleName::LastKnownLeader, "off", "KIP-966"),
    ];

    /// Those that change something in a protocol.
    pub fn of(protocol: Protocol) -> impl Iterator<Item = &'static Self> {
        let rules = protocol.rules();
        Self::ALL.iter().filter(move |one| rules.get(one.rule) != one.value)
    }

    /// The ablation of a name, if there is one.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|one| one.name == name)
    }

    /// These rules less the one.
    pub fn apply(&self, rules: Rules) -> Rules {
        rules.with(self.rule, self.value).expect("a test has set the value of every ablation")
    }

    /// What a scenario must set to run it.
    pub fn overrides(&self) -> RuleOverrides {
        let set = RuleOverrides::default().with(self.rule, self.value);
        set.expect("a test has set the value of every ablation")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_ablation_changes_one_rule_of_the_newest_protocol() {
        let full = Protocol::Kip966;
        assert_eq!(Ablation::of(full).count(), Ablation::ALL.len());
        for ablation in Ablation::ALL {
            let rules = ablation.apply(full.rules());
            let other = |name: &&RuleName| rules.get(**name) != full.rules().get(**name);
            assert_eq!(RuleName::ALL.iter().filter(other).collect::<Vec<_>>(), [&ablation.rule]);
            assert_eq!(full.rules().overridden(&ablation.overrides()), rules);
        }
    }

    #[test]
    fn an_ablation_that_takes_nothing_away_is_none_of_the_protocol() {
        assert!(Ablation::of(Protocol::Hw).all(|one| one.name != "truncate-to-high-watermark"));
        assert!(Ablation::of(Protocol::Kip320).all(|one| one.name != "high-watermark-ungated"));
    }

    #[test]
    fn every_ablation_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Ablation::ALL.iter().map(|one| one.name).collect();
        assert_eq!(names.len(), Ablation::ALL.len());
        assert!(Ablation::ALL.iter().all(|one| Ablation::named(one.name) == Some(one)));
    }

    #[test]
    fn every_rule_that_a_protocol_may_lack_has_an_ablation() {
        for rule in RuleName::ALL {
            assert!(Ablation::ALL.iter().any(|one| one.rule == *rule), "{rule:?}");
        }
    }
}
