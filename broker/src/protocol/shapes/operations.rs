//! The shapes of what operators ask for: elections, reassignments, configuration, partitions.

use crate::protocol::walk::{
    BOOL, I8, I16, I32, INT32S,
    Kind::{Array, Str},
    Shape, all, since,
};

pub(in crate::protocol) const CREATE_PARTITIONS_REQUEST: Shape = Shape {
    fields: &[
        all("topics", Array(&CREATE_PARTITIONS_REQUEST_TOPIC)),
        all("timeout_ms", I32),
        all("validate_only", BOOL),
    ],
    tags: &[],
};

const CREATE_PARTITIONS_REQUEST_TOPIC: Shape = Shape {
    fields: &[
        all("name", Str),
        all("count", I32),
        all("assignments", Array(&CREATE_PARTITIONS_REQUEST_ASSIGNMENT)),
    ],
    tags: &[],
};

const CREATE_PARTITIONS_REQUEST_ASSIGNMENT: Shape =
    Shape { fields: &[all("broker_ids", INT32S)], tags: &[] };

pub(in crate::protocol) const CREATE_PARTITIONS_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        all("results", Array(&CREATE_PARTITIONS_RESPONSE_TOPIC)),
    ],
    tags: &[],
};

const CREATE_PARTITIONS_RESPONSE_TOPIC: Shape = Shape {
    fields: &[all("name", Str), all("error_code", I16), all("error_message", Str)],
    tags: &[],
};

pub(in crate::protocol) const ELECT_LEADERS_REQUEST: Shape = Shape {
    fields: &[
        since(1, "election_type", I8),
        all("topic_partitions", Array(&ELECT_LEADERS_REQUEST_TOPIC)),
        all("timeout_ms", I32),
    ],
    tags: &[],
};

const ELECT_LEADERS_REQUEST_TOPIC: Shape =
    Shape { fields: &[all("topic", Str), all("partitions", INT32S)], tags: &[] };

pub(in crate::protocol) const ELECT_LEADERS_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        since(1, "error_code", I16),
        all("replica_election_results", Array(&ELECT_LEADERS_RESPONSE_TOPIC)),
    ],
    tags: &[],
};

const ELECT_LEADERS_RESPONSE_TOPIC: Shape = Shape {
    fields: &[all("topic", Str), all("partition_result", Array(&ELECT_LEADERS_RESPONSE_PARTITION))],
    tags: &[],
};

const ELECT_LEADERS_RESPONSE_PARTITION: Shape = Shape {
    fields: &[all("partition_id", I32), all("error_code", I16), all("error_message", Str)],
    tags: &[],
};

pub(in crate::protocol) const INCREMENTAL_ALTER_CONFIGS_REQUEST: Shape = Shape {
    fields: &[
        all("resources", Array(&INCREMENTAL_ALTER_CONFIGS_REQUEST_RESOURCE)),
        all("validate_only", BOOL),
    ],
    tags: &[],
};

const INCREMENTAL_ALTER_CONFIGS_REQUEST_RESOURCE: Shape = Shape {
    fields: &[
        all("resource_type", I8),
        all("resource_name", Str),
        all("configs", Array(&INCREMENTAL_ALTER_CONFIGS_REQUEST_CONFIG)),
    ],
    tags: &[],
};

const INCREMENTAL_ALTER_CONFIGS_REQUEST_CONFIG: Shape = Shape {
    fields: &[all("name", Str), all("config_operation", I8), all("value", Str)],
    tags: &[],
};

pub(in crate::protocol) const INCREMENTAL_ALTER_CONFIGS_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        all("responses", Array(&INCREMENTAL_ALTER_CONFIGS_RESPONSE_RESOURCE)),
    ],
    tags: &[],
};

const INCREMENTAL_ALTER_CONFIGS_RESPONSE_RESOURCE: Shape = Shape {
    fields: &[
        all("error_code", I16),
        all("error_message", Str),
        all("resource_type", I8),
        all("resource_name", Str),
    ],
    tags: &[],
};

pub(in crate::protocol) const ALTER_PARTITION_REASSIGNMENTS_REQUEST: Shape = Shape {
    fields: &[
        all("timeout_ms", I32),
        since(1, "allow_replication_factor_change", BOOL),
        all("topics", Array(&ALTER_PARTITION_REASSIGNMENTS_REQUEST_TOPIC)),
    ],
    tags: &[],
};

const ALTER_PARTITION_REASSIGNMENTS_REQUEST_TOPIC: Shape = Shape {
    fields: &[
        all("name", Str),
        all("partitions", Array(&ALTER_PARTITION_REASSIGNMENTS_REQUEST_PARTITION)),
    ],
    tags: &[],
};

const ALTER_PARTITION_REASSIGNMENTS_REQUEST_PARTITION: Shape =
    Shape { fields: &[all("partition_index", I32), all("replicas", INT32S)], tags: &[] };

pub(in crate::protocol) const ALTER_PARTITION_REASSIGNMENTS_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        since(1, "allow_replication_factor_change", BOOL),
        all("error_code", I16),
        all("error_message", Str),
        all("responses", Array(&ALTER_PARTITION_REASSIGNMENTS_RESPONSE_TOPIC)),
    ],
    tags: &[],
};

const ALTER_PARTITION_REASSIGNMENTS_RESPONSE_TOPIC: Shape = Shape {
    fields: &[
        all("name", Str),
        all("partitions", Array(&ALTER_PARTITION_REASSIGNMENTS_RESPONSE_PARTITION)),
    ],
    tags: &[],
};

const ALTER_PARTITION_REASSIGNMENTS_RESPONSE_PARTITION: Shape = Shape {
    fields: &[all("partition_index", I32), all("error_code", I16), all("error_message", Str)],
    tags: &[],
};

pub(in crate::protocol) const LIST_PARTITION_REASSIGNMENTS_REQUEST: Shape = Shape {
    fields: &[
        all("timeout_ms", I32),
        all("topics", Array(&LIST_PARTITION_REASSIGNMENTS_REQUEST_TOPIC)),
    ],
    tags: &[],
};

const LIST_PARTITION_REASSIGNMENTS_REQUEST_TOPIC: Shape =
    Shape { fields: &[all("name", Str), all("partition_indexes", INT32S)], tags: &[] };

pub(in crate::protocol) const LIST_PARTITION_REASSIGNMENTS_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("error_message", Str),
        all("topics", Array(&LIST_PARTITION_REASSIGNMENTS_RESPONSE_TOPIC)),
    ],
    tags: &[],
};

const LIST_PARTITION_REASSIGNMENTS_RESPONSE_TOPIC: Shape = Shape {
    fields: &[
        all("name", Str),
        all("partitions", Array(&LIST_PARTITION_REASSIGNMENTS_RESPONSE_PARTITION)),
    ],
    tags: &[],
};

const LIST_PARTITION_REASSIGNMENTS_RESPONSE_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        all("replicas", INT32S),
        all("adding_replicas", INT32S),
        all("removing_replicas", INT32S),
    ],
    tags: &[],
};
