//! Names of connections and of their far ends.

use std::{fmt, sync::Arc};

/// Where a process can be reached: the node's name and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The node's name, such as `broker-1`.
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

/// A connection that the process opened. The process numbers them, none twice in an incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenedId(pub u64);

/// A connection that the process accepted. The world numbers them, none twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AcceptedId(pub u64);

/// A connection, seen from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Connection {
    /// This end opened it.
    Opened(OpenedId),
    /// This end accepted it.
    Accepted(AcceptedId),
}
