//! What consumers were handed.

use std::collections::BTreeMap;

use broker::{
    host::event::{ConsumerEvent, PositionResetReason},
    ids::{BrokerId, ClientId, LeaderEpoch, Offset, TopicPartition},
};

use super::{When, sends::SendIndex, sends::Sends};

/// What a consumer got of a partition, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    /// The steps.
    pub steps: Vec<Step>,
}

/// A step of a consumer through a partition.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A record was handed to the application.
    Delivered(Delivered),
    /// The position moved other than by reading on.
    Reset {
        /// When.
        when: When,
        /// Where it stands.
        to: Offset,
        /// Why.
        reason: PositionResetReason,
    },
    /// The consumer gave up on the partition.
    Failed {
        /// When.
        when: When,
        /// What it told its application.
        error: String,
    },
}

/// A record that was handed to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// When.
    pub when: When,
    /// Its offset.
    pub offset: Offset,
    /// The leader epoch of its batch.
    pub leader_epoch: LeaderEpoch,
    /// The broker that served it.
    pub broker: BrokerId,
    /// The send it is the record of, if a workload sent it.
    pub send: Option<SendIndex>,
}

/// All consumers of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deliveries {
    streams: BTreeMap<ClientId, BTreeMap<TopicPartition, Stream>>,
}

impl Deliveries {
    /// Each consumer with what it got of each partition.
    pub fn iter(&self) -> impl Iterator<Item = (&ClientId, &BTreeMap<TopicPartition, Stream>)> {
        self.streams.iter()
    }

    pub(super) fn on_event(&mut self, when: When, event: &ConsumerEvent, sends: &Sends) {
        match event {
            ConsumerEvent::Delivered(delivery) => {
                let delivered = Delivered {
                    when,
                    offset: delivery.offset,
                    leader_epoch: delivery.leader_epoch,
                    broker: delivery.broker,
                    send: sends.of_value(&delivery.value),
                };
                let stream = self.stream(&delivery.consumer, &delivery.partition);
                stream.steps.push(Step::Delivered(delivered));
            }
            ConsumerEvent::PositionReset { consumer, partition, from: _, to, reason } => {
                let reset = Step::Reset { when, to: *to, reason: *reason };
                self.stream(consumer, partition).steps.push(reset);
            }
            ConsumerEvent::ConsumerFailed { consumer, partition, error } => {
                let failed = Step::Failed { when, error: error.clone() };
                self.stream(consumer, partition).steps.push(failed);
            }
        }
    }

    fn stream(&mut self, consumer: &ClientId, partition: &TopicPartition) -> &mut Stream {
        if !self.streams.contains_key(consumer) {
            self.streams.insert(consumer.clone(), BTreeMap::new());
        }
        let streams = self.streams.get_mut(consumer).expect("it was just put there");
        if !streams.contains_key(partition) {
            streams.insert(partition.clone(), Stream::default());
        }
        streams.get_mut(partition).expect("it was just put there")
    }
}
