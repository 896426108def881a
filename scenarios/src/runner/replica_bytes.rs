//! A replica's log as it stands on a disk.

use broker::{
    broker::LOG_DIRECTORY,
    ids::{Offset, TopicPartition},
};
use bytes::{Bytes, BytesMut};
use sim::{NodeId, World};

use crate::{cluster::Node, history::ReplicaBytes};

/// Reads the segments of a replica, one behind the other. The first offset and the high watermark
/// are those that its broker has, if it runs.
pub(super) fn replica_bytes(
    world: &World<Node>,
    node: NodeId,
    partition: &TopicPartition,
) -> ReplicaBytes {
    let running = match world.process(node) {
        Some(Node::Broker(broker)) => broker.log(partition),
        _ => None,
    };
    let log = segments(world, node, partition);
    ReplicaBytes {
        log_start: running.map_or(Offset::ZERO, broker::log::UnifiedLog::log_start_offset),
        high_watermark: running.map(broker::log::UnifiedLog::high_watermark),
        log,
    }
}

fn segments(world: &World<Node>, node: NodeId, partition: &TopicPartition) -> Bytes {
    let disk = world.disk(node);
    let directory = format!("{LOG_DIRECTORY}/{partition}/");
    let is_segment = |path: &String| path.starts_with(&directory) && segment_suffix(path);
    let mut paths: Vec<_> = disk.paths().into_iter().filter(is_segment).collect();
    // Names are base offsets of equal length: their order is that of the log.
    paths.sort_unstable();
    let mut parts: Vec<Bytes> = paths.iter().filter_map(|path| disk.peek(path)).collect();
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut whole = BytesMut::new();
    for part in &parts {
        whole.extend_from_slice(part);
    }
    whole.freeze()
}

/// Kafka's names are lower case: another case is another file.
fn segment_suffix(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "log")
}
