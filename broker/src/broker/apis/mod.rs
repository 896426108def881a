//! What a broker answers to which request (Kafka's `KafkaApis`).
//!
//! Requests about partitions go to the replica manager, requests that change the cluster go on to
//! the controller, and the rest is answered here, from what the broker knows.

mod metadata;

use super::{Running, surroundings::Surroundings};
use crate::{
    ids::{BrokerId, CLUSTER_ID},
    metadata::MetadataImage,
    net::Incoming,
    protocol::{
        ErrorCode, Request, RequestFrame,
        messages::{
            DescribeClusterRequest, DescribeClusterResponse, DescribeConfigsRequest,
            DescribeConfigsResponse, FindCoordinatorRequest, FindCoordinatorResponse,
            describe_cluster_response::DescribeClusterBroker,
            describe_configs_response::DescribeConfigsResult,
            find_coordinator_response::Coordinator, wire_broker, wire_string,
        },
        versions::{self, Listener},
    },
    replica::Received,
};

/// Of `DescribeCluster`: the brokers are asked for, not the controllers (KIP-919).
const BROKER_ENDPOINTS: i8 = 1;

impl Running {
    /// Takes a request: answers it, parks it, or passes it on.
    pub(super) fn on_request(&mut self, incoming: Incoming, around: &mut Surroundings<'_>) {
        let Incoming { id, frame, .. } = incoming;
        let RequestFrame { version, correlation, client, body, .. } = frame;
        let received = Received { id, client, correlation, version };
        match body {
            Request::Produce(request) => {
                let ctx = &mut around.context(&mut self.effects);
                self.replicas.produce(ctx, &received, request);
            }
            Request::Fetch(request) => {
                let ctx = &mut around.context(&mut self.effects);
                self.replicas.fetch(ctx, &received, &request);
            }
            Request::ListOffsets(request) => {
                let ctx = &mut around.context(&mut self.effects);
                self.replicas.list_offsets(ctx, &received, &request);
            }
            Request::OffsetForLeaderEpoch(request) => {
                let ctx = &mut around.context(&mut self.effects);
                self.replicas.offset_for_leader_epoch(ctx, &received, &request);
            }
            Request::InitProducerId(request) => {
                if let Some(response) = self.producer_ids.on_request(id, &request) {
                    self.server.respond(id, response, around.out);
                }
            }
            body @ (Request::CreateTopics(_)
            | Request::DeleteTopics(_)
            | Request::CreatePartitions(_)
            | Request::ElectLeaders(_)
            | Request::IncrementalAlterConfigs(_)
            | Request::AlterPartitionReassignments(_)
            | Request::ListPartitionReassignments(_)) => {
                self.forward(id, version, body, around);
            }
            Request::Metadata(request) => {
                let image = self.metadata.image();
                let response = metadata::metadata(image, self.broker, version, &request);
                self.server.respond(id, response.into(), around.out);
            }
            Request::ApiVersions(_) => {
                let response = versions::api_versions_response(Listener::Broker);
                self.server.respond(id, response.into(), around.out);
            }
            Request::DescribeCluster(request) => {
                let response = describe_cluster(self.metadata.image(), self.broker, &request);
                self.server.respond(id, response.into(), around.out);
            }
            Request::DescribeConfigs(request) => {
                self.server.respond(id, describe_configs(&request).into(), around.out);
            }
            Request::FindCoordinator(request) => {
                let response = find_coordinator(&request, version);
                self.server.respond(id, response.into(), around.out);
            }
            // The listener lets none of these through: they are the controller's.
            Request::Vote(_)
            | Request::BeginQuorumEpoch(_)
            | Request::EndQuorumEpoch(_)
            | Request::AlterPartition(_)
            | Request::BrokerRegistration(_)
            | Request::BrokerHeartbeat(_)
            | Request::AllocateProducerIds(_) => self.server.close(id, around.out),
        }
    }
}

fn describe_cluster(
    image: &MetadataImage,
    broker: BrokerId,
    request: &DescribeClusterRequest,
) -> DescribeClusterResponse {
    let response = DescribeClusterResponse::default().with_endpoint_type(request.endpoint_type);
    if request.endpoint_type != BROKER_ENDPOINTS {
        return response.with_error_code(ErrorCode::MismatchedEndpointType.code());
    }
    let brokers = image
        .brokers()
        .values()
        .filter(|registration| request.include_fenced_brokers || !registration.fenced)
        .map(|registration| {
            DescribeClusterBroker::default()
                .with_broker_id(wire_broker(Some(registration.id)))
                .with_host(wire_string(&registration.address.host))
                .with_port(i32::from(registration.address.port))
                .with_is_fenced(registration.fenced)
        })
        .collect();
    response
        .with_cluster_id(wire_string(CLUSTER_ID))
        .with_controller_id(wire_broker(Some(broker)))
        .with_brokers(brokers)
}

/// Configurations cannot be read yet: every resource is refused, with the reason.
fn describe_configs(request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
    let results = request
        .resources
        .iter()
        .map(|resource| {
            DescribeConfigsResult::default()
                .with_error_code(ErrorCode::InvalidRequest.code())
                .with_error_message(Some(wire_string("describing configurations is not modelled")))
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
        })
        .collect();
    DescribeConfigsResponse::default().with_results(results)
}

/// There are no groups and no transactions yet, and so no coordinators.
fn find_coordinator(request: &FindCoordinatorRequest, version: i16) -> FindCoordinatorResponse {
    let error = ErrorCode::CoordinatorNotAvailable.code();
    if version < 4 {
        return FindCoordinatorResponse::default()
            .with_error_code(error)
            .with_node_id(wire_broker(None))
            .with_port(-1);
    }
    let none = |key: &crate::protocol::messages::WireString| {
        Coordinator::default()
            .with_key(key.clone())
            .with_node_id(wire_broker(None))
            .with_port(-1)
            .with_error_code(error)
    };
    let coordinators = request.coordinator_keys.iter().map(none).collect();
    FindCoordinatorResponse::default().with_coordinators(coordinators)
}
