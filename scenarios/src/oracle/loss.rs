//! Losses: records that cannot be read from the final leader (contract 4.4).

use broker::ids::{BrokerId, LeaderEpoch, Offset};

use super::{
    Case, Judgement,
    copies::{Allowed, CopyAt, FinalLog, Finding, anomaly, copies},
    promise::{Promise, promise},
    sentences,
};
use crate::history::{
    AttemptRecord, Completion, Excuse, Loss, PartitionHistory, Send, SendIndex, When, Why,
};

pub(super) fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    for (index, send) in case.history.sends().iter() {
        let Some(name) = &send.partition else {
            judgement.records.lost += 1;
            continue;
        };
        // A deleted topic's records are not lost (V-delete); without a leader nobody can say.
        if let Some(log) = case.logs.iter().find(|log| log.partition.name == *name) {
            judge_send(case, log, (index, send), judgement);
        }
    }
}

fn judge_send(
    case: &Case<'_>,
    log: &FinalLog<'_>,
    (index, send): (SendIndex, &Send),
    judgement: &mut Judgement,
) {
    let copies = copies(log.partition, send, index);
    if copies.iter().any(|copy| log.holds(*copy)) {
        judge_moved(log, send, &copies, judgement);
        return;
    }
    if deleted(log, send, &copies) {
        return;
    }
    let acked = is_acked(send);
    let stranded = copies.iter().any(|copy| stands_anywhere(log.partition, *copy));
    judgement.records.lost += 1;
    judgement.records.acked_lost += u64::from(acked);
    judgement.records.stranded += u64::from(stranded);
    let acks = acks_of(case, send);
    let committed = copies.iter().any(|copy| committed(log, *copy));
    let unconfirmed = acks == 0 && matches!(send.completion, Some((_, Completion::Unknown(_))));
    if acked || committed || unconfirmed {
        let lost = Lost { case, log, send, copies: &copies, acks };
        let offset = acked_offset(send).or(copies.last().map(|copy| copy.offset));
        let record = Some(send.record.to_string());
        judgement.anomalies.push(anomaly(log.partition, record, offset, lost.finding()));
    }
}

/// The copy that was acknowledged is gone, and another one stands elsewhere.
fn judge_moved(log: &FinalLog<'_>, send: &Send, copies: &[CopyAt], judgement: &mut Judgement) {
    let Some(acked) = acked_offset(send) else { return };
    if acked < log.replica.log_start {
        return;
    }
    let at_acked = || copies.iter().filter(|copy| copy.offset == acked);
    if at_acked().any(|copy| log.holds(*copy)) {
        return;
    }
    for copy in at_acked() {
        if let Promise::Broken { why, .. } = promise(log.partition, copy.batch) {
            let finding = Finding {
                kind: "moved",
                rule: "committed",
                allowed: Allowed::No,
                own: format!("acked at offset {acked}, and can be read at another one only"),
                cause: why,
            };
            let record = Some(send.record.to_string());
            judgement.anomalies.push(anomaly(log.partition, record, Some(acked), finding));
            return;
        }
    }
}

struct Lost<'a> {
    case: &'a Case<'a>,
    log: &'a FinalLog<'a>,
    send: &'a Send,
    copies: &'a [CopyAt],
    acks: i16,
}

