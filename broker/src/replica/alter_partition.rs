//! The ISR changes of all partitions on their way to the controller: one request at a time.
//!
//! Mirrors `DefaultAlterPartitionManager` (KIP-497). While a request is on its way, what is
//! proposed meanwhile waits and goes out together. Does not know what a proposal means to its
//! partition.

use core::time::Duration;
use std::collections::BTreeMap;

use super::{
    effect::{AlterPartitionTicket, NetFailure},
    isr::IsrProposal,
    partition::AlterPartitionAnswer,
};
use crate::{
    host::Instant,
    ids::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, TopicId, TopicPartition},
    protocol::{
        ErrorCode,
        messages::{
            AlterPartitionRequest, AlterPartitionResponse, alter_partition_request as request,
            alter_partition_response as response, topic_id_of, wire_broker, wire_topic_id,
        },
    },
};

/// How long after a request that failed as a whole the next one goes out. A constant in Kafka, too.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// Proposals that were not answered yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct AlterPartitionManager {
    /// Invariant: one proposal for each partition at most.
    unanswered: BTreeMap<TopicPartition, AlterPartitionItem>,
    in_flight: Option<InFlight>,
    retry_at: Option<Instant>,
    tickets: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct InFlight {
    ticket: AlterPartitionTicket,
    partitions: Vec<TopicPartition>,
}

/// A proposal with what the request must say beside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AlterPartitionItem {
    /// The topic's id.
    pub(super) topic_id: TopicId,
    /// What is proposed.
    pub(super) proposal: IsrProposal,
    /// For each member of the proposed ISR its incarnation, as far as it is known.
    pub(super) incarnations: Vec<Option<BrokerEpoch>>,
}

/// Whether a proposal was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Submitted {
    /// It will be sent.
    Taken,
    /// One for the same partition is still unanswered; this one was dropped.
    NotAttempted,
}

impl AlterPartitionManager {
    /// Takes a proposal.
    pub(super) fn submit(
        &mut self,
        partition: &TopicPartition,
        item: AlterPartitionItem,
    ) -> Submitted {
        if self.unanswered.contains_key(partition) {
            return Submitted::NotAttempted;
        }
        self.unanswered.insert(partition.clone(), item);
        Submitted::Taken
    }

    /// The request to send now, if there is one.
    pub(super) fn next_request(
        &mut self,
        now: Instant,
        broker: BrokerId,
        broker_epoch: Option<BrokerEpoch>,
    ) -> Option<(AlterPartitionTicket, AlterPartitionRequest)> {
        let is_waiting = self.retry_at.is_some_and(|at| now < at);
        if self.unanswered.is_empty() || self.in_flight.is_some() || is_waiting {
            return None;
        }
        self.retry_at = None;
        self.tickets += 1;
        let ticket = AlterPartitionTicket(self.tickets);
        let partitions = self.unanswered.keys().cloned().collect();
        self.in_flight = Some(InFlight { ticket, partitions });
        let message = AlterPartitionRequest::default()
            .with_broker_id(wire_broker(Some(broker)))
            .with_broker_epoch(BrokerEpoch::to_wire(broker_epoch))
            .with_topics(self.topics());
        Some((ticket, message))
    }

    fn topics(&self) -> Vec<request::TopicData> {
        let mut topics: Vec<request::TopicData> = Vec::new();
        for (partition, item) in &self.unanswered {
            let id = wire_topic_id(item.topic_id);
            if topics.last().is_none_or(|topic| topic.topic_id != id) {
                topics.push(request::TopicData::default().with_topic_id(id));
            }
            if let Some(topic) = topics.last_mut() {
                topic.partitions.push(item.to_wire(partition.partition));
            }
        }
        topics
    }

    /// Takes the end of a request. Gives the answers by partition, each with what it answers; what
    /// got none is sent again.
    pub(super) fn on_completed(
        &mut self,
        now: Instant,
        ticket: AlterPartitionTicket,
        outcome: Result<&AlterPartitionResponse, NetFailure>,
    ) -> Vec<(TopicPartition, AlterPartitionItem, AlterPartitionAnswer)> {
        if self.in_flight.as_ref().is_none_or(|sent| sent.ticket != ticket) {
            return Vec::new();
        }
        let Some(sent) = self.in_flight.take() else { return Vec::new() };
        let answered = outcome.ok().filter(|answer| ErrorCode::None.code() == answer.error_code);
        let Some(answer) = answered else {
            // Whether the controller did it is unknown; asking again finds out.
            self.retry_at = Some(now.plus(RETRY_DELAY));
            return Vec::new();
        };
        let mut answers = read_answers(answer);
        let settle = |partition: TopicPartition| {
            let topic_id = self.unanswered.get(&partition)?.topic_id;
            let answer = answers.remove(&(topic_id, partition.partition))?;
            let item = self.unanswered.remove(&partition)?;
            Some((partition, item, answer))
        };
        sent.partitions.into_iter().filter_map(settle).collect()
    }

    /// When a request that failed is to be sent again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.in_flight {
            None if !self.unanswered.is_empty() => self.retry_at,
            None | Some(_) => None,
        }
    }
}

