//! The leader that the controller names adopts its epoch with everything committed, or the contract
//! has let go of what it lacks.
//!
//! Rules 4.2 and 4.4 of the contract at the one cheap instant at which a committed record vanishes
//! from where clients read.

use broker::ids::{BrokerId, LeaderEpoch};

use super::{Context, Findings};
use crate::{
    history::BatchId,
    oracle::{Promise, promise},
};

pub(super) fn check(
    context: &Context<'_>,
    (broker, epoch): (BrokerId, LeaderEpoch),
    missing: &[BatchId],
    findings: &mut Findings,
) {
    for id in missing {
        if let Promise::Broken { why, .. } = promise(context.partition, *id) {
            let base = context.partition.batches.get(*id).base_offset;
            findings.broke("acknowledged-records-durable", context, Some(broker), || {
                format!("{broker} leads in epoch {epoch} without offset {base}: {why}")
            });
            return;
        }
    }
}
