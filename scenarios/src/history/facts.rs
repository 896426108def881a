//! What an event changed in the model, as far as an invariant may care.
//!
//! The model knows before and after; invariants read the difference here instead of searching.

use broker::ids::{BrokerId, LeaderEpoch, Offset};

use super::batches::{BatchId, Before};

/// A change of the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A batch was appended to a replica's log.
    Appended {
        /// The replica.
        broker: BrokerId,
        /// The batch.
        batch: BatchId,
        /// The batch before it in that log.
        after: Before,
    },
    /// A presumed leader's high watermark passed batches that none had passed before.
    Committed {
        /// The presumed leader.
        broker: BrokerId,
        /// The last of them.
        last: BatchId,
    },
    /// A presumed leader's high watermark passed a batch where another one was committed.
    Rewritten {
        /// The presumed leader.
        broker: BrokerId,
        /// The committed batch.
        committed: BatchId,
        /// The batch that stands in its place.
        now: BatchId,
    },
    /// The end of a replica's log was cut, and committed batches went with it.
    CommittedCut {
        /// The replica.
        broker: BrokerId,
        /// The first committed batch that went.
        first: BatchId,
    },
    /// The leader that the controller names adopted its epoch without these committed batches.
    AdoptedWithout {
        /// The leader.
        broker: BrokerId,
        /// Its epoch.
        leader_epoch: LeaderEpoch,
        /// The batches.
        missing: Vec<BatchId>,
    },
    /// A replica was opened, and its log is not what the model says, and no fault explains it.
    OpenedOtherwise {
        /// The replica.
        broker: BrokerId,
        /// Where the model ends.
        model_end: Offset,
        /// Where the log ends.
        log_end: Offset,
    },
    /// The bytes of a replica differ from the model.
    BytesDiffer {
        /// The replica.
        broker: BrokerId,
        /// Where, and how.
        detail: String,
    },
}
