//! Availability: how long nothing went on, and whether it went on again (contract 4.10).

use std::collections::BTreeSet;

use broker::ids::BrokerId;
use reports::Anomaly;

use super::{Case, Judgement, Recovery, loss::acks_of};
use crate::history::{Completion, History, Leadership, PartitionHistory, Promised, electable};

const NANOS_PER_MILLI: u64 = 1_000_000;

pub(super) fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    let waits = &mut judgement.unavailable_ms;
    waits.without_leader = longest_without_leader(case.history) / NANOS_PER_MILLI;
    let without_acks_all =
        case.history.partitions().values().map(|partition| without_acks_all(case, partition));
    waits.without_acks_all = without_acks_all.max().unwrap_or(0) / NANOS_PER_MILLI;
    match &case.config.recovery {
        Recovery::Reached => {}
        Recovery::NotReached { detail, gone } => {
            judgement.anomalies.push(not_recovered(case, detail, gone));
        }
    }
}

fn longest_without_leader(history: &History) -> u64 {
    let end = history.now().at;
    let of_partition = |steps: &Vec<(crate::history::When, Leadership)>| {
        let ends = steps.iter().skip(1).map(|(when, _)| when.at).chain([end]);
        let spans = steps.iter().zip(ends);
        let leaderless = spans.filter(|((_, leadership), _)| *leadership == Leadership::Leaderless);
        leaderless.map(|((from, _), to)| to.saturating_sub(from.at)).max().unwrap_or(0)
    };
    history.leaderships().values().map(of_partition).max().unwrap_or(0)
}

/// The longest time in which sends with acks=all waited and none was acknowledged.
fn without_acks_all(case: &Case<'_>, partition: &PartitionHistory) -> u64 {
    let end = case.history.now().at;
    let mut steps = Vec::new();
    for (_, send) in case.history.sends().iter() {
        if send.partition.as_ref() != Some(&partition.name) || acks_of(case, send) != -1 {
            continue;
        }
        let (ended, kind) = match send.completion {
            Some((when, Completion::Acked(_))) => (when.at, WaitStep::Acked),
            Some((when, Completion::Failed(_) | Completion::Unknown(_))) => {
                (when.at, WaitStep::GivenUp)
            }
            None => (end, WaitStep::GivenUp),
        };
        steps.push((send.when.at, WaitStep::Sent));
        steps.push((ended, kind));
    }
    steps.sort_unstable();
    longest_wait(&steps)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum WaitStep {
    Sent,
    Acked,
    GivenUp,
}

fn longest_wait(steps: &[(u64, WaitStep)]) -> u64 {
    let (mut waiting, mut since, mut longest) = (0_u64, 0, 0);
    for (at, step) in steps {
        match step {
            WaitStep::Sent => {
                since = if waiting == 0 { *at } else { since };
                waiting += 1;
            }
            WaitStep::Acked => {
                longest = longest.max(at - since);
                since = *at;
                waiting -= 1;
            }
            WaitStep::GivenUp => {
                longest = longest.max(at - since);
                waiting -= 1;
            }
        }
    }
    longest
}

fn not_recovered(case: &Case<'_>, detail: &str, gone: &BTreeSet<BrokerId>) -> Anomaly {
    let excuse = case.history.partitions().values().find_map(|partition| excuse(partition, gone));
    let (kind, rule, explanation) = match excuse {
        Some(excuse) => ("unavailable", "permanent fault", format!("{detail}: {excuse}")),
        None => ("stuck", "recovery", detail.to_owned()),
    };
    Anomaly {
        kind: kind.to_owned(),
        topic: None,
        partition: None,
        offset: None,
        record: None,
        allowed: kind == "unavailable",
        rule: rule.to_owned(),
        cause: explanation.clone(),
        explanation,
    }
}

/// Why a partition cannot come back while these brokers are gone.
fn excuse(partition: &PartitionHistory, gone: &BTreeSet<BrokerId>) -> Option<String> {
    let record = partition.metadata.current()?;
    // KIP-966 elects the last leader where nobody else is left.
    let mut leaders = partition.metadata.changes().iter().rev().map(|change| change.record.leader);
    let last_known = match partition.promised {
        Promised::UntilUncleanEnds => leaders.find_map(|leader| leader),
        Promised::UntilDisksLoseIt => None,
    };
    let nobody = electable(record).chain(last_known).all(|member| gone.contains(&member));
    if nobody && !record.unclean_leader_election {
        return Some(format!("nobody of the ISR of {} will ever be back", partition.name));
    }
    let left = record.replicas.iter().filter(|replica| !gone.contains(replica)).count();
    let minimum = usize::try_from(record.min_insync_replicas).unwrap_or(usize::MAX);
    let minimum = minimum.min(record.replicas.len());
    (left < minimum).then(|| {
        format!("{} can have {left} replicas in sync, and needs {minimum}", partition.name)
    })
}

#[cfg(test)]
mod tests {
    use super::{WaitStep::*, longest_wait};

    #[test]
    fn waiting_counts_only_while_something_waits_and_nothing_is_acknowledged() {
        let steps =
            [(0, Sent), (10, Acked), (100, Sent), (110, Sent), (130, Acked), (190, GivenUp)];
        assert_eq!(longest_wait(&steps), 60);
        assert_eq!(longest_wait(&[]), 0);
    }
}
