//! Topics get more partitions.
//!
//! Mirrors `ReplicationControlManager.createPartitions`. The count is that of all partitions,
//! old and new; what is there stays where it is.

use super::{decision::Decision, replica_placer, replication_control_manager::View};
use crate::{
    ids::BrokerId,
    metadata::{MetadataRecord, PartitionRegistration, TopicImage},
    protocol::{
        ErrorCode,
        messages::{
            CreatePartitionsRequest, CreatePartitionsResponse,
            create_partitions_request::CreatePartitionsTopic,
            create_partitions_response::CreatePartitionsTopicResult, topic_of,
        },
    },
};

impl View<'_> {
    /// Decides upon a request. One topic that is refused does not touch the others.
    pub(super) fn create_partitions(
        self,
        request: &CreatePartitionsRequest,
    ) -> Decision<CreatePartitionsResponse> {
        let mut records = Vec::new();
        let mut results = Vec::new();
        for (index, asked) in request.topics.iter().enumerate() {
            let is_first = request.topics[..index].iter().all(|other| other.name != asked.name);
            let decided =
                if is_first { self.add_partitions(asked) } else { Err(ErrorCode::InvalidRequest) };
            let error = match decided {
                Ok(new) if !request.validate_only => {
                    records.extend(new);
                    ErrorCode::None
                }
                Ok(_) => ErrorCode::None,
                Err(error) => error,
            };
            let result = CreatePartitionsTopicResult::default()
                .with_name(asked.name.clone())
                .with_error_code(error.code())
                .with_error_message(None);
            results.push(result);
        }
        Decision::of(records, CreatePartitionsResponse::default().with_results(results))
    }

    fn add_partitions(
        self,
        asked: &CreatePartitionsTopic,
    ) -> Result<Vec<MetadataRecord>, ErrorCode> {
        let topic = self.image.topic_named(&topic_of(&asked.name));
        let topic = topic.ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let before = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let added = asked.count.checked_sub(before).and_then(|added| usize::try_from(added).ok());
        let added = added.filter(|added| (1..=10_000).contains(added));
        let added = added.ok_or(ErrorCode::InvalidPartitions)?;
        let placement = match &asked.assignments {
            Some(assignments) if assignments.len() == added => assignments
                .iter()
                .map(|assignment| self.validate_replicas(&assignment.broker_ids))
                .collect::<Result<Vec<_>, _>>()?,
            Some(_) => return Err(ErrorCode::InvalidReplicaAssignment),
            None => self.place(topic, added)?,
        };
        let partitions = (before..).zip(placement).map(|(partition, replicas)| {
            let active = replicas.iter().copied().filter(|broker| self.is_active(*broker));
            let isr: Vec<_> = active.collect();
            if isr.is_empty() {
                return Err(ErrorCode::InvalidReplicaAssignment);
            }
            let registration = PartitionRegistration::create(replicas, isr);
            Ok(MetadataRecord::Partition { topic_id: topic.id, partition, registration })
        });
        partitions.collect()
    }

    /// As many replicas as the topic's first partition has.
    fn place(self, topic: &TopicImage, added: usize) -> Result<Vec<Vec<BrokerId>>, ErrorCode> {
        let factor = topic.partitions.values().next().map_or(1, |first| first.replicas.len());
        replica_placer::place(self.image, added, factor)
            .map_err(|_| ErrorCode::InvalidReplicationFactor)
    }
}
