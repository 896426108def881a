//! Partitions that move to other brokers.
//!
//! Mirrors `ReplicationControlManager.alterPartitionReassignments`, `PartitionReassignmentReplicas`
//! and `PartitionReassignmentRevert` (KIP-455). While a partition moves it has its new and its old
//! replicas; that the move is complete is found by [`PartitionChangeBuilder`] when the ISR changes.
//! One difference: replicas that an unfinished move was adding still count as being added if the
//! next move wants them too.

use std::collections::BTreeSet;

use super::{
    decision::Decision,
    partition_change_builder::{Election, PartitionChangeBuilder},
    replication_control_manager::View,
};
use crate::{
    ids::BrokerId,
    metadata::{MetadataRecord, PartitionChange, PartitionRegistration, TopicImage},
    protocol::{
        ErrorCode,
        messages::{
            AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
            ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, WireBrokerId,
            alter_partition_reassignments_request::ReassignablePartition,
            alter_partition_reassignments_response::{
                ReassignablePartitionResponse, ReassignableTopicResponse,
            },
            broker_of,
            list_partition_reassignments_response::{
                OngoingPartitionReassignment, OngoingTopicReassignment,
            },
            topic_of, wire_broker, wire_topic,
        },
    },
};

impl View<'_> {
    /// Decides upon a request.
    pub(super) fn alter_reassignments(
        self,
        request: &AlterPartitionReassignmentsRequest,
    ) -> Decision<AlterPartitionReassignmentsResponse> {
        let mut records = Vec::new();
        let mut responses = Vec::new();
        for asked in &request.topics {
            let topic = self.image.topic_named(&topic_of(&asked.name));
            let mut results = Vec::new();
            for partition in &asked.partitions {
                let decided = topic
                    .ok_or(ErrorCode::UnknownTopicOrPartition)
                    .and_then(|topic| self.alter_reassignment(topic, partition));
                let error = match decided {
                    Ok(change) => {
                        records.extend(change.map(MetadataRecord::PartitionChange));
                        ErrorCode::None
                    }
                    Err(error) => error,
                };
                let result = ReassignablePartitionResponse::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(error.code())
                    .with_error_message(None);
                results.push(result);
            }
            let name = asked.name.clone();
            let topic = ReassignableTopicResponse::default().with_name(name);
            responses.push(topic.with_partitions(results));
        }
        let response = AlterPartitionReassignmentsResponse::default().with_error_message(None);
        Decision::of(records, response.with_responses(responses))
    }

    /// What is being moved.
    pub(super) fn list_reassignments(
        self,
        request: &ListPartitionReassignmentsRequest,
    ) -> ListPartitionReassignmentsResponse {
        let is_asked = |topic: &TopicImage, number: i32| match &request.topics {
            None => true,
            Some(topics) => topics.iter().any(|asked| {
                topic_of(&asked.name) == topic.name && asked.partition_indexes.contains(&number)
            }),
        };
        let mut topics = Vec::new();
        for topic in self.image.topics_by_name() {
            let moving = topic.partitions.iter().filter(|(number, partition)| {
                partition.is_being_reassigned() && is_asked(topic, **number)
            });
            let partitions: Vec<_> = moving.map(|(number, p)| ongoing(*number, p)).collect();
            if !partitions.is_empty() {
                let ongoing =
                    OngoingTopicReassignment::default().with_name(wire_topic(&topic.name));
                topics.push(ongoing.with_partitions(partitions));
            }
        }
        let response = ListPartitionReassignmentsResponse::default().with_error_message(None);
        response.with_topics(topics)
    }

    fn alter_reassignment(
        self,
        topic: &TopicImage,
        asked: &ReassignablePartition,
    ) -> Result<Option<PartitionChange>, ErrorCode> {
        let number = asked.partition_index;
        let partition = topic.partitions.get(&number).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        match &asked.replicas {
            Some(replicas) => {
                let target = self.validate_replicas(replicas)?;
                Ok(self.begin(topic, number, partition, &target))
            }
            None => self.cancel(topic, number, partition),
        }
    }

    /// Brokers that are registered, none of them twice (`validateManualPartitionAssignment`).
    pub(super) fn validate_replicas(
        self,
        raw: &[WireBrokerId],
    ) -> Result<Vec<BrokerId>, ErrorCode> {
        let replicas: Option<Vec<_>> = raw.iter().map(|broker| broker_of(*broker)).collect();
        let replicas = replicas.ok_or(ErrorCode::InvalidReplicaAssignment)?;
        let distinct: BTreeSet<_> = replicas.iter().collect();
        let all_known = replicas.iter().all(|broker| self.image.broker(*broker).is_some());
        if replicas.is_empty() || distinct.len() != replicas.len() || !all_known {
            return Err(ErrorCode::InvalidReplicaAssignment);
        }
        Ok(replicas)
    }

    fn begin(
        self,
        topic: &TopicImage,
        number: i32,
        partition: &PartitionRegistration,
        target: &[BrokerId],
    ) -> Option<PartitionChange> {
        let old = |broker: &BrokerId| {
            partition.replicas.contains(broker) && !partition.adding.contains(broker)
        };
        let adding: Vec<_> = target.iter().copied().filter(|broker| !old(broker)).collect();
        let gone = partition.replicas.iter().copied().filter(|broker| !target.contains(broker));
        let mut removing: Vec<_> = gone.collect();
        removing.sort_unstable();
        let replicas: Vec<_> = target.iter().copied().chain(removing.iter().copied()).collect();
        let is_active = |broker| self.is_active(broker);
        PartitionChangeBuilder::new(partition, self.surroundings(topic, &is_active))
            .target_replicas(replicas, adding, removing)
            .build(topic.id, number)
    }

    /// Takes an unfinished move back: what it was adding goes, what it was removing stays.
    fn cancel(
        self,
        topic: &TopicImage,
        number: i32,
        partition: &PartitionRegistration,
    ) -> Result<Option<PartitionChange>, ErrorCode> {
        if !partition.is_being_reassigned() {
            return Err(ErrorCode::NoReassignmentInProgress);
        }
        let old = |broker: &BrokerId| !partition.adding.contains(broker);
        let of = |brokers: &[BrokerId]| brokers.iter().copied().filter(old).collect::<Vec<_>>();
        let (isr, replicas) = (of(&partition.isr), of(&partition.replicas));
        let is_active = |broker| self.is_active(broker);
        let around = self.surroundings(topic, &is_active);
        // Only those that were being added are in sync: to leave them is to lose what they have.
        if isr.is_empty() && around.election != Election::Unclean {
            return Err(ErrorCode::InvalidReplicaAssignment);
        }
        Ok(PartitionChangeBuilder::new(partition, around)
            .target_isr(isr)
            .target_replicas(replicas, Vec::new(), Vec::new())
            .build(topic.id, number))
    }
}

fn ongoing(number: i32, partition: &PartitionRegistration) -> OngoingPartitionReassignment {
    let wire = |brokers: &[BrokerId]| brokers.iter().map(|b| wire_broker(Some(*b))).collect();
    OngoingPartitionReassignment::default()
        .with_partition_index(number)
        .with_replicas(wire(&partition.replicas))
        .with_adding_replicas(wire(&partition.adding))
        .with_removing_replicas(wire(&partition.removing))
}
