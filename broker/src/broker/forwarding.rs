//! Requests of clients that the controller must answer (Kafka's `ForwardingManager`, without the
//! envelope: there are no principals to carry).
//!
//! A request goes on in the version in which it came. If the connection to the controller ends
//! before the answer, it is sent again: the controller may then see it twice, and say the second
//! time that the topic is there already. When `request.timeout.ms` is over, the client is told so
//! (Kafka has a fixed minute for it). What became of the request is then unknown.

use std::collections::BTreeMap;

use super::{Running, channels::Token, surroundings::Surroundings};
use crate::{
    host::Instant,
    net::{Outgoing, RequestId},
    protocol::{
        ErrorCode, Request, Response,
        messages::{
            AlterPartitionReassignmentsResponse, CreatePartitionsRequest, CreatePartitionsResponse,
            CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse,
            ElectLeadersResponse, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
            ListPartitionReassignmentsResponse,
            create_partitions_response::CreatePartitionsTopicResult,
            create_topics_response::CreatableTopicResult,
            delete_topics_response::DeletableTopicResult,
            incremental_alter_configs_response::AlterConfigsResourceResponse,
        },
    },
    replica::NetFailure,
};

const TIMED_OUT: i16 = ErrorCode::RequestTimedOut as i16;

/// What waits for the controller's answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Forwarding {
    waiting: BTreeMap<RequestId, Forwarded>,
}

#[derive(Clone, Debug, PartialEq)]
struct Forwarded {
    request: Request,
    version: i16,
    until: Instant,
}

impl Forwarding {
    /// The connection of a request is gone: nobody waits any more.
    pub(super) fn forget(&mut self, id: RequestId) {
        self.waiting.remove(&id);
    }
}

impl Running {
    /// Passes a request on to the controller, whose answer the client gets.
    pub(super) fn forward(
        &mut self,
        id: RequestId,
        version: i16,
        request: Request,
        around: &mut Surroundings<'_>,
    ) {
        let timeout = self.config.server.request_timeout_ms.duration();
        let until = around.now.monotonic.plus(timeout);
        self.forwarding.waiting.insert(id, Forwarded { request, version, until });
        self.send_forwarded(id, around);
    }

    /// The controller has answered, or not.
    pub(super) fn on_forwarded(
        &mut self,
        id: RequestId,
        result: Result<Response, NetFailure>,
        around: &mut Surroundings<'_>,
    ) {
        let now = around.now.monotonic;
        // Without an entry the client is gone.
        let Some(forwarded) = self.forwarding.waiting.get(&id) else { return };
        let response = match result {
            Ok(response) => response,
            Err(_) if now < forwarded.until => return self.send_forwarded(id, around),
            Err(NetFailure::Disconnected | NetFailure::TimedOut) => timed_out(&forwarded.request),
        };
        self.forwarding.waiting.remove(&id);
        self.server.respond(id, response, around.out);
    }

    fn send_forwarded(&mut self, id: RequestId, around: &mut Surroundings<'_>) {
        let Some(forwarded) = self.forwarding.waiting.get(&id) else { return };
        let now = around.now.monotonic;
        let to = self.controllers.address().clone();
        let outgoing = Outgoing {
            to: &to,
            version: forwarded.version,
            request: &forwarded.request,
            timeout: forwarded.until.since(now),
            token: Token::Forwarded(id),
        };
        let channel = outgoing.token.channel();
        self.network.send(now, &channel, outgoing, around.out);
    }
}

fn timed_out(request: &Request) -> Response {
    match request {
        Request::CreateTopics(request) => creations_timed_out(request).into(),
        Request::DeleteTopics(request) => deletions_timed_out(request).into(),
        Request::CreatePartitions(request) => partitions_timed_out(request).into(),
        Request::IncrementalAlterConfigs(request) => configs_timed_out(request).into(),
        Request::ElectLeaders(_) => {
            ElectLeadersResponse::default().with_error_code(TIMED_OUT).into()
        }
        Request::AlterPartitionReassignments(_) => {
            AlterPartitionReassignmentsResponse::default().with_error_code(TIMED_OUT).into()
        }
        Request::ListPartitionReassignments(_) => {
            ListPartitionReassignmentsResponse::default().with_error_code(TIMED_OUT).into()
        }
        other => panic!("{:?} is not forwarded", other.api()),
    }
}

fn creations_timed_out(request: &CreateTopicsRequest) -> CreateTopicsResponse {
    let results = request.topics.iter().map(|topic| {
        CreatableTopicResult::default().with_name(topic.name.clone()).with_error_code(TIMED_OUT)
    });
    CreateTopicsResponse::default().with_topics(results.collect())
}

fn deletions_timed_out(request: &DeleteTopicsRequest) -> DeleteTopicsResponse {
    let named = request.topic_names.iter().map(|name| (Some(name.clone()), None));
    let listed = request.topics.iter().map(|topic| (topic.name.clone(), Some(topic.topic_id)));
    let results = named.chain(listed).map(|(name, id)| {
        DeletableTopicResult::default()
            .with_name(name)
            .with_topic_id(id.unwrap_or_default())
            .with_error_code(TIMED_OUT)
    });
    DeleteTopicsResponse::default().with_responses(results.collect())
}

fn partitions_timed_out(request: &CreatePartitionsRequest) -> CreatePartitionsResponse {
    let results = request.topics.iter().map(|topic| {
        CreatePartitionsTopicResult::default()
            .with_name(topic.name.clone())
            .with_error_code(TIMED_OUT)
    });
    CreatePartitionsResponse::default().with_results(results.collect())
}

fn configs_timed_out(request: &IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse {
    let results = request.resources.iter().map(|resource| {
        AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
            .with_error_code(TIMED_OUT)
    });
    IncrementalAlterConfigsResponse::default().with_responses(results.collect())
}
