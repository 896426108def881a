//! A broker answers acks=all with success only when the record itself is committed there, with at
//! least `min.insync.replicas` in the ISR; and `NOT_ENOUGH_REPLICAS` only when it appended nothing.
//!
//! Rule 4.3 of the contract, before the clients' word is asked.

use broker::{
    host::event::{PartitionEvent, ProduceAnswered},
    ids::{BrokerId, Offset},
};

use super::{Context, Findings};
use crate::history::Batch;

const NAME: &str = "acked-too-early";
const NOT_ENOUGH_REPLICAS: i16 = 19;
const ACKS_ALL: i16 = -1;

pub(super) fn check(
    context: &Context<'_>,
    broker: Option<BrokerId>,
    event: &PartitionEvent,
    findings: &mut Findings,
) {
    let (Some(broker), PartitionEvent::ProduceAnswered(answered)) = (broker, event) else { return };
    if answered.acks == ACKS_ALL && answered.error == 0 {
        check_success(context, broker, answered, findings);
    }
    if answered.error == NOT_ENOUGH_REPLICAS {
        check_refusal(context, broker, answered, findings);
    }
}

fn check_success(
    context: &Context<'_>,
    broker: BrokerId,
    answered: &ProduceAnswered,
    findings: &mut Findings,
) {
    let (isr, minimum) = (answered.isr_size, answered.min_insync_replicas);
    if isr < minimum {
        findings.broke(NAME, context, Some(broker), || {
            format!("{broker} acknowledged acks=all with {isr} in the ISR, fewer than {minimum}")
        });
    }
    let Some(base) = answered.base_offset else { return };
    let last = answered.last_offset.unwrap_or(base);
    if answered.high_watermark <= last {
        findings.broke(NAME, context, Some(broker), || {
            let high_watermark = answered.high_watermark;
            format!(
                "{broker} acknowledged acks=all at offset {last} with the high watermark \
                 {high_watermark}"
            )
        });
    }
    let entry = context.partition.replica(broker).and_then(|replica| replica.at(base));
    let at_log_start = context.partition.replica(broker).is_some_and(|r| base < r.log_start);
    if entry.is_none() && !at_log_start {
        findings.broke(NAME, context, Some(broker), || {
            format!("{broker} acknowledged acks=all at offset {base}, where its log has nothing")
        });
    }
    if let Some(entry) = entry {
        let batch = context.partition.batches.get(entry.batch);
        check_identity(context, broker, (answered, base, batch), findings);
    }
}

/// What stands at the acknowledged offset is what the request carried.
fn check_identity(
    context: &Context<'_>,
    broker: BrokerId,
    (answered, base, batch): (&ProduceAnswered, Offset, &Batch),
    findings: &mut Findings,
) {
    let (request, sends) = (&answered.request, context.history.sends());
    let attempt = sends.find_attempt(&request.client, request.correlation, &answered.partition);
    let carried = attempt.and_then(|index| sends.attempt(index).sends.first());
    let place = usize::try_from(base.since(batch.base_offset)).unwrap_or(usize::MAX);
    let stands = batch.records.get(place);
    if let (Some(carried), Some(stands)) = (carried, stands)
        && *stands != Some(*carried)
    {
        let record = &sends.get(*carried).record;
        findings.broke(NAME, context, Some(broker), || {
            format!("{broker} acknowledged {record} at offset {base}, where another record stands")
        });
    }
}

fn check_refusal(
    context: &Context<'_>,
    broker: BrokerId,
    answered: &ProduceAnswered,
    findings: &mut Findings,
) {
    let request = &answered.request;
    let sends = context.history.sends();
    let attempt = sends.find_attempt(&request.client, request.correlation, &answered.partition);
    let appended = attempt.and_then(|index| sends.attempt(index).appended);
    if let Some(batch) = appended {
        let base = context.partition.batches.get(batch).base_offset;
        findings.broke(NAME, context, Some(broker), || {
            format!(
                "{broker} answered NOT_ENOUGH_REPLICAS, but it had appended the batch at offset \
                 {base}"
            )
        });
    }
}
