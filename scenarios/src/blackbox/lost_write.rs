//! `lost-write`: an acked value was never read, although a value behind it was.
//!
//! The bound is the last of the first offsets of all values that were read: readers have come at
//! least that far. A value at several offsets counts by its first for the bound and by its last for
//! what should have been read, so that a duplicate raises no false alarm.

use super::{
    Anomaly, Case, Finding,
    client_history::{Sent, Told},
};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    for sent in &case.history.sends {
        if let Some(finding) = judge(case, sent) {
            all.push(finding);
        }
    }
}

/// Whether the value is lost, for [`super::unseen`] to leave it out.
pub(super) fn judge(case: &Case<'_>, sent: &Sent) -> Option<Finding> {
    let (Some(Told::Acked(Some(offset))), Some(partition)) = (sent.told, &sent.partition) else {
        return None;
    };
    let order = case.orders.get(partition)?;
    if order.read.contains(&sent.value) || !case.history.values.is_name(sent.value) {
        return None;
    }
    let lost = order.latest(sent.value)? <= order.bound?;
    let value = case.history.values.get(sent.value).clone();
    let anomaly = Anomaly::LostWrite { value, offset };
    lost.then(|| Finding { partition: partition.clone(), anomaly })
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn an_acked_value_that_readers_passed_is_found() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1), ("c", 2)]);
        clients.poll("c1", &[(0, "a"), (2, "c")]);
        assert_eq!((clients.count("lost-write"), clients.count("unseen")), (1, 0));
    }

    #[test]
    fn a_value_beyond_the_readers_or_never_acked_is_none() {
        let mut clients = Clients::acked(&[("a", 0), ("c", 2)]);
        let send = clients.sent("p1", &["b"])[0];
        clients.unknown("p1", send);
        clients.poll("c1", &[(0, "a")]);
        assert_eq!(clients.count("lost-write"), 0);
    }

    #[test]
    fn a_value_that_was_read_early_at_its_first_offset_bounds_nothing_behind_it() {
        let mut clients = Clients::acked(&[("b", 1), ("a", 2)]);
        clients.poll("c1", &[(0, "a")]);
        assert_eq!(clients.count("lost-write"), 0);
    }
}
