//! What has happened: the one instrumentation of the system.
//!
//! Invariants, triggers, biographies, reports and log lines all read these events; there is no
//! second logging. An event states a fact at the moment it becomes one, in the order in which the
//! process does things, between the outputs of the same step.
//!
//! A watcher knows besides the event which node told it and when. Serialised, an event is its group
//! (`partition`, `broker`, `controller`, `producer`, `consumer`), in it its kind in kebab case, in
//! it its fields; kinds are unique over all groups. The fields of a nested `record` count as the
//! event's own. Where nobody reads, ids are numbers.

mod client;
mod controller;
mod kind;
mod partition;
mod server;

use schemars::JsonSchema;
use serde::Serialize;

pub use client::{Attempt, SendFailure};
pub use client::{AttemptOutcome, ConsumerEvent, Delivery, PositionResetReason, ProducerEvent};
pub use controller::{
    CommittedBatch, ControllerEvent, Election, ElectionKind, FenceReason, PartitionRecord,
    VoterState,
};
pub use partition::{
    AppendOrigin, Appended, HighWatermarkMoved, LogStartReason, PartitionEvent, ProduceAnswered,
    Recovered, RequestRef, Role, Truncated, TruncationReason,
};
pub use server::BrokerEvent;

/// Something that matters has happened.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// To a replica of a partition, told by the broker that holds it.
    Partition(PartitionEvent),
    /// To a broker as a whole.
    Broker(BrokerEvent),
    /// In the controller's record of the cluster.
    Controller(ControllerEvent),
    /// To a record that a producer was asked to send.
    Producer(ProducerEvent),
    /// To a consumer.
    Consumer(ConsumerEvent),
}

macro_rules! into_event {
    ($($variant:ident($inner:ty)),*) => {
        $(impl From<$inner> for Event {
            fn from(event: $inner) -> Self {
                Self::$variant(event)
            }
        })*
    };
}

into_event!(
    Partition(PartitionEvent),
    Broker(BrokerEvent),
    Controller(ControllerEvent),
    Producer(ProducerEvent),
    Consumer(ConsumerEvent)
);
