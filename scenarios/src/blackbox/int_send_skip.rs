//! `int-send-skip`: something stands between two values of one operation. Kafka never promised
//! otherwise.

use super::{
    Anomaly, Case, Finding,
    sent_pairs::{With, Within, pairs},
};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    for pair in pairs(case, With::Last) {
        if pair.within == Within::OneOperation && 1 < pair.gap {
            let anomaly = Anomaly::IntSendSkip(pair.values);
            all.push(Finding { partition: pair.partition.clone(), anomaly });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn an_operation_with_another_value_in_its_midst_is_found() {
        let mut clients = Clients::acked(&[("x", 1)]);
        let sends = clients.sent("p2", &["a", "b"]);
        clients.ack("p2", sends[0], Some(0));
        clients.ack("p2", sends[1], Some(2));
        assert_eq!(clients.count("int-send-skip"), 1);
    }

    #[test]
    fn an_operation_in_one_piece_is_none() {
        let mut clients = Clients::acked(&[("x", 2)]);
        let sends = clients.sent("p2", &["a", "b"]);
        clients.ack("p2", sends[0], Some(0));
        clients.ack("p2", sends[1], Some(1));
        assert_eq!(clients.count("int-send-skip"), 0);
    }
}
