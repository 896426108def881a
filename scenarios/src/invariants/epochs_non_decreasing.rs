//! The leader epochs of the batches of a log never decrease with the offset.
//!
//! Mirrors `MonoEpoch`: cheap, and broken by every protocol whose fetch is not fenced.

use broker::ids::BrokerId;

use super::{Context, Findings};
use crate::history::{BatchId, Before};

pub(super) fn check(
    context: &Context<'_>,
    broker: BrokerId,
    (id, after): (BatchId, Before),
    findings: &mut Findings,
) {
    let Before::Batch(before) = after else { return };
    let (batch, before) =
        (context.partition.batches.get(id), context.partition.batches.get(before));
    if batch.leader_epoch < before.leader_epoch {
        findings.broke("epochs-non-decreasing", context, Some(broker), || {
            format!(
                "{broker} appended a batch of epoch {} at offset {}, behind one of epoch {}",
                batch.leader_epoch, batch.base_offset, before.leader_epoch
            )
        });
    }
}
