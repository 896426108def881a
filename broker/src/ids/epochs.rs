//! The four epochs of Kafka, which must never be mixed up.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

macro_rules! epoch {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub $raw);

        impl $name {
            /// The epoch after this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.checked_add(1).expect("an epoch does not wrap"))
            }

            /// Reads an epoch of the wire, where a negative number says "unknown".
            pub fn from_wire(raw: $raw) -> Option<Self> {
                (0 <= raw).then_some(Self(raw))
            }

            /// Writes an epoch for the wire, −1 if unknown.
            pub fn to_wire(epoch: Option<Self>) -> $raw {
                epoch.map_or(-1, |known| known.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

epoch! {
    /// Of a partition: raised by the controller whenever the leader changes.
    LeaderEpoch(i32)
}
epoch! {
    /// Of a partition: raised by the controller at every change of the partition's record.
    PartitionEpoch(i32)
}
epoch! {
    /// Of a broker's incarnation: the offset of its registration record in the metadata log.
    BrokerEpoch(i64)
}
epoch! {
    /// Of the controller: the leader epoch of the metadata log.
    ControllerEpoch(i32)
}
