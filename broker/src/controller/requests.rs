//! What each request leads to.
//!
//! Mirrors `ControllerApis`: one function for each API, which makes the decision, has it appended,
//! and turns its answer into a response. Who is not in charge answers `NOT_CONTROLLER`.

use rand::Rng;

use super::{
    broker_heartbeat_manager::{BrokerControlState, Wanted, is_caught_up},
    cluster_control_manager::Registrar,
    create_topics::Defaults,
    decision::Decision,
    metadata_log::MetadataLogError,
    quorum_controller::{Context, Controller},
};
use crate::{
    host::{
        ExitReason,
        event::{ControllerEvent, FenceReason},
    },
    ids::{BrokerId, Offset, TopicId},
    metadata::BrokerRegistration,
    net::Incoming,
    protocol::{
        ErrorCode, Request, Response,
        messages::{
            AlterPartitionRequest, AlterPartitionResponse, BrokerHeartbeatRequest,
            BrokerHeartbeatResponse, BrokerRegistrationRequest, BrokerRegistrationResponse,
            CreateTopicsRequest, CreateTopicsResponse, DescribeClusterRequest,
            DescribeClusterResponse, WireBrokerId, broker_of, describe_cluster_response,
            wire_string,
        },
        versions::{Listener, api_versions_response},
    },
    raft::KafkaRaftClientDriver,
};

/// Of `DescribeCluster`: the controllers are asked for, not the brokers (KIP-919).
const CONTROLLER_ENDPOINTS: i8 = 2;

impl Controller {
    /// Serves the requests that can be served now, and the fetches that wait for what they wrote.
    pub(super) fn serve(&mut self, cx: &mut Context<'_>) -> Result<(), MetadataLogError> {
        loop {
            while let Some(incoming) = self.server.next(cx.out) {
                self.handle(incoming, cx)?;
            }
            self.with_quorum(cx, KafkaRaftClientDriver::on_time)?;
            if self.has_left(cx.now.monotonic) {
                self.end(ExitReason::CleanShutdown, cx);
                return Ok(());
            }
            // An answered fetch frees its connection, and more may have come on it.
            match self.server.next(cx.out) {
                Some(incoming) => self.handle(incoming, cx)?,
                None => return Ok(()),
            }
        }
    }

    /// Every controller speaks of the quorum; the rest is for the active one to answer.
    fn handle(
        &mut self,
        Incoming { id, frame, .. }: Incoming,
        cx: &mut Context<'_>,
    ) -> Result<(), MetadataLogError> {
        match &frame.body {
            Request::Fetch(_)
            | Request::Vote(_)
            | Request::BeginQuorumEpoch(_)
            | Request::EndQuorumEpoch(_) => {
                return self.with_quorum(cx, |quorum, around| quorum.handle(id, &frame, around));
            }
            Request::ApiVersions(_) => {
                let response = api_versions_response(Listener::Controller).into();
                self.server.respond(id, response, cx.out);
            }
            Request::DescribeCluster(body) => {
                let response = self.describe_cluster(body).into();
                self.server.respond(id, response, cx.out);
            }
            request if self.active_ref().is_some() => {
                match self.answer(request, frame.version, cx)? {
                    Some(response) => self.respond(id, frame.body, response, cx),
                    None => self.server.close(id, cx.out),
                }
            }
            request => self.refuse(id, request, cx),
        }
        Ok(())
    }

