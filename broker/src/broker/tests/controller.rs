//! The controller of the bench: what it answers by itself.

use super::*;
use crate::{
    ids::{BrokerEpoch, LeaderEpoch, Offset},
    metadata::{BrokerRegistrationChange, ControlledShutdownChange, FencingChange},
    protocol::{
        batch::{BatchBuilder, stamp},
        messages::{
            AllocateProducerIdsResponse, BrokerHeartbeatResponse, BrokerRegistrationResponse,
            FetchRequest, FetchResponse, WireProducerId, fetch_response,
        },
    },
};

/// How long a fetch waits for records.
const FETCH_WAIT: Duration = Duration::from_millis(500);

impl Bench {
    /// Takes the oldest request of an API that the controller has not answered.
    pub(super) fn take(&mut self, api: ApiKey) -> Arrived {
        let at = self.requests.iter().position(|request| request.frame.api == api);
        let at = at.unwrap_or_else(|| panic!("no {api:?} among {:?}", self.requests));
        self.requests.remove(at).unwrap()
    }

    pub(super) fn waiting(&self, api: ApiKey) -> usize {
        self.requests.iter().filter(|request| request.frame.api == api).count()
    }

    pub(super) fn take_heartbeat(&mut self) -> (Arrived, BrokerHeartbeatRequest) {
        let arrived = self.take(ApiKey::BrokerHeartbeat);
        let Request::BrokerHeartbeat(body) = arrived.frame.body.clone() else { unreachable!() };
        (arrived, body)
    }

    pub(super) fn take_registration(&mut self) -> (Arrived, BrokerRegistrationRequest) {
        let arrived = self.take(ApiKey::BrokerRegistration);
        let Request::BrokerRegistration(body) = arrived.frame.body.clone() else { unreachable!() };
        (arrived, body)
    }

    /// Answers what was taken.
    pub(super) fn respond(&mut self, to: &Arrived, response: impl Into<Response>) {
        self.queue_answer(to, &response.into());
        self.give(Input::Woken);
    }

    /// The connection of a request ends.
    pub(super) fn cut(&mut self, of: &Arrived) {
        self.requests.retain(|request| request.connection != of.connection);
        self.give(Input::Closed { connection: Connection::Opened(of.connection) });
    }

    /// When the broker or a fetch that waits is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let fetches = self.requests.iter().filter(|request| request.frame.api == ApiKey::Fetch);
        let fetch = fetches.map(|request| request.at.plus(FETCH_WAIT)).min();
        let fetch = fetch.filter(|_| self.auto.contains(&ApiKey::Fetch));
        Instant::earliest(self.broker.deadline(), fetch)
    }

    /// Answers the fetches that have waited long enough, or for records that are there now.
    pub(super) fn answer_fetches(&mut self) {
        while self.answer_by_itself() {
            while let Some(input) = self.inputs.pop_front() {
                self.step(input);
            }
        }
    }

    /// Answers one request, if there is one that the test leaves to the bench.
    pub(super) fn answer_by_itself(&mut self) -> bool {
        for at in 0..self.requests.len() {
            let request = self.requests[at].clone();
            if self.auto.contains(&request.frame.api)
                && let Some(response) = self.own_answer(&request)
            {
                self.requests.remove(at);
                self.queue_answer(&request, &response);
                return true;
            }
        }
        false
    }

    fn queue_answer(&mut self, to: &Arrived, response: &Response) {
        let (version, correlation) = (to.frame.version, to.frame.correlation);
        let (frame, _) = encode_response(version, correlation, response).unwrap();
        let connection = Connection::Opened(to.connection);
        self.inputs.push_back(Input::Frame { connection, frame });
    }

    fn own_answer(&mut self, request: &Arrived) -> Option<Response> {
        match &request.frame.body {
            Request::Fetch(body) => self.fetch(request.at, body).map(Response::from),
            Request::BrokerRegistration(body) => {
                let epoch = self.register(body);
                Some(BrokerRegistrationResponse::default().with_broker_epoch(epoch).into())
            }
            Request::BrokerHeartbeat(body) => Some(self.heartbeat(body).into()),
            Request::AllocateProducerIds(_) => Some(
                AllocateProducerIdsResponse::default()
                    .with_producer_id_start(WireProducerId(1_000))
                    .with_producer_id_len(1_000)
                    .into(),
            ),
            other => panic!("the bench does not answer {other:?}"),
        }
    }

    fn fetch(&self, since: Instant, request: &FetchRequest) -> Option<FetchResponse> {
        let from = usize::try_from(request.topics[0].partitions[0].fetch_offset).unwrap();
        if self.log.len() <= from && self.now < since.plus(FETCH_WAIT) {
            return None;
        }
        let records: Vec<Bytes> = self.log[from..].iter().map(MetadataRecord::encode).collect();
        Some(metadata_records(from, &records))
    }

    /// Writes a registration. Returns its epoch.
    pub(super) fn register(&mut self, request: &BrokerRegistrationRequest) -> i64 {
        let epoch = i64::try_from(self.log.len()).unwrap();
        self.log.push(MetadataRecord::RegisterBroker(BrokerRegistration {
            incarnation: IncarnationId(request.incarnation_id.into_bytes()),
            fenced: true,
            ..registration(request.broker_id.0, self.log.len())
        }));
        epoch
    }

    /// Unfences who wants it and has caught up, and lets go who wants to end.
    fn heartbeat(&mut self, request: &BrokerHeartbeatRequest) -> BrokerHeartbeatResponse {
        let caught_up = request.broker_epoch <= request.current_metadata_offset;
        let serves = caught_up && !request.want_fence;
        let unfence = MetadataRecord::BrokerRegistrationChange(BrokerRegistrationChange {
            broker: BrokerId(request.broker_id.0),
            broker_epoch: BrokerEpoch(request.broker_epoch),
            fencing: FencingChange::Unfence,
            controlled_shutdown: ControlledShutdownChange::Unchanged,
        });
        if serves && !self.log.contains(&unfence) {
            self.log.push(unfence);
        }
        BrokerHeartbeatResponse::default()
            .with_is_caught_up(caught_up)
            .with_is_fenced(!serves)
            .with_should_shut_down(request.want_shut_down)
    }
}

/// The answer to a fetch of the metadata log, with these records.
pub(super) fn metadata_records(from: usize, records: &[Bytes]) -> FetchResponse {
    let mut batch = BatchBuilder::new(None);
    for record in records {
        batch.append(Timestamp(1), None, Some(record), &[]);
    }
    let from = Offset(i64::try_from(from).unwrap());
    let bytes = match records {
        [] => Bytes::new(),
        [..] => stamp(&batch.build(), from, LeaderEpoch(1)).into_bytes(),
    };
    metadata_answer(fetch_response::PartitionData::default().with_records(Some(bytes)))
}

pub(super) fn metadata_answer(partition: fetch_response::PartitionData) -> FetchResponse {
    let topic = fetch_response::FetchableTopicResponse::default().with_partitions(vec![partition]);
    FetchResponse::default().with_responses(vec![topic])
}
