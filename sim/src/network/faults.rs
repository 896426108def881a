//! What is done to the network from outside: cuts, resets, rules, and hosts that die.

use std::sync::Arc;

use super::{
    FrameInfo, LinkProfile, Network, Power, RuleAction, RuleId, Wiring,
    rule::Rule,
    side,
    wire::{EndState, Hold, What},
};
use crate::{draws::Draws, queue::Direction, world::NodeId};

impl<T> Network<T> {
    pub(crate) fn link_profile(&mut self, from: NodeId, to: NodeId) -> LinkProfile {
        self.link(from, to).profile().clone()
    }

    pub(crate) fn set_link_profile(&mut self, from: NodeId, to: NodeId, profile: LinkProfile) {
        self.link(from, to).set_profile(profile);
    }

    pub(crate) fn usual_profile(&self) -> &LinkProfile {
        &self.usual
    }

    /// Every link draws from the streams of another seed from now on.
    pub(crate) fn reseed(&mut self, draws: Draws) {
        self.draws = draws;
        for (row, links) in self.links.0.iter_mut().enumerate() {
            for (column, link) in links.iter_mut().enumerate() {
                if let Some(link) = link {
                    link.reseed(draws, &self.hosts[row].name, &self.hosts[column].name);
                }
            }
        }
    }

    pub(crate) fn cut(&mut self, from: NodeId, to: NodeId) {
        self.link(from, to).cut();
    }

    pub(crate) fn add_rule(
        &mut self,
        action: RuleAction,
        count: u32,
        matches: impl Fn(&FrameInfo<'_, T>) -> bool + Send + Sync + 'static,
    ) -> RuleId {
        let id = RuleId(self.rules_made);
        self.rules_made += 1;
        self.rules.push(Rule::new(id, action, count, Arc::new(matches)));
        id
    }

    /// Lets a rule begin only after so many more frames have matched it.
    pub(crate) fn skip_matches(&mut self, rule: RuleId, matches: u32) {
        if let Some(rule) = self.rules.iter_mut().find(|known| known.id == rule) {
            rule.skip(matches);
        }
    }

    /// How many frames a rule holds now.
    pub(crate) fn held_by(&self, rule: RuleId) -> usize {
        let lanes = self.wires.values().flat_map(|wire| &wire.lanes);
        lanes.flat_map(|lane| &lane.parcels).filter(|p| p.hold == Hold::Rule(rule)).count()
    }

    fn wires_at(&self, node: NodeId) -> Vec<u64> {
        let touches = |ends: &[super::End; 2]| ends.iter().any(|end| end.node == node);
        let wires = self.wires.iter().filter(|(_, wire)| touches(&wire.ends));
        wires.map(|(&number, _)| number).collect()
    }
}

impl<T> Wiring<'_, T> {
    /// Takes one cut off a link; when it was the last, what was held sets out.
    pub(crate) fn heal(&mut self, from: NodeId, to: NodeId) {
        self.network.link(from, to).heal();
        self.let_go(|ends| ends == (from, to));
    }

    /// Takes all cuts off all links.
    pub(crate) fn heal_all(&mut self) {
        for link in self.network.links.0.iter_mut().flatten().flatten() {
            link.heal_wholly();
        }
        self.let_go(|_| true);
    }

    /// Resets every connection between two nodes: both ends are told, after what was sent before.
    pub(crate) fn reset(&mut self, one: NodeId, other: NodeId) {
        for number in self.network.wires_at(one) {
            let Some(wire) = self.network.wires.get(&number) else { continue };
            let ends = (wire.ends[0].node, wire.ends[1].node);
            if ends == (one, other) || ends == (other, one) {
                self.break_wire(number);
            }
        }
    }

