//! Kafka's own names that a file can use: of its APIs and of its errors.

/// The APIs whose messages a fault can pick out.
pub const APIS: [&str; 16] = [
    "AllocateProducerIds",
    "AlterPartition",
    "ApiVersions",
    "BrokerHeartbeat",
    "BrokerRegistration",
    "ControlledShutdown",
    "CreateTopics",
    "DeleteTopics",
    "DescribeCluster",
    "Fetch",
    "InitProducerId",
    "ListOffsets",
    "Metadata",
    "OffsetForLeaderEpoch",
    "Produce",
    "UnregisterBroker",
];
