//! The control batch with which a leader of the metadata log begins its epoch.
//!
//! Mirrors `LeaderChangeMessage` and `ControlRecordType.LEADER_CHANGE` (KIP-595). It does not know
//! who leads.

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::leader_change_message::{LeaderChangeMessage, Voter},
    protocol::Encodable,
};

use super::{BatchBuilder, RecordBatch};
use crate::host::Timestamp;

/// The key of the record: version 0, type 2 (`LEADER_CHANGE`).
const KEY: [u8; 4] = [0, 0, 0, 2];

/// A batch that says who leads from here on, by node id.
pub fn leader_change(time: Timestamp, leader: i32, voters: &[i32]) -> RecordBatch {
    let voters = voters.iter().map(|id| Voter::default().with_voter_id(*id)).collect();
    let message = LeaderChangeMessage::default().with_leader_id(leader.into()).with_voters(voters);
    let mut value = BytesMut::new();
    message.encode(&mut value, 0).expect("a message of version 0 without later fields encodes");
    let value: Bytes = value.freeze();
    let mut batch = BatchBuilder::control(None);
    batch.append(time, Some(&KEY), Some(&value), &[]);
    batch.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_has_kafkas_key_and_names_leader_and_voters() {
        let batch = leader_change(Timestamp(5), 1002, &[1001, 1002]);
        assert!(batch.is_control());
        assert_eq!(batch.base_timestamp(), Timestamp(5));
        let record = batch.records().next().unwrap().unwrap();
        assert_eq!(&record.key.unwrap()[..], [0, 0, 0, 2]);
        let value = record.value.unwrap();
        // Version, leader, two voters in a compact array, each with its (empty) tagged fields.
        assert_eq!(value[..2], [0, 0]);
        assert_eq!(value[2..6], 1002_i32.to_be_bytes());
        assert_eq!(value[6], 3);
        assert_eq!(value[7..11], 1001_i32.to_be_bytes());
    }
}
