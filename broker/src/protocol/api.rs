//! The table of the APIs that are spoken: one line for each.
//!
//! Mirrors `ApiKeys`, `ApiMessageType` and the `listeners` of Kafka's message schemas. A line gives
//! the API key, the types of the bodies, the versions spoken, the version that this crate's own
//! clients use, the first flexible version (KIP-482), who serves it, and the shapes of the bodies.

use std::ops::RangeInclusive;

use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable};

use super::{
    messages::{
        AllocateProducerIdsRequest, AllocateProducerIdsResponse,
        AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
        AlterPartitionRequest, AlterPartitionResponse, ApiVersionsRequest, ApiVersionsResponse,
        BeginQuorumEpochRequest, BeginQuorumEpochResponse, BrokerHeartbeatRequest,
        BrokerHeartbeatResponse, BrokerRegistrationRequest, BrokerRegistrationResponse,
        CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest,
        CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse, DescribeClusterRequest,
        DescribeClusterResponse, DescribeConfigsRequest, DescribeConfigsResponse,
        ElectLeadersRequest, ElectLeadersResponse, EndQuorumEpochRequest, EndQuorumEpochResponse,
        FetchRequest, FetchResponse, FindCoordinatorRequest, FindCoordinatorResponse,
        IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, InitProducerIdRequest,
        InitProducerIdResponse, ListOffsetsRequest, ListOffsetsResponse,
        ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, MetadataRequest,
        MetadataResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
        ProduceRequest, ProduceResponse, VoteRequest, VoteResponse,
    },
    shapes,
    versions::Served,
    walk::Shape,
};

/// What the table says of one API.
pub(super) struct Api {
    pub(super) name: &'static str,
    pub(super) versions: RangeInclusive<i16>,
    pub(super) client: i16,
    pub(super) flexible: i16,
    pub(super) served: Served,
    pub(super) request: &'static Shape,
    pub(super) response: &'static Shape,
}

