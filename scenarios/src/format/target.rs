//! Whom a fault meets: a node by name, or by the role it has at that instant.

use std::{borrow::Cow, fmt, str::FromStr};

use broker::ids::TopicPartition;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::units::{Expected, written_as_text};

/// One name or role. A role means the controller's record at the instant the fault is applied, and
/// is undone on the node it was applied to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// A node by its name: `broker-1`, `controller-1001`, or a client's name.
    Node(String),
    /// The active controller; while there is none, the one that was active last.
    Controller,
    /// The leader of a partition.
    Leader(TopicPartition),
    /// Every replica of a partition but its leader.
    Follower(TopicPartition),
    /// Every in-sync replica of a partition, the leader among them.
    InSync(TopicPartition),
}

/// The roles that stand before a colon.
const ROLES: [&str; 3] = ["leader", "follower", "in-sync"];

written_as_text!(
    Target,
    "target",
    "A node's name, `controller`, or a role: `leader:orders-0`, `follower:orders-0` (all of them), \
     `in-sync:orders-0`.",
    ["broker-1", "leader:orders-0"]
);

impl FromStr for Target {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let Some((role, partition)) = text.split_once(':') else {
            return match text {
                "" => Err(Expected("a node's name or a role".to_owned())),
                "controller" => Ok(Self::Controller),
                name => Ok(Self::Node(name.to_owned())),
            };
        };
        if !ROLES.contains(&role) {
            let meant = super::nearest(role, ROLES);
            let meant = meant.map_or_else(String::new, |r| format!(" (did you mean `{r}`?)"));
            return Err(Expected(format!("a role, `leader`, `follower` or `in-sync`{meant}")));
        }
        let partition = TopicPartition::parse(partition)
            .ok_or_else(|| Expected(format!("a partition behind `{role}:`, such as `orders-0`")))?;
        Ok(match role {
            "leader" => Self::Leader(partition),
            "follower" => Self::Follower(partition),
            _ => Self::InSync(partition),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => name.fmt(f),
            Self::Controller => f.write_str("controller"),
            Self::Leader(partition) => write!(f, "leader:{partition}"),
            Self::Follower(partition) => write!(f, "follower:{partition}"),
            Self::InSync(partition) => write!(f, "in-sync:{partition}"),
        }
    }
}

/// One target or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Targets {
    /// One.
    One(Target),
    /// Several, all at once.
    Many(Vec<Target>),
}

impl Targets {
    /// All of them.
    pub fn all(&self) -> &[Target] {
        match self {
            Self::One(target) => core::slice::from_ref(target),
            Self::Many(targets) => targets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_roles_are_read_as_they_are_written() {
        for text in ["broker-1", "controller", "leader:orders-0", "follower:o-1", "in-sync:a-b-2"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_unknown_role_names_the_nearest() {
        let Expected(message) = "leeder:orders-0".parse::<Target>().unwrap_err();
        assert!(message.contains("did you mean `leader`"), "{message}");
        assert!("leader:orders".parse::<Target>().is_err());
        assert!("".parse::<Target>().is_err());
    }
}
