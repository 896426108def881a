//! Deliveries: consumers see only what was committed, and never see it change (contract 4.8).

use std::collections::BTreeSet;

use broker::ids::{ClientId, Offset};
use reports::ConsumerCounts;

use super::{
    Case, Judgement,
    copies::{Allowed, FinalLog, Finding, anomaly},
    promise::{Promise, promise},
};
use crate::history::{Completion, Delivered, PartitionHistory, SendIndex, Step, Stream};

pub(super) fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    for (consumer, streams) in case.history.deliveries().iter() {
        let fresh = case.read.fresh_consumers.contains(consumer);
        let mut counts = ConsumerCounts::default();
        for (name, stream) in streams {
            let Some(partition) = case.history.partition(name) else { continue };
            let log = case.logs.iter().find(|log| log.partition.name == *name);
            let reader = Reader { case, consumer, partition, log };
            reader.judge(stream, &mut counts, judgement);
        }
        if !fresh {
            judgement.consumers.insert(consumer.to_string(), counts);
        }
    }
    judge_fresh_reads(case, judgement);
}

struct Reader<'a> {
    case: &'a Case<'a>,
    consumer: &'a ClientId,
    partition: &'a PartitionHistory,
    log: Option<&'a FinalLog<'a>>,
}

impl Reader<'_> {
    fn judge(&self, stream: &Stream, counts: &mut ConsumerCounts, judgement: &mut Judgement) {
        let mut seen = BTreeSet::new();
        let mut next: Option<Offset> = None;
        let mut first_reset = true;
        for step in &stream.steps {
            match step {
                Step::Delivered(delivered) => {
                    counts.delivered += 1;
                    let again = delivered.send.is_some_and(|send| !seen.insert(send));
                    counts.repeated += u64::from(again);
                    self.judge_gap(next, delivered, judgement);
                    self.judge_delivery(delivered, judgement);
                    next = Some(delivered.offset.next());
                }
                Step::Reset { to, .. } => {
                    counts.resets += u64::from(!first_reset);
                    first_reset = false;
                    next = Some(*to);
                }
                Step::Failed { .. } => {}
            }
        }
        counts.missed += self.missed(&seen, next);
    }

    /// What stands in the final log below the consumer's position and was never handed to it.
    fn missed(&self, seen: &BTreeSet<SendIndex>, next: Option<Offset>) -> u64 {
        let (Some(log), Some(next)) = (self.log, next) else { return 0 };
        let below = log.replica.entries().iter().take_while(|entry| entry.base < next);
        let sends = below.flat_map(|entry| {
            let batch = self.partition.batches.get(entry.batch);
            (batch.base_offset.0..).zip(&batch.records)
        });
        let start = log.replica.log_start.0;
        let missed = sends.filter(|(offset, send)| {
            let unseen = send.is_some_and(|send| !seen.contains(&send));
            unseen && start <= *offset && *offset < next.0
        });
        missed.count() as u64
    }

    fn judge_delivery(&self, delivered: &Delivered, judgement: &mut Judgement) {
        let offset = delivered.offset;
        let id = self.partition.batches.holding(offset, delivered.leader_epoch);
        let Some(id) = id else {
            let cause = "no leader ever appended a record there in that epoch";
            self.found(delivered, ("foreign-delivery", "deliveries"), cause.to_owned(), judgement);
            return;
        };
        let batch = self.partition.batches.get(id);
        let place = usize::try_from(offset.since(batch.base_offset)).unwrap_or(0);
        let record = batch.records.get(place).copied().flatten();
        if record != delivered.send {
            let cause = "the log has another record there".to_owned();
            self.found(delivered, ("changed-record", "deliveries"), cause, judgement);
        }
        if batch.committed.is_some_and(|commit| commit.when <= delivered.when) {
            self.judge_promise(delivered, id, judgement);
        } else {
            let broker = delivered.broker;
            let cause = format!("{broker} served it before any high watermark had passed it");
            self.found(delivered, ("dirty-read", "deliveries"), cause, judgement);
        }
        let failed = delivered.send.map(|send| self.case.history.sends().get(send).completion);
        if let Some(Some((_, Completion::Failed(_)))) = failed {
            let cause = "its producer was told that it surely is in no log".to_owned();
            self.found(delivered, ("misreported", "deliveries"), cause, judgement);
        }
    }

    /// What was delivered must stand in the final log, unless its promise is void.
    fn judge_promise(
        &self,
        delivered: &Delivered,
        id: crate::history::BatchId,
        judgement: &mut Judgement,
    ) {
        let Some(log) = self.log else { return };
        let base = self.partition.batches.get(id).base_offset;
        if delivered.offset < log.replica.log_start || log.replica.holds(id, base) {
            return;
        }
        let why = match promise(self.partition, id) {
            Promise::None | Promise::Void { .. } => return,
            Promise::Kept => format!("{} leads without it", log.leader),
            Promise::Broken { why, .. } => why,
        };
        self.found(delivered, ("delivered-then-lost", "committed"), why, judgement);
    }

    /// Nothing that was committed before may be passed over, and nothing read again unless the
    /// position was reset.
    fn judge_gap(&self, next: Option<Offset>, delivered: &Delivered, judgement: &mut Judgement) {
        let Some(next) = next else { return };
        if delivered.offset < next {
            let cause = format!("the consumer stood at {next}, and nothing reset it");
            self.found(delivered, ("went-back", "deliveries"), cause, judgement);
        }
        let Some(log) = self.log else { return };
        if delivered.offset <= next || next < log.replica.log_start {
            return;
        }
        let skipped = log.replica.at(next).map(|entry| self.partition.batches.get(entry.batch));
        let committed = skipped.and_then(|batch| batch.committed);
        if committed.is_some_and(|commit| commit.when <= delivered.when) {
            let cause = format!("the offsets from {next} on were passed over");
            self.found(delivered, ("gap", "deliveries"), cause, judgement);
        }
    }

    fn found(
        &self,
        delivered: &Delivered,
        (kind, rule): (&'static str, &'static str),
        cause: String,
        judgement: &mut Judgement,
    ) {
        let record =
            delivered.send.map(|send| self.case.history.sends().get(send).record.to_string());
        let Delivered { when, leader_epoch, broker, .. } = delivered;
        let own =
            format!("delivered to {} at {when} by {broker} (epoch {leader_epoch})", self.consumer);
        let finding = Finding { kind, rule, allowed: Allowed::No, own, cause };
        judgement.anomalies.push(anomaly(self.partition, record, Some(delivered.offset), finding));
    }
}

