//! Requests, to the wire and from it.

use std::collections::BTreeSet;

use crate::{
    config::Millis,
    ids::{ControllerId, LeaderEpoch, Offset, TopicId, TopicName},
    protocol::{
        ErrorCode, Request,
        messages::{
            BeginQuorumEpochRequest, EndQuorumEpochRequest, FetchRequest, VoteRequest,
            WireBrokerId, WireString, begin_quorum_epoch_request, end_quorum_epoch_request,
            fetch_request, topic_id_of, topic_of, vote_request, wire_string, wire_topic,
            wire_topic_id,
        },
    },
    raft::messages::{
        BeginQuorumEpoch, EndQuorumEpoch, Fetch, OffsetAndEpoch, RaftRequest, Replica, Vote,
    },
};

/// The first version of `Fetch` that names topics by id (KIP-516).
const FETCH_WITH_TOPIC_ID: i16 = 13;
/// The first version of `Fetch` that says the epoch of the last record (KIP-595).
const FETCH_WITH_LAST_EPOCH: i16 = 12;
/// The first version of `Fetch` with a replica state instead of a replica id (KIP-903).
const FETCH_WITH_REPLICA_STATE: i16 = 15;

/// Writes a request to the voter `to`, for the newest version.
pub fn request_to_wire(request: &RaftRequest, to: ControllerId, cluster_id: &str) -> Request {
    match request {
        RaftRequest::Vote(vote) => write_vote(vote, to, cluster_id).into(),
        RaftRequest::BeginQuorumEpoch(begin) => write_begin(begin, to, cluster_id).into(),
        RaftRequest::EndQuorumEpoch(end) => write_end(end, cluster_id).into(),
        RaftRequest::Fetch(fetch) => write_fetch(fetch, cluster_id).into(),
    }
}

/// Reads a request of this version. Who is in `voters` fetches as a voter, anybody else as an
/// observer.
///
/// # Errors
/// The error with which it must be refused.
pub fn request_of_wire(
    request: &Request,
    version: i16,
    voters: &BTreeSet<ControllerId>,
    cluster_id: &str,
) -> Result<RaftRequest, ErrorCode> {
    let own_cluster = |named: Option<&WireString>| match named {
        Some(named) if named.as_str() != cluster_id => Err(ErrorCode::InconsistentClusterId),
        Some(_) | None => Ok(()),
    };
    match request {
        Request::Vote(body) => {
            own_cluster(body.cluster_id.as_ref())?;
            read_vote(body)
        }
        Request::BeginQuorumEpoch(body) => {
            own_cluster(body.cluster_id.as_ref())?;
            read_begin(body)
        }
        Request::EndQuorumEpoch(body) => {
            own_cluster(body.cluster_id.as_ref())?;
            read_end(body, version)
        }
        Request::Fetch(body) => {
            own_cluster(body.cluster_id.as_ref())?;
            read_fetch(body, version, voters)
        }
        Request::Produce(_)
        | Request::ListOffsets(_)
        | Request::Metadata(_)
        | Request::FindCoordinator(_)
        | Request::ApiVersions(_)
        | Request::CreateTopics(_)
        | Request::DeleteTopics(_)
        | Request::InitProducerId(_)
        | Request::OffsetForLeaderEpoch(_)
        | Request::DescribeConfigs(_)
        | Request::CreatePartitions(_)
        | Request::ElectLeaders(_)
        | Request::IncrementalAlterConfigs(_)
        | Request::AlterPartitionReassignments(_)
        | Request::ListPartitionReassignments(_)
        | Request::AlterPartition(_)
        | Request::DescribeCluster(_)
        | Request::BrokerRegistration(_)
        | Request::BrokerHeartbeat(_)
        | Request::AllocateProducerIds(_) => Err(ErrorCode::InvalidRequest),
    }
}

