//! KIP-966: a leader commits nothing while fewer than `min.insync.replicas` are in the ISR that it
//! knows committed.
//!
//! Rule 4.5 of the contract; earlier protocols do not promise it.

use broker::{
    host::event::{HighWatermarkMoved, PartitionEvent, Role},
    ids::BrokerId,
};

use super::{Context, Findings};
use crate::history::{Fact, Promised};

pub(super) fn check(
    context: &Context<'_>,
    broker: Option<BrokerId>,
    event: &PartitionEvent,
    findings: &mut Findings,
) {
    let (
        Some(leader),
        PartitionEvent::HighWatermarkMoved(HighWatermarkMoved { role: Role::Leader, to, .. }),
        Promised::UntilUncleanEnds,
    ) = (broker, event, context.partition.promised)
    else {
        return;
    };
    // A restarted leader tells a high watermark that it had before: it commits nothing anew.
    let commits = context.history.facts().iter().any(|fact| matches!(fact, Fact::Committed { .. }));
    let Some(record) = context.partition.metadata.current().filter(|_| commits) else { return };
    let view = context.partition.replica(leader).map_or(0, |replica| replica.isr_view.len());
    let minimum = usize::try_from(record.min_insync_replicas).unwrap_or(usize::MAX);
    if view < minimum {
        findings.broke("hw-below-min-isr", context, Some(leader), || {
            format!(
                "{leader} commits up to offset {to} with {view} in the ISR, fewer than {minimum}"
            )
        });
    }
}
