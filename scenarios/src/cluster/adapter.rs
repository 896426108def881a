//! One door turned into the other: each variant of the sim crate's input is the broker crate's, and
//! each variant of the broker crate's output is the sim crate's.

use broker::host::{self, Gate, Process};

use super::{
    disk::HostDisk,
    node::{AppCommand, Node},
};

/// Lets a process take an input of the world. `command` makes its command out of the world's.
pub(super) fn drive<P: Process>(
    process: &mut P,
    now: sim::Now,
    input: sim::Input<AppCommand>,
    disk: &mut sim::Disk,
    out: &mut sim::Outbox<Node>,
    command: impl FnOnce(AppCommand) -> Option<P::Command>,
) {
    let Some(input) = self::input(input, command) else { return };
    // Only where the disk may die in the step is there something to shut off.
    let gate = disk.death_switch().is_armed().then(Gate::default);
    let mut outbox = host::Outbox::behind(gate.clone());
    process.step(self::now(now), input, &mut HostDisk::new(disk, gate), &mut outbox);
    for output in outbox.drain() {
        if let Some(output) = self::output(output) {
            // What stands in the broker's outbox was left before its gate was closed.
            out.push_from_before_death(output);
        }
    }
}

/// The deadline of a process, on the world's type.
pub(super) fn deadline(process: &impl Process) -> Option<sim::Instant> {
    process.deadline().map(|instant| sim::Instant(instant.0))
}

fn now(now: sim::Now) -> host::Now {
    host::Now { monotonic: host::Instant(now.monotonic.0), wall: host::Timestamp(now.wall.0) }
}

fn input<C>(
    input: sim::Input<AppCommand>,
    command: impl FnOnce(AppCommand) -> Option<C>,
) -> Option<host::Input<C>> {
    Some(match input {
        sim::Input::Started => host::Input::Started,
        sim::Input::Woken => host::Input::Woken,
        sim::Input::Accepted { connection, peer } => host::Input::Accepted {
            connection: host::AcceptedId(connection.0),
            peer: host::Address { host: peer.host, port: peer.port },
        },
        sim::Input::Established { connection } => {
            host::Input::Established { connection: host::OpenedId(connection.0) }
        }
        sim::Input::ConnectFailed { connection, failure } => host::Input::ConnectFailed {
            connection: host::OpenedId(connection.0),
            failure: match failure {
                sim::ConnectFailure::Refused => host::ConnectFailure::Refused,
                sim::ConnectFailure::UnknownHost => host::ConnectFailure::UnknownHost,
            },
        },
        sim::Input::Closed { connection } => {
            host::Input::Closed { connection: from_world(connection) }
        }
        sim::Input::Frame { connection, frame } => {
            host::Input::Frame { connection: from_world(connection), frame }
        }
        sim::Input::ShutdownAsked => host::Input::ShutdownAsked,
        sim::Input::Command(asked) => host::Input::Command(command(asked)?),
    })
}

/// Answers stay in the node: an application takes those of its client in the same step.
fn output<A>(output: host::Output<A>) -> Option<sim::Output<Node>> {
    Some(match output {
        host::Output::Listen { port } => sim::Output::Listen { port },
        host::Output::Open { connection, to } => sim::Output::Open {
            connection: sim::OpenedId(connection.0),
            to: sim::Address { host: to.host, port: to.port },
        },
        host::Output::Close { connection } => {
            sim::Output::Close { connection: to_world(connection) }
        }
        host::Output::Send { connection, frame, tag } => {
            sim::Output::Send { connection: to_world(connection), frame, tag }
        }
        host::Output::Answer(_) => return None,
        host::Output::Exit(reason) => sim::Output::Exit(match reason {
            host::ExitReason::CleanShutdown => sim::ExitReason::CleanShutdown,
            host::ExitReason::Halted => sim::ExitReason::Halted,
            host::ExitReason::CannotStart => sim::ExitReason::CannotStart,
        }),
        host::Output::Event(event) => sim::Output::Event(event),
    })
}

fn from_world(connection: sim::Connection) -> host::Connection {
    match connection {
        sim::Connection::Opened(id) => host::Connection::Opened(host::OpenedId(id.0)),
        sim::Connection::Accepted(id) => host::Connection::Accepted(host::AcceptedId(id.0)),
    }
}

fn to_world(connection: host::Connection) -> sim::Connection {
    match connection {
        host::Connection::Opened(id) => sim::Connection::Opened(sim::OpenedId(id.0)),
        host::Connection::Accepted(id) => sim::Connection::Accepted(sim::AcceptedId(id.0)),
    }
}