    /// The connection is torn on the way.
    pub(super) fn break_wire(&mut self, number: u64) {
        let Some(wire) = self.network.wires.get_mut(&number) else { return };
        if wire.broken {
            return;
        }
        wire.broken = true;
        let born = wire.ends[1].state != EndState::Unborn;
        self.post((number, Direction::Back), What::Reset, 0, Hold::Free);
        if born {
            self.post((number, Direction::Forth), What::Reset, 0, Hold::Free);
        } else if let Some(wire) = self.network.wires.get_mut(&number) {
            wire.lanes[0].clear();
        }
    }

    /// Ends a rule: what it holds sets out.
    pub(crate) fn release(&mut self, rule: RuleId) {
        let Self { network, queue, now } = self;
        network.rules.retain(|known| known.id != rule);
        for (&number, wire) in &mut network.wires {
            for direction in [Direction::Forth, Direction::Back] {
                let lane = &mut wire.lanes[side(direction)];
                let held = lane.parcels.iter_mut().filter(|p| p.hold == Hold::Rule(rule));
                held.for_each(|parcel| parcel.release(*now));
                lane.schedule(queue, *now, (number, direction));
            }
        }
    }

    /// A process is no more, but its kernel lives: it closes what the process had open.
    pub(crate) fn end_process(&mut self, node: NodeId) {
        self.network.hosts[node.index()].ports.clear();
        for number in self.network.wires_at(node) {
            for direction in [Direction::Forth, Direction::Back] {
                let wire = self.network.wires.get(&number);
                if wire.is_some_and(|wire| wire.ends[side(direction)].node == node) {
                    self.close_end((number, direction));
                }
            }
        }
        // A new incarnation numbers its connections anew.
        self.network.hosts[node.index()].opened.clear();
    }

    /// A host loses power: it forgets its connections, and what it still had to send is gone.
    pub(crate) fn power_off(&mut self, node: NodeId) {
        let host = &mut self.network.hosts[node.index()];
        host.power = Power::Off;
        host.ports.clear();
        host.opened.clear();
        for number in self.network.wires_at(node) {
            for direction in [Direction::Forth, Direction::Back] {
                self.power_off_end(node, number, direction);
            }
            self.network.maybe_forget(number);
        }
    }

    fn power_off_end(&mut self, node: NodeId, number: u64, direction: Direction) {
        let Some(wire) = self.network.wires.get(&number) else { return };
        let (mine, peer) = (wire.ends[side(direction)].node, wire.ends[1 - side(direction)].node);
        if mine != node {
            return;
        }
        let stuck = self.network.is_cut(mine, peer) || self.network.power(peer) == Power::Off;
        let Some(wire) = self.network.wires.get_mut(&number) else { return };
        if wire.ends[side(direction)].state != EndState::Unborn {
            wire.ends[side(direction)].state = EndState::Gone;
        }
        if stuck {
            // A reset may have been among what is gone: what the peer sends must call it forth
            // anew.
            wire.broken = false;
            wire.lanes[side(direction)].clear();
        }
    }

    /// A host has power again: what its peers sent meanwhile is sent again.
    pub(crate) fn power_on(&mut self, node: NodeId) {
        self.network.hosts[node.index()].power = Power::On;
        self.let_go(|(_, to)| to == node);
    }

    fn let_go(&mut self, chosen: impl Fn((NodeId, NodeId)) -> bool) {
        let Self { network, queue, now } = self;
        let numbers: Vec<u64> = network.wires.keys().copied().collect();
        for number in numbers {
            for direction in [Direction::Forth, Direction::Back] {
                let Some(wire) = network.wires.get(&number) else { continue };
                let from = wire.ends[side(direction)].node;
                let to = wire.ends[1 - side(direction)].node;
                if !chosen((from, to)) || network.is_cut(from, to) {
                    continue;
                }
                let Some(wire) = network.wires.get_mut(&number) else { continue };
                let lane = &mut wire.lanes[side(direction)];
                lane.let_go(*now);
                lane.schedule(queue, *now, (number, direction));
            }
        }
    }
}