impl AlterPartitionItem {
    fn to_wire(&self, partition: i32) -> request::PartitionData {
        let members = self
            .proposal
            .isr
            .iter()
            .zip(&self.incarnations)
            .map(|(id, epoch)| {
                request::BrokerState::default()
                    .with_broker_id(wire_broker(Some(*id)))
                    .with_broker_epoch(BrokerEpoch::to_wire(*epoch))
            })
            .collect();
        request::PartitionData::default()
            .with_partition_index(partition)
            .with_leader_epoch(self.proposal.leader_epoch.0)
            .with_partition_epoch(self.proposal.partition_epoch.0)
            .with_new_isr_with_epochs(members)
    }
}

fn read_answers(
    message: &AlterPartitionResponse,
) -> BTreeMap<(TopicId, i32), AlterPartitionAnswer> {
    let mut answers = BTreeMap::new();
    for topic in &message.topics {
        for partition in &topic.partitions {
            let key = (topic_id_of(topic.topic_id), partition.partition_index);
            answers.insert(key, read_answer(partition));
        }
    }
    answers
}

fn read_answer(partition: &response::PartitionData) -> AlterPartitionAnswer {
    match ErrorCode::from_code(partition.error_code) {
        ErrorCode::None => AlterPartitionAnswer::Committed {
            leader_epoch: LeaderEpoch(partition.leader_epoch),
            partition_epoch: PartitionEpoch(partition.partition_epoch),
            isr: partition.isr.iter().map(|id| BrokerId(id.0)).collect(),
        },
        error => AlterPartitionAnswer::Refused(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(0);

    fn item(isr: &[i32]) -> AlterPartitionItem {
        AlterPartitionItem {
            topic_id: TopicId([1; 16]),
            proposal: IsrProposal {
                leader_epoch: LeaderEpoch(1),
                partition_epoch: PartitionEpoch(2),
                isr: isr.iter().copied().map(BrokerId).collect(),
            },
            incarnations: vec![None; isr.len()],
        }
    }

    fn send(
        manager: &mut AlterPartitionManager,
        now: Instant,
    ) -> Option<(AlterPartitionTicket, AlterPartitionRequest)> {
        manager.next_request(now, BrokerId(1), Some(BrokerEpoch(5)))
    }

    fn answer(partitions: &[i32]) -> AlterPartitionResponse {
        let one = |index: &i32| response::PartitionData::default().with_partition_index(*index);
        let topic = response::TopicData::default()
            .with_topic_id(wire_topic_id(TopicId([1; 16])))
            .with_partitions(partitions.iter().map(one).collect());
        AlterPartitionResponse::default().with_topics(vec![topic])
    }

    #[test]
    fn what_is_proposed_while_a_request_is_under_way_goes_out_together_with_the_next() {
        let mut manager = AlterPartitionManager::default();
        let partition = |n| TopicPartition::new("orders", n);
        manager.submit(&partition(0), item(&[1, 2]));
        let (first, _) = send(&mut manager, NOW).unwrap();
        manager.submit(&partition(1), item(&[1, 2]));
        manager.submit(&partition(2), item(&[1, 2]));
        assert_eq!(send(&mut manager, NOW), None);
        assert_eq!(manager.on_completed(NOW, first, Ok(&answer(&[0]))).len(), 1);
        let (_, second) = send(&mut manager, NOW).unwrap();
        assert_eq!(second.topics[0].partitions.len(), 2);
    }

    #[test]
    fn a_request_without_answer_is_sent_again_after_50_ms() {
        let mut manager = AlterPartitionManager::default();
        manager.submit(&TopicPartition::new("orders", 0), item(&[1, 2]));
        let (ticket, message) = send(&mut manager, NOW).unwrap();
        let outcome = Err(NetFailure::Disconnected);
        assert_eq!(manager.on_completed(NOW, ticket, outcome), []);
        let later = NOW.plus(Duration::from_millis(50));
        assert_eq!(manager.deadline(), Some(later));
        assert_eq!(send(&mut manager, NOW), None);
        let (next, again) = send(&mut manager, later).unwrap();
        assert!(ticket < next);
        assert_eq!(again, message);
    }

    #[test]
    fn a_partition_missing_from_the_answer_is_asked_for_again() {
        let mut manager = AlterPartitionManager::default();
        manager.submit(&TopicPartition::new("orders", 0), item(&[1, 2]));
        let (ticket, _) = send(&mut manager, NOW).unwrap();
        assert_eq!(manager.on_completed(NOW, ticket, Ok(&answer(&[]))), []);
        assert!(send(&mut manager, NOW).is_some());
    }

    #[test]
    fn a_second_proposal_of_a_partition_is_not_taken() {
        let mut manager = AlterPartitionManager::default();
        let partition = TopicPartition::new("orders", 0);
        assert_eq!(manager.submit(&partition, item(&[1, 2])), Submitted::Taken);
        assert_eq!(manager.submit(&partition, item(&[1, 3])), Submitted::NotAttempted);
    }
}
