//! Requests that ask for offsets: `ListOffsets` and `OffsetForLeaderEpoch`.
//!
//! Mirrors `KafkaApis.handleListOffsetRequest`, `handleOffsetForLeaderEpochRequest` and their
//! halves in `ReplicaManager` (KIP-79, KIP-207, KIP-320).

use super::{Life, LogFailure, Received, ReplicaManager, not_here};
use crate::{
    host::Timestamp,
    ids::{BrokerId, LeaderEpoch, TopicPartition},
    log::Isolation,
    protocol::{
        ErrorCode, Response,
        messages::{
            ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
            OffsetForLeaderEpochResponse,
            list_offsets_request::ListOffsetsPartition,
            list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
            offset_for_leader_epoch_request::OffsetForLeaderPartition,
            offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult},
            topic_of,
        },
    },
    replica::{
        effect::{Context, Effect},
        partition::{FoundOffset, OffsetQuery, ReadRefusal, Sought},
        rules::Truncation,
    },
};

/// From this version on a client knows `OFFSET_NOT_AVAILABLE` (KIP-207).
const FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE: i16 = 5;
const LATEST_TIMESTAMP: i64 = -1;
const EARLIEST_TIMESTAMP: i64 = -2;
const EARLIEST_LOCAL_TIMESTAMP: i64 = -4;

impl ReplicaManager {
    /// Serves a request for offsets by time.
    pub fn list_offsets(
        &mut self,
        ctx: &mut Context<'_>,
        received: &Received,
        request: &ListOffsetsRequest,
    ) {
        if self.life == Life::Ended {
            return;
        }
        let result = self.find_offsets(ctx, received, request);
        self.guard(ctx, result);
    }

    fn find_offsets(
        &mut self,
        ctx: &mut Context<'_>,
        received: &Received,
        request: &ListOffsetsRequest,
    ) -> Result<(), LogFailure> {
        let isolation = match BrokerId::from_wire(request.replica_id.0) {
            Some(_) => Isolation::LogEnd,
            None => Isolation::HighWatermark,
        };
        let mut response = ListOffsetsResponse::default();
        for topic in &request.topics {
            let mut answer = ListOffsetsTopicResponse::default().with_name(topic.name.clone());
            for asked in &topic.partitions {
                let name = TopicPartition {
                    topic: topic_of(&topic.name),
                    partition: asked.partition_index,
                };
                let found = self.find_offset(ctx, &name, asked, isolation)?;
                answer.partitions.push(list_offsets_partition(received, asked, found));
            }
            response.topics.push(answer);
        }
        ctx.effect(Effect::Respond(received.id, Response::ListOffsets(response)));
        Ok(())
    }

    fn find_offset(
        &mut self,
        ctx: &mut Context<'_>,
        name: &TopicPartition,
        asked: &ListOffsetsPartition,
        isolation: Isolation,
    ) -> Result<Result<Option<FoundOffset>, ErrorCode>, LogFailure> {
        let Some(partition) = self.partitions.get_mut(name) else {
            return Ok(Err(not_here(&self.setting, name)));
        };
        let sought = match asked.timestamp {
            LATEST_TIMESTAMP => Sought::Latest,
            EARLIEST_TIMESTAMP | EARLIEST_LOCAL_TIMESTAMP => Sought::Earliest,
            time if 0 <= time => Sought::AtOrAfter(Timestamp(time)),
            _ => return Ok(Err(ErrorCode::UnsupportedVersion)),
        };
        let current_leader_epoch = LeaderEpoch::from_wire(asked.current_leader_epoch);
        let query = OffsetQuery { current_leader_epoch, sought, isolation };
        match partition.offset_for(ctx, &self.setting, &query) {
            Ok(found) => Ok(Ok(found)),
            Err(ReadRefusal::Refused(error)) => Ok(Err(error)),
            Err(ReadRefusal::Storage(error)) => Err(LogFailure::of(name)(error)),
        }
    }

