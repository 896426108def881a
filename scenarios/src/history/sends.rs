//! What producers were asked to send, what they tried, and what they were told.

use std::collections::BTreeMap;

use broker::{
    host::event::{Attempt, AttemptOutcome, ProducerEvent, SendFailure},
    ids::{ClientId, Offset, ProducerEpoch, ProducerId, SendId, TopicPartition},
};

use super::{RecordId, When, batches::BatchId, record_id};

/// The number of a send in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SendIndex(pub usize);

/// The number of an attempt in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttemptIndex(pub usize);

/// A record that a producer was asked to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// When.
    pub when: When,
    /// The producer.
    pub producer: ClientId,
    /// The record.
    pub record: RecordId,
    /// The partition, once it is known.
    pub partition: Option<TopicPartition>,
    /// The attempts that carried it, in order.
    pub attempts: Vec<AttemptIndex>,
    /// The batches that hold it, in the order in which leaders appended them.
    pub copies: Vec<BatchId>,
    /// What the application was told, if it was.
    pub completion: Option<(When, Completion)>,
}

/// What the application of a producer was told about a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It succeeded, at this offset if the broker said it.
    Acked(Option<Offset>),
    /// It surely is in no log.
    Failed(SendFailure),
    /// Nobody can say.
    Unknown(SendFailure),
}

/// A batch on its way to a broker.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// When it left.
    pub when: When,
    /// What left.
    pub attempt: Attempt,
    /// What it carried.
    pub sends: Vec<SendIndex>,
    /// How it ended, if it did.
    pub outcome: Option<(When, AttemptOutcome)>,
    /// The batch that a leader appended for it.
    pub appended: Option<BatchId>,
    /// The error code that the broker answered with, 0 for success, as the broker tells it.
    pub answered: Option<i16>,
}

impl AttemptRecord {
    /// When and with which error code it was refused, if it was.
    pub fn refusal(&self) -> Option<(When, i16)> {
        match self.outcome? {
            (when, AttemptOutcome::Refused { error }) => Some((when, error)),
            (
                _,
                AttemptOutcome::Succeeded { .. }
                | AttemptOutcome::Disconnected
                | AttemptOutcome::TimedOut
                | AttemptOutcome::NoAnswerExpected,
            ) => None,
        }
    }
}

/// An idempotent producer got an id or an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// When.
    pub when: When,
    /// The id.
    pub id: ProducerId,
    /// The epoch.
    pub epoch: ProducerEpoch,
    /// Why it changed, in the producer's words.
    pub reason: Option<String>,
}

/// All producers of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sends {
    all: Vec<Send>,
    attempts: Vec<AttemptRecord>,
    producers: BTreeMap<ClientId, Producer>,
    records: BTreeMap<String, BTreeMap<u64, SendIndex>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Producer {
    sends: BTreeMap<SendId, SendIndex>,
    attempts: BTreeMap<(i32, TopicPartition), AttemptIndex>,
    assignments: Vec<Assignment>,
}

impl Sends {
    /// All sends, in order.
    pub fn iter(&self) -> impl Iterator<Item = (SendIndex, &Send)> {
        self.all.iter().enumerate().map(|(index, send)| (SendIndex(index), send))
    }

    /// The send of this number.
    pub fn get(&self, index: SendIndex) -> &Send {
        &self.all[index.0]
    }

    /// The attempt of this number.
    pub fn attempt(&self, index: AttemptIndex) -> &AttemptRecord {
        &self.attempts[index.0]
    }

    /// All attempts, in order.
    pub fn attempts(&self) -> &[AttemptRecord] {
        &self.attempts
    }

    /// The ids and epochs that a producer got, in order.
    pub fn assignments(&self, producer: &ClientId) -> &[Assignment] {
        self.producers.get(producer).map_or(&[], |known| &known.assignments)
    }

    /// The send whose record carries this value.
    pub fn of_value(&self, value: &[u8]) -> Option<SendIndex> {
        let (producer, index) = record_id::parts(value)?;
        self.records.get(producer)?.get(&index).copied()
    }

    /// The attempt that a request of a client was, for this partition.
    pub fn find_attempt(
        &self,
        client: &ClientId,
        correlation: i32,
        partition: &TopicPartition,
    ) -> Option<AttemptIndex> {
        let attempts = &self.producers.get(client)?.attempts;
        attempts.get(&(correlation, partition.clone())).copied()
    }

