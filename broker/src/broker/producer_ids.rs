//! Producer ids for new producers, out of blocks that the controller gives (Kafka's
//! `RPCProducerIdManager`; KIP-730).
//!
//! While a block is on its way, those who ask wait, as in Kafka before 3.6. (Since then they are
//! told `COORDINATOR_LOAD_IN_PROGRESS` and ask again, and the next block is asked for when a tenth
//! of the last is left; a client sees nothing of it but the time.) A broker that restarts asks for
//! a new block; the rest of its old one is never used.

use core::time::Duration;
use std::collections::VecDeque;

use crate::{
    host::Instant,
    ids::{BrokerEpoch, BrokerId, ProducerEpoch, ProducerId},
    net::RequestId,
    protocol::{
        ErrorCode, Request, Response,
        messages::{AllocateProducerIdsRequest, InitProducerIdRequest, InitProducerIdResponse},
    },
};

/// The wait after a request for a block that failed.
const RETRY_BACKOFF: Duration = Duration::from_millis(50);

/// The ids at hand and who waits for one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ProducerIds {
    next: i64,
    left: i32,
    waiting: VecDeque<RequestId>,
    in_flight: bool,
    not_before: Instant,
}

impl ProducerIds {
    /// A producer asks for an id. Returns the answer if it can be given at once.
    ///
    /// A producer without transactions gets a new id whatever it names, as from
    /// `TransactionCoordinator.handleInitProducerId`: only transactional ids have an epoch to be
    /// raised here (KIP-360), and those are not modelled.
    pub(super) fn on_request(
        &mut self,
        id: RequestId,
        request: &InitProducerIdRequest,
    ) -> Option<Response> {
        // An id goes with an epoch or not at all (`KafkaApis.handleInitProducerIdRequest`).
        let half = (request.producer_id.0 == -1) != (request.producer_epoch == -1);
        if half || request.transactional_id.is_some() {
            return Some(refused(ErrorCode::InvalidRequest));
        }
        let Some(producer_id) = self.take() else {
            self.waiting.push_back(id);
            return None;
        };
        Some(granted(producer_id, ProducerEpoch(0)))
    }

    /// The request for a block that is due, if somebody waits and none is on its way.
    pub(super) fn poll(
        &mut self,
        now: Instant,
        broker: BrokerId,
        epoch: BrokerEpoch,
    ) -> Option<Request> {
        if self.in_flight || self.waiting.is_empty() || now < self.not_before {
            return None;
        }
        self.in_flight = true;
        Some(Request::AllocateProducerIds(
            AllocateProducerIdsRequest::default()
                .with_broker_id(broker.0.into())
                .with_broker_epoch(epoch.0),
        ))
    }

    /// When [`Self::poll`] has something to send.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.in_flight && !self.waiting.is_empty()).then_some(self.not_before)
    }

    /// The request for a block has ended. Returns the answers that can be given now.
    pub(super) fn on_block(
        &mut self,
        now: Instant,
        response: Option<&Response>,
    ) -> Vec<(RequestId, Response)> {
        self.in_flight = false;
        match response {
            Some(Response::AllocateProducerIds(block))
                if ErrorCode::from_code(block.error_code) == ErrorCode::None
                    && 0 < block.producer_id_len =>
            {
                self.next = block.producer_id_start.0;
                self.left = block.producer_id_len;
            }
            _ => self.not_before = now.plus(RETRY_BACKOFF),
        }
        let mut answers = Vec::new();
        while !self.waiting.is_empty() {
            let Some(producer_id) = self.take() else { break };
            let id = self.waiting.pop_front().expect("it is not empty");
            answers.push((id, granted(producer_id, ProducerEpoch(0))));
        }
        answers
    }

    /// The connection of a request is gone: nobody waits any more.
    pub(super) fn forget(&mut self, id: RequestId) {
        self.waiting.retain(|waiting| *waiting != id);
    }

    fn take(&mut self) -> Option<ProducerId> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        self.next += 1;
        Some(ProducerId(self.next - 1))
    }
}

fn granted(producer_id: ProducerId, epoch: ProducerEpoch) -> Response {
    Response::InitProducerId(
        InitProducerIdResponse::default()
            .with_producer_id(producer_id.0.into())
            .with_producer_epoch(epoch.0),
    )
}

fn refused(error: ErrorCode) -> Response {
    Response::InitProducerId(InitProducerIdResponse::default().with_error_code(error.code()))
}
