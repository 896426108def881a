//! Replication as a whole, told in sentences.

mod divergence;
mod fetches;
mod isr;
mod leadership;
mod offsets;
mod produce;
mod rules;
mod truncation;

use super::testing::{Cluster, Outcome};
use crate::{
    net::RequestId,
    protocol::{ErrorCode, Response, messages::produce_response::PartitionProduceResponse},
};

/// What a produce request for one partition was told, if it was.
fn told(cluster: &Cluster, request: RequestId) -> Option<(ErrorCode, i64)> {
    match cluster.outcome(request)? {
        Outcome::Answer(Response::Produce(response)) => {
            let one: &PartitionProduceResponse = &response.responses[0].partition_responses[0];
            Some((ErrorCode::from_code(one.error_code), one.base_offset))
        }
        other => panic!("not an answer to a produce request: {other:?}"),
    }
}
