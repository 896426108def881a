//! Which of the controllers a broker speaks to.
//!
//! Mirrors `RaftControllerNodeProvider` and, in `KafkaRaftClient`, how an observer finds the leader
//! (KIP-595): whoever is asked for the metadata log and does not lead says who does; who does not
//! know or does not answer is followed by the next of `controller.quorum.voters`. All requests to
//! the controller go where the fetches of the metadata log go; those that come to the wrong one
//! are refused there, and come again.
//!
//! Kafka asks a voter at random; here they are asked in order. With one controller there is no
//! choice.

use crate::{
    host::Address,
    ids::ControllerId,
    protocol::{ErrorCode, Response},
};

/// The voters, and who of them is asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ControllerNodeProvider {
    /// Invariant: not empty.
    voters: Vec<(ControllerId, Address)>,
    /// Invariant: the place of a voter.
    asked: usize,
}

impl ControllerNodeProvider {
    /// Begins with the first.
    pub(super) fn new(voters: Vec<(ControllerId, Address)>) -> Self {
        assert!(!voters.is_empty(), "a cluster has a controller");
        Self { voters, asked: 0 }
    }

    /// Where requests go.
    pub(super) fn address(&self) -> &Address {
        &self.voters[self.asked].1
    }

    /// A fetch of the metadata log got no answer.
    pub(super) fn on_failure(&mut self) {
        self.asked = (self.asked + 1) % self.voters.len();
    }

    /// A fetch of the metadata log was answered.
    pub(super) fn on_response(&mut self, response: &Response) {
        let Response::Fetch(response) = response else { return };
        let mut partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
        let Some(partition) = partitions.next() else { return };
        if ErrorCode::from_code(partition.error_code) != ErrorCode::NotLeaderOrFollower {
            return;
        }
        let leader = ControllerId(partition.current_leader.leader_id.0);
        match self.voters.iter().position(|(id, _)| *id == leader) {
            Some(place) if place != self.asked => self.asked = place,
            // One that has resigned still names itself.
            Some(_) | None => self.on_failure(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::messages::{FetchResponse, WireBrokerId, fetch_response};

    fn provider() -> ControllerNodeProvider {
        let voter = |id: i32| (ControllerId(id), Address::new(&format!("controller-{id}"), 9093));
        ControllerNodeProvider::new([1001, 1002, 1003].map(voter).to_vec())
    }

    fn answer(error: ErrorCode, leader: i32) -> Response {
        let leader = fetch_response::LeaderIdAndEpoch::default()
            .with_leader_id(WireBrokerId(leader))
            .with_leader_epoch(1);
        let partition = fetch_response::PartitionData::default()
            .with_error_code(error.code())
            .with_current_leader(leader);
        let topic =
            fetch_response::FetchableTopicResponse::default().with_partitions(vec![partition]);
        FetchResponse::default().with_responses(vec![topic]).into()
    }

    #[test]
    fn who_does_not_lead_is_left_for_the_leader_that_it_names() {
        let mut provider = provider();
        provider.on_response(&answer(ErrorCode::NotLeaderOrFollower, 1003));
        assert_eq!(&*provider.address().host, "controller-1003");
        provider.on_response(&answer(ErrorCode::None, 1003));
        provider.on_response(&answer(ErrorCode::OffsetOutOfRange, 1003));
        assert_eq!(&*provider.address().host, "controller-1003", "the leader is kept");
    }

    #[test]
    fn who_knows_no_leader_or_has_resigned_or_does_not_answer_is_followed_by_the_next() {
        let mut provider = provider();
        provider.on_response(&answer(ErrorCode::NotLeaderOrFollower, -1));
        assert_eq!(&*provider.address().host, "controller-1002");
        provider.on_response(&answer(ErrorCode::NotLeaderOrFollower, 1002));
        assert_eq!(&*provider.address().host, "controller-1003");
        provider.on_failure();
        assert_eq!(&*provider.address().host, "controller-1001");
    }

    #[test]
    fn a_leader_that_is_no_voter_is_not_believed() {
        let mut provider = provider();
        provider.on_response(&answer(ErrorCode::NotLeaderOrFollower, 7));
        assert_eq!(&*provider.address().host, "controller-1002");
    }
}
