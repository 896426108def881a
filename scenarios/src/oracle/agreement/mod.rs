//! The two oracles must agree: this one, which knows everything, and [`crate::blackbox`], which
//! knows what clients saw.
//!
//! **What the black box finds, the white box knows** ([`known`]). A value at an offset is a copy
//! that some leader appended there. Where a copy is gone from the final leader's log, nothing was
//! promised on it (never committed), or the promise is void by a rule, or the loss is reported.
//! Where two copies stand, `duplicate` is reported; what is lost, unseen or read no more is `lost`,
//! deleted, or otherwise reported; what stands in another order is `reordered`, unless one of the
//! two is gone. A consumer that went back or passed something over was reset, or it is reported.
//! A finding that the contract allows agrees if the white box names the rule or holds the facts
//! from which the rule follows; a finding of which it knows nothing is a disagreement.
//!
//! **What the white box reports and a reader can observe, the black box finds** ([`seen`]). This
//! holds once somebody has read everything. An acked record that is lost is `lost-write`, `unseen`
//! or `lost-read`; a record at two places is `duplicate`; an inversion shows between some two
//! values of that producer and partition; a delivered record that was lost or changed is
//! `lost-read`, `duplicate` or `inconsistent-offsets`. No client can see a record without ack that
//! is gone, a read before the commitment, a replica that diverged and does not lead, or a broken
//! invariant that led to nothing.
//!
//! Partitions of deleted topics are not compared: their names, and offsets, may come again.
//! `int-send-skip` is allowed and needs no reason.

mod known;
mod seen;

use std::collections::{BTreeMap, BTreeSet};

use broker::ids::{Offset, TopicPartition};
use reports::{Anomaly, Moment, Violation};

use super::{Case, Judgement};
use crate::{
    blackbox::{FinalReader, Findings},
    history::SendIndex,
};

const NAME: &str = "oracles-agree";

/// Compares the findings. Each kind of disagreement is told once for a partition.
pub(super) fn judge(case: &Case<'_>, clients: &Findings, judgement: &mut Judgement) {
    let white = White::new(case, clients, judgement);
    let mut told: BTreeMap<(TopicPartition, String), (String, u64)> = BTreeMap::new();
    let mut tell = |partition: &TopicPartition, kind: &str, detail: String| {
        let place = (partition.clone(), kind.to_owned());
        told.entry(place).or_insert((detail, 0)).1 += 1;
    };
    for finding in clients.all.iter().filter(|finding| white.compares(&finding.partition)) {
        if let Err(why) = known::explain(&white, finding) {
            let detail = format!("clients found {finding}; the white box: {why}");
            tell(&finding.partition, finding.anomaly.name(), detail);
        }
    }
    if matches!(clients.final_reader, FinalReader::ReadAll(_)) {
        let black = seen::Black::new(case, clients);
        for anomaly in &judgement.anomalies {
            let Some(partition) = partition_of(anomaly).filter(|name| white.compares(name)) else {
                continue;
            };
            if !seen::is_seen(&white, &black, &partition, anomaly) {
                let (kind, explanation) = (&anomaly.kind, &anomaly.explanation);
                let detail = format!("{partition}: {kind} ({explanation}), which no client found");
                tell(&partition, kind, detail);
            }
        }
    }
    let at = Moment(case.history.now().at);
    judgement.violations.extend(told.into_values().map(|(detail, times)| {
        let detail = if times == 1 { detail } else { format!("{detail}; {times} such") };
        Violation { invariant: NAME.to_owned(), at, node: "clients".to_owned(), detail }
    }));
}

/// What the white box reports, by what it reports it of.
struct White<'a> {
    case: &'a Case<'a>,
    read_all: bool,
    broke_invariants: bool,
    of_send: BTreeMap<SendIndex, BTreeSet<String>>,
    at: BTreeMap<(TopicPartition, Offset), BTreeSet<String>>,
    deleted: BTreeSet<&'a TopicPartition>,
}

impl<'a> White<'a> {
    fn new(case: &'a Case<'a>, clients: &Findings, judgement: &Judgement) -> Self {
        let deleted = case.history.deleted_partitions().iter().map(|partition| &partition.name);
        let mut white = Self {
            case,
            read_all: matches!(clients.final_reader, FinalReader::ReadAll(_)),
            broke_invariants: !judgement.violations.is_empty(),
            of_send: BTreeMap::new(),
            at: BTreeMap::new(),
            deleted: deleted.collect(),
        };
        for anomaly in &judgement.anomalies {
            if let Some(send) = send_of(case, anomaly) {
                white.of_send.entry(send).or_default().insert(anomaly.kind.clone());
            }
            if let (Some(partition), Some(offset)) = (partition_of(anomaly), anomaly.offset) {
                let place = (partition, Offset(offset));
                white.at.entry(place).or_default().insert(anomaly.kind.clone());
            }
        }
        white
    }

    fn compares(&self, partition: &TopicPartition) -> bool {
        !self.deleted.contains(partition) && self.case.history.partition(partition).is_some()
    }

    /// Whether one of these kinds is reported of the send.
    fn names(&self, send: SendIndex, kinds: &[&str]) -> bool {
        let named = self.of_send.get(&send);
        named.is_some_and(|named| kinds.iter().any(|kind| named.contains(*kind)))
    }

    /// Whether one of these kinds is reported at the offset.
    fn names_at(&self, partition: &TopicPartition, offset: Offset, kinds: &[&str]) -> bool {
        let named = self.at.get(&(partition.clone(), offset));
        named.is_some_and(|named| kinds.iter().any(|kind| named.contains(*kind)))
    }
}

fn partition_of(anomaly: &Anomaly) -> Option<TopicPartition> {
    Some(TopicPartition::new(anomaly.topic.as_deref()?, anomaly.partition?))
}

fn send_of(case: &Case<'_>, anomaly: &Anomaly) -> Option<SendIndex> {
    case.history.sends().of_value(anomaly.record.as_deref()?.as_bytes())
}