fn write_vote(vote: &Vote, to: ControllerId, cluster_id: &str) -> VoteRequest {
    let partition = vote_request::PartitionData::default()
        .with_replica_epoch(vote.epoch.0)
        .with_replica_id(WireBrokerId(vote.candidate.0))
        .with_last_offset_epoch(vote.log_end.epoch.0)
        .with_last_offset(vote.log_end.offset.0);
    let topic = vote_request::TopicData::default()
        .with_topic_name(wire_topic(&TopicName::cluster_metadata()))
        .with_partitions(vec![partition]);
    VoteRequest::default()
        .with_cluster_id(Some(wire_string(cluster_id)))
        .with_voter_id(WireBrokerId(to.0))
        .with_topics(vec![topic])
}

fn read_vote(body: &VoteRequest) -> Result<RaftRequest, ErrorCode> {
    let partition = one(&body.topics, |topic| (topic_of(&topic.topic_name), &topic.partitions))?;
    require(partition.partition_index == 0)?;
    let log_end = OffsetAndEpoch {
        epoch: epoch(partition.last_offset_epoch)?,
        offset: offset(partition.last_offset)?,
    };
    let candidate = ControllerId(partition.replica_id.0);
    Ok(RaftRequest::Vote(Vote { epoch: epoch(partition.replica_epoch)?, candidate, log_end }))
}

fn write_begin(
    begin: &BeginQuorumEpoch,
    to: ControllerId,
    cluster_id: &str,
) -> BeginQuorumEpochRequest {
    let partition = begin_quorum_epoch_request::PartitionData::default()
        .with_leader_id(WireBrokerId(begin.leader.0))
        .with_leader_epoch(begin.epoch.0);
    let topic = begin_quorum_epoch_request::TopicData::default()
        .with_topic_name(wire_topic(&TopicName::cluster_metadata()))
        .with_partitions(vec![partition]);
    BeginQuorumEpochRequest::default()
        .with_cluster_id(Some(wire_string(cluster_id)))
        .with_voter_id(WireBrokerId(to.0))
        .with_topics(vec![topic])
}

fn read_begin(body: &BeginQuorumEpochRequest) -> Result<RaftRequest, ErrorCode> {
    let partition = one(&body.topics, |topic| (topic_of(&topic.topic_name), &topic.partitions))?;
    require(partition.partition_index == 0)?;
    let (epoch, leader) = (epoch(partition.leader_epoch)?, ControllerId(partition.leader_id.0));
    Ok(RaftRequest::BeginQuorumEpoch(BeginQuorumEpoch { epoch, leader }))
}

fn write_end(end: &EndQuorumEpoch, cluster_id: &str) -> EndQuorumEpochRequest {
    let candidate = |id: &ControllerId| {
        end_quorum_epoch_request::ReplicaInfo::default().with_candidate_id(WireBrokerId(id.0))
    };
    let partition = end_quorum_epoch_request::PartitionData::default()
        .with_leader_id(WireBrokerId(end.leader.0))
        .with_leader_epoch(end.epoch.0)
        .with_preferred_candidates(end.preferred_successors.iter().map(candidate).collect());
    let topic = end_quorum_epoch_request::TopicData::default()
        .with_topic_name(wire_topic(&TopicName::cluster_metadata()))
        .with_partitions(vec![partition]);
    EndQuorumEpochRequest::default()
        .with_cluster_id(Some(wire_string(cluster_id)))
        .with_topics(vec![topic])
}

/// Version 0 has ids, later versions have ids with directories.
fn read_end(body: &EndQuorumEpochRequest, version: i16) -> Result<RaftRequest, ErrorCode> {
    let partition = one(&body.topics, |topic| (topic_of(&topic.topic_name), &topic.partitions))?;
    require(partition.partition_index == 0)?;
    let preferred_successors = if version < 1 {
        partition.preferred_successors.iter().map(|id| ControllerId(*id)).collect()
    } else {
        let candidates = partition.preferred_candidates.iter();
        candidates.map(|candidate| ControllerId(candidate.candidate_id.0)).collect()
    };
    Ok(RaftRequest::EndQuorumEpoch(EndQuorumEpoch {
        epoch: epoch(partition.leader_epoch)?,
        leader: ControllerId(partition.leader_id.0),
        preferred_successors,
    }))
}

