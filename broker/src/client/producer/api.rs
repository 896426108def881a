//! What an application says to a producer, and what it is told (Kafka's `Producer`,
//! `ProducerRecord` and `RecordMetadata`).
//!
//! Every send ends in exactly one of three answers. They say more than Kafka's callback, which
//! knows only success and exception: a send that did not succeed either surely left nothing in any
//! log, or it may have.

use core::time::Duration;

use bytes::Bytes;

pub use crate::protocol::batch::RecordHeader as Header;
use crate::{
    host::event::SendFailure,
    ids::{Offset, SendId, TopicName, TopicPartition},
};

/// What an application can ask of a producer.
#[derive(Clone, Debug, PartialEq)]
pub enum ProducerCommand {
    /// Send a record. Ends in one [`ProducerAnswer::Acknowledged`], [`ProducerAnswer::Failed`] or
    /// [`ProducerAnswer::Unknown`] of the same number.
    Send {
        /// The application's number for it, never used twice.
        send: SendId,
        /// To which topic.
        topic: TopicName,
        /// To which partition; none lets the producer choose by the key, or freely without one.
        partition: Option<i32>,
        /// The key.
        key: Option<Bytes>,
        /// The value.
        value: Bytes,
        /// Keys and values that travel with it.
        headers: Vec<Header>,
    },
    /// Send at once what waits, and answer [`ProducerAnswer::Flushed`] when all that was sent
    /// before has ended.
    Flush,
    /// Take no more, end what was sent before as far as the time suffices, and answer
    /// [`ProducerAnswer::Closed`].
    Close {
        /// How long to try.
        timeout: Duration,
    },
}

/// What a producer answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProducerAnswer {
    /// The record is in the log, as far as `acks` asked.
    Acknowledged {
        /// Which send.
        send: SendId,
        /// The partition that has it.
        partition: TopicPartition,
        /// Where; none if the broker no longer knew.
        offset: Option<Offset>,
    },
    /// The record is in no log, and will be in none.
    Failed {
        /// Which send.
        send: SendId,
        /// The partition, if one was chosen.
        partition: Option<TopicPartition>,
        /// Why.
        failure: SendFailure,
    },
    /// Nobody knows whether the record is in the log, or will be. With acks=0 every send ends so.
    Unknown {
        /// Which send.
        send: SendId,
        /// The partition.
        partition: TopicPartition,
        /// Why.
        failure: SendFailure,
    },
    /// All that was sent before a [`ProducerCommand::Flush`] has ended.
    Flushed,
    /// The producer is closed: it does nothing more.
    Closed,
}
