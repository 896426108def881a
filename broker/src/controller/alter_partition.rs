//! A leader asks for another ISR.
//!
//! Mirrors `ReplicationControlManager.alterPartition` and `validateAlterPartitionData` (KIP-497,
//! KIP-704, KIP-841, KIP-903). The order of the checks is part of the protocol: a leader treats the
//! answers differently. What a leader asks for is decided partition by partition; one refusal does
//! not touch the others.

use std::collections::BTreeSet;

use super::{
    decision::Decision, partition_change_builder::PartitionChangeBuilder,
    replication_control_manager::View,
};
use crate::{
    ids::{BrokerId, LeaderEpoch, PartitionEpoch, TopicId},
    metadata::{
        BrokerRegistration, LeaderChange, LeaderRecoveryState, MetadataRecord, PartitionChange,
        PartitionRegistration, TopicImage,
    },
    protocol::{
        ErrorCode,
        messages::{
            AlterPartitionRequest, AlterPartitionResponse, alter_partition_request,
            alter_partition_response, broker_of, topic_id_of, wire_broker,
        },
    },
    replica::rules::Switch,
};

/// The first version whose ISR says the epochs of its members (KIP-903).
const FIRST_VERSION_WITH_BROKER_EPOCHS: i16 = 3;

/// What one partition's leader asks for.
struct Wanted {
    isr: Vec<Member>,
    leader_epoch: LeaderEpoch,
    partition_epoch: PartitionEpoch,
    recovery_state: LeaderRecoveryState,
}

/// A member of the wanted ISR, and which incarnation of it, if that is known.
#[derive(Clone, Copy)]
struct Member {
    broker: BrokerId,
    broker_epoch: Option<i64>,
}

/// The answer, and what of it was refused: partition by partition, for the events.
pub(super) struct Altered {
    pub(super) response: AlterPartitionResponse,
    pub(super) refused: Vec<(TopicId, i32, ErrorCode)>,
}

