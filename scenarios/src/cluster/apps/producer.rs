//! An application that produces: records with names, at fixed times.

use core::time::Duration;

use broker::{
    client::producer::{Producer, ProducerAnswer, ProducerCommand},
    host::{Disk, Input, Instant, Now, Outbox, Process},
    ids::{SendId, TopicName},
};
use bytes::Bytes;

use super::{for_client, pass};
use crate::{cluster::AppCommand, format::Keys, history::RecordId};

/// Warm-up sends have numbers from here on, beyond those of any workload.
const WARM_UP: u64 = 1 << 63;

/// What is to be produced, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// The producer's name: records are called `<name>:<index>`.
    pub name: String,
    /// The topic.
    pub topic: TopicName,
    /// How many partitions the topic has.
    pub partitions: i32,
    /// The partition for all records; none lets the producer choose.
    pub partition: Option<i32>,
    /// The keys of the records.
    pub keys: Keys,
    /// How many records.
    pub records: u64,
    /// How long after the beginning of the load the first is sent.
    pub start: Duration,
    /// How much later each of the others is sent.
    pub every: Duration,
    /// How many bytes the value of a record has, at least.
    pub size: usize,
}

/// A producer with a workload.
///
/// First it sends one record to each partition, until each was acknowledged: an idempotent producer
/// whose first batches meet a fault may else reorder them (KAFKA-14359). These records bear no name
/// and are counted nowhere.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerApp {
    producer: Producer,
    workload: Workload,
    warm_ups: u64,
    /// Partitions whose warm-up has not succeeded.
    cold: i32,
    /// When the load began, on the node's clock.
    began: Option<Instant>,
    sent: u64,
    ended: u64,
}

impl ProducerApp {
    /// An application that has not started.
    pub fn new(producer: Producer, workload: Workload) -> Self {
        let cold = workload.partition.map_or(workload.partitions, |_| 1);
        Self { producer, workload, warm_ups: 0, cold, began: None, sent: 0, ended: 0 }
    }

    /// Whether it waits for the load to begin.
    pub fn is_warm(&self) -> bool {
        self.cold == 0
    }

    /// Whether every record was sent and every send has ended.
    pub fn is_finished(&self) -> bool {
        self.ended == self.workload.records
    }

    fn warm_up(&mut self, now: Now, partition: i32, disk: &mut dyn Disk, out: &mut Outbox<()>) {
        let send = SendId(WARM_UP + self.warm_ups);
        self.warm_ups += 1;
        self.send(now, send, Some(partition), Bytes::from_static(b"warm-up"), disk, out);
    }

    /// Sends what is due.
    fn produce(&mut self, now: Now, disk: &mut dyn Disk, out: &mut Outbox<()>) {
        while self.next_at().is_some_and(|at| at <= now.monotonic) {
            let index = self.sent;
            self.sent += 1;
            let value = RecordId::new(&self.workload.name, index).value(self.workload.size);
            self.send(now, SendId(index), self.workload.partition, value, disk, out);
        }
    }

    fn next_at(&self) -> Option<Instant> {
        let began = self.began.filter(|_| self.sent < self.workload.records)?;
        let index = u32::try_from(self.sent).unwrap_or(u32::MAX);
        Some(began.plus(self.workload.start).plus(self.workload.every.saturating_mul(index)))
    }

    fn send(
        &mut self,
        now: Now,
        send: SendId,
        partition: Option<i32>,
        value: Bytes,
        disk: &mut dyn Disk,
        out: &mut Outbox<()>,
    ) {
        let key = match self.workload.keys {
            Keys::None => None,
            Keys::Distinct => Some(send.0),
            Keys::Cycle(count) => Some(send.0 % u64::from(count.max(1))),
        };
        let key = key.map(|key| Bytes::from(format!("key-{key}")));
        let topic = self.workload.topic.clone();
        let headers = Vec::new();
        let command = ProducerCommand::Send { send, topic, partition, key, value, headers };
        self.step_client(now, Input::Command(command), disk, out);
    }

    fn step_client(
        &mut self,
        now: Now,
        input: Input<ProducerCommand>,
        disk: &mut dyn Disk,
        out: &mut Outbox<()>,
    ) {
        for answer in pass(&mut self.producer, now, input, disk, out) {
            match answer {
                ProducerAnswer::Acknowledged { send, .. } => self.on_ended(send),
                ProducerAnswer::Failed { send, partition, .. } => {
                    let partition = partition.map(|chosen| chosen.partition);
                    self.on_not_acknowledged(now, send, partition, disk, out);
                }
                ProducerAnswer::Unknown { send, partition, failure } => {
                    if failure == broker::host::event::SendFailure::NotConfirmed {
                        self.on_ended(send);
                    } else {
                        let partition = Some(partition.partition);
                        self.on_not_acknowledged(now, send, partition, disk, out);
                    }
                }
                ProducerAnswer::Flushed | ProducerAnswer::Closed => {}
            }
        }
    }

    fn on_ended(&mut self, send: SendId) {
        if WARM_UP <= send.0 {
            self.cold -= 1;
        } else {
            self.ended += 1;
        }
    }

    /// A send of the workload has ended all the same; a warm-up is tried again.
    fn on_not_acknowledged(
        &mut self,
        now: Now,
        send: SendId,
        partition: Option<i32>,
        disk: &mut dyn Disk,
        out: &mut Outbox<()>,
    ) {
        if send.0 < WARM_UP {
            self.ended += 1;
        } else {
            self.warm_up(now, partition.unwrap_or(0), disk, out);
        }
    }
}

impl Process for ProducerApp {
    type Command = AppCommand;
    type Answer = ();

    fn step(
        &mut self,
        now: Now,
        input: Input<AppCommand>,
        disk: &mut dyn Disk,
        out: &mut Outbox<()>,
    ) {
        let started = input == Input::Started;
        match input {
            Input::Command(AppCommand::Begin) => self.began = Some(now.monotonic),
            Input::Command(AppCommand::Controller(_) | AppCommand::Admin(_)) => {}
            Input::Woken if self.producer.deadline().is_none_or(|at| now.monotonic < at) => {}
            input => {
                let input = for_client(input).expect("a command was taken above");
                self.step_client(now, input, disk, out);
            }
        }
        if started {
            match self.workload.partition {
                Some(partition) => self.warm_up(now, partition, disk, out),
                None => {
                    for partition in 0..self.workload.partitions {
                        self.warm_up(now, partition, disk, out);
                    }
                }
            }
        }
        self.produce(now, disk, out);
    }

    fn deadline(&self) -> Option<Instant> {
        Instant::earliest(self.producer.deadline(), self.next_at())
    }
}
