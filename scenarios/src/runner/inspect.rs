//! Looking into the processes of a run.

use broker::{
    controller::Controller,
    ids::{BrokerId, TopicPartition},
    log::UnifiedLog,
    metadata::MetadataImage,
};
use sim::NodeId;

use super::{play::Play, stage::all_partitions};
use crate::cluster::{
    Node,
    apps::{ConsumerApp, TopicsApp},
};

impl Play {
    /// The cluster as the active controller has it.
    pub(super) fn image(&self) -> Option<&MetadataImage> {
        self.active_controller()?.1.image()
    }

    /// The controller that is in charge: of several that think they are, the one of the latest
    /// epoch.
    pub(super) fn active_controller(&self) -> Option<(NodeId, &Controller)> {
        let controllers = self.cast.controllers().into_iter();
        let found = controllers.filter_map(|node| match self.world.process(node) {
            Some(Node::Controller(controller)) => Some((node, &**controller)),
            _ => None,
        });
        found.filter(|(_, it)| it.active_epoch().is_some()).max_by_key(|(_, it)| it.active_epoch())
    }

    /// A broker's log of a partition, if it runs and has one.
    pub(super) fn broker_log(
        &self,
        broker: BrokerId,
        partition: &TopicPartition,
    ) -> Option<&UnifiedLog> {
        match self.world.process(self.world.node(&broker.to_string())?) {
            Some(Node::Broker(broker)) => broker.log(partition),
            _ => None,
        }
    }

    /// Whether a consumer has read a partition up to its high watermark.
    pub(super) fn has_read(&self, app: &ConsumerApp, partition: &TopicPartition) -> bool {
        let leader = self.image().and_then(|image| image.partition_named(partition)?.leader);
        let log = leader.and_then(|leader| self.broker_log(leader, partition));
        let position = app.consumer().position(partition);
        match (log, position) {
            (Some(log), Some(position)) => log.high_watermark() <= position,
            _ => false,
        }
    }

    /// Whether the final reader has read everything.
    pub(super) fn is_read(&self) -> bool {
        let mut readers = self.cast.final_reader().into_iter();
        readers.all(|node| match self.world.process(node) {
            Some(Node::Consumer(app)) => {
                all_partitions(&self.scenario).iter().all(|name| self.has_read(app, name))
            }
            _ => false,
        })
    }

    /// Whether every producer waits for the load to begin.
    pub(super) fn is_warm(&self) -> bool {
        self.cast.producers().into_iter().all(|node| match self.world.process(node) {
            Some(Node::Producer(app)) => app.is_warm(),
            _ => false,
        })
    }

    /// Whether the topics exist, or one of them never will.
    pub(super) fn topics_done(&self) -> bool {
        self.topics_app().is_some_and(|app| app.is_done() || app.failure().is_some())
    }

    /// Why a topic could not be created.
    pub(super) fn topics_failure(&self) -> Option<String> {
        self.topics_app()?.failure().map(str::to_owned)
    }

    pub(super) fn topics_app(&self) -> Option<&TopicsApp> {
        let node = *self.cast.admin().first()?;
        match self.world.process(node) {
            Some(Node::Topics(app)) => Some(app),
            _ => None,
        }
    }
}
