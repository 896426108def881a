//! The shapes of what brokers say to the controller.

use crate::protocol::walk::{
    BOOL, I8, I16, I32, I64, INT32S,
    Kind::{Array, Str},
    Shape, UUID, UUIDS, all, since, span,
};

pub(in crate::protocol) const ALTER_PARTITION_REQUEST: Shape = Shape {
    fields: &[
        all("broker_id", I32),
        all("broker_epoch", I64),
        all("topics", Array(&ALTER_PARTITION_REQUEST_TOPIC)),
    ],
    tags: &[],
};

const ALTER_PARTITION_REQUEST_TOPIC: Shape = Shape {
    fields: &[all("topic_id", UUID), all("partitions", Array(&ALTER_PARTITION_REQUEST_PARTITION))],
    tags: &[],
};

const ALTER_PARTITION_REQUEST_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        all("leader_epoch", I32),
        span(0..=2, "new_isr", INT32S),
        since(3, "new_isr_with_epochs", Array(&ALTER_PARTITION_REQUEST_BROKER)),
        all("leader_recovery_state", I8),
        all("partition_epoch", I32),
    ],
    tags: &[],
};

const ALTER_PARTITION_REQUEST_BROKER: Shape =
    Shape { fields: &[since(3, "broker_id", I32), since(3, "broker_epoch", I64)], tags: &[] };

pub(in crate::protocol) const ALTER_PARTITION_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("topics", Array(&ALTER_PARTITION_RESPONSE_TOPIC)),
    ],
    tags: &[],
};

const ALTER_PARTITION_RESPONSE_TOPIC: Shape = Shape {
    fields: &[all("topic_id", UUID), all("partitions", Array(&ALTER_PARTITION_RESPONSE_PARTITION))],
    tags: &[],
};

const ALTER_PARTITION_RESPONSE_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        all("error_code", I16),
        all("leader_id", I32),
        all("leader_epoch", I32),
        all("isr", INT32S),
        all("leader_recovery_state", I8),
        all("partition_epoch", I32),
    ],
    tags: &[],
};

pub(in crate::protocol) const BROKER_REGISTRATION_REQUEST: Shape = Shape {
    fields: &[
        all("broker_id", I32),
        all("cluster_id", Str),
        all("incarnation_id", UUID),
        all("listeners", Array(&BROKER_REGISTRATION_REQUEST_LISTENER)),
        all("features", Array(&BROKER_REGISTRATION_REQUEST_FEATURE)),
        all("rack", Str),
        since(1, "is_migrating_zk_broker", BOOL),
        since(2, "log_dirs", UUIDS),
        since(3, "previous_broker_epoch", I64),
    ],
    tags: &[],
};

const BROKER_REGISTRATION_REQUEST_LISTENER: Shape = Shape {
    fields: &[all("name", Str), all("host", Str), all("port", I16), all("security_protocol", I16)],
    tags: &[],
};

const BROKER_REGISTRATION_REQUEST_FEATURE: Shape = Shape {
    fields: &[
        all("name", Str),
        all("min_supported_version", I16),
        all("max_supported_version", I16),
    ],
    tags: &[],
};

pub(in crate::protocol) const BROKER_REGISTRATION_RESPONSE: Shape = Shape {
    fields: &[all("throttle_time_ms", I32), all("error_code", I16), all("broker_epoch", I64)],
    tags: &[],
};

pub(in crate::protocol) const BROKER_HEARTBEAT_REQUEST: Shape = Shape {
    fields: &[
        all("broker_id", I32),
        all("broker_epoch", I64),
        all("current_metadata_offset", I64),
        all("want_fence", BOOL),
        all("want_shut_down", BOOL),
    ],
    tags: &[(0, since(1, "offline_log_dirs", UUIDS))],
};

pub(in crate::protocol) const BROKER_HEARTBEAT_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("is_caught_up", BOOL),
        all("is_fenced", BOOL),
        all("should_shut_down", BOOL),
    ],
    tags: &[],
};

pub(in crate::protocol) const ALLOCATE_PRODUCER_IDS_REQUEST: Shape =
    Shape { fields: &[all("broker_id", I32), all("broker_epoch", I64)], tags: &[] };

pub(in crate::protocol) const ALLOCATE_PRODUCER_IDS_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("producer_id_start", I64),
        all("producer_id_len", I32),
    ],
    tags: &[],
};
