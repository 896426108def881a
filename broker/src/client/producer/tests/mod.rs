//! A producer before a cluster that the tests play.

mod batching;
mod classification;
mod idempotence;
mod order;
mod timeouts;

use bytes::Bytes;

use super::{Producer, ProducerAnswer, ProducerCommand, ProducerConfig};
use crate::{
    client::testing::{Arrived, Bench, bootstrap, rng},
    host::{
        Event,
        event::{Attempt, ProducerEvent, SendFailure},
    },
    ids::{ClientId, SendId, TopicName, TopicPartition},
    protocol::{
        ApiKey, ErrorCode, Request,
        batch::RecordBatch,
        messages::{
            ProduceResponse,
            produce_response::{PartitionProduceResponse, TopicProduceResponse},
        },
    },
};

/// Settings from a map of Kafka's keys.
fn config(text: &str) -> ProducerConfig {
    serde_json::from_str(text).unwrap()
}

/// A producer with these settings that knows its cluster and topic.
fn producer(text: &str) -> Bench<Producer> {
    let client = ClientId::from("p");
    let mut bench = Bench::new(Producer::new(client, bootstrap(), config(text), rng()).unwrap());
    bench.process.network.metadata.want(&TopicName::from("t"));
    bench.advance(200);
    bench.events.clear();
    bench
}

impl Bench<Producer> {
    /// Sends a record of these many bytes to partition 0 of `t`.
    fn send_sized(&mut self, send: u64, size: usize) {
        self.send_to(send, Some(0), size);
    }

    fn send(&mut self, send: u64) {
        self.send_sized(send, 10);
    }

    fn send_to(&mut self, send: u64, partition: Option<i32>, size: usize) {
        self.command(ProducerCommand::Send {
            send: SendId(send),
            topic: TopicName::from("t"),
            partition,
            key: None,
            value: Bytes::from(vec![b'x'; size]),
            headers: Vec::new(),
        });
    }

    /// Sends records one by one, each in a request of its own.
    fn send_each(&mut self, sends: impl IntoIterator<Item = u64>) {
        for send in sends {
            self.send(send);
            self.advance(1);
        }
    }

    fn take_produce(&mut self) -> Arrived {
        self.take(ApiKey::Produce)
    }

    fn succeed(&mut self, request: &Arrived, base_offset: i64) {
        self.answer_produce(request, |answer| answer.with_base_offset(base_offset));
    }

    fn refuse(&mut self, request: &Arrived, error: ErrorCode) {
        self.answer_produce(request, |answer| {
            answer.with_error_code(error.code()).with_base_offset(-1).with_log_start_offset(0)
        });
    }

    fn answer_produce(
        &mut self,
        request: &Arrived,
        answer: impl Fn(PartitionProduceResponse) -> PartitionProduceResponse,
    ) {
        let Request::Produce(body) = &request.frame.body else { panic!("{request:?}") };
        let topics = body.topic_data.iter().map(|topic| {
            let partitions = topic.partition_data.iter().map(|partition| {
                answer(PartitionProduceResponse::default().with_index(partition.index))
            });
            TopicProduceResponse::default()
                .with_name(topic.name.clone())
                .with_partition_responses(partitions.collect())
        });
        let response = ProduceResponse::default().with_responses(topics.collect());
        self.respond(request, &response.into());
    }

    fn attempts(&self) -> Vec<&Attempt> {
        let attempted = self.events.iter().filter_map(|event| match event {
            Event::Producer(ProducerEvent::Attempted(attempt)) => Some(attempt),
            _ => None,
        });
        attempted.collect()
    }

    /// The sends of each attempt so far.
    fn attempted_sends(&self) -> Vec<Vec<u64>> {
        let sends = |attempt: &&Attempt| attempt.sends.iter().map(|send| send.0).collect();
        self.attempts().iter().map(sends).collect()
    }
}

/// The batches of a Produce request.
fn batches(request: &Arrived) -> Vec<RecordBatch> {
    let Request::Produce(body) = &request.frame.body else { panic!("{request:?}") };
    let partitions = body.topic_data.iter().flat_map(|topic| &topic.partition_data);
    partitions
        .map(|partition| RecordBatch::new(partition.records.clone().unwrap()).unwrap())
        .collect()
}

/// The number of the first record of a request with one batch, and its epoch.
fn sequence(request: &Arrived) -> (i16, i32) {
    let batch = &batches(request)[0];
    (batch.producer_epoch().0, batch.base_sequence().0)
}

fn t0() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn acknowledged(send: u64, offset: i64) -> ProducerAnswer {
    ProducerAnswer::Acknowledged {
        send: SendId(send),
        partition: t0(),
        offset: Some(crate::ids::Offset(offset)),
    }
}

fn failed(send: u64, failure: SendFailure) -> ProducerAnswer {
    ProducerAnswer::Failed { send: SendId(send), partition: Some(t0()), failure }
}

fn unknown(send: u64, failure: SendFailure) -> ProducerAnswer {
    ProducerAnswer::Unknown { send: SendId(send), partition: t0(), failure }
}
