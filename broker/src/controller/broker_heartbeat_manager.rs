//! What the controller remembers of heartbeats, in memory only.
//!
//! Mirrors Kafka's `BrokerHeartbeatManager` and `BrokerHeartbeatTracker`: when each broker was
//! heard of last, how far it has read the metadata log, and whether it waits to be allowed to stop.
//! A controller that starts gives every broker a fresh session. Whether a broker is fenced stands
//! in the image, and is asked there.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::{
    host::Instant,
    ids::{BrokerId, Offset},
    metadata::{BrokerRegistration, MetadataImage},
};

/// Sessions and progress of the registered brokers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BrokerHeartbeatManager {
    session_timeout: Duration,
    brokers: BTreeMap<BrokerId, BrokerHeartbeatState>,
}

/// What is remembered of one broker.
#[derive(Clone, Copy, Debug, PartialEq)]
struct BrokerHeartbeatState {
    last_contact: Instant,
    /// The last record of the metadata log that it has applied, as its last heartbeat said.
    metadata_offset: Option<Offset>,
    /// Set while it is shutting down: the others must have applied this record before it may stop.
    controlled_shutdown_offset: Option<Offset>,
}

/// What a heartbeat wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// To serve.
    Serve,
    /// To be fenced.
    Fence,
    /// To stop, after its leaderships were moved.
    ShutDown,
    /// To stop at once.
    FenceAndShutDown,
}

impl Wanted {
    /// Reads the two flags of the request.
    pub(super) fn from_flags(want_fence: bool, want_shut_down: bool) -> Self {
        match (want_fence, want_shut_down) {
            (false, false) => Self::Serve,
            (true, false) => Self::Fence,
            (false, true) => Self::ShutDown,
            (true, true) => Self::FenceAndShutDown,
        }
    }
}

/// What a broker may do (`BrokerControlState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokerControlState {
    Fenced,
    Unfenced,
    ControlledShutdown,
    ShutdownNow,
}

impl BrokerControlState {
    /// Whether a broker in this state is fenced.
    pub(super) fn is_fenced(self) -> bool {
        match self {
            Self::Fenced | Self::ShutdownNow => true,
            Self::Unfenced | Self::ControlledShutdown => false,
        }
    }
}

impl BrokerHeartbeatManager {
    /// Knows the brokers of `image`, all just heard of.
    pub(super) fn new(session_timeout: Duration, image: &MetadataImage, now: Instant) -> Self {
        let mut manager = Self { session_timeout, brokers: BTreeMap::new() };
        for broker in image.brokers().keys() {
            manager.register(*broker, now);
        }
        manager
    }

    /// An incarnation registered: its session begins.
    pub(super) fn register(&mut self, broker: BrokerId, now: Instant) {
        let state = BrokerHeartbeatState {
            last_contact: now,
            metadata_offset: None,
            controlled_shutdown_offset: None,
        };
        self.brokers.insert(broker, state);
    }

    /// Whether an incarnation still has a session. A fenced one has none: its successor need not
    /// wait.
    pub(super) fn has_valid_session(&self, broker: &BrokerRegistration, now: Instant) -> bool {
        !broker.fenced
            && self
                .brokers
                .get(&broker.id)
                .is_some_and(|state| now <= state.last_contact.plus(self.session_timeout))
    }

    /// A heartbeat came, after which the broker is in `state`.
    pub(super) fn touch(
        &mut self,
        broker: BrokerId,
        metadata_offset: Option<Offset>,
        state: BrokerControlState,
        now: Instant,
    ) {
        let known = self.brokers.get_mut(&broker).expect("a broker with an epoch is registered");
        known.last_contact = now;
        known.metadata_offset = metadata_offset;
        if state.is_fenced() {
            known.controlled_shutdown_offset = None;
        }
    }

    /// The broker may stop when the others have applied the record at `offset`. The first such
    /// offset counts.
    pub(super) fn maybe_update_controlled_shutdown_offset(
        &mut self,
        broker: BrokerId,
        offset: Offset,
    ) {
        let known = self.brokers.get_mut(&broker).expect("a broker with an epoch is registered");
        known.controlled_shutdown_offset.get_or_insert(offset);
    }

