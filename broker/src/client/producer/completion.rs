//! How batches end (the answering half of Kafka's `Sender`, and `ProducerBatch.done`).
//!
//! A batch that was refused, or got no answer, is sent again as long as that may help and
//! `retries` and `delivery.timeout.ms` allow. When it ends without success, what the application is
//! told depends on *all* its attempts: only if each was refused with a code that says "nothing was
//! appended", or none was made, did it fail; else nobody knows. Kafka tells its applications
//! both as an exception.

use super::{
    Producer, ProducerAnswer,
    batch::{BatchId, Exposure, Stage},
    transaction_manager::{AdjustSequences, Retry},
};
use crate::{
    host::{
        Address, Now, Outbox,
        event::{AttemptOutcome, ProducerEvent, SendFailure},
    },
    ids::{LeaderEpoch, Offset, TopicPartition},
    net::Outcome,
    protocol::{
        ErrorCode, Response,
        messages::{ProduceResponse, broker_of, produce_response::PartitionProduceResponse},
    },
};

/// Why a batch was not appended, as far as anybody said.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Refusal {
    /// The broker answered with a code.
    Answered { error: ErrorCode, log_start: Option<Offset> },
    /// No answer came.
    Silence,
}

impl Producer {
    /// A Produce request ended.
    pub(crate) fn on_produce_ended(
        &mut self,
        now: Now,
        correlation: i32,
        ids: &[BatchId],
        outcome: &Outcome,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        for id in ids {
            self.in_flight.remove(id);
            let partition = self.accumulator.batches[id].partition.clone();
            match outcome {
                Outcome::Response(Response::Produce(response)) => {
                    match answer_for(response, &partition) {
                        Some(answer) => {
                            self.learn_leader(&partition, answer, response);
                            self.on_answer(now, correlation, *id, answer, out);
                        }
                        None => self.on_silence(
                            now,
                            correlation,
                            *id,
                            AttemptOutcome::Disconnected,
                            out,
                        ),
                    }
                }
                Outcome::TimedOut => {
                    self.on_silence(now, correlation, *id, AttemptOutcome::TimedOut, out);
                }
                Outcome::Response(_) | Outcome::Disconnected | Outcome::NotSent => {
                    self.on_silence(now, correlation, *id, AttemptOutcome::Disconnected, out);
                }
            }
            if self.config.max_in_flight_requests_per_connection == 1 {
                self.accumulator.unmute(&partition);
            }
        }
    }

    /// A batch has ended without success: tells each of its sends.
    pub(crate) fn end_batch(
        &mut self,
        id: BatchId,
        failure: SendFailure,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        let batch = &self.accumulator.batches[&id];
        let absent = batch.surely_absent() && !self.in_flight.contains(&id);
        for &send in batch.sends() {
            let producer = self.client.clone();
            let partition = batch.partition.clone();
            if absent {
                let partition = Some(partition);
                out.event(ProducerEvent::SendFailed {
                    producer,
                    send,
                    partition: partition.clone(),
                    failure,
                });
                out.answer(ProducerAnswer::Failed { send, partition, failure });
            } else {
                out.event(ProducerEvent::SendUnknown {
                    producer,
                    send,
                    partition: partition.clone(),
                    failure,
                });
                out.answer(ProducerAnswer::Unknown { send, partition, failure });
            }
        }
        self.close_books(id);
    }

    /// An attempt ended without the certainty that nothing was appended.
    pub(crate) fn expose(&mut self, id: BatchId) {
        let batch = self.accumulator.batches.get_mut(&id).expect("what was sent is there");
        batch.exposure = Exposure::MaybeAppended;
    }

    pub(crate) fn tell_attempt_ended(
        &self,
        id: BatchId,
        correlation: i32,
        outcome: AttemptOutcome,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        out.event(ProducerEvent::AttemptEnded {
            producer: self.client.clone(),
            correlation,
            partition: self.accumulator.batches[&id].partition.clone(),
            outcome,
        });
    }

    fn on_answer(
        &mut self,
        now: Now,
        correlation: i32,
        id: BatchId,
        answer: &PartitionProduceResponse,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        let error = ErrorCode::from_code(answer.error_code);
        if error == ErrorCode::None {
            let base_offset = Offset::from_wire(answer.base_offset);
            let outcome = AttemptOutcome::Succeeded { base_offset };
            self.tell_attempt_ended(id, correlation, outcome, out);
            self.acknowledge(id, base_offset, out);
            return;
        }
        let outcome = AttemptOutcome::Refused { error: answer.error_code };
        self.tell_attempt_ended(id, correlation, outcome, out);
        if !says_not_appended(error) {
            self.expose(id);
        }
        let batch = &self.accumulator.batches[&id];
        let parts = error == ErrorCode::MessageTooLarge && 1 < batch.record_count();
        if parts && batch.stage != Stage::Done {
            self.accumulator.split_and_reenqueue(id, &mut self.transactions);
        } else {
            let log_start = Offset::from_wire(answer.log_start_offset);
            self.on_refusal(now, id, Refusal::Answered { error, log_start }, out);
        }
        if error.refreshes_metadata() {
            self.network.metadata.request_update();
        }
    }

