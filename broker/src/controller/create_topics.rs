//! Topics are created, each for itself: one that is refused does not touch the others.
//!
//! Mirrors `ReplicationControlManager.createTopics`, the checks of `ControllerApis.createTopics`
//! before it, and `Topic.validate`.

use std::collections::{BTreeMap, BTreeSet};

use super::{decision::Decision, replica_placer, replication_control_manager::View};
use crate::{
    config::TopicOverrides,
    ids::{BrokerId, TopicId, TopicName},
    metadata::{
        ConfigChange, ConfigResource, MetadataRecord, PartitionRegistration, set_topic_config,
    },
    protocol::{
        ErrorCode,
        messages::{
            CreateTopicsRequest, CreateTopicsResponse, WireBrokerId, WireString, broker_of,
            create_topics_request, create_topics_response, topic_of, wire_string, wire_topic_id,
        },
    },
};

/// What Kafka allows in one request (`MAX_PARTITIONS_PER_BATCH`).
const PARTITIONS_MAX: usize = 10_000;

/// The longest name of a topic.
const NAME_LENGTH_MAX: usize = 249;

/// Why a topic is not created: the code, and the words that people read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) error: ErrorCode,
    pub(super) message: String,
}

fn refusal(error: ErrorCode, message: impl Into<String>) -> Refusal {
    Refusal { error, message: message.into() }
}

/// What topics that do not say get.
#[derive(Clone, Copy)]
pub(super) struct Defaults {
    pub(super) partitions: usize,
    pub(super) replication_factor: usize,
}

/// A topic that will be created.
struct NewTopic {
    id: TopicId,
    partitions: Vec<PartitionRegistration>,
    records: Vec<MetadataRecord>,
}

impl View<'_> {
    /// Decides upon a request. `topic_id` gives the id of the n-th new topic.
    pub(super) fn create_topics(
        self,
        request: &CreateTopicsRequest,
        defaults: Defaults,
        mut topic_id: impl FnMut() -> TopicId,
    ) -> Decision<CreateTopicsResponse> {
        let mut times = BTreeMap::new();
        for topic in &request.topics {
            *times.entry(topic_of(&topic.name)).or_insert(0_u32) += 1;
        }
        let mut records = Vec::new();
        let mut partitions_left = PARTITIONS_MAX;
        let mut response = CreateTopicsResponse::default();
        for topic in &request.topics {
            let name = topic_of(&topic.name);
            let created = match times.get(&name) {
                Some(1) => self.create_topic(topic, name, defaults, partitions_left, &mut topic_id),
                Some(_) | None => Err(refusal(ErrorCode::InvalidRequest, "Duplicate topic name.")),
            };
            response.topics.push(match created {
                Ok(new) => {
                    partitions_left -= new.partitions.len();
                    let result = describe(topic, &new);
                    if !request.validate_only {
                        records.extend(new.records);
                    }
                    result
                }
                Err(refusal) => refuse(topic, &refusal),
            });
        }
        Decision::of(records, response)
    }

    fn create_topic(
        self,
        topic: &create_topics_request::CreatableTopic,
        name: TopicName,
        defaults: Defaults,
        partitions_max: usize,
        topic_id: &mut impl FnMut() -> TopicId,
    ) -> Result<NewTopic, Refusal> {
        validate_name(&name)?;
        if self.image.topic_named(&name).is_some() {
            let message = format!("Topic '{name}' already exists.");
            return Err(refusal(ErrorCode::TopicAlreadyExists, message));
        }
        let configs = configs(topic, &name)?;
        let partitions = if topic.assignments.is_empty() {
            self.placed(topic, defaults, partitions_max)?
        } else {
            self.assigned(topic, partitions_max)?
        };
        let id = topic_id();
        let mut records = vec![MetadataRecord::Topic { name, topic_id: id }];
        records.extend(configs.into_iter().map(MetadataRecord::Config));
        records.extend((0..).zip(&partitions).map(|(partition, registration)| {
            MetadataRecord::Partition {
                topic_id: id,
                partition,
                registration: registration.clone(),
            }
        }));
        Ok(NewTopic { id, partitions, records })
    }

    /// The partitions of a topic that says how many it wants.
    fn placed(
        self,
        topic: &create_topics_request::CreatableTopic,
        defaults: Defaults,
        partitions_max: usize,
    ) -> Result<Vec<PartitionRegistration>, Refusal> {
        let factor = match topic.replication_factor {
            -1 => defaults.replication_factor,
            some => usize::try_from(some).ok().filter(|some| 1 <= *some).ok_or_else(|| {
                let message = "Replication factor must be larger than 0, or -1 to use the default \
                               value.";
                refusal(ErrorCode::InvalidReplicationFactor, message)
            })?,
        };
        let partitions = match topic.num_partitions {
            -1 => defaults.partitions,
            some => usize::try_from(some).ok().filter(|some| 1 <= *some).ok_or_else(|| {
                let message = "Number of partitions was set to an invalid non-positive value.";
                refusal(ErrorCode::InvalidPartitions, message)
            })?,
        };
        check_count(partitions, partitions_max)?;
        let placement = replica_placer::place(self.image, partitions, factor).map_err(|why| {
            let message = format!("Unable to replicate the partition {factor} time(s): {why}");
            refusal(ErrorCode::InvalidReplicationFactor, message)
        })?;
        placement.into_iter().map(|replicas| self.new_partition(replicas)).collect()
    }

    /// The partitions of a topic that says who shall hold them.
    fn assigned(
        self,
        topic: &create_topics_request::CreatableTopic,
        partitions_max: usize,
    ) -> Result<Vec<PartitionRegistration>, Refusal> {
        if topic.replication_factor != -1 || topic.num_partitions != -1 {
            let message = "A manual partition assignment was specified, but the replication factor \
                           or the number of partitions was not set to -1.";
            return Err(refusal(ErrorCode::InvalidRequest, message));
        }
        check_count(topic.assignments.len(), partitions_max)?;
        let mut by_number = BTreeMap::new();
        for assignment in &topic.assignments {
            let replicas = self.manual_replicas(&assignment.broker_ids)?;
            if by_number.insert(assignment.partition_index, replicas).is_some() {
                let message = format!(
                    "Found multiple manual assignments for partition {}",
                    assignment.partition_index
                );
                return Err(refusal(ErrorCode::InvalidReplicaAssignment, message));
            }
        }
        let consecutive = by_number.keys().copied().eq((0..).take(by_number.len()));
        let factors: BTreeSet<_> = by_number.values().map(Vec::len).collect();
        if !consecutive || factors.len() != 1 {
            let message = "partitions should be a consecutive 0-based integer sequence, all with \
                           the same number of replicas";
            return Err(refusal(ErrorCode::InvalidReplicaAssignment, message));
        }
        by_number.into_values().map(|replicas| self.new_partition(replicas)).collect()
    }

    fn manual_replicas(self, raw: &[WireBrokerId]) -> Result<Vec<BrokerId>, Refusal> {
        let invalid = |message: &str| refusal(ErrorCode::InvalidReplicaAssignment, message);
        let replicas: Option<Vec<_>> = raw.iter().map(|broker| broker_of(*broker)).collect();
        let replicas = replicas.ok_or_else(|| invalid("A broker id is negative."))?;
        if replicas.is_empty() {
            return Err(invalid("The manual partition assignment includes an empty replica list."));
        }
        let distinct: BTreeSet<_> = replicas.iter().collect();
        if distinct.len() != replicas.len() {
            return Err(invalid("The manual partition assignment includes a broker twice."));
        }
        if let Some(unknown) = replicas.iter().find(|b| self.image.broker(**b).is_none()) {
            return Err(invalid(&format!(
                "The manual partition assignment includes {unknown}, but no such broker is \
                 registered."
            )));
        }
        Ok(replicas)
    }

    /// Everybody who is there begins in sync; the first of them leads.
    fn new_partition(self, replicas: Vec<BrokerId>) -> Result<PartitionRegistration, Refusal> {
        let isr: Vec<_> = replicas.iter().copied().filter(|b| self.is_active(*b)).collect();
        if isr.is_empty() {
            let message = "All brokers specified in the partition assignment are fenced or in \
                           controlled shutdown.";
            return Err(refusal(ErrorCode::InvalidReplicaAssignment, message));
        }
        Ok(PartitionRegistration::create(replicas, isr))
    }
}

