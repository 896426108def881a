//! The error codes of Kafka, and what a client does about each.
//!
//! Mirrors `Errors` and its exceptions: `RetriableException` is [`ErrorCode::is_retriable`],
//! `InvalidMetadataException` (which is retriable too) is [`ErrorCode::refreshes_metadata`].

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// What a client may do after an error.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// Nothing: the operation has failed for good, or is not an error.
    Nothing,
    /// Try again.
    Retry,
    /// Ask for the metadata, then try again.
    RefreshAndRetry,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $remedy:ident;)*) => {
        /// An error code of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(i16)]
        pub enum ErrorCode {
            $($(#[$doc])* $name = $code,)*
        }

        impl ErrorCode {
            /// All of them, by code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Reads a code of the wire. One that is not in the table is an unknown server error,
            /// as in Kafka (`Errors.forCode`).
            pub fn from_code(code: i16) -> Self {
                match code {
                    $($code => Self::$name,)*
                    _ => Self::UnknownServerError,
                }
            }

            /// Kafka's name, such as `NOT_LEADER_OR_FOLLOWER`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            fn remedy(self) -> Remedy {
                match self {
                    $(Self::$name => Remedy::$remedy,)*
                }
            }
        }
    };
}

impl ErrorCode {
    /// The code on the wire.
    pub fn code(self) -> i16 {
        self as i16
    }

    /// Whether it says that all went well.
    pub fn is_none(self) -> bool {
        self == Self::None
    }

    /// Whether the same request may succeed later (`RetriableException`).
    pub fn is_retriable(self) -> bool {
        self.remedy() != Remedy::Nothing
    }

    /// Whether the client's metadata is out of date (`InvalidMetadataException`).
    pub fn refreshes_metadata(self) -> bool {
        self.remedy() == Remedy::RefreshAndRetry
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.name())
        } else {
            serializer.serialize_i16(self.code())
        }
    }
}

