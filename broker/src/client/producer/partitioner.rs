//! Which partition a record without one goes to (Kafka's `BuiltInPartitioner`, KIP-794, and
//! `Utils.murmur2`).
//!
//! A key decides by its hash over *all* partitions, those without a leader too, so that it goes to
//! the same one always. Without a key the producer stays with one partition until about
//! `batch.size` bytes went there, and then draws another among those that have a leader.
//!
//! Not modelled: the weights by queue length (`partitioner.adaptive.partitioning.enable`) and the
//! avoidance of slow brokers; every available partition is as likely as any other.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{client::TopicMetadata, ids::TopicName};

/// Whether all batches of a partition are full, so that leaving it leaves none half filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastBatch {
    /// It is, or there is none.
    Full,
    /// Records still fit.
    HasRoom,
}

/// The partitions that the producer stays with, one of each topic.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BuiltInPartitioner {
    sticky_batch_size: u64,
    sticky: BTreeMap<TopicName, Sticky>,
    rng: ChaCha8Rng,
}

#[derive(Clone, Debug, PartialEq)]
struct Sticky {
    partition: i32,
    produced_bytes: u64,
}

impl BuiltInPartitioner {
    pub(crate) fn new(batch_size: u32, rng: ChaCha8Rng) -> Self {
        let sticky_batch_size = u64::from(batch_size.max(1));
        Self { sticky_batch_size, sticky: BTreeMap::new(), rng }
    }

    /// The partition that records without a key go to for now.
    pub(crate) fn peek(&mut self, topic: &TopicName, metadata: &TopicMetadata) -> i32 {
        if let Some(sticky) = self.sticky.get(topic) {
            return sticky.partition;
        }
        let partition = self.draw(metadata);
        self.sticky.insert(topic.clone(), Sticky { partition, produced_bytes: 0 });
        partition
    }

    /// Tells that a record went to a partition, perhaps that of [`Self::peek`].
    pub(crate) fn produced(
        &mut self,
        topic: &TopicName,
        metadata: &TopicMetadata,
        partition: i32,
        bytes: u64,
        last: LastBatch,
    ) {
        let Some(sticky) = self.sticky.get_mut(topic) else { return };
        if sticky.partition != partition {
            return;
        }
        sticky.produced_bytes += bytes;
        let enough = self.sticky_batch_size <= sticky.produced_bytes && last == LastBatch::Full;
        // Small records could keep a batch half filled for ever: twice the size ends it.
        if enough || 2 * self.sticky_batch_size <= sticky.produced_bytes {
            let partition = self.draw(metadata);
            self.sticky.insert(topic.clone(), Sticky { partition, produced_bytes: 0 });
        }
    }

    fn draw(&mut self, metadata: &TopicMetadata) -> i32 {
        let available: Vec<i32> = metadata.available().collect();
        let count = if available.is_empty() { metadata.partition_count() } else { available.len() };
        let drawn = self.rng.next_u32() as usize % count.max(1);
        let any = i32::try_from(drawn).expect("a partition's number fits");
        available.get(drawn).copied().unwrap_or(any)
    }
}

/// The partition of a key among `count`.
pub(crate) fn partition_for_key(key: &[u8], count: usize) -> i32 {
    let positive = (murmur2(key) & 0x7fff_ffff) as usize;
    i32::try_from(positive % count.max(1)).expect("a partition's number fits")
}

/// Murmur2, 32 bits, with Kafka's seed.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let length = u32::try_from(data.len()).expect("a key is shorter than 4 GiB");
    let mut hash = SEED ^ length;
    let mut blocks = data.chunks_exact(4);
    for block in &mut blocks {
        let four = block.try_into().expect("a chunk of four has four bytes");
        let mut k = u32::from_le_bytes(four).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let tail = blocks.remainder();
    if !tail.is_empty() {
        let mut last = [0; 4];
        last[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u32::from_le_bytes(last)).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::ids::BrokerId;

    #[test]
    fn a_key_is_hashed_as_kafka_hashes_it() {
        let vectors: [(&[u8], i32, [i32; 4]); 13] = [
            (b"", 275_646_681, [0, 1, 3, 9]),
            (b"21", -973_932_308, [0, 0, 0, 0]),
            (b"foobar", -790_332_482, [0, 2, 0, 6]),
            (b"a-little-bit-long-string", -985_981_536, [2, 0, 2, 8]),
            (b"a-little-bit-longer-string", -1_486_304_829, [2, 3, 5, 11]),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971, [2, 1, 5, 5]),
            (b"abc", 479_470_107, [0, 3, 3, 3]),
            (b"a", -1_563_381_124, [1, 0, 4, 4]),
            (b"abcd", -1_323_649_548, [2, 0, 2, 8]),
            (b"key-0", 29_210_041, [1, 1, 1, 1]),
            (b"key-2", 852_269_702, [2, 2, 2, 2]),
            (b"user-42", 1_459_644_460, [1, 0, 4, 4]),
            (&[0, 1, 2, 3, 0xff], 1_810_837_281, [0, 1, 3, 9]),
        ];
        for (key, hash, partitions) in vectors {
            assert_eq!(murmur2(key).cast_signed(), hash, "{key:?}");
            let found = [3, 4, 6, 12].map(|count| partition_for_key(key, count));
            assert_eq!(found, partitions, "{key:?}");
        }
    }

    fn topic(leaders: &[Option<i32>]) -> TopicMetadata {
        TopicMetadata::of_leaders(leaders.iter().map(|leader| leader.map(BrokerId)))
    }

    #[test]
    fn a_partition_is_left_when_a_batch_was_filled() {
        let metadata = topic(&[Some(1), Some(1), Some(1), Some(1), Some(1), Some(1)]);
        let name = TopicName::from("t");
        let mut partitioner = BuiltInPartitioner::new(100, ChaCha8Rng::seed_from_u64(3));
        let first = partitioner.peek(&name, &metadata);
        partitioner.produced(&name, &metadata, first, 99, LastBatch::Full);
        assert_eq!(partitioner.peek(&name, &metadata), first);
        partitioner.produced(&name, &metadata, first, 50, LastBatch::HasRoom);
        assert_eq!(partitioner.peek(&name, &metadata), first);
        let drawn: Vec<_> = (0..20)
            .map(|_| {
                let present = partitioner.peek(&name, &metadata);
                partitioner.produced(&name, &metadata, present, 200, LastBatch::HasRoom);
                partitioner.peek(&name, &metadata)
            })
            .collect();
        assert!((0..6).all(|partition| drawn.contains(&partition)), "{drawn:?}");
    }

    #[test]
    fn only_partitions_with_a_leader_are_drawn_if_there_are_any() {
        let name = TopicName::from("t");
        let mut partitioner = BuiltInPartitioner::new(1, ChaCha8Rng::seed_from_u64(3));
        let metadata = topic(&[None, Some(1), None]);
        for _ in 0..20 {
            assert_eq!(partitioner.peek(&name, &metadata), 1);
            partitioner.produced(&name, &metadata, 1, 5, LastBatch::Full);
        }
        let metadata = topic(&[None, None]);
        partitioner.produced(&name, &metadata, 1, 5, LastBatch::Full);
        assert!((0..2).contains(&partitioner.peek(&name, &metadata)));
    }
}
