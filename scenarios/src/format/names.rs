//! Kafka's own names that a file can use: of its APIs and of its errors.

use broker::protocol::{ApiKey, ErrorCode};

/// The APIs whose messages a fault can pick out.
pub(super) fn apis() -> impl Iterator<Item = &'static str> {
    ApiKey::ALL.iter().map(|api| api.name())
}

/// The error codes that clients can be answered with and that `errors.<CODE>` can count.
pub(super) fn error_codes() -> impl Iterator<Item = &'static str> {
    ErrorCode::ALL.iter().filter(|code| !code.is_none()).map(|code| code.name())
}
