//! The nodes of a cluster and the clients that speak to it.

use std::{borrow::Cow, fmt, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// Writes an identifier as the name that people read, or as its number where nobody reads.
macro_rules! named_node {
    ($name:ident, $prefix:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_i32(self.0)
                }
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "examples": [concat!($prefix, "1")] })
            }
        }
    };
}

/// A broker's node id. Brokers count from 1 and are called `broker-1`, `broker-2`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BrokerId(pub i32);

named_node!(BrokerId, "broker-");

impl BrokerId {
    /// Reads a broker id of the wire, where a negative number says "none".
    pub fn from_wire(raw: i32) -> Option<Self> {
        (0 <= raw).then_some(Self(raw))
    }

    /// Writes a broker id for the wire, −1 if none.
    pub fn to_wire(broker: Option<Self>) -> i32 {
        broker.map_or(-1, |known| known.0)
    }
}

/// A controller's node id. Controllers count from 1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ControllerId(pub i32);

named_node!(ControllerId, "controller-");

/// The `client.id` of a producer or consumer. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ClientId(pub Arc<str>);

impl From<&str> for ClientId {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
