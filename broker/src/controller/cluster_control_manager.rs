//! Who belongs to the cluster: registrations and broker epochs.
//!
//! Mirrors Kafka's `ClusterControlManager` (KIP-631). The epoch of an incarnation is the offset of
//! its registration record. While an incarnation has a session, another of the same id is refused;
//! when the session is over and the old one is not fenced yet, it is fenced in the same batch, with
//! the records that a session timeout would have written (Kafka leaves a gap there). Under KIP-966
//! an incarnation that does not name the epoch of the one before proves that that one has not ended
//! cleanly: the broker then leaves every ISR and ELR, even as the last.

use super::{
    broker_heartbeat_manager::BrokerHeartbeatManager,
    decision::{Cause, Decision, PreviousIncarnation},
    replication_control_manager::View,
};
use crate::{
    host::{Address, Instant, event::FenceReason},
    ids::{BrokerEpoch, BrokerId, Offset},
    metadata::{BrokerRegistration, IncarnationId, MetadataRecord},
    protocol::{
        ErrorCode,
        messages::{BrokerRegistrationRequest, broker_of},
    },
    replica::rules::Switch,
};

/// Where a new registration would be written.
#[derive(Clone, Copy)]
pub(super) struct Registrar<'a> {
    pub(super) view: View<'a>,
    pub(super) heartbeats: &'a BrokerHeartbeatManager,
    pub(super) cluster_id: &'a str,
    /// The offset that the first record of the decision will get.
    pub(super) next_offset: Offset,
    pub(super) now: Instant,
}

/// A broker's registration, accepted or refused.
pub(super) type Registered = Result<(BrokerId, BrokerEpoch), ErrorCode>;

impl Registrar<'_> {
    /// Decides upon a registration.
    pub(super) fn register(self, request: &BrokerRegistrationRequest) -> Decision<Registered> {
        let wanted = match self.check(request) {
            Ok(wanted) => wanted,
            Err(error) => return Decision::answer(Err(error)),
        };
        let Some(existing) = self.view.image.broker(wanted.id) else {
            return self.first(wanted);
        };
        if existing.incarnation == wanted.incarnation {
            return amend(existing, wanted);
        }
        if self.heartbeats.has_valid_session(existing, self.now) {
            return Decision::answer(Err(ErrorCode::DuplicateBrokerRegistration));
        }
        self.succeed(existing, wanted, request.previous_broker_epoch)
    }

    /// Reads the request. The epoch is filled in later.
    fn check(self, request: &BrokerRegistrationRequest) -> Result<BrokerRegistration, ErrorCode> {
        let cluster_id = request.cluster_id.as_str();
        if !cluster_id.is_empty() && cluster_id != self.cluster_id {
            return Err(ErrorCode::InconsistentClusterId);
        }
        let id = broker_of(request.broker_id).ok_or(ErrorCode::InvalidRequest)?;
        let listener = request.listeners.first().ok_or(ErrorCode::InvalidRegistration)?;
        Ok(BrokerRegistration {
            id,
            epoch: BrokerEpoch(0),
            incarnation: IncarnationId(request.incarnation_id.into_bytes()),
            address: Address::new(listener.host.as_str(), listener.port),
            rack: request.rack.as_ref().map(|rack| rack.as_str().into()),
            fenced: true,
            in_controlled_shutdown: false,
        })
    }

    fn first(self, wanted: BrokerRegistration) -> Decision<Registered> {
        let mut records = Vec::new();
        let answer = Ok(self.push_registration(wanted, &mut records));
        let previous_incarnation = Some(PreviousIncarnation::Clean);
        let cause = Cause { previous_incarnation, ..Cause::default() };
        Decision { records, cause, answer }
    }

    /// Another incarnation comes after `existing`.
    fn succeed(
        self,
        existing: &BrokerRegistration,
        wanted: BrokerRegistration,
        previous_broker_epoch: i64,
    ) -> Decision<Registered> {
        let ended = if previous_broker_epoch == existing.epoch.0 {
            PreviousIncarnation::Clean
        } else {
            PreviousIncarnation::Unclean
        };
        let mut fencing = self.fence_predecessor(existing, ended);
        let answer = Ok(self.push_registration(wanted, &mut fencing.records));
        let cause = Cause { previous_incarnation: Some(ended), ..fencing.cause };
        Decision { records: fencing.records, cause, answer }
    }

    /// What must be so before a new incarnation is there.
    fn fence_predecessor(
        self,
        existing: &BrokerRegistration,
        ended: PreviousIncarnation,
    ) -> Decision<()> {
        let rules = self.view.rules;
        match (rules.unclean_shutdown_detection, ended) {
            (Switch::On, PreviousIncarnation::Unclean) => {
                self.view.fence_unclean(existing, FenceReason::NewIncarnation)
            }
            (Switch::On, PreviousIncarnation::Clean) | (Switch::Off, _) => {
                match rules.new_incarnation_leaves_isr {
                    Switch::On => self.view.fence(existing, FenceReason::NewIncarnation),
                    Switch::Off => Decision::answer(()),
                }
            }
        }
    }

    fn push_registration(
        self,
        mut registration: BrokerRegistration,
        records: &mut Vec<MetadataRecord>,
    ) -> (BrokerId, BrokerEpoch) {
        let before = i64::try_from(records.len()).expect("a batch has far fewer records");
        registration.epoch = BrokerEpoch(self.next_offset.plus(before).0);
        let registered = (registration.id, registration.epoch);
        records.push(MetadataRecord::RegisterBroker(registration));
        registered
    }
}

/// The same incarnation asks again, as it does when an answer was lost: it keeps its epoch.
fn amend(existing: &BrokerRegistration, wanted: BrokerRegistration) -> Decision<Registered> {
    let amended = BrokerRegistration {
        epoch: existing.epoch,
        fenced: existing.fenced,
        in_controlled_shutdown: existing.in_controlled_shutdown,
        ..wanted
    };
    let answer = Ok((existing.id, existing.epoch));
    if amended == *existing {
        return Decision::answer(answer);
    }
    Decision::of(vec![MetadataRecord::RegisterBroker(amended)], answer)
}

impl<'a> View<'a> {
    /// The registration of the incarnation that speaks, if it is the one in force
    /// (`checkBrokerEpoch`).
    pub(super) fn check_broker_epoch(
        self,
        broker: Option<BrokerId>,
        broker_epoch: i64,
    ) -> Result<&'a BrokerRegistration, ErrorCode> {
        broker
            .and_then(|broker| self.image.broker(broker))
            .filter(|registration| registration.epoch.0 == broker_epoch)
            .ok_or(ErrorCode::StaleBrokerEpoch)
    }
}
