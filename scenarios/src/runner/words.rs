//! What was done to the world, in words for the story.

use sim::NodeId;

use super::{faults::Undo, play::Play};
use crate::format::{Action, Healed};

impl Play {
    /// What an action did, with the nodes that it met.
    pub(super) fn words_of(&self, action: &Action, undo: &Undo) -> String {
        let nodes = |nodes: &[NodeId]| self.names(nodes);
        match (action, undo) {
            (Action::Crash(_), Undo::Start(met)) => format!("{} killed (kill -9)", nodes(met)),
            (Action::PowerOff(_), Undo::Start(met)) => format!("{} lost power", nodes(met)),
            (Action::Shutdown(_), Undo::EndShutdown(met, _)) => {
                format!("{} asked to shut down", nodes(met))
            }
            (Action::Pause(_), Undo::Resume(met)) => format!("{} paused", nodes(met)),
            (Action::DiskWipe(_), Undo::Start(met)) => {
                format!("{} killed and its disk wiped", nodes(met))
            }
            (Action::Start(start), _) => match self.nodes_of(&start.targets) {
                Ok(met) => format!("{} started", nodes(&met)),
                Err(_) => "started".to_owned(),
            },
            (Action::Heal(heal), _) => match &heal.groups {
                Healed::All(_) => "all cuts healed".to_owned(),
                Healed::Groups(_) => "cuts healed".to_owned(),
            },
            (Action::Elect(elect), _) => {
                let asked = &elect.wanted;
                format!("asked that {} leads {}", asked.leader, asked.partition)
            }
            (Action::ElectPreferred(elect), _) => {
                format!("asked for preferred leaders: {}", elect.partition)
            }
            (Action::Reassign(reassign), _) => {
                let asked = &reassign.wanted;
                format!("asked to move {} to {}", asked.partition, asked.replicas.join(", "))
            }
            (Action::SetConfig(set), _) => format!("{} configured anew", set.wanted.topic),
            (Action::AddPartitions(add), _) => {
                format!("asked for {} partitions of {}", add.wanted.count, add.wanted.topic)
            }
            (_, Undo::Heal(links)) => format!("cut: {}", self.links_in_words(links)),
            (_, Undo::Links(links)) => {
                let pairs: Vec<_> = links.iter().map(|(from, to, _)| (*from, *to)).collect();
                format!("{}: {}", action.name(), self.links_in_words(&pairs))
            }
            (
                _,
                Undo::RepairDisks(met)
                | Undo::Start(met)
                | Undo::EndShutdown(met, _)
                | Undo::Disarm(met)
                | Undo::SetClocks(met, _),
            ) => {
                format!("{}: {}", action.name(), nodes(met))
            }
            (_, Undo::Nothing | Undo::Release(_) | Undo::Resume(_)) => action.name().to_owned(),
        }
    }

    /// What taking a fault back did, if that is worth a line.
    pub(super) fn words_of_undo(&self, undo: &Undo) -> Option<String> {
        match undo {
            Undo::Nothing | Undo::Release(_) => None,
            Undo::Start(nodes) | Undo::EndShutdown(nodes, _) | Undo::Disarm(nodes) => {
                Some(format!("{} started again", self.names(nodes)))
            }
            Undo::Resume(nodes) => Some(format!("{} goes on", self.names(nodes))),
            Undo::Heal(links) => Some(format!("healed: {}", self.links_in_words(links))),
            Undo::Links(links) => {
                let pairs: Vec<_> = links.iter().map(|(from, to, _)| (*from, *to)).collect();
                Some(format!("as usual again: {}", self.links_in_words(&pairs)))
            }
            Undo::RepairDisks(nodes) => Some(format!("disk repaired: {}", self.names(nodes))),
            Undo::SetClocks(nodes, _) => Some(format!("clock set right: {}", self.names(nodes))),
        }
    }

    fn names(&self, nodes: &[NodeId]) -> String {
        let names: Vec<&str> = nodes.iter().map(|node| &**self.world.name(*node)).collect();
        names.join(", ")
    }

    /// `broker-1 > broker-2`, or with `<>` for both ways.
    fn links_in_words(&self, links: &[(NodeId, NodeId)]) -> String {
        let mut words = Vec::new();
        for &(from, to) in links {
            let both = links.contains(&(to, from));
            if both && to < from {
                continue;
            }
            let arrow = if both { "<>" } else { ">" };
            words.push(format!("{} {arrow} {}", self.world.name(from), self.world.name(to)));
        }
        words.join(", ")
    }
}
