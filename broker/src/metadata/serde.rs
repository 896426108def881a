//! Metadata records as bytes: `MetadataRecordSerde` of Kafka.
//!
//! A frame is the frame version (1), the record type and the version of the record as unsigned
//! varints, then the body in the flexible encoding. The versions written are the lowest that hold
//! what must be said; all versions of Kafka 4.0 are read.

use bytes::Bytes;

use super::{
    BrokerRegistration, BrokerRegistrationChange, ConfigChange, ConfigResource,
    ControlledShutdownChange, FencingChange, IncarnationId, LeaderChange, LeaderRecoveryState,
    MetadataRecord, PartitionChange, PartitionRegistration, ProducerIdsBlockEnd, RecordError,
    codec::{Reader, TaggedFields, Writer},
};
use crate::{
    host::Address,
    ids::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, ProducerId, TopicId, TopicName},
};

const FRAME_VERSION: u32 = 1;
const UNREGISTER_BROKER: u32 = 1;
const TOPIC: u32 = 2;
const PARTITION: u32 = 3;
const CONFIG: u32 = 4;
const PARTITION_CHANGE: u32 = 5;
const REMOVE_TOPIC: u32 = 9;
const PRODUCER_IDS: u32 = 15;
const BROKER_REGISTRATION_CHANGE: u32 = 17;
const NO_OP: u32 = 20;
const REGISTER_BROKER: u32 = 27;

/// The only listener that is modelled.
const LISTENER: &str = "PLAINTEXT";

impl MetadataRecord {
    /// The record as the value of a record of the metadata log.
    pub fn encode(&self) -> Bytes {
        let mut out = Writer::default();
        out.unsigned_varint(FRAME_VERSION);
        let (key, version) = self.key_and_version();
        out.unsigned_varint(key);
        out.unsigned_varint(version);
        self.encode_body(&mut out);
        out.into_bytes().into()
    }

    /// Reads the value of a record of the metadata log.
    ///
    /// # Errors
    /// What is wrong with the bytes; never a panic, whatever they are.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(bytes);
        let frame_version = reader.unsigned_varint()?;
        if frame_version != FRAME_VERSION {
            return Err(RecordError::UnknownFrameVersion(frame_version));
        }
        let key = reader.unsigned_varint()?;
        let version = reader.unsigned_varint()?;
        if highest_version(key)? < version {
            return Err(RecordError::UnsupportedVersion { key, version });
        }
        let record = decode_body(key, version, &mut reader)?;
        reader.end()?;
        Ok(record)
    }

    fn key_and_version(&self) -> (u32, u32) {
        match self {
            Self::RegisterBroker(_) => (REGISTER_BROKER, 1),
            Self::UnregisterBroker { .. } => (UNREGISTER_BROKER, 0),
            Self::BrokerRegistrationChange(_) => (BROKER_REGISTRATION_CHANGE, 1),
            Self::Topic { .. } => (TOPIC, 0),
            Self::RemoveTopic { .. } => (REMOVE_TOPIC, 0),
            Self::Partition { registration, .. } => (PARTITION, partition_version(registration)),
            Self::PartitionChange(change) => (PARTITION_CHANGE, change_version(change)),
            Self::Config(_) => (CONFIG, 0),
            Self::ProducerIds(_) => (PRODUCER_IDS, 0),
            Self::NoOp => (NO_OP, 0),
        }
    }

    fn encode_body(&self, out: &mut Writer) {
        match self {
            Self::RegisterBroker(registration) => encode_register_broker(registration, out),
            Self::UnregisterBroker { broker, broker_epoch } => {
                out.i32(broker.0);
                out.i64(broker_epoch.0);
                out.no_tagged_fields();
            }
            Self::BrokerRegistrationChange(change) => encode_registration_change(*change, out),
            Self::Topic { name, topic_id } => {
                out.string(name.as_str());
                out.uuid(topic_id.0);
                out.no_tagged_fields();
            }
            Self::RemoveTopic { topic_id } => {
                out.uuid(topic_id.0);
                out.no_tagged_fields();
            }
            Self::Partition { topic_id, partition, registration } => {
                encode_partition(*topic_id, *partition, registration, out);
            }
            Self::PartitionChange(change) => encode_partition_change(change, out),
            Self::Config(change) => encode_config(change, out),
            Self::ProducerIds(end) => {
                out.i32(end.broker.0);
                out.i64(end.broker_epoch.0);
                out.i64(end.next_producer_id.0);
                out.no_tagged_fields();
            }
            Self::NoOp => out.no_tagged_fields(),
        }
    }
}

