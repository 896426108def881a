//! The applications of a scenario: values that wrap a client, live and die with their node, and see
//! the client's answers in the step in which they come.

mod consumer;
mod producer;
mod topics;

use broker::host::{Disk, Input, Now, Outbox, Output, Process};

pub use consumer::ConsumerApp;
pub use producer::{ProducerApp, Workload};
pub use topics::TopicsApp;

/// Lets a client take an input: what it does passes on, what it answers is returned.
fn pass<C, A>(
    client: &mut C,
    now: Now,
    input: Input<C::Command>,
    disk: &mut dyn Disk,
    out: &mut Outbox<A>,
) -> Vec<C::Answer>
where
    C: Process,
{
    let mut inner = Outbox::new();
    client.step(now, input, disk, &mut inner);
    let mut answers = Vec::new();
    for output in inner.drain() {
        match output {
            Output::Answer(answer) => answers.push(answer),
            Output::Listen { port } => out.listen(port),
            Output::Open { connection, to } => out.open(connection, to),
            Output::Close { connection } => out.close(connection),
            Output::Send { connection, frame, tag } => out.send(connection, frame, tag),
            Output::Exit(reason) => out.exit(reason),
            Output::Event(event) => out.push(Output::Event(event)),
        }
    }
    answers
}

/// The input that is not a command of the application, for the client under it.
fn for_client<C, D>(input: Input<C>) -> Option<Input<D>> {
    Some(match input {
        Input::Started => Input::Started,
        Input::Woken => Input::Woken,
        Input::Accepted { connection, peer } => Input::Accepted { connection, peer },
        Input::Established { connection } => Input::Established { connection },
        Input::ConnectFailed { connection, failure } => {
            Input::ConnectFailed { connection, failure }
        }
        Input::Closed { connection } => Input::Closed { connection },
        Input::Frame { connection, frame } => Input::Frame { connection, frame },
        Input::ShutdownAsked => Input::ShutdownAsked,
        Input::Command(_) => return None,
    })
}
