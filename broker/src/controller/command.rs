//! What a testbed may ask of a controller, besides what a client can.
//!
//! Kafka has no such API: there, who leads follows from who is alive. A counterexample needs a
//! certain leader at a certain moment while everybody lives, and this is how it gets one. What
//! comes of it is an ordinary record: one that a controller could have written by itself, after
//! fencing somebody or by a preferred election.

use serde::Serialize;

use super::{
    decision::Decision, metadata_log::MetadataLogError, quorum_controller::Context,
    quorum_controller::Controller, replication_control_manager::View,
};
use crate::{
    host::event::ControllerEvent,
    ids::{BrokerId, TopicPartition},
    metadata::{LeaderChange, MetadataRecord, PartitionChange},
    protocol::ErrorCode,
};

/// What a testbed may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ControllerCommand {
    /// Let an in-sync replica that is there lead, in a new leader epoch, even if it leads already.
    /// The ISR stays as it is, and nobody is fenced.
    Elect {
        /// The partition.
        partition: TopicPartition,
        /// Who shall lead.
        leader: BrokerId,
    },
}

impl Controller {
    /// Does what a testbed asks. What cannot be done is told as an event, since nobody waits for an
    /// answer.
    pub(super) fn obey(
        &mut self,
        command: ControllerCommand,
        cx: &mut Context<'_>,
    ) -> Result<(), MetadataLogError> {
        let ControllerCommand::Elect { partition, leader } = command;
        let refused = if self.active_ref().is_some() {
            let decision = self.view().elect(&partition, leader);
            self.commit(decision, cx)?
        } else {
            Err(ErrorCode::NotController)
        };
        if let Err(error) = refused {
            let error = error.code();
            self.tell(ControllerEvent::ElectionRefused { partition, leader, error }, cx);
        }
        // Whoever waits for records gets this one.
        self.serve(cx)
    }
}

impl View<'_> {
    /// Lets `leader` lead, whoever does now.
    fn elect(
        self,
        partition: &TopicPartition,
        leader: BrokerId,
    ) -> Decision<Result<(), ErrorCode>> {
        let topic = self.image.topic_named(&partition.topic);
        let found =
            topic.and_then(|topic| Some((topic.id, topic.partitions.get(&partition.partition)?)));
        let Some((topic_id, registration)) = found else {
            return Decision::answer(Err(ErrorCode::UnknownTopicOrPartition));
        };
        if !registration.isr.contains(&leader) || !self.is_active(leader) {
            return Decision::answer(Err(ErrorCode::EligibleLeadersNotAvailable));
        }
        let change = PartitionChange {
            leader: LeaderChange::Leader(leader),
            ..PartitionChange::of(topic_id, partition.partition)
        };
        Decision::of(vec![MetadataRecord::PartitionChange(change)], Ok(()))
    }
}
