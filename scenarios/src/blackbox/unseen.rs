//! `unseen`: an acked value that nobody read, although somebody has read everything by now.
//!
//! A value that [`super::lost_write`] finds is left to it: unseen are those behind which nothing
//! was read either, and those whose offset no broker said.

use super::{Anomaly, Case, FinalReader, Finding, client_history::Told, lost_write};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    let FinalReader::ReadAll(_) = case.final_reader else { return };
    let values = &case.history.values;
    for sent in case.history.sends.iter().filter(|sent| values.is_name(sent.value)) {
        let (Some(Told::Acked(offset)), Some(partition)) = (sent.told, &sent.partition) else {
            continue;
        };
        let order = case.orders.get(partition);
        let read = order.is_some_and(|order| order.read.contains(&sent.value));
        if !read && lost_write::judge(case, sent).is_none() {
            let anomaly = Anomaly::Unseen { value: values.get(sent.value).clone(), offset };
            all.push(Finding { partition: partition.clone(), anomaly });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn an_acked_value_at_the_end_that_the_last_reader_has_not_met_is_found() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1)]);
        let send = clients.sent("p1", &["c"])[0];
        clients.ack("p1", send, None);
        clients.read_all(&[(0, "a")]);
        assert_eq!((clients.count("unseen"), clients.count("lost-write")), (2, 0));
    }

    #[test]
    fn before_somebody_has_read_everything_a_value_may_yet_be_seen() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1)]);
        clients.poll("c1", &[(0, "a")]);
        assert_eq!(clients.count("unseen"), 0);
        clients.read_all(&[(0, "a"), (1, "b")]);
        assert_eq!(clients.count("unseen"), 0);
    }
}
