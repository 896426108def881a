//! The shapes of what describes and changes the cluster for clients.

use crate::protocol::walk::{
    BOOL, I8, I16, I32, I64, INT32S,
    Kind::{Array, Str},
    STRINGS, Shape, UUID, all, since, span,
};

pub(in crate::protocol) const METADATA_REQUEST: Shape = Shape {
    fields: &[
        all("topics", Array(&METADATA_REQUEST_TOPIC)),
        since(4, "allow_auto_topic_creation", BOOL),
        span(8..=10, "include_cluster_authorized_operations", BOOL),
        since(8, "include_topic_authorized_operations", BOOL),
    ],
    tags: &[],
};

const METADATA_REQUEST_TOPIC: Shape =
    Shape { fields: &[since(10, "topic_id", UUID), all("name", Str)], tags: &[] };

pub(in crate::protocol) const METADATA_RESPONSE: Shape = Shape {
    fields: &[
        since(3, "throttle_time_ms", I32),
        all("brokers", Array(&METADATA_RESPONSE_BROKER)),
        since(2, "cluster_id", Str),
        since(1, "controller_id", I32),
        all("topics", Array(&METADATA_RESPONSE_TOPIC)),
        span(8..=10, "cluster_authorized_operations", I32),
        since(13, "error_code", I16),
    ],
    tags: &[],
};

const METADATA_RESPONSE_BROKER: Shape = Shape {
    fields: &[all("node_id", I32), all("host", Str), all("port", I32), since(1, "rack", Str)],
    tags: &[],
};

const METADATA_RESPONSE_TOPIC: Shape = Shape {
    fields: &[
        all("error_code", I16),
        all("name", Str),
        since(10, "topic_id", UUID),
        since(1, "is_internal", BOOL),
        all("partitions", Array(&METADATA_RESPONSE_PARTITION)),
        since(8, "topic_authorized_operations", I32),
    ],
    tags: &[],
};

const METADATA_RESPONSE_PARTITION: Shape = Shape {
    fields: &[
        all("error_code", I16),
        all("partition_index", I32),
        all("leader_id", I32),
        since(7, "leader_epoch", I32),
        all("replica_nodes", INT32S),
        all("isr_nodes", INT32S),
        since(5, "offline_replicas", INT32S),
    ],
    tags: &[],
};

pub(in crate::protocol) const API_VERSIONS_REQUEST: Shape = Shape {
    fields: &[since(3, "client_software_name", Str), since(3, "client_software_version", Str)],
    tags: &[],
};

pub(in crate::protocol) const API_VERSIONS_RESPONSE: Shape = Shape {
    fields: &[
        all("error_code", I16),
        all("api_keys", Array(&API_VERSIONS_RESPONSE_API)),
        since(1, "throttle_time_ms", I32),
    ],
    tags: &[
        (0, all("supported_features", Array(&API_VERSIONS_RESPONSE_SUPPORTED))),
        (1, all("finalized_features_epoch", I64)),
        (2, all("finalized_features", Array(&API_VERSIONS_RESPONSE_FINALIZED))),
        (3, all("zk_migration_ready", BOOL)),
    ],
};

const API_VERSIONS_RESPONSE_API: Shape = Shape {
    fields: &[all("api_key", I16), all("min_version", I16), all("max_version", I16)],
    tags: &[],
};

const API_VERSIONS_RESPONSE_SUPPORTED: Shape = Shape {
    fields: &[since(3, "name", Str), since(3, "min_version", I16), since(3, "max_version", I16)],
    tags: &[],
};

const API_VERSIONS_RESPONSE_FINALIZED: Shape = Shape {
    fields: &[
        since(3, "name", Str),
        since(3, "max_version_level", I16),
        since(3, "min_version_level", I16),
    ],
    tags: &[],
};

pub(in crate::protocol) const CREATE_TOPICS_REQUEST: Shape = Shape {
    fields: &[
        all("topics", Array(&CREATE_TOPICS_REQUEST_TOPIC)),
        all("timeout_ms", I32),
        all("validate_only", BOOL),
    ],
    tags: &[],
};

const CREATE_TOPICS_REQUEST_TOPIC: Shape = Shape {
    fields: &[
        all("name", Str),
        all("num_partitions", I32),
        all("replication_factor", I16),
        all("assignments", Array(&CREATE_TOPICS_REQUEST_ASSIGNMENT)),
        all("configs", Array(&CREATE_TOPICS_REQUEST_CONFIG)),
    ],
    tags: &[],
};

const CREATE_TOPICS_REQUEST_ASSIGNMENT: Shape =
    Shape { fields: &[all("partition_index", I32), all("broker_ids", INT32S)], tags: &[] };

const CREATE_TOPICS_REQUEST_CONFIG: Shape =
    Shape { fields: &[all("name", Str), all("value", Str)], tags: &[] };

pub(in crate::protocol) const CREATE_TOPICS_RESPONSE: Shape = Shape {
    fields: &[all("throttle_time_ms", I32), all("topics", Array(&CREATE_TOPICS_RESPONSE_TOPIC))],
    tags: &[],
};

const CREATE_TOPICS_RESPONSE_TOPIC: Shape = Shape {
    fields: &[
        all("name", Str),
        since(7, "topic_id", UUID),
        all("error_code", I16),
        all("error_message", Str),
        since(5, "num_partitions", I32),
        since(5, "replication_factor", I16),
        since(5, "configs", Array(&CREATE_TOPICS_RESPONSE_CONFIG)),
    ],
    tags: &[(0, all("topic_config_error_code", I16))],
};

