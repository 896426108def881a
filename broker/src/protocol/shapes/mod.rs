//! The shapes of the bodies of requests and responses: which fields stand there at which version.
//!
//! Facts of Kafka's message schemas (`clients/src/main/resources/common/message`), written as data,
//! so that every length in a frame can be checked before the codec allocates by it. A nullable
//! field is not told from one that is not: the codec refuses a null where none may stand.

mod admin;
mod data;
mod inter_broker;
mod operations;
mod quorum;

pub(super) use admin::*;
pub(super) use data::*;
pub(super) use inter_broker::*;
pub(super) use operations::*;
pub(super) use quorum::*;
