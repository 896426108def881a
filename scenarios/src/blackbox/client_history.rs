//! What clients saw, in the order in which each of them saw it.
//!
//! Of the clients' events only what an application is told is taken: what it asked to send and what
//! came of it, where it began to read and what it was handed. Attempts, epochs and brokers are not
//! looked at, and neither are positions that a consumer moved by itself.

use std::collections::BTreeMap;

use broker::{
    host::{
        Event,
        event::{ConsumerEvent, Delivery, PositionResetReason, ProducerEvent},
    },
    ids::{ClientId, Offset, SendId, TopicPartition},
};

use super::values::{ValueId, Values};

/// Whether a consumer has read everything at the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FinalReader {
    /// None has: what was not read may yet be.
    #[default]
    None,
    /// This one has read every partition from its beginning to its end.
    ReadAll(ClientId),
}

/// What the clients of a run saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientHistory {
    pub(super) values: Values,
    pub(super) sends: Vec<Sent>,
    numbers: BTreeMap<ClientId, BTreeMap<SendId, usize>>,
    pub(super) readers: BTreeMap<ClientId, BTreeMap<TopicPartition, Vec<Read>>>,
}

/// A value that a producer was asked to send.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) producer: ClientId,
    /// The moment, as the runner counts.
    pub(super) moment: u64,
    pub(super) value: ValueId,
    /// Where to, once it is known.
    pub(super) partition: Option<TopicPartition>,
    /// What its application was told, if anything.
    pub(super) told: Option<Told>,
}

/// What an application was told of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It succeeded, at this offset if that is known.
    Acked(Option<Offset>),
    /// It surely did not.
    Failed,
    /// Nobody can say.
    Unknown,
}

/// A step of a consumer through a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Its application assigned it the partition or made it seek: it begins here.
    Begins(Offset),
    /// It was handed this value.
    Handed {
        /// The moment, as the runner counts.
        moment: u64,
        offset: Offset,
        value: ValueId,
    },
}

impl ClientHistory {
    /// Takes in what a client tells at a moment. What others tell is no client's business.
    pub fn on_event(&mut self, moment: u64, event: &Event) {
        match event {
            Event::Producer(event) => self.on_producer_event(moment, event),
            Event::Consumer(event) => self.on_consumer_event(moment, event),
            Event::Partition(_) | Event::Broker(_) | Event::Controller(_) => {}
        }
    }

    fn on_producer_event(&mut self, moment: u64, event: &ProducerEvent) {
        match event {
            ProducerEvent::Sent { producer, send, partition, value } => {
                let value = self.values.sent(value);
                let number = self.sends.len();
                let (producer, partition) = (producer.clone(), partition.clone());
                self.numbers.entry(producer.clone()).or_default().insert(*send, number);
                self.sends.push(Sent { producer, moment, value, partition, told: None });
            }
            ProducerEvent::Acknowledged { producer, send, partition, offset } => {
                self.told(producer, *send, Some(partition), Told::Acked(*offset));
            }
            ProducerEvent::SendFailed { producer, send, partition, failure: _ } => {
                self.told(producer, *send, partition.as_ref(), Told::Failed);
            }
            ProducerEvent::SendUnknown { producer, send, partition, failure: _ } => {
                self.told(producer, *send, Some(partition), Told::Unknown);
            }
            ProducerEvent::Attempted(_)
            | ProducerEvent::AttemptEnded { .. }
            | ProducerEvent::ProducerIdAssigned { .. } => {}
        }
    }

    fn told(
        &mut self,
        producer: &ClientId,
        send: SendId,
        partition: Option<&TopicPartition>,
        told: Told,
    ) {
        let number = self.numbers.get(producer).and_then(|numbers| numbers.get(&send));
        let Some(sent) = number.map(|number| &mut self.sends[*number]) else { return };
        sent.told.get_or_insert(told);
        if sent.partition.is_none() {
            sent.partition = partition.cloned();
        }
    }

    fn on_consumer_event(&mut self, moment: u64, event: &ConsumerEvent) {
        match event {
            ConsumerEvent::Delivered(delivery) => {
                let Delivery { consumer, partition, offset, value, .. } = delivery;
                let value = self.values.seen(value);
                let handed = Read::Handed { moment, offset: *offset, value };
                self.reads(consumer, partition).push(handed);
            }
            ConsumerEvent::PositionReset { consumer, partition, from: _, to, reason } => {
                match reason {
                    PositionResetReason::Initial | PositionResetReason::Seek => {
                        self.reads(consumer, partition).push(Read::Begins(*to));
                    }
                    PositionResetReason::OutOfRange | PositionResetReason::Truncation => {}
                }
            }
            ConsumerEvent::ConsumerFailed { .. } => {}
        }
    }

    fn reads(&mut self, consumer: &ClientId, partition: &TopicPartition) -> &mut Vec<Read> {
        if !self.readers.contains_key(consumer) {
            self.readers.insert(consumer.clone(), BTreeMap::new());
        }
        let partitions = self.readers.get_mut(consumer).expect("it was just put there");
        if !partitions.contains_key(partition) {
            partitions.insert(partition.clone(), Vec::new());
        }
        partitions.get_mut(partition).expect("it was just put there")
    }
}