const CREATE_TOPICS_RESPONSE_CONFIG: Shape = Shape {
    fields: &[
        since(5, "name", Str),
        since(5, "value", Str),
        since(5, "read_only", BOOL),
        since(5, "config_source", I8),
        since(5, "is_sensitive", BOOL),
    ],
    tags: &[],
};

pub(in crate::protocol) const DELETE_TOPICS_REQUEST: Shape = Shape {
    fields: &[
        since(6, "topics", Array(&DELETE_TOPICS_REQUEST_TOPIC)),
        span(0..=5, "topic_names", STRINGS),
        all("timeout_ms", I32),
    ],
    tags: &[],
};

const DELETE_TOPICS_REQUEST_TOPIC: Shape =
    Shape { fields: &[since(6, "name", Str), since(6, "topic_id", UUID)], tags: &[] };

pub(in crate::protocol) const DELETE_TOPICS_RESPONSE: Shape = Shape {
    fields: &[all("throttle_time_ms", I32), all("responses", Array(&DELETE_TOPICS_RESPONSE_TOPIC))],
    tags: &[],
};

const DELETE_TOPICS_RESPONSE_TOPIC: Shape = Shape {
    fields: &[
        all("name", Str),
        since(6, "topic_id", UUID),
        all("error_code", I16),
        since(5, "error_message", Str),
    ],
    tags: &[],
};

pub(in crate::protocol) const DESCRIBE_CLUSTER_REQUEST: Shape = Shape {
    fields: &[
        all("include_cluster_authorized_operations", BOOL),
        since(1, "endpoint_type", I8),
        since(2, "include_fenced_brokers", BOOL),
    ],
    tags: &[],
};

pub(in crate::protocol) const DESCRIBE_CLUSTER_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("error_message", Str),
        since(1, "endpoint_type", I8),
        all("cluster_id", Str),
        all("controller_id", I32),
        all("brokers", Array(&DESCRIBE_CLUSTER_RESPONSE_BROKER)),
        all("cluster_authorized_operations", I32),
    ],
    tags: &[],
};

const DESCRIBE_CLUSTER_RESPONSE_BROKER: Shape = Shape {
    fields: &[
        all("broker_id", I32),
        all("host", Str),
        all("port", I32),
        all("rack", Str),
        since(2, "is_fenced", BOOL),
    ],
    tags: &[],
};

pub(in crate::protocol) const FIND_COORDINATOR_REQUEST: Shape = Shape {
    fields: &[
        span(0..=3, "key", Str),
        since(1, "key_type", I8),
        since(4, "coordinator_keys", STRINGS),
    ],
    tags: &[],
};

pub(in crate::protocol) const FIND_COORDINATOR_RESPONSE: Shape = Shape {
    fields: &[
        since(1, "throttle_time_ms", I32),
        span(0..=3, "error_code", I16),
        span(1..=3, "error_message", Str),
        span(0..=3, "node_id", I32),
        span(0..=3, "host", Str),
        span(0..=3, "port", I32),
        since(4, "coordinators", Array(&FIND_COORDINATOR_RESPONSE_COORDINATOR)),
    ],
    tags: &[],
};

const FIND_COORDINATOR_RESPONSE_COORDINATOR: Shape = Shape {
    fields: &[
        since(4, "key", Str),
        since(4, "node_id", I32),
        since(4, "host", Str),
        since(4, "port", I32),
        since(4, "error_code", I16),
        since(4, "error_message", Str),
    ],
    tags: &[],
};

pub(in crate::protocol) const DESCRIBE_CONFIGS_REQUEST: Shape = Shape {
    fields: &[
        all("resources", Array(&DESCRIBE_CONFIGS_REQUEST_RESOURCE)),
        all("include_synonyms", BOOL),
        since(3, "include_documentation", BOOL),
    ],
    tags: &[],
};

const DESCRIBE_CONFIGS_REQUEST_RESOURCE: Shape = Shape {
    fields: &[
        all("resource_type", I8),
        all("resource_name", Str),
        all("configuration_keys", STRINGS),
    ],
    tags: &[],
};

pub(in crate::protocol) const DESCRIBE_CONFIGS_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        all("results", Array(&DESCRIBE_CONFIGS_RESPONSE_CONFIG)),
    ],
    tags: &[],
};

const DESCRIBE_CONFIGS_RESPONSE_CONFIG: Shape = Shape {
    fields: &[
        all("error_code", I16),
        all("error_message", Str),
        all("resource_type", I8),
        all("resource_name", Str),
        all("configs", Array(&DESCRIBE_CONFIGS_RESPONSE_RESOURCE)),
    ],
    tags: &[],
};

const DESCRIBE_CONFIGS_RESPONSE_RESOURCE: Shape = Shape {
    fields: &[
        all("name", Str),
        all("value", Str),
        all("read_only", BOOL),
        all("config_source", I8),
        all("is_sensitive", BOOL),
        all("synonyms", Array(&DESCRIBE_CONFIGS_RESPONSE_SYNONYM)),
        since(3, "config_type", I8),
        since(3, "documentation", Str),
    ],
    tags: &[],
};

const DESCRIBE_CONFIGS_RESPONSE_SYNONYM: Shape =
    Shape { fields: &[all("name", Str), all("value", Str), all("source", I8)], tags: &[] };