    pub(super) fn note_copy(&mut self, send: SendIndex, batch: BatchId) {
        self.all[send.0].copies.push(batch);
    }

    pub(super) fn note_answer(&mut self, attempt: AttemptIndex, error: i16) {
        self.attempts[attempt.0].answered = Some(error);
    }

    pub(super) fn note_append(&mut self, attempt: AttemptIndex, batch: BatchId) {
        self.attempts[attempt.0].appended = Some(batch);
    }

    pub(super) fn on_event(&mut self, now: When, event: &ProducerEvent) {
        match event {
            ProducerEvent::Sent { producer, send, partition, value } => {
                self.on_sent(now, (producer, *send), partition.as_ref(), value);
            }
            ProducerEvent::Attempted(attempt) => self.on_attempted(now, attempt),
            ProducerEvent::AttemptEnded { producer, correlation, partition, outcome } => {
                if let Some(index) = self.find_attempt(producer, *correlation, partition) {
                    self.attempts[index.0].outcome.get_or_insert((now, *outcome));
                }
            }
            ProducerEvent::Acknowledged { producer, send, partition, offset } => {
                self.complete(now, (producer, *send), Some(partition), Completion::Acked(*offset));
            }
            ProducerEvent::SendFailed { producer, send, partition, failure } => {
                let completion = Completion::Failed(*failure);
                self.complete(now, (producer, *send), partition.as_ref(), completion);
            }
            ProducerEvent::SendUnknown { producer, send, partition, failure } => {
                let completion = Completion::Unknown(*failure);
                self.complete(now, (producer, *send), Some(partition), completion);
            }
            ProducerEvent::ProducerIdAssigned { producer, producer_id, producer_epoch, reason } => {
                let (id, epoch, reason) = (*producer_id, *producer_epoch, reason.clone());
                let assignment = Assignment { when: now, id, epoch, reason };
                self.producer(producer).assignments.push(assignment);
            }
        }
    }

    fn on_sent(
        &mut self,
        now: When,
        (producer, send): (&ClientId, SendId),
        partition: Option<&TopicPartition>,
        value: &[u8],
    ) {
        let record = match record_id::parts(value) {
            Some((name, index)) if name == &*producer.0 => {
                RecordId { producer: producer.0.clone(), index }
            }
            Some((name, index)) => RecordId::new(name, index),
            None => RecordId { producer: producer.0.clone(), index: send.0 },
        };
        let index = SendIndex(self.all.len());
        if !self.records.contains_key(&*record.producer) {
            self.records.insert(record.producer.to_string(), BTreeMap::new());
        }
        let of_producer = self.records.get_mut(&*record.producer);
        of_producer.expect("it was just put there").insert(record.index, index);
        self.all.push(Send {
            when: now,
            producer: producer.clone(),
            record,
            partition: partition.cloned(),
            attempts: Vec::new(),
            copies: Vec::new(),
            completion: None,
        });
        self.producer(producer).sends.insert(send, index);
    }

    fn on_attempted(&mut self, now: When, attempt: &Attempt) {
        let index = AttemptIndex(self.attempts.len());
        let producer = self.producer(&attempt.producer);
        let place = (attempt.correlation, attempt.partition.clone());
        producer.attempts.insert(place, index);
        let known = &producer.sends;
        let sends: Vec<SendIndex> =
            attempt.sends.iter().filter_map(|send| known.get(send).copied()).collect();
        for send in &sends {
            let send = &mut self.all[send.0];
            send.attempts.push(index);
            send.partition.get_or_insert_with(|| attempt.partition.clone());
        }
        let attempt = attempt.clone();
        self.attempts.push(AttemptRecord {
            when: now,
            attempt,
            sends,
            outcome: None,
            appended: None,
            answered: None,
        });
    }

    fn complete(
        &mut self,
        now: When,
        (producer, send): (&ClientId, SendId),
        partition: Option<&TopicPartition>,
        completion: Completion,
    ) {
        let Some(index) = self.producers.get(producer).and_then(|p| p.sends.get(&send)) else {
            return;
        };
        let send = &mut self.all[index.0];
        send.completion.get_or_insert((now, completion));
        if send.partition.is_none() {
            send.partition = partition.cloned();
        }
    }

    fn producer(&mut self, name: &ClientId) -> &mut Producer {
        if !self.producers.contains_key(name) {
            self.producers.insert(name.clone(), Producer::default());
        }
        self.producers.get_mut(name).expect("it was just put there")
    }
}
