//! From answers to records for the application (Kafka's `FetchCollector` and `CompletedFetch`).
//!
//! An answer is read batch by batch, as polls ask for it. It is dropped as soon as the consumer's
//! position is not where reading it would go on: after a seek, a reset, or while the position is
//! being validated. Batches begin where they were written, so records before the position are
//! skipped. A batch that is not what was written must not be skipped (KAFKA-5211).

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    Consumer, ConsumerAnswer, ConsumerError, ConsumerRecord, subscription::PartitionState,
};
use crate::{
    host::{
        Now, Outbox,
        event::{ConsumerEvent, Delivery},
    },
    ids::{BrokerId, LeaderEpoch, Offset, TopicPartition},
    protocol::batch::{BatchError, Record, RecordBatch, batches},
};

/// An answer to a fetch that is not read to its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompletedFetch {
    /// The partition.
    pub(crate) partition: TopicPartition,
    broker: BrokerId,
    /// Where reading goes on.
    next: Offset,
    /// The batches that are not opened.
    rest: Bytes,
    /// The batch that is open.
    open: Option<OpenBatch>,
}

#[derive(Clone, Debug, PartialEq)]
struct OpenBatch {
    epoch: LeaderEpoch,
    end: Offset,
    records: VecDeque<Record>,
}

/// A batch that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Corrupt;

impl CompletedFetch {
    pub(crate) fn new(
        partition: TopicPartition,
        broker: BrokerId,
        next: Offset,
        rest: Bytes,
    ) -> Self {
        Self { partition, broker, next, rest, open: None }
    }

    /// The next record at or after the position, with its batch's epoch; none at the end.
    fn next_record(&mut self) -> Result<Option<(Record, LeaderEpoch)>, Corrupt> {
        loop {
            let Some(open) = &mut self.open else {
                if self.open_next()? {
                    continue;
                }
                return Ok(None);
            };
            let Some(record) = open.records.pop_front() else {
                self.next = self.next.max(open.end);
                self.open = None;
                continue;
            };
            if self.next <= record.offset {
                self.next = record.offset.next();
                return Ok(Some((record, open.epoch)));
            }
        }
    }

    /// Opens the next batch. Says whether there was one: the last may be cut off, and then counts
    /// as not there.
    fn open_next(&mut self) -> Result<bool, Corrupt> {
        let batch: RecordBatch = match batches(self.rest.clone()).next() {
            None | Some(Err(BatchError::Short { .. })) => return Ok(false),
            Some(Err(_)) => return Err(Corrupt),
            Some(Ok(batch)) => batch,
        };
        self.rest = self.rest.slice(batch.size()..);
        let records = if batch.is_control() {
            VecDeque::new()
        } else {
            batch.records().collect::<Result<_, _>>().map_err(|_| Corrupt)?
        };
        let epoch = batch.leader_epoch().ok_or(Corrupt)?;
        self.open = Some(OpenBatch { epoch, end: batch.next_offset(), records });
        Ok(true)
    }
}

impl Consumer {
    /// Answers a poll that waits, if there are records or its time is over.
    pub(crate) fn serve_poll(&mut self, now: Now, out: &mut Outbox<ConsumerAnswer>) {
        let Some(until) = self.poll else { return };
        let records = self.collect(out);
        if !records.is_empty() || until <= now.monotonic {
            self.poll = None;
            out.answer(ConsumerAnswer::Records(records));
        }
    }

    fn collect(&mut self, out: &mut Outbox<ConsumerAnswer>) -> Vec<ConsumerRecord> {
        let mut collected = Vec::new();
        let most = self.config.max_poll_records as usize;
        while collected.len() < most {
            let Some(mut fetch) = self.completed.pop_front() else { break };
            let state = self.subscription.get(&fetch.partition);
            let position = state.and_then(PartitionState::fetch_position);
            if position.is_none_or(|position| position.offset != fetch.next) {
                continue;
            }
            match self.read(&mut fetch, most, &mut collected, out) {
                Ok(End::Reached) => {}
                Ok(End::MoreToCome) => self.completed.push_front(fetch),
                Err(Corrupt) => {
                    let position = fetch.next;
                    self.fail(&fetch.partition, ConsumerError::Corrupt { position }, out);
                }
            }
        }
        collected
    }

    /// Reads on in an answer until enough is collected.
    fn read(
        &mut self,
        fetch: &mut CompletedFetch,
        most: usize,
        collected: &mut Vec<ConsumerRecord>,
        out: &mut Outbox<ConsumerAnswer>,
    ) -> Result<End, Corrupt> {
        let mut epoch = None;
        let mut end = Ok(End::MoreToCome);
        while collected.len() < most {
            match fetch.next_record() {
                Ok(Some((record, batch_epoch))) => {
                    epoch = Some(batch_epoch);
                    collected.push(self.deliver(fetch, record, batch_epoch, out));
                }
                Ok(None) => {
                    end = Ok(End::Reached);
                    break;
                }
                Err(corrupt) => {
                    end = Err(corrupt);
                    break;
                }
            }
        }
        self.subscription.advance(&fetch.partition, fetch.next, epoch);
        end
    }

    fn deliver(
        &self,
        fetch: &CompletedFetch,
        record: Record,
        leader_epoch: LeaderEpoch,
        out: &mut Outbox<ConsumerAnswer>,
    ) -> ConsumerRecord {
        let Record { offset, timestamp, key, value, .. } = record;
        out.event(ConsumerEvent::Delivered(Delivery {
            consumer: self.client.clone(),
            partition: fetch.partition.clone(),
            offset,
            leader_epoch,
            broker: fetch.broker,
            value: value.clone().unwrap_or_default(),
        }));
        let partition = fetch.partition.clone();
        ConsumerRecord { partition, offset, leader_epoch, timestamp, key, value }
    }
}

/// Whether an answer is read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Reached,
    MoreToCome,
}
