//! Nothing is deleted that was not committed: a log start never passes the replica's own high
//! watermark, nor a follower's the highest that any leader had.
//!
//! Rule V-delete of the contract, as far as offsets go. Whether time or size asked for it is left
//! to the tests of the log.

use broker::{
    host::event::{LogStartReason, PartitionEvent},
    ids::BrokerId,
};

use super::{Context, Findings};

pub(super) fn check(
    context: &Context<'_>,
    broker: Option<BrokerId>,
    event: &PartitionEvent,
    findings: &mut Findings,
) {
    let (Some(broker), PartitionEvent::LogStartMoved { to, reason, .. }) = (broker, event) else {
        return;
    };
    let own = context.partition.replica(broker).map(|replica| replica.high_watermark);
    let bound = match reason {
        LogStartReason::RetentionTime
        | LogStartReason::RetentionSize
        | LogStartReason::DeleteRecords => own.unwrap_or_default(),
        LogStartReason::Leader => context.partition.commitment.highest_ever(),
    };
    if bound < *to {
        findings.broke("lawful-deletion", context, Some(broker), || {
            format!("{broker} deleted up to offset {to}, above the high watermark {bound}")
        });
    }
}
