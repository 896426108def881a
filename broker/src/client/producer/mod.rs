//! The producer (Kafka's `KafkaProducer`, whose `Sender` thread is here a part of each step).
//!
//! ```text
//!   Send ──► waiting sends ──► accumulator ──► sender ──► leaders
//!            (metadata, room)   (batches)        ▲  │
//!                                  ▲             │  └── answers, silence ──► completions
//!                                  └── retry ────┴──────────────────────────────┘
//! ```
//!
//! A send waits for metadata and for room in the buffer where Kafka blocks the caller, in the order
//! of the sends; then its record is part of a batch. Every send ends in one answer and one event.
//!
//! Not modelled: transactions, compression, interceptors, idle connections.

mod accumulator;
mod api;
mod batch;
mod completion;
mod config;
mod partitioner;
mod sender;
mod transaction_manager;

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use rand_chacha::ChaCha8Rng;

pub use api::{Header, ProducerAnswer, ProducerCommand};
pub use config::ProducerConfig;

use self::{
    accumulator::{Append, RecordAccumulator, Urgency},
    batch::{BatchId, PendingRecord},
    partitioner::{BuiltInPartitioner, partition_for_key},
    sender::{InitProducerId, Token},
    transaction_manager::TransactionManager,
};
use super::network::{ClientNetwork, fork};
use crate::{
    config::ConfigError,
    host::{
        Address, Disk, ExitReason, Input, Instant, Now, Outbox, Process,
        event::{ProducerEvent, SendFailure},
    },
    ids::{ClientId, SendId, TopicName, TopicPartition},
};

/// A producer.
#[derive(Clone, Debug, PartialEq)]
pub struct Producer {
    client: ClientId,
    config: ProducerConfig,
    network: ClientNetwork<Token>,
    partitioner: BuiltInPartitioner,
    accumulator: RecordAccumulator,
    /// None without idempotence.
    transactions: Option<TransactionManager>,
    init_producer_id: InitProducerId,
    /// Batches in requests that are not answered.
    in_flight: BTreeSet<BatchId>,
    /// What the application asked for and could not be done yet, in order.
    waiting: VecDeque<Waiting>,
    /// Flushes that have begun: each waits for all batches with a smaller origin.
    flushes: VecDeque<u64>,
    closing: Option<Closing>,
    /// When the sender has something to do, if nothing happens before.
    next_check: Option<Instant>,
    rng: ChaCha8Rng,
}

