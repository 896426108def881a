//! What producers tell their applications: `failed` means surely in no log (contract 4.4).

use broker::host::event::AttemptOutcome;

use super::{
    Case, Judgement,
    copies::{Allowed, Finding, anomaly, copies},
};
use crate::history::{Completion, PartitionHistory, Send, SendIndex};

/// The codes after which a broker has surely not appended: `CORRUPT_MESSAGE`, `MESSAGE_TOO_LARGE`,
/// `RECORD_LIST_TOO_LARGE`, `NOT_ENOUGH_REPLICAS`, `INVALID_REQUIRED_ACKS`, `INVALID_RECORD`.
const NOT_APPENDED: [i16; 6] = [2, 10, 18, 19, 21, 87];

pub(super) fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    for (index, send) in case.history.sends().iter() {
        let failed = matches!(send.completion, Some((_, Completion::Failed(_))));
        let name = send.partition.as_ref().filter(|_| failed);
        if let Some(partition) = name.and_then(|name| case.history.partition(name)) {
            judge_failed(case, partition, (index, send), judgement);
        }
    }
}

fn judge_failed(
    case: &Case<'_>,
    partition: &PartitionHistory,
    (index, send): (SendIndex, &Send),
    judgement: &mut Judgement,
) {
    let (offset, own) = if let Some(copy) = copies(partition, send, index).first() {
        let origin = partition.batches.get(copy.batch).origin;
        let by = origin.map_or_else(String::new, |o| format!(" by {} at {}", o.broker, o.when));
        (Some(copy.offset), format!("its producer reported it failed, but it was appended{by}"))
    } else if let Some(outcome) = doubtful(case, send) {
        (None, format!("its producer reported it failed, but an attempt ended with {outcome}"))
    } else {
        return;
    };
    let cause = "a send may be reported failed only if it surely is in no log".to_owned();
    let rule = "failed means not appended";
    let finding = Finding { kind: "misreported", rule, allowed: Allowed::No, own, cause };
    judgement.anomalies.push(anomaly(partition, Some(send.record.to_string()), offset, finding));
}

/// An attempt after which nobody can know.
fn doubtful(case: &Case<'_>, send: &Send) -> Option<String> {
    let sends = case.history.sends();
    send.attempts.iter().find_map(|index| match sends.attempt(*index).outcome {
        None => Some("no answer".to_owned()),
        Some((_, outcome)) => doubt(outcome),
    })
}

fn doubt(outcome: AttemptOutcome) -> Option<String> {
    match outcome {
        AttemptOutcome::Refused { error } if NOT_APPENDED.contains(&error) => None,
        AttemptOutcome::Refused { error } => {
            Some(broker::protocol::ErrorCode::from_code(error).name().to_owned())
        }
        AttemptOutcome::Succeeded { .. } => Some("success".to_owned()),
        AttemptOutcome::Disconnected => Some("a lost connection".to_owned()),
        AttemptOutcome::TimedOut => Some("no answer in time".to_owned()),
        AttemptOutcome::NoAnswerExpected => Some("no answer, as acks=0 asks".to_owned()),
    }
}

/// Whether an attempt was answered with a code that says that nothing was appended.
pub(super) fn surely_not_appended(outcome: AttemptOutcome) -> bool {
    match outcome {
        AttemptOutcome::Refused { error } => NOT_APPENDED.contains(&error),
        AttemptOutcome::Succeeded { .. }
        | AttemptOutcome::Disconnected
        | AttemptOutcome::TimedOut
        | AttemptOutcome::NoAnswerExpected => false,
    }
}