    /// The unfenced broker whose session ended first, if one has ended.
    pub(super) fn find_one_stale_broker(
        &self,
        image: &MetadataImage,
        now: Instant,
    ) -> Option<BrokerId> {
        let (last_contact, broker) = self.oldest_contact(image)?;
        (last_contact.plus(self.session_timeout) < now).then_some(broker)
    }

    /// The first moment at which [`Self::find_one_stale_broker`] finds one.
    pub(super) fn deadline(&self, image: &MetadataImage) -> Option<Instant> {
        let (last_contact, _) = self.oldest_contact(image)?;
        Some(last_contact.plus(self.session_timeout + Duration::from_nanos(1)))
    }

    fn oldest_contact(&self, image: &MetadataImage) -> Option<(Instant, BrokerId)> {
        let unfenced = image.brokers().values().filter(|broker| !broker.fenced);
        unfenced.filter_map(|b| Some((self.brokers.get(&b.id)?.last_contact, b.id))).min()
    }

    /// What a registered broker may do after a heartbeat that wants `wanted`, and has applied the
    /// log up to `metadata_offset` (`calculateNextBrokerState`).
    pub(super) fn next_state(
        &self,
        broker: &BrokerRegistration,
        wanted: Wanted,
        metadata_offset: Option<Offset>,
        image: &MetadataImage,
    ) -> BrokerControlState {
        match (self.current_state(broker), wanted) {
            (BrokerControlState::Fenced, Wanted::Serve) => {
                if is_caught_up(broker, metadata_offset) {
                    BrokerControlState::Unfenced
                } else {
                    BrokerControlState::Fenced
                }
            }
            (BrokerControlState::Fenced | BrokerControlState::Unfenced, Wanted::Fence) => {
                BrokerControlState::Fenced
            }
            (BrokerControlState::Fenced, Wanted::ShutDown | Wanted::FenceAndShutDown)
            | (BrokerControlState::Unfenced, Wanted::FenceAndShutDown)
            | (BrokerControlState::ShutdownNow, _) => BrokerControlState::ShutdownNow,
            (BrokerControlState::Unfenced, Wanted::Serve) => BrokerControlState::Unfenced,
            (BrokerControlState::Unfenced, Wanted::ShutDown) => {
                if leads_something(image, broker.id) {
                    BrokerControlState::ControlledShutdown
                } else {
                    BrokerControlState::ShutdownNow
                }
            }
            (BrokerControlState::ControlledShutdown, _) => {
                if !leads_something(image, broker.id) && self.others_caught_up(broker.id, image) {
                    BrokerControlState::ShutdownNow
                } else {
                    BrokerControlState::ControlledShutdown
                }
            }
        }
    }

    /// What a registered broker may do now.
    pub(super) fn current_state(&self, broker: &BrokerRegistration) -> BrokerControlState {
        let state = self.brokers.get(&broker.id);
        if state.is_some_and(|state| state.controlled_shutdown_offset.is_some()) && !broker.fenced {
            BrokerControlState::ControlledShutdown
        } else if broker.fenced {
            BrokerControlState::Fenced
        } else {
            BrokerControlState::Unfenced
        }
    }

    /// Whether all active brokers have applied the record that moved this one's leaderships.
    fn others_caught_up(&self, broker: BrokerId, image: &MetadataImage) -> bool {
        let Some(state) = self.brokers.get(&broker) else { return true };
        let others = image.brokers().values().filter(|b| b.id != broker && b.is_active());
        let applied = |b: &BrokerRegistration| self.brokers.get(&b.id)?.metadata_offset;
        others.map(applied).all(|applied| state.controlled_shutdown_offset <= applied)
    }
}

/// Whether a broker has applied its own registration.
pub(super) fn is_caught_up(broker: &BrokerRegistration, metadata_offset: Option<Offset>) -> bool {
    Some(Offset(broker.epoch.0)) <= metadata_offset
}

fn leads_something(image: &MetadataImage, broker: BrokerId) -> bool {
    image.topics().any(|t| t.partitions.values().any(|p| p.leader == Some(broker)))
}