impl JsonSchema for ErrorCode {
    fn schema_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Self::ALL.iter().map(|code| code.name()).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

error_codes! {
    /// The broker failed in a way that it has no code for.
    UnknownServerError = -1, "UNKNOWN_SERVER_ERROR", Nothing;
    /// No error.
    None = 0, "NONE", Nothing;
    /// The log does not hold the offset.
    OffsetOutOfRange = 1, "OFFSET_OUT_OF_RANGE", Nothing;
    /// A batch fails its checksum or is malformed.
    CorruptMessage = 2, "CORRUPT_MESSAGE", Retry;
    /// The broker does not host the partition.
    UnknownTopicOrPartition = 3, "UNKNOWN_TOPIC_OR_PARTITION", RefreshAndRetry;
    /// The fetch size is not possible.
    InvalidFetchSize = 4, "INVALID_FETCH_SIZE", Nothing;
    /// The partition has no leader.
    LeaderNotAvailable = 5, "LEADER_NOT_AVAILABLE", RefreshAndRetry;
    /// The broker is not the leader, or not a replica.
    NotLeaderOrFollower = 6, "NOT_LEADER_OR_FOLLOWER", RefreshAndRetry;
    /// The request did not finish within its own timeout.
    RequestTimedOut = 7, "REQUEST_TIMED_OUT", Retry;
    /// The broker is not there.
    BrokerNotAvailable = 8, "BROKER_NOT_AVAILABLE", Nothing;
    /// The replica is not on this broker.
    ReplicaNotAvailable = 9, "REPLICA_NOT_AVAILABLE", RefreshAndRetry;
    /// A batch is larger than `max.message.bytes`.
    MessageTooLarge = 10, "MESSAGE_TOO_LARGE", Nothing;
    /// The connection went before the response; clients make it.
    NetworkException = 13, "NETWORK_EXCEPTION", RefreshAndRetry;
    /// The coordinator still reads its partition.
    CoordinatorLoadInProgress = 14, "COORDINATOR_LOAD_IN_PROGRESS", Retry;
    /// There is no coordinator.
    CoordinatorNotAvailable = 15, "COORDINATOR_NOT_AVAILABLE", Retry;
    /// Another broker is the coordinator.
    NotCoordinator = 16, "NOT_COORDINATOR", Retry;
    /// The topic's name is not allowed.
    InvalidTopicException = 17, "INVALID_TOPIC_EXCEPTION", Nothing;
    /// The batches are larger than a segment.
    RecordListTooLarge = 18, "RECORD_LIST_TOO_LARGE", Nothing;
    /// The ISR is smaller than `min.insync.replicas`; nothing was appended.
    NotEnoughReplicas = 19, "NOT_ENOUGH_REPLICAS", Retry;
    /// The ISR shrank below `min.insync.replicas` after the append.
    NotEnoughReplicasAfterAppend = 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Retry;
    /// `acks` is none of −1, 0, 1.
    InvalidRequiredAcks = 21, "INVALID_REQUIRED_ACKS", Nothing;
    /// The group has another generation.
    IllegalGeneration = 22, "ILLEGAL_GENERATION", Nothing;
    /// The member's protocols do not fit the group's.
    InconsistentGroupProtocol = 23, "INCONSISTENT_GROUP_PROTOCOL", Nothing;
    /// The group's id is not allowed.
    InvalidGroupId = 24, "INVALID_GROUP_ID", Nothing;
    /// The group does not know the member.
    UnknownMemberId = 25, "UNKNOWN_MEMBER_ID", Nothing;
    /// The session timeout is not allowed.
    InvalidSessionTimeout = 26, "INVALID_SESSION_TIMEOUT", Nothing;
    /// The group rebalances: rejoin.
    RebalanceInProgress = 27, "REBALANCE_IN_PROGRESS", Nothing;
    /// A record's timestamp is out of range.
    InvalidTimestamp = 32, "INVALID_TIMESTAMP", Nothing;
    /// The version of the API is not spoken.
    UnsupportedVersion = 35, "UNSUPPORTED_VERSION", Nothing;
    /// There is a topic of that name.
    TopicAlreadyExists = 36, "TOPIC_ALREADY_EXISTS", Nothing;
    /// The number of partitions is not possible.
    InvalidPartitions = 37, "INVALID_PARTITIONS", Nothing;
    /// There are not enough brokers.
    InvalidReplicationFactor = 38, "INVALID_REPLICATION_FACTOR", Nothing;
    /// The assignment of replicas is not possible.
    InvalidReplicaAssignment = 39, "INVALID_REPLICA_ASSIGNMENT", Nothing;
    /// A configuration is not allowed.
    InvalidConfig = 40, "INVALID_CONFIG", Nothing;
    /// Another node is the controller.
    NotController = 41, "NOT_CONTROLLER", Retry;
    /// The request contradicts itself.
    InvalidRequest = 42, "INVALID_REQUEST", Nothing;
    /// The record format cannot do that.
    UnsupportedForMessageFormat = 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", Nothing;
    /// A policy forbids it.
    PolicyViolation = 44, "POLICY_VIOLATION", Nothing;
    /// The batch does not follow the last one of its producer.
    OutOfOrderSequenceNumber = 45, "OUT_OF_ORDER_SEQUENCE_NUMBER", Nothing;
    /// The batch was appended before; to the producer a success.
    DuplicateSequenceNumber = 46, "DUPLICATE_SEQUENCE_NUMBER", Nothing;
    /// A later epoch of the producer has written.
    InvalidProducerEpoch = 47, "INVALID_PRODUCER_EPOCH", Nothing;
    /// The transaction is not in that state.
    InvalidTxnState = 48, "INVALID_TXN_STATE", Nothing;
    /// The transactional id has another producer id.
    InvalidProducerIdMapping = 49, "INVALID_PRODUCER_ID_MAPPING", Nothing;
    /// The transaction timeout is too large.
    InvalidTransactionTimeout = 50, "INVALID_TRANSACTION_TIMEOUT", Nothing;
    /// The last transaction is still being completed.
    ConcurrentTransactions = 51, "CONCURRENT_TRANSACTIONS", Retry;
    /// A later coordinator has written.
    TransactionCoordinatorFenced = 52, "TRANSACTION_COORDINATOR_FENCED", Nothing;
    /// An earlier part of the request failed.
    OperationNotAttempted = 55, "OPERATION_NOT_ATTEMPTED", Nothing;
    /// The broker's disk failed.
    KafkaStorageError = 56, "KAFKA_STORAGE_ERROR", RefreshAndRetry;
    /// The broker has no state for the producer.
    UnknownProducerId = 59, "UNKNOWN_PRODUCER_ID", Nothing;
    /// The partition is being moved.
    ReassignmentInProgress = 60, "REASSIGNMENT_IN_PROGRESS", Nothing;
    /// The group has members.
    NonEmptyGroup = 68, "NON_EMPTY_GROUP", Nothing;
    /// There is no such group.
    GroupIdNotFound = 69, "GROUP_ID_NOT_FOUND", Nothing;
    /// The broker has dropped the fetch session.
    FetchSessionIdNotFound = 70, "FETCH_SESSION_ID_NOT_FOUND", Retry;
    /// The fetch session is out of step.
    InvalidFetchSessionEpoch = 71, "INVALID_FETCH_SESSION_EPOCH", Retry;
    /// The leader has no listener of that name.
    ListenerNotFound = 72, "LISTENER_NOT_FOUND", RefreshAndRetry;
    /// Topics cannot be deleted.
    TopicDeletionDisabled = 73, "TOPIC_DELETION_DISABLED", Nothing;
    /// The request's leader epoch is older than the broker's.
    FencedLeaderEpoch = 74, "FENCED_LEADER_EPOCH", RefreshAndRetry;
    /// The request's leader epoch is newer than the broker's.
    UnknownLeaderEpoch = 75, "UNKNOWN_LEADER_EPOCH", Retry;
    /// The batch is compressed in a way that the version does not allow.
    UnsupportedCompressionType = 76, "UNSUPPORTED_COMPRESSION_TYPE", Nothing;
    /// The broker has registered anew since.
    StaleBrokerEpoch = 77, "STALE_BROKER_EPOCH", Nothing;
    /// The new leader's high watermark has not caught up yet.
    OffsetNotAvailable = 78, "OFFSET_NOT_AVAILABLE", Retry;
    /// Join again with the member id given.
    MemberIdRequired = 79, "MEMBER_ID_REQUIRED", Nothing;
    /// The preferred replica cannot lead.
    PreferredLeaderNotAvailable = 80, "PREFERRED_LEADER_NOT_AVAILABLE", RefreshAndRetry;
    /// The group is full.
    GroupMaxSizeReached = 81, "GROUP_MAX_SIZE_REACHED", Nothing;
    /// Another member has the instance id.
    FencedInstanceId = 82, "FENCED_INSTANCE_ID", Nothing;
    /// No replica may lead.
    EligibleLeadersNotAvailable = 83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", RefreshAndRetry;
    /// The replica leads already.
    ElectionNotNeeded = 84, "ELECTION_NOT_NEEDED", RefreshAndRetry;
    /// The partition is not being moved.
    NoReassignmentInProgress = 85, "NO_REASSIGNMENT_IN_PROGRESS", Nothing;
    /// A record is refused by the broker.
    InvalidRecord = 87, "INVALID_RECORD", Nothing;
    /// An offset is part of an open transaction.
    UnstableOffsetCommit = 88, "UNSTABLE_OFFSET_COMMIT", Retry;
    /// A quota is exceeded.
    ThrottlingQuotaExceeded = 89, "THROTTLING_QUOTA_EXCEEDED", Retry;
    /// A later producer has the transactional id.
    ProducerFenced = 90, "PRODUCER_FENCED", Nothing;
    /// There is no such resource.
    ResourceNotFound = 91, "RESOURCE_NOT_FOUND", Nothing;
    /// A resource is named twice.
    DuplicateResource = 92, "DUPLICATE_RESOURCE", Nothing;
    /// The partition epoch of the request is not the current one.
    InvalidUpdateVersion = 95, "INVALID_UPDATE_VERSION", Nothing;
    /// The feature cannot be changed.
    FeatureUpdateFailed = 96, "FEATURE_UPDATE_FAILED", Nothing;
    /// There is no such snapshot.
    SnapshotNotFound = 98, "SNAPSHOT_NOT_FOUND", Nothing;
    /// The snapshot is shorter.
    PositionOutOfRange = 99, "POSITION_OUT_OF_RANGE", Nothing;
    /// The broker does not know the topic id.
    UnknownTopicId = 100, "UNKNOWN_TOPIC_ID", RefreshAndRetry;
    /// Another live broker has the id.
    DuplicateBrokerRegistration = 101, "DUPLICATE_BROKER_REGISTRATION", Nothing;
    /// The broker has not registered.
    BrokerIdNotRegistered = 102, "BROKER_ID_NOT_REGISTERED", Nothing;
    /// The log's topic id is not the request's.
    InconsistentTopicId = 103, "INCONSISTENT_TOPIC_ID", RefreshAndRetry;
    /// The request is for another cluster.
    InconsistentClusterId = 104, "INCONSISTENT_CLUSTER_ID", Nothing;
    /// The fetch session mixes names and ids.
    FetchSessionTopicIdError = 106, "FETCH_SESSION_TOPIC_ID_ERROR", Retry;
    /// A replica of the new ISR may not join it.
    IneligibleReplica = 107, "INELIGIBLE_REPLICA", Nothing;
    /// The change of the ISR elected another leader.
    NewLeaderElected = 108, "NEW_LEADER_ELECTED", Nothing;
    /// The offset is in remote storage.
    OffsetMovedToTieredStorage = 109, "OFFSET_MOVED_TO_TIERED_STORAGE", Nothing;
    /// The member's epoch is older than the coordinator's.
    FencedMemberEpoch = 110, "FENCED_MEMBER_EPOCH", Nothing;
    /// The instance id is still in use.
    UnreleasedInstanceId = 111, "UNRELEASED_INSTANCE_ID", Nothing;
    /// The assignor is not known.
    UnsupportedAssignor = 112, "UNSUPPORTED_ASSIGNOR", Nothing;
    /// The member's epoch has passed: update it.
    StaleMemberEpoch = 113, "STALE_MEMBER_EPOCH", Nothing;
    /// The request went to the wrong kind of node.
    MismatchedEndpointType = 114, "MISMATCHED_ENDPOINT_TYPE", Nothing;
    /// That kind of node is not known.
    UnsupportedEndpointType = 115, "UNSUPPORTED_ENDPOINT_TYPE", Nothing;
    /// The controller is not known.
    UnknownControllerId = 116, "UNKNOWN_CONTROLLER_ID", Nothing;
    /// The broker's registration contradicts the cluster.
    InvalidRegistration = 119, "INVALID_REGISTRATION", Nothing;
    /// The transaction must be aborted.
    TransactionAbortable = 120, "TRANSACTION_ABORTABLE", Nothing;
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn every_code_is_read_back_as_itself() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(code.code()), *code);
        }
        assert!(ErrorCode::ALL.is_sorted_by(|a, b| a.code() < b.code()));
    }

    #[test]
    fn a_code_that_nobody_knows_is_an_unknown_server_error() {
        assert_eq!(ErrorCode::from_code(32_000), ErrorCode::UnknownServerError);
        assert!(!ErrorCode::UnknownServerError.is_retriable());
    }

    #[test]
    fn metadata_is_refreshed_only_for_errors_that_are_retried() {
        let moved = ErrorCode::NotLeaderOrFollower;
        assert!(moved.is_retriable() && moved.refreshes_metadata());
        let ahead = ErrorCode::UnknownLeaderEpoch;
        assert!(ahead.is_retriable() && !ahead.refreshes_metadata());
        let large = ErrorCode::MessageTooLarge;
        assert!(!large.is_retriable() && !large.refreshes_metadata());
    }

    #[test]
    fn an_error_is_written_under_the_name_that_kafka_gives_it() {
        assert_eq!(ErrorCode::FencedLeaderEpoch.to_string(), "FENCED_LEADER_EPOCH");
        let json = serde_json::to_string(&ErrorCode::None).expect("a string is JSON");
        assert_eq!(json, "\"NONE\"");
    }
}
