//! Synthetic runs for tests: events written by hand, in few words.

use broker::{
    host::{
        OpenedId,
        event::{
            AppendOrigin, Appended, Attempt, AttemptOutcome, BrokerEvent, ControllerEvent,
            Election, ElectionKind, Event, HighWatermarkMoved, PartitionEvent, PartitionRecord,
            ProduceAnswered, ProducerEvent, Recovered, RequestRef, Role, SendFailure, Truncated,
            TruncationReason,
        },
    },
    ids::{
        BrokerId, LeaderEpoch, Offset, PartitionEpoch, ProducerEpoch, ProducerId, SendId, Sequence,
        TopicId, TopicPartition,
    },
};
use bytes::Bytes;

use super::{CrashKind, DiskFault, PowerLoss, Promised, RecordId, ReplicaBytes, UnsyncedChange};
use crate::{blackbox::ClientHistory, history::FileChange, invariants::Watch};

/// A batch of records without keys, at this offset in this epoch.
pub(crate) fn batch_bytes(
    base: i64,
    epoch: i32,
    stamp: Option<(i64, i16, i32)>,
    values: &[&[u8]],
) -> Bytes {
    let mut records = Vec::new();
    for (delta, value) in values.iter().enumerate() {
        let mut body = vec![0];
        varint(&mut body, 0);
        varint(&mut body, i64::try_from(delta).unwrap());
        varint(&mut body, -1);
        varint(&mut body, i64::try_from(value.len()).unwrap());
        body.extend_from_slice(value);
        varint(&mut body, 0);
        varint(&mut records, i64::try_from(body.len()).unwrap());
        records.extend_from_slice(&body);
    }
    let (id, producer_epoch, sequence) = stamp.unwrap_or((-1, -1, -1));
    let count = i32::try_from(values.len()).unwrap();
    let mut batch = Vec::new();
    batch.extend_from_slice(&base.to_be_bytes());
    batch.extend_from_slice(&i32::try_from(49 + records.len()).unwrap().to_be_bytes());
    batch.extend_from_slice(&epoch.to_be_bytes());
    batch.push(2);
    batch.extend_from_slice(&crc_of(&records, id).to_be_bytes());
    batch.extend_from_slice(&0_i16.to_be_bytes());
    batch.extend_from_slice(&(count - 1).to_be_bytes());
    batch.extend_from_slice(&[0; 16]);
    batch.extend_from_slice(&id.to_be_bytes());
    batch.extend_from_slice(&producer_epoch.to_be_bytes());
    batch.extend_from_slice(&sequence.to_be_bytes());
    batch.extend_from_slice(&count.to_be_bytes());
    batch.extend_from_slice(&records);
    batch.into()
}

/// No CRC, but different for different content.
fn crc_of(records: &[u8], id: i64) -> u32 {
    let seed = u32::try_from(id + 1).unwrap();
    records.iter().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)))
}

fn varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while 0x80 <= rest {
        out.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).unwrap());
}

/// A run of one partition, `orders-0`, told event by event; each is a millisecond after the last.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) watch: Watch,
    pub(crate) clients: ClientHistory,
    pub(crate) millis: u64,
    record: PartitionRecord,
    correlation: i32,
    /// Over which connection producers send.
    pub(crate) connection: OpenedId,
    pub(crate) acks: i16,
}

/// The producer's stamp on a batch: id, epoch, base sequence.
pub(crate) type Stamp = Option<(i64, i16, i32)>;

pub(crate) fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

fn ids(brokers: &[i32]) -> Vec<BrokerId> {
    brokers.iter().copied().map(BrokerId).collect()
}

impl Run {
    /// A partition on these brokers, all in sync; the first leads in epoch 0.
    pub(crate) fn new(replicas: &[i32], min_insync_replicas: u32) -> Self {
        Self::promising(Promised::UntilDisksLoseIt, replicas, min_insync_replicas)
    }

    pub(crate) fn promising(promised: Promised, replicas: &[i32], minimum: u32) -> Self {
        let record = PartitionRecord {
            partition: orders(),
            topic_id: TopicId([1; 16]),
            replicas: ids(replicas),
            isr: ids(replicas),
            elr: Vec::new(),
            leader: Some(BrokerId(replicas[0])),
            leader_epoch: LeaderEpoch(0),
            partition_epoch: PartitionEpoch(0),
            min_insync_replicas: minimum,
            unclean_leader_election: false,
            metadata_offset: Offset(10),
        };
        let watch = Watch::new(promised);
        let mut run = Self {
            watch,
            clients: ClientHistory::default(),
            millis: 0,
            record: record.clone(),
            correlation: 0,
            connection: OpenedId(0),
            acks: -1,
        };
        for broker in replicas {
            run.at(|w, t| w.on_started(t, &format!("broker-{broker}")));
        }
        run.tell("controller-1001", ControllerEvent::PartitionCreated(record));
        for broker in replicas {
            run.opened(*broker, 0, 0);
        }
        run.leads(replicas[0], 0);
        run
    }

