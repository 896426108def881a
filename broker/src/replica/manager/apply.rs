//! Metadata that was published: what this broker leads, follows, creates and drops from now on.
//!
//! Mirrors `ReplicaManager.applyDelta` with `applyLocalLeadersDelta`, `applyLocalFollowersDelta`
//! and `stopPartitions`. What lay between the image applied before and this one is not seen.

use super::{Life, LogFailure, ReplicaManager};
use crate::{
    host::event::{PartitionEvent, Recovered},
    ids::{TopicId, TopicPartition},
    metadata::{MetadataDelta, MetadataImage, PartitionRegistration, TopicImage},
    replica::{
        effect::{Context, Effect},
        fetcher::Fetched,
        partition::{NewRole, Partition},
        rules::Switch,
    },
};

/// A partition of which this broker has a replica.
struct Local<'a> {
    name: TopicPartition,
    topic: &'a TopicImage,
    registration: &'a PartitionRegistration,
}

impl ReplicaManager {
    /// Acts upon what changed in the metadata.
    pub fn apply(&mut self, ctx: &mut Context<'_>, image: &MetadataImage, delta: &MetadataDelta) {
        if self.life == Life::Ended {
            return;
        }
        self.setting.cluster.adopt(image);
        let result = self.apply_delta(ctx, image, delta);
        self.guard(ctx, result);
        for leader in self.fetchers.end_idle() {
            ctx.effect(Effect::FetcherEnded { leader });
        }
        self.ask_leaders(ctx);
    }

    /// Deletes the logs that were found at the start and that the metadata does not assign to this
    /// broker (`LogManager.deleteStrayKRaftReplicas`). To be called once, when the metadata has
    /// been applied up to the end that was known at the start.
    pub fn remove_strays(&mut self, ctx: &mut Context<'_>) {
        if self.life == Life::Ended {
            return;
        }
        let result = self.delete_unclaimed(ctx);
        self.guard(ctx, result);
    }

    fn delete_unclaimed(&mut self, ctx: &mut Context<'_>) -> Result<(), LogFailure> {
        while let Some((name, _)) = self.unclaimed.pop_first() {
            self.logs.delete(ctx.now, &name, ctx.disk).map_err(LogFailure::of(&name))?;
            ctx.event(PartitionEvent::ReplicaRemoved { partition: name });
        }
        Ok(())
    }

    fn apply_delta(
        &mut self,
        ctx: &mut Context<'_>,
        image: &MetadataImage,
        delta: &MetadataDelta,
    ) -> Result<(), LogFailure> {
        for id in delta.deleted_topics().keys() {
            self.remove_topic(ctx, *id)?;
        }
        for topic in delta.configs().iter().filter_map(|id| image.topic(*id)) {
            self.reconfigure(topic);
        }
        let (mut led, mut followed) = (Vec::new(), Vec::new());
        for (topic_id, index) in delta.partitions() {
            let Some(topic) = image.topic(*topic_id) else { continue };
            let Some(registration) = topic.partitions.get(index) else { continue };
            let name = topic.topic_partition(*index);
            if !registration.replicas.contains(&self.setting.broker) {
                self.remove_partition(ctx, &name)?;
            } else if registration.leader == Some(self.setting.broker) {
                led.push(Local { name, topic, registration });
            } else {
                followed.push(Local { name, topic, registration });
            }
        }
        self.lead(ctx, &led)?;
        self.follow(ctx, &followed)?;
        match self.setting.rules.recheck_expansion_on_metadata {
            Switch::Off => {}
            Switch::On => self.recheck_expansions(ctx),
        }
        Ok(())
    }

    fn recheck_expansions(&mut self, ctx: &mut Context<'_>) {
        let mut proposals = Vec::new();
        for (name, partition) in &mut self.partitions {
            let proposal = partition.recheck_expansion(ctx, &self.setting);
            proposals.extend(proposal.map(|proposal| (name.clone(), proposal)));
        }
        for (name, proposal) in proposals {
            self.propose(ctx, &name, proposal);
        }
    }

