//! Records there and back, and the image that they make.

use proptest::prelude::*;

use super::*;
use crate::{
    config::ServerConfig,
    host::Address,
    ids::{
        BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionEpoch, ProducerId, TopicId, TopicName,
        TopicPartition,
    },
};

const ORDERS: TopicId = TopicId([7; 16]);

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

fn registration(id: i32, epoch: i64) -> BrokerRegistration {
    BrokerRegistration {
        id: BrokerId(id),
        epoch: BrokerEpoch(epoch),
        incarnation: IncarnationId([3; 16]),
        address: Address::new("broker-1", 9092),
        rack: None,
        fenced: true,
        in_controlled_shutdown: false,
    }
}

fn orders() -> MetadataRecord {
    MetadataRecord::Topic { name: TopicName::from("orders"), topic_id: ORDERS }
}

fn partition(replicas: &[i32]) -> MetadataRecord {
    let registration = PartitionRegistration::create(brokers(replicas), brokers(replicas));
    MetadataRecord::Partition { topic_id: ORDERS, partition: 0, registration }
}

fn config(key: &str, value: &str) -> MetadataRecord {
    MetadataRecord::Config(ConfigChange {
        resource: ConfigResource::Topic,
        name: "orders".into(),
        key: key.into(),
        value: Some(value.into()),
    })
}

fn unfence(id: i32, epoch: i64) -> MetadataRecord {
    MetadataRecord::BrokerRegistrationChange(BrokerRegistrationChange {
        broker: BrokerId(id),
        broker_epoch: BrokerEpoch(epoch),
        fencing: FencingChange::Unfence,
        controlled_shutdown: ControlledShutdownChange::Unchanged,
    })
}

fn replayed(records: &[MetadataRecord]) -> (MetadataImage, MetadataDelta) {
    let (mut image, mut delta) = (MetadataImage::default(), MetadataDelta::default());
    for record in records {
        image.replay(image.end_offset(), record, &mut delta).unwrap();
    }
    (image, delta)
}

#[test]
fn a_topic_record_is_framed_as_kafka_frames_it() {
    let mut expected = vec![1, 2, 0, 7];
    expected.extend_from_slice(b"orders");
    expected.extend_from_slice(&[7; 16]);
    expected.push(0);
    assert_eq!(orders().encode()[..], expected);
    assert_eq!(MetadataRecord::NoOp.encode()[..], [1, 20, 0, 0]);
}

#[test]
fn a_partition_change_writes_only_what_changes() {
    let change = PartitionChange {
        isr: Some(brokers(&[2])),
        leader: LeaderChange::Leader(BrokerId(2)),
        ..PartitionChange::of(ORDERS, 5)
    };
    let mut expected = vec![1, 5, 0, 0, 0, 0, 5];
    expected.extend_from_slice(&[7; 16]);
    expected.extend_from_slice(&[2, 0, 5, 2, 0, 0, 0, 2, 1, 4, 0, 0, 0, 2]);
    assert_eq!(MetadataRecord::PartitionChange(change).encode()[..], expected);
}

#[test]
fn records_of_kafkas_newest_versions_are_read() {
    // A registration change of version 2 with a log directory (tag 2) that nothing here needs.
    let mut bytes = vec![1, 17, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 2, 0, 1, 0xff, 2, 17, 2];
    bytes.extend_from_slice(&[1; 16]);
    assert_eq!(MetadataRecord::decode(&bytes), Ok(unfence(1, 9)));
}

#[test]
fn what_is_no_record_is_an_error_that_says_why() {
    let decode = |bytes: &[u8]| MetadataRecord::decode(bytes).unwrap_err();
    assert_eq!(decode(&[]), RecordError::Truncated);
    assert_eq!(decode(&[0, 20, 0, 0]), RecordError::UnknownFrameVersion(0));
    assert_eq!(decode(&[1, 99, 0, 0]), RecordError::UnknownType(99));
    assert_eq!(decode(&[1, 20, 1, 0]), RecordError::UnsupportedVersion { key: 20, version: 1 });
    assert_eq!(decode(&[1, 20, 0, 0, 0]), RecordError::TrailingBytes(1));
    assert_eq!(decode(&[1, 20, 0x80, 0x80, 0x80, 0x80, 0x80]), RecordError::Invalid("varint"));
    assert_eq!(decode(&[1, 2, 0, 0]), RecordError::Invalid("null string"));
    // An array that claims four billion elements is refused before room is made for them.
    let mut huge = vec![1, 3, 0, 0, 0, 0, 0];
    huge.extend_from_slice(&[7; 16]);
    huge.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(decode(&huge), RecordError::Truncated);
}

