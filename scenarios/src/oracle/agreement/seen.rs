//! What the white box reports, and whether clients found what they could of it.

use std::collections::{BTreeMap, BTreeSet};

use broker::ids::{ClientId, Offset, TopicPartition};
use reports::Anomaly as Reported;

use super::{super::Case, White, send_of};
use crate::{
    blackbox::{Anomaly, Findings},
    history::{Completion, PartitionHistory, SendIndex, Step},
};

/// What clients found, by what they found it of.
#[derive(Default)]
pub(super) struct Black {
    of_send: BTreeMap<SendIndex, BTreeSet<&'static str>>,
    moves: BTreeSet<(TopicPartition, Offset)>,
    inconsistent: BTreeSet<(TopicPartition, Offset)>,
    inverted: BTreeSet<(ClientId, TopicPartition)>,
}

impl Black {
    pub(super) fn new(case: &Case<'_>, clients: &Findings) -> Self {
        let mut black = Self::default();
        for finding in &clients.all {
            let partition = finding.partition.clone();
            match &finding.anomaly {
                Anomaly::InconsistentOffsets { offset, .. } => {
                    black.inconsistent.insert((partition, *offset));
                }
                Anomaly::Duplicate { value, .. }
                | Anomaly::AbortedRead { value, .. }
                | Anomaly::LostWrite { value, .. }
                | Anomaly::Unseen { value, .. }
                | Anomaly::LostRead { value, .. } => {
                    if let Some(send) = case.history.sends().of_value(value) {
                        black.of_send.entry(send).or_default().insert(finding.anomaly.name());
                    }
                }
                Anomaly::PollSkip(step)
                | Anomaly::IntPollSkip(step)
                | Anomaly::NonmonotonicPoll(step)
                | Anomaly::IntNonmonotonicPoll(step) => {
                    black.moves.insert((partition, step.to));
                }
                Anomaly::NonmonotonicSend(pair) | Anomaly::IntNonmonotonicSend(pair) => {
                    black.inverted.insert((pair.producer.clone(), partition));
                }
                Anomaly::IntSendSkip(_) => {}
            }
        }
        black
    }

    fn found(&self, send: SendIndex, names: &[&str]) -> bool {
        let found = self.of_send.get(&send);
        found.is_some_and(|found| names.iter().any(|name| found.contains(name)))
    }
}

/// Whether clients found it too, or could not.
pub(super) fn is_seen(
    white: &White<'_>,
    black: &Black,
    partition: &TopicPartition,
    reported: &Reported,
) -> bool {
    let Some(history) = white.case.history.partition(partition) else { return true };
    let send = send_of(white.case, reported);
    let found = |names: &[&str]| send.is_none_or(|send| black.found(send, names));
    let offset = reported.offset.map(|offset| (partition.clone(), Offset(offset)));
    let inconsistent = || offset.as_ref().is_some_and(|at| black.inconsistent.contains(at));
    match reported.kind.as_str() {
        "lost" => {
            !send.is_some_and(|send| is_acked(white, send))
                || found(&["lost-write", "unseen", "lost-read"])
        }
        "duplicate" | "moved" => found(&["duplicate"]),
        "reordered" => send.is_none_or(|send| {
            let producer = white.case.history.sends().get(send).producer.clone();
            black.inverted.contains(&(producer, partition.clone()))
        }),
        "delivered-then-lost" => {
            // Sent again, it may have come to stand at the same place in another batch.
            let same = |at: Offset| reported.offset == Some(at.0);
            send.is_some_and(|send| shown(white, history, send, same))
                || found(&["lost-read", "duplicate"])
                || inconsistent()
        }
        "gap" | "went-back" => {
            offset.as_ref().is_none_or(|at| black.moves.contains(at) || follows_reset(white, at))
        }
        "misreported" => {
            !send.is_some_and(|send| shown(white, history, send, |_| true))
                || found(&["aborted-read"])
        }
        "changed-record" => {
            let other = |at: Offset| reported.offset != Some(at.0);
            let elsewhere = send.is_none_or(|send| shown(white, history, send, other));
            !elsewhere || inconsistent() || found(&["duplicate"])
        }
        // Nothing of these can be seen from outside.
        _ => true,
    }
}

fn is_acked(white: &White<'_>, send: SendIndex) -> bool {
    let told = white.case.history.sends().get(send).completion;
    matches!(told, Some((_, Completion::Acked(_))))
}

/// Whether the last reader can meet a copy of the record at such an offset.
fn shown(
    white: &White<'_>,
    partition: &PartitionHistory,
    index: SendIndex,
    such: impl Fn(Offset) -> bool,
) -> bool {
    let logs = &white.case.logs;
    let Some(log) = logs.iter().find(|log| log.partition.name == partition.name) else {
        return false;
    };
    let send = white.case.history.sends().get(index);
    let copies = super::super::copies::copies(partition, send, index);
    copies.iter().any(|copy| such(copy.offset) && log.shows(*copy))
}

/// Whether a delivery there came right after a reset: clients do not compare over one.
fn follows_reset(white: &White<'_>, (partition, offset): &(TopicPartition, Offset)) -> bool {
    let streams = white.case.history.deliveries().iter();
    let mut streams = streams.filter_map(|(_, streams)| streams.get(partition));
    streams.any(|stream| {
        stream.steps.windows(2).any(|pair| match pair {
            [Step::Reset { .. }, Step::Delivered(delivered)] => delivered.offset == *offset,
            _ => false,
        })
    })
}
