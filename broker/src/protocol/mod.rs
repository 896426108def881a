//! Kafka's wire format: requests, responses, error codes and record batches.
//!
//! The one place that knows the codec. A frame is a request or a response as it stands on the wire,
//! without its length prefix: [`encode_request`], [`decode_request`], [`encode_response`] and
//! [`decode_response`] turn bodies into frames and back (`RequestHeader`, `AbstractRequest` and
//! `AbstractResponse` in Kafka). Whatever a peer can send is a value: every length in a frame is
//! checked against the bytes behind it before anything is allocated.
//!
//! Which APIs and versions are spoken is a table, [`versions`]; error codes are [`ErrorCode`]
//! (`Errors`); record batches are opaque bytes with a view on their header, [`batch`]
//! (`DefaultRecordBatch`, KIP-98).
//!
//! It does not know connections, nor what any message means.

mod api;
pub mod batch;
mod error_code;
mod error_response;
mod fit;
mod frame;
#[cfg(test)]
mod hostile;
pub mod messages;
#[cfg(test)]
pub(crate) mod sample;
mod shapes;
pub mod versions;
mod walk;

pub use api::{ApiKey, Request, Response};
pub use error_code::ErrorCode;
pub use error_response::{error_response, is_not_controller};
pub use frame::{
    EncodeError, FrameError, FrameFault, MAX_FRAME_SIZE, RequestFrame, correlation_of,
    decode_request, decode_response, encode_request, encode_response,
};
pub use walk::{Malformed, WhatIsWrong};
