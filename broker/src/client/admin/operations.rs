//! What an operator does to topics that are there (Kafka's `Admin.electLeaders`,
//! `alterPartitionReassignments`, `incrementalAlterConfigs`, `createPartitions`, `deleteTopics`).
//!
//! Each is one request to the controller, about one thing. If its answer is lost it is asked again;
//! what is there already counts as done where Kafka says so.

use std::collections::BTreeMap;

use crate::{
    ids::{BrokerId, TopicName, TopicPartition},
    protocol::{
        ErrorCode, Request, Response,
        messages::{
            AlterPartitionReassignmentsRequest, CreatePartitionsRequest, DeleteTopicsRequest,
            ElectLeadersRequest, IncrementalAlterConfigsRequest, WireString,
            alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic},
            create_partitions_request::CreatePartitionsTopic,
            delete_topics_request::DeleteTopicState,
            elect_leaders_request::TopicPartitions,
            incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
            wire_broker, wire_string, wire_topic,
        },
    },
};

/// `ConfigResource.Type.TOPIC`.
const TOPIC: i8 = 2;

/// What an operator does.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub enum AdminOperation {
    /// Let the preferred replica lead; of all partitions, if none is named.
    ElectPreferred(Option<TopicPartition>),
    /// Move a partition to these brokers, the preferred leader first; none takes an unfinished
    /// move back.
    Reassign {
        /// The partition.
        partition: TopicPartition,
        /// Who shall hold it.
        replicas: Option<Vec<BrokerId>>,
    },
    /// Set values of a topic, by Kafka's keys; none removes one.
    SetConfig {
        /// The topic.
        topic: TopicName,
        /// The values.
        config: BTreeMap<String, Option<String>>,
    },
    /// Give a topic so many partitions in all.
    AddPartitions {
        /// The topic.
        topic: TopicName,
        /// How many it shall have.
        count: i32,
    },
    /// Delete a topic.
    DeleteTopic(TopicName),
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Done,
    /// It may be asked again.
    Again,
    Refused(ErrorCode, String),
}

impl AdminOperation {
    pub(super) fn request(&self, timeout_ms: i32) -> Request {
        match self {
            Self::ElectPreferred(partition) => {
                let topics = partition.as_ref().map(|partition| {
                    vec![
                        TopicPartitions::default()
                            .with_topic(wire_topic(&partition.topic))
                            .with_partitions(vec![partition.partition]),
                    ]
                });
                ElectLeadersRequest::default()
                    .with_election_type(0)
                    .with_topic_partitions(topics)
                    .with_timeout_ms(timeout_ms)
                    .into()
            }
            Self::Reassign { partition, replicas } => {
                let wire =
                    |ids: &Vec<BrokerId>| ids.iter().map(|b| wire_broker(Some(*b))).collect();
                let asked = ReassignablePartition::default()
                    .with_partition_index(partition.partition)
                    .with_replicas(replicas.as_ref().map(wire));
                let topic = ReassignableTopic::default()
                    .with_name(wire_topic(&partition.topic))
                    .with_partitions(vec![asked]);
                AlterPartitionReassignmentsRequest::default()
                    .with_topics(vec![topic])
                    .with_timeout_ms(timeout_ms)
                    .into()
            }
            Self::SetConfig { topic, config } => {
                let configs = config.iter().map(|(key, value)| {
                    AlterableConfig::default()
                        .with_name(wire_string(key))
                        .with_config_operation(i8::from(value.is_none()))
                        .with_value(value.as_deref().map(wire_string))
                });
                let resource = AlterConfigsResource::default()
                    .with_resource_type(TOPIC)
                    .with_resource_name(wire_string(topic.as_str()))
                    .with_configs(configs.collect());
                IncrementalAlterConfigsRequest::default().with_resources(vec![resource]).into()
            }
            Self::AddPartitions { topic, count } => {
                let topic = CreatePartitionsTopic::default()
                    .with_name(wire_topic(topic))
                    .with_count(*count)
                    .with_assignments(None);
                CreatePartitionsRequest::default()
                    .with_topics(vec![topic])
                    .with_timeout_ms(timeout_ms)
                    .into()
            }
            Self::DeleteTopic(topic) => {
                let topic = DeleteTopicState::default().with_name(Some(wire_topic(topic)));
                DeleteTopicsRequest::default()
                    .with_topics(vec![topic])
                    .with_timeout_ms(timeout_ms)
                    .into()
            }
        }
    }