    fn at(&mut self, call: impl FnOnce(&mut Watch, u64)) {
        self.millis += 1;
        call(&mut self.watch, self.millis * 1_000_000);
    }

    pub(crate) fn tell(&mut self, node: &str, event: impl Into<Event>) {
        let event = event.into();
        self.at(|watch, at| watch.on_event(at, node, &event));
        self.clients.on_event(self.millis, &event);
    }

    fn partition(&mut self, broker: i32, event: PartitionEvent) {
        self.tell(&format!("broker-{broker}"), event);
    }

    /// The producer `p1` sends records `first..first + count` in one batch, and `leader` appends it
    /// at `base`. Returns the attempt's correlation id.
    pub(crate) fn produce(
        &mut self,
        leader: i32,
        span: (u64, u64),
        base: i64,
        stamp: Stamp,
    ) -> i32 {
        self.send(span);
        self.attempt(leader, span, stamp, 1);
        self.append_attempt(leader, span, base, stamp)
    }

    pub(crate) fn send(&mut self, (first, count): (u64, u64)) {
        for index in first..first + count {
            self.tell(
                "p1",
                ProducerEvent::Sent {
                    producer: "p1".into(),
                    send: SendId(index),
                    partition: Some(orders()),
                    value: RecordId::new("p1", index).value(0),
                },
            );
        }
    }

    pub(crate) fn attempt(&mut self, leader: i32, span: (u64, u64), stamp: Stamp, attempt: u32) {
        self.correlation += 1;
        let attempted = Attempt {
            producer: "p1".into(),
            correlation: self.correlation,
            partition: orders(),
            broker: BrokerId(leader),
            connection: self.connection,
            attempt,
            acks: self.acks,
            producer_id: stamp.map(|(id, ..)| ProducerId(id)),
            producer_epoch: stamp.map(|(_, epoch, _)| ProducerEpoch(epoch)),
            base_sequence: stamp.map(|(.., sequence)| Sequence(sequence)),
            sends: (span.0..span.0 + span.1).map(SendId).collect(),
        };
        self.tell("p1", ProducerEvent::Attempted(attempted));
    }

    pub(crate) fn append_attempt(
        &mut self,
        leader: i32,
        span: (u64, u64),
        base: i64,
        stamp: Stamp,
    ) -> i32 {
        let request = RequestRef { client: "p1".into(), correlation: self.correlation };
        let epoch = self.record.leader_epoch.0;
        self.append(leader, Some(request), span, (base, epoch), stamp);
        self.correlation
    }

    fn append(
        &mut self,
        broker: i32,
        request: Option<RequestRef>,
        (first, count): (u64, u64),
        (base, epoch): (i64, i32),
        stamp: Stamp,
    ) {
        let values: Vec<Bytes> =
            (first..first + count).map(|index| RecordId::new("p1", index).value(0)).collect();
        let values: Vec<&[u8]> = values.iter().map(|value| &value[..]).collect();
        let batch = batch_bytes(base, epoch, stamp, &values);
        let origin = if request.is_some() { AppendOrigin::Leader } else { AppendOrigin::Follower };
        let appended = Appended {
            partition: orders(),
            origin,
            base_offset: Offset(base),
            last_offset: Offset(base + i64::try_from(count).unwrap() - 1),
            leader_epoch: LeaderEpoch(epoch),
            crc: u32::from_be_bytes(batch[17..21].try_into().unwrap()),
            producer_id: stamp.map(|(id, ..)| ProducerId(id)),
            producer_epoch: stamp.map(|(_, epoch, _)| ProducerEpoch(epoch)),
            base_sequence: stamp.map(|(.., sequence)| Sequence(sequence)),
            request,
            batch,
        };
        self.partition(broker, PartitionEvent::Appended(appended));
    }

    /// A follower copies the batch of records `span` that stands at `base` in `epoch`.
    pub(crate) fn copy(&mut self, broker: i32, span: (u64, u64), base: i64, epoch: i32) {
        self.append(broker, None, span, (base, epoch), None);
    }

