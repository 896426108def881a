//! `aborted-read`: a consumer was handed a value whose send surely failed.
//!
//! Jepsen's G1a; without transactions it says that a producer called a send failed that was not.

use super::{Anomaly, Case, Finding, client_history::Told};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    let values = &case.history.values;
    for sent in case.history.sends.iter().filter(|sent| sent.told == Some(Told::Failed)) {
        for (partition, order) in case.orders.iter().filter(|_| values.is_name(sent.value)) {
            if let Some(offset) = order.earliest(sent.value) {
                let value = values.get(sent.value).clone();
                let anomaly = Anomaly::AbortedRead { value, offset };
                all.push(Finding { partition: partition.clone(), anomaly });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn a_value_that_failed_and_was_read_is_found() {
        let mut clients = Clients::default();
        let send = clients.sent("p1", &["a"])[0];
        clients.failed("p1", send);
        clients.poll("c1", &[(0, "a")]);
        assert_eq!(clients.count("aborted-read"), 1);
    }

    #[test]
    fn a_value_that_may_have_failed_may_be_read() {
        let mut clients = Clients::default();
        let sends = clients.sent("p1", &["a", "b"]);
        clients.unknown("p1", sends[0]);
        clients.failed("p1", sends[1]);
        clients.poll("c1", &[(0, "a")]);
        assert_eq!(clients.count("aborted-read"), 0);
    }
}
