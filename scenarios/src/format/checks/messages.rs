//! Which messages a fault picks out.

use crate::format::{Issue, KeyPath, Messages, Targets};

use super::Cast;

/// The topic of the controller's log, which no file lists.
const METADATA: &str = "__cluster_metadata";

/// The APIs whose messages are about topics.
const ABOUT_TOPICS: [&str; 8] = [
    "AlterPartition",
    "CreateTopics",
    "DeleteTopics",
    "Fetch",
    "ListOffsets",
    "Metadata",
    "OffsetForLeaderEpoch",
    "Produce",
];

pub(super) fn check(cast: &Cast, messages: &Messages, at: &KeyPath) -> Result<(), Issue> {
    if let Some(topic) = &messages.topic {
        let at = at.key("topic");
        if !ABOUT_TOPICS.contains(&messages.api.as_str()) {
            let message = format!("messages of `{}` are about no topic", messages.api);
            return Err(Issue::key(at, message));
        }
        if topic != METADATA {
            cast.topic(topic, &at)?;
        }
    }
    if let Some(partition) = messages.partition {
        let at = at.key("partition");
        match messages.topic.as_deref() {
            None => return Err(Issue::key(at, "a partition of which `topic`?")),
            Some(METADATA) if partition == 0 => {}
            Some(topic) => cast.partition(topic, partition, &at)?,
        }
    }
    let end = |targets: &Option<Targets>, key| {
        targets.as_ref().map_or(Ok(()), |targets| cast.targets(targets, &at.key(key)))
    };
    end(&messages.from, "from")?;
    end(&messages.to, "to")
}