#[test]
fn the_leader_epoch_rises_when_the_leader_is_written_and_the_partition_epoch_always() {
    let start = PartitionRegistration::create(brokers(&[1, 2]), brokers(&[1, 2]));
    let shrunk = start
        .merge(&PartitionChange { isr: Some(brokers(&[1])), ..PartitionChange::of(ORDERS, 0) });
    assert_eq!((shrunk.leader_epoch, shrunk.partition_epoch), (LeaderEpoch(0), PartitionEpoch(1)));
    let again = shrunk.merge(&PartitionChange {
        leader: LeaderChange::Leader(BrokerId(1)),
        ..PartitionChange::of(ORDERS, 0)
    });
    assert_eq!((again.leader_epoch, again.partition_epoch), (LeaderEpoch(1), PartitionEpoch(2)));
    assert_eq!(again.leader, Some(BrokerId(1)));
    assert_eq!(again.isr, brokers(&[1]));
}

#[test]
fn the_effective_min_isr_is_bounded_by_the_number_of_replicas_and_set_by_the_topic() {
    let (image, _) = replayed(&[orders(), config("min.insync.replicas", "3"), partition(&[1, 2])]);
    let topic = image.topic(ORDERS).unwrap();
    let in_force = topic.config(&ServerConfig::default().topic_defaults());
    assert_eq!(in_force.min_insync_replicas, 3);
    assert_eq!(topic.partitions[&0].effective_min_insync_replicas(3), 2);
}

#[test]
fn an_image_is_looked_up_by_name_and_by_id() {
    let (image, _) = replayed(&[orders(), partition(&[1, 2])]);
    let by_name = image.partition_named(&TopicPartition::new("orders", 0));
    assert_eq!(by_name, image.partition(ORDERS, 0));
    assert_eq!(by_name.and_then(|p| p.leader), Some(BrokerId(1)));
    assert_eq!(image.partition_named(&TopicPartition::new("orders", 1)), None);
}

#[test]
fn a_record_that_cannot_follow_is_refused_and_changes_nothing() {
    let (mut image, mut delta) =
        replayed(&[MetadataRecord::RegisterBroker(registration(1, 0)), orders()]);
    let before = (image.clone(), delta.clone());
    let remove = MetadataRecord::RemoveTopic { topic_id: TopicId([9; 16]) };
    let change = MetadataRecord::PartitionChange(PartitionChange::of(ORDERS, 4));
    for record in [unfence(1, 5), unfence(2, 0), orders(), remove, change, config("x", "1")] {
        assert!(image.replay(Offset(2), &record, &mut delta).is_err(), "{record:?}");
    }
    let error = image.replay(Offset(1), &MetadataRecord::NoOp, &mut delta).unwrap_err();
    assert_eq!(error, ReplayError::OutOfOrder { offset: Offset(1), end_offset: Offset(2) });
    assert_eq!((image, delta), before);
}

#[test]
fn a_delta_names_what_changed_once_and_forgets_what_came_and_went() {
    let change = MetadataRecord::PartitionChange(PartitionChange {
        leader: LeaderChange::Leader(BrokerId(1)),
        ..PartitionChange::of(ORDERS, 0)
    });
    let (mut image, delta) = replayed(&[orders(), partition(&[1]), change.clone(), change]);
    assert_eq!(delta.partitions().iter().collect::<Vec<_>>(), [&(ORDERS, 0)]);
    let remove = MetadataRecord::RemoveTopic { topic_id: ORDERS };
    let mut together = delta;
    image.clone().replay(Offset(4), &remove, &mut together).unwrap();
    assert!(together.is_empty());
    let mut later = MetadataDelta::default();
    image.replay(Offset(4), &remove, &mut later).unwrap();
    assert_eq!(later.deleted_topics()[&ORDERS], TopicName::from("orders"));
}

