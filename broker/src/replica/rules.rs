//! The replication protocols, and the rules that each is made of.
//!
//! A protocol is a name for a set of rules (KIP-101, KIP-279, KIP-320, KIP-595, KIP-966 each
//! changed some); each rule is an enum that is decided in one place of this module's siblings,
//! named at the rule. A known bug of Kafka is one rule set differently. No other code asks which
//! protocol runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A step of Kafka's ladder of replication protocols.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Protocol {
    /// Before KIP-101: a follower cuts its log to its own high watermark.
    #[serde(rename = "hw")]
    Hw,
    /// A follower asks the leader where the epoch of its last record ends.
    #[serde(rename = "kip-101")]
    Kip101,
    /// The answer names the epoch it is about, and the follower goes on asking until both agree.
    #[serde(rename = "kip-279")]
    Kip279,
    /// Requests carry the leader epoch and are fenced by it.
    #[serde(rename = "kip-320")]
    Kip320,
    /// The leader finds the divergence at every fetch.
    #[serde(rename = "kip-595")]
    Kip595,
    /// Eligible leader replicas: nothing is committed below `min.insync.replicas`.
    #[serde(rename = "kip-966")]
    Kip966,
}

impl Protocol {
    /// All protocols, oldest first.
    pub const ALL: [Self; 6] =
        [Self::Hw, Self::Kip101, Self::Kip279, Self::Kip320, Self::Kip595, Self::Kip966];

    /// The rules of this protocol; none for a protocol that is not implemented.
    pub fn rules(self) -> Option<Rules> {
        match self {
            Self::Hw => Some(Rules::HW),
            Self::Kip595 => Some(Rules::KIP_595),
            Self::Kip966 => Some(Rules::KIP_966),
            Self::Kip101 | Self::Kip279 | Self::Kip320 => None,
        }
    }

    /// The name, as scenario files have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hw => "hw",
            Self::Kip101 => "kip-101",
            Self::Kip279 => "kip-279",
            Self::Kip320 => "kip-320",
            Self::Kip595 => "kip-595",
            Self::Kip966 => "kip-966",
        }
    }
}

/// How a follower finds what it must cut from its log. Decided in `ReplicaManager::begin_fetching`;
/// what its fetches say for it, in `fetcher::request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncation {
    /// Everything above its own high watermark goes, before it fetches.
    OwnHighWatermark,
    /// It fetches at once, says the epoch of its last record, and cuts when the leader answers that
    /// the logs diverge. A log without epochs is cut to the high watermark.
    DivergingEpochInFetch,
}

/// When a follower begins anew with its leader. Decided in `Partition::become_follower`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconcile {
    /// Only when it starts, or when another broker leads than before (KAFKA-7164).
    LeaderIdChange,
    /// At every new leader epoch, and then again with every fetch.
    EveryFetch,
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It is not.
    Off,
    /// It is.
    On,
}

/// What a leader that is elected again still knows of its followers. Decided in
/// `FollowerStates::begin_epoch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowerStateOnReelection {
    /// Nothing: each follower must fetch in the new epoch.
    Reset,
    /// How far they were, as Kafka does (`Replica.resetReplicaState`).
    Keep,
}

/// What becomes of an ISR change under way when a record comes that an answer of the controller has
/// told of before. Decided in `Partition::become_leader`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingIsrOnKnownRecord {
    /// It stays under way: the record says nothing new, and the controller may yet make the change.
    Keep,
    /// It is forgotten, as Kafka does (`Partition.updateAssignmentAndIsr`), and a replica that the
    /// controller lets join does not count until the next record comes.
    Drop,
}

/// Which replicas the high watermark waits for. Decided in `high_watermark`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HighWatermarkOver {
    /// The committed ISR and those of a change that is not answered yet (KIP-497).
    MaximalIsr,
    /// The committed ISR only.
    CommittedIsr,
}

