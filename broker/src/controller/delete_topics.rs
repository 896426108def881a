//! Topics are deleted, by name or by id.
//!
//! Mirrors `ReplicationControlManager.deleteTopics` and `ControllerApis.deleteTopics` (KIP-516).

use std::collections::BTreeSet;

use super::{decision::Decision, replication_control_manager::View};
use crate::{
    ids::{TopicId, TopicName},
    metadata::{MetadataRecord, TopicImage},
    protocol::{
        ErrorCode,
        messages::{
            DeleteTopicsRequest, DeleteTopicsResponse, WireTopicName, delete_topics_response,
            topic_id_of, topic_of, wire_topic, wire_topic_id,
        },
    },
};

/// The first version that may name topics by id, and whose answer does.
const FIRST_VERSION_WITH_TOPIC_ID: i16 = 6;

impl View<'_> {
    /// Decides upon a request of `version`.
    pub(super) fn delete_topics(
        self,
        request: &DeleteTopicsRequest,
        version: i16,
    ) -> Decision<DeleteTopicsResponse> {
        let mut records = Vec::new();
        let mut deleted = BTreeSet::new();
        let mut response = DeleteTopicsResponse::default();
        let by_state = request.topics.iter().map(|topic| match &topic.name {
            Some(name) => self.named(name),
            None => self.identified(topic_id_of(topic.topic_id)),
        });
        let by_name = request.topic_names.iter().map(|name| self.named(name));
        for (name, found) in by_state.chain(by_name) {
            let mut result = delete_topics_response::DeletableTopicResult::default();
            result.name = name;
            match found {
                Ok(topic) if deleted.insert(topic.id) => {
                    records.push(MetadataRecord::RemoveTopic { topic_id: topic.id });
                    result.name = Some(wire_topic(&topic.name));
                    if FIRST_VERSION_WITH_TOPIC_ID <= version {
                        result.topic_id = wire_topic_id(topic.id);
                    }
                }
                Ok(_) => result.error_code = ErrorCode::InvalidRequest.code(),
                Err(error) => result.error_code = error.code(),
            }
            response.responses.push(result);
        }
        Decision::of(records, response)
    }

    fn named(
        &self,
        name: &WireTopicName,
    ) -> (Option<WireTopicName>, Result<&TopicImage, ErrorCode>) {
        let topic: TopicName = topic_of(name);
        let found = self.image.topic_named(&topic).ok_or(ErrorCode::UnknownTopicOrPartition);
        (Some(name.clone()), found)
    }

    fn identified(&self, id: TopicId) -> (Option<WireTopicName>, Result<&TopicImage, ErrorCode>) {
        (None, self.image.topic(id).ok_or(ErrorCode::UnknownTopicId))
    }
}
