//! The model against the bytes: at restarts and at the end.

use broker::ids::{Offset, TopicPartition};

use super::{
    FinalRead, History, ReplicaBytes, When, broker_of, decode,
    facts::Fact,
    partition::{PartitionHistory, Surroundings},
    replica::{Excuse, LastStep, Power, Stopped, Why},
};

impl History {
    /// Compares a replica's bytes with the model, after its log was opened. Where they differ, the
    /// bytes replace the model, and [`Fact::BytesDiffer`] or [`Fact::OpenedOtherwise`] says so,
    /// unless a power loss or an injected fault explains it.
    pub fn on_replica_bytes(
        &mut self,
        at: u64,
        node: &str,
        name: &TopicPartition,
        bytes: &ReplicaBytes,
    ) {
        self.tick(at);
        let (Some(broker), now) = (broker_of(node), self.now) else { return };
        let Some(partition) = self.partitions.get_mut(name) else { return };
        let (sends, facts) = (&mut self.sends, &mut self.facts);
        compare(partition, bytes, &mut Surroundings { now, broker, sends, facts });
    }

    /// Compares every replica with what was read at the end. The replicas of brokers that never
    /// came back are brought to what their next recovery would yield.
    pub fn on_final_read(&mut self, at: u64, read: &FinalRead) -> Vec<(TopicPartition, Fact)> {
        let mut differences = Vec::new();
        for ((name, broker), bytes) in &read.replicas {
            self.on_replica_bytes(at, &broker.to_string(), name, bytes);
            differences.extend(
                self.facts.drain(..).filter(is_difference).map(|fact| (name.clone(), fact)),
            );
        }
        differences
    }
}

fn is_difference(fact: &Fact) -> bool {
    matches!(fact, Fact::BytesDiffer { .. } | Fact::OpenedOtherwise { .. })
}

fn compare(partition: &mut PartitionHistory, bytes: &ReplicaBytes, ctx: &mut Surroundings<'_>) {
    let broker = ctx.broker;
    let Some(batches) = decode::batches(&bytes.log) else {
        let detail = "the log is not a sequence of whole batches".to_owned();
        ctx.facts.push(Fact::BytesDiffer { broker, detail });
        return;
    };
    let replica = partition.replicas.entry(broker).or_default();
    // The model lists what lies below the log start; the files may end there or begin below it.
    let first = batches.first().map_or(bytes.log_start, |(batch, _)| batch.base_offset);
    let from = replica.entries().partition_point(|entry| entry.base < first);
    let mut same = 0;
    for (entry, (batch, _)) in replica.entries()[from..].iter().zip(&batches) {
        let place = (batch.base_offset, batch.leader_epoch, batch.crc);
        let known = partition.batches.get(entry.batch);
        if place != (known.base_offset, known.leader_epoch, known.crc) {
            break;
        }
        same += 1;
    }
    let model_rest = replica.entries()[from..].get(same).map(|entry| entry.base);
    let bytes_rest = batches.get(same).map(|(batch, _)| batch.base_offset);
    if model_rest.is_none() && bytes_rest.is_none() {
        replica.log_start = bytes.log_start;
        return;
    }
    let difference = Difference { model: model_rest, bytes: bytes_rest };
    let stopped = replica.stopped.take().or(replica.opened_after.take());
    report(&difference, replica.log_end_offset(), stopped, ctx);
    if let Some(base) = model_rest {
        replace_tail(partition, base, stopped, ctx);
    }
    for (batch, raw) in &batches[same..] {
        partition.append(batch, raw, ctx);
    }
}

/// Where model and bytes part: the offset of the first batch of each that the other lacks.
struct Difference {
    model: Option<Offset>,
    bytes: Option<Offset>,
}

fn report(
    difference: &Difference,
    model_end: Offset,
    stopped: Option<Stopped>,
    ctx: &mut Surroundings<'_>,
) {
    let broker = ctx.broker;
    let unsynced = stopped.and_then(|stop| stop.unsynced_from).unwrap_or(Offset(i64::MAX));
    let cut_short = stopped.is_some_and(|stop| stop.last_step == LastStep::CutShort);
    let from = difference.model.unwrap_or(model_end);
    // What a power loss may have undone begins where the disk was not sure.
    if cut_short || unsynced <= from {
        return;
    }
    match (difference.model, difference.bytes) {
        (Some(log_end), None) => {
            ctx.facts.push(Fact::OpenedOtherwise { broker, model_end, log_end });
        }
        (None | Some(_), bytes) => {
            let at = bytes.unwrap_or(from);
            let detail = format!("at offset {at} its bytes are not the batch that the events told");
            ctx.facts.push(Fact::BytesDiffer { broker, detail });
        }
    }
}

fn replace_tail(
    partition: &mut PartitionHistory,
    base: Offset,
    stopped: Option<Stopped>,
    ctx: &Surroundings<'_>,
) {
    let replica = partition.replicas.entry(ctx.broker).or_default();
    let until: When = stopped.map_or(ctx.now, |stop| stop.when);
    let power = stopped.map_or(Power::Kept, |stop| stop.power);
    let unsynced = stopped.and_then(|stop| stop.unsynced_from).unwrap_or(Offset(i64::MAX));
    replica.cut(base, until, |at| Why::RecoveryCut {
        power,
        excuse: if unsynced <= at { Excuse::Disk } else { Excuse::None },
    });
}
