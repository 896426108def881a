//! Turns bodies into frames and back.
//!
//! Mirrors `RequestHeader`, `ResponseHeader`, `RequestUtils` and `AbstractResponse.parseResponse`.
//! The headers are written and read here, the bodies by the codec, after every length in them was
//! checked. A frame that cannot be read is a [`FrameError`]; what the connection does then is
//! decided upstairs (Kafka closes it, except after an `ApiVersions` request that is too new).

#[cfg(test)]
mod tests;

use std::{fmt, ops::RangeInclusive};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{
    ErrorCode,
    api::{ApiKey, Request, Response},
    versions,
    walk::{self, Malformed, WhatIsWrong},
};
use crate::{host::FrameTag, ids::ClientId};

/// The largest frame that is read: Kafka's default of `socket.request.max.bytes`.
pub const MAX_FRAME_SIZE: usize = 100 * 1024 * 1024;

/// A request as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestFrame {
    /// Which API is called.
    pub api: ApiKey,
    /// The version of the API, which the response must have too.
    pub version: i16,
    /// What ties the response to the request.
    pub correlation: i32,
    /// What the client calls itself; empty if it says nothing.
    pub client: ClientId,
    /// The request.
    pub body: Request,
}

/// A frame that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Too short for a header.
    #[error("a frame of {size} bytes has no header")]
    TooShort {
        /// Its size, in bytes.
        size: usize,
    },
    /// Larger than [`MAX_FRAME_SIZE`].
    #[error("a frame of {size} bytes is too large")]
    TooLong {
        /// Its size, in bytes.
        size: usize,
    },
    /// An API that is not spoken.
    #[error("API {key} is not spoken")]
    UnknownApi {
        /// Kafka's API key.
        key: i16,
        /// The version of the request.
        version: i16,
        /// The request's correlation id.
        correlation: i32,
    },
    /// A version that is not spoken. For `ApiVersions` it is answered, see
    /// [`versions::unsupported_api_versions_response`].
    #[error("version {version} of {api} is not spoken")]
    UnsupportedVersion {
        /// The API.
        api: ApiKey,
        /// The version.
        version: i16,
        /// The request's correlation id.
        correlation: i32,
    },
    /// The header or the body is not what its version says.
    #[error("{api} version {version}: {fault}")]
    Malformed {
        /// The API.
        api: ApiKey,
        /// The version.
        version: i16,
        /// The correlation id.
        correlation: i32,
        /// What is wrong.
        fault: FrameFault,
    },
}

/// What is wrong with a header or body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// Its lengths do not fit its bytes.
    #[error("{0}")]
    Shape(Malformed),
    /// The client id is not UTF-8.
    #[error("client_id: it is not UTF-8")]
    ClientId,
    /// A value within it is refused: text that is not UTF-8, a null where none may stand.
    #[error("{0}")]
    Value(String),
}

/// A body that does not exist at this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{api} version {version} cannot be encoded: {reason}")]
pub struct EncodeError {
    /// The API.
    pub api: ApiKey,
    /// The version.
    pub version: i16,
    /// Why not; most often a field is set that this version does not have.
    pub reason: String,
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ApiKey {
    /// Kafka's API key.
    pub fn code(self) -> i16 {
        self as i16
    }

    /// Kafka's name of the API, such as `OffsetForLeaderEpoch`.
    pub fn name(self) -> &'static str {
        self.api().name
    }

    fn is_flexible(self, version: i16) -> bool {
        self.api().flexible <= version
    }

    /// The header of a response to `ApiVersions` is never flexible: the client does not know yet
    /// what the broker speaks (KIP-511).
    fn has_flexible_response_header(self, version: i16) -> bool {
        self != Self::ApiVersions && self.is_flexible(version)
    }
}

