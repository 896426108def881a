//! What clients found, and what the white box knows of it.

use broker::ids::{Offset, TopicPartition};
use bytes::Bytes;

use super::{
    super::{
        copies::{FinalLog, copies},
        promise::{Promise, promise},
    },
    White,
};
use crate::{
    blackbox::{Anomaly, Finding, Inversion, Move},
    history::{Completion, RecordId, SendIndex, Step},
};

/// What a consumer was handed is not what any log has there.
const CHANGED: [&str; 2] = ["changed-record", "foreign-delivery"];
/// What is reported of a record that was promised and is gone.
const GONE: [&str; 6] =
    ["lost", "moved", "delivered-then-lost", "dirty-read", "misreported", "changed-record"];

/// Why the black box found it, if the white box knows; else what it knows instead.
pub(super) fn explain(white: &White<'_>, finding: &Finding) -> Result<(), String> {
    let place = Place { white, partition: &finding.partition };
    match &finding.anomaly {
        Anomaly::InconsistentOffsets { offset, values } => {
            values.iter().try_for_each(|value| place.standing(value, *offset).map(|_| ()))
        }
        Anomaly::Duplicate { value, offsets } => place.explain_duplicate(value, offsets),
        Anomaly::AbortedRead { value, offset: _ } => match place.send(value) {
            Some(send) if !white.names(send, &["misreported"]) => {
                Err("its send is not misreported".to_owned())
            }
            Some(_) | None => Ok(()),
        },
        Anomaly::LostWrite { value, .. }
        | Anomaly::Unseen { value, .. }
        | Anomaly::LostRead { value, .. } => place.explain_loss(value),
        Anomaly::PollSkip(step) | Anomaly::IntPollSkip(step) => place.explain_move(step, "gap"),
        Anomaly::NonmonotonicPoll(step) | Anomaly::IntNonmonotonicPoll(step) => {
            place.explain_move(step, "went-back")
        }
        Anomaly::NonmonotonicSend(pair) | Anomaly::IntNonmonotonicSend(pair) => {
            place.explain_inversion(pair)
        }
        Anomaly::IntSendSkip(_) => Ok(()),
    }
}

struct Place<'a> {
    white: &'a White<'a>,
    partition: &'a TopicPartition,
}

/// What became of a value that clients saw at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is there.
    Stands,
    /// It is not, and nothing that was promised is broken without being reported.
    Gone,
}

impl Place<'_> {
    fn send(&self, value: &Bytes) -> Option<SendIndex> {
        self.white.case.history.sends().of_value(value)
    }

    fn log(&self) -> Option<&FinalLog<'_>> {
        self.white.case.logs.iter().find(|log| log.partition.name == *self.partition)
    }

    fn standing(&self, value: &Bytes, offset: Offset) -> Result<Standing, String> {
        let changed = self.white.names_at(self.partition, offset, &CHANGED);
        // A warm-up bears no name, and stands in no account.
        if changed || RecordId::of_value(value).is_none() {
            return Ok(Standing::Gone);
        }
        let Some(index) = self.send(value) else {
            return Err(format!("nobody sent what was read at {offset}"));
        };
        let Some(log) = self.log() else { return Ok(Standing::Gone) };
        let send = self.white.case.history.sends().get(index);
        let mut all = copies(log.partition, send, index);
        all.retain(|copy| copy.offset == offset);
        let record = &send.record;
        if all.is_empty() {
            return Err(format!("no leader ever appended {record} at {offset}"));
        }
        if all.iter().any(|copy| log.holds(*copy)) {
            return Ok(Standing::Stands);
        }
        if offset < log.replica.log_start {
            return Ok(Standing::Gone);
        }
        for copy in all {
            match promise(log.partition, copy.batch) {
                Promise::None | Promise::Void { .. } => {}
                Promise::Kept => {
                    let leader = log.leader;
                    return Err(format!(
                        "the promise on {record} at {offset} holds, and {leader} lacks it"
                    ));
                }
                Promise::Broken { .. } => {
                    if !self.white.broke_invariants && !self.white.names(index, &GONE) {
                        return Err(format!("{record} at {offset} is gone, and not reported"));
                    }
                }
            }
        }
        Ok(Standing::Gone)
    }

    fn explain_duplicate(&self, value: &Bytes, offsets: &[Offset]) -> Result<(), String> {
        let mut stand = 0;
        for offset in offsets {
            stand += u64::from(self.standing(value, *offset)? == Standing::Stands);
        }
        let Some(send) = self.send(value) else { return Ok(()) };
        if 1 < stand && !self.white.names(send, &["duplicate"]) {
            return Err(format!("{stand} copies stand, and no duplicate is reported"));
        }
        Ok(())
    }

    fn explain_loss(&self, value: &Bytes) -> Result<(), String> {
        let (Some(index), Some(log)) = (self.send(value), self.log()) else { return Ok(()) };
        if self.white.names(index, &GONE) {
            return Ok(());
        }
        let send = self.white.case.history.sends().get(index);
        let copies = copies(log.partition, send, index);
        let acked = match send.completion {
            Some((_, Completion::Acked(offset))) => offset,
            Some((_, Completion::Failed(_) | Completion::Unknown(_))) | None => None,
        };
        let mut offsets = copies.iter().map(|copy| copy.offset).chain(acked);
        if offsets.any(|offset| offset < log.replica.log_start) {
            return Ok(());
        }
        match copies.iter().find(|copy| log.holds(**copy)) {
            Some(copy) if self.white.read_all => {
                Err(format!("it stands at {} on {}", copy.offset, log.leader))
            }
            Some(_) => Ok(()),
            None => Err("it is gone, and no loss is reported".to_owned()),
        }
    }

    /// A consumer goes otherwise than on and on only when its position was reset.
    fn explain_move(&self, step: &Move, kind: &str) -> Result<(), String> {
        if self.was_reset(step)
            || self.white.names_at(self.partition, step.to, &[kind])
            || self.white.names_at(self.partition, step.to, &CHANGED)
        {
            return Ok(());
        }
        Err(format!("its position was not reset, and no {kind} is reported"))
    }

    fn was_reset(&self, step: &Move) -> bool {
        let mut readers = self.white.case.history.deliveries().iter();
        let streams = readers.find(|(consumer, _)| **consumer == step.consumer);
        let stream = streams.and_then(|(_, streams)| streams.get(self.partition));
        let Some(stream) = stream else { return false };
        let mut deliveries = 0;
        let mut reset = false;
        for of_stream in &stream.steps {
            match of_stream {
                Step::Delivered(_) if deliveries == step.delivery => return reset,
                Step::Delivered(_) => {
                    deliveries += 1;
                    reset = false;
                }
                Step::Reset { .. } => reset = true,
                Step::Failed { .. } => {}
            }
        }
        false
    }

    fn explain_inversion(&self, pair: &Inversion) -> Result<(), String> {
        let Some(log) = self.log() else { return Ok(()) };
        for (value, offset) in [&pair.earlier, &pair.later] {
            let beyond = log.high_watermark <= *offset;
            if beyond || self.standing(value, *offset)? == Standing::Gone {
                return Ok(());
            }
        }
        let Some(earlier) = self.send(&pair.earlier.0) else { return Ok(()) };
        // A first copy that nobody has read yet may stand in its place.
        let send = self.white.case.history.sends().get(earlier);
        let only = self.white.read_all || copies(log.partition, send, earlier).len() < 2;
        if only && !self.white.names(earlier, &["reordered"]) {
            return Err("both stand there, and nothing reordered is reported".to_owned());
        }
        Ok(())
    }
}
