//! A stage for puppets: links that take exactly one millisecond, and a record of what was heard.

use core::time::Duration;

use super::puppet::{Do, End, Puppet};
use crate::{
    Config, Ending, LinkProfile, Moment, NodeId, Time, World, disk::DiskLatency, world::Died,
};

pub(super) const MS: Duration = Duration::from_millis(1);

pub(super) struct Stage {
    pub(super) world: World<Puppet>,
    pub(super) died: Vec<Died>,
    pub(super) answers: Vec<u32>,
    heard: Vec<(NodeId, Time, String)>,
}

impl Stage {
    /// A stage with these nodes, on each of which a puppet has started.
    pub(super) fn with<const N: usize>(names: [&str; N]) -> (Self, [NodeId; N]) {
        let link = LinkProfile { latency: MS..=MS, ..LinkProfile::default() };
        let config = Config { link, disk: DiskLatency::NONE, ..Config::default() };
        let mut world = World::new(1, config);
        let nodes = names.map(|name| {
            let node = world.add_node(name);
            world.start(node, Puppet::default());
            node
        });
        let mut stage = Self { world, died: Vec::new(), answers: Vec::new(), heard: Vec::new() };
        stage.run(Duration::ZERO);
        stage.heard.clear();
        (stage, nodes)
    }

    /// A server that listens, and a client that is connected to it as `o0`, on its side `a0`.
    pub(super) fn connected() -> (Self, [NodeId; 2]) {
        let (mut stage, [server, client]) = Self::with(["server", "client"]);
        stage.tell(server, Do::Listen(9));
        stage.tell(client, Do::Open(0, "server", 9));
        stage.run(5 * MS);
        assert_eq!(stage.heard(client), ["established o0"]);
        assert_eq!(stage.heard(server), ["accepted a0 from client"]);
        stage.heard.clear();
        (stage, [server, client])
    }

    pub(super) fn tell(&mut self, node: NodeId, task: Do) {
        self.tell_all(node, vec![task]);
    }

    pub(super) fn tell_all(&mut self, node: NodeId, tasks: Vec<Do>) {
        self.world.command_at(node, self.world.now(), tasks);
    }

    pub(super) fn say(&mut self, node: NodeId, end: End, text: &str) {
        self.tell(node, Do::Send(end, text.to_owned()));
    }

    pub(super) fn start(&mut self, node: NodeId) {
        self.world.start(node, Puppet::default());
    }

    /// Lets so much time pass.
    pub(super) fn run(&mut self, duration: Duration) {
        let until = self.world.now().plus(duration);
        loop {
            match self.world.advance_inline_until(until) {
                Moment::Stepped(step) => {
                    let at = self.world.now();
                    self.heard.extend(step.events.into_iter().map(|event| (step.node, at, event)));
                    self.died.extend(step.died.map(|died| *died));
                }
                Moment::Left(left) => self.answers.extend(left.answers),
                Moment::Reached => return,
                Moment::Alarm { token } => panic!("nobody set an alarm: {token}"),
                Moment::Ended(ending) => panic!("the run is over: {ending:?}"),
            }
        }
    }

    /// Goes on to the end of the run.
    pub(super) fn ending(&mut self) -> Ending {
        loop {
            if let Moment::Ended(ending) = self.world.advance_inline_until(Time::NEVER) {
                return ending;
            }
        }
    }

    /// What a node heard since the last time it was asked.
    pub(super) fn heard(&mut self, node: NodeId) -> Vec<String> {
        self.heard_at(node).into_iter().map(|(_, text)| text).collect()
    }

    /// The same, with the times.
    pub(super) fn heard_at(&mut self, node: NodeId) -> Vec<(Time, String)> {
        let (mine, others) = std::mem::take(&mut self.heard).into_iter().partition(|h| h.0 == node);
        self.heard = others;
        let mine: Vec<(NodeId, Time, String)> = mine;
        mine.into_iter().map(|(_, at, text)| (at, text)).collect()
    }
}
