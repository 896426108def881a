//! The steps of consumers from one delivery to the next, inside a poll or between two.

use broker::ids::{ClientId, TopicPartition};

use super::{Case, anomaly::Move, client_history::Read, version_order::VersionOrder};

/// A step of a consumer, and how far it goes in the version order.
pub(super) struct Step<'a> {
    pub(super) partition: &'a TopicPartition,
    pub(super) within: Within,
    /// By how many indexes it goes on: 1 where nothing is wrong.
    pub(super) gap: i64,
    pub(super) moved: Move,
}

/// Whether both deliveries are of one poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    OnePoll,
    TwoPolls,
}

/// Every step between deliveries with no assignment and no seek in between.
pub(super) fn steps<'a>(case: &'a Case<'_>) -> impl Iterator<Item = Step<'a>> {
    let readers = case.history.readers.iter();
    let streams = readers.flat_map(|(consumer, streams)| {
        streams.iter().map(move |(partition, reads)| (consumer, partition, reads))
    });
    streams.flat_map(|(consumer, partition, reads)| {
        let order = case.orders.get(partition).filter(|_| !reads.is_empty());
        order.into_iter().flat_map(move |order| of_stream(order, (consumer, partition), reads))
    })
}

fn of_stream<'a>(
    order: &'a VersionOrder,
    (consumer, partition): (&'a ClientId, &'a TopicPartition),
    reads: &'a [Read],
) -> impl Iterator<Item = Step<'a>> {
    let mut before = None;
    let mut deliveries = 0;
    reads.iter().filter_map(move |read| {
        let Read::Handed { moment, offset, value: _ } = *read else {
            before = None;
            return None;
        };
        let delivery = deliveries;
        deliveries += 1;
        let (then, from) = before.replace((moment, offset))?;
        let within = if then == moment { Within::OnePoll } else { Within::TwoPolls };
        let index = |offset| i64::try_from(order.index(offset)).unwrap_or(i64::MAX);
        let gap = index(offset) - index(from);
        let moved = Move { consumer: consumer.clone(), delivery, from, to: offset };
        Some(Step { partition, within, gap, moved })
    })
}