    /// A presumed leader of `epoch` moves its high watermark.
    pub(crate) fn high_watermark(&mut self, broker: i32, epoch: i32, from: i64, to: i64) {
        self.moved(broker, Role::Leader, epoch, (from, to));
    }

    pub(crate) fn moved(&mut self, broker: i32, role: Role, epoch: i32, (from, to): (i64, i64)) {
        let end = self.watch.history().partitions()[&orders()].replicas[&BrokerId(broker)]
            .log_end_offset();
        let moved = HighWatermarkMoved {
            partition: orders(),
            role,
            leader_epoch: LeaderEpoch(epoch),
            from: Offset(from),
            to: Offset(to),
            log_end_offset: end,
        };
        self.partition(broker, PartitionEvent::HighWatermarkMoved(moved));
    }

    /// The broker answers the attempt, and the producer is told for each of its sends.
    pub(crate) fn ack(&mut self, broker: i32, span: (u64, u64), base: i64, high_watermark: i64) {
        let last = base + i64::try_from(span.1).unwrap() - 1;
        let answered = ProduceAnswered {
            partition: orders(),
            request: RequestRef { client: "p1".into(), correlation: self.correlation },
            acks: self.acks,
            error: 0,
            base_offset: Some(Offset(base)),
            last_offset: Some(Offset(last)),
            leader_epoch: self.record.leader_epoch,
            high_watermark: Offset(high_watermark),
            isr_size: u32::try_from(self.record.isr.len()).unwrap(),
            min_insync_replicas: self.record.min_insync_replicas,
        };
        self.partition(broker, PartitionEvent::ProduceAnswered(answered));
        self.ended(AttemptOutcome::Succeeded { base_offset: Some(Offset(base)) });
        for (index, offset) in (span.0..span.0 + span.1).zip(base..) {
            self.tell(
                "p1",
                ProducerEvent::Acknowledged {
                    producer: "p1".into(),
                    send: SendId(index),
                    partition: orders(),
                    offset: Some(Offset(offset)),
                },
            );
        }
    }

    pub(crate) fn ended(&mut self, outcome: AttemptOutcome) {
        self.tell(
            "p1",
            ProducerEvent::AttemptEnded {
                producer: "p1".into(),
                correlation: self.correlation,
                partition: orders(),
                outcome,
            },
        );
    }

    pub(crate) fn unknown(&mut self, send: u64, failure: SendFailure) {
        self.tell(
            "p1",
            ProducerEvent::SendUnknown {
                producer: "p1".into(),
                send: SendId(send),
                partition: orders(),
                failure,
            },
        );
    }

    pub(crate) fn failed(&mut self, send: u64, failure: SendFailure) {
        self.tell(
            "p1",
            ProducerEvent::SendFailed {
                producer: "p1".into(),
                send: SendId(send),
                partition: Some(orders()),
                failure,
            },
        );
    }

    /// The controller elects a leader in the next epoch.
    pub(crate) fn elect(&mut self, leader: i32, isr: &[i32], kind: ElectionKind) {
        let previous = self.record.leader;
        self.record.leader = Some(BrokerId(leader));
        self.record.leader_epoch = self.record.leader_epoch.next();
        self.record.isr = ids(isr);
        self.bump();
        let election = Election { previous, kind, record: self.record.clone() };
        self.tell("controller-1001", ControllerEvent::Elected(election));
    }

    /// The controller starts again and tells of its first record once more, or of another there.
    pub(crate) fn retell(&mut self, first: PartitionRecord) {
        self.tell("controller-1001", ControllerEvent::PartitionCreated(first));
    }

    /// The partition as the controller has it.
    pub(crate) fn record(&self) -> PartitionRecord {
        self.record.clone()
    }

    pub(crate) fn leader_lost(&mut self, isr: &[i32]) {
        let previous = self.record.leader.take();
        self.record.leader_epoch = self.record.leader_epoch.next();
        self.record.isr = ids(isr);
        self.bump();
        let record = self.record.clone();
        self.tell("controller-1001", ControllerEvent::LeaderLost { previous, record });
    }

    pub(crate) fn isr(&mut self, isr: &[i32]) {
        let previous = std::mem::replace(&mut self.record.isr, ids(isr));
        self.bump();
        let record = self.record.clone();
        self.tell("controller-1001", ControllerEvent::IsrChanged { previous, record });
    }

    /// The eligible leader replicas from the next record on.
    pub(crate) fn elr(&mut self, elr: &[i32]) {
        self.record.elr = ids(elr);
    }

