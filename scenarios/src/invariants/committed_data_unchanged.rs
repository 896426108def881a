//! What was committed at an offset is never replaced: a consumer that has read it and one that
//! reads it later see the same record.

use broker::ids::BrokerId;

use super::{Context, Findings};
use crate::history::BatchId;

pub(super) fn check(
    context: &Context<'_>,
    broker: BrokerId,
    (committed, now): (BatchId, BatchId),
    findings: &mut Findings,
) {
    let batches = &context.partition.batches;
    let (committed, now) = (batches.get(committed), batches.get(now));
    findings.broke("committed-data-unchanged", context, Some(broker), || {
        format!(
            "{broker} commits a batch of epoch {} at offset {}, where one of epoch {} was \
             committed",
            now.leader_epoch, now.base_offset, committed.leader_epoch
        )
    });
}
