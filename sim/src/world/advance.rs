//! Going on: the next thing from the queue, and what comes of it.

use crate::{
    disk::{Death, PowerLossReport},
    door::{ConnectFailure, Input, OpenedId, Outbox, Output, Process},
    executor::{Executor, Inline, Job},
    queue::Due,
    time::Time,
    trace::Kind,
    world::{Died, Ending, Health, Moment, NodeId, Stepped, World, lines, node::Departure},
};

/// What the world needs to go on.
enum Turn<P: Process> {
    /// Nothing: this came of it.
    Moment(Moment<P>),
    /// A step.
    Job(Box<Job<P>>),
    /// Another look into the queue.
    Nothing,
}

impl<P: Process> World<P> {
    /// Goes on until the next moment.
    pub async fn advance(&mut self, executor: &mut impl Executor<P>) -> Moment<P> {
        self.advance_until(Time::NEVER, executor).await
    }

    /// Goes on until the next moment, but not beyond `time`: when nothing more happens up to and
    /// including it, it is that time, and [`Moment::Reached`].
    pub async fn advance_until(
        &mut self,
        time: Time,
        executor: &mut impl Executor<P>,
    ) -> Moment<P> {
        loop {
            match self.turn(time) {
                Turn::Moment(moment) => return moment,
                Turn::Job(job) => {
                    executor.advance_to(self.now);
                    let job = executor.execute(job).await;
                    return self.stepped(job);
                }
                Turn::Nothing => {}
            }
        }
    }

    /// As [`World::advance_until`], with each step executed on the spot.
    pub fn advance_inline_until(&mut self, time: Time) -> Moment<P> {
        Inline::block_on(self.advance_until(time, &mut Inline))
    }

    fn turn(&mut self, until: Time) -> Turn<P> {
        if let Some(ending) = &self.ending {
            return Turn::Moment(Moment::Ended(ending.clone()));
        }
        if let Some(node) = self.leaving.take() {
            return self.leave(node).map_or(Turn::Nothing, Turn::Moment);
        }
        let next = self.queue.next_time();
        if until < next.unwrap_or(Time::NEVER) && until < Time::NEVER {
            self.now = self.now.max(until);
            return Turn::Moment(Moment::Reached);
        }
        let max = self.config.time_max;
        let Some(next) = next else { return Turn::Moment(self.end(Ending::Quiet)) };
        if max < next {
            return Turn::Moment(self.end(Ending::TimeLimit { max }));
        }
        let Some((time, due)) = self.queue.take() else { return Turn::Nothing };
        self.now = time;
        self.on_due(due)
    }

    fn end(&mut self, ending: Ending) -> Moment<P> {
        self.ending = Some(ending.clone());
        Moment::Ended(ending)
    }

    fn on_due(&mut self, due: Due) -> Turn<P> {
        match due {
            Due::Lane { connection, direction, generation } => {
                let arrived = self.wiring().arrive((connection, direction), generation);
                arrived.map_or(Turn::Nothing, |(node, input)| self.admit(node, input))
            }
            Due::Wake { node } => self.admit(node, Input::Woken),
            Due::Leave { node, incarnation } => {
                if self.incarnation(node) != incarnation {
                    return Turn::Nothing;
                }
                self.leave(node).map_or(Turn::Nothing, Turn::Moment)
            }
            Due::Inbox { node, incarnation } => {
                let state = &mut self.nodes[node.index()];
                if state.incarnation != incarnation || !state.is_ready() {
                    return Turn::Nothing;
                }
                let input = state.inbox.pop_front();
                input.map_or(Turn::Nothing, |input| self.take_input(node, input))
            }
            Due::UnknownHost { node, incarnation, opened } => {
                if self.incarnation(node) != incarnation {
                    return Turn::Nothing;
                }
                let connection = OpenedId(opened);
                let failure = ConnectFailure::UnknownHost;
                self.admit(node, Input::ConnectFailed { connection, failure })
            }
            Due::Command { node, number } => {
                let command = self.commands.remove(&number);
                command.map_or(Turn::Nothing, |command| self.admit(node, Input::Command(command)))
            }
            Due::Alarm { token } => Turn::Moment(Moment::Alarm { token }),
        }
    }

    /// An input has come to a node: its process takes it, now or when it can.
    fn admit(&mut self, node: NodeId, input: Input<P::Command>) -> Turn<P> {
        let state = &mut self.nodes[node.index()];
        if !state.is_alive() {
            return Turn::Nothing;
        }
        if state.is_ready() && state.inbox.is_empty() {
            return self.take_input(node, input);
        }
        state.inbox.push_back(input);
        Turn::Nothing
    }

