//! `nonmonotonic-send`: a value stands before one that its producer sent earlier.

use super::{
    Anomaly, Case, Finding,
    sent_pairs::{With, Within, pairs},
};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    for pair in pairs(case, With::Furthest) {
        if pair.within == Within::TwoOperations && pair.gap < 0 {
            let anomaly = Anomaly::NonmonotonicSend(pair.values);
            all.push(Finding { partition: pair.partition.clone(), anomaly });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn a_value_that_stands_before_an_earlier_one_is_found() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 2)]);
        let send = clients.sent("p1", &["c"])[0];
        clients.unknown("p1", send);
        clients.poll("c1", &[(0, "a"), (1, "c"), (2, "b")]);
        assert_eq!(clients.count("nonmonotonic-send"), 1);
    }

    #[test]
    fn values_in_order_and_those_of_other_producers_are_none() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 2)]);
        let send = clients.sent("p2", &["c"])[0];
        clients.ack("p2", send, Some(1));
        assert_eq!(clients.count("nonmonotonic-send"), 0);
    }
}