/// Writes a request.
///
/// # Errors
///
/// The version is not spoken, or the body has a field set that the version does not have.
pub fn encode_request(
    version: i16,
    correlation: i32,
    client: &ClientId,
    body: &Request,
) -> Result<(Bytes, FrameTag), EncodeError> {
    let api = body.api();
    let refused = |reason: String| EncodeError { api, version, reason };
    require_spoken(versions::supported(api), version).map_err(refused)?;
    let name = client.0.as_bytes();
    let name_length = i16::try_from(name.len()).map_err(|error| refused(error.to_string()))?;
    let mut frame = BytesMut::with_capacity(HEADER_ROOM + name.len() + room_of_request(body));
    frame.put_i16(api.code());
    frame.put_i16(version);
    frame.put_i32(correlation);
    frame.put_i16(name_length);
    frame.put_slice(name);
    if api.is_flexible(version) {
        frame.put_u8(0);
    }
    body.write(version, &mut frame).map_err(refused)?;
    let tag = FrameTag { api: api.code(), version, correlation, response: false };
    Ok((frame.freeze(), tag))
}

/// Reads a request. The body's texts and records are slices of the frame.
///
/// # Errors
///
/// Whatever a peer can send wrong, see [`FrameError`].
pub fn decode_request(mut frame: Bytes) -> Result<RequestFrame, FrameError> {
    let size = frame.len();
    check_size(size, REQUEST_HEADER_MIN)?;
    let (key, version, correlation) = (frame.get_i16(), frame.get_i16(), frame.get_i32());
    let Some(api) = ApiKey::from_code(key) else {
        return Err(FrameError::UnknownApi { key, version, correlation });
    };
    if !api.api().versions.contains(&version) {
        return Err(FrameError::UnsupportedVersion { api, version, correlation });
    }
    let malformed = |fault| FrameError::Malformed { api, version, correlation, fault };
    let client = read_client(&mut frame).map_err(malformed)?;
    if api.is_flexible(version) {
        skip_tags(&mut frame).map_err(malformed)?;
    }
    check_body(api, version, api.api().request, &frame).map_err(malformed)?;
    let body = Request::read(api, version, &mut frame).map_err(FrameFault::Value);
    Ok(RequestFrame { api, version, correlation, client, body: body.map_err(malformed)? })
}

/// Writes a response.
///
/// # Errors
///
/// The version is not spoken, or the body has a field set that the version does not have.
pub fn encode_response(
    version: i16,
    correlation: i32,
    body: &Response,
) -> Result<(Bytes, FrameTag), EncodeError> {
    let api = body.api();
    let refused = |reason: String| EncodeError { api, version, reason };
    require_spoken(versions::supported(api), version).map_err(refused)?;
    let mut frame = BytesMut::with_capacity(HEADER_ROOM + room_of_response(body));
    frame.put_i32(correlation);
    if api.has_flexible_response_header(version) {
        frame.put_u8(0);
    }
    body.write(version, &mut frame).map_err(refused)?;
    let tag = FrameTag { api: api.code(), version, correlation, response: true };
    Ok((frame.freeze(), tag))
}

/// Reads the response to a request of this API and version. A peer that does not speak that version
/// of `ApiVersions` answers at version 0 (KIP-511), which is read too.
///
/// # Errors
///
/// Whatever a peer can send wrong, see [`FrameError`].
pub fn decode_response(
    api: ApiKey,
    version: i16,
    frame: Bytes,
) -> Result<(i32, Response), FrameError> {
    if api != ApiKey::ApiVersions || version == versions::UNSUPPORTED_API_VERSIONS_ANSWER {
        return decode_response_at(api, version, frame);
    }
    match decode_response_at(api, version, frame.clone()) {
        Ok(read) => Ok(read),
        Err(error) => read_unsupported(frame).ok_or(error),
    }
}

/// The correlation id of a response, without decoding it; `None` if the frame is too short.
pub fn correlation_of(frame: &[u8]) -> Option<i32> {
    frame.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
}

/// API key, version, correlation id.
const REQUEST_HEADER_MIN: usize = 8;
/// Correlation id.
const RESPONSE_HEADER_MIN: usize = 4;
/// The fixed parts of a header.
const HEADER_ROOM: usize = 16;
/// What most bodies fit in.
const BODY_ROOM: usize = 240;
/// What a partition of a body with records takes beside them.
const PARTITION_ROOM: usize = 64;

