//! Responses, to the wire and from it.

use bytes::Bytes;

use crate::{
    ids::{ControllerId, LeaderEpoch, Offset, TopicId, TopicName},
    protocol::{
        ApiKey, ErrorCode, Response,
        messages::{
            BeginQuorumEpochResponse, EndQuorumEpochResponse, FetchResponse, VoteResponse,
            WireBrokerId, begin_quorum_epoch_response, end_quorum_epoch_response, fetch_response,
            vote_response, wire_topic, wire_topic_id,
        },
    },
    raft::messages::{Body, Fetched, LeaderAndEpoch, OffsetAndEpoch, RaftResponse},
};

/// The first version of `Fetch` that names topics by id (KIP-516).
const FETCH_WITH_TOPIC_ID: i16 = 13;

/// Writes a response to a request of this version.
pub fn response_to_wire(response: &RaftResponse, version: i16) -> Response {
    let (code, topic) = (response.error.code(), wire_topic(&TopicName::cluster_metadata()));
    let leader = WireBrokerId(response.leader.leader.map_or(-1, |id| id.0));
    let epoch = response.leader.epoch.0;
    match &response.body {
        Body::Vote { granted } => {
            let partition = vote_response::PartitionData::default()
                .with_error_code(code)
                .with_leader_id(leader)
                .with_leader_epoch(epoch)
                .with_vote_granted(*granted);
            let topic = vote_response::TopicData::default()
                .with_topic_name(topic)
                .with_partitions(vec![partition]);
            VoteResponse::default().with_topics(vec![topic]).into()
        }
        Body::BeginQuorumEpoch => {
            let partition = begin_quorum_epoch_response::PartitionData::default()
                .with_error_code(code)
                .with_leader_id(leader)
                .with_leader_epoch(epoch);
            let topic = begin_quorum_epoch_response::TopicData::default()
                .with_topic_name(topic)
                .with_partitions(vec![partition]);
            BeginQuorumEpochResponse::default().with_topics(vec![topic]).into()
        }
        Body::EndQuorumEpoch => {
            let partition = end_quorum_epoch_response::PartitionData::default()
                .with_error_code(code)
                .with_leader_id(leader)
                .with_leader_epoch(epoch);
            let topic = end_quorum_epoch_response::TopicData::default()
                .with_topic_name(topic)
                .with_partitions(vec![partition]);
            EndQuorumEpochResponse::default().with_topics(vec![topic]).into()
        }
        Body::Fetch(fetched) => write_fetched(response, fetched, version).into(),
    }
}

/// A request that could not be read is refused as a whole. None for the APIs of others.
pub fn refusal(api: ApiKey, error: ErrorCode) -> Option<Response> {
    let code = error.code();
    match api {
        ApiKey::Vote => Some(VoteResponse::default().with_error_code(code).into()),
        ApiKey::BeginQuorumEpoch => {
            Some(BeginQuorumEpochResponse::default().with_error_code(code).into())
        }
        ApiKey::EndQuorumEpoch => {
            Some(EndQuorumEpochResponse::default().with_error_code(code).into())
        }
        ApiKey::Fetch => Some(FetchResponse::default().with_error_code(code).into()),
        ApiKey::Produce
        | ApiKey::ListOffsets
        | ApiKey::Metadata
        | ApiKey::FindCoordinator
        | ApiKey::ApiVersions
        | ApiKey::CreateTopics
        | ApiKey::DeleteTopics
        | ApiKey::InitProducerId
        | ApiKey::OffsetForLeaderEpoch
        | ApiKey::DescribeConfigs
        | ApiKey::CreatePartitions
        | ApiKey::ElectLeaders
        | ApiKey::IncrementalAlterConfigs
        | ApiKey::AlterPartitionReassignments
        | ApiKey::ListPartitionReassignments
        | ApiKey::AlterPartition
        | ApiKey::DescribeCluster
        | ApiKey::BrokerRegistration
        | ApiKey::BrokerHeartbeat
        | ApiKey::AllocateProducerIds => None,
    }
}

