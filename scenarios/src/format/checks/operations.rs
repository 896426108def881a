//! What operators do: that what they name exists, and that they ask for something.

use crate::format::{
    Action, AddPartitions, Issue, KeyPath, Reassign, SetConfig, Target, WantedReplicas,
};

use super::Cast;

/// The word for every partition.
const ALL: &str = "all";

/// Checks an action of an operator; `at` is the key that names it.
pub(super) fn check(cast: &Cast, action: &Action, at: &KeyPath) -> Result<(), Issue> {
    match action {
        Action::ElectPreferred(elect) if elect.partition == ALL => Ok(()),
        Action::ElectPreferred(elect) => cast.named_partition(&elect.partition, at),
        Action::Reassign(Reassign { wanted }) => check_replicas(cast, wanted, at),
        Action::SetConfig(SetConfig { wanted }) => {
            cast.topic(&wanted.topic, &at.key("topic"))?;
            if wanted.config == broker::config::TopicOverrides::default() {
                return Err(Issue::value(at.key("config"), "this sets nothing"));
            }
            Ok(())
        }
        Action::AddPartitions(AddPartitions { wanted }) => {
            let before = cast.topic(&wanted.topic, &at.key("topic"))?;
            if wanted.count <= before {
                let message = format!("`{}` has {before} partitions already", wanted.topic);
                return Err(Issue::value(at.key("count"), message));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn check_replicas(cast: &Cast, wanted: &WantedReplicas, at: &KeyPath) -> Result<(), Issue> {
    cast.named_partition(&wanted.partition, &at.key("partition"))?;
    for (place, name) in wanted.replicas.iter().enumerate() {
        let at = at.key("replicas").index(place);
        cast.broker(&Target::Node(name.clone()), &at)?;
        if wanted.replicas[..place].contains(name) {
            return Err(Issue::value(at, format!("`{name}` stands here twice")));
        }
    }
    Ok(())
}
