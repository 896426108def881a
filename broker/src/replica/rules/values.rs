//! What each rule of replication may be.
//!
//! Every value says which Kafka has it. A value's word is what scenario files write; the same word
//! stands in the JSON schema and in reports. Where a rule is decided, its name in [`super::Rules`]
//! tells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The values of a rule.
pub trait RuleValue: Copy + PartialEq + Sized + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// The words of all of them, in the same order.
    const WORDS: &'static [&'static str];

    /// The word that scenario files have for it.
    fn word(self) -> &'static str;

    /// The value of a word, if there is one.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

macro_rules! values {
    ($(
        $(#[doc = $about:literal])*
        $name:ident { $($(#[doc = $doc:literal])* $variant:ident = $word:literal),+ $(,)? }
    )+) => {
        $(
            $(#[doc = $about])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            pub enum $name {
                $($(#[doc = $doc])* #[serde(rename = $word)] $variant,)+
            }

            impl RuleValue for $name {
                const ALL: &'static [Self] = &[$(Self::$variant),+];
                const WORDS: &'static [&'static str] = &[$($word),+];

                fn word(self) -> &'static str {
                    match self {
                        $(Self::$variant => $word,)+
                    }
                }
            }
        )+
    };
}

values! {
    /// How a follower finds what it must cut from its log.
    Truncation {
        /// Nothing is cut when a new epoch begins. No Kafka ever did so.
        None = "none",
        /// Everything above its own high watermark goes, before it fetches (before KIP-101).
        OwnHighWatermark = "own-high-watermark",
        /// Before it fetches, it asks the leader where the epoch of its last record ends, and cuts
        /// there. The answer does not say which epoch it is about (KIP-101).
        EndOffsetOfEpoch = "end-offset-of-epoch",
        /// It asks the same; the answer names the greatest epoch of the leader that is not above
        /// the one asked for, and the follower asks again until both know that epoch (KIP-279).
        EpochAndEndOffset = "epoch-and-end-offset",
        /// It fetches at once, says the epoch of its last record, and cuts when the leader answers
        /// that the logs diverge (KIP-595).
        DivergingEpochInFetch = "diverging-epoch-in-fetch",
    }

    /// When a follower begins anew with its leader.
    Reconcile {
        /// Only when it starts, or when another broker leads than before (KAFKA-7164).
        LeaderIdChange = "leader-id-change",
        /// At every new leader epoch (KIP-320).
        EveryEpoch = "every-epoch",
        /// At every new leader epoch, and where fetches can tell, again with each (KIP-595).
        EveryFetch = "every-fetch",
    }

    /// Whether something is done.
    Switch {
        /// It is not.
        Off = "off",
        /// It is.
        On = "on",
    }

    /// What a leader that is elected again still knows of its followers.
    FollowerStateOnReelection {
        /// Nothing: each follower must fetch in the new epoch.
        Reset = "reset",
        /// How far they were, as Kafka does (`Replica.resetReplicaState`).
        Keep = "keep",
    }

    /// What becomes of an ISR change under way when a record comes that an answer of the controller
    /// has told of before.
    PendingIsrOnKnownRecord {
        /// It stays under way: the record says nothing new, and the controller may yet make it.
        Keep = "keep",
        /// It is forgotten, as Kafka does (`Partition.updateAssignmentAndIsr`), and a replica that
        /// the controller lets join does not count until the next record comes.
        Drop = "drop",
    }

    /// Which replicas the high watermark waits for.
    HighWatermarkOver {
        /// The committed ISR and those of a change that is not answered yet (KIP-497).
        MaximalIsr = "maximal-isr",
        /// The committed ISR only.
        CommittedIsr = "committed-isr",
    }
}
