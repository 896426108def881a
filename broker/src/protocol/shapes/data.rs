//! The shapes of what moves records and offsets: Produce, Fetch and their kin.

use crate::protocol::walk::{
    I8, I16, I32, I64, INT32S,
    Kind::{Array, Bytes, Str, Struct},
    Shape, UUID, all, since, span,
};

pub(in crate::protocol) const PRODUCE_REQUEST: Shape = Shape {
    fields: &[
        all("transactional_id", Str),
        all("acks", I16),
        all("timeout_ms", I32),
        all("topic_data", Array(&PRODUCE_REQUEST_TOPIC)),
    ],
    tags: &[],
};

const PRODUCE_REQUEST_TOPIC: Shape = Shape {
    fields: &[
        span(0..=12, "name", Str),
        since(13, "topic_id", UUID),
        all("partition_data", Array(&PRODUCE_REQUEST_PARTITION)),
    ],
    tags: &[],
};

const PRODUCE_REQUEST_PARTITION: Shape =
    Shape { fields: &[all("index", I32), all("records", Bytes)], tags: &[] };

pub(in crate::protocol) const PRODUCE_RESPONSE: Shape = Shape {
    fields: &[all("responses", Array(&PRODUCE_RESPONSE_TOPIC)), all("throttle_time_ms", I32)],
    tags: &[(0, since(10, "node_endpoints", Array(&PRODUCE_RESPONSE_ENDPOINT)))],
};

const PRODUCE_RESPONSE_TOPIC: Shape = Shape {
    fields: &[
        span(0..=12, "name", Str),
        since(13, "topic_id", UUID),
        all("partition_responses", Array(&PRODUCE_RESPONSE_PARTITION)),
    ],
    tags: &[],
};

const PRODUCE_RESPONSE_PARTITION: Shape = Shape {
    fields: &[
        all("index", I32),
        all("error_code", I16),
        all("base_offset", I64),
        all("log_append_time_ms", I64),
        since(5, "log_start_offset", I64),
        since(8, "record_errors", Array(&PRODUCE_RESPONSE_RECORD_ERROR)),
        since(8, "error_message", Str),
    ],
    tags: &[(0, since(10, "current_leader", Struct(&PRODUCE_RESPONSE_CURRENT_LEADER)))],
};

const PRODUCE_RESPONSE_RECORD_ERROR: Shape = Shape {
    fields: &[since(8, "batch_index", I32), since(8, "batch_index_error_message", Str)],
    tags: &[],
};

const PRODUCE_RESPONSE_CURRENT_LEADER: Shape =
    Shape { fields: &[since(10, "leader_id", I32), since(10, "leader_epoch", I32)], tags: &[] };

const PRODUCE_RESPONSE_ENDPOINT: Shape = Shape {
    fields: &[
        since(10, "node_id", I32),
        since(10, "host", Str),
        since(10, "port", I32),
        since(10, "rack", Str),
    ],
    tags: &[],
};

pub(in crate::protocol) const FETCH_REQUEST: Shape = Shape {
    fields: &[
        span(0..=14, "replica_id", I32),
        all("max_wait_ms", I32),
        all("min_bytes", I32),
        all("max_bytes", I32),
        all("isolation_level", I8),
        since(7, "session_id", I32),
        since(7, "session_epoch", I32),
        all("topics", Array(&FETCH_REQUEST_TOPIC)),
        since(7, "forgotten_topics_data", Array(&FETCH_REQUEST_FORGOTTEN_TOPIC)),
        since(11, "rack_id", Str),
    ],
    tags: &[
        (0, all("cluster_id", Str)),
        (1, since(15, "replica_state", Struct(&FETCH_REQUEST_REPLICA_STATE))),
    ],
};

const FETCH_REQUEST_TOPIC: Shape = Shape {
    fields: &[
        span(0..=12, "topic", Str),
        since(13, "topic_id", UUID),
        all("partitions", Array(&FETCH_REQUEST_PARTITION)),
    ],
    tags: &[],
};

const FETCH_REQUEST_PARTITION: Shape = Shape {
    fields: &[
        all("partition", I32),
        since(9, "current_leader_epoch", I32),
        all("fetch_offset", I64),
        since(12, "last_fetched_epoch", I32),
        since(5, "log_start_offset", I64),
        all("partition_max_bytes", I32),
    ],
    tags: &[(0, since(17, "replica_directory_id", UUID)), (1, since(18, "high_watermark", I64))],
};

const FETCH_REQUEST_FORGOTTEN_TOPIC: Shape = Shape {
    fields: &[
        span(7..=12, "topic", Str),
        since(13, "topic_id", UUID),
        since(7, "partitions", INT32S),
    ],
    tags: &[],
};

const FETCH_REQUEST_REPLICA_STATE: Shape =
    Shape { fields: &[since(15, "replica_id", I32), since(15, "replica_epoch", I64)], tags: &[] };

pub(in crate::protocol) const FETCH_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        since(7, "error_code", I16),
        since(7, "session_id", I32),
        all("responses", Array(&FETCH_RESPONSE_TOPIC)),
    ],
    tags: &[(0, since(16, "node_endpoints", Array(&FETCH_RESPONSE_ENDPOINT)))],
};

const FETCH_RESPONSE_TOPIC: Shape = Shape {
    fields: &[
        span(0..=12, "topic", Str),
        since(13, "topic_id", UUID),
        all("partitions", Array(&FETCH_RESPONSE_PARTITION)),
    ],
    tags: &[],
};

