//! Configuration values of topics change while they are used.
//!
//! Mirrors `ConfigurationControlManager.incrementalAlterConfigs` (KIP-339), and what
//! `QuorumController` does when the values decide about leaders: a topic that allows unclean
//! elections from now on gets its leaders at once, and with another `min.insync.replicas` its
//! eligible leader replicas are counted anew (KIP-966).

use super::{
    decision::Decision, partition_change_builder::PartitionChangeBuilder,
    replication_control_manager::View,
};
use crate::{
    config::TopicOverrides,
    ids::TopicName,
    metadata::{ConfigChange, ConfigResource, MetadataRecord, TopicImage, set_topic_config},
    protocol::{
        ErrorCode,
        messages::{
            IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, WireString,
            incremental_alter_configs_request::AlterConfigsResource,
            incremental_alter_configs_response::AlterConfigsResourceResponse, wire_string,
        },
    },
};

/// `ConfigResource.Type.TOPIC`.
const TOPIC: i8 = 2;
/// `AlterConfigOp.OpType`; appending to lists and taking from them is for values that are lists,
/// and no key that is modelled has one.
const SET: i8 = 0;
const DELETE: i8 = 1;

/// Why a resource is left as it is.
type Refusal = (ErrorCode, String);

impl View<'_> {
    /// Decides upon a request. One resource that is refused does not touch the others.
    pub(super) fn alter_configs(
        self,
        request: &IncrementalAlterConfigsRequest,
    ) -> Decision<IncrementalAlterConfigsResponse> {
        let mut records = Vec::new();
        let mut responses = Vec::new();
        for resource in &request.resources {
            let (error, message) = match self.alter_topic_config(resource) {
                Ok(new) => {
                    if !request.validate_only {
                        records.extend(new);
                    }
                    (ErrorCode::None, None)
                }
                Err((error, message)) => (error, Some(wire_string(&message))),
            };
            let response = AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_code(error.code())
                .with_error_message(message);
            responses.push(response);
        }
        let response = IncrementalAlterConfigsResponse::default().with_responses(responses);
        Decision::of(records, response)
    }

    fn alter_topic_config(
        self,
        resource: &AlterConfigsResource,
    ) -> Result<Vec<MetadataRecord>, Refusal> {
        if resource.resource_type != TOPIC {
            let message = "Only the configuration of topics can be changed.".to_owned();
            return Err((ErrorCode::InvalidRequest, message));
        }
        let name = TopicName::from(resource.resource_name.as_str());
        let unknown = || (ErrorCode::UnknownTopicOrPartition, format!("There is no topic {name}."));
        let topic = self.image.topic_named(&name).ok_or_else(unknown)?;
        let mut overrides = topic.overrides.clone();
        let mut records = Vec::new();
        for config in &resource.configs {
            let key = config.name.as_str();
            let value = match (config.config_operation, &config.value) {
                (SET, Some(value)) => Some(WireString::as_str(value)),
                (DELETE, _) => None,
                _ => {
                    let message = format!("Nothing can be done with {key} that way.");
                    return Err((ErrorCode::InvalidConfig, message));
                }
            };
            set_topic_config(&mut overrides, key, value)
                .map_err(|error| (ErrorCode::InvalidConfig, error.to_string()))?;
            records.push(MetadataRecord::Config(ConfigChange {
                resource: ConfigResource::Topic,
                name: name.0.clone(),
                key: key.into(),
                value: value.map(Into::into),
            }));
        }
        if overrides != topic.overrides {
            records.extend(self.under_other_config(topic, overrides));
        }
        Ok(records)
    }

    /// What the new values mean for leaders and eligible leader replicas.
    fn under_other_config(
        self,
        topic: &TopicImage,
        overrides: TopicOverrides,
    ) -> impl Iterator<Item = MetadataRecord> {
        let topic = TopicImage { overrides, ..topic.clone() };
        let is_active = |broker| self.is_active(broker);
        let around = self.surroundings(&topic, &is_active);
        let built = topic.partitions.iter().filter_map(|(number, partition)| {
            let builder = PartitionChangeBuilder::new(partition, around);
            builder.build(topic.id, *number).map(MetadataRecord::PartitionChange)
        });
        built.collect::<Vec<_>>().into_iter()
    }
}