fn highest_version(key: u32) -> Result<u32, RecordError> {
    match key {
        REGISTER_BROKER => Ok(3),
        BROKER_REGISTRATION_CHANGE | PARTITION | PARTITION_CHANGE => Ok(2),
        UNREGISTER_BROKER | TOPIC | REMOVE_TOPIC | CONFIG | PRODUCER_IDS | NO_OP => Ok(0),
        unknown => Err(RecordError::UnknownType(unknown)),
    }
}

fn decode_body(
    key: u32,
    version: u32,
    reader: &mut Reader<'_>,
) -> Result<MetadataRecord, RecordError> {
    let record = match key {
        PARTITION => return decode_partition(version, reader),
        PARTITION_CHANGE => return decode_partition_change(reader),
        REGISTER_BROKER => return decode_register_broker(version, reader),
        BROKER_REGISTRATION_CHANGE => return decode_registration_change(reader),
        UNREGISTER_BROKER => MetadataRecord::UnregisterBroker {
            broker: reader.broker()?,
            broker_epoch: decode_broker_epoch(reader)?,
        },
        TOPIC => MetadataRecord::Topic {
            name: TopicName(reader.string()?),
            topic_id: reader.topic_id()?,
        },
        REMOVE_TOPIC => MetadataRecord::RemoveTopic { topic_id: reader.topic_id()? },
        CONFIG => MetadataRecord::Config(decode_config(reader)?),
        PRODUCER_IDS => MetadataRecord::ProducerIds(ProducerIdsBlockEnd {
            broker: reader.broker()?,
            broker_epoch: decode_broker_epoch(reader)?,
            next_producer_id: ProducerId(reader.i64()?),
        }),
        NO_OP => MetadataRecord::NoOp,
        unknown => return Err(RecordError::UnknownType(unknown)),
    };
    reader.no_tagged_fields()?;
    Ok(record)
}

fn decode_broker_epoch(reader: &mut Reader<'_>) -> Result<BrokerEpoch, RecordError> {
    BrokerEpoch::from_wire(reader.i64()?).ok_or(RecordError::Invalid("broker epoch"))
}

fn encode_register_broker(broker: &BrokerRegistration, out: &mut Writer) {
    out.i32(broker.id.0);
    out.uuid(broker.incarnation.0);
    out.i64(broker.epoch.0);
    out.array_length(1);
    out.string(LISTENER);
    out.string(&broker.address.host);
    out.u16(broker.address.port);
    out.i16(0);
    out.no_tagged_fields();
    out.array_length(0);
    out.nullable_string(broker.rack.as_deref());
    out.i8(i8::from(broker.fenced));
    out.i8(i8::from(broker.in_controlled_shutdown));
    out.no_tagged_fields();
}

fn decode_register_broker(
    version: u32,
    reader: &mut Reader<'_>,
) -> Result<MetadataRecord, RecordError> {
    let id = reader.broker()?;
    if 2 <= version && reader.bool()? {
        return Err(RecordError::Invalid("migrating broker"));
    }
    let incarnation = IncarnationId(reader.uuid()?);
    let epoch = decode_broker_epoch(reader)?;
    let listeners = reader.elements(|listener| {
        listener.string()?;
        let address = Address { host: listener.string()?, port: listener.u16()? };
        listener.i16()?;
        listener.no_tagged_fields()?;
        Ok(address)
    })?;
    reader.elements(|feature| {
        feature.string()?;
        feature.i16()?;
        feature.i16()?;
        feature.no_tagged_fields()
    })?;
    let rack = reader.nullable_string()?.map(Into::into);
    let fenced = reader.bool()?;
    let in_controlled_shutdown = 1 <= version && reader.bool()?;
    reader.no_tagged_fields()?;
    let address =
        listeners.into_iter().next().ok_or(RecordError::Invalid("broker without listener"))?;
    Ok(MetadataRecord::RegisterBroker(BrokerRegistration {
        id,
        epoch,
        incarnation,
        address,
        rack,
        fenced,
        in_controlled_shutdown,
    }))
}

