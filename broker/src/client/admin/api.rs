//! What an application says to an admin client, and what it is told (Kafka's `Admin`, `NewTopic`,
//! `TopicDescription`).

use core::time::Duration;
use std::collections::BTreeMap;

use super::operations::AdminOperation;
use crate::{
    client::TopicMetadata,
    ids::{BrokerId, TopicId, TopicName},
};

/// What an application can ask of an admin client. It does one thing after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminCommand {
    /// Create topics. Answered by one [`AdminAnswer::TopicCreated`] for each. What may pass is
    /// tried again until the time is over: no broker that answers, a cluster that is not complete.
    CreateTopics {
        /// The topics.
        topics: Vec<NewTopic>,
        /// How long to try.
        timeout: Duration,
    },
    /// Say where the partitions of topics are. Answered by one [`AdminAnswer::TopicsDescribed`].
    DescribeTopics {
        /// The topics.
        topics: Vec<TopicName>,
        /// How long to try.
        timeout: Duration,
    },
    /// Do something to what is there. Answered by one [`AdminAnswer::Operated`].
    Operate {
        /// What to do.
        operation: AdminOperation,
        /// How long to try.
        timeout: Duration,
    },
    /// Close the connections and do nothing more. Answered by [`AdminAnswer::Closed`].
    Close,
}

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: TopicName,
    /// How many partitions it has; none leaves it to the cluster.
    pub partitions: Option<i32>,
    /// How many replicas each has; none leaves it to the cluster.
    pub replication_factor: Option<i16>,
    /// Which brokers hold each partition, the preferred leader first; none leaves it to the
    /// cluster. With it, neither the number of partitions nor that of replicas is said.
    pub assignment: Option<Vec<Vec<BrokerId>>>,
    /// Its settings, by Kafka's keys.
    pub configs: BTreeMap<String, String>,
}

/// What an admin client answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminAnswer {
    /// A topic was created, or could not be.
    TopicCreated {
        /// The topic.
        name: TopicName,
        /// Its id, or why it is not there.
        result: Result<TopicId, AdminError>,
    },
    /// Where partitions are. Topics that do not exist are missing.
    TopicsDescribed(Result<BTreeMap<TopicName, TopicMetadata>, AdminError>),
    /// An operation was done, or could not be.
    Operated {
        /// Which.
        operation: AdminOperation,
        /// Why not, if not.
        result: Result<(), AdminError>,
    },
    /// The client is closed.
    Closed,
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// The cluster refused.
    #[error("error {error}: {message}")]
    Refused {
        /// Kafka's error code.
        error: i16,
        /// What the broker said about it.
        message: String,
    },
    /// The time was over before an answer came.
    #[error("no answer within the timeout")]
    TimedOut,
    /// The client was closed.
    #[error("the client was closed")]
    Closed,
}
