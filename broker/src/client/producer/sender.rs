//! What leaves a producer (Kafka's `Sender`): batches to the leaders of their partitions, and the
//! request for a producer id to any broker.
//!
//! This is what the sender thread does in one round, in its order, except that what has expired
//! ends before anything is sent, so that nothing leaves that was already given up.

use std::collections::BTreeMap;

use super::{
    Producer, ProducerAnswer,
    batch::BatchId,
    transaction_manager::{AdjustSequences, ProducerIdAndEpoch, TransactionManager},
};
use crate::{
    client::network::{Ended, Node, Peer},
    config::Acks,
    host::{
        Instant, Now, Outbox,
        event::{Attempt, AttemptOutcome, ProducerEvent, SendFailure},
    },
    ids::{BrokerId, ProducerEpoch, ProducerId, TopicName},
    net::{Outcome, Readiness},
    protocol::{
        ErrorCode, Request, Response,
        messages::{
            InitProducerIdRequest, ProduceRequest,
            produce_request::{PartitionProduceData, TopicProduceData},
            wire_topic,
        },
    },
};

/// What a request was about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// These batches.
    Produce(Vec<BatchId>),
    /// A name for the producer.
    InitProducerId,
}

/// How far the request for a producer id is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct InitProducerId {
    asked: bool,
    not_before: Option<Instant>,
    failures: u32,
}

impl Producer {
    /// One round of the sender.
    pub(crate) fn run_sender(&mut self, now: Now, out: &mut Outbox<ProducerAnswer>) {
        self.next_check = None;
        self.expire(now, out);
        self.advance_epoch(out);
        self.request_producer_id(now, out);
        let urgency = self.urgency();
        let ready = self.accumulator.ready(now.monotonic, &self.network.metadata, urgency);
        self.check_at(ready.next_check);
        if !ready.unknown_leader_topics.is_empty() {
            self.network.metadata.request_update();
        }
        for node in ready.nodes {
            self.send_to(now, node, out);
        }
    }

    /// A request ended.
    pub(crate) fn on_ended(
        &mut self,
        now: Now,
        ended: Ended<Token>,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        match ended.token {
            Token::Produce(ids) => {
                self.on_produce_ended(now, ended.correlation, &ids, &ended.outcome, out);
            }
            Token::InitProducerId => self.on_producer_id(now, ended.outcome, out),
        }
    }

    fn check_at(&mut self, at: Option<Instant>) {
        self.next_check = Instant::earliest(self.next_check, at);
    }

    /// Gives up what has reached `delivery.timeout.ms`, wherever it is.
    fn expire(&mut self, now: Now, out: &mut Outbox<ProducerAnswer>) {
        while let Some(id) = self.accumulator.next_expired(now.monotonic) {
            let batch = &self.accumulator.batches[&id];
            if let Some(transactions) = &mut self.transactions {
                transactions.failed(id, &batch.partition, None, AdjustSequences::No);
                if 0 < batch.attempts {
                    transactions.mark_unresolved(batch);
                }
            }
            self.end_batch(id, SendFailure::DeliveryTimeout, out);
        }
    }

    fn advance_epoch(&mut self, out: &mut Outbox<ProducerAnswer>) {
        let Some(transactions) = &mut self.transactions else { return };
        let Some(reason) = transactions.advance(&mut self.accumulator.batches) else { return };
        self.tell_identity(Some(reason), out);
    }

    fn tell_identity(&self, reason: Option<&str>, out: &mut Outbox<ProducerAnswer>) {
        let identity = self.transactions.as_ref().and_then(TransactionManager::identity);
        let ProducerIdAndEpoch { id, epoch } = identity.expect("it was just assigned");
        out.event(ProducerEvent::ProducerIdAssigned {
            producer: self.client.clone(),
            producer_id: id,
            producer_epoch: epoch,
            reason: reason.map(str::to_owned),
        });
    }

    fn request_producer_id(&mut self, now: Now, out: &mut Outbox<ProducerAnswer>) {
        let nameless = self.transactions.as_ref().is_some_and(|all| all.identity().is_none());
        if !nameless || self.init_producer_id.asked {
            return;
        }
        if let Some(not_before) = self.init_producer_id.not_before
            && now.monotonic < not_before
        {
            self.check_at(Some(not_before));
            return;
        }
        match self.network.least_loaded(now, out) {
            Node::Ready(node) => {
                let request = InitProducerIdRequest::default()
                    .with_transactional_id(None)
                    .with_transaction_timeout_ms(i32::MAX);
                let request = Request::InitProducerId(request);
                self.network.send(now, node, &request, Token::InitProducerId, out);
                self.init_producer_id.asked = true;
            }
            Node::Connecting => {}
            Node::BackingOff(until) => self.check_at(Some(until)),
        }
    }

