//! The values of each producer in the order in which they were sent, two and two.

use std::collections::BTreeMap;

use broker::ids::{ClientId, Offset, TopicPartition};

use super::{Case, anomaly::Inversion, client_history::Sent};

/// A value and one that was sent before it to the same partition by the same producer.
pub(super) struct Pair<'a> {
    pub(super) partition: &'a TopicPartition,
    /// Whether one operation sent both.
    pub(super) within: Within,
    /// By how many indexes the later stands behind the earlier.
    pub(super) gap: i64,
    pub(super) values: Inversion,
}

/// Whether both values were asked for at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    OneOperation,
    TwoOperations,
}

/// Which of the values sent before a value it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum With {
    /// The one before it.
    Last,
    /// The one that stands last of all before it: every inversion shows there.
    Furthest,
}

/// Each value whose place is known, with one that was sent before it.
pub(super) fn pairs<'a>(case: &'a Case<'_>, with: With) -> impl Iterator<Item = Pair<'a>> {
    let mut before: BTreeMap<(&ClientId, &TopicPartition), (&Sent, Offset)> = BTreeMap::new();
    case.history.sends.iter().filter_map(move |sent| {
        let partition = sent.partition.as_ref()?;
        let order = case.orders.get(partition)?;
        let named = case.history.values.is_name(sent.value);
        let at = order.earliest(sent.value).filter(|_| named)?;
        let place = (&sent.producer, partition);
        let (earlier, then) = *before.entry(place).or_insert((sent, at));
        if with == With::Last || then < at {
            before.insert(place, (sent, at));
        }
        if std::ptr::eq(earlier, sent) {
            return None;
        }
        let index = |offset| i64::try_from(order.index(offset)).unwrap_or(i64::MAX);
        let one = earlier.moment == sent.moment;
        let value = |sent: &Sent| case.history.values.get(sent.value).clone();
        Some(Pair {
            partition,
            within: if one { Within::OneOperation } else { Within::TwoOperations },
            gap: index(at) - index(then),
            values: Inversion {
                producer: sent.producer.clone(),
                earlier: (value(earlier), then),
                later: (value(sent), at),
            },
        })
    })
}
