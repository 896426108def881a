//! What the oracle must be told that no event says.

use std::collections::{BTreeMap, BTreeSet};

use broker::ids::{BrokerId, ClientId};

/// What the oracle must be told that no event says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Each producer's configuration, as far as promises depend on it.
    pub producers: BTreeMap<ClientId, ProducerRules>,
    /// Whether the cluster became healthy again after everything was healed.
    pub recovery: Recovery,
    /// Whether faults could break connections.
    pub network_faults: NetworkFaults,
}

/// A producer's configuration, as far as promises depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerRules {
    /// 0, 1, or −1 for all.
    pub acks: i16,
    /// `max.in.flight.requests.per.connection`.
    pub max_in_flight: u32,
}

impl Default for ProducerRules {
    fn default() -> Self {
        Self { acks: -1, max_in_flight: 5 }
    }
}

/// Whether the cluster became healthy again after everything was healed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Recovery {
    /// It did, within the bound.
    #[default]
    Reached,
    /// It did not.
    NotReached {
        /// What was missing, in words (`orders-0 has no leader 45 s after everything was healed`).
        detail: String,
        /// The brokers that a fault declared permanent keeps away.
        gone: BTreeSet<BrokerId>,
    },
}

/// Whether faults could break connections, so that a request may have been lost on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkFaults {
    /// There were none.
    #[default]
    None,
    /// There were some.
    Some,
}
