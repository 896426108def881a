//! The protocols: Kafka's ladder, each step as a set of rules.
//!
//! KIP-101, KIP-279, KIP-320, KIP-595 and KIP-966 each changed some rules. What is no matter of the
//! ladder (the maximal ISR, who may join, broker epochs, that a new incarnation leaves the ISR) is
//! the same in all, so that two steps differ in what the KIP changed and in nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    FollowerStateOnReelection, HighWatermarkOver, PendingIsrOnKnownRecord, Reconcile, Rules,
    Switch, Truncation,
};

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

    /// The rules of this protocol.
    pub const fn rules(self) -> Rules {
        match self {
            Self::Hw => HW,
            Self::Kip101 => Rules { truncation: Truncation::EndOffsetOfEpoch, ..HW },
            Self::Kip279 => Rules { truncation: Truncation::EpochAndEndOffset, ..HW },
            Self::Kip320 => Rules {
                truncation: Truncation::EpochAndEndOffset,
                reconcile: Reconcile::EveryEpoch,
                ..KIP_595
            },
            Self::Kip595 => KIP_595,
            Self::Kip966 => Rules {
                high_watermark_gated_by_min_isr: Switch::On,
                eligible_leader_replicas: Switch::On,
                unclean_shutdown_detection: Switch::On,
                last_known_leader: Switch::On,
                ..KIP_595
            },
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

const KIP_595: Rules = Rules {
    truncation: Truncation::DivergingEpochInFetch,
    reconcile: Reconcile::EveryFetch,
    fetch_epoch_fence: Switch::On,
    reconcile_epoch_fence: Switch::On,
    high_watermark_epoch_fence: Switch::On,
    isr_expansion_epoch_fence: Switch::On,
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
    recheck_expansion_on_metadata: Switch::Off,
    new_incarnation_leaves_isr: Switch::On,
    eligible_leader_replicas: Switch::Off,
    unclean_shutdown_detection: Switch::Off,
    last_known_leader: Switch::Off,
    leader_epoch_bump_on_isr_shrink: Switch::Off,
};

const HW: Rules = Rules {
    truncation: Truncation::OwnHighWatermark,
    reconcile: Reconcile::LeaderIdChange,
    fetch_epoch_fence: Switch::Off,
    reconcile_epoch_fence: Switch::Off,
    high_watermark_epoch_fence: Switch::Off,
    isr_expansion_epoch_fence: Switch::Off,
    epoch_entry_on_election: Switch::Off,
    expansion_needs_leader_epoch_start_offset: Switch::Off,
    drop_fetch_response_of_other_epoch: Switch::Off,
    ..KIP_595
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::rules::RuleName;

    #[test]
    fn a_protocol_is_written_by_the_name_that_scenario_files_have() {
        for protocol in Protocol::ALL {
            let written = serde_json::to_string(&protocol).unwrap();
            assert_eq!(written, format!("\"{}\"", protocol.name()));
        }
    }

    fn step(from: Protocol, to: Protocol) -> Vec<String> {
        RuleName::ALL
            .iter()
            .map(|name| (name, from.rules().get(*name), to.rules().get(*name)))
            .filter(|(_, before, after)| before != after)
            .map(|(name, before, after)| format!("{}: {before} -> {after}", name.word()))
            .collect()
    }

    #[test]
    fn each_step_of_the_ladder_changes_what_its_kip_changed() {
        let cut = "truncation: own-high-watermark -> end-offset-of-epoch";
        assert_eq!(step(Protocol::Hw, Protocol::Kip101), [cut]);
        let cut = "truncation: end-offset-of-epoch -> epoch-and-end-offset";
        assert_eq!(step(Protocol::Kip101, Protocol::Kip279), [cut]);
        assert_eq!(
            step(Protocol::Kip279, Protocol::Kip320),
            [
                "reconcile: leader-id-change -> every-epoch",
                "fetch-epoch-fence: off -> on",
                "reconcile-epoch-fence: off -> on",
                "high-watermark-epoch-fence: off -> on",
                "isr-expansion-epoch-fence: off -> on",
                "epoch-entry-on-election: off -> on",
                "expansion-needs-leader-epoch-start-offset: off -> on",
                "drop-fetch-response-of-other-epoch: off -> on",
            ]
        );
        assert_eq!(
            step(Protocol::Kip320, Protocol::Kip595),
            [
                "truncation: epoch-and-end-offset -> diverging-epoch-in-fetch",
                "reconcile: every-epoch -> every-fetch",
            ]
        );
        assert_eq!(
            step(Protocol::Kip595, Protocol::Kip966),
            [
                "high-watermark-gated-by-min-isr: off -> on",
                "eligible-leader-replicas: off -> on",
                "unclean-shutdown-detection: off -> on",
                "last-known-leader: off -> on",
            ]
        );
    }
}
