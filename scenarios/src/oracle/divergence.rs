//! Divergence: at the end all running replicas agree below their high watermarks (contract 4.9).

use broker::ids::{BrokerId, Offset};

use super::{
    Case, Judgement, Recovery,
    copies::{Allowed, FinalLog, Finding, anomaly},
};
use crate::history::Replica;

pub(super) fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    for log in &case.logs {
        for (broker, replica) in &log.partition.replicas {
            let bytes = case.read.replicas.get(&(log.partition.name.clone(), *broker));
            // Who does not run has not reconciled yet.
            let Some(high_watermark) = bytes.and_then(|bytes| bytes.high_watermark) else {
                continue;
            };
            if *broker != log.leader && !waits_to_reconcile(case, log, replica) {
                compare(log, (*broker, replica, high_watermark), judgement);
            }
        }
    }
}

/// Where the cluster did not recover, a replica may still have what is void.
fn waits_to_reconcile(case: &Case<'_>, log: &FinalLog<'_>, replica: &Replica) -> bool {
    let epoch = log.partition.metadata.current().map(|record| record.leader_epoch);
    let void = !log.partition.commitment.voids().is_empty();
    void && case.config.recovery != Recovery::Reached && replica.reconciled != epoch
}

fn compare(
    log: &FinalLog<'_>,
    (broker, replica, high_watermark): (BrokerId, &Replica, Offset),
    judgement: &mut Judgement,
) {
    let from = log.replica.log_start.max(replica.log_start);
    let to = log.high_watermark.min(high_watermark);
    let within = replica.entries().iter().filter(|entry| from <= entry.base && entry.base < to);
    let differs: Vec<Offset> = within
        .filter(|entry| !log.replica.holds(entry.batch, entry.base))
        .map(|entry| entry.base)
        .collect();
    let short = replica.log_end_offset() < to;
    let Some(first) = differs.first().copied().or(short.then(|| replica.log_end_offset())) else {
        return;
    };
    let finding = Finding {
        kind: "diverged",
        rule: "log matching",
        allowed: Allowed::No,
        own: String::new(),
        cause: format!(
            "{broker} and the leader {} differ from offset {first} on in {} batches below both \
             high watermarks",
            log.leader,
            differs.len().max(1)
        ),
    };
    judgement.anomalies.push(anomaly(log.partition, None, Some(first), finding));
}