    fn lead(&mut self, ctx: &mut Context<'_>, locals: &[Local<'_>]) -> Result<(), LogFailure> {
        for local in locals {
            self.fetchers.remove(&local.name);
        }
        for local in locals {
            if let NewRole::Leads { high_watermark_moved: true } = self.become_role(ctx, local)? {
                self.complete_waiting(ctx, &local.name)?;
            }
        }
        Ok(())
    }

    fn follow(&mut self, ctx: &mut Context<'_>, locals: &[Local<'_>]) -> Result<(), LogFailure> {
        let mut starting = Vec::new();
        for local in locals {
            let role = self.become_role(ctx, local)?;
            let leader =
                local.registration.leader.filter(|id| self.setting.cluster.is_registered(*id));
            match role {
                NewRole::Stale | NewRole::Unchanged | NewRole::Leads { .. } => {}
                NewRole::FollowsOn => {
                    let epoch = local.registration.leader_epoch;
                    if self.fetchers.set_leader_epoch(&local.name, epoch) == Fetched::No {
                        starting.extend(leader.map(|leader| (local, leader)));
                    }
                }
                NewRole::FollowsAnew => {
                    // Before the log is looked at: nothing may append to it any more (KAFKA-13266).
                    self.fetchers.remove(&local.name);
                    starting.extend(leader.map(|leader| (local, leader)));
                }
            }
            if self.must_stop(local.registration) {
                self.fetchers.remove(&local.name);
                starting.retain(|(one, _)| one.name != local.name);
            }
        }
        for (local, leader) in starting {
            self.begin_fetching(ctx, &local.name, leader)?;
        }
        for local in locals {
            self.complete_waiting(ctx, &local.name)?;
        }
        Ok(())
    }

    /// A broker that shuts down does not catch up where it is out of sync.
    fn must_stop(&self, registration: &PartitionRegistration) -> bool {
        match self.life {
            Life::Running | Life::Ended => false,
            Life::InControlledShutdown => {
                registration.leader.is_none() || !registration.isr.contains(&self.setting.broker)
            }
        }
    }

    fn become_role(
        &mut self,
        ctx: &mut Context<'_>,
        local: &Local<'_>,
    ) -> Result<NewRole, LogFailure> {
        self.ensure_partition(ctx, local)?;
        let Some(partition) = self.partitions.get_mut(&local.name) else {
            return Ok(NewRole::Stale);
        };
        partition.apply(ctx, &self.setting, local.registration).map_err(LogFailure::of(&local.name))
    }

    /// Takes the partition's log, or creates it.
    fn ensure_partition(
        &mut self,
        ctx: &mut Context<'_>,
        local: &Local<'_>,
    ) -> Result<(), LogFailure> {
        let (name, id) = (&local.name, local.topic.id);
        if self.partitions.get(name).is_some_and(|partition| partition.topic_id() == id) {
            return Ok(());
        }
        let config = local.topic.config(&self.config.topic_defaults());
        let log = match self.unclaimed.remove(name) {
            Some(mut log) if log.topic_id().is_none_or(|known| known == id) => {
                log.update_config(config);
                log
            }
            Some(_) => {
                // It is of an earlier topic of the same name.
                self.logs.delete(ctx.now, name, ctx.disk).map_err(LogFailure::of(name))?;
                self.create_log(ctx, local)?
            }
            None => self.create_log(ctx, local)?,
        };
        self.partitions.insert(name.clone(), Partition::new(name.clone(), id, log));
        Ok(())
    }

    fn create_log(
        &mut self,
        ctx: &mut Context<'_>,
        local: &Local<'_>,
    ) -> Result<crate::log::UnifiedLog, LogFailure> {
        let config = local.topic.config(&self.config.topic_defaults());
        let log = self
            .logs
            .create(ctx.now, &local.name, local.topic.id, config, ctx.disk)
            .map_err(LogFailure::of(&local.name))?;
        ctx.event(PartitionEvent::Recovered(Recovered {
            partition: local.name.clone(),
            clean: true,
            log_start_offset: log.log_start_offset(),
            log_end_offset: log.log_end_offset(),
            high_watermark: log.high_watermark(),
            recovery_point: log.recovery_point(),
            cut_bytes: 0,
            cut_reason: None,
        }));
        Ok(log)
    }

    fn reconfigure(&mut self, topic: &TopicImage) {
        let config = topic.config(&self.config.topic_defaults());
        for index in topic.partitions.keys() {
            if let Some(partition) = self.partitions.get_mut(&topic.topic_partition(*index)) {
                partition.log_mut().update_config(config.clone());
            }
        }
    }

    fn remove_topic(&mut self, ctx: &mut Context<'_>, id: TopicId) -> Result<(), LogFailure> {
        let of_topic: Vec<_> = self
            .partitions
            .values()
            .filter(|partition| partition.topic_id() == id)
            .map(|partition| partition.name().clone())
            .collect();
        of_topic.iter().try_for_each(|name| self.remove_partition(ctx, name))
    }

    fn remove_partition(
        &mut self,
        ctx: &mut Context<'_>,
        name: &TopicPartition,
    ) -> Result<(), LogFailure> {
        self.fetchers.remove(name);
        let had_partition = self.partitions.remove(name).is_some();
        if !had_partition && self.unclaimed.remove(name).is_none() {
            return Ok(());
        }
        self.logs.delete(ctx.now, name, ctx.disk).map_err(LogFailure::of(name))?;
        ctx.event(PartitionEvent::ReplicaRemoved { partition: name.clone() });
        self.complete_waiting(ctx, name)
    }
}
