//! How a broker follows the metadata log (Kafka's `KafkaRaftClient` as observer, `MetadataLoader`).
//!
//! It fetches the log from the controller in order. The broker acts once for each answer: what
//! changed in between is never seen (`MetadataLoader.handleCommit`).
//!
//! Unlike Kafka's, it keeps no copy of the log on its disk: a broker that starts reads the log from
//! its beginning again. What the broker knows of the cluster at each moment is the same.
//!
//! A fetch that is refused comes again after a back-off. A log that contradicts what was applied
//! ends the broker: what is committed is never taken back.

use bytes::Bytes;

use crate::{
    config::Millis,
    host::Instant,
    ids::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, TopicId},
    metadata::{MetadataDelta, MetadataImage, MetadataRecord},
    protocol::{
        ErrorCode, Request, Response, batch,
        messages::{
            FetchRequest, FetchResponse,
            fetch_request::{FetchPartition, FetchTopic, ReplicaState},
            wire_broker, wire_topic_id,
        },
    },
};

/// `controller.quorum.fetch` waits this long when there is nothing new (`MAX_FETCH_WAIT_MS`).
const FETCH_WAIT_MAX: Millis = Millis(500);
/// `MAX_FETCH_SIZE_BYTES`.
const FETCH_MAX_BYTES: i32 = 8 * 1024 * 1024;
/// `controller.quorum.retry.backoff.ms`.
const RETRY_BACKOFF: Millis = Millis(20);

/// What a broker knows of the metadata log.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MetadataLoader {
    broker: BrokerId,
    image: MetadataImage,
    /// What changed in it since it was published last.
    delta: MetadataDelta,
    /// The epoch of the last batch read.
    last_epoch: Option<LeaderEpoch>,
    in_flight: bool,
    not_before: Instant,
}

/// What an answer has brought.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Loaded {
    /// Nothing new.
    Nothing,
    /// The image has moved on.
    Moved,
    /// The log has a record that cannot be read, or cannot follow those before, or has lost records
    /// that were applied: the broker cannot go on (`FaultHandler`; Kafka's brokers skip a record
    /// that cannot be replayed once they serve, here that is never right).
    Broken(String),
}

impl MetadataLoader {
    pub(super) fn new(broker: BrokerId) -> Self {
        Self {
            broker,
            image: MetadataImage::default(),
            delta: MetadataDelta::default(),
            last_epoch: None,
            in_flight: false,
            not_before: Instant(0),
        }
    }

    /// The cluster as far as it is known.
    pub(super) fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// The offset behind the last record that was applied.
    pub(super) fn end_offset(&self) -> Offset {
        self.image.end_offset()
    }

    /// The fetch that is due, if one is.
    pub(super) fn poll(&mut self, now: Instant, epoch: Option<BrokerEpoch>) -> Option<Request> {
        if self.in_flight || now < self.not_before {
            return None;
        }
        self.in_flight = true;
        Some(Request::Fetch(self.request(epoch)))
    }

    /// When [`Self::poll`] has something to send.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.in_flight).then_some(self.not_before)
    }

    /// The fetch was answered.
    pub(super) fn on_response(&mut self, now: Instant, response: Response) -> Loaded {
        self.in_flight = false;
        let Response::Fetch(response) = response else { return self.fail(now) };
        let from = self.image.end_offset();
        let records = match fetched(response) {
            Fetched::Records(records) => records,
            Fetched::Refused => return self.fail(now),
            Fetched::Diverged(end) => {
                return Loaded::Broken(format!(
                    "the metadata log was applied up to {from} and agrees with the controller's \
                     only up to {end}"
                ));
            }
        };
        match self.replay(records) {
            Ok(()) if from < self.image.end_offset() => Loaded::Moved,
            Ok(()) => Loaded::Nothing,
            Err(problem) => Loaded::Broken(problem),
        }
    }

    /// What changed in the image since this was asked last.
    pub(super) fn take_delta(&mut self) -> MetadataDelta {
        std::mem::take(&mut self.delta)
    }

    /// The fetch got no answer.
    pub(super) fn on_failure(&mut self, now: Instant) {
        self.in_flight = false;
        self.fail(now);
    }

    fn fail(&mut self, now: Instant) -> Loaded {
        self.not_before = now.plus(RETRY_BACKOFF.duration());
        Loaded::Nothing
    }

    fn request(&self, epoch: Option<BrokerEpoch>) -> FetchRequest {
        let partition = FetchPartition::default()
            .with_partition(0)
            .with_current_leader_epoch(-1)
            .with_fetch_offset(self.image.end_offset().0)
            .with_last_fetched_epoch(LeaderEpoch::to_wire(self.last_epoch))
            .with_log_start_offset(0)
            .with_partition_max_bytes(FETCH_MAX_BYTES);
        let topic = FetchTopic::default()
            .with_topic_id(wire_topic_id(TopicId::CLUSTER_METADATA))
            .with_partitions(vec![partition]);
        let replica = ReplicaState::default()
            .with_replica_id(wire_broker(Some(self.broker)))
            .with_replica_epoch(BrokerEpoch::to_wire(epoch));
        FetchRequest::default()
            .with_replica_state(replica)
            .with_max_wait_ms(FETCH_WAIT_MAX.to_wire())
            .with_min_bytes(1)
            .with_max_bytes(FETCH_MAX_BYTES)
            .with_session_epoch(-1)
            .with_topics(vec![topic])
    }

    /// Takes in batches of records.
    fn replay(&mut self, records: Bytes) -> Result<(), String> {
        for batch in batch::batches(records) {
            let batch = batch.map_err(|error| error.to_string())?;
            if batch.next_offset() <= self.image.end_offset() {
                continue;
            }
            self.last_epoch = batch.leader_epoch();
            if !batch.is_control() {
                self.replay_batch(&batch)?;
            }
            self.image.skip_to(batch.next_offset());
        }
        Ok(())
    }

    fn replay_batch(&mut self, batch: &batch::RecordBatch) -> Result<(), String> {
        for record in batch.records() {
            let record = record.map_err(|error| error.to_string())?;
            if record.offset < self.image.end_offset() {
                continue;
            }
            let value = record.value.ok_or("a record of the metadata log has no value")?;
            let decoded = MetadataRecord::decode(&value).map_err(|error| error.to_string())?;
            let replayed = self.image.replay(record.offset, &decoded, &mut self.delta);
            replayed.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// What an answer to a fetch of the metadata log says.
enum Fetched {
    Records(Bytes),
    Refused,
    /// The logs agree only up to here.
    Diverged(Offset),
}

fn fetched(response: FetchResponse) -> Fetched {
    let refused = |code: i16| ErrorCode::from_code(code) != ErrorCode::None;
    if refused(response.error_code) {
        return Fetched::Refused;
    }
    let mut partitions = response.responses.into_iter().flat_map(|topic| topic.partitions);
    match partitions.next() {
        Some(partition) if !refused(partition.error_code) => {
            match Offset::from_wire(partition.diverging_epoch.end_offset) {
                Some(end) => Fetched::Diverged(end),
                None => Fetched::Records(partition.records.unwrap_or_default()),
            }
        }
        Some(_) | None => Fetched::Refused,
    }
}
