//! Topics and their partitions.

use std::{borrow::Cow, fmt, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// A topic's name. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct TopicName(pub Arc<str>);

impl TopicName {
    /// The topic of the controller's log.
    pub fn cluster_metadata() -> Self {
        Self::from("__cluster_metadata")
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for TopicName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What tells a topic from a later one of the same name (KIP-516): 16 bytes, a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// The id that says "none" on the wire.
    pub const ZERO: Self = Self([0; 16]);

    /// The id of the metadata log: 1, as in Kafka (`Uuid.METADATA_TOPIC_ID`).
    pub const CLUSTER_METADATA: Self = Self(1_u128.to_be_bytes());
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicId({:032x})", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl Serialize for TopicId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl JsonSchema for TopicId {
    fn schema_name() -> Cow<'static, str> {
        "TopicId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// One partition of a topic, written `orders-0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicName,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// The partition `partition` of `topic`.
    pub fn new(topic: &str, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }

    /// Reads `orders-0`: the number stands behind the last hyphen.
    pub fn parse(text: &str) -> Option<Self> {
        let (topic, number) = text.rsplit_once('-')?;
        let partition = number.parse::<u16>().ok()?;
        (!topic.is_empty()).then(|| Self::new(topic, i32::from(partition)))
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl Serialize for TopicPartition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.topic.as_str(), self.partition).serialize(serializer)
        }
    }
}

impl JsonSchema for TopicPartition {
    fn schema_name() -> Cow<'static, str> {
        "TopicPartition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["orders-0"] })
    }
}

#[cfg(test)]
mod tests {
    use super::TopicPartition;

    #[test]
    fn a_partition_is_read_from_its_directory_name() {
        assert_eq!(TopicPartition::parse("my-topic-12"), Some(TopicPartition::new("my-topic", 12)));
        assert_eq!(TopicPartition::parse("orders"), None);
        assert_eq!(TopicPartition::parse("orders-x"), None);
        assert_eq!(TopicPartition::parse("-0"), None);
    }
}
