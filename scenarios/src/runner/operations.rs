//! What operators do, as opposed to what goes wrong.

use std::collections::BTreeSet;

use broker::{
    client::admin::AdminOperation,
    controller::ControllerCommand,
    host::{Event, event::ControllerEvent},
    ids::{BrokerId, TopicPartition},
    protocol::ErrorCode,
};

use super::{director::Origin, faults::Undo, play::Play, stage::config_texts};
use crate::{
    cluster::{AppCommand, apps::TopicsApp},
    format::{Action, Target, Targets, WantedLeader},
    history::broker_of,
};

/// What operators asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// Leaders that only the seed asked for, who may be refused.
    drawn_leaders: BTreeSet<(TopicPartition, BrokerId)>,
    /// Who wanted each operation of the admin client, in its order.
    operations: Vec<Origin>,
}

impl Asked {
    /// What an event says of a leader that the scenario wants and does not get.
    pub(super) fn refusal(&self, event: &Event) -> Option<String> {
        let Event::Controller(ControllerEvent::ElectionRefused { partition, leader, error }) =
            event
        else {
            return None;
        };
        if self.drawn_leaders.contains(&(partition.clone(), *leader)) {
            return None;
        }
        Some(match ErrorCode::from_code(*error) {
            ErrorCode::EligibleLeadersNotAvailable => {
                format!("elect: {leader} is not in the ISR of {partition}, or not there")
            }
            error => format!("elect: {leader} cannot lead {partition}: {}", error.name()),
        })
    }
}

impl Play {
    /// Asks the controller for a leader. If it refuses, an event tells, and [`Asked::refusal`]
    /// reads it.
    pub(super) fn elect(&mut self, wanted: &WantedLeader, origin: Origin) -> Result<Undo, String> {
        let found = self.nodes_of(&Targets::One(wanted.leader.clone()))?;
        let leader = found.into_iter().find_map(|node| self.cast.broker(node));
        let leader = leader.ok_or_else(|| format!("{} is no broker", wanted.leader))?;
        let partition = TopicPartition::parse(&wanted.partition)
            .ok_or_else(|| format!("there is no partition {}", wanted.partition))?;
        let controllers = self.nodes_of(&Targets::One(Target::Controller))?;
        let alive = controllers.into_iter().find(|node| self.is_alive(*node));
        let controller = alive.ok_or("no controller runs")?;
        if origin == Origin::Drawn {
            self.asked.drawn_leaders.insert((partition.clone(), leader));
        }
        let elect = AppCommand::Controller(ControllerCommand::Elect { partition, leader });
        self.world.command_at(controller, self.world.now(), elect);
        Ok(Undo::Nothing)
    }
}

impl Play {
    /// Asks the admin client to do what an operator would. What came of it is looked at when the
    /// load is over ([`Play::refused_operations`]).
    pub(super) fn operate(&mut self, action: &Action, origin: Origin) -> Result<Undo, String> {
        let operation = operation(action)?;
        let admin = self.cast.admin().into_iter().next().ok_or("there is no admin client")?;
        self.world.command_at(admin, self.world.now(), AppCommand::Admin(operation));
        self.asked.operations.push(origin);
        Ok(Undo::Nothing)
    }

    /// What the scenario wanted operators to do, in vain.
    pub(super) fn refused_operations(&self) -> Vec<String> {
        let refusals = self.topics_app().into_iter().flat_map(TopicsApp::refusals);
        let written = refusals.filter(|refusal| {
            let origin = self.asked.operations.get(refusal.number);
            origin.is_none_or(|origin| *origin == Origin::Written)
        });
        written.map(|refusal| refusal.why.clone()).collect()
    }

    /// Whether something that operators asked for has neither been done nor refused.
    pub(super) fn has_open_operation(&self) -> bool {
        let answered = self.topics_app().map_or(0, TopicsApp::operated);
        answered < self.asked.operations.len()
    }
}

fn operation(action: &Action) -> Result<AdminOperation, String> {
    let partition = |name: &str| {
        TopicPartition::parse(name).ok_or_else(|| format!("there is no partition {name}"))
    };
    Ok(match action {
        Action::ElectPreferred(elect) if elect.partition == "all" => {
            AdminOperation::ElectPreferred(None)
        }
        Action::ElectPreferred(elect) => {
            AdminOperation::ElectPreferred(Some(partition(&elect.partition)?))
        }
        Action::Reassign(reassign) => {
            let replicas = reassign.wanted.replicas.iter().filter_map(|name| broker_of(name));
            let replicas: Vec<_> = replicas.collect();
            AdminOperation::Reassign {
                partition: partition(&reassign.wanted.partition)?,
                replicas: (!replicas.is_empty()).then_some(replicas),
            }
        }
        Action::SetConfig(set) => {
            let config = config_texts(&set.wanted.config)?;
            AdminOperation::SetConfig {
                topic: set.wanted.topic.as_str().into(),
                config: config.into_iter().map(|(key, value)| (key, Some(value))).collect(),
            }
        }
        Action::AddPartitions(add) => AdminOperation::AddPartitions {
            topic: add.wanted.topic.as_str().into(),
            count: i32::try_from(add.wanted.count).map_err(|error| error.to_string())?,
        },
        other => unreachable!("{} is no operation", other.name()),
    })
}
