//! The rules that a replication protocol is made of.
//!
//! A [`Protocol`] is a name for a set of [`Rules`] (KIP-101, KIP-279, KIP-320, KIP-595, KIP-966
//! each changed some). Each rule is an enum that is decided in one place, named at the rule. A
//! known bug of Kafka is one rule set differently ([`RuleOverrides`]); taking one rule away shows
//! what it is for ([`Ablation`]). No other code asks which protocol runs.

mod ablation;
mod protocol;
mod values;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use ablation::Ablation;
pub use protocol::Protocol;
pub use values::{
    FollowerStateOnReelection, HighWatermarkOver, PendingIsrOnKnownRecord, Reconcile, RuleValue,
    Switch, Truncation,
};

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $field:ident, $name:ident, $word:literal: $value:ty;)+) => {
        /// The rules of a protocol. Each says where it is decided.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Rules {
            $($(#[doc = $doc])+ pub $field: $value,)+
        }

        /// A rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum RuleName {
            $($(#[doc = $doc])+ $name,)+
        }

        /// Rules that are set otherwise than the protocol has them.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct RuleOverrides {
            $(
                $(#[doc = $doc])+
                #[serde(rename = $word, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$value>,
            )+
        }

        impl RuleName {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name that scenario files have for it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// The words of the values it may have.
            pub fn values(self) -> &'static [&'static str] {
                match self {
                    $(Self::$name => <$value as RuleValue>::WORDS,)+
                }
            }
        }

        impl Rules {
            /// The word of a rule's value.
            pub fn get(&self, rule: RuleName) -> &'static str {
                match rule {
                    $(RuleName::$name => self.$field.word(),)+
                }
            }

            /// The same with one rule set; none if the rule has no such value.
            pub fn with(mut self, rule: RuleName, value: &str) -> Option<Self> {
                match rule {
                    $(RuleName::$name => self.$field = RuleValue::from_word(value)?,)+
                }
                Some(self)
            }

            /// The same with some rules set.
            #[must_use = "the rules themselves stay as they are"]
            pub fn overridden(mut self, by: &RuleOverrides) -> Self {
                $(self.$field = by.$field.unwrap_or(self.$field);)+
                self
            }
        }

        impl RuleOverrides {
            /// Sets one rule more, or otherwise; none if the rule has no such value.
            pub fn with(mut self, rule: RuleName, value: &str) -> Option<Self> {
                match rule {
                    $(RuleName::$name => self.$field = Some(RuleValue::from_word(value)?),)+
                }
                Some(self)
            }
        }
    };
}

