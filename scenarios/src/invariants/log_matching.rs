//! Log matching: the same offset and leader epoch in two logs is the same record, and everything
//! below it is the same too.
//!
//! Checked by induction: each batch has one content for its offset and epoch, and one batch before
//! it, wherever it stands. Mirrors `PrefixMatch`; Raft calls it the log matching property.

use broker::ids::BrokerId;

use super::{Context, Findings};
use crate::history::{BatchId, Before};

const NAME: &str = "log-matching";

pub(super) fn check(
    context: &Context<'_>,
    broker: BrokerId,
    (id, after): (BatchId, Before),
    findings: &mut Findings,
) {
    let batches = &context.partition.batches;
    let batch = batches.get(id);
    let (offset, epoch) = (batch.base_offset, batch.leader_epoch);
    if let Some(other) = batches.conflict(id) {
        let (here, there) = (batch.crc, batches.get(other).crc);
        findings.broke(NAME, context, Some(broker), || {
            format!(
                "two batches stand at offset {offset} in epoch {epoch}: {broker} has the one of \
                 CRC {here:08x}, another replica had the one of CRC {there:08x}"
            )
        });
    }
    let differs = match (batch.before, after) {
        (Before::Unknown, _) | (_, Before::Unknown) => false,
        (known, here) => known != here,
    };
    if differs {
        findings.broke(NAME, context, Some(broker), || {
            format!(
                "the batch at offset {offset} of epoch {epoch} stands on {broker} behind another \
                 batch than where it was first seen"
            )
        });
    }
}