/// Reads a response; none if it was refused as a whole or is not about the metadata log, which
/// says nothing about the quorum.
pub fn response_of_wire(response: Response) -> Option<RaftResponse> {
    match response {
        Response::Vote(body) => {
            let partition = body.topics.first()?.partitions.first()?;
            let granted = partition.vote_granted;
            let who = (partition.leader_id, partition.leader_epoch);
            told(body.error_code, partition.error_code, who, Body::Vote { granted })
        }
        Response::BeginQuorumEpoch(body) => {
            let partition = body.topics.first()?.partitions.first()?;
            let who = (partition.leader_id, partition.leader_epoch);
            told(body.error_code, partition.error_code, who, Body::BeginQuorumEpoch)
        }
        Response::EndQuorumEpoch(body) => {
            let partition = body.topics.first()?.partitions.first()?;
            let who = (partition.leader_id, partition.leader_epoch);
            told(body.error_code, partition.error_code, who, Body::EndQuorumEpoch)
        }
        Response::Fetch(body) => read_fetched(body),
        Response::Produce(_)
        | Response::ListOffsets(_)
        | Response::Metadata(_)
        | Response::FindCoordinator(_)
        | Response::ApiVersions(_)
        | Response::CreateTopics(_)
        | Response::DeleteTopics(_)
        | Response::InitProducerId(_)
        | Response::OffsetForLeaderEpoch(_)
        | Response::DescribeConfigs(_)
        | Response::CreatePartitions(_)
        | Response::ElectLeaders(_)
        | Response::IncrementalAlterConfigs(_)
        | Response::AlterPartitionReassignments(_)
        | Response::ListPartitionReassignments(_)
        | Response::AlterPartition(_)
        | Response::DescribeCluster(_)
        | Response::BrokerRegistration(_)
        | Response::BrokerHeartbeat(_)
        | Response::AllocateProducerIds(_) => None,
    }
}

fn told(
    whole: i16,
    code: i16,
    (leader, epoch): (WireBrokerId, i32),
    body: Body,
) -> Option<RaftResponse> {
    let leader = (0 <= leader.0).then_some(ControllerId(leader.0));
    let leader = LeaderAndEpoch { leader, epoch: LeaderEpoch::from_wire(epoch)? };
    let error = ErrorCode::from_code(code);
    (ErrorCode::from_code(whole) == ErrorCode::None).then_some(RaftResponse { error, leader, body })
}

fn write_fetched(response: &RaftResponse, fetched: &Fetched, version: i16) -> FetchResponse {
    let LeaderAndEpoch { leader, epoch } = response.leader;
    let leader = fetch_response::LeaderIdAndEpoch::default()
        .with_leader_id(WireBrokerId(leader.map_or(-1, |id| id.0)))
        .with_leader_epoch(epoch.0);
    let mut partition = fetch_response::PartitionData::default()
        .with_error_code(response.error.code())
        .with_high_watermark(fetched.high_watermark.0)
        .with_last_stable_offset(fetched.high_watermark.0)
        .with_log_start_offset(fetched.log_start.0)
        .with_current_leader(leader)
        .with_records(Some(fetched.records.clone()));
    if let Some(OffsetAndEpoch { epoch, offset }) = fetched.diverging {
        partition.diverging_epoch =
            fetch_response::EpochEndOffset::default().with_epoch(epoch.0).with_end_offset(offset.0);
    }
    let mut topic = fetch_response::FetchableTopicResponse::default();
    if FETCH_WITH_TOPIC_ID <= version {
        topic.topic_id = wire_topic_id(TopicId::CLUSTER_METADATA);
    } else {
        topic.topic = wire_topic(&TopicName::cluster_metadata());
    }
    topic.partitions = vec![partition];
    FetchResponse::default().with_responses(vec![topic])
}

fn read_fetched(mut body: FetchResponse) -> Option<RaftResponse> {
    let partition = body.responses.first_mut()?.partitions.pop()?;
    let diverging = LeaderEpoch::from_wire(partition.diverging_epoch.epoch)
        .zip(Offset::from_wire(partition.diverging_epoch.end_offset))
        .map(|(epoch, offset)| OffsetAndEpoch { epoch, offset });
    let fetched = Fetched {
        diverging,
        high_watermark: Offset::from_wire(partition.high_watermark).unwrap_or(Offset::ZERO),
        log_start: Offset::from_wire(partition.log_start_offset).unwrap_or(Offset::ZERO),
        records: partition.records.unwrap_or_else(Bytes::new),
    };
    let current = partition.current_leader;
    let who = (current.leader_id, current.leader_epoch);
    told(body.error_code, partition.error_code, who, Body::Fetch(fetched))
}
