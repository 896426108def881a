//! `int-nonmonotonic-send`: the values of one operation stand in another order than they were sent.

use super::{
    Anomaly, Case, Finding,
    sent_pairs::{With, Within, pairs},
};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    for pair in pairs(case, With::Furthest) {
        if pair.within == Within::OneOperation && pair.gap < 0 {
            let anomaly = Anomaly::IntNonmonotonicSend(pair.values);
            all.push(Finding { partition: pair.partition.clone(), anomaly });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn an_operation_whose_values_are_turned_round_is_found() {
        let mut clients = Clients::default();
        let sends = clients.sent("p1", &["a", "b"]);
        clients.ack("p1", sends[0], Some(1));
        clients.ack("p1", sends[1], Some(0));
        assert_eq!(clients.count("int-nonmonotonic-send"), 1);
        assert_eq!(clients.count("nonmonotonic-send"), 0);
    }

    #[test]
    fn an_operation_in_order_is_none() {
        let mut clients = Clients::default();
        let sends = clients.sent("p1", &["a", "b"]);
        clients.ack("p1", sends[0], Some(0));
        clients.ack("p1", sends[1], Some(1));
        assert_eq!(clients.count("int-nonmonotonic-send"), 0);
    }
}
