//! Makes a response fit an older version.
//!
//! The codec refuses a field that a version does not have, unless Kafka's schema calls it
//! ignorable. Kafka leaves such fields out where it makes the response (in `KafkaApis` and
//! `FetchResponse`); here it is done in one place, so that whoever answers may fill in all that it
//! knows.

use kafka_protocol::messages::BrokerId;

use super::{
    api::Response,
    messages::{
        describe_cluster_response::DescribeClusterResponse,
        fetch_response::{self, FetchResponse, LeaderIdAndEpoch, SnapshotId},
        list_offsets_response::ListOffsetsResponse,
        metadata_response::MetadataResponse,
    },
};

/// What `authorized_operations` says if nobody asked.
const NOT_ASKED: i32 = i32::MIN;

impl Response {
    /// Takes out the fields that `version` does not have and that its clients can do without.
    ///
    /// `FindCoordinator` is left alone: it changes its form at version 4, and is answered in the
    /// form that was asked.
    pub fn fit(&mut self, version: i16) {
        match self {
            Self::Fetch(body) => fit_fetch(body, version),
            Self::ListOffsets(body) => fit_list_offsets(body, version),
            Self::Metadata(body) => fit_metadata(body, version),
            Self::DescribeCluster(body) => fit_describe_cluster(body, version),
            Self::Produce(_)
            | Self::FindCoordinator(_)
            | Self::ApiVersions(_)
            | Self::CreateTopics(_)
            | Self::DeleteTopics(_)
            | Self::InitProducerId(_)
            | Self::OffsetForLeaderEpoch(_)
            | Self::DescribeConfigs(_)
            | Self::CreatePartitions(_)
            | Self::ElectLeaders(_)
            | Self::IncrementalAlterConfigs(_)
            | Self::AlterPartitionReassignments(_)
            | Self::ListPartitionReassignments(_)
            | Self::Vote(_)
            | Self::BeginQuorumEpoch(_)
            | Self::EndQuorumEpoch(_)
            | Self::AlterPartition(_)
            | Self::BrokerRegistration(_)
            | Self::BrokerHeartbeat(_)
            | Self::AllocateProducerIds(_) => {}
        }
    }
}

fn fit_fetch(body: &mut FetchResponse, version: i16) {
    if version < 7 {
        body.session_id = 0;
    }
    if 12 <= version {
        return;
    }
    for partition in body.responses.iter_mut().flat_map(|topic| &mut topic.partitions) {
        partition.diverging_epoch = fetch_response::EpochEndOffset::default();
        partition.current_leader = LeaderIdAndEpoch::default();
        partition.snapshot_id = SnapshotId::default();
        if version < 11 {
            partition.preferred_read_replica = BrokerId(-1);
        }
    }
}

fn fit_list_offsets(body: &mut ListOffsetsResponse, version: i16) {
    if version < 4 {
        let partitions = body.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        partitions.for_each(|partition| partition.leader_epoch = -1);
    }
}

fn fit_metadata(body: &mut MetadataResponse, version: i16) {
    if !(8..=10).contains(&version) {
        body.cluster_authorized_operations = NOT_ASKED;
    }
    if version < 8 {
        body.topics.iter_mut().for_each(|topic| topic.topic_authorized_operations = NOT_ASKED);
    }
}

fn fit_describe_cluster(body: &mut DescribeClusterResponse, version: i16) {
    if version < 1 {
        // Brokers; version 0 knows no controllers.
        body.endpoint_type = 1;
    }
    if version < 2 {
        body.brokers.iter_mut().for_each(|broker| broker.is_fenced = false);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::protocol::{
        ApiKey, decode_response, encode_response,
        sample::{self, Direction},
        versions::supported,
    };

    #[test]
    fn a_response_filled_for_one_version_fits_every_other() {
        for sample in sample::all(21) {
            if sample.direction == Direction::Request || sample.api == ApiKey::FindCoordinator {
                continue;
            }
            let frame = Bytes::from(sample.frame.clone());
            let (_, body) = decode_response(sample.api, sample.version, frame).unwrap();
            for version in supported(sample.api) {
                let mut body = body.clone();
                body.fit(version);
                let (frame, _) = encode_response(version, 1, &body).unwrap();
                decode_response(sample.api, version, frame).unwrap();
            }
        }
    }

    #[test]
    fn a_response_that_fits_already_is_not_changed() {
        for sample in sample::all(22) {
            if sample.direction == Direction::Response {
                let frame = Bytes::from(sample.frame.clone());
                let (_, body) = decode_response(sample.api, sample.version, frame).unwrap();
                let mut fitted = body.clone();
                fitted.fit(sample.version);
                assert_eq!(fitted, body, "{} version {}", sample.api, sample.version);
            }
        }
    }
}
