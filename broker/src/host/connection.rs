//! Names of connections and of their far ends.

use std::{fmt, sync::Arc};

use schemars::JsonSchema;
use serde::Serialize;

/// Where a process can be reached: the node's name and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// A host name; in a simulation the node's name, such as `broker-1`.
    pub host: Arc<str>,
    /// The port.
    pub port: u16,
}

impl Address {
    /// The address `host:port`.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A connection that this process opened. The process numbers them, from 0, none twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct OpenedId(pub u64);

/// A connection that this process accepted. The host numbers them, none twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AcceptedId(pub u64);

/// A connection, seen from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Connection {
    /// This end opened it: it sends requests.
    Opened(OpenedId),
    /// This end accepted it: it sends responses.
    Accepted(AcceptedId),
}
