//! Client histories for tests, written by hand in few words.

use broker::{
    host::event::{
        ConsumerEvent, Delivery, Event, PositionResetReason, ProducerEvent, SendFailure,
    },
    ids::{BrokerId, ClientId, LeaderEpoch, Offset, SendId, TopicPartition},
};
use bytes::Bytes;

use super::{ClientHistory, FinalReader, Findings, check};

/// The clients of a run with one partition. Each call is a moment of its own.
#[derive(Debug, Default)]
pub(super) struct Clients {
    history: ClientHistory,
    moment: u64,
    sends: u64,
    final_reader: FinalReader,
}

fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

fn bytes(value: &str) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

impl Clients {
    /// `p1` sent these, one after the other, and each was acked at its offset.
    pub(super) fn acked(sends: &[(&'static str, i64)]) -> Self {
        let mut clients = Self::default();
        for (value, offset) in sends {
            let send = clients.sent("p1", &[value])[0];
            clients.ack("p1", send, Some(*offset));
        }
        clients
    }

    fn tell(&mut self, event: impl Into<Event>) {
        self.history.on_event(self.moment, &event.into());
    }

    /// A producer is asked to send these at one moment.
    pub(super) fn sent(&mut self, producer: &str, values: &[&str]) -> Vec<SendId> {
        self.moment += 1;
        let sends = values.iter().map(|value| {
            let send = SendId(self.sends);
            self.sends += 1;
            self.tell(ProducerEvent::Sent {
                producer: producer.into(),
                send,
                partition: Some(orders()),
                value: bytes(value),
            });
            send
        });
        sends.collect()
    }

    pub(super) fn ack(&mut self, producer: &str, send: SendId, offset: Option<i64>) {
        self.tell(ProducerEvent::Acknowledged {
            producer: producer.into(),
            send,
            partition: orders(),
            offset: offset.map(Offset),
        });
    }

    pub(super) fn failed(&mut self, producer: &str, send: SendId) {
        self.tell(ProducerEvent::SendFailed {
            producer: producer.into(),
            send,
            partition: Some(orders()),
            failure: SendFailure::Closed,
        });
    }

    pub(super) fn unknown(&mut self, producer: &str, send: SendId) {
        self.tell(ProducerEvent::SendUnknown {
            producer: producer.into(),
            send,
            partition: orders(),
            failure: SendFailure::DeliveryTimeout,
        });
    }

    /// A consumer begins to read here.
    pub(super) fn begins(&mut self, consumer: &str, to: i64) {
        self.tell(ConsumerEvent::PositionReset {
            consumer: consumer.into(),
            partition: orders(),
            from: None,
            to: Offset(to),
            reason: PositionResetReason::Initial,
        });
    }

    /// A consumer is handed these at one moment.
    pub(super) fn poll(&mut self, consumer: &str, records: &[(i64, &str)]) {
        self.moment += 1;
        for (offset, value) in records {
            self.tell(ConsumerEvent::Delivered(Delivery {
                consumer: consumer.into(),
                partition: orders(),
                offset: Offset(*offset),
                leader_epoch: LeaderEpoch(0),
                broker: BrokerId(1),
                value: bytes(value),
            }));
        }
    }

    /// The last reader reads everything from the beginning.
    pub(super) fn read_all(&mut self, records: &[(i64, &str)]) {
        self.begins("last", records.first().map_or(0, |(offset, _)| *offset));
        self.poll("last", records);
        self.final_reader = FinalReader::ReadAll(ClientId::from("last"));
    }

    pub(super) fn findings(&self) -> Findings {
        check(&self.history, self.final_reader.clone())
    }

    /// How often the anomaly is found.
    pub(super) fn count(&self, name: &str) -> u64 {
        self.findings().counts().get(name).copied().unwrap_or(0)
    }
}