    fn take_input(&mut self, node: NodeId, input: Input<P::Command>) -> Turn<P> {
        if let Some(ending) = self.count_input() {
            return Turn::Moment(self.end(ending));
        }
        self.trace.record(
            Kind::Input,
            self.now,
            Some((node, &self.nodes[node.index()].name)),
            |line| lines::input(line, &input),
            || format!("takes {input:?}"),
        );
        let now = self.now;
        let state = &mut self.nodes[node.index()];
        let (Some(process), Some(mut disk)) = (state.process.take(), state.disk.take()) else {
            panic!("{node} takes an input while its process is away");
        };
        disk.begin(now);
        let out = Outbox::over(std::mem::take(&mut self.spare), disk.death_switch());
        let job = Job {
            node,
            name: state.name.clone(),
            incarnation: state.incarnation,
            now: state.clock.read(now),
            input: Some(input),
            process: Some(process),
            disk: Some(disk),
            out,
            deadline: None,
            panic: None,
        };
        Turn::Job(match self.spare_job.take() {
            Some(mut room) => {
                *room = job;
                room
            }
            None => Box::new(job),
        })
    }

    /// Counts an input that is about to be taken, unless it is one too many.
    fn count_input(&mut self) -> Option<Ending> {
        let max = self.config.inputs_max;
        if max <= self.inputs {
            return Some(Ending::InputLimit { max });
        }
        self.inputs += 1;
        let (at, count) = self.inputs_at;
        self.inputs_at = if at == self.now { (at, count + 1) } else { (self.now, 1) };
        let many = self.config.inputs_at_once_max < self.inputs_at.1;
        many.then_some(Ending::Livelock { at: self.now })
    }

    /// A step was executed. Its events are told; its outputs wait.
    fn stepped(&mut self, mut job: Box<Job<P>>) -> Moment<P> {
        let (node, incarnation, now) = (job.node, job.incarnation, self.now);
        let mut outputs = job.out.take_outputs();
        let events = self.tell(node, &mut outputs);
        let state = &mut self.nodes[node.index()];
        state.process = job.process.take();
        state.disk = job.disk.take();
        state.deadline = job.deadline;
        let (took, point) = state.disk_mut().end();
        let panic = job.panic.take();
        self.spare_job = Some(job);
        if let Some(point) = point {
            let power_loss = self.die(node, point.death);
            let died = Some(Box::new(Died { point, power_loss }));
            return Moment::Stepped(Stepped { node, incarnation, events, died });
        }
        if let Some(message) = panic {
            self.told(Some(node), || format!("panics: {message}"));
            return self.end(Ending::Panicked { node, message });
        }
        state.departure = Departure::Waiting(outputs);
        // A busy process does not wake; its deadline is looked at again when its outputs have left.
        if took.is_zero() {
            self.leaving = Some(node);
        } else {
            self.queue.wake(node, Time::NEVER);
            self.queue.put(now.plus(took), Due::Leave { node, incarnation });
        }
        Moment::Stepped(Stepped { node, incarnation, events, died: None })
    }

    /// Takes the events out of the outputs of a step.
    fn tell(&mut self, node: NodeId, outputs: &mut Vec<Output<P>>) -> Vec<P::Event> {
        let is_event = |output: &Output<P>| matches!(output, Output::Event(_));
        let count = outputs.iter().filter(|output| is_event(output)).count();
        if count == 0 {
            return Vec::new();
        }
        let mut events = Vec::with_capacity(count);
        for output in outputs.extract_if(.., |output| is_event(output)) {
            let Output::Event(event) = output else { continue };
            self.trace.record(
                Kind::Event,
                self.now,
                Some((node, &self.nodes[node.index()].name)),
                |line| line.value(&event),
                || format!("{event:?}"),
            );
            events.push(event);
        }
        events
    }

    fn die(&mut self, node: NodeId, death: Death) -> Option<PowerLossReport> {
        match death {
            Death::Crash => {
                self.crash(node);
                None
            }
            Death::PowerOff(unsynced) => Some(self.power_off(node, unsynced)),
        }
    }

    /// The outputs of a node's last step leave, if it is not paused.
    fn leave(&mut self, node: NodeId) -> Option<Moment<P>> {
        let state = &mut self.nodes[node.index()];
        let departure = std::mem::replace(&mut state.departure, Departure::Idle);
        let outputs = match departure {
            Departure::Idle => return None,
            Departure::Waiting(outputs) | Departure::Overdue(outputs) => outputs,
        };
        if state.health == Health::Paused {
            state.departure = Departure::Overdue(outputs);
            return None;
        }
        let left = self.let_out(node, outputs);
        self.go_on(node);
        Some(Moment::Left(left))
    }

    /// A node that can take inputs again looks for them.
    pub(super) fn go_on(&mut self, node: NodeId) {
        let state = &self.nodes[node.index()];
        if state.is_ready() && !state.inbox.is_empty() {
            let incarnation = state.incarnation;
            self.queue.put(self.now, Due::Inbox { node, incarnation });
        }
        self.set_wake(node);
    }
}