rules! {
    /// How a follower finds what it must cut from its log. Decided in
    /// `ReplicaManager::truncate_or_ask`; what its fetches say for it, in `fetcher::request`; what
    /// a leader answers, in `ReplicaManager::said_epoch`.
    truncation, Truncation, "truncation": Truncation;
    /// When a follower begins anew with its leader. Decided in `Partition::become_follower`, and
    /// for fetches that can tell a divergence in `fetcher::request`.
    reconcile, Reconcile, "reconcile": Reconcile;
    /// Fetches of another leader epoch are refused (KIP-320; KAFKA-6880). Decided in
    /// `Partition::check_leader_epoch`; the follower's half in `fetcher::request`.
    fetch_epoch_fence, FetchEpochFence, "fetch-epoch-fence": Switch;
    /// Only a leader of the same epoch tells a follower where an epoch ends (KIP-320). Decided in
    /// `Partition::check_leader_epoch`; the follower's half in `fetcher::request`.
    reconcile_epoch_fence, ReconcileEpochFence, "reconcile-epoch-fence": Switch;
    /// A fetch of another leader epoch says nothing about how far the follower is, answered or
    /// refused (KIP-320). Decided in `Partition::count_fetch`.
    high_watermark_epoch_fence, HighWatermarkEpochFence, "high-watermark-epoch-fence": Switch;
    /// A fetch of another leader epoch lets nobody into the ISR, answered or refused (KIP-320).
    /// Decided in `Partition::count_fetch`.
    isr_expansion_epoch_fence, IsrExpansionEpochFence, "isr-expansion-epoch-fence": Switch;
    /// A new leader notes its epoch before it has appended in it (KAFKA-7415). Decided in
    /// `Partition::become_leader`.
    epoch_entry_on_election, EpochEntryOnElection, "epoch-entry-on-election": Switch;
    /// A replica rejoins the ISR only when it has what the leader had at its election (KAFKA-7128).
    /// Decided in `Leadership::wants_to_add`.
    expansion_needs_leader_epoch_start_offset, ExpansionNeedsLeaderEpochStartOffset,
        "expansion-needs-leader-epoch-start-offset": Switch;
    /// A follower drops the answer to a fetch that it sent in another leader epoch (KAFKA-18991).
    /// Decided in `ReplicaManager::is_for_now`.
    drop_fetch_response_of_other_epoch, DropFetchResponseOfOtherEpoch,
        "drop-fetch-response-of-other-epoch": Switch;
    /// What is kept of the followers when a leader is elected again. Decided in
    /// `FollowerStates::begin_epoch`.
    follower_state_on_reelection, FollowerStateOnReelection,
        "follower-state-on-reelection": FollowerStateOnReelection;
    /// What becomes of an ISR change under way when a record comes that is known already. Decided
    /// in `Partition::become_leader`.
    pending_isr_on_known_record, PendingIsrOnKnownRecord,
        "pending-isr-on-known-record": PendingIsrOnKnownRecord;
    /// Which replicas the high watermark waits for. Decided in `high_watermark`.
    high_watermark_over, HighWatermarkOver, "high-watermark-over": HighWatermarkOver;
    /// Nothing is committed while the ISR is smaller than `min.insync.replicas` (KAFKA-15583).
    /// Decided in `high_watermark`.
    high_watermark_gated_by_min_isr, HighWatermarkGatedByMinIsr,
        "high-watermark-gated-by-min-isr": Switch;
    /// The high watermark also waits for a replica that is about to join the ISR. Decided in
    /// `high_watermark`.
    high_watermark_waits_for_joiners, HighWatermarkWaitsForJoiners,
        "high-watermark-waits-for-joiners": Switch;
    /// Only replicas that are registered, unfenced and not shutting down may join (KIP-841).
    /// Decided in `ClusterView::is_eligible`, and once more by the controller.
    isr_eligibility, IsrEligibility, "isr-eligibility": Switch;
    /// A fetch says which incarnation sends it, and one of an older incarnation does not count
    /// (KIP-903). Decided in `fetcher::request`: a leader cannot check what is not said.
    broker_epoch_in_fetch, BrokerEpochInFetch, "broker-epoch-in-fetch": Switch;
    /// When metadata changes, a leader looks once more who may join the ISR, by what it knew of the
    /// followers before; Kafka looks only when a follower fetches. Decided in
    /// `ReplicaManager::apply`.
    recheck_expansion_on_metadata, RecheckExpansionOnMetadata,
        "recheck-expansion-on-metadata": Switch;
    /// When a new incarnation of a broker registers, the one before is fenced first, and so leaves
    /// the ISR unless it is the last. Decided by the controller.
    new_incarnation_leaves_isr, NewIncarnationLeavesIsr, "new-incarnation-leaves-isr": Switch;
    /// Replicas that leave an ISR smaller than `min.insync.replicas` stay eligible as leaders, and
    /// the ISR may become empty (KIP-966). Decided by the controller.
    eligible_leader_replicas, EligibleLeaderReplicas, "eligible-leader-replicas": Switch;
    /// A broker that did not end cleanly leaves every ISR and is no eligible leader any more
    /// (KIP-966). Decided by the controller.
    unclean_shutdown_detection, UncleanShutdownDetection, "unclean-shutdown-detection": Switch;
    /// Without ISR and eligible leaders, whoever led last is elected (KIP-966). Decided by the
    /// controller.
    last_known_leader, LastKnownLeader, "last-known-leader": Switch;
    /// The leader epoch is raised when the ISR shrinks, as before metadata version 3.6
    /// (KAFKA-15021). Decided by the controller.
    leader_epoch_bump_on_isr_shrink, LeaderEpochBumpOnIsrShrink,
        "leader-epoch-bump-on-isr-shrink": Switch;
}

impl RuleName {
    /// The rule of a name, if there is one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_every_rule_can_be_set_by_its_word_and_read_again() {
        for rule in RuleName::ALL.iter().copied() {
            assert_eq!(RuleName::from_word(rule.word()), Some(rule));
            for value in rule.values() {
                let rules = Protocol::Hw.rules().with(rule, value).unwrap();
                assert_eq!(rules.get(rule), *value, "{rule:?}");
                let overrides = RuleOverrides::default().with(rule, value).unwrap();
                assert_eq!(Protocol::Hw.rules().overridden(&overrides), rules);
            }
        }
    }

    #[test]
    fn a_rule_has_no_value_but_its_own() {
        let rules = Protocol::Kip320.rules();
        assert_eq!(rules.with(RuleName::Truncation, "on"), None);
        assert_eq!(RuleOverrides::default().with(RuleName::Reconcile, "never"), None);
        assert_eq!(RuleName::from_word("truncate"), None);
    }

    #[test]
    fn overrides_are_written_as_scenario_files_have_them() {
        let text = r#"{"truncation":"own-high-watermark","fetch-epoch-fence":"off"}"#;
        let overrides: RuleOverrides = serde_json::from_str(text).unwrap();
        assert_eq!(overrides.truncation, Some(Truncation::OwnHighWatermark));
        assert_eq!(serde_json::to_string(&overrides).unwrap(), text);
        let rules = Protocol::Kip320.rules().overridden(&overrides);
        assert_eq!(rules.fetch_epoch_fence, Switch::Off);
        assert_eq!(rules.reconcile, Reconcile::EveryEpoch);
    }

    #[test]
    fn what_is_no_rule_or_no_value_is_refused() {
        for text in [r#"{"truncate":"none"}"#, r#"{"truncation":"nothing"}"#] {
            assert!(serde_json::from_str::<RuleOverrides>(text).is_err(), "{text}");
        }
    }
}
