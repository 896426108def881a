//! The canonical bytes of inputs and outputs, as the trace hashes them.
//!
//! A frame is hashed as a whole where it leaves; where it arrives its length is enough, for the
//! network does not change it.

use crate::{
    door::{ConnectFailure, Connection, ExitReason, Input, Output, Process},
    trace::Line,
};

pub(super) fn input<C: serde::Serialize>(line: &mut Line<'_>, input: &Input<C>) {
    match input {
        Input::Started => line.tag(0),
        Input::Woken => line.tag(1),
        Input::Accepted { connection, peer } => {
            line.tag(2);
            line.number(connection.0);
            line.bytes(peer.host.as_bytes());
            line.number(u64::from(peer.port));
        }
        Input::Established { connection } => {
            line.tag(3);
            line.number(connection.0);
        }
        Input::ConnectFailed { connection, failure } => {
            line.tag(4);
            line.number(connection.0);
            line.tag(match failure {
                ConnectFailure::Refused => 0,
                ConnectFailure::UnknownHost => 1,
            });
        }
        Input::Closed { connection } => {
            line.tag(5);
            end(line, *connection);
        }
        Input::Frame { connection, frame } => {
            line.tag(6);
            end(line, *connection);
            line.number(frame.len() as u64);
        }
        Input::ShutdownAsked => line.tag(7),
        Input::Command(command) => {
            line.tag(8);
            line.value(command);
        }
    }
}

pub(super) fn output<P: Process>(line: &mut Line<'_>, output: &Output<P>) {
    match output {
        Output::Listen { port } => {
            line.tag(0);
            line.number(u64::from(*port));
        }
        Output::Open { connection, to } => {
            line.tag(1);
            line.number(connection.0);
            line.bytes(to.host.as_bytes());
            line.number(u64::from(to.port));
        }
        Output::Close { connection } => {
            line.tag(2);
            end(line, *connection);
        }
        Output::Send { connection, frame, tag } => {
            line.tag(3);
            end(line, *connection);
            line.value(tag);
            line.bytes(frame);
        }
        Output::Answer(answer) => {
            line.tag(4);
            line.value(answer);
        }
        Output::Exit(reason) => {
            line.tag(5);
            line.tag(match reason {
                ExitReason::CleanShutdown => 0,
                ExitReason::Halted => 1,
                ExitReason::CannotStart => 2,
            });
        }
        Output::Event(event) => {
            line.tag(6);
            line.value(event);
        }
    }
}

fn end(line: &mut Line<'_>, connection: Connection) {
    match connection {
        Connection::Opened(opened) => {
            line.tag(0);
            line.number(opened.0);
        }
        Connection::Accepted(accepted) => {
            line.tag(1);
            line.number(accepted.0);
        }
    }
}