fn check_count(partitions: usize, partitions_max: usize) -> Result<(), Refusal> {
    if partitions <= partitions_max {
        return Ok(());
    }
    let message = "Excessively large number of partitions per request.";
    Err(refusal(ErrorCode::PolicyViolation, message))
}

fn validate_name(name: &TopicName) -> Result<(), Refusal> {
    let text = name.as_str();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if *name == TopicName::cluster_metadata() {
        let message = format!("Creation of internal topic {name} is prohibited.");
        return Err(refusal(ErrorCode::InvalidRequest, message));
    }
    if text.is_empty()
        || matches!(text, "." | "..")
        || NAME_LENGTH_MAX < text.len()
        || !text.chars().all(legal)
    {
        let message = format!("Topic name is invalid: '{name}'");
        return Err(refusal(ErrorCode::InvalidTopicException, message));
    }
    Ok(())
}

fn configs(
    topic: &create_topics_request::CreatableTopic,
    name: &TopicName,
) -> Result<Vec<ConfigChange>, Refusal> {
    let mut probe = TopicOverrides::default();
    let read = |config: &create_topics_request::CreatableTopicConfig| {
        let value = config.value.as_ref().map(WireString::as_str);
        set_topic_config(&mut probe, config.name.as_str(), value)
            .map_err(|error| refusal(ErrorCode::InvalidConfig, error.to_string()))?;
        Ok(ConfigChange {
            resource: ConfigResource::Topic,
            name: name.0.clone(),
            key: config.name.as_str().into(),
            value: value.map(Into::into),
        })
    };
    topic.configs.iter().map(read).collect()
}

fn describe(
    topic: &create_topics_request::CreatableTopic,
    new: &NewTopic,
) -> create_topics_response::CreatableTopicResult {
    let factor = new.partitions.first().map_or(0, |partition| partition.replicas.len());
    create_topics_response::CreatableTopicResult::default()
        .with_name(topic.name.clone())
        .with_topic_id(wire_topic_id(new.id))
        .with_num_partitions(i32::try_from(new.partitions.len()).unwrap_or(i32::MAX))
        .with_replication_factor(i16::try_from(factor).unwrap_or(i16::MAX))
        .with_error_message(None)
}

fn refuse(
    topic: &create_topics_request::CreatableTopic,
    refusal: &Refusal,
) -> create_topics_response::CreatableTopicResult {
    create_topics_response::CreatableTopicResult::default()
        .with_name(topic.name.clone())
        .with_error_code(refusal.error.code())
        .with_error_message(Some(wire_string(&refusal.message)))
}