    fn bump(&mut self) {
        self.record.partition_epoch = self.record.partition_epoch.next();
        self.record.metadata_offset = self.record.metadata_offset.next();
    }

    /// A broker adopts `epoch` as leader.
    pub(crate) fn leads(&mut self, broker: i32, epoch: i32) {
        let end = self.watch.history().partitions()[&orders()].replicas[&BrokerId(broker)]
            .log_end_offset();
        self.partition(
            broker,
            PartitionEvent::BecameLeader {
                partition: orders(),
                topic_id: TopicId([1; 16]),
                leader_epoch: LeaderEpoch(epoch),
                partition_epoch: PartitionEpoch(epoch),
                log_end_offset: end,
                isr: self.record.isr.clone(),
            },
        );
    }

    /// A broker adopts `epoch` as follower.
    pub(crate) fn follows(&mut self, broker: i32, leader: i32, epoch: i32) {
        let end = self.watch.history().partitions()[&orders()].replicas[&BrokerId(broker)]
            .log_end_offset();
        self.partition(
            broker,
            PartitionEvent::BecameFollower {
                partition: orders(),
                leader_epoch: LeaderEpoch(epoch),
                leader: Some(BrokerId(leader)),
                log_end_offset: end,
            },
        );
    }

    pub(crate) fn truncate(&mut self, broker: i32, epoch: i32, from: i64, to: i64) {
        self.partition(
            broker,
            PartitionEvent::Truncated(Truncated {
                partition: orders(),
                from: Offset(from),
                to: Offset(to),
                log_start_offset: Offset(0),
                high_watermark: Offset(0),
                leader_epoch: LeaderEpoch(epoch),
                reason: TruncationReason::DivergingEpoch,
            }),
        );
    }

    pub(crate) fn shut_down(&mut self, broker: i32) {
        let event = BrokerEvent::ShutDownCleanly { broker: BrokerId(broker) };
        self.tell(&format!("broker-{broker}"), event);
    }

    pub(crate) fn wipe(&mut self, broker: i32) {
        self.at(|w, t| w.on_fault(t, &format!("broker-{broker}"), &DiskFault::Wiped));
    }

    pub(crate) fn crash(&mut self, broker: i32) {
        self.at(|w, t| w.on_crash(t, &format!("broker-{broker}"), CrashKind::Killed));
    }

    pub(crate) fn crash_in_step(&mut self, broker: i32) {
        self.at(|w, t| w.on_crash(t, &format!("broker-{broker}"), CrashKind::KilledInStep));
    }

    /// A power loss; what stands in the first segment from byte `synced` on was not synced.
    pub(crate) fn power_off(&mut self, broker: i32, synced: Option<u64>) {
        let node = format!("broker-{broker}");
        self.at(|w, t| w.on_crash(t, &node, CrashKind::PoweredOff));
        let unsynced = synced.map(|from| UnsyncedChange {
            path: "data/orders-0/00000000000000000000.log".to_owned(),
            change: FileChange::Bytes { from },
        });
        let loss = PowerLoss { unsynced: unsynced.into_iter().collect() };
        self.at(|w, t| w.on_power_loss(t, &node, &loss));
    }

    /// The broker starts again and opens its log, which ends at `end`.
    pub(crate) fn restart(&mut self, broker: i32, end: i64, high_watermark: i64) {
        self.at(|w, t| w.on_started(t, &format!("broker-{broker}")));
        self.opened(broker, end, high_watermark);
    }

    fn opened(&mut self, broker: i32, end: i64, high_watermark: i64) {
        self.partition(
            broker,
            PartitionEvent::Recovered(Recovered {
                partition: orders(),
                clean: false,
                log_start_offset: Offset(0),
                log_end_offset: Offset(end),
                high_watermark: Offset(high_watermark),
                recovery_point: Offset(0),
                cut_bytes: 0,
                cut_reason: None,
            }),
        );
    }

    /// The invariants that broke, by name.
    pub(crate) fn broken(&self) -> Vec<&'static str> {
        self.watch.violations().iter().map(|violation| violation.invariant).collect()
    }

    /// The bytes that the model says this replica has.
    pub(crate) fn bytes_of(&self, broker: i32, log: &[Bytes]) -> ReplicaBytes {
        let replica = &self.watch.history().partitions()[&orders()].replicas[&BrokerId(broker)];
        let log = log.concat().into();
        ReplicaBytes { log_start: replica.log_start, high_watermark: None, log }
    }
}