fn encode_registration_change(change: BrokerRegistrationChange, out: &mut Writer) {
    out.i32(change.broker.0);
    out.i64(change.broker_epoch.0);
    let mut tagged = TaggedFields::default();
    match change.fencing {
        FencingChange::Unchanged => {}
        FencingChange::Fence => tagged.add(0, |field| field.i8(1)),
        FencingChange::Unfence => tagged.add(0, |field| field.i8(-1)),
    }
    match change.controlled_shutdown {
        ControlledShutdownChange::Unchanged => {}
        ControlledShutdownChange::InControlledShutdown => tagged.add(1, |field| field.i8(1)),
    }
    out.tagged_fields(&tagged);
}

fn decode_registration_change(reader: &mut Reader<'_>) -> Result<MetadataRecord, RecordError> {
    let mut change = BrokerRegistrationChange {
        broker: reader.broker()?,
        broker_epoch: decode_broker_epoch(reader)?,
        fencing: FencingChange::Unchanged,
        controlled_shutdown: ControlledShutdownChange::Unchanged,
    };
    reader.tagged_fields(|tag, field| {
        match tag {
            0 => change.fencing = decode_fencing(field.i8()?)?,
            1 => change.controlled_shutdown = decode_controlled_shutdown(field.i8()?)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(MetadataRecord::BrokerRegistrationChange(change))
}

fn decode_fencing(raw: i8) -> Result<FencingChange, RecordError> {
    match raw {
        -1 => Ok(FencingChange::Unfence),
        0 => Ok(FencingChange::Unchanged),
        1 => Ok(FencingChange::Fence),
        _ => Err(RecordError::Invalid("fencing change")),
    }
}

fn decode_controlled_shutdown(raw: i8) -> Result<ControlledShutdownChange, RecordError> {
    match raw {
        0 => Ok(ControlledShutdownChange::Unchanged),
        1 => Ok(ControlledShutdownChange::InControlledShutdown),
        _ => Err(RecordError::Invalid("controlled shutdown change")),
    }
}

/// Version 2 is the first with KIP-966's fields.
fn partition_version(partition: &PartitionRegistration) -> u32 {
    if partition.elr.is_empty() && partition.last_known_elr.is_empty() { 0 } else { 2 }
}

fn encode_partition(
    topic_id: TopicId,
    number: i32,
    partition: &PartitionRegistration,
    out: &mut Writer,
) {
    out.i32(number);
    out.uuid(topic_id.0);
    out.brokers(&partition.replicas);
    out.brokers(&partition.isr);
    out.brokers(&partition.removing);
    out.brokers(&partition.adding);
    out.i32(BrokerId::to_wire(partition.leader));
    out.i32(partition.leader_epoch.0);
    out.i32(partition.partition_epoch.0);
    if partition_version(partition) != 0 {
        out.array_length(0);
    }
    let mut tagged = TaggedFields::default();
    if partition.recovery_state != LeaderRecoveryState::default() {
        tagged.add(0, |field| field.i8(partition.recovery_state.to_wire()));
    }
    let unless_empty = |brokers| Some(brokers).filter(|b: &&[BrokerId]| !b.is_empty());
    tagged.add_brokers(1, unless_empty(&partition.elr));
    tagged.add_brokers(2, unless_empty(&partition.last_known_elr));
    out.tagged_fields(&tagged);
}

fn decode_partition(version: u32, reader: &mut Reader<'_>) -> Result<MetadataRecord, RecordError> {
    let partition = decode_partition_number(reader)?;
    let topic_id = reader.topic_id()?;
    let mut registration = PartitionRegistration {
        replicas: reader.brokers()?,
        isr: reader.brokers()?,
        removing: reader.brokers()?,
        adding: reader.brokers()?,
        leader: BrokerId::from_wire(reader.i32()?),
        leader_epoch: LeaderEpoch::from_wire(reader.i32()?)
            .ok_or(RecordError::Invalid("leader epoch"))?,
        partition_epoch: PartitionEpoch::from_wire(reader.i32()?)
            .ok_or(RecordError::Invalid("partition epoch"))?,
        ..PartitionRegistration::default()
    };
    if 1 <= version {
        reader.elements(Reader::uuid)?;
    }
    reader.tagged_fields(|tag, field| {
        match tag {
            0 => registration.recovery_state = decode_recovery_state(field.i8()?)?,
            1 => registration.elr = field.nullable_brokers()?.unwrap_or_default(),
            2 => registration.last_known_elr = field.nullable_brokers()?.unwrap_or_default(),
            _ => {}
        }
        Ok(())
    })?;
    Ok(MetadataRecord::Partition { topic_id, partition, registration })
}

fn decode_partition_number(reader: &mut Reader<'_>) -> Result<i32, RecordError> {
    let number = reader.i32()?;
    if 0 <= number { Ok(number) } else { Err(RecordError::Invalid("partition number")) }
}

fn decode_recovery_state(raw: i8) -> Result<LeaderRecoveryState, RecordError> {
    LeaderRecoveryState::from_wire(raw).ok_or(RecordError::Invalid("leader recovery state"))
}

fn change_version(change: &PartitionChange) -> u32 {
    if change.elr.is_none() && change.last_known_elr.is_none() { 0 } else { 2 }
}

fn encode_partition_change(change: &PartitionChange, out: &mut Writer) {
    out.i32(change.partition);
    out.uuid(change.topic_id.0);
    let mut tagged = TaggedFields::default();
    tagged.add_brokers(0, change.isr.as_deref());
    match change.leader {
        LeaderChange::Unchanged => {}
        LeaderChange::NoLeader => tagged.add(1, |field| field.i32(-1)),
        LeaderChange::Leader(leader) => tagged.add(1, |field| field.i32(leader.0)),
    }
    tagged.add_brokers(2, change.replicas.as_deref());
    tagged.add_brokers(3, change.removing.as_deref());
    tagged.add_brokers(4, change.adding.as_deref());
    if let Some(state) = change.recovery_state {
        tagged.add(5, |field| field.i8(state.to_wire()));
    }
    tagged.add_brokers(6, change.elr.as_deref());
    tagged.add_brokers(7, change.last_known_elr.as_deref());
    out.tagged_fields(&tagged);
}

fn decode_partition_change(reader: &mut Reader<'_>) -> Result<MetadataRecord, RecordError> {
    let partition = decode_partition_number(reader)?;
    let mut change = PartitionChange::of(reader.topic_id()?, partition);
    reader.tagged_fields(|tag, field| {
        match tag {
            0 => change.isr = field.nullable_brokers()?,
            1 => change.leader = decode_leader_change(field.i32()?)?,
            2 => change.replicas = field.nullable_brokers()?,
            3 => change.removing = field.nullable_brokers()?,
            4 => change.adding = field.nullable_brokers()?,
            5 => change.recovery_state = decode_recovery_state_change(field.i8()?)?,
            6 => change.elr = field.nullable_brokers()?,
            7 => change.last_known_elr = field.nullable_brokers()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(MetadataRecord::PartitionChange(change))
}

fn decode_leader_change(raw: i32) -> Result<LeaderChange, RecordError> {
    match raw {
        -2 => Ok(LeaderChange::Unchanged),
        -1 => Ok(LeaderChange::NoLeader),
        leader => BrokerId::from_wire(leader)
            .map(LeaderChange::Leader)
            .ok_or(RecordError::Invalid("leader")),
    }
}

fn decode_recovery_state_change(raw: i8) -> Result<Option<LeaderRecoveryState>, RecordError> {
    if raw == -1 { Ok(None) } else { decode_recovery_state(raw).map(Some) }
}

fn encode_config(change: &ConfigChange, out: &mut Writer) {
    out.i8(match change.resource {
        ConfigResource::Topic => 2,
        ConfigResource::Broker => 4,
    });
    out.string(&change.name);
    out.string(&change.key);
    out.nullable_string(change.value.as_deref());
    out.no_tagged_fields();
}

fn decode_config(reader: &mut Reader<'_>) -> Result<ConfigChange, RecordError> {
    Ok(ConfigChange {
        resource: match reader.i8()? {
            2 => ConfigResource::Topic,
            4 => ConfigResource::Broker,
            _ => return Err(RecordError::Invalid("resource type")),
        },
        name: reader.string()?,
        key: reader.string()?,
        value: reader.nullable_string()?.map(Into::into),
    })
}