    /// Serves a request for the ends of leader epochs.
    pub fn offset_for_leader_epoch(
        &mut self,
        ctx: &mut Context<'_>,
        received: &Received,
        request: &OffsetForLeaderEpochRequest,
    ) {
        if self.life == Life::Ended {
            return;
        }
        let mut response = OffsetForLeaderEpochResponse::default();
        let asker = BrokerId::from_wire(request.replica_id.0);
        for topic in &request.topics {
            let mut answer = OffsetForLeaderTopicResult::default().with_topic(topic.topic.clone());
            for asked in &topic.partitions {
                let name =
                    TopicPartition { topic: topic_of(&topic.topic), partition: asked.partition };
                answer.partitions.push(self.epoch_end(&name, asker, asked));
            }
            response.topics.push(answer);
        }
        ctx.effect(Effect::Respond(received.id, Response::OffsetForLeaderEpoch(response)));
    }

    fn epoch_end(
        &self,
        name: &TopicPartition,
        asker: Option<BrokerId>,
        asked: &OffsetForLeaderPartition,
    ) -> EpochEndOffset {
        let known = LeaderEpoch::from_wire(asked.current_leader_epoch);
        let epoch = LeaderEpoch(asked.leader_epoch);
        let end = match self.partitions.get(name) {
            Some(partition) => partition.end_offset_for_epoch(&self.setting, known, epoch),
            None => Err(not_here(&self.setting, name)),
        };
        let answer = EpochEndOffset::default().with_partition(asked.partition);
        match end {
            Ok(Some((epoch, end))) => {
                let said = self.said_epoch(asker, epoch);
                answer.with_leader_epoch(LeaderEpoch::to_wire(said)).with_end_offset(end.0)
            }
            Ok(None) => answer.with_leader_epoch(-1).with_end_offset(-1),
            Err(error) => {
                answer.with_error_code(error.code()).with_leader_epoch(-1).with_end_offset(-1)
            }
        }
    }

    /// Whether a follower is told which epoch ends there (KIP-279). A consumer is: when it began to
    /// ask (KIP-320), the answer told.
    fn said_epoch(&self, asker: Option<BrokerId>, epoch: LeaderEpoch) -> Option<LeaderEpoch> {
        match (self.setting.rules.truncation, asker) {
            (Truncation::EndOffsetOfEpoch, Some(_)) => None,
            (
                Truncation::None
                | Truncation::OwnHighWatermark
                | Truncation::EndOffsetOfEpoch
                | Truncation::EpochAndEndOffset
                | Truncation::DivergingEpochInFetch,
                _,
            ) => Some(epoch),
        }
    }
}

fn list_offsets_partition(
    received: &Received,
    asked: &ListOffsetsPartition,
    found: Result<Option<FoundOffset>, ErrorCode>,
) -> ListOffsetsPartitionResponse {
    let answer = ListOffsetsPartitionResponse::default()
        .with_partition_index(asked.partition_index)
        .with_timestamp(-1)
        .with_offset(-1);
    match found {
        Err(ErrorCode::OffsetNotAvailable)
            if received.version < FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE =>
        {
            answer.with_error_code(ErrorCode::LeaderNotAvailable.code())
        }
        Err(error) => answer.with_error_code(error.code()),
        Ok(None) => answer,
        Ok(Some(found)) => {
            let answer = answer
                .with_timestamp(found.timestamp.unwrap_or(Timestamp::NONE).0)
                .with_offset(found.offset.0);
            if received.version < FIRST_VERSION_WITH_LEADER_EPOCH {
                return answer;
            }
            answer.with_leader_epoch(LeaderEpoch::to_wire(found.leader_epoch))
        }
    }
}

/// From this version on the answer names the leader epoch; before, it may not.
const FIRST_VERSION_WITH_LEADER_EPOCH: i16 = 4;
