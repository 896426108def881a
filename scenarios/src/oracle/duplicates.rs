//! Duplicates: more than one copy of a record on the final leader (contract 4.6).

use broker::ids::{BrokerId, ProducerId, Sequence};

use super::{
    Case, Judgement,
    classification::surely_not_appended,
    copies::{Allowed, CopyAt, FinalLog, Finding, anomaly, copies},
    promise::{Promise, promise},
};
use crate::history::{AttemptRecord, Batch, BatchId, ProducerStamp, Send, SendIndex, When};

/// Kafka's `OUT_OF_ORDER_SEQUENCE_NUMBER` and `UNKNOWN_PRODUCER_ID`.
const SEQUENCE_LOST: [i16; 2] = [45, 59];
/// How many batches of a producer a leader remembers (`ProducerStateEntry.NUM_BATCHES_TO_RETAIN`).
const WINDOW: usize = 5;

pub(super) fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    for (index, send) in case.history.sends().iter().filter(|(_, send)| 1 < send.copies.len()) {
        let Some(name) = &send.partition else { continue };
        let Some(log) = case.logs.iter().find(|log| log.partition.name == *name) else { continue };
        let mut shown = copies(log.partition, send, index);
        shown.retain(|copy| log.shows(*copy));
        shown.sort_by_key(|copy| copy.offset);
        for pair in shown.windows(2) {
            judgement.records.duplicates += 1;
            let pair = Pair { case, log, send, index, first: pair[0], again: pair[1] };
            let record = Some(send.record.to_string());
            let offset = Some(pair.again.offset);
            judgement.anomalies.push(anomaly(log.partition, record, offset, pair.finding()));
        }
    }
}

struct Pair<'a> {
    case: &'a Case<'a>,
    log: &'a FinalLog<'a>,
    send: &'a Send,
    index: SendIndex,
    first: CopyAt,
    again: CopyAt,
}

