//! An epoch has one leader, whoever tells of it.

use std::collections::BTreeMap;

use broker::{
    host::event::VoterState,
    ids::{ControllerId, LeaderEpoch},
};

use super::Telling;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SingleLeader {
    leaders: BTreeMap<LeaderEpoch, ControllerId>,
}

impl SingleLeader {
    pub(super) fn check(&mut self, now: &VoterState, telling: &mut Telling<'_>) {
        let Some(leader) = now.leader else { return };
        let known = *self.leaders.entry(now.epoch).or_insert(leader);
        if known != leader {
            telling.broke("quorum-single-leader", || {
                format!("epoch {} is led by {known} and, says {}, {leader}", now.epoch, now.voter)
            });
        }
    }
}
