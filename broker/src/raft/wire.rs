//! What voters say to each other, as it stands in Kafka's messages.
//!
//! Mirrors `RaftUtil` and the requests `Vote`, `BeginQuorumEpoch`, `EndQuorumEpoch` (KIP-595) and
//! `Fetch` with diverging epochs. Each is about one partition, `__cluster_metadata-0`; what is
//! about another is refused. It does not know what the messages are for.

mod requests;
mod responses;

pub use requests::{request_of_wire, request_to_wire};
pub use responses::{refusal, response_of_wire, response_to_wire};

#[cfg(test)]
mod tests;