impl<'a> Lost<'a> {
    fn finding(&self) -> Finding<'a> {
        let own = self.own();
        let found = |rule, allowed, cause| Finding { kind: "lost", rule, allowed, own, cause };
        if self.copies.iter().any(|copy| committed(self.log, *copy)) {
            let (rule, allowed, cause) = self.judge_committed();
            return found(rule, allowed, cause);
        }
        match self.acks {
            0 => {
                let (rule, allowed, cause) = self.judge_unconfirmed();
                found(rule, allowed, cause)
            }
            1 => {
                let (rule, allowed, cause) = self.judge_uncommitted("uncommitted acks=1");
                found(rule, allowed, cause)
            }
            _ => found(
                "acked too early",
                Allowed::No,
                format!("acked with acks=all, but no high watermark passed it: {}", self.gone()),
            ),
        }
    }

    /// The promise on each committed copy must be void; the latest names the rule.
    fn judge_committed(&self) -> (&'static str, Allowed, String) {
        let mut last = None;
        for copy in self.copies {
            match promise(self.log.partition, copy.batch) {
                Promise::None => {}
                Promise::Void { rule, why, .. } => last = Some((rule, Allowed::Yes, why)),
                Promise::Broken { why, .. } => return ("committed", Allowed::No, why),
                Promise::Kept => return ("committed", Allowed::No, self.gone()),
            }
        }
        last.unwrap_or_else(|| ("committed", Allowed::No, self.gone()))
    }

    /// Every copy must have been cut under a later leader, or lost by a disk, or have gone with a
    /// replica that was moved away while a later leader led.
    fn judge_uncommitted(&self, rule: &'static str) -> (&'static str, Allowed, String) {
        let explained = |copy: &CopyAt| {
            let epoch = self.log.partition.batches.get(copy.batch).leader_epoch;
            last_losses(self.log.partition, *copy).all(|(broker, loss)| match loss.why {
                Why::Truncated { leader_epoch, .. } => epoch < leader_epoch,
                Why::RecoveryCut { excuse, .. } => excuse == Excuse::Disk,
                Why::Wipe => true,
                Why::Removed => was_moved_away(self.log.partition, broker, loss, epoch),
            })
        };
        if !self.copies.is_empty() && self.copies.iter().all(explained) {
            return (rule, Allowed::Yes, self.gone());
        }
        ("vanished", Allowed::No, self.gone())
    }

    /// acks=0: a record that no leader appended must have met a failure on its way.
    fn judge_unconfirmed(&self) -> (&'static str, Allowed, String) {
        let rule = "uncommitted acks=0";
        if !self.copies.is_empty() {
            return self.judge_uncommitted(rule);
        }
        match self.met_on_its_way() {
            Some(cause) => (rule, Allowed::Yes, cause),
            None => ("vanished", Allowed::No, "no leader appended it, and nothing failed".into()),
        }
    }

    fn met_on_its_way(&self) -> Option<String> {
        let Some(attempt) = self.attempts().last() else {
            return Some("it never left its producer".to_owned());
        };
        let broker = attempt.attempt.broker;
        let lives = self.case.history.incarnations();
        let stopped = lives.iter().filter(|life| life.broker == broker).find_map(|life| {
            let (ended, _) = life.ended?;
            (attempt.when <= ended).then_some(ended)
        });
        let down = !lives.iter().any(|life| {
            let ended = life.ended.map_or(When::NEVER, |(ended, _)| ended);
            life.broker == broker && life.started <= attempt.when && attempt.when < ended
        });
        if down {
            return Some(format!("{broker} did not run when it was sent there"));
        }
        if let Some(error) = attempt.answered.filter(|error| *error != 0) {
            let name = broker::protocol::ErrorCode::from_code(error).name();
            return Some(format!(
                "{broker} refused it with {name}, and with acks=0 nobody is told"
            ));
        }
        if let Some(ended) = stopped {
            return Some(format!("{broker} stopped at {ended} before it had read it"));
        }
        let cut = self.case.config.network_faults == super::NetworkFaults::Some;
        cut.then(|| format!("its connection to {broker} was broken by a fault"))
    }

    fn attempts(&self) -> impl Iterator<Item = &'a AttemptRecord> {
        let sends = self.case.history.sends();
        self.send.attempts.iter().map(|index| sends.attempt(*index))
    }

    /// `acked at 3.214 s by broker-1 (epoch 0, offset 51) with acks=1, never below a high …`
    fn own(&self) -> String {
        let acks = sentences::acks(self.acks);
        let told = match self.send.completion {
            Some((when, Completion::Acked(_))) => format!("acked at {when}"),
            Some((_, Completion::Unknown(_) | Completion::Failed(_))) | None => {
                format!("sent at {}", self.send.when)
            }
        };
        let Some(copy) = self.copies.last() else { return format!("{told} with {acks}") };
        let batch = self.log.partition.batches.get(copy.batch);
        let by = batch.origin.map_or_else(String::new, |origin| format!(" by {}", origin.broker));
        let (epoch, offset) = (batch.leader_epoch, copy.offset);
        let committed = match batch.committed {
            None => "never below a high watermark".to_owned(),
            Some(commit) => {
                format!("committed at {} by {}", commit.when, commit.broker)
            }
        };
        format!("{told}{by} (epoch {epoch}, offset {offset}) with {acks}, {committed}")
    }

    /// Where the last copy went: the log of the leader that appended it, if that lost it.
    fn gone(&self) -> String {
        let partition = self.log.partition;
        let Some(copy) = self.copies.last() else { return "no leader appended it".to_owned() };
        let origin = partition.batches.get(copy.batch).origin.map(|origin| origin.broker);
        let losses: Vec<_> = last_losses(partition, *copy).collect();
        let own = losses.iter().find(|(broker, _)| Some(*broker) == origin);
        if let Some((broker, loss)) = own.or(losses.last()) {
            return sentences::taken(*broker, loss);
        }
        let standing = partition.replicas.iter().find(|(_, r)| r.holds(copy.batch, copy.base));
        match standing {
            Some((broker, _)) => {
                format!("only {broker} still has it, and {} leads without it", self.log.leader)
            }
            None => "no replica has it".to_owned(),
        }
    }
}

