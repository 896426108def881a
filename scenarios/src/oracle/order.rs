//! Order: records of one producer on one partition stand as they were sent (contract 4.7).

use std::collections::{BTreeMap, BTreeSet};

use broker::ids::{ClientId, Offset, ProducerEpoch, ProducerId};

use super::{
    Case, Judgement,
    copies::{Allowed, FinalLog, Finding, anomaly},
};
use crate::history::{Batch, Completion, Send, SendIndex};

pub(super) fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    for log in &case.logs {
        judge_log(case, log, judgement);
    }
}

/// The record that was sent last of those seen so far.
#[derive(Clone, Copy)]
struct Latest {
    send: SendIndex,
    offset: Offset,
    stamp: Option<(ProducerId, ProducerEpoch)>,
}

/// Only the first copy of a record counts: further ones are duplicates.
fn judge_log(case: &Case<'_>, log: &FinalLog<'_>, judgement: &mut Judgement) {
    let mut seen = BTreeSet::new();
    let mut latest: BTreeMap<ClientId, Latest> = BTreeMap::new();
    for entry in log.replica.entries() {
        let batch = log.partition.batches.get(entry.batch);
        for (offset, index) in (batch.base_offset.0..).zip(&batch.records) {
            let Some(index) = index else { continue };
            let readable = log.replica.log_start.0 <= offset && offset < log.high_watermark.0;
            if !readable || !seen.insert(*index) {
                continue;
            }
            let send = case.history.sends().get(*index);
            let here = latest_of(*index, Offset(offset), batch);
            match latest.get_mut(&send.producer) {
                None => {
                    latest.insert(send.producer.clone(), here);
                }
                Some(before) if before.send < *index => *before = here,
                Some(before) => {
                    judgement.records.reordered += 1;
                    let finding = judge_inversion(case, (send, here), *before);
                    let record = Some(send.record.to_string());
                    let found = anomaly(log.partition, record, Some(here.offset), finding);
                    judgement.anomalies.push(found);
                }
            }
        }
    }
}

fn latest_of(send: SendIndex, offset: Offset, batch: &Batch) -> Latest {
    Latest { send, offset, stamp: batch.stamp.map(|stamp| (stamp.id, stamp.epoch)) }
}

fn judge_inversion<'a>(
    case: &Case<'_>,
    (send, here): (&Send, Latest),
    before: Latest,
) -> Finding<'a> {
    let other = case.history.sends().get(before.send);
    let own = format!(
        "stands at offset {}, behind {} at offset {}, which was sent later",
        here.offset, other.record, before.offset
    );
    let (rule, allowed, cause) = match (before.stamp, here.stamp) {
        (Some(first), Some(second)) => judge_idempotent(first, second),
        (None | Some(_), _) => judge_plain(case, send, other),
    };
    Finding { kind: "reordered", rule, allowed, own, cause: cause.to_owned() }
}

/// Within one epoch by sequence, always. A record that is written again under a later epoch may
/// stand behind what an earlier one wrote.
fn judge_idempotent(
    first: (ProducerId, ProducerEpoch),
    second: (ProducerId, ProducerEpoch),
) -> (&'static str, Allowed, &'static str) {
    if first < second {
        let cause = "it was written under a later producer epoch than the record before it";
        return ("order across epochs", Allowed::Yes, cause);
    }
    ("order with idempotence", Allowed::No, "an idempotent producer's records keep their order")
}

fn judge_plain(
    case: &Case<'_>,
    send: &Send,
    other: &Send,
) -> (&'static str, Allowed, &'static str) {
    let rules = case.config.producers.get(&send.producer).copied().unwrap_or_default();
    let retried = |send: &Send| 1 < send.attempts.len();
    let uncertain = |send: &Send| !matches!(send.completion, Some((_, Completion::Acked(_))));
    if rules.max_in_flight <= 1 {
        if uncertain(send) || uncertain(other) {
            return ("late request", Allowed::Yes, "a request that was given up arrived late");
        }
        return ("order with one in flight", Allowed::No, "only one request was in flight");
    }
    if retried(send) || retried(other) {
        let cause = "it was sent again while later ones were in flight, without idempotence";
        return ("retry with several in flight", Allowed::Yes, cause);
    }
    if uncertain(send) && over_other_connections(case, send, other) {
        let cause = "it was under way on a connection that was given up, and arrived after what \
                     was sent over the next one";
        return ("late request", Allowed::Yes, cause);
    }
    ("order without retry", Allowed::No, "neither record was sent again")
}

/// TCP keeps the order of requests within a connection only.
fn over_other_connections(case: &Case<'_>, send: &Send, other: &Send) -> bool {
    let way = |send: &Send| {
        let attempt = &case.history.sends().attempt(*send.attempts.first()?).attempt;
        Some((attempt.broker, attempt.connection))
    };
    matches!((way(send), way(other)), (Some(first), Some(second)) if first != second)
}