#[derive(Clone, Debug, PartialEq)]
enum Waiting {
    Send { topic: TopicName, partition: Option<i32>, record: PendingRecord, until: Instant },
    Flush,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Closing {
    until: Instant,
    then: AfterClose,
    stage: ClosingStage,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum AfterClose {
    /// The application asked: it decides what comes next.
    Stay,
    /// The operator asked.
    Exit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ClosingStage {
    Draining,
    Closed,
}

impl Producer {
    /// A producer that calls itself `client` and finds the cluster through `bootstrap`. `rng`
    /// draws back-offs, partitions and the nodes to ask.
    ///
    /// # Errors
    /// Settings that do not go together.
    pub fn new(
        client: ClientId,
        bootstrap: Vec<Address>,
        config: ProducerConfig,
        mut rng: ChaCha8Rng,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let keys = config.connection_keys();
        Ok(Self {
            network: ClientNetwork::new(client.clone(), bootstrap, keys, &mut rng),
            partitioner: BuiltInPartitioner::new(config.batch_size, fork(&mut rng)),
            accumulator: RecordAccumulator::new(&config),
            transactions: config.idempotent().then(TransactionManager::new),
            init_producer_id: InitProducerId::default(),
            in_flight: BTreeSet::new(),
            waiting: VecDeque::new(),
            flushes: VecDeque::new(),
            closing: None,
            next_check: None,
            rng,
            client,
            config,
        })
    }

    /// The settings.
    pub fn config(&self) -> &ProducerConfig {
        &self.config
    }

    fn is_closed(&self) -> bool {
        self.closing.is_some_and(|closing| closing.stage == ClosingStage::Closed)
    }

    fn on_command(&mut self, now: Now, command: ProducerCommand, out: &mut Outbox<ProducerAnswer>) {
        match command {
            ProducerCommand::Send { send, topic, partition, key, value, headers } => {
                let record = PendingRecord { send, timestamp: now.wall, key, value, headers };
                self.on_send(now, topic, partition, record, out);
            }
            ProducerCommand::Flush if self.is_closed() => out.answer(ProducerAnswer::Flushed),
            ProducerCommand::Flush => self.waiting.push_back(Waiting::Flush),
            ProducerCommand::Close { .. } if self.is_closed() => {
                out.answer(ProducerAnswer::Closed);
            }
            ProducerCommand::Close { timeout } => {
                self.begin_close(now.monotonic.plus(timeout), AfterClose::Stay);
            }
        }
    }

    fn on_send(
        &mut self,
        now: Now,
        topic: TopicName,
        partition: Option<i32>,
        record: PendingRecord,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        // Nothing may overtake what waits: only the next in line gets its partition now.
        let chosen = match partition {
            Some(_) => partition,
            None if self.waiting.is_empty() => self.choose_partition(&topic, &record),
            None => None,
        };
        let named = chosen.map(|partition| TopicPartition { topic: topic.clone(), partition });
        out.event(ProducerEvent::Sent {
            producer: self.client.clone(),
            send: record.send,
            partition: named.clone(),
            value: record.value.clone(),
        });
        let size = record.batch_size_upper_bound() as u64;
        let largest = u64::from(self.config.max_request_size).min(self.config.buffer_memory);
        if self.closing.is_some() {
            self.fail_send(record.send, named, SendFailure::Closed, out);
        } else if largest < size {
            self.fail_send(record.send, named, SendFailure::TooLarge, out);
        } else {
            self.network.metadata.want(&topic);
            let until = now.monotonic.plus(self.config.max_block_ms.duration());
            self.waiting.push_back(Waiting::Send { topic, partition: chosen, record, until });
        }
    }

    /// The partition for a record that names none, if its topic is known.
    fn choose_partition(&mut self, topic: &TopicName, record: &PendingRecord) -> Option<i32> {
        let metadata = self.network.metadata.topic(topic)?;
        if metadata.partition_count() == 0 {
            return None;
        }
        Some(match &record.key {
            Some(key) if !self.config.partitioner_ignore_keys => {
                partition_for_key(key, metadata.partition_count())
            }
            Some(_) | None => self.partitioner.peek(topic, metadata),
        })
    }

    /// Does what waits, in order, as far as it can be done.
    fn serve_waiting(&mut self, now: Now, out: &mut Outbox<ProducerAnswer>) {
        while let Some(next) = self.waiting.pop_front() {
            match next {
                Waiting::Flush => self.flushes.push_back(self.accumulator.next_origin()),
                Waiting::Send { topic, mut partition, record, until } => {
                    if self.append(now, &topic, &mut partition, &record) == Append::Done {
                        continue;
                    }
                    if now.monotonic < until {
                        self.waiting.push_front(Waiting::Send { topic, partition, record, until });
                        return;
                    }
                    let named = partition.map(|partition| TopicPartition { topic, partition });
                    self.fail_send(record.send, named, SendFailure::MaxBlock, out);
                }
            }
        }
    }

    /// Puts a record into a batch, if metadata and room are there. Chooses its partition as soon as
    /// its topic is known.
    fn append(
        &mut self,
        now: Now,
        topic: &TopicName,
        partition: &mut Option<i32>,
        record: &PendingRecord,
    ) -> Append {
        *partition = partition.or_else(|| self.choose_partition(topic, record));
        let Some(partition) = *partition else { return Append::NoRoom };
        let named = TopicPartition { topic: topic.clone(), partition };
        if self.network.metadata.partition(&named).is_none() {
            self.network.metadata.request_update();
            return Append::NoRoom;
        }
        let appended = self.accumulator.append(now.monotonic, &named, record);
        let free = record.key.is_none() || self.config.partitioner_ignore_keys;
        if let Some(metadata) = self.network.metadata.topic(topic)
            && free
            && appended == Append::Done
        {
            let size = record.batch_size_upper_bound() as u64;
            let last = self.accumulator.last_batch(&named);
            self.partitioner.produced(topic, metadata, partition, size, last);
        }
        appended
    }

    fn urgency(&self) -> Urgency {
        if self.waits_for_room() || !self.flushes.is_empty() || self.closing.is_some() {
            Urgency::AtOnce
        } else {
            Urgency::Linger
        }
    }

    /// Whether the next send knows where to go, and only the buffer has no room for it.
    fn waits_for_room(&self) -> bool {
        match self.waiting.front() {
            Some(Waiting::Send { topic, partition: Some(partition), .. }) => {
                let topic = self.network.metadata.topic(topic);
                topic.is_some_and(|topic| topic.partitions.contains_key(partition))
            }
            Some(Waiting::Send { partition: None, .. } | Waiting::Flush) | None => false,
        }
    }

    fn finish_flushes(&mut self, out: &mut Outbox<ProducerAnswer>) {
        let oldest = self.accumulator.oldest_incomplete();
        while let Some(before) = self.flushes.front()
            && oldest.is_none_or(|oldest| *before <= oldest)
        {
            self.flushes.pop_front();
            out.answer(ProducerAnswer::Flushed);
        }
    }

    fn begin_close(&mut self, until: Instant, then: AfterClose) {
        match &mut self.closing {
            None => {
                self.closing = Some(Closing { until, then, stage: ClosingStage::Draining });
            }
            Some(closing) => {
                closing.until = closing.until.min(until);
                if then == AfterClose::Exit {
                    closing.then = AfterClose::Exit;
                }
            }
        }
    }

    /// Ends the producer when nothing is left, or when the time for it is over.
    fn finish_close(&mut self, now: Now, out: &mut Outbox<ProducerAnswer>) {
        let Some(closing) = self.closing else { return };
        if closing.stage == ClosingStage::Closed {
            return;
        }
        let idle = self.waiting.is_empty() && self.accumulator.oldest_incomplete().is_none();
        if !idle && now.monotonic < closing.until {
            return;
        }
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Flush => self.flushes.push_back(self.accumulator.next_origin()),
                Waiting::Send { topic, partition, record, until: _ } => {
                    let named = partition.map(|partition| TopicPartition { topic, partition });
                    self.fail_send(record.send, named, SendFailure::Closed, out);
                }
            }
        }
        for id in self.accumulator.abort() {
            self.end_batch(id, SendFailure::Closed, out);
        }
        self.finish_flushes(out);
        self.network.close(now, out);
        self.closing = Some(Closing { stage: ClosingStage::Closed, ..closing });
        out.answer(ProducerAnswer::Closed);
        if closing.then == AfterClose::Exit {
            out.exit(ExitReason::CleanShutdown);
        }
    }

    /// A send ended before it was part of a batch: nothing of it left.
    fn fail_send(
        &self,
        send: SendId,
        partition: Option<TopicPartition>,
        failure: SendFailure,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        let producer = self.client.clone();
        out.event(ProducerEvent::SendFailed {
            producer,
            send,
            partition: partition.clone(),
            failure,
        });
        out.answer(ProducerAnswer::Failed { send, partition, failure });
    }
}

impl Process for Producer {
    type Command = ProducerCommand;
    type Answer = ProducerAnswer;

