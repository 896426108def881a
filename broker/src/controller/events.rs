//! What a record means to whoever watches.
//!
//! A record says what is, an event says what happened: whether a change of a partition was an
//! election, the loss of the leader or a change of the ISR shows only beside what was before. So
//! each record is looked at before it is replayed ([`Before`]) and after.

use super::decision::{Cause, PreviousIncarnation};
use crate::{
    config::TopicConfig,
    host::event::{ControllerEvent, Election, ElectionKind, PartitionRecord},
    ids::{BrokerId, Offset, ProducerId, TopicId, TopicName},
    metadata::{
        BrokerRegistrationChange, ControlledShutdownChange, FencingChange, LeaderChange,
        LeaderRecoveryState, MetadataImage, MetadataRecord, PartitionChange, PartitionRegistration,
        TopicImage,
    },
};

/// What the image says before the record, of what the record changes.
pub(super) enum Before {
    Partition(PartitionRegistration),
    Topic(TopicName),
    ProducerIds(ProducerId),
    Nothing,
}

impl Before {
    /// Looks at the image before the record is replayed.
    pub(super) fn of(image: &MetadataImage, record: &MetadataRecord) -> Self {
        let found = match record {
            MetadataRecord::PartitionChange(change) => {
                image.partition(change.topic_id, change.partition).cloned().map(Self::Partition)
            }
            MetadataRecord::RemoveTopic { topic_id } => {
                image.topic(*topic_id).map(|topic| Self::Topic(topic.name.clone()))
            }
            MetadataRecord::ProducerIds(_) => Some(Self::ProducerIds(image.next_producer_id())),
            MetadataRecord::RegisterBroker(_)
            | MetadataRecord::UnregisterBroker { .. }
            | MetadataRecord::BrokerRegistrationChange(_)
            | MetadataRecord::Topic { .. }
            | MetadataRecord::Partition { .. }
            | MetadataRecord::Config(_)
            | MetadataRecord::NoOp => None,
        };
        found.unwrap_or(Self::Nothing)
    }
}

/// The event of a record that was just replayed, if it has one.
pub(super) fn event_of(
    before: Before,
    record: &MetadataRecord,
    offset: Offset,
    cause: Cause,
    image: &MetadataImage,
    defaults: &TopicConfig,
) -> Option<ControllerEvent> {
    let recorded = |topic_id: TopicId, partition: i32| {
        let topic = image.topic(topic_id)?;
        partition_record(topic, partition, offset, defaults)
    };
    match (record, before) {
        (MetadataRecord::RegisterBroker(registration), _) => {
            // Without a cause it is an amendment, or an earlier incarnation of the controller wrote
            // it and nobody knows what came before.
            let clean = match cause.previous_incarnation? {
                PreviousIncarnation::Clean => true,
                PreviousIncarnation::Unclean => false,
            };
            let (broker, broker_epoch) = (registration.id, registration.epoch);
            Some(ControllerEvent::Registered { broker, broker_epoch, clean })
        }
        (MetadataRecord::BrokerRegistrationChange(change), _) => registration_event(*change, cause),
        (MetadataRecord::Partition { topic_id, partition, .. }, _) => {
            recorded(*topic_id, *partition).map(ControllerEvent::PartitionCreated)
        }
        (MetadataRecord::PartitionChange(change), Before::Partition(before)) => {
            let record = recorded(change.topic_id, change.partition)?;
            Some(partition_event(&before, change, record, cause))
        }
        (MetadataRecord::RemoveTopic { topic_id }, Before::Topic(name)) => {
            Some(ControllerEvent::TopicDeleted {
                topic: name.as_str().to_owned(),
                topic_id: *topic_id,
            })
        }
        (MetadataRecord::ProducerIds(end), Before::ProducerIds(first)) => {
            Some(ControllerEvent::ProducerIdsAllocated { broker: end.broker, first })
        }
        (
            MetadataRecord::PartitionChange(_)
            | MetadataRecord::RemoveTopic { .. }
            | MetadataRecord::ProducerIds(_)
            | MetadataRecord::UnregisterBroker { .. }
            | MetadataRecord::Topic { .. }
            | MetadataRecord::Config(_)
            | MetadataRecord::NoOp,
            _,
        ) => None,
    }
}

fn registration_event(change: BrokerRegistrationChange, cause: Cause) -> Option<ControllerEvent> {
    let BrokerRegistrationChange { broker, broker_epoch, .. } = change;
    match (change.fencing, change.controlled_shutdown) {
        (FencingChange::Fence, _) => {
            // Of a record that an earlier incarnation of the controller wrote, nobody knows why.
            let reason = cause.fencing?;
            Some(ControllerEvent::Fenced { broker, broker_epoch, reason })
        }
        (FencingChange::Unfence, _) => Some(ControllerEvent::Unfenced { broker, broker_epoch }),
        (FencingChange::Unchanged, ControlledShutdownChange::InControlledShutdown) => {
            Some(ControllerEvent::ShuttingDown { broker, broker_epoch })
        }
        (FencingChange::Unchanged, ControlledShutdownChange::Unchanged) => None,
    }
}

fn partition_event(
    before: &PartitionRegistration,
    change: &PartitionChange,
    record: PartitionRecord,
    cause: Cause,
) -> ControllerEvent {
    match change.leader {
        LeaderChange::Leader(leader) => ControllerEvent::Elected(Election {
            previous: before.leader,
            kind: election_kind(before, change, (leader, &record), cause),
            record,
        }),
        LeaderChange::NoLeader => ControllerEvent::LeaderLost { previous: before.leader, record },
        LeaderChange::Unchanged => {
            ControllerEvent::IsrChanged { previous: before.isr.clone(), record }
        }
    }
}

/// Where a new leader was taken from. Only one from outside the ISR, as the change itself makes it,
/// has to recover: a replica that joins as it completes a move is in sync. Who led last may be
/// elected although elections may not be unclean, and before anybody else if they may: then only if
/// nobody was eligible.
fn election_kind(
    before: &PartitionRegistration,
    change: &PartitionChange,
    (leader, record): (BrokerId, &PartitionRecord),
    cause: Cause,
) -> ElectionKind {
    if before.isr.contains(&leader) {
        return ElectionKind::Isr;
    }
    if before.elr.contains(&leader) {
        return ElectionKind::Elr;
    }
    match change.recovery_state.unwrap_or(before.recovery_state) {
        LeaderRecoveryState::Recovered => return ElectionKind::Isr,
        LeaderRecoveryState::Recovering => {}
    }
    let nobody_is_eligible = before.isr.is_empty() && before.elr.is_empty();
    let led_last = before.last_known_elr == [leader];
    let may_be_unclean = record.unclean_leader_election || cause.unclean_election_asked;
    if led_last && (nobody_is_eligible || !may_be_unclean) {
        ElectionKind::LastKnownLeader
    } else {
        ElectionKind::Unclean
    }
}

fn partition_record(
    topic: &TopicImage,
    number: i32,
    metadata_offset: Offset,
    defaults: &TopicConfig,
) -> Option<PartitionRecord> {
    let partition = topic.partitions.get(&number)?;
    let config = topic.config(defaults);
    Some(PartitionRecord {
        partition: topic.topic_partition(number),
        topic_id: topic.id,
        replicas: partition.replicas.clone(),
        isr: partition.isr.clone(),
        elr: partition.elr.clone(),
        leader: partition.leader,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        min_insync_replicas: partition.effective_min_insync_replicas(config.min_insync_replicas),
        unclean_leader_election: config.unclean_leader_election_enable,
        metadata_offset,
    })
}
