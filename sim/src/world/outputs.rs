//! Letting the outputs of a step out, in their order.

use crate::{
    door::{Output, Process},
    network::LOOPBACK,
    queue::Due,
    trace::Kind,
    world::{Health, Left, NodeId, World, lines},
};

impl<P: Process> World<P> {
    pub(super) fn let_out(&mut self, node: NodeId, mut outputs: Vec<Output<P>>) -> Left<P> {
        let mut left = Left { node, answers: Vec::new(), exit: None };
        for output in outputs.drain(..) {
            self.trace.record(
                Kind::Output,
                self.now,
                Some((node, &self.nodes[node.index()].name)),
                |line| lines::output(line, &output),
                || format!("does {output:?}"),
            );
            self.on_output(node, output, &mut left);
            if left.exit.is_some() {
                break;
            }
        }
        self.spare = outputs;
        left
    }

    fn on_output(&mut self, node: NodeId, output: Output<P>, left: &mut Left<P>) {
        match output {
            Output::Listen { port } => self.network.listen(node, port),
            Output::Open { connection, to } => {
                if self.wiring().open(node, connection, &to).is_err() {
                    let incarnation = self.incarnation(node);
                    let due = Due::UnknownHost { node, incarnation, opened: connection.0 };
                    self.queue.put(self.now.plus(LOOPBACK), due);
                }
            }
            Output::Close { connection } => self.wiring().close(node, connection),
            Output::Send { connection, frame, tag } => {
                self.wiring().send(node, connection, frame, &tag);
            }
            Output::Answer(answer) => left.answers.push(answer),
            Output::Exit(reason) => {
                left.exit = Some(reason);
                self.end_process(node, Health::Down);
            }
            // Events were told when the step was over.
            Output::Event(_) => {}
        }
    }
}