/// A fresh consumer reads exactly what stands in the final leader's log.
fn judge_fresh_reads(case: &Case<'_>, judgement: &mut Judgement) {
    for log in &case.logs {
        let Some(read) = case.read.fresh.get(&log.partition.name) else { continue };
        let stored = log.replica.entries().iter().flat_map(|entry| {
            let batch = log.partition.batches.get(entry.batch);
            (batch.base_offset.0..).map(Offset).zip(batch.records.iter().copied())
        });
        let (start, end) = (log.replica.log_start, log.high_watermark);
        let stored = stored.filter(|(offset, _)| start <= *offset && *offset < end);
        let sends = case.history.sends();
        let read = read.iter().map(|(offset, value)| (*offset, sends.of_value(value)));
        let mut read = read.fuse();
        let differs = stored.map(Some).chain([None]).find(|stored| read.next() != *stored);
        if let Some(stored) = differs {
            let offset = stored.map(|(offset, _)| offset);
            let finding = Finding {
                kind: "fresh-read-differs",
                rule: "deliveries",
                allowed: Allowed::No,
                own: "a fresh consumer reads otherwise than the log stands".to_owned(),
                cause: format!("from {} on {}", offset.unwrap_or(end), log.leader),
            };
            judgement.anomalies.push(anomaly(log.partition, None, offset, finding));
        }
    }
}