impl<'a> Pair<'a> {
    fn finding(&self) -> Finding<'a> {
        let (rule, allowed, cause) = self.judge();
        let own =
            format!("stands at offset {} and again at {}", self.first.offset, self.again.offset);
        Finding { kind: "duplicate", rule, allowed, own, cause }
    }

    fn judge(&self) -> (&'static str, Allowed, String) {
        match (self.stamp(self.first), self.stamp(self.again)) {
            (Some(first), Some(again)) if first == again => (
                "D1",
                Allowed::No,
                "both copies bear one producer id, epoch and sequence".to_owned(),
            ),
            (Some(first), Some(again)) => self.judge_bump(first.0, again.0),
            (None, None) => self.judge_attempts(),
            (Some(_), None) | (None, Some(_)) => {
                ("D1", Allowed::No, "one copy is of an idempotent producer, one is not".to_owned())
            }
        }
    }

    /// D2: without idempotence each copy must be of its own attempt.
    fn judge_attempts(&self) -> (&'static str, Allowed, String) {
        let attempts = (self.attempt(self.first), self.attempt(self.again));
        let (Some(first), Some(again)) = attempts else {
            return ("D2", Allowed::No, "a copy belongs to no attempt of its producer".to_owned());
        };
        let denied = [first, again].into_iter().any(|attempt| {
            attempt.outcome.is_some_and(|(_, outcome)| surely_not_appended(outcome))
        });
        if first.attempt.correlation == again.attempt.correlation {
            return ("D2", Allowed::No, "one attempt left two copies".to_owned());
        }
        if denied {
            let cause = "a broker appended it and answered that it had not".to_owned();
            return ("D2", Allowed::No, cause);
        }
        let end = first.outcome.map_or_else(
            || "had no answer".to_owned(),
            |(when, _)| format!("ended without success known at {when}"),
        );
        let to = first.attempt.broker;
        let cause =
            format!("sent again without idempotence, for the attempt before, to {to}, {end}");
        ("D2", Allowed::Yes, cause)
    }

    /// D3: the producer raised its epoch in between, for a reason that the contract knows.
    fn judge_bump(
        &self,
        first: ProducerStamp,
        again: ProducerStamp,
    ) -> (&'static str, Allowed, String) {
        let assignments = self.case.history.sends().assignments(&self.send.producer);
        let bump = assignments
            .iter()
            .find(|assigned| assigned.id == again.id && assigned.epoch == again.epoch);
        let reason = bump.and_then(|bump| bump.reason.as_deref());
        if let Some((refusal, broker)) = self.refusal(first) {
            if let Promise::Broken { why, .. } = promise(self.log.partition, self.first.batch) {
                return ("D3", Allowed::No, format!("the first copy was promised: {why}"));
            }
            return match self.state_gone(broker, first.id, refusal) {
                Some((rule, why)) => (rule, Allowed::Yes, format!("{broker} {why}")),
                None => (
                    "D3",
                    Allowed::No,
                    format!("{broker} had the batch in its window and refused its retry"),
                ),
            };
        }
        match (bump, reason) {
            (Some(bump), Some(reason)) => {
                let why = format!("its producer raised its epoch at {}: {reason}", bump.when);
                ("D3", Allowed::Yes, why)
            }
            (Some(_) | None, _) => {
                ("D3", Allowed::No, "its producer had no reason to raise its epoch".to_owned())
            }
        }
    }

    /// The attempt under the first copy's epoch that a leader refused for its sequence.
    fn refusal(&self, first: ProducerStamp) -> Option<(When, BrokerId)> {
        let sends = self.case.history.sends();
        self.send.attempts.iter().map(|index| sends.attempt(*index)).find_map(|attempt| {
            let refused = attempt.refusal().filter(|(_, error)| SEQUENCE_LOST.contains(error));
            let same = attempt.attempt.producer_epoch == Some(first.epoch);
            refused.filter(|_| same).map(|(when, _)| (when, attempt.attempt.broker))
        })
    }

    /// Why the leader's producer state lacked the batch when it refused its retry.
    fn state_gone(
        &self,
        broker: BrokerId,
        producer: ProducerId,
        when: When,
    ) -> Option<(&'static str, String)> {
        let partition = self.log.partition;
        let replica = partition.replica(broker)?;
        let offset = self.first.offset;
        if !replica.held(self.first.batch, self.first.base, when) {
            return Some(("D3b", format!("had lost offset {offset} with its log")));
        }
        if offset < replica.log_start {
            return Some(("D3d", format!("had deleted offset {offset}")));
        }
        let opened = replica.opened.iter().copied().rfind(|opened| *opened <= when);
        let behind = self.batches_behind(broker, producer, when);
        let (batch, base) = (self.first.batch, self.first.base);
        let since_opened = opened.is_some_and(|opened| replica.held(batch, base, opened));
        if since_opened && 0 < behind {
            let opened = opened.unwrap_or_default();
            let why = format!(
                "was opened at {opened} and remembers only the last batch of each producer, not \
                 the one at offset {offset}"
            );
            return Some(("D3a", why));
        }
        (WINDOW <= behind).then(|| {
            ("D3a", format!("remembers the last {WINDOW} batches, {behind} came after {offset}"))
        })
    }

    /// How many batches of the producer stood behind the first copy on that broker, then.
    fn batches_behind(&self, broker: BrokerId, producer: ProducerId, when: When) -> usize {
        let partition = self.log.partition;
        let Some(replica) = partition.replica(broker) else { return 0 };
        let behind = |id: BatchId| {
            let batch = partition.batches.get(id);
            let same = batch.stamp.is_some_and(|stamp| stamp.id == producer);
            same && self.first.base < batch.base_offset
        };
        let standing = replica.entries().iter().filter(|entry| entry.since <= when);
        let lost = replica.losses().iter();
        let lost = lost.filter(|loss| loss.since <= when && when < loss.until);
        standing
            .map(|entry| entry.batch)
            .chain(lost.map(|loss| loss.batch))
            .filter(|id| behind(*id))
            .count()
    }

    /// The producer's stamp on the record itself: its batch's, and its own sequence.
    fn stamp(&self, copy: CopyAt) -> Option<(ProducerStamp, Sequence)> {
        let batch = self.batch(copy);
        let place = batch.records.iter().position(|held| *held == Some(self.index))?;
        let stamp = batch.stamp?;
        let sequence = stamp.base_sequence.plus(i32::try_from(place).unwrap_or(0));
        Some((ProducerStamp { base_sequence: Sequence::ZERO, ..stamp }, sequence))
    }

    fn attempt(&self, copy: CopyAt) -> Option<&'a AttemptRecord> {
        let attempt = self.batch(copy).origin?.attempt?;
        Some(self.case.history.sends().attempt(attempt))
    }

    fn batch(&self, copy: CopyAt) -> &'a Batch {
        self.log.partition.batches.get(copy.batch)
    }
}
