//! Events of a broker as a whole.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{BrokerEpoch, BrokerId, Offset};

/// What happened to a broker, told by itself.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BrokerEvent {
    /// It has opened its logs and begins to register.
    BrokerStarted {
        /// The broker.
        broker: BrokerId,
        /// The epoch of the incarnation that shut down cleanly before, if the last one did.
        previous_broker_epoch: Option<BrokerEpoch>,
    },
    /// The controller accepted its registration.
    RegistrationAccepted {
        /// The broker.
        broker: BrokerId,
        /// The epoch of this incarnation.
        broker_epoch: BrokerEpoch,
    },
    /// It has caught up with the metadata log, is unfenced, and serves from now on.
    Serving {
        /// The broker.
        broker: BrokerId,
    },
    /// It applied the metadata log up to here.
    MetadataApplied {
        /// The broker.
        broker: BrokerId,
        /// The offset behind the last record applied.
        end_offset: Offset,
    },
    /// It was asked to shut down and asks the controller to take its leaderships.
    ControlledShutdownBegan {
        /// The broker.
        broker: BrokerId,
    },
    /// Everything is on disk, with the clean-shutdown marker.
    ShutDownCleanly {
        /// The broker.
        broker: BrokerId,
    },
    /// It cannot go on: its last log directory failed.
    Halted {
        /// The broker.
        broker: BrokerId,
        /// What failed.
        error: String,
    },
}
