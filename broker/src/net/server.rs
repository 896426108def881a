//! The accepting end of connections (Kafka's `SocketServer`, `Processor` and `RequestChannel`).
//!
//! **One request at a time.** The next request of a connection is taken only when the one before is
//! answered, or done in case it gets no answer. A parked produce or fetch therefore holds up its
//! connection, which is why clients keep one for each purpose.
//!
//! A frame that cannot be read closes its connection, as in Kafka; only an `ApiVersions` request of
//! a version that is too high is answered, so that newer clients can step down.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::{
    host::{AcceptedId, Address, Connection, Outbox},
    protocol::{
        ApiKey, FrameError, RequestFrame, Response, decode_request, encode_response,
        versions::{self, Listener},
    },
};

/// A request that is being served: unique within an incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A request to serve.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// How to answer it.
    pub id: RequestId,
    /// Where it came from.
    pub peer: Address,
    /// What it says.
    pub frame: RequestFrame,
}

/// The accepted connections and what is being served on them.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestServer {
    listener: Listener,
    channels: BTreeMap<AcceptedId, Channel>,
    serving: BTreeMap<RequestId, Serving>,
    /// Connections with a frame to take and nothing being served, in order of arrival.
    ready: VecDeque<AcceptedId>,
    requests: u64,
}

/// One accepted connection.
#[derive(Clone, Debug, PartialEq)]
struct Channel {
    peer: Address,
    frames: VecDeque<Bytes>,
    /// Invariant: while set, the channel is not in `ready`.
    busy: Option<RequestId>,
}

/// What must be remembered of a request to answer it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Serving {
    connection: AcceptedId,
    version: i16,
    correlation: i32,
}

impl RequestServer {
    /// A server without connections, which serves the APIs of its listener.
    pub fn new(listener: Listener) -> Self {
        Self {
            listener,
            channels: BTreeMap::new(),
            serving: BTreeMap::new(),
            ready: VecDeque::new(),
            requests: 0,
        }
    }

    /// A peer connected.
    pub fn on_accepted(&mut self, connection: AcceptedId, peer: Address) {
        let channel = Channel { peer, frames: VecDeque::new(), busy: None };
        self.channels.insert(connection, channel);
    }

    /// A frame came. Frames on connections that were closed meanwhile are dropped.
    pub fn on_frame(&mut self, connection: AcceptedId, frame: Bytes) {
        let Some(channel) = self.channels.get_mut(&connection) else { return };
        channel.frames.push_back(frame);
        if channel.busy.is_none() && channel.frames.len() == 1 {
            self.ready.push_back(connection);
        }
    }

    /// The peer is gone. Returns the request that was being served for it: nobody waits for its
    /// answer any more.
    pub fn on_closed(&mut self, connection: AcceptedId) -> Option<RequestId> {
        let channel = self.channels.remove(&connection)?;
        self.ready.retain(|ready| *ready != connection);
        let abandoned = channel.busy?;
        self.serving.remove(&abandoned);
        Some(abandoned)
    }

    /// The next request to serve, or none until more frames come or a request is answered.
    pub fn next<A>(&mut self, out: &mut Outbox<A>) -> Option<Incoming> {
        while let Some(connection) = self.ready.pop_front() {
            let channel =
                self.channels.get_mut(&connection).expect("a ready connection is not closed");
            let frame = channel.frames.pop_front().expect("a ready connection has a frame");
            match decode_request(frame) {
                Ok(frame) if versions::serves(self.listener, frame.api) => {
                    return Some(self.begin(connection, frame));
                }
                Ok(_) => self.drop_channel(connection, out),
                Err(error) => self.refuse(connection, &error, out),
            }
        }
        None
    }

    /// Answers a request in its version: who answers fills in all that he knows, and what that
    /// version lacks is left out here. If the connection is gone, nothing happens.
    ///
    /// # Panics
    /// The response has another form than the request's version asks for.
    pub fn respond<A>(&mut self, id: RequestId, mut response: Response, out: &mut Outbox<A>) {
        let Some(serving) = self.finish(id) else { return };
        response.fit(serving.version);
        let encoded = encode_response(serving.version, serving.correlation, &response);
        match encoded {
            Ok((frame, tag)) => out.send(Connection::Accepted(serving.connection), frame, tag),
            Err(error) => panic!("a response to version {}: {error}", serving.version),
        }
    }

    /// The request is done and gets no answer (a Produce with acks=0).
    pub fn finish_without_response(&mut self, id: RequestId) {
        self.finish(id);
    }

    /// Closes the connection of a request instead of answering it.
    pub fn close<A>(&mut self, id: RequestId, out: &mut Outbox<A>) {
        if let Some(serving) = self.serving.remove(&id) {
            self.drop_channel(serving.connection, out);
        }
    }

    /// Closes every connection.
    pub fn close_all<A>(&mut self, out: &mut Outbox<A>) {
        self.serving.clear();
        self.ready.clear();
        for (connection, _) in std::mem::take(&mut self.channels) {
            out.close(Connection::Accepted(connection));
        }
    }

    fn begin(&mut self, connection: AcceptedId, frame: RequestFrame) -> Incoming {
        let id = RequestId(self.requests);
        self.requests += 1;
        let (version, correlation) = (frame.version, frame.correlation);
        self.serving.insert(id, Serving { connection, version, correlation });
        let channel = self.channels.get_mut(&connection).expect("its frame was just taken");
        channel.busy = Some(id);
        Incoming { id, peer: channel.peer.clone(), frame }
    }

    /// Frees the connection of a request for its next one.
    fn finish(&mut self, id: RequestId) -> Option<Serving> {
        let serving = self.serving.remove(&id)?;
        let channel =
            self.channels.get_mut(&serving.connection).expect("closing ends what is being served");
        channel.busy = None;
        if !channel.frames.is_empty() {
            self.ready.push_back(serving.connection);
        }
        Some(serving)
    }

    fn refuse<A>(&mut self, connection: AcceptedId, error: &FrameError, out: &mut Outbox<A>) {
        match *error {
            FrameError::UnsupportedVersion { api: ApiKey::ApiVersions, correlation, .. } => {
                let response = Response::ApiVersions(versions::unsupported_api_versions_response(
                    self.listener,
                ));
                let (frame, tag) = encode_response(
                    versions::UNSUPPORTED_API_VERSIONS_ANSWER,
                    correlation,
                    &response,
                )
                .expect("version 0 has all the fields that are set");
                out.send(Connection::Accepted(connection), frame, tag);
                let channel = self.channels.get_mut(&connection).expect("its frame was just taken");
                if !channel.frames.is_empty() {
                    self.ready.push_back(connection);
                }
            }
            FrameError::TooShort { .. }
            | FrameError::TooLong { .. }
            | FrameError::UnknownApi { .. }
            | FrameError::UnsupportedVersion { .. }
            | FrameError::Malformed { .. } => self.drop_channel(connection, out),
        }
    }

    fn drop_channel<A>(&mut self, connection: AcceptedId, out: &mut Outbox<A>) {
        self.on_closed(connection);
        out.close(Connection::Accepted(connection));
    }
}

#[cfg(test)]
mod tests;
