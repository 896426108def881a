//! What can run on a machine of the world.

use broker::{
    broker::Broker,
    client::admin::AdminOperation,
    controller::{Controller, ControllerCommand},
    host::{Event, FrameTag},
};
use serde::Serialize;

use super::{
    adapter::{deadline, drive},
    apps::{ConsumerApp, ProducerApp, TopicsApp},
};

/// What the world calls the events of its processes.
pub type NodeEvent = Event;

/// A process of the cluster. Boxed: they differ much in size, and the world moves them about.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A broker.
    Broker(Box<Broker>),
    /// A controller.
    Controller(Box<Controller>),
    /// An application with a producer.
    Producer(Box<ProducerApp>),
    /// An application with a consumer.
    Consumer(Box<ConsumerApp>),
    /// The application that creates the scenario's topics.
    Topics(Box<TopicsApp>),
}

/// What the runner asks of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum AppCommand {
    /// Of an application: begin the load.
    Begin,
    /// Of a controller: what no client can ask.
    Controller(ControllerCommand),
    /// Of the admin client's application: do this.
    Admin(AdminOperation),
}

impl sim::Process for Node {
    type Command = AppCommand;
    type Answer = ();
    type Event = NodeEvent;
    type Tag = FrameTag;

    fn step(
        &mut self,
        now: sim::Now,
        input: sim::Input<AppCommand>,
        disk: &mut sim::Disk,
        out: &mut sim::Outbox<Self>,
    ) {
        match self {
            Self::Broker(broker) => drive(&mut **broker, now, input, disk, out, |_| None),
            Self::Controller(controller) => {
                drive(&mut **controller, now, input, disk, out, |command| match command {
                    AppCommand::Controller(command) => Some(command),
                    AppCommand::Begin | AppCommand::Admin(_) => None,
                });
            }
            Self::Producer(app) => drive(&mut **app, now, input, disk, out, Some),
            Self::Consumer(app) => drive(&mut **app, now, input, disk, out, Some),
            Self::Topics(app) => drive(&mut **app, now, input, disk, out, Some),
        }
    }

    fn deadline(&self) -> Option<sim::Instant> {
        match self {
            Self::Broker(broker) => deadline(&**broker),
            Self::Controller(controller) => deadline(&**controller),
            Self::Producer(app) => deadline(&**app),
            Self::Consumer(app) => deadline(&**app),
            Self::Topics(app) => deadline(&**app),
        }
    }
}