    fn step(
        &mut self,
        now: Now,
        input: Input<ProducerCommand>,
        _disk: &mut dyn Disk,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        match input {
            Input::Command(command) => self.on_command(now, command, out),
            Input::ShutdownAsked => {
                self.begin_close(now.monotonic.plus(Duration::MAX), AfterClose::Exit);
            }
            Input::Started => self.network.metadata.request_update(),
            Input::Woken
            | Input::Accepted { .. }
            | Input::Established { .. }
            | Input::ConnectFailed { .. }
            | Input::Closed { .. }
            | Input::Frame { .. } => self.network.take(now, input, out),
        }
        if self.is_closed() {
            return;
        }
        while let Some(ended) = self.network.next_ended(now) {
            self.on_ended(now, ended, out);
        }
        self.serve_waiting(now, out);
        self.run_sender(now, out);
        self.finish_flushes(out);
        self.finish_close(now, out);
        if !self.is_closed() {
            self.network.maintain(now, out);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        if self.is_closed() {
            return None;
        }
        let blocked = match self.waiting.front() {
            Some(Waiting::Send { until, .. }) => Some(*until),
            Some(Waiting::Flush) | None => None,
        };
        // A close without bound has no deadline.
        let closing = self.closing.map(|closing| closing.until);
        let closing = closing.filter(|until| *until < Instant(u64::MAX));
        [blocked, closing, self.next_check, self.accumulator.next_expiry()]
            .into_iter()
            .fold(self.network.deadline(), Instant::earliest)
    }
}

#[cfg(test)]
mod tests;
