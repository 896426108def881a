//! Counts over the records that were sent and over what consumers got.

use std::collections::BTreeMap;

use serde::Serialize;

/// What became of the records that the producers were asked to send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecordCounts {
    /// How many were sent.
    pub sent: u64,
    /// How many were acknowledged to their producer.
    pub acked: u64,
    /// How many failed: their producer was told that they were surely not appended.
    pub failed: u64,
    /// How many ended without certainty, or did not end. With acks=0 all do.
    pub unknown: u64,
    /// How many acknowledged records, not below the log start, the final leader does not have,
    /// allowed or not.
    pub acked_lost: u64,
    /// The same of every record that was sent, whatever its producer was told.
    pub lost: u64,
    /// How many of the lost survive on another replica, where no consumer can read them.
    pub stranded: u64,
    /// How many surplus copies stand in the final logs.
    pub duplicates: u64,
    /// How many records stand behind one that their producer sent later.
    pub reordered: u64,
    /// How often brokers answered a produce request with which error code.
    pub errors: BTreeMap<String, u64>,
}

/// What a consumer got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConsumerCounts {
    /// How many records were handed to its application.
    pub delivered: u64,
    /// How many of them it had been handed before, at the same or another offset.
    pub repeated: u64,
    /// How many records of the final logs of the partitions it read, below its last position, it
    /// was never handed.
    pub missed: u64,
    /// How often its position moved other than by reading on, after the first time.
    pub resets: u64,
}
