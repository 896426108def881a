//! The shapes of what controllers say to each other (KIP-595).

use crate::protocol::walk::{
    BOOL, I16, I32, I64, INT32S,
    Kind::{Array, Str},
    Shape, UUID, all, since, span,
};

pub(in crate::protocol) const VOTE_REQUEST: Shape = Shape {
    fields: &[
        all("cluster_id", Str),
        since(1, "voter_id", I32),
        all("topics", Array(&VOTE_REQUEST_TOPIC)),
    ],
    tags: &[],
};

const VOTE_REQUEST_TOPIC: Shape = Shape {
    fields: &[all("topic_name", Str), all("partitions", Array(&VOTE_REQUEST_PARTITION))],
    tags: &[],
};

const VOTE_REQUEST_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        all("replica_epoch", I32),
        all("replica_id", I32),
        since(1, "replica_directory_id", UUID),
        since(1, "voter_directory_id", UUID),
        all("last_offset_epoch", I32),
        all("last_offset", I64),
    ],
    tags: &[],
};

pub(in crate::protocol) const VOTE_RESPONSE: Shape = Shape {
    fields: &[all("error_code", I16), all("topics", Array(&VOTE_RESPONSE_TOPIC))],
    tags: &[(0, since(1, "node_endpoints", Array(&NODE_ENDPOINT)))],
};

const VOTE_RESPONSE_TOPIC: Shape = Shape {
    fields: &[all("topic_name", Str), all("partitions", Array(&VOTE_RESPONSE_PARTITION))],
    tags: &[],
};

const VOTE_RESPONSE_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        all("error_code", I16),
        all("leader_id", I32),
        all("leader_epoch", I32),
        all("vote_granted", BOOL),
    ],
    tags: &[],
};

const NODE_ENDPOINT: Shape = Shape {
    fields: &[since(1, "node_id", I32), since(1, "host", Str), since(1, "port", I16)],
    tags: &[],
};

const LEADER_ENDPOINT: Shape = Shape {
    fields: &[since(1, "name", Str), since(1, "host", Str), since(1, "port", I16)],
    tags: &[],
};

pub(in crate::protocol) const BEGIN_QUORUM_EPOCH_REQUEST: Shape = Shape {
    fields: &[
        all("cluster_id", Str),
        since(1, "voter_id", I32),
        all("topics", Array(&BEGIN_QUORUM_EPOCH_REQUEST_TOPIC)),
        since(1, "leader_endpoints", Array(&LEADER_ENDPOINT)),
    ],
    tags: &[],
};

const BEGIN_QUORUM_EPOCH_REQUEST_TOPIC: Shape = Shape {
    fields: &[
        all("topic_name", Str),
        all("partitions", Array(&BEGIN_QUORUM_EPOCH_REQUEST_PARTITION)),
    ],
    tags: &[],
};

const BEGIN_QUORUM_EPOCH_REQUEST_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        since(1, "voter_directory_id", UUID),
        all("leader_id", I32),
        all("leader_epoch", I32),
    ],
    tags: &[],
};

pub(in crate::protocol) const BEGIN_QUORUM_EPOCH_RESPONSE: Shape = QUORUM_EPOCH_RESPONSE;

/// `BeginQuorumEpoch` and `EndQuorumEpoch` are answered alike.
const QUORUM_EPOCH_RESPONSE: Shape = Shape {
    fields: &[all("error_code", I16), all("topics", Array(&QUORUM_EPOCH_RESPONSE_TOPIC))],
    tags: &[(0, since(1, "node_endpoints", Array(&NODE_ENDPOINT)))],
};

const QUORUM_EPOCH_RESPONSE_TOPIC: Shape = Shape {
    fields: &[all("topic_name", Str), all("partitions", Array(&QUORUM_EPOCH_RESPONSE_PARTITION))],
    tags: &[],
};

const QUORUM_EPOCH_RESPONSE_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        all("error_code", I16),
        all("leader_id", I32),
        all("leader_epoch", I32),
    ],
    tags: &[],
};

pub(in crate::protocol) const END_QUORUM_EPOCH_REQUEST: Shape = Shape {
    fields: &[
        all("cluster_id", Str),
        all("topics", Array(&END_QUORUM_EPOCH_REQUEST_TOPIC)),
        since(1, "leader_endpoints", Array(&LEADER_ENDPOINT)),
    ],
    tags: &[],
};

const END_QUORUM_EPOCH_REQUEST_TOPIC: Shape = Shape {
    fields: &[
        all("topic_name", Str),
        all("partitions", Array(&END_QUORUM_EPOCH_REQUEST_PARTITION)),
    ],
    tags: &[],
};

const END_QUORUM_EPOCH_REQUEST_PARTITION: Shape = Shape {
    fields: &[
        all("partition_index", I32),
        all("leader_id", I32),
        all("leader_epoch", I32),
        span(0..=0, "preferred_successors", INT32S),
        since(1, "preferred_candidates", Array(&END_QUORUM_EPOCH_REQUEST_CANDIDATE)),
    ],
    tags: &[],
};

const END_QUORUM_EPOCH_REQUEST_CANDIDATE: Shape = Shape {
    fields: &[since(1, "candidate_id", I32), since(1, "candidate_directory_id", UUID)],
    tags: &[],
};

pub(in crate::protocol) const END_QUORUM_EPOCH_RESPONSE: Shape = QUORUM_EPOCH_RESPONSE;
