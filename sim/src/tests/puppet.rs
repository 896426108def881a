//! A process that does what it is told, and tells what it hears.

use core::time::Duration;

use serde::Serialize;
use sim::{
    Address, ConnectFailure, Connection, Disk, DiskError, ExitReason, Input, Instant, Now,
    OpenedId, Outbox, Process,
};

/// What a puppet can be told to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) enum Do {
    Listen(u16),
    Open(u64, &'static str, u16),
    Close(End),
    Send(End, String),
    WakeIn(Duration),
    Answer(u32),
    Exit,
    Panic(&'static str),
    Create(&'static str),
    Append(&'static str, Vec<u8>),
    Read(&'static str),
    SyncDir(&'static str),
    ReadClock,
}

/// A connection: opened under this number, or accepted under it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) enum End {
    Opened(u64),
    Accepted(u64),
}

impl From<End> for Connection {
    fn from(end: End) -> Self {
        match end {
            End::Opened(number) => Self::Opened(OpenedId(number)),
            End::Accepted(number) => Self::Accepted(sim::AcceptedId(number)),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Puppet {
    deadline: Option<Instant>,
}

impl Process for Puppet {
    type Command = Vec<Do>;
    type Answer = u32;
    type Event = String;
    /// The text of the frame.
    type Tag = String;

    fn step(&mut self, now: Now, input: Input<Vec<Do>>, disk: &mut Disk, out: &mut Outbox<Self>) {
        match input {
            Input::Started => out.event("started"),
            Input::Woken => {
                self.deadline = None;
                out.event("woken");
            }
            Input::Accepted { connection, peer } => {
                out.event(format!("accepted a{} from {}", connection.0, peer.host));
            }
            Input::Established { connection } => {
                out.event(format!("established o{}", connection.0));
            }
            Input::ConnectFailed { connection, failure } => {
                let why = match failure {
                    ConnectFailure::Refused => "refused",
                    ConnectFailure::UnknownHost => "unknown host",
                };
                out.event(format!("{why} o{}", connection.0));
            }
            Input::Closed { connection } => out.event(format!("closed {}", name(connection))),
            Input::Frame { connection, frame } => {
                let text = String::from_utf8_lossy(&frame);
                out.event(format!("{} got {text}", name(connection)));
            }
            Input::ShutdownAsked => out.event("shutdown"),
            Input::Command(tasks) => {
                for task in tasks {
                    self.obey(now, task, disk, out);
                }
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

impl Puppet {
    fn obey(&mut self, now: Now, task: Do, disk: &mut Disk, out: &mut Outbox<Self>) {
        let done = match task {
            Do::Listen(port) => return out.listen(port),
            Do::Open(number, host, port) => {
                return out.open(OpenedId(number), Address::new(host, port));
            }
            Do::Close(end) => return out.close(end.into()),
            Do::Send(end, text) => return out.send(end.into(), text.clone().into(), text),
            Do::WakeIn(duration) => {
                self.deadline = Some(now.monotonic.plus(duration));
                return;
            }
            Do::Answer(answer) => return out.answer(answer),
            Do::Exit => return out.exit(ExitReason::CleanShutdown),
            Do::Panic(message) => panic!("{message}"),
            Do::ReadClock => Ok(format!("clock {} {}", now.monotonic.0, now.wall.0)),
            Do::Create(path) => disk.create(path).map(|()| format!("create {path}")),
            Do::Append(path, bytes) => disk.append(path, &bytes).map(|()| format!("append {path}")),
            Do::Read(path) => disk
                .read_at(path, 0, usize::MAX)
                .map(|bytes| format!("read {path} {}", String::from_utf8_lossy(&bytes))),
            Do::SyncDir(path) => disk.sync_dir(path).map(|()| format!("syncdir {path}")),
        };
        out.event(done.unwrap_or_else(|error: DiskError| error.to_string()));
    }
}

fn name(connection: Connection) -> String {
    match connection {
        Connection::Opened(opened) => format!("o{}", opened.0),
        Connection::Accepted(accepted) => format!("a{}", accepted.0),
    }
}
