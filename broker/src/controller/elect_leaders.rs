//! Elections that somebody asks for, and the balance of leaders.
//!
//! Mirrors `ReplicationControlManager.electLeaders` and `maybeBalancePartitionLeaders` (KIP-460).
//! Of the balance, `KRaft` has no percentage: every partition that its preferred replica does not
//! lead, although it could, goes back.

use super::{
    decision::{Cause, Decision},
    partition_change_builder::{Election, PartitionChangeBuilder, Surroundings},
    replication_control_manager::View,
};
use crate::{
    metadata::{LeaderChange, MetadataRecord, PartitionChange, PartitionRegistration, TopicImage},
    protocol::{
        ErrorCode,
        messages::{
            ElectLeadersRequest, ElectLeadersResponse, WireTopicName, elect_leaders_response,
            topic_of, wire_topic,
        },
    },
};

/// `ElectionType.PREFERRED` and `ElectionType.UNCLEAN`.
const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

/// What came of one partition's election.
type Elected = Result<PartitionChange, ErrorCode>;

impl View<'_> {
    /// Decides upon a request.
    pub(super) fn elect_leaders(
        self,
        request: &ElectLeadersRequest,
    ) -> Decision<ElectLeadersResponse> {
        let response = ElectLeadersResponse::default();
        let election = match request.election_type {
            PREFERRED => Election::Preferred,
            UNCLEAN => Election::Unclean,
            _ => {
                let error = ErrorCode::InvalidRequest.code();
                return Decision::answer(response.with_error_code(error));
            }
        };
        let mut records = Vec::new();
        let mut results = Vec::new();
        match &request.topic_partitions {
            Some(wanted) => {
                for topic in wanted {
                    let found = self.image.topic_named(&topic_of(&topic.topic));
                    let one = |number: &i32| {
                        let elected = found
                            .ok_or(ErrorCode::UnknownTopicOrPartition)
                            .and_then(|topic| self.elect_one(topic, *number, election));
                        (*number, elected)
                    };
                    let elected = topic.partitions.iter().map(one);
                    results.push(told(topic.topic.clone(), elected, &mut records));
                }
            }
            None => {
                for topic in self.image.topics_by_name() {
                    let numbers = topic.partitions.keys();
                    let elected = numbers.map(|n| (*n, self.elect_one(topic, *n, election)));
                    // Of those that were not named, only what changed or should have is told.
                    let needed = elected.filter(|(_, e)| *e != Err(ErrorCode::ElectionNotNeeded));
                    let needed: Vec<_> = needed.collect();
                    if !needed.is_empty() {
                        results.push(told(wire_topic(&topic.name), needed, &mut records));
                    }
                }
            }
        }
        let cause = match election {
            Election::Unclean => Cause { unclean_election_asked: true, ..Cause::default() },
            Election::Preferred | Election::Online => Cause::default(),
        };
        let answer = response.with_replica_election_results(results);
        Decision { records, cause, answer }
    }

    /// Every partition that its preferred replica does not lead, although it could.
    pub(super) fn balance_leaders(self) -> Decision<()> {
        let mut records = Vec::new();
        for topic in self.image.topics_by_name() {
            for number in topic.partitions.keys() {
                if let Ok(change) = self.elect_one(topic, *number, Election::Preferred) {
                    records.push(MetadataRecord::PartitionChange(change));
                }
            }
        }
        Decision::of(records, ())
    }

    /// Whether some partition is led by another than its preferred replica, whoever is there.
    pub(super) fn is_imbalanced(self) -> bool {
        let is_led_elsewhere = |p: &PartitionRegistration| {
            p.leader.is_some() && p.leader != p.replicas.first().copied()
        };
        self.image.topics().any(|topic| topic.partitions.values().any(is_led_elsewhere))
    }

    fn elect_one(self, topic: &TopicImage, number: i32, election: Election) -> Elected {
        let Some(partition) = topic.partitions.get(&number) else {
            return Err(ErrorCode::UnknownTopicOrPartition);
        };
        let preferred = partition.replicas.first().copied();
        let is_needed = match election {
            Election::Preferred => partition.leader != preferred,
            Election::Online | Election::Unclean => partition.leader.is_none(),
        };
        if !is_needed {
            return Err(ErrorCode::ElectionNotNeeded);
        }
        let is_active = |broker| self.is_active(broker);
        let around = Surroundings { election, ..self.surroundings(topic, &is_active) };
        let built = PartitionChangeBuilder::new(partition, around).build(topic.id, number);
        match (built, election) {
            (Some(change), Election::Preferred)
                if preferred.map(LeaderChange::Leader) == Some(change.leader) =>
            {
                Ok(change)
            }
            (Some(change), Election::Online | Election::Unclean)
                if matches!(change.leader, LeaderChange::Leader(_)) =>
            {
                Ok(change)
            }
            (_, Election::Preferred) => Err(ErrorCode::PreferredLeaderNotAvailable),
            (_, Election::Online | Election::Unclean) => {
                Err(ErrorCode::EligibleLeadersNotAvailable)
            }
        }
    }
}

/// The answer for one topic. The records are collected.
fn told(
    topic: WireTopicName,
    elected: impl IntoIterator<Item = (i32, Elected)>,
    records: &mut Vec<MetadataRecord>,
) -> elect_leaders_response::ReplicaElectionResult {
    let mut results = Vec::new();
    for (number, elected) in elected {
        let error = match elected {
            Ok(change) => {
                records.push(MetadataRecord::PartitionChange(change));
                ErrorCode::None
            }
            Err(error) => error,
        };
        let result = elect_leaders_response::PartitionResult::default()
            .with_partition_id(number)
            .with_error_code(error.code());
        results.push(result);
    }
    elect_leaders_response::ReplicaElectionResult::default()
        .with_topic(topic)
        .with_partition_result(results)
}