    fn on_silence(
        &mut self,
        now: Now,
        correlation: i32,
        id: BatchId,
        outcome: AttemptOutcome,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        self.tell_attempt_ended(id, correlation, outcome, out);
        self.expose(id);
        self.on_refusal(now, id, Refusal::Silence, out);
    }

    fn on_refusal(
        &mut self,
        now: Now,
        id: BatchId,
        refusal: Refusal,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        if self.can_retry(now, id, refusal) == Retry::Yes {
            let attempts = self.accumulator.batches[&id].attempts;
            let wait = self.config.connection_keys().retry().after(attempts, &mut self.rng);
            let retry_at = now.monotonic.plus(wait);
            self.accumulator.reenqueue(now.monotonic, id, retry_at, self.transactions.as_ref());
            return;
        }
        let error = match refusal {
            Refusal::Answered { error: ErrorCode::DuplicateSequenceNumber, .. } => {
                self.acknowledge(id, None, out);
                return;
            }
            Refusal::Answered { error, .. } => Some(error),
            Refusal::Silence => None,
        };
        let batch = &self.accumulator.batches[&id];
        if let Some(transactions) = &mut self.transactions {
            // After the last retry nobody knows whether the number was taken.
            let free = batch.attempts < self.config.retries;
            let adjust = if free { AdjustSequences::Yes } else { AdjustSequences::No };
            transactions.failed(id, &batch.partition, error, adjust);
        }
        if batch.stage == Stage::Done {
            self.accumulator.remove(id);
            return;
        }
        let failure = match error {
            Some(error) => SendFailure::Refused { error: error.code() },
            None if self.accumulator.has_expired(batch, now.monotonic) => {
                SendFailure::DeliveryTimeout
            }
            None => SendFailure::RetriesExhausted,
        };
        self.end_batch(id, failure, out);
    }

    fn can_retry(&mut self, now: Now, id: BatchId, refusal: Refusal) -> Retry {
        let batch = &self.accumulator.batches[&id];
        let exhausted = self.config.retries <= batch.attempts;
        if exhausted
            || batch.stage == Stage::Done
            || self.accumulator.has_expired(batch, now.monotonic)
        {
            return Retry::No;
        }
        match (refusal, &mut self.transactions) {
            (Refusal::Silence, _) => Retry::Yes,
            (Refusal::Answered { error, log_start }, Some(transactions)) => {
                transactions.can_retry(batch, error, log_start)
            }
            (Refusal::Answered { error, .. }, None) if error.is_retriable() => Retry::Yes,
            (Refusal::Answered { .. }, None) => Retry::No,
        }
    }

    /// A batch is in the log: tells each of its sends where.
    fn acknowledge(
        &mut self,
        id: BatchId,
        base_offset: Option<Offset>,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        let batch = &self.accumulator.batches[&id];
        if let Some(transactions) = &mut self.transactions {
            transactions.completed(id, batch);
        }
        if batch.stage == Stage::Done {
            // It was given up before: the application knows it as unknown.
            self.accumulator.remove(id);
            return;
        }
        for (place, &send) in (0..).zip(batch.sends()) {
            let partition = batch.partition.clone();
            let offset = base_offset.map(|base| base.plus(place));
            out.event(ProducerEvent::Acknowledged {
                producer: self.client.clone(),
                send,
                partition: partition.clone(),
                offset,
            });
            out.answer(ProducerAnswer::Acknowledged { send, partition, offset });
        }
        self.close_books(id);
    }

    /// The application knows how a batch ended. It stays as long as an answer may come.
    fn close_books(&mut self, id: BatchId) {
        if self.in_flight.contains(&id) {
            self.accumulator.ended(id);
        } else {
            self.accumulator.remove(id);
        }
    }

    /// An answer may name the leader that a batch should have gone to (KIP-951).
    fn learn_leader(
        &mut self,
        partition: &TopicPartition,
        answer: &PartitionProduceResponse,
        response: &ProduceResponse,
    ) {
        let leader = broker_of(answer.current_leader.leader_id);
        let epoch = LeaderEpoch::from_wire(answer.current_leader.leader_epoch);
        let (Some(leader), Some(epoch)) = (leader, epoch) else { return };
        let endpoint = response.node_endpoints.iter().find(|node| node.node_id.0 == leader.0);
        let address = endpoint
            .and_then(|node| Some(Address::new(&node.host, u16::try_from(node.port).ok()?)));
        self.network.metadata.learn_leader(partition, leader, epoch, address);
    }
}

/// Whether a code says that the leader appended nothing. Of all others a copy may exist: the code
/// may have come after the append, or from a broker that appended an earlier attempt.
fn says_not_appended(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::NotEnoughReplicas
            | ErrorCode::MessageTooLarge
            | ErrorCode::RecordListTooLarge
            | ErrorCode::InvalidRecord
            | ErrorCode::CorruptMessage
            | ErrorCode::InvalidRequiredAcks
    )
}

fn answer_for<'a>(
    response: &'a ProduceResponse,
    partition: &TopicPartition,
) -> Option<&'a PartitionProduceResponse> {
    let topics = response.responses.iter();
    topics
        .filter(|topic| topic.name.0.as_str() == partition.topic.as_str())
        .flat_map(|topic| &topic.partition_responses)
        .find(|answer| answer.index == partition.partition)
}
