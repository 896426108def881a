//! The topic id in a partition's directory, and the identity of a log directory.
//!
//! Mirrors `PartitionMetadataFile` (KIP-516: two lines, `version: 0` and `topic_id: …`) and
//! `MetaProperties` (KIP-858: `meta.properties`). Ids are written as `Uuid.toString` writes them:
//! base 64 for URLs, 22 characters without padding.
//!
//! What this does not know: which topic has which id.

use super::{
    LogError,
    checkpoint_file::{corrupt, read_text, replace},
};
use crate::{host::Disk, ids::TopicId};

const PARTITION_METADATA: &str = "partition.metadata";
const META_PROPERTIES: &str = "meta.properties";

/// Writes the topic id, durably.
pub(super) fn write(disk: &mut dyn Disk, directory: &str, id: TopicId) -> Result<(), LogError> {
    let content = format!("version: 0\ntopic_id: {}\n", encode(id.0));
    Ok(replace(disk, &format!("{directory}/{PARTITION_METADATA}"), &content)?)
}

/// Reads the topic id; none if there is no such file.
pub(super) fn read(disk: &mut dyn Disk, directory: &str) -> Result<Option<TopicId>, LogError> {
    let path = format!("{directory}/{PARTITION_METADATA}");
    let Some(text) = read_text(disk, &path)? else { return Ok(None) };
    let mut lines = text.lines();
    if lines.next() != Some("version: 0") {
        return Err(corrupt(&path, "the first line is not the version 0"));
    }
    let id = lines.next().and_then(|line| decode(line.strip_prefix("topic_id: ")?));
    id.map(|bytes| Some(TopicId(bytes))).ok_or_else(|| corrupt(&path, "there is no topic id"))
}

/// What `meta.properties` says: to whom a log directory belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// The cluster's id.
    pub cluster_id: String,
    /// The node's id.
    pub node_id: i32,
    /// The directory's own id, a UUID.
    pub directory_id: [u8; 16],
}

impl MetaProperties {
    /// Writes the file into a log directory, durably.
    pub fn write(&self, disk: &mut dyn Disk, directory: &str) -> Result<(), LogError> {
        let content = format!(
            "cluster.id={}\ndirectory.id={}\nnode.id={}\nversion=1\n",
            self.cluster_id,
            encode(self.directory_id),
            self.node_id
        );
        Ok(replace(disk, &format!("{directory}/{META_PROPERTIES}"), &content)?)
    }

    /// Reads the file of a log directory; none if there is none.
    pub fn read(disk: &mut dyn Disk, directory: &str) -> Result<Option<Self>, LogError> {
        let path = format!("{directory}/{META_PROPERTIES}");
        let Some(text) = read_text(disk, &path)? else { return Ok(None) };
        Self::parse(&text).map(Some).ok_or_else(|| corrupt(&path, "a property is missing"))
    }

    fn parse(text: &str) -> Option<Self> {
        let lines = || text.lines().filter_map(|line| line.split_once('='));
        let property = |key| lines().find(|(name, _)| *name == key).map(|(_, value)| value);
        Some(Self {
            cluster_id: property("cluster.id")?.to_owned(),
            node_id: property("node.id")?.parse().ok()?,
            directory_id: decode(property("directory.id")?)?,
        })
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// 128 bits are 22 digits of 6 bits, the last of which is filled up with 4 zeros.
const DIGITS: u32 = 22;
const FILL: u32 = DIGITS * 6 - 128;

fn encode(id: [u8; 16]) -> String {
    let number = u128::from_be_bytes(id);
    let digit = |place: u32| {
        let shifted = if place == 0 { number << FILL } else { number >> (place * 6 - FILL) };
        char::from(ALPHABET[usize::try_from(shifted & 63).expect("six bits fit")])
    };
    (0..DIGITS).rev().map(digit).collect()
}

fn decode(text: &str) -> Option<[u8; 16]> {
    let (last, others) = text.as_bytes().split_last()?;
    if others.len() + 1 != DIGITS as usize {
        return None;
    }
    let value = |digit: &u8| ALPHABET.iter().position(|known| known == digit);
    let mut number = 0_u128;
    for digit in others {
        number = (number << 6) | value(digit)? as u128;
    }
    let last = value(last)? as u128;
    let number = (number << (6 - FILL)) | (last >> FILL);
    (last & ((1 << FILL) - 1) == 0).then_some(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemoryDisk;

    fn disk_with(name: &str, content: &str) -> MemoryDisk {
        let mut disk = MemoryDisk::new();
        disk.create_dir("d").unwrap();
        disk.create(name).unwrap();
        disk.append(name, content.as_bytes()).unwrap();
        disk
    }

    #[test]
    fn an_id_is_written_as_kafka_writes_it() {
        assert_eq!(encode([0; 16]), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(encode(TopicId::CLUSTER_METADATA.0), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(encode([0xff; 16]), "_____________________w");
    }

    #[test]
    fn an_id_is_read_back_and_nonsense_is_not() {
        let id = core::array::from_fn(|index| u8::try_from(index * 37 % 256).unwrap());
        assert_eq!(decode(&encode(id)), Some(id));
        for nonsense in ["", "A", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAA="] {
            assert_eq!(decode(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn the_topic_id_survives() {
        let mut disk = MemoryDisk::new();
        disk.create_dir("d").unwrap();
        assert_eq!(read(&mut disk, "d"), Ok(None));
        write(&mut disk, "d", TopicId::CLUSTER_METADATA).unwrap();
        let text = disk.read_at("d/partition.metadata", 0, 99).unwrap();
        assert_eq!(&text[..], b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n");
        assert_eq!(read(&mut disk, "d"), Ok(Some(TopicId::CLUSTER_METADATA)));
    }

    #[test]
    fn a_damaged_topic_id_is_an_error() {
        for content in ["version: 1\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n", "version: 0\n"] {
            let mut disk = disk_with("d/partition.metadata", content);
            assert!(matches!(read(&mut disk, "d"), Err(LogError::Corrupt { .. })));
        }
    }

    #[test]
    fn the_meta_properties_survive_and_a_damaged_file_is_an_error() {
        let properties = MetaProperties {
            cluster_id: "highwater".to_owned(),
            node_id: 3,
            directory_id: [7; 16],
        };
        let mut disk = MemoryDisk::new();
        disk.create_dir("d").unwrap();
        properties.write(&mut disk, "d").unwrap();
        assert_eq!(MetaProperties::read(&mut disk, "d"), Ok(Some(properties)));
        let mut disk = disk_with("d/meta.properties", "node.id=1\n");
        assert!(matches!(MetaProperties::read(&mut disk, "d"), Err(LogError::Corrupt { .. })));
    }
}