impl View<'_> {
    /// Decides upon a request of `version`.
    pub(super) fn alter_partition(
        self,
        request: &AlterPartitionRequest,
        version: i16,
    ) -> Decision<Altered> {
        let sender = broker_of(request.broker_id);
        let sender = match self.check_broker_epoch(sender, request.broker_epoch) {
            Ok(registration) => registration,
            Err(error) => return Decision::answer(refuse_all(request, error)),
        };
        let mut records = Vec::new();
        let mut refused = Vec::new();
        let mut response = AlterPartitionResponse::default();
        let mut seen = BTreeSet::new();
        for topic in &request.topics {
            let topic_id = topic_id_of(topic.topic_id);
            let mut answers = alter_partition_response::TopicData::default();
            answers.topic_id = topic.topic_id;
            for asked in &topic.partitions {
                let number = asked.partition_index;
                let decided = if seen.insert((topic_id, number)) {
                    self.alter_one(sender, topic_id, asked, version)
                } else {
                    Err(ErrorCode::InvalidRequest)
                };
                answers.partitions.push(match decided {
                    Ok((answer, change)) => {
                        records.extend(change.map(MetadataRecord::PartitionChange));
                        answer
                    }
                    Err(error) => {
                        refused.push((topic_id, number, error));
                        alter_partition_response::PartitionData::default()
                            .with_partition_index(number)
                            .with_error_code(error.code())
                    }
                });
            }
            response.topics.push(answers);
        }
        Decision::of(records, Altered { response, refused })
    }

    fn alter_one(
        self,
        sender: &BrokerRegistration,
        topic_id: TopicId,
        asked: &alter_partition_request::PartitionData,
        version: i16,
    ) -> Result<(alter_partition_response::PartitionData, Option<PartitionChange>), ErrorCode> {
        let topic = self.image.topic(topic_id).ok_or(ErrorCode::UnknownTopicId)?;
        let number = asked.partition_index;
        let partition = topic.partitions.get(&number).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let wanted = self.validate(sender.id, partition, asked, version)?;
        let change = self.change(topic, number, partition, &wanted);
        // The ISR completed a reassignment that removes the leader: done, but the answer must not
        // let it go on leading.
        let moved = change.as_ref().map_or(LeaderChange::Unchanged, |change| change.leader);
        if moved != LeaderChange::Unchanged && moved != LeaderChange::Leader(sender.id) {
            let answer = alter_partition_response::PartitionData::default()
                .with_partition_index(number)
                .with_error_code(ErrorCode::NewLeaderElected.code());
            return Ok((answer, change));
        }
        let after =
            change.as_ref().map_or_else(|| partition.clone(), |change| partition.merge(change));
        let isr = after.isr.iter().map(|broker| wire_broker(Some(*broker))).collect();
        let answer = alter_partition_response::PartitionData::default()
            .with_partition_index(number)
            .with_leader_id(wire_broker(after.leader))
            .with_leader_epoch(after.leader_epoch.0)
            .with_isr(isr)
            .with_leader_recovery_state(after.recovery_state.to_wire())
            .with_partition_epoch(after.partition_epoch.0);
        Ok((answer, change))
    }

    fn change(
        self,
        topic: &TopicImage,
        number: i32,
        partition: &PartitionRegistration,
        wanted: &Wanted,
    ) -> Option<PartitionChange> {
        let isr = wanted.isr.iter().map(|member| member.broker).collect();
        let is_active = |broker| self.is_active(broker);
        PartitionChangeBuilder::new(partition, self.surroundings(topic, &is_active))
            .target_isr(isr)
            .target_recovery_state(wanted.recovery_state)
            .build(topic.id, number)
    }

    /// The checks, in Kafka's order.
    fn validate(
        self,
        sender: BrokerId,
        partition: &PartitionRegistration,
        asked: &alter_partition_request::PartitionData,
        version: i16,
    ) -> Result<Wanted, ErrorCode> {
        let wanted = read(asked, version)?;
        // The leader knows more than this controller: another one must be in charge.
        if partition.leader_epoch < wanted.leader_epoch
            || partition.partition_epoch < wanted.partition_epoch
        {
            return Err(ErrorCode::NotController);
        }
        if wanted.leader_epoch < partition.leader_epoch {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        if partition.leader != Some(sender) {
            return Err(ErrorCode::InvalidRequest);
        }
        if wanted.partition_epoch < partition.partition_epoch {
            return Err(ErrorCode::InvalidUpdateVersion);
        }
        if !is_valid_isr(&wanted.isr, &partition.replicas)
            || wanted.isr.iter().all(|member| member.broker != sender)
        {
            return Err(ErrorCode::InvalidRequest);
        }
        match (partition.recovery_state, wanted.recovery_state) {
            (LeaderRecoveryState::Recovered, LeaderRecoveryState::Recovering) => {
                return Err(ErrorCode::InvalidRequest);
            }
            (_, LeaderRecoveryState::Recovering) if 1 < wanted.isr.len() => {
                return Err(ErrorCode::InvalidRequest);
            }
            (_, LeaderRecoveryState::Recovering | LeaderRecoveryState::Recovered) => {}
        }
        if wanted.isr.iter().all(|member| self.is_eligible(*member)) {
            Ok(wanted)
        } else {
            Err(ErrorCode::IneligibleReplica)
        }
    }

    /// Whether a replica may be in an ISR: there, and the incarnation that the leader means.
    fn is_eligible(self, member: Member) -> bool {
        self.image.broker(member.broker).is_some_and(|registration| {
            (registration.is_active() || self.rules.isr_eligibility == Switch::Off)
                && member.broker_epoch.is_none_or(|epoch| epoch == registration.epoch.0)
        })
    }
}

fn read(asked: &alter_partition_request::PartitionData, version: i16) -> Result<Wanted, ErrorCode> {
    let member = |raw, epoch: i64| {
        let broker = broker_of(raw).ok_or(ErrorCode::InvalidRequest)?;
        Ok(Member { broker, broker_epoch: (0 <= epoch).then_some(epoch) })
    };
    let isr: Result<Vec<_>, _> = if FIRST_VERSION_WITH_BROKER_EPOCHS <= version {
        let with_epochs = asked.new_isr_with_epochs.iter();
        with_epochs.map(|state| member(state.broker_id, state.broker_epoch)).collect()
    } else {
        asked.new_isr.iter().map(|broker| member(*broker, -1)).collect()
    };
    Ok(Wanted {
        isr: isr?,
        leader_epoch: LeaderEpoch(asked.leader_epoch),
        partition_epoch: PartitionEpoch(asked.partition_epoch),
        recovery_state: LeaderRecoveryState::from_wire(asked.leader_recovery_state)
            .ok_or(ErrorCode::InvalidRequest)?,
    })
}

/// Whether an ISR names nobody twice and only replicas (`Replicas.validateIsr`).
fn is_valid_isr(isr: &[Member], replicas: &[BrokerId]) -> bool {
    let distinct: BTreeSet<_> = isr.iter().map(|member| member.broker).collect();
    distinct.len() == isr.len() && distinct.iter().all(|broker| replicas.contains(broker))
}

fn refuse_all(request: &AlterPartitionRequest, error: ErrorCode) -> Altered {
    let all = request.topics.iter().flat_map(|topic| {
        let topic_id = topic_id_of(topic.topic_id);
        topic.partitions.iter().map(move |asked| (topic_id, asked.partition_index, error))
    });
    let response = AlterPartitionResponse::default().with_error_code(error.code());
    Altered { response, refused: all.collect() }
}
