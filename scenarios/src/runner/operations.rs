//! What operators do, as opposed to what goes wrong.

use broker::{
    controller::ControllerCommand,
    host::{Event, event::ControllerEvent},
    ids::TopicPartition,
    protocol::ErrorCode,
};

use super::{faults::Undo, play::Play};
use crate::{
    cluster::AppCommand,
    format::{Target, Targets, WantedLeader},
};

impl Play {
    /// Asks the controller for a leader. If it refuses, an event tells, and [`refusal`] reads it.
    pub(super) fn elect(&mut self, wanted: &WantedLeader) -> Result<Undo, String> {
        let found = self.nodes_of(&Targets::One(wanted.leader.clone()))?;
        let leader = found.into_iter().find_map(|node| self.cast.broker(node));
        let leader = leader.ok_or_else(|| format!("{} is no broker", wanted.leader))?;
        let partition = TopicPartition::parse(&wanted.partition)
            .ok_or_else(|| format!("there is no partition {}", wanted.partition))?;
        let controllers = self.nodes_of(&Targets::One(Target::Controller))?;
        let alive = controllers.into_iter().find(|node| self.is_alive(*node));
        let controller = alive.ok_or("no controller runs")?;
        let elect = AppCommand::Controller(ControllerCommand::Elect { partition, leader });
        self.world.command_at(controller, self.world.now(), elect);
        Ok(Undo::Nothing)
    }
}

/// What an event says of an operation that was refused.
pub(super) fn refusal(event: &Event) -> Option<String> {
    match event {
        Event::Controller(ControllerEvent::ElectionRefused { partition, leader, error }) => {
            Some(match ErrorCode::from_code(*error) {
                ErrorCode::EligibleLeadersNotAvailable => {
                    format!("elect: {leader} is not in the ISR of {partition}, or not there")
                }
                error => format!("elect: {leader} cannot lead {partition}: {}", error.name()),
            })
        }
        _ => None,
    }
}