fn decode_response_at(
    api: ApiKey,
    version: i16,
    mut frame: Bytes,
) -> Result<(i32, Response), FrameError> {
    check_size(frame.len(), RESPONSE_HEADER_MIN)?;
    let correlation = frame.get_i32();
    if !api.api().versions.contains(&version) {
        return Err(FrameError::UnsupportedVersion { api, version, correlation });
    }
    let malformed = |fault| FrameError::Malformed { api, version, correlation, fault };
    if api.has_flexible_response_header(version) {
        skip_tags(&mut frame).map_err(malformed)?;
    }
    check_body(api, version, api.api().response, &frame).map_err(malformed)?;
    let body = Response::read(api, version, &mut frame).map_err(FrameFault::Value);
    Ok((correlation, body.map_err(malformed)?))
}

/// Reads the answer of a peer that does not speak the version of the `ApiVersions` request.
fn read_unsupported(frame: Bytes) -> Option<(i32, Response)> {
    let version = versions::UNSUPPORTED_API_VERSIONS_ANSWER;
    let (correlation, body) = decode_response_at(ApiKey::ApiVersions, version, frame).ok()?;
    let unsupported = ErrorCode::UnsupportedVersion.code();
    let is_that_answer =
        matches!(&body, Response::ApiVersions(answer) if answer.error_code == unsupported);
    is_that_answer.then_some((correlation, body))
}

fn require_spoken(spoken: RangeInclusive<i16>, version: i16) -> Result<(), String> {
    if spoken.contains(&version) {
        Ok(())
    } else {
        Err(format!("only versions {} to {} are spoken", spoken.start(), spoken.end()))
    }
}

fn check_size(size: usize, min: usize) -> Result<(), FrameError> {
    if size < min {
        Err(FrameError::TooShort { size })
    } else if MAX_FRAME_SIZE < size {
        Err(FrameError::TooLong { size })
    } else {
        Ok(())
    }
}

fn check_body(
    api: ApiKey,
    version: i16,
    shape: &walk::Shape,
    body: &[u8],
) -> Result<(), FrameFault> {
    walk::check(body, shape, version, api.api().flexible).map_err(FrameFault::Shape)
}

fn read_client(frame: &mut Bytes) -> Result<ClientId, FrameFault> {
    let bad = |what| FrameFault::Shape(Malformed { field: "client_id", what });
    let length = frame.try_get_i16().map_err(|_| bad(WhatIsWrong::Truncated))?;
    let length = match usize::try_from(length) {
        Ok(length) => length,
        Err(_) if length == -1 => 0,
        Err(_) => return Err(bad(WhatIsWrong::NegativeLength)),
    };
    let name = frame.get(..length).ok_or(bad(WhatIsWrong::Truncated))?;
    let client = ClientId::from(str::from_utf8(name).map_err(|_| FrameFault::ClientId)?);
    frame.advance(length);
    Ok(client)
}

fn skip_tags(frame: &mut Bytes) -> Result<(), FrameFault> {
    let rest = walk::skip_header_tags(frame).map_err(FrameFault::Shape)?.len();
    frame.advance(frame.len() - rest);
    Ok(())
}

/// A guess of the size of a body, which saves growing the buffer step by step.
fn room_of_request(body: &Request) -> usize {
    let Request::Produce(produce) = body else { return BODY_ROOM };
    let partitions = produce.topic_data.iter().flat_map(|topic| &topic.partition_data);
    BODY_ROOM + partitions.map(|it| room_of_records(it.records.as_ref())).sum::<usize>()
}

/// A guess of the size of a body, which saves growing the buffer step by step.
fn room_of_response(body: &Response) -> usize {
    let Response::Fetch(fetch) = body else { return BODY_ROOM };
    let partitions = fetch.responses.iter().flat_map(|topic| &topic.partitions);
    BODY_ROOM + partitions.map(|it| room_of_records(it.records.as_ref())).sum::<usize>()
}

fn room_of_records(records: Option<&Bytes>) -> usize {
    PARTITION_ROOM + records.map_or(0, Bytes::len)
}