/// The losses of a copy that were not made good by copying it again.
fn last_losses(
    partition: &PartitionHistory,
    copy: CopyAt,
) -> impl Iterator<Item = (BrokerId, &Loss)> {
    partition.replicas.iter().filter(move |(_, r)| !r.holds(copy.batch, copy.base)).filter_map(
        move |(broker, replica)| Some((*broker, replica.last_loss(copy.batch, When::NEVER)?)),
    )
}

/// Whether a broker that removed its replica had been told to by then: the controller had given the
/// partition to others, under a leader epoch later than the batch's.
fn was_moved_away(
    partition: &PartitionHistory,
    broker: BrokerId,
    loss: &Loss,
    epoch: LeaderEpoch,
) -> bool {
    let by_then = partition.metadata.changes().iter().filter(|change| change.when <= loss.until);
    by_then
        .map(|change| &change.record)
        .any(|record| epoch < record.leader_epoch && !record.replicas.contains(&broker))
}

fn committed(log: &FinalLog<'_>, copy: CopyAt) -> bool {
    log.partition.batches.get(copy.batch).committed.is_some()
}

fn stands_anywhere(partition: &PartitionHistory, copy: CopyAt) -> bool {
    partition.replicas.values().any(|replica| replica.holds(copy.batch, copy.base))
}

/// V-delete: it was acknowledged or appended below what is now the log start.
fn deleted(log: &FinalLog<'_>, send: &Send, copies: &[CopyAt]) -> bool {
    let below = |offset: Offset| offset < log.replica.log_start;
    match acked_offset(send) {
        Some(offset) => below(offset),
        None => copies.iter().any(|copy| below(copy.offset)),
    }
}

fn is_acked(send: &Send) -> bool {
    matches!(send.completion, Some((_, Completion::Acked(_))))
}

fn acked_offset(send: &Send) -> Option<Offset> {
    match send.completion {
        Some((_, Completion::Acked(offset))) => offset,
        Some((_, Completion::Failed(_) | Completion::Unknown(_))) | None => None,
    }
}

/// The acks that a send asked for.
pub(super) fn acks_of(case: &Case<'_>, send: &Send) -> i16 {
    let sends = case.history.sends();
    let tried = send.attempts.last().map(|index| sends.attempt(*index).attempt.acks);
    tried.unwrap_or_else(|| {
        case.config.producers.get(&send.producer).copied().unwrap_or_default().acks
    })
}
