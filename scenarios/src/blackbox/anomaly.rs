//! What the black-box oracle finds, in words and in data.

use std::fmt;

use broker::ids::{ClientId, Offset, TopicPartition};
use bytes::Bytes;

/// An anomaly of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The partition.
    pub partition: TopicPartition,
    /// What is wrong with it.
    pub anomaly: Anomaly,
}

/// An anomaly, as Jepsen names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anomaly {
    /// One offset bears several values.
    InconsistentOffsets {
        /// The offset.
        offset: Offset,
        /// The values, at least two.
        values: Vec<Bytes>,
    },
    /// One value stands at several offsets.
    Duplicate {
        /// The value.
        value: Bytes,
        /// The offsets, at least two, in order.
        offsets: Vec<Offset>,
    },
    /// A consumer was handed a value whose send surely failed.
    AbortedRead {
        /// The value.
        value: Bytes,
        /// Where it stands first.
        offset: Offset,
    },
    /// An acked value was never read, although one behind it was.
    LostWrite {
        /// The value.
        value: Bytes,
        /// Where it was acked.
        offset: Offset,
    },
    /// An acked value was never read by the end, and nothing behind it was.
    Unseen {
        /// The value.
        value: Bytes,
        /// Where it was acked, if the broker said it.
        offset: Option<Offset>,
    },
    /// A value was read, and the last reader has not met it.
    LostRead {
        /// The value.
        value: Bytes,
        /// Where it was read.
        offset: Offset,
    },
    /// Offsets were passed over between two polls.
    PollSkip(Move),
    /// Offsets were passed over inside a poll.
    IntPollSkip(Move),
    /// A poll went back behind the one before it, or repeated its end.
    NonmonotonicPoll(Move),
    /// A poll went back, or repeated an offset, inside itself.
    IntNonmonotonicPoll(Move),
    /// Values of different operations stand in another order than they were sent.
    NonmonotonicSend(Inversion),
    /// Values of one operation stand in another order than they were sent.
    IntNonmonotonicSend(Inversion),
    /// Something stands between two values of one operation.
    IntSendSkip(Inversion),
}

/// A consumer's step from one offset to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The consumer.
    pub consumer: ClientId,
    /// The number of the later delivery among all it was handed of the partition, from 0.
    pub delivery: usize,
    /// The offset before.
    pub from: Offset,
    /// The offset of the later delivery.
    pub to: Offset,
}

/// Two values of a producer, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inversion {
    /// The producer.
    pub producer: ClientId,
    /// The one that was sent first, and where it stands first.
    pub earlier: (Bytes, Offset),
    /// The one that was sent later, and where it stands first.
    pub later: (Bytes, Offset),
}

impl Anomaly {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InconsistentOffsets { .. } => "inconsistent-offsets",
            Self::Duplicate { .. } => "duplicate",
            Self::AbortedRead { .. } => "aborted-read",
            Self::LostWrite { .. } => "lost-write",
            Self::Unseen { .. } => "unseen",
            Self::LostRead { .. } => "lost-read",
            Self::PollSkip(_) => "poll-skip",
            Self::IntPollSkip(_) => "int-poll-skip",
            Self::NonmonotonicPoll(_) => "nonmonotonic-poll",
            Self::IntNonmonotonicPoll(_) => "int-nonmonotonic-poll",
            Self::NonmonotonicSend(_) => "nonmonotonic-send",
            Self::IntNonmonotonicSend(_) => "int-nonmonotonic-send",
            Self::IntSendSkip(_) => "int-send-skip",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ", self.partition, self.anomaly.name())?;
        match &self.anomaly {
            Anomaly::InconsistentOffsets { offset, values } => {
                let values: Vec<_> = values.iter().map(shown).collect();
                write!(f, "(offset {offset} bears {})", values.join(" and "))
            }
            Anomaly::Duplicate { value, offsets } => {
                let offsets: Vec<_> = offsets.iter().map(ToString::to_string).collect();
                write!(f, "({} stands at {})", shown(value), offsets.join(" and "))
            }
            Anomaly::AbortedRead { value, offset } => {
                write!(f, "({} failed and was read at {offset})", shown(value))
            }
            Anomaly::LostWrite { value, offset }
            | Anomaly::Unseen { value, offset: Some(offset) } => {
                write!(f, "({} was acked at {offset} and never read)", shown(value))
            }
            Anomaly::Unseen { value, offset: None } => {
                write!(f, "({} was acked and never read)", shown(value))
            }
            Anomaly::LostRead { value, offset } => {
                write!(f, "({} was read at {offset} and is there no more)", shown(value))
            }
            Anomaly::PollSkip(step)
            | Anomaly::IntPollSkip(step)
            | Anomaly::NonmonotonicPoll(step)
            | Anomaly::IntNonmonotonicPoll(step) => {
                write!(f, "({} went from {} to {})", step.consumer, step.from, step.to)
            }
            Anomaly::NonmonotonicSend(pair)
            | Anomaly::IntNonmonotonicSend(pair)
            | Anomaly::IntSendSkip(pair) => {
                let ((first, at), (second, then)) = (&pair.earlier, &pair.later);
                let (first, second) = (shown(first), shown(second));
                write!(f, "({first} at {at} was sent before {second} at {then})")
            }
        }
    }
}

/// A value for people: its beginning, without what fills it up.
fn shown(value: &Bytes) -> String {
    let text = String::from_utf8_lossy(&value[..value.len().min(40)]);
    text.trim_end().to_owned()
}
