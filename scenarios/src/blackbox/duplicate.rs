//! `duplicate`: one value stands at several offsets.

use super::{Anomaly, Case, Finding};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    let values = &case.history.values;
    for (partition, order) in case.orders.iter() {
        for (value, offsets) in order.offsets.iter().filter(|(_, offsets)| 1 < offsets.len()) {
            if values.is_name(*value) {
                let offsets = offsets.iter().copied().collect();
                let anomaly = Anomaly::Duplicate { value: values.get(*value).clone(), offsets };
                all.push(Finding { partition: partition.clone(), anomaly });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn a_value_at_two_offsets_is_found() {
        let mut clients = Clients::acked(&[("a", 1)]);
        clients.poll("c1", &[(0, "a"), (1, "a")]);
        assert_eq!(clients.count("duplicate"), 1);
    }

    #[test]
    fn a_value_read_twice_at_one_offset_or_sent_twice_is_none() {
        let mut clients = Clients::acked(&[("a", 0), ("warm-up", 1), ("warm-up", 2)]);
        clients.poll("c1", &[(0, "a"), (1, "warm-up"), (2, "warm-up")]);
        clients.poll("c2", &[(0, "a")]);
        assert_eq!(clients.count("duplicate"), 0);
    }
}
