//! Batches, disks and registrations for tests.

use bytes::Bytes;

use super::{DATA, TOPIC};
use crate::{
    config::ServerConfig,
    host::{Address, Instant, MemoryDisk, Now, Timestamp},
    ids::{
        BrokerEpoch, BrokerId, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence,
        TopicPartition,
    },
    log::{LogManager, MarkerDeletion, UnifiedLog},
    metadata::{BrokerRegistration, IncarnationId, MetadataDelta, MetadataImage, MetadataRecord},
    protocol::batch::{BatchBuilder, BatchProducer},
};

pub(in crate::replica) fn partition() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

pub(in crate::replica) fn now_at(ms: u64) -> Now {
    Now { monotonic: Instant(ms * 1_000_000), wall: Timestamp(i64::try_from(ms).unwrap()) }
}

/// A batch with one record.
fn batch(value: &str) -> Bytes {
    build(None, value)
}

pub(super) fn one_record() -> Bytes {
    batch("x")
}

/// A batch of producer 9 in epoch 0.
pub(in crate::replica) fn idempotent_batch(base_sequence: i32) -> Bytes {
    let producer = BatchProducer {
        id: ProducerId(9),
        epoch: ProducerEpoch(0),
        base_sequence: Sequence(base_sequence),
    };
    build(Some(producer), "x")
}

fn build(producer: Option<BatchProducer>, value: &str) -> Bytes {
    let mut builder = BatchBuilder::new(producer);
    builder.append(Timestamp(5), None, Some(value.as_bytes()), &[]);
    builder.build().into_bytes()
}

/// A registered, unfenced broker.
pub(in crate::replica) fn registration(id: i32, epoch: i64) -> BrokerRegistration {
    BrokerRegistration {
        id: BrokerId(id),
        epoch: BrokerEpoch(epoch),
        incarnation: IncarnationId([0; 16]),
        address: Address::new("broker", 9092),
        rack: None,
        fenced: false,
        in_controlled_shutdown: false,
    }
}

/// The metadata in which exactly these brokers are registered.
pub(in crate::replica) fn image_of(brokers: &[BrokerRegistration]) -> MetadataImage {
    let (mut image, mut delta) = (MetadataImage::default(), MetadataDelta::default());
    for broker in brokers {
        let record = MetadataRecord::RegisterBroker(broker.clone());
        image.replay(image.end_offset(), &record, &mut delta).unwrap();
    }
    image
}

/// A disk whose log of `orders-0` has one record for each of these leader epochs.
pub(in crate::replica) fn prepared_disk(epochs: &[i32], high_watermark: i64) -> MemoryDisk {
    disk_with(|log, disk| {
        for (index, epoch) in epochs.iter().enumerate() {
            let records = batch(&format!("{index} of {epoch}"));
            log.append_as_leader(now_at(0), records, LeaderEpoch(*epoch), disk).unwrap();
        }
        log.update_high_watermark(Offset(high_watermark));
    })
}

/// A disk whose log of `orders-0` is empty and begins at an offset.
pub(in crate::replica) fn disk_starting_at(offset: i64) -> MemoryDisk {
    disk_with(|log, disk| {
        log.truncate_fully_and_start_at(now_at(0), Offset(offset), disk).unwrap();
    })
}

fn disk_with(fill: impl FnOnce(&mut UnifiedLog, &mut MemoryDisk)) -> MemoryDisk {
    let (mut disk, now) = (MemoryDisk::new(), now_at(0));
    let config = ServerConfig::default();
    let mut logs =
        LogManager::load(now, DATA, &config, MarkerDeletion::Synced, &mut disk).unwrap().manager;
    let topic = config.topic_defaults();
    let mut log = logs.create(now, &partition(), TOPIC, topic, &mut disk).unwrap();
    fill(&mut log, &mut disk);
    logs.shutdown([&mut log].into_iter(), BrokerEpoch(0), &mut disk).unwrap();
    disk
}
