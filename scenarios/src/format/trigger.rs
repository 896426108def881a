//! A trigger at work: it sees events and says which is the one that was waited for.

use broker::host::Event;
use serde_json::Value;

use super::When;

/// Waits for an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    when: When,
    seen: u64,
}

impl Trigger {
    /// Waits for this.
    pub fn new(when: When) -> Self {
        Self { when, seen: 0 }
    }

    /// Looks at an event that `node` tells. True once: at the match that was waited for.
    pub fn observe(&mut self, node: &str, event: &Event) -> bool {
        if self.when.node.as_deref().is_some_and(|expected| expected != node)
            || event.kind() != self.when.event
            || !self.fields_match(event)
        {
            return false;
        }
        self.seen += 1;
        self.seen == self.when.count
    }

    fn fields_match(&self, event: &Event) -> bool {
        if self.when.fields.is_empty() {
            return true;
        }
        // Only events of the right kind come here.
        let value = serde_json::to_value(event).unwrap_or_default();
        let content = inside(inside(&value));
        self.when.fields.iter().all(|(name, expected)| {
            let own = content.get(name);
            let nested = || content.get("record").and_then(|record| record.get(name));
            own.or_else(nested).is_some_and(|actual| matches(expected, actual))
        })
    }
}

/// The content of an object that has one key.
fn inside(value: &Value) -> &Value {
    value.as_object().and_then(|object| object.values().next()).unwrap_or(&Value::Null)
}

fn matches(expected: &Value, actual: &Value) -> bool {
    if let (Value::Object(bounds), Some(number)) = (expected, actual.as_i64()) {
        let bound = |key| bounds.get(key).and_then(Value::as_i64);
        return bound("min").is_none_or(|min| min <= number)
            && bound("max").is_none_or(|max| number <= max);
    }
    expected == actual
}

#[cfg(test)]
mod tests {
    use broker::{
        host::event::{ControllerEvent, Election, ElectionKind, FenceReason, PartitionRecord},
        ids::{
            BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionEpoch, TopicId, TopicPartition,
        },
    };
    use serde_json::json;

    use super::*;

    fn elected(epoch: i32) -> Event {
        let record = PartitionRecord {
            partition: TopicPartition::new("orders", 0),
            topic_id: TopicId::ZERO,
            replicas: vec![BrokerId(1), BrokerId(2)],
            isr: vec![BrokerId(2)],
            elr: Vec::new(),
            leader: Some(BrokerId(2)),
            leader_epoch: LeaderEpoch(epoch),
            partition_epoch: PartitionEpoch(1),
            min_insync_replicas: 1,
            unclean_leader_election: false,
            metadata_offset: Offset(9),
        };
        let previous = Some(BrokerId(1));
        Event::Controller(ControllerEvent::Elected(Election {
            previous,
            kind: ElectionKind::Isr,
            record,
        }))
    }

    fn trigger(when: Value) -> Trigger {
        Trigger::new(serde_json::from_value(when).unwrap())
    }

    #[test]
    fn an_event_matches_by_kind_node_and_fields_of_its_record() {
        let mut waits = trigger(json!({
            "event": "elected", "partition": "orders-0", "isr": ["broker-2"],
            "leader_epoch": { "min": 2 }, "node": "controller-1001"
        }));
        assert!(!waits.observe("controller-1001", &elected(1)));
        assert!(!waits.observe("broker-1", &elected(2)));
        assert!(waits.observe("controller-1001", &elected(2)));
        assert!(!waits.observe("controller-1001", &elected(3)), "it fires once");
    }

    #[test]
    fn the_nth_match_is_the_one_that_counts() {
        let mut waits = trigger(json!({ "event": "elected", "count": 2 }));
        let fenced = Event::Controller(ControllerEvent::Fenced {
            broker: BrokerId(1),
            broker_epoch: BrokerEpoch(1),
            reason: FenceReason::Asked,
        });
        let fired = [elected(1), fenced, elected(2), elected(3)]
            .map(|event| waits.observe("controller-1001", &event));
        assert_eq!(fired, [false, false, true, false]);
    }
}
