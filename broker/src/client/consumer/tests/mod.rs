//! A consumer before a cluster that the tests play.

mod fetching;
mod positions;

use core::time::Duration;

use bytes::Bytes;

use super::{Consumer, ConsumerAnswer, ConsumerCommand, ConsumerError};
use crate::{
    client::testing::{Arrived, Bench, bootstrap, rng, topic_id},
    host::{
        Event, Timestamp,
        event::{ConsumerEvent, PositionResetReason},
    },
    ids::{ClientId, LeaderEpoch, Offset, TopicPartition},
    protocol::{
        ApiKey, ErrorCode, Request,
        batch::{BatchBuilder, stamp},
        messages::{
            FetchResponse, ListOffsetsResponse, OffsetForLeaderEpochResponse,
            fetch_response::{FetchableTopicResponse, PartitionData},
            list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
            offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult},
            wire_topic, wire_topic_id,
        },
    },
};

const EARLIEST: &str = r#"{ "auto.offset.reset": "earliest" }"#;
const NONE: &str = r#"{ "auto.offset.reset": "none" }"#;

/// A consumer with these settings, to which `t-0` is assigned.
fn consumer(text: &str) -> Bench<Consumer> {
    let config = serde_json::from_str(text).unwrap();
    let client = ClientId::from("c");
    let mut bench = Bench::new(Consumer::new(client, bootstrap(), config, rng()).unwrap());
    bench.command(ConsumerCommand::Assign { partitions: vec![t0()] });
    bench
}

/// One that reads from offset 0, without knowing the epoch there.
fn reading(text: &str) -> Bench<Consumer> {
    let mut bench = consumer(text);
    if bench.waiting(ApiKey::ListOffsets) == 0 {
        bench.command(ConsumerCommand::Seek { partition: t0(), offset: Offset::ZERO });
    } else {
        let request = bench.take(ApiKey::ListOffsets);
        bench.answer_offset(&request, 0, -1, ErrorCode::None);
    }
    bench.advance(200);
    bench.events.clear();
    bench.answers.clear();
    bench
}

/// Records from `base` on, in one batch of an epoch.
fn batch(base: i64, epoch: i32, values: &[&'static str]) -> Bytes {
    let mut builder = BatchBuilder::new(None);
    for value in values {
        builder.append(Timestamp(0), None, Some(value.as_bytes()), &[]);
    }
    stamp(&builder.build(), Offset(base), LeaderEpoch(epoch)).into_bytes()
}

impl Bench<Consumer> {
    fn poll(&mut self) {
        self.command(ConsumerCommand::Poll { timeout: Duration::MAX });
    }

    fn take_fetch(&mut self) -> Arrived {
        self.take(ApiKey::Fetch)
    }

    fn answer_fetch(
        &mut self,
        request: &Arrived,
        answer: impl FnOnce(PartitionData) -> PartitionData,
    ) {
        let answer = answer(PartitionData::default());
        let topic = FetchableTopicResponse::default()
            .with_topic_id(wire_topic_id(topic_id("t")))
            .with_partitions(vec![answer]);
        let response = FetchResponse::default().with_responses(vec![topic]);
        self.respond(request, &response.into());
    }

    fn serve(&mut self, request: &Arrived, records: Bytes) {
        self.answer_fetch(request, |answer| answer.with_records(Some(records)));
    }

    fn refuse(&mut self, request: &Arrived, error: ErrorCode) {
        self.answer_fetch(request, |answer| answer.with_error_code(error.code()));
    }

    fn answer_offset(&mut self, request: &Arrived, offset: i64, epoch: i32, error: ErrorCode) {
        let answer = ListOffsetsPartitionResponse::default()
            .with_offset(offset)
            .with_leader_epoch(epoch)
            .with_error_code(error.code());
        let topic = ListOffsetsTopicResponse::default()
            .with_name(wire_topic(&t0().topic))
            .with_partitions(vec![answer]);
        let response = ListOffsetsResponse::default().with_topics(vec![topic]);
        self.respond(request, &response.into());
    }

    fn answer_epoch_end(&mut self, request: &Arrived, epoch: i32, end: i64, error: ErrorCode) {
        let answer = EpochEndOffset::default()
            .with_leader_epoch(epoch)
            .with_end_offset(end)
            .with_error_code(error.code());
        let topic = OffsetForLeaderTopicResult::default()
            .with_topic(wire_topic(&t0().topic))
            .with_partitions(vec![answer]);
        let response = OffsetForLeaderEpochResponse::default().with_topics(vec![topic]);
        self.respond(request, &response.into());
    }

    /// Reads three records of epoch 5 and stands at offset 3.
    fn read_three(&mut self) {
        self.poll();
        let request = self.take_fetch();
        self.serve(&request, batch(0, 5, &["a", "b", "c"]));
        assert_eq!(self.position(), Some(3));
    }

    /// Broker 2 leads in epoch 6, and broker 1 says so.
    fn move_leader(&mut self) {
        self.layout.lead("t", 0, 2, 6);
        let request = self.take_fetch();
        self.refuse(&request, ErrorCode::NotLeaderOrFollower);
        self.advance(300);
    }

    fn position(&self) -> Option<i64> {
        self.process.position(&t0()).map(|offset| offset.0)
    }

    /// The offsets and values of all records that polls were answered with.
    fn read(&self) -> Vec<(i64, String)> {
        let records = self.answers.iter().filter_map(|answer| match answer {
            ConsumerAnswer::Records(records) => Some(records),
            ConsumerAnswer::Failed { .. } | ConsumerAnswer::Closed => None,
        });
        records
            .flatten()
            .map(|record| {
                let value = record.value.clone().unwrap_or_default();
                (record.offset.0, String::from_utf8(value.to_vec()).unwrap())
            })
            .collect()
    }

    fn resets(&self) -> Vec<(Option<i64>, i64, PositionResetReason)> {
        let resets = self.events.iter().filter_map(|event| match event {
            Event::Consumer(ConsumerEvent::PositionReset { from, to, reason, .. }) => {
                Some((from.map(|from| from.0), to.0, *reason))
            }
            _ => None,
        });
        resets.collect()
    }

    fn failures(&self) -> Vec<ConsumerError> {
        let failures = self.answers.iter().filter_map(|answer| match answer {
            ConsumerAnswer::Failed { error, .. } => Some(*error),
            ConsumerAnswer::Records(_) | ConsumerAnswer::Closed => None,
        });
        failures.collect()
    }
}

/// What a fetch asks of its one partition: the offset and the leader's epoch.
fn fetched(request: &Arrived) -> (i64, i32) {
    let Request::Fetch(body) = &request.frame.body else { panic!("{request:?}") };
    let partition = &body.topics[0].partitions[0];
    (partition.fetch_offset, partition.current_leader_epoch)
}

fn t0() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn pairs(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected.iter().map(|(offset, value)| (*offset, (*value).to_owned())).collect()
}
