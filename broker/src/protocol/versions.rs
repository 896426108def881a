//! Which versions of which APIs are spoken, and how a peer is told.
//!
//! Pinned, not taken from the codec, so that a new codec changes nothing that is said. The minima
//! are as low as real clients need. Mirrors `ApiVersionsResponse`, `ApiVersionManager` and the
//! `latestVersion` of `ApiKeys` (KIP-35, KIP-511, KIP-896).

use std::ops::RangeInclusive;

use super::{
    ErrorCode,
    api::ApiKey,
    messages::{ApiVersionsResponse, api_versions_response::ApiVersion},
};

/// Who serves an API: the `listeners` of Kafka's schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Brokers only.
    Broker,
    /// Controllers only.
    Controller,
    /// Brokers and controllers.
    Both,
}

/// Whose port a client has connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// A broker's.
    Broker,
    /// A controller's.
    Controller,
}

/// The versions that can be encoded and decoded.
pub fn supported(api: ApiKey) -> RangeInclusive<i16> {
    api.api().versions.clone()
}

/// The versions that are told to clients. Produce is told from 0, as Kafka does (KAFKA-18659), or
/// librdkafka would not compress; its versions 0–2 are refused when they are used.
pub fn advertised(api: ApiKey) -> RangeInclusive<i16> {
    let versions = &api.api().versions;
    let first = if api == ApiKey::Produce { 0 } else { *versions.start() };
    first..=*versions.end()
}

/// The version that our own clients use.
pub fn client_version(api: ApiKey) -> i16 {
    api.api().client
}

/// The version that brokers use among themselves and to the controller: the newest. A replica's
/// Fetch carries the broker's epoch (KIP-903) and topic ids (KIP-516), so it is 15 or later.
pub fn inter_broker_version(api: ApiKey) -> i16 {
    *api.api().versions.end()
}

/// Whether a port serves an API.
pub fn serves(listener: Listener, api: ApiKey) -> bool {
    match (api.api().served, listener) {
        (Served::Both, _)
        | (Served::Broker, Listener::Broker)
        | (Served::Controller, Listener::Controller) => true,
        (Served::Broker, Listener::Controller) | (Served::Controller, Listener::Broker) => false,
    }
}

/// The answer to an `ApiVersions` request.
pub fn api_versions_response(listener: Listener) -> ApiVersionsResponse {
    let apis = ApiKey::ALL.iter().filter(|api| serves(listener, **api));
    ApiVersionsResponse::default().with_api_keys(apis.map(|api| api_version(*api)).collect())
}

/// The answer to an `ApiVersions` request of a version that is not spoken. It must be encoded at
/// [`UNSUPPORTED_API_VERSIONS_ANSWER`], on a connection that stays open (KIP-511).
pub fn unsupported_api_versions_response(listener: Listener) -> ApiVersionsResponse {
    api_versions_response(listener).with_error_code(ErrorCode::UnsupportedVersion.code())
}

/// The version of the answer that every client can read.
pub const UNSUPPORTED_API_VERSIONS_ANSWER: i16 = 0;

fn api_version(api: ApiKey) -> ApiVersion {
    let versions = advertised(api);
    ApiVersion::default()
        .with_api_key(api.code())
        .with_min_version(*versions.start())
        .with_max_version(*versions.end())
}