    fn on_producer_id(&mut self, now: Now, outcome: Outcome, out: &mut Outbox<ProducerAnswer>) {
        self.init_producer_id.asked = false;
        let assigned = match outcome {
            Outcome::Response(Response::InitProducerId(response))
                if response.error_code == ErrorCode::None.code() =>
            {
                Some(ProducerIdAndEpoch {
                    id: ProducerId(response.producer_id.0),
                    epoch: ProducerEpoch(response.producer_epoch),
                })
            }
            Outcome::Response(_) | Outcome::Disconnected | Outcome::TimedOut | Outcome::NotSent => {
                None
            }
        };
        let (Some(identity), Some(transactions)) = (assigned, &mut self.transactions) else {
            let backoff = self.config.connection_keys().retry();
            let wait = backoff.after(self.init_producer_id.failures, &mut self.rng);
            self.init_producer_id.failures += 1;
            self.init_producer_id.not_before = Some(now.monotonic.plus(wait));
            return;
        };
        let reason = transactions.assigned(identity, &mut self.accumulator.batches);
        self.init_producer_id = InitProducerId::default();
        self.tell_identity(reason, out);
    }

    /// Sends a broker what is ready for it, if it can be reached and has not too much to answer.
    fn send_to(&mut self, now: Now, node: BrokerId, out: &mut Outbox<ProducerAnswer>) {
        match self.network.ready(now, node, out) {
            Some(Readiness::Ready) => {}
            Some(Readiness::BackingOff(until)) => {
                self.network.metadata.request_update();
                self.check_at(Some(until));
                return;
            }
            Some(Readiness::Connecting) | None => return,
        }
        let most = self.config.max_in_flight_requests_per_connection as usize;
        while self.network.in_flight(node) < most {
            let drained = self.accumulator.drain(
                now.monotonic,
                node,
                &self.network.metadata,
                &mut self.transactions,
                self.config.max_request_size as usize,
            );
            if drained.is_empty() {
                return;
            }
            self.send_batches(now, node, drained, out);
            if !self.sends_more_at_once(now, node) {
                return;
            }
        }
    }

    /// Whether another request can leave in the same step: Kafka's sender comes round again at once
    /// while something is ready.
    fn sends_more_at_once(&mut self, now: Now, node: BrokerId) -> bool {
        let urgency = self.urgency();
        let ready = self.accumulator.ready(now.monotonic, &self.network.metadata, urgency);
        self.check_at(ready.next_check);
        ready.nodes.contains(&node)
    }

    fn send_batches(
        &mut self,
        now: Now,
        node: BrokerId,
        ids: Vec<BatchId>,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        let request = Request::Produce(self.produce_request(&ids));
        let unanswered = self.config.acks == Acks::None;
        let correlation = if unanswered {
            let sent = self.network.send_without_answer(node, &request, out);
            sent.expect("a connection that is ready takes a request")
        } else {
            let token = Token::Produce(ids.clone());
            self.network.send(now, Peer::Broker(node), &request, token, out)
        };
        for id in &ids {
            self.in_flight.insert(*id);
            self.tell_attempt(*id, node, correlation, out);
        }
        if self.config.max_in_flight_requests_per_connection == 1 && !unanswered {
            for id in &ids {
                self.accumulator.mute(&self.accumulator.batches[id].partition.clone());
            }
        }
        if unanswered {
            for id in ids {
                self.tell_attempt_ended(id, correlation, AttemptOutcome::NoAnswerExpected, out);
                self.in_flight.remove(&id);
                self.expose(id);
                self.end_batch(id, SendFailure::NotConfirmed, out);
            }
        }
    }

    fn produce_request(&mut self, ids: &[BatchId]) -> ProduceRequest {
        let mut topics: BTreeMap<TopicName, Vec<PartitionProduceData>> = BTreeMap::new();
        for id in ids {
            let batch = self.accumulator.batches.get_mut(id).expect("what was drained is there");
            let records = batch.close();
            let data = PartitionProduceData::default()
                .with_index(batch.partition.partition)
                .with_records(Some(records));
            topics.entry(batch.partition.topic.clone()).or_default().push(data);
        }
        let topics = topics.into_iter().map(|(topic, partitions)| {
            TopicProduceData::default()
                .with_name(wire_topic(&topic))
                .with_partition_data(partitions)
        });
        ProduceRequest::default()
            .with_acks(self.config.acks.to_wire())
            .with_timeout_ms(self.config.request_timeout_ms.to_wire())
            .with_topic_data(topics.collect())
    }

    fn tell_attempt(
        &self,
        id: BatchId,
        broker: BrokerId,
        correlation: i32,
        out: &mut Outbox<ProducerAnswer>,
    ) {
        let batch = &self.accumulator.batches[&id];
        let connection = self.network.connection(broker);
        out.event(ProducerEvent::Attempted(Attempt {
            producer: self.client.clone(),
            correlation,
            partition: batch.partition.clone(),
            broker,
            connection: connection.expect("a request leaves over a connection"),
            attempt: batch.attempts + 1,
            acks: self.config.acks.to_wire(),
            producer_id: batch.producer.map(|name| name.id),
            producer_epoch: batch.producer.map(|name| name.epoch),
            base_sequence: batch.producer.map(|name| name.base_sequence),
            sends: batch.sends().to_vec(),
        }));
    }
}
