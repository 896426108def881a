//! The settings that all clients share (Kafka's `CommonClientConfigs`).

use super::backoff::ExponentialBackoff;
use crate::config::Millis;

/// The settings that all clients share, each under Kafka's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionKeys {
    pub(crate) retry_backoff: Millis,
    pub(crate) retry_backoff_max: Millis,
    pub(crate) request_timeout: Millis,
    pub(crate) metadata_max_age: Millis,
    pub(crate) reconnect_backoff: Millis,
    pub(crate) reconnect_backoff_max: Millis,
    pub(crate) connection_setup_timeout: Millis,
}

impl ConnectionKeys {
    /// The wait before something is tried again.
    pub(crate) fn retry(self) -> ExponentialBackoff {
        ExponentialBackoff { initial: self.retry_backoff, max: self.retry_backoff_max }
    }
}