const FETCH_RESPONSE_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        all("error_code", I16),
        all("high_watermark", I64),
        all("last_stable_offset", I64),
        since(5, "log_start_offset", I64),
        all("aborted_transactions", Array(&FETCH_RESPONSE_ABORTED_TRANSACTION)),
        since(11, "preferred_read_replica", I32),
        all("records", Bytes),
    ],
    tags: &[
        (0, all("diverging_epoch", Struct(&FETCH_RESPONSE_EPOCH_END))),
        (1, all("current_leader", Struct(&FETCH_RESPONSE_CURRENT_LEADER))),
        (2, all("snapshot_id", Struct(&FETCH_RESPONSE_SNAPSHOT_ID))),
    ],
};

const FETCH_RESPONSE_ABORTED_TRANSACTION: Shape =
    Shape { fields: &[all("producer_id", I64), all("first_offset", I64)], tags: &[] };

const FETCH_RESPONSE_EPOCH_END: Shape =
    Shape { fields: &[since(12, "epoch", I32), since(12, "end_offset", I64)], tags: &[] };

const FETCH_RESPONSE_CURRENT_LEADER: Shape =
    Shape { fields: &[since(12, "leader_id", I32), since(12, "leader_epoch", I32)], tags: &[] };

const FETCH_RESPONSE_SNAPSHOT_ID: Shape =
    Shape { fields: &[all("end_offset", I64), all("epoch", I32)], tags: &[] };

const FETCH_RESPONSE_ENDPOINT: Shape = Shape {
    fields: &[
        since(16, "node_id", I32),
        since(16, "host", Str),
        since(16, "port", I32),
        since(16, "rack", Str),
    ],
    tags: &[],
};

pub(in crate::protocol) const LIST_OFFSETS_REQUEST: Shape = Shape {
    fields: &[
        all("replica_id", I32),
        since(2, "isolation_level", I8),
        all("topics", Array(&LIST_OFFSETS_REQUEST_TOPIC)),
        since(10, "timeout_ms", I32),
    ],
    tags: &[],
};

const LIST_OFFSETS_REQUEST_TOPIC: Shape = Shape {
    fields: &[all("name", Str), all("partitions", Array(&LIST_OFFSETS_REQUEST_PARTITION))],
    tags: &[],
};

const LIST_OFFSETS_REQUEST_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        since(4, "current_leader_epoch", I32),
        all("timestamp", I64),
    ],
    tags: &[],
};

pub(in crate::protocol) const LIST_OFFSETS_RESPONSE: Shape = Shape {
    fields: &[
        since(2, "throttle_time_ms", I32),
        all("topics", Array(&LIST_OFFSETS_RESPONSE_TOPIC)),
    ],
    tags: &[],
};

const LIST_OFFSETS_RESPONSE_TOPIC: Shape = Shape {
    fields: &[all("name", Str), all("partitions", Array(&LIST_OFFSETS_RESPONSE_PARTITION))],
    tags: &[],
};

const LIST_OFFSETS_RESPONSE_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        all("error_code", I16),
        all("timestamp", I64),
        all("offset", I64),
        since(4, "leader_epoch", I32),
    ],
    tags: &[],
};

pub(in crate::protocol) const OFFSET_FOR_LEADER_EPOCH_REQUEST: Shape = Shape {
    fields: &[
        since(3, "replica_id", I32),
        all("topics", Array(&OFFSET_FOR_LEADER_EPOCH_REQUEST_TOPIC)),
    ],
    tags: &[],
};

const OFFSET_FOR_LEADER_EPOCH_REQUEST_TOPIC: Shape = Shape {
    fields: &[
        all("topic", Str),
        all("partitions", Array(&OFFSET_FOR_LEADER_EPOCH_REQUEST_PARTITION)),
    ],
    tags: &[],
};

const OFFSET_FOR_LEADER_EPOCH_REQUEST_PARTITION: Shape = Shape {
    fields: &[all("partition", I32), all("current_leader_epoch", I32), all("leader_epoch", I32)],
    tags: &[],
};

pub(in crate::protocol) const OFFSET_FOR_LEADER_EPOCH_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        all("topics", Array(&OFFSET_FOR_LEADER_EPOCH_RESPONSE_TOPIC)),
    ],
    tags: &[],
};

const OFFSET_FOR_LEADER_EPOCH_RESPONSE_TOPIC: Shape = Shape {
    fields: &[
        all("topic", Str),
        all("partitions", Array(&OFFSET_FOR_LEADER_EPOCH_RESPONSE_EPOCH_END)),
    ],
    tags: &[],
};

const OFFSET_FOR_LEADER_EPOCH_RESPONSE_EPOCH_END: Shape = Shape {
    fields: &[
        all("error_code", I16),
        all("partition", I32),
        all("leader_epoch", I32),
        all("end_offset", I64),
    ],
    tags: &[],
};

pub(in crate::protocol) const INIT_PRODUCER_ID_REQUEST: Shape = Shape {
    fields: &[
        all("transactional_id", Str),
        all("transaction_timeout_ms", I32),
        since(3, "producer_id", I64),
        since(3, "producer_epoch", I16),
    ],
    tags: &[],
};

pub(in crate::protocol) const INIT_PRODUCER_ID_RESPONSE: Shape = Shape {
    fields: &[
        all("throttle_time_ms", I32),
        all("error_code", I16),
        all("producer_id", I64),
        all("producer_epoch", I16),
        since(6, "ongoing_txn_producer_id", I64),
        since(6, "ongoing_txn_producer_epoch", I16),
    ],
    tags: &[],
};