    /// What it is called in scenario files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ElectPreferred(_) => "elect-preferred",
            Self::Reassign { .. } => "reassign",
            Self::SetConfig { .. } => "set-config",
            Self::AddPartitions { .. } => "add-partitions",
            Self::DeleteTopic(_) => "delete-topic",
        }
    }

    /// Reads the answer. One of another API is none.
    pub(super) fn settle(&self, response: &Response) -> Settled {
        let (error, message) = match first_error(response) {
            Some(found) => found,
            None => return Settled::Again,
        };
        match error {
            ErrorCode::None | ErrorCode::ElectionNotNeeded => Settled::Done,
            ErrorCode::NotController
            | ErrorCode::RequestTimedOut
            | ErrorCode::NetworkException
            | ErrorCode::CoordinatorNotAvailable => Settled::Again,
            error => {
                let said = message.filter(|message| !message.is_empty());
                Settled::Refused(error, said.unwrap_or_else(|| error.name().to_owned()))
            }
        }
    }
}

/// The first thing wrong that an answer tells, or that nothing is.
fn first_error(response: &Response) -> Option<(ErrorCode, Option<String>)> {
    type Told<'a> = (i16, Option<&'a WireString>);
    let all: Vec<Told<'_>> = match response {
        Response::ElectLeaders(body) => {
            let results = body.replica_election_results.iter().flat_map(|t| &t.partition_result);
            let results = results.map(|r| (r.error_code, r.error_message.as_ref()));
            core::iter::once((body.error_code, None)).chain(results).collect()
        }
        Response::AlterPartitionReassignments(body) => {
            let results = body.responses.iter().flat_map(|topic| &topic.partitions);
            let results = results.map(|r| (r.error_code, r.error_message.as_ref()));
            core::iter::once((body.error_code, None)).chain(results).collect()
        }
        Response::IncrementalAlterConfigs(body) => {
            body.responses.iter().map(|r| (r.error_code, r.error_message.as_ref())).collect()
        }
        Response::CreatePartitions(body) => {
            body.results.iter().map(|r| (r.error_code, r.error_message.as_ref())).collect()
        }
        Response::DeleteTopics(body) => {
            body.responses.iter().map(|r| (r.error_code, r.error_message.as_ref())).collect()
        }
        _ => return None,
    };
    let is_wrong = |(code, _): &Told<'_>| {
        !matches!(ErrorCode::from_code(*code), ErrorCode::None | ErrorCode::ElectionNotNeeded)
    };
    let (code, message) = all.into_iter().find(is_wrong).unwrap_or((0, None));
    Some((ErrorCode::from_code(code), message.map(|message| message.as_str().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::messages::{
        ElectLeadersResponse,
        elect_leaders_response::{PartitionResult, ReplicaElectionResult},
    };

    fn answered(errors: &[ErrorCode]) -> Settled {
        let result = |e: &ErrorCode| PartitionResult::default().with_error_code(e.code());
        let topic = ReplicaElectionResult::default()
            .with_partition_result(errors.iter().map(result).collect());
        let response = ElectLeadersResponse::default().with_replica_election_results(vec![topic]);
        AdminOperation::ElectPreferred(None).settle(&response.into())
    }

    #[test]
    fn what_is_so_already_is_done_and_what_may_pass_is_asked_again() {
        assert_eq!(answered(&[]), Settled::Done);
        assert_eq!(answered(&[ErrorCode::None, ErrorCode::ElectionNotNeeded]), Settled::Done);
        assert_eq!(answered(&[ErrorCode::NotController]), Settled::Again);
        let error = ErrorCode::PreferredLeaderNotAvailable;
        let refused = Settled::Refused(error, "PREFERRED_LEADER_NOT_AVAILABLE".to_owned());
        assert_eq!(answered(&[ErrorCode::None, error]), refused);
    }
}