/// The rules of a protocol. Each says where it is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How a follower cuts its log.
    pub truncation: Truncation,
    /// When a follower begins anew.
    pub reconcile: Reconcile,
    /// Requests of another leader epoch are refused (KIP-320). Decided in
    /// `Partition::check_leader_epoch`; the follower's half in `fetcher::request`.
    pub fetch_epoch_fence: Switch,
    /// A new leader notes its epoch before it has appended in it (KAFKA-7415). Decided in
    /// `Partition::become_leader`.
    pub epoch_entry_on_election: Switch,
    /// A replica rejoins the ISR only when it has what the leader had at its election (KAFKA-7128).
    /// Decided in `Leadership::wants_to_add`.
    pub expansion_needs_leader_epoch_start_offset: Switch,
    /// A follower drops the answer to a fetch that it sent in another leader epoch (KAFKA-18991).
    /// Decided in
    /// `ReplicaManager::is_for_now`.
    pub drop_fetch_response_of_other_epoch: Switch,
    /// What is kept of the followers when a leader is elected again.
    pub follower_state_on_reelection: FollowerStateOnReelection,
    /// What becomes of an ISR change when a record comes that is known already.
    pub pending_isr_on_known_record: PendingIsrOnKnownRecord,
    /// Which replicas the high watermark waits for.
    pub high_watermark_over: HighWatermarkOver,
    /// Nothing is committed while the ISR is smaller than `min.insync.replicas` (KAFKA-15583).
    /// Decided in `high_watermark`.
    pub high_watermark_gated_by_min_isr: Switch,
    /// The high watermark also waits for a replica that is about to join the ISR. Decided in
    /// `high_watermark`.
    pub high_watermark_waits_for_joiners: Switch,
    /// Only replicas that are registered, unfenced and not shutting down may join (KIP-841).
    /// Decided in `ClusterView::is_eligible`.
    pub isr_eligibility: Switch,
    /// A fetch says which incarnation sends it, and one of an older incarnation does not count
    /// (KIP-903). Decided in `fetcher::request`: a leader cannot check what is not said.
    pub broker_epoch_in_fetch: Switch,
    /// When a new incarnation of a broker registers, the one before is fenced first, and so leaves
    /// the ISR unless it is the last. Decided by the controller.
    pub new_incarnation_leaves_isr: Switch,
    /// Replicas that leave an ISR smaller than `min.insync.replicas` stay eligible as leaders, and
    /// the ISR may become empty (KIP-966). Decided by the controller.
    pub eligible_leader_replicas: Switch,
    /// A broker that did not end cleanly leaves every ISR and is no eligible leader any more
    /// (KIP-966). Decided by the controller.
    pub unclean_shutdown_detection: Switch,
    /// Without ISR and eligible leaders, whoever led last is elected (KIP-966). Decided by the
    /// controller.
    pub last_known_leader: Switch,
    /// The leader epoch is raised when the ISR shrinks, as before metadata version 3.6
    /// (KAFKA-15021). Decided by the controller.
    pub leader_epoch_bump_on_isr_shrink: Switch,
}

impl Rules {
    const KIP_595: Self = Self {
        truncation: Truncation::DivergingEpochInFetch,
        reconcile: Reconcile::EveryFetch,
        fetch_epoch_fence: Switch::On,
        epoch_entry_on_election: Switch::On,
        expansion_needs_leader_epoch_start_offset: Switch::On,
        drop_fetch_response_of_other_epoch: Switch::On,
        follower_state_on_reelection: FollowerStateOnReelection::Reset,
        pending_isr_on_known_record: PendingIsrOnKnownRecord::Keep,
        high_watermark_over: HighWatermarkOver::MaximalIsr,
        high_watermark_gated_by_min_isr: Switch::Off,
        high_watermark_waits_for_joiners: Switch::On,
        isr_eligibility: Switch::On,
        broker_epoch_in_fetch: Switch::On,
        new_incarnation_leaves_isr: Switch::On,
        eligible_leader_replicas: Switch::Off,
        unclean_shutdown_detection: Switch::Off,
        last_known_leader: Switch::Off,
        leader_epoch_bump_on_isr_shrink: Switch::Off,
    };

    const KIP_966: Self = Self {
        high_watermark_gated_by_min_isr: Switch::On,
        eligible_leader_replicas: Switch::On,
        unclean_shutdown_detection: Switch::On,
        last_known_leader: Switch::On,
        ..Self::KIP_595
    };

    const HW: Self = Self {
        truncation: Truncation::OwnHighWatermark,
        reconcile: Reconcile::LeaderIdChange,
        fetch_epoch_fence: Switch::Off,
        epoch_entry_on_election: Switch::Off,
        expansion_needs_leader_epoch_start_offset: Switch::Off,
        drop_fetch_response_of_other_epoch: Switch::Off,
        ..Self::KIP_595
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_written_by_the_name_that_scenario_files_have() {
        for protocol in Protocol::ALL {
            let written = serde_json::to_string(&protocol).unwrap();
            assert_eq!(written, format!("\"{}\"", protocol.name()));
        }
    }

    #[test]
    fn hw_knows_nothing_of_epochs() {
        let rules = Protocol::Hw.rules().unwrap();
        assert_eq!(rules.fetch_epoch_fence, Switch::Off);
        assert_eq!(rules.epoch_entry_on_election, Switch::Off);
        assert_eq!(rules.truncation, Truncation::OwnHighWatermark);
    }
}
