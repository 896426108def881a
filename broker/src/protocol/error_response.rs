//! A request that is refused as a whole, whatever it asks for.
//!
//! Mirrors `AbstractRequest.getErrorResponse`, for the requests that a controller answers: an error
//! of their own if they have one, else the same error for everything that they name.

use super::{
    ErrorCode, Request, Response,
    messages::{
        AllocateProducerIdsResponse, AlterPartitionReassignmentsResponse, AlterPartitionResponse,
        BrokerHeartbeatResponse, BrokerRegistrationResponse, CreatePartitionsRequest,
        CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest,
        DeleteTopicsResponse, ElectLeadersResponse, IncrementalAlterConfigsRequest,
        IncrementalAlterConfigsResponse, ListPartitionReassignmentsResponse,
        create_partitions_response::CreatePartitionsTopicResult,
        create_topics_response::CreatableTopicResult, delete_topics_response::DeletableTopicResult,
        incremental_alter_configs_response::AlterConfigsResourceResponse,
    },
};

/// The refusal of a request to a controller; none for requests that only others answer.
pub fn error_response(request: &Request, error: ErrorCode) -> Option<Response> {
    let code = error.code();
    Some(match request {
        Request::BrokerRegistration(_) => {
            BrokerRegistrationResponse::default().with_error_code(code).with_broker_epoch(-1).into()
        }
        Request::BrokerHeartbeat(_) => {
            BrokerHeartbeatResponse::default().with_error_code(code).into()
        }
        Request::AlterPartition(_) => {
            AlterPartitionResponse::default().with_error_code(code).into()
        }
        Request::AllocateProducerIds(_) => {
            AllocateProducerIdsResponse::default().with_error_code(code).into()
        }
        Request::CreateTopics(request) => creations(request, code).into(),
        Request::DeleteTopics(request) => deletions(request, code).into(),
        Request::CreatePartitions(request) => partitions(request, code).into(),
        Request::IncrementalAlterConfigs(request) => configs(request, code).into(),
        Request::ElectLeaders(_) => ElectLeadersResponse::default().with_error_code(code).into(),
        Request::AlterPartitionReassignments(_) => {
            AlterPartitionReassignmentsResponse::default().with_error_code(code).into()
        }
        Request::ListPartitionReassignments(_) => {
            ListPartitionReassignmentsResponse::default().with_error_code(code).into()
        }
        Request::ApiVersions(_)
        | Request::DescribeCluster(_)
        | Request::DescribeConfigs(_)
        | Request::Produce(_)
        | Request::Fetch(_)
        | Request::ListOffsets(_)
        | Request::Metadata(_)
        | Request::FindCoordinator(_)
        | Request::InitProducerId(_)
        | Request::OffsetForLeaderEpoch(_)
        | Request::Vote(_)
        | Request::BeginQuorumEpoch(_)
        | Request::EndQuorumEpoch(_) => return None,
    })
}

/// Whether a controller answered that another is in charge. All that a request names is refused
/// then, so that the first tells.
pub fn is_not_controller(response: &Response) -> bool {
    let code = match response {
        Response::BrokerRegistration(response) => Some(response.error_code),
        Response::BrokerHeartbeat(response) => Some(response.error_code),
        Response::AlterPartition(response) => Some(response.error_code),
        Response::AllocateProducerIds(response) => Some(response.error_code),
        Response::CreateTopics(response) => response.topics.first().map(|topic| topic.error_code),
        Response::DeleteTopics(response) => {
            response.responses.first().map(|topic| topic.error_code)
        }
        Response::CreatePartitions(response) => {
            response.results.first().map(|topic| topic.error_code)
        }
        Response::IncrementalAlterConfigs(response) => {
            response.responses.first().map(|resource| resource.error_code)
        }
        Response::ElectLeaders(response) => Some(response.error_code),
        Response::AlterPartitionReassignments(response) => Some(response.error_code),
        Response::ListPartitionReassignments(response) => Some(response.error_code),
        Response::ApiVersions(_)
        | Response::DescribeCluster(_)
        | Response::DescribeConfigs(_)
        | Response::Produce(_)
        | Response::Fetch(_)
        | Response::ListOffsets(_)
        | Response::Metadata(_)
        | Response::FindCoordinator(_)
        | Response::InitProducerId(_)
        | Response::OffsetForLeaderEpoch(_)
        | Response::Vote(_)
        | Response::BeginQuorumEpoch(_)
        | Response::EndQuorumEpoch(_) => None,
    };
    code == Some(ErrorCode::NotController.code())
}

fn creations(request: &CreateTopicsRequest, code: i16) -> CreateTopicsResponse {
    let results = request.topics.iter().map(|topic| {
        CreatableTopicResult::default().with_name(topic.name.clone()).with_error_code(code)
    });
    CreateTopicsResponse::default().with_topics(results.collect())
}

fn deletions(request: &DeleteTopicsRequest, code: i16) -> DeleteTopicsResponse {
    let named = request.topic_names.iter().map(|name| (Some(name.clone()), None));
    let listed = request.topics.iter().map(|topic| (topic.name.clone(), Some(topic.topic_id)));
    let results = named.chain(listed).map(|(name, id)| {
        DeletableTopicResult::default()
            .with_name(name)
            .with_topic_id(id.unwrap_or_default())
            .with_error_code(code)
    });
    DeleteTopicsResponse::default().with_responses(results.collect())
}

fn partitions(request: &CreatePartitionsRequest, code: i16) -> CreatePartitionsResponse {
    let results = request.topics.iter().map(|topic| {
        CreatePartitionsTopicResult::default().with_name(topic.name.clone()).with_error_code(code)
    });
    CreatePartitionsResponse::default().with_results(results.collect())
}

fn configs(request: &IncrementalAlterConfigsRequest, code: i16) -> IncrementalAlterConfigsResponse {
    let results = request.resources.iter().map(|resource| {
        AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_error_code(code)
    });
    IncrementalAlterConfigsResponse::default().with_responses(results.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::messages::{
        AllocateProducerIdsRequest, AlterPartitionRequest, BrokerHeartbeatRequest,
        BrokerRegistrationRequest, ElectLeadersRequest, ProduceRequest,
        create_topics_request::CreatableTopic,
    };

    #[test]
    fn who_is_not_in_charge_says_so_in_a_way_that_is_understood() {
        let creation = CreateTopicsRequest::default().with_topics(vec![CreatableTopic::default()]);
        let requests: [Request; 6] = [
            BrokerRegistrationRequest::default().into(),
            BrokerHeartbeatRequest::default().into(),
            AlterPartitionRequest::default().into(),
            AllocateProducerIdsRequest::default().into(),
            ElectLeadersRequest::default().into(),
            creation.into(),
        ];
        for request in requests {
            let refused = error_response(&request, ErrorCode::NotController).unwrap();
            assert!(is_not_controller(&refused), "{refused:?}");
            let other = error_response(&request, ErrorCode::RequestTimedOut).unwrap();
            assert!(!is_not_controller(&other), "{other:?}");
        }
    }

    #[test]
    fn what_no_controller_answers_has_no_refusal() {
        let produce = ProduceRequest::default().into();
        assert_eq!(error_response(&produce, ErrorCode::NotController), None);
    }
}
