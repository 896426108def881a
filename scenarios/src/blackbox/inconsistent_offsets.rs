//! `inconsistent-offsets`: one offset bears several values, to acknowledgements or to readers.

use super::{Anomaly, Case, Finding};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    for (partition, order) in case.orders.iter() {
        for (offset, values) in order.values.iter().filter(|(_, values)| 1 < values.len()) {
            let values = values.iter().map(|id| case.history.values.get(*id).clone()).collect();
            let anomaly = Anomaly::InconsistentOffsets { offset: *offset, values };
            all.push(Finding { partition: partition.clone(), anomaly });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn an_offset_that_bears_another_value_to_a_reader_is_found() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1)]);
        clients.sent("p1", &["c"]);
        clients.poll("c1", &[(0, "a"), (1, "c")]);
        assert_eq!(clients.count("inconsistent-offsets"), 1);
        let told = clients.findings().all[0].to_string();
        assert_eq!(told, "orders-0: inconsistent-offsets (offset 1 bears b and c)");
    }

    #[test]
    fn an_offset_that_everybody_sees_alike_is_none() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1)]);
        clients.poll("c1", &[(0, "a"), (1, "b")]);
        clients.poll("c2", &[(0, "a")]);
        assert_eq!(clients.count("inconsistent-offsets"), 0);
    }
}