    /// Decides what a request asks for. None if no controller answers such requests.
    fn answer(
        &mut self,
        request: &Request,
        version: i16,
        cx: &mut Context<'_>,
    ) -> Result<Option<Response>, MetadataLogError> {
        Ok(Some(match request {
            Request::BrokerRegistration(body) => self.register(body, cx)?.into(),
            Request::BrokerHeartbeat(body) => self.heartbeat(body, cx)?.into(),
            Request::AlterPartition(body) => self.alter_partition(body, version, cx)?.into(),
            Request::CreateTopics(body) => self.create_topics(body, cx)?.into(),
            Request::DeleteTopics(body) => {
                let decision = self.view().delete_topics(body, version);
                self.commit(decision, cx)?.into()
            }
            Request::AllocateProducerIds(body) => {
                let decision = self.view().allocate_producer_ids(body);
                self.commit(decision, cx)?.into()
            }
            Request::CreatePartitions(body) => {
                let decision = self.view().create_partitions(body);
                self.commit(decision, cx)?.into()
            }
            Request::ElectLeaders(body) => {
                let decision = self.view().elect_leaders(body);
                self.commit(decision, cx)?.into()
            }
            Request::IncrementalAlterConfigs(body) => {
                let decision = self.view().alter_configs(body);
                self.commit(decision, cx)?.into()
            }
            Request::AlterPartitionReassignments(body) => {
                let decision = self.view().alter_reassignments(body);
                self.commit(decision, cx)?.into()
            }
            Request::ListPartitionReassignments(body) => {
                self.view().list_reassignments(body).into()
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
            | Request::EndQuorumEpoch(_) => return Ok(None),
        }))
    }

    fn register(
        &mut self,
        request: &BrokerRegistrationRequest,
        cx: &mut Context<'_>,
    ) -> Result<BrokerRegistrationResponse, MetadataLogError> {
        let now = cx.now.monotonic;
        let active = self.active_ref().expect("only an active controller serves");
        let registrar = Registrar {
            view: self.view(),
            heartbeats: &active.heartbeats,
            cluster_id: &self.config.cluster_id,
            next_offset: active.image.end_offset(),
            now,
        };
        let decision = registrar.register(request);
        let response = BrokerRegistrationResponse::default();
        Ok(match self.commit(decision, cx)? {
            Ok((broker, broker_epoch)) => {
                self.active().heartbeats.register(broker, now);
                response.with_broker_epoch(broker_epoch.0)
            }
            Err(error) => response.with_error_code(error.code()).with_broker_epoch(-1),
        })
    }

    fn heartbeat(
        &mut self,
        request: &BrokerHeartbeatRequest,
        cx: &mut Context<'_>,
    ) -> Result<BrokerHeartbeatResponse, MetadataLogError> {
        let broker = broker_of(request.broker_id);
        let broker = match self.view().check_broker_epoch(broker, request.broker_epoch) {
            Ok(registration) => registration.clone(),
            Err(error) => {
                return Ok(BrokerHeartbeatResponse::default().with_error_code(error.code()));
            }
        };
        let wanted = Wanted::from_flags(request.want_fence, request.want_shut_down);
        let applied = Offset::from_wire(request.current_metadata_offset);
        let active = self.active();
        let current = active.heartbeats.current_state(&broker);
        let next = active.heartbeats.next_state(&broker, wanted, applied, &active.image);
        if current != next {
            let decision = self.transition(&broker, next);
            self.commit(decision, cx)?;
        }
        let active = self.active();
        active.heartbeats.touch(broker.id, applied, next, cx.now.monotonic);
        if next == BrokerControlState::ControlledShutdown {
            let last = Offset(active.image.end_offset().0 - 1);
            active.heartbeats.maybe_update_controlled_shutdown_offset(broker.id, last);
        }
        Ok(BrokerHeartbeatResponse::default()
            .with_is_caught_up(is_caught_up(&broker, applied))
            .with_is_fenced(next.is_fenced())
            .with_should_shut_down(next == BrokerControlState::ShutdownNow))
    }

    fn transition(&self, broker: &BrokerRegistration, to: BrokerControlState) -> Decision<()> {
        match to {
            BrokerControlState::Fenced | BrokerControlState::ShutdownNow => {
                self.view().fence(broker, FenceReason::Asked)
            }
            BrokerControlState::Unfenced => self.view().unfence(broker),
            BrokerControlState::ControlledShutdown => self.view().begin_controlled_shutdown(broker),
        }
    }

    fn alter_partition(
        &mut self,
        request: &AlterPartitionRequest,
        version: i16,
        cx: &mut Context<'_>,
    ) -> Result<AlterPartitionResponse, MetadataLogError> {
        let decision = self.view().alter_partition(request, version);
        let altered = self.commit(decision, cx)?;
        for (topic_id, number, error) in altered.refused {
            // A topic that is gone has no name any more to tell of.
            let Some(topic) = self.view().image.topic(topic_id) else { continue };
            let event = ControllerEvent::AlterPartitionRefused {
                partition: topic.topic_partition(number),
                broker: BrokerId(request.broker_id.0),
                error: error.code(),
            };
            self.tell(event, cx);
        }
        Ok(altered.response)
    }

    fn create_topics(
        &mut self,
        request: &CreateTopicsRequest,
        cx: &mut Context<'_>,
    ) -> Result<CreateTopicsResponse, MetadataLogError> {
        let count = |configured: u32| usize::try_from(configured).unwrap_or(usize::MAX);
        let defaults = Defaults {
            partitions: count(self.config.server.num_partitions),
            replication_factor: count(self.config.server.default_replication_factor),
        };
        // Drawn from a copy, since the decision only looks at the controller.
        let mut rng = self.rng.clone();
        let decision = self.view().create_topics(request, defaults, || new_topic_id(&mut rng));
        self.rng = rng;
        self.commit(decision, cx)
    }

    fn describe_cluster(&self, request: &DescribeClusterRequest) -> DescribeClusterResponse {
        let response = DescribeClusterResponse::default()
            .with_cluster_id(wire_string(&self.config.cluster_id))
            .with_endpoint_type(request.endpoint_type);
        if request.endpoint_type != CONTROLLER_ENDPOINTS {
            let message = "The request was sent to an endpoint of the wrong type.";
            return response
                .with_error_code(ErrorCode::MismatchedEndpointType.code())
                .with_error_message(Some(wire_string(message)));
        }
        let leader = self.leader().map_or(-1, |leader| leader.0);
        let voters = self.config.voters.iter().map(|(id, address)| {
            describe_cluster_response::DescribeClusterBroker::default()
                .with_broker_id(WireBrokerId(id.0))
                .with_host(wire_string(&address.host))
                .with_port(i32::from(address.port))
        });
        response.with_controller_id(WireBrokerId(leader)).with_brokers(voters.collect())
    }
}

fn new_topic_id(rng: &mut impl Rng) -> TopicId {
    let mut id = [0; 16];
    // The first ids are Kafka's own (`Uuid.RESERVED`).
    while u128::from_be_bytes(id) < 100 {
        rng.fill_bytes(&mut id);
    }
    TopicId(id)
}
