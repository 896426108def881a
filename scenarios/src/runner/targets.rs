//! Whom a fault means at this instant: names as they are, roles by the controller's record.

use broker::{
    host::event::PartitionRecord,
    ids::{BrokerId, TopicPartition},
};
use sim::NodeId;

use super::play::Play;
use crate::format::{Target, Targets};

impl Play {
    /// The nodes that these targets are now. Not empty, unless the error says who was not there.
    pub(super) fn nodes_of(&self, targets: &Targets) -> Result<Vec<NodeId>, String> {
        let mut nodes = Vec::new();
        for target in targets.all() {
            for node in self.nodes_of_target(target)? {
                if !nodes.contains(&node) {
                    nodes.push(node);
                }
            }
        }
        Ok(nodes)
    }

    fn nodes_of_target(&self, target: &Target) -> Result<Vec<NodeId>, String> {
        let nodes = match target {
            Target::Node(name) => self.world.node(name).into_iter().collect(),
            Target::Controller => self.controller(),
            Target::Leader(partition) => {
                let leader = self.record(partition).and_then(|record| record.leader);
                self.nodes_of_brokers(leader.as_slice())
            }
            Target::Follower(partition) => {
                let record = self.record(partition);
                let followers: Vec<_> = record
                    .iter()
                    .flat_map(|record| {
                        record
                            .replicas
                            .iter()
                            .copied()
                            .filter(|replica| Some(*replica) != record.leader)
                    })
                    .collect();
                self.nodes_of_brokers(&followers)
            }
            Target::InSync(partition) => {
                let isr = self.record(partition).map(|record| record.isr.as_slice());
                self.nodes_of_brokers(isr.unwrap_or_default())
            }
        };
        if nodes.is_empty() { Err(format!("there is no {target}")) } else { Ok(nodes) }
    }

    /// The controller that is in charge; while nobody is, the one that was last.
    fn controller(&self) -> Vec<NodeId> {
        let active = self.active_controller().map(|(node, _)| node).or(self.in_charge);
        active.map_or_else(|| self.cast.controllers(), |node| vec![node])
    }

    fn nodes_of_brokers(&self, brokers: &[BrokerId]) -> Vec<NodeId> {
        brokers.iter().filter_map(|broker| self.world.node(&broker.to_string())).collect()
    }

    pub(super) fn record(&self, partition: &TopicPartition) -> Option<&PartitionRecord> {
        self.watch.history().partition(partition)?.metadata.current()
    }
}
