//! The kind of an event as a word, without serialising the event: triggers compare it with every
//! event of a run.

use super::{BrokerEvent, ConsumerEvent, ControllerEvent, Event, PartitionEvent, ProducerEvent};

impl Event {
    /// Its kind, in kebab case: the key under which its fields stand when it is serialised.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Partition(event) => event.kind(),
            Self::Broker(event) => event.kind(),
            Self::Controller(event) => event.kind(),
            Self::Producer(event) => event.kind(),
            Self::Consumer(event) => event.kind(),
        }
    }
}

/// The kinds of one group.
macro_rules! kinds {
    ($group:ident { $($variant:ident => $kind:literal),* $(,)? }) => {
        impl $group {
            /// Its kind, in kebab case.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $kind),*
                }
            }

            #[cfg(test)]
            const KINDS: &'static [(&'static str, &'static str)] =
                &[$((stringify!($variant), $kind)),*];
        }
    };
}

kinds!(PartitionEvent {
    Recovered => "recovered",
    Appended => "appended",
    DuplicateSuppressed => "duplicate-suppressed",
    Truncated => "truncated",
    HighWatermarkMoved => "high-watermark-moved",
    LogStartMoved => "log-start-moved",
    BecameLeader => "became-leader",
    BecameFollower => "became-follower",
    Reconciled => "reconciled",
    FollowerFetched => "follower-fetched",
    IsrProposed => "isr-proposed",
    IsrAdopted => "isr-adopted",
    ProduceAnswered => "produce-answered",
    FetchRefused => "fetch-refused",
    ReplicaFailed => "replica-failed",
    ReplicaRemoved => "replica-removed",
});

kinds!(BrokerEvent {
    BrokerStarted => "broker-started",
    RegistrationAccepted => "registration-accepted",
    Serving => "serving",
    MetadataApplied => "metadata-applied",
    ControlledShutdownBegan => "controlled-shutdown-began",
    ShutDownCleanly => "shut-down-cleanly",
    Halted => "halted",
});

kinds!(ControllerEvent {
    ControllerActive => "controller-active",
    ControllerResigned => "controller-resigned",
    QuorumLeaderElected => "quorum-leader-elected",
    VoterMoved => "voter-moved",
    Registered => "registered",
    Fenced => "fenced",
    Unfenced => "unfenced",
    ShuttingDown => "shutting-down",
    PartitionCreated => "partition-created",
    Elected => "elected",
    LeaderLost => "leader-lost",
    IsrChanged => "isr-changed",
    AlterPartitionRefused => "alter-partition-refused",
    ElectionRefused => "election-refused",
    TopicDeleted => "topic-deleted",
    ProducerIdsAllocated => "producer-ids-allocated",
});

kinds!(ProducerEvent {
    Sent => "sent",
    Attempted => "attempted",
    AttemptEnded => "attempt-ended",
    Acknowledged => "acknowledged",
    SendFailed => "send-failed",
    SendUnknown => "send-unknown",
    ProducerIdAssigned => "producer-id-assigned",
});

kinds!(ConsumerEvent {
    Delivered => "delivered",
    PositionReset => "position-reset",
    ConsumerFailed => "consumer-failed",
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use schemars::{JsonSchema, SchemaGenerator};
    use serde_json::Value;

    use super::*;
    use crate::{
        host::event::FenceReason,
        ids::{BrokerEpoch, BrokerId},
    };

    /// The keys under which the schema of a group says that its variants are serialised.
    fn serialised<T: JsonSchema>() -> BTreeSet<String> {
        let schema = SchemaGenerator::default().into_root_schema_for::<T>();
        let variants = schema.as_value()["oneOf"].as_array().cloned().unwrap_or_default();
        let key = |variant: &Value| {
            let required = variant["required"][0].as_str();
            required.or_else(|| variant["const"].as_str()).unwrap_or_default().to_owned()
        };
        variants.iter().map(key).collect()
    }

    /// `HighWatermarkMoved` is `high-watermark-moved`.
    fn kebab(name: &str) -> String {
        let dash = |(at, c): (usize, char)| {
            let dash = (0 < at && c.is_ascii_uppercase()).then_some('-');
            dash.into_iter().chain([c.to_ascii_lowercase()])
        };
        name.char_indices().flat_map(dash).collect()
    }

    fn agrees<T: JsonSchema>(kinds: &[(&str, &str)]) {
        let said: BTreeSet<String> = kinds.iter().map(|(_, kind)| (*kind).to_owned()).collect();
        assert_eq!(said, serialised::<T>());
        for (variant, kind) in kinds {
            assert_eq!(kebab(variant), *kind);
        }
    }

    #[test]
    fn every_kind_is_the_key_under_which_the_event_is_serialised() {
        agrees::<PartitionEvent>(PartitionEvent::KINDS);
        agrees::<BrokerEvent>(BrokerEvent::KINDS);
        agrees::<ControllerEvent>(ControllerEvent::KINDS);
        agrees::<ProducerEvent>(ProducerEvent::KINDS);
        agrees::<ConsumerEvent>(ConsumerEvent::KINDS);
    }

    #[test]
    fn an_event_has_the_kind_of_its_json() {
        let event = Event::Controller(ControllerEvent::Fenced {
            broker: BrokerId(1),
            broker_epoch: BrokerEpoch(1),
            reason: FenceReason::Asked,
        });
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["controller"].as_object().unwrap().keys().next().unwrap(), event.kind());
    }
}