#[test]
fn a_clone_of_an_image_keeps_what_it_saw() {
    let (mut image, _) = replayed(&[orders(), partition(&[1])]);
    let before = image.clone();
    image.replay(Offset(2), &config("retention.ms", "5"), &mut MetadataDelta::default()).unwrap();
    assert_eq!(before.topic(ORDERS).unwrap().overrides.retention_ms, None);
    assert_eq!(image.topic(ORDERS).unwrap().overrides.retention_ms, Some(5));
}

fn broker_list() -> impl Strategy<Value = Vec<BrokerId>> {
    prop::collection::vec((0..9_i32).prop_map(BrokerId), 0..4)
}

fn any_change() -> impl Strategy<Value = PartitionChange> {
    let list = || prop::option::of(broker_list());
    let leader = prop_oneof![
        Just(LeaderChange::Unchanged),
        Just(LeaderChange::NoLeader),
        (0..9_i32).prop_map(|id| LeaderChange::Leader(BrokerId(id))),
    ];
    let state = prop::option::of(prop_oneof![
        Just(LeaderRecoveryState::Recovered),
        Just(LeaderRecoveryState::Recovering),
    ]);
    (0..999_i32, (list(), list(), list(), list(), list(), list()), leader, state).prop_map(
        |(partition, (isr, replicas, removing, adding, elr, last), leader, recovery_state)| {
            PartitionChange {
                isr,
                leader,
                replicas,
                removing,
                adding,
                recovery_state,
                elr,
                last_known_elr: last,
                ..PartitionChange::of(ORDERS, partition)
            }
        },
    )
}

fn any_record() -> impl Strategy<Value = MetadataRecord> {
    let flags = || (any::<bool>(), any::<bool>());
    prop_oneof![
        any_change().prop_map(MetadataRecord::PartitionChange),
        (broker_list(), broker_list(), broker_list(), 0..5_i32).prop_map(
            |(replicas, isr, elr, e)| {
                let registration = PartitionRegistration {
                    elr,
                    leader_epoch: LeaderEpoch(e),
                    ..PartitionRegistration::create(replicas, isr)
                };
                MetadataRecord::Partition { topic_id: ORDERS, partition: e, registration }
            }
        ),
        (1..5_i32, 0..i64::MAX, flags(), prop::option::of("[a-z]{0,9}")).prop_map(
            |(id, epoch, (fenced, in_controlled_shutdown), rack)| {
                MetadataRecord::RegisterBroker(BrokerRegistration {
                    fenced,
                    in_controlled_shutdown,
                    rack: rack.map(|text: String| text.into()),
                    ..registration(id, epoch)
                })
            }
        ),
        (1..5_i32, 0..i64::MAX).prop_map(|(id, epoch)| unfence(id, epoch)),
        ("[a-z.]{1,20}", "\\PC{0,200}").prop_map(|(key, value)| config(&key, &value)),
        (0..i64::MAX).prop_map(|next| MetadataRecord::ProducerIds(ProducerIdsBlockEnd {
            broker: BrokerId(1),
            broker_epoch: BrokerEpoch(4),
            next_producer_id: ProducerId(next),
        })),
        Just(MetadataRecord::RemoveTopic { topic_id: ORDERS }),
        Just(MetadataRecord::UnregisterBroker {
            broker: BrokerId(2),
            broker_epoch: BrokerEpoch(5)
        }),
    ]
}

proptest! {
    #[test]
    fn every_record_is_read_as_it_was_written(record in any_record()) {
        prop_assert_eq!(MetadataRecord::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn no_prefix_of_a_record_is_a_record(record in any_record()) {
        let bytes = record.encode();
        for end in 0..bytes.len() {
            prop_assert!(MetadataRecord::decode(&bytes[..end]).is_err());
        }
    }

    #[test]
    fn bytes_of_any_kind_are_read_without_a_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..64),
        key in prop::sample::select(vec![1_u8, 2, 3, 4, 5, 9, 15, 17, 20, 27]),
    ) {
        let _ = MetadataRecord::decode(&bytes);
        bytes.splice(0..0, [1, key, 0]);
        let _ = MetadataRecord::decode(&bytes);
    }
}