macro_rules! apis {
    ($(
        $(#[$doc:meta])*
        $name:ident = $key:literal: $request:ident, $response:ident,
        versions $first:literal..=$last:literal, client $client:literal,
        flexible $flexible:literal, $served:ident,
        $request_shape:path, $response_shape:path;
    )*) => {
        /// An API that is spoken. Its value is Kafka's API key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(i16)]
        pub enum ApiKey {
            $($(#[$doc])* $name = $key,)*
        }

        impl ApiKey {
            /// All of them, by key.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The API of Kafka's key; `None` if it is not spoken.
            pub fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($key => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// What the table says of it.
            pub(super) fn api(self) -> &'static Api {
                match self {
                    $(Self::$name => &Api {
                        name: stringify!($name),
                        versions: $first..=$last,
                        client: $client,
                        flexible: $flexible,
                        served: Served::$served,
                        request: &$request_shape,
                        response: &$response_shape,
                    },)*
                }
            }
        }

        /// The body of a request.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $($(#[$doc])* $name($request),)*
        }

        impl Request {
            /// The API that is called.
            pub fn api(&self) -> ApiKey {
                match self {
                    $(Self::$name(_) => ApiKey::$name,)*
                }
            }

            pub(super) fn write(&self, version: i16, to: &mut BytesMut) -> Result<(), String> {
                match self {
                    $(Self::$name(body) => body.encode(to, version).map_err(|e| e.to_string()),)*
                }
            }

            pub(super) fn read(
                api: ApiKey,
                version: i16,
                from: &mut Bytes,
            ) -> Result<Self, String> {
                match api {
                    $(ApiKey::$name => $request::decode(from, version)
                        .map_or_else(|e| Err(e.to_string()), |body| Ok(Self::$name(body))),)*
                }
            }
        }

        /// The body of a response.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Response {
            $($(#[$doc])* $name($response),)*
        }

        impl Response {
            /// The API that was called.
            pub fn api(&self) -> ApiKey {
                match self {
                    $(Self::$name(_) => ApiKey::$name,)*
                }
            }

            pub(super) fn write(&self, version: i16, to: &mut BytesMut) -> Result<(), String> {
                match self {
                    $(Self::$name(body) => body.encode(to, version).map_err(|e| e.to_string()),)*
                }
            }

            pub(super) fn read(
                api: ApiKey,
                version: i16,
                from: &mut Bytes,
            ) -> Result<Self, String> {
                match api {
                    $(ApiKey::$name => $response::decode(from, version)
                        .map_or_else(|e| Err(e.to_string()), |body| Ok(Self::$name(body))),)*
                }
            }
        }

        $(
            impl From<$request> for Request {
                fn from(body: $request) -> Self {
                    Self::$name(body)
                }
            }

            impl From<$response> for Response {
                fn from(body: $response) -> Self {
                    Self::$name(body)
                }
            }
        )*
    };
}

apis! {
    /// Appends records to partitions.
    Produce = 0: ProduceRequest, ProduceResponse,
        versions 3..=11, client 11, flexible 9, Broker,
        shapes::PRODUCE_REQUEST, shapes::PRODUCE_RESPONSE;
    /// Reads records; also how followers replicate.
    Fetch = 1: FetchRequest, FetchResponse,
        versions 4..=17, client 17, flexible 12, Both,
        shapes::FETCH_REQUEST, shapes::FETCH_RESPONSE;
    /// Finds offsets by timestamp.
    ListOffsets = 2: ListOffsetsRequest, ListOffsetsResponse,
        versions 1..=10, client 10, flexible 6, Broker,
        shapes::LIST_OFFSETS_REQUEST, shapes::LIST_OFFSETS_RESPONSE;
    /// Asks who leads what.
    Metadata = 3: MetadataRequest, MetadataResponse,
        versions 0..=13, client 13, flexible 9, Broker,
        shapes::METADATA_REQUEST, shapes::METADATA_RESPONSE;
    /// Asks for the coordinator of a group or transaction.
    FindCoordinator = 10: FindCoordinatorRequest, FindCoordinatorResponse,
        versions 0..=6, client 6, flexible 3, Broker,
        shapes::FIND_COORDINATOR_REQUEST, shapes::FIND_COORDINATOR_RESPONSE;
    /// Asks which APIs and versions the peer speaks.
    ApiVersions = 18: ApiVersionsRequest, ApiVersionsResponse,
        versions 0..=4, client 4, flexible 3, Both,
        shapes::API_VERSIONS_REQUEST, shapes::API_VERSIONS_RESPONSE;
    /// Creates topics.
    CreateTopics = 19: CreateTopicsRequest, CreateTopicsResponse,
        versions 2..=7, client 7, flexible 5, Both,
        shapes::CREATE_TOPICS_REQUEST, shapes::CREATE_TOPICS_RESPONSE;
    /// Deletes topics.
    DeleteTopics = 20: DeleteTopicsRequest, DeleteTopicsResponse,
        versions 1..=6, client 6, flexible 4, Both,
        shapes::DELETE_TOPICS_REQUEST, shapes::DELETE_TOPICS_RESPONSE;
    /// Obtains a producer id and epoch.
    InitProducerId = 22: InitProducerIdRequest, InitProducerIdResponse,
        versions 0..=5, client 5, flexible 2, Broker,
        shapes::INIT_PRODUCER_ID_REQUEST, shapes::INIT_PRODUCER_ID_RESPONSE;
    /// Asks where a leader epoch ends (KIP-101, KIP-279).
    OffsetForLeaderEpoch = 23: OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
        versions 2..=4, client 4, flexible 4, Broker,
        shapes::OFFSET_FOR_LEADER_EPOCH_REQUEST, shapes::OFFSET_FOR_LEADER_EPOCH_RESPONSE;
    /// Reads configurations.
    DescribeConfigs = 32: DescribeConfigsRequest, DescribeConfigsResponse,
        versions 1..=4, client 4, flexible 4, Both,
        shapes::DESCRIBE_CONFIGS_REQUEST, shapes::DESCRIBE_CONFIGS_RESPONSE;
    /// Adds partitions to topics.
    CreatePartitions = 37: CreatePartitionsRequest, CreatePartitionsResponse,
        versions 0..=3, client 3, flexible 2, Both,
        shapes::CREATE_PARTITIONS_REQUEST, shapes::CREATE_PARTITIONS_RESPONSE;
    /// Elects leaders: the preferred ones, or any replica that is there (KIP-460).
    ElectLeaders = 43: ElectLeadersRequest, ElectLeadersResponse,
        versions 1..=2, client 2, flexible 2, Both,
        shapes::ELECT_LEADERS_REQUEST, shapes::ELECT_LEADERS_RESPONSE;
    /// Changes single configuration values (KIP-339).
    IncrementalAlterConfigs = 44: IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
        versions 0..=1, client 1, flexible 1, Both,
        shapes::INCREMENTAL_ALTER_CONFIGS_REQUEST, shapes::INCREMENTAL_ALTER_CONFIGS_RESPONSE;
    /// Moves partitions to other brokers (KIP-455).
    AlterPartitionReassignments = 45: AlterPartitionReassignmentsRequest,
        AlterPartitionReassignmentsResponse,
        versions 0..=1, client 1, flexible 0, Both,
        shapes::ALTER_PARTITION_REASSIGNMENTS_REQUEST,
        shapes::ALTER_PARTITION_REASSIGNMENTS_RESPONSE;
    /// Asks which partitions are being moved (KIP-455).
    ListPartitionReassignments = 46: ListPartitionReassignmentsRequest,
        ListPartitionReassignmentsResponse,
        versions 0..=0, client 0, flexible 0, Both,
        shapes::LIST_PARTITION_REASSIGNMENTS_REQUEST,
        shapes::LIST_PARTITION_REASSIGNMENTS_RESPONSE;
    /// A candidate for the controllers' leadership asks for a vote (KIP-595). Version 2 has
    /// pre-votes (KIP-996), which are not modelled.
    Vote = 52: VoteRequest, VoteResponse,
        versions 0..=1, client 1, flexible 0, Controller,
        shapes::VOTE_REQUEST, shapes::VOTE_RESPONSE;
    /// A new leader of the controllers makes itself known (KIP-595).
    BeginQuorumEpoch = 53: BeginQuorumEpochRequest, BeginQuorumEpochResponse,
        versions 0..=1, client 1, flexible 1, Controller,
        shapes::BEGIN_QUORUM_EPOCH_REQUEST, shapes::BEGIN_QUORUM_EPOCH_RESPONSE;
    /// A leader of the controllers resigns (KIP-595).
    EndQuorumEpoch = 54: EndQuorumEpochRequest, EndQuorumEpochResponse,
        versions 0..=1, client 1, flexible 1, Controller,
        shapes::END_QUORUM_EPOCH_REQUEST, shapes::END_QUORUM_EPOCH_RESPONSE;
    /// A leader asks the controller to change the ISR (KIP-497).
    AlterPartition = 56: AlterPartitionRequest, AlterPartitionResponse,
        versions 2..=3, client 3, flexible 0, Controller,
        shapes::ALTER_PARTITION_REQUEST, shapes::ALTER_PARTITION_RESPONSE;
    /// Lists the brokers of the cluster.
    DescribeCluster = 60: DescribeClusterRequest, DescribeClusterResponse,
        versions 0..=2, client 2, flexible 0, Both,
        shapes::DESCRIBE_CLUSTER_REQUEST, shapes::DESCRIBE_CLUSTER_RESPONSE;
    /// A broker registers with the controller (KIP-631).
    BrokerRegistration = 62: BrokerRegistrationRequest, BrokerRegistrationResponse,
        versions 0..=4, client 4, flexible 0, Controller,
        shapes::BROKER_REGISTRATION_REQUEST, shapes::BROKER_REGISTRATION_RESPONSE;
    /// A broker keeps its registration alive (KIP-631).
    BrokerHeartbeat = 63: BrokerHeartbeatRequest, BrokerHeartbeatResponse,
        versions 0..=1, client 1, flexible 0, Controller,
        shapes::BROKER_HEARTBEAT_REQUEST, shapes::BROKER_HEARTBEAT_RESPONSE;
    /// A broker asks for a block of producer ids (KIP-730).
    AllocateProducerIds = 67: AllocateProducerIdsRequest, AllocateProducerIdsResponse,
        versions 0..=0, client 0, flexible 0, Controller,
        shapes::ALLOCATE_PRODUCER_IDS_REQUEST, shapes::ALLOCATE_PRODUCER_IDS_RESPONSE;
}
