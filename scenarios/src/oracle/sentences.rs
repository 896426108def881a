//! Chains of events as sentences: offsets, epochs, brokers, times.

use broker::{host::event::TruncationReason, ids::BrokerId};

use crate::history::{BatchId, Excuse, Loss, PartitionHistory, Power, When, Why};

/// Why a broker lacks a batch at that time.
pub(super) fn why_lacking(
    partition: &PartitionHistory,
    broker: BrokerId,
    id: BatchId,
    when: When,
) -> String {
    let replica = partition.replica(broker);
    let loss = replica.and_then(|replica| replica.last_loss(id, when));
    loss.map_or_else(|| format!("{broker} never had it"), |loss| taken(broker, loss))
}

/// How a batch was taken from a replica: `cut by broker-1 at 11.900 s when it followed broker-2 in
/// epoch 1`.
pub(super) fn taken(broker: BrokerId, loss: &Loss) -> String {
    let Loss { until, why, .. } = *loss;
    match why {
        Why::Wipe => format!("gone with the disk of {broker}, wiped at {until}"),
        Why::Removed => format!("gone when the replica of {broker} was removed at {until}"),
        Why::RecoveryCut { power, excuse } => {
            let stop = match power {
                Power::Lost => "lost power",
                Power::Kept => "was stopped",
            };
            let disk = match excuse {
                Excuse::Disk => "it was not on its disk",
                Excuse::None => "though it was safe on its disk",
            };
            format!("gone from {broker}, which {stop} at {until}: {disk}")
        }
        Why::Truncated { leader_epoch, leader, reason } => {
            let own = if reason == TruncationReason::OwnHighWatermark {
                " to its own high watermark"
            } else {
                ""
            };
            let leader = leader.map_or_else(|| "a leader".to_owned(), |leader| leader.to_string());
            format!(
                "cut by {broker}{own} at {until} when it followed {leader} in epoch {leader_epoch}"
            )
        }
    }
}

/// The acks as people write them.
pub(super) fn acks(acks: i16) -> &'static str {
    match acks {
        0 => "acks=0",
        1 => "acks=1",
        _ => "acks=all",
    }
}