fn write_fetch(fetch: &Fetch, cluster_id: &str) -> FetchRequest {
    let max_bytes = i32::try_from(fetch.max_bytes).unwrap_or(i32::MAX);
    let partition = fetch_request::FetchPartition::default()
        .with_current_leader_epoch(LeaderEpoch::to_wire(fetch.epoch))
        .with_fetch_offset(fetch.offset.0)
        .with_last_fetched_epoch(LeaderEpoch::to_wire(fetch.last_fetched_epoch))
        .with_log_start_offset(0)
        .with_partition_max_bytes(max_bytes);
    let topic = fetch_request::FetchTopic::default()
        .with_topic_id(wire_topic_id(TopicId::CLUSTER_METADATA))
        .with_partitions(vec![partition]);
    let replica = match fetch.replica {
        Replica::Voter(id) => WireBrokerId(id.0),
        Replica::Observer => WireBrokerId(-1),
    };
    FetchRequest::default()
        .with_cluster_id(Some(wire_string(cluster_id)))
        .with_replica_state(fetch_request::ReplicaState::default().with_replica_id(replica))
        .with_max_wait_ms(fetch.max_wait.to_wire())
        .with_max_bytes(max_bytes)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

fn read_fetch(
    body: &FetchRequest,
    version: i16,
    voters: &BTreeSet<ControllerId>,
) -> Result<RaftRequest, ErrorCode> {
    let [topic] = &body.topics[..] else { return Err(ErrorCode::InvalidRequest) };
    let [partition] = &topic.partitions[..] else { return Err(ErrorCode::InvalidRequest) };
    if FETCH_WITH_TOPIC_ID <= version {
        if topic_id_of(topic.topic_id) != TopicId::CLUSTER_METADATA {
            return Err(ErrorCode::UnknownTopicId);
        }
    } else if topic_of(&topic.topic) != TopicName::cluster_metadata() {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    if partition.partition != 0 {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    let replica = if FETCH_WITH_REPLICA_STATE <= version {
        ControllerId(body.replica_state.replica_id.0)
    } else {
        ControllerId(body.replica_id.0)
    };
    let said = (FETCH_WITH_LAST_EPOCH <= version).then_some(partition.last_fetched_epoch);
    let max_wait = u64::try_from(body.max_wait_ms).or(Err(ErrorCode::InvalidRequest))?;
    Ok(RaftRequest::Fetch(Fetch {
        replica: if voters.contains(&replica) {
            Replica::Voter(replica)
        } else {
            Replica::Observer
        },
        epoch: LeaderEpoch::from_wire(partition.current_leader_epoch),
        offset: offset(partition.fetch_offset)?,
        last_fetched_epoch: said.and_then(LeaderEpoch::from_wire),
        max_wait: Millis(max_wait),
        max_bytes: u32::try_from(partition.partition_max_bytes).unwrap_or(0),
    }))
}

/// The one partition of the one topic, which must be the metadata log (`hasValidTopicPartition`).
fn one<T, P>(topics: &[T], of: impl Fn(&T) -> (TopicName, &Vec<P>)) -> Result<&P, ErrorCode> {
    let [topic] = topics else { return Err(ErrorCode::InvalidRequest) };
    let (name, partitions) = of(topic);
    require(name == TopicName::cluster_metadata())?;
    match &partitions[..] {
        [partition] => Ok(partition),
        _ => Err(ErrorCode::InvalidRequest),
    }
}

fn require(holds: bool) -> Result<(), ErrorCode> {
    if holds { Ok(()) } else { Err(ErrorCode::InvalidRequest) }
}

fn epoch(raw: i32) -> Result<LeaderEpoch, ErrorCode> {
    LeaderEpoch::from_wire(raw).ok_or(ErrorCode::InvalidRequest)
}

fn offset(raw: i64) -> Result<Offset, ErrorCode> {
    Offset::from_wire(raw).ok_or(ErrorCode::InvalidRequest)
}
