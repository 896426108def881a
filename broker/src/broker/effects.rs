//! Carrying out what replication wants done, and telling it what became of it.

use super::{
    channels::{Channel, Token},
    running::{Fate, Running},
    surroundings::Surroundings,
};
use crate::{
    host::Output,
    ids::BrokerId,
    net::{Completion, Outcome, Outgoing},
    protocol::{Request, Response, versions},
    replica::{Effect, FetcherTicket, NetFailure},
};

impl Running {
    /// Carries out all effects, also those that come of others.
    pub(super) fn perform_effects(&mut self, around: &mut Surroundings<'_>) {
        while !self.effects.is_empty() && self.fate == Fate::GoesOn {
            let mut effects = std::mem::take(&mut self.effects);
            for effect in effects.drain(..) {
                if self.fate == Fate::GoesOn {
                    self.perform(effect, around);
                }
            }
            if self.effects.is_empty() {
                // Its room serves the next ones.
                self.effects = effects;
            }
        }
    }

    fn perform(&mut self, effect: Effect, around: &mut Surroundings<'_>) {
        match effect {
            Effect::Respond(id, response) => self.server.respond(id, response, around.out),
            Effect::CloseConnection(id) => self.server.close(id, around.out),
            Effect::Done(id) => self.server.finish_without_response(id),
            Effect::ToLeader { leader, request, ticket } => {
                self.send_to_leader(leader, &request, ticket, around);
            }
            Effect::FetcherEnded { leader } => {
                self.network.close(around.now.monotonic, &Channel::Fetcher(leader), around.out);
            }
            Effect::AlterPartition { request, ticket } => {
                let timeout = self.config.server.controller_socket_timeout_ms.duration();
                let token = Token::AlterPartition(ticket);
                self.send_to_controller(token, &Request::AlterPartition(request), timeout, around);
            }
            Effect::Event(event) => around.out.push(Output::Event(event)),
            Effect::Halt(error) => self.halt(error, around),
        }
    }

    /// A leader whose place nobody knows cannot be reached.
    fn send_to_leader(
        &mut self,
        leader: BrokerId,
        request: &Request,
        ticket: FetcherTicket,
        around: &mut Surroundings<'_>,
    ) {
        let Some(registration) = self.metadata.image().broker(leader) else {
            let failed = Err(NetFailure::Disconnected);
            let ctx = &mut around.context(&mut self.effects);
            self.replicas.on_leader_completed(ctx, ticket, failed);
            return;
        };
        let to = registration.address.clone();
        let timeout = self.config.server.replica_socket_timeout_ms.duration();
        let version = versions::inter_broker_version(request.api());
        let token = Token::ToLeader(leader, ticket);
        self.send(Outgoing { to: &to, version, request, timeout, token }, around);
    }

    /// Another controller is in charge: what the one before has not answered it will not answer,
    /// and goes to the other. (Kafka waits for `controller.socket.timeout.ms` if the connection
    /// hangs.)
    fn leave_controller(&mut self, around: &mut Surroundings<'_>) {
        for channel in [Channel::Lifecycle, Channel::AlterPartition, Channel::Forwarding] {
            self.network.leave(around.now.monotonic, &channel, around.out);
        }
    }

    /// A request that the broker sent has ended.
    pub(super) fn on_completion(
        &mut self,
        completion: Completion<Channel, Token>,
        around: &mut Surroundings<'_>,
    ) {
        let now = around.now.monotonic;
        let result = match completion.outcome {
            Outcome::Response(response) => Ok(response),
            Outcome::TimedOut => Err(NetFailure::TimedOut),
            Outcome::Disconnected | Outcome::NotSent => Err(NetFailure::Disconnected),
        };
        match completion.token {
            Token::Lifecycle => {
                let change = match &result {
                    Ok(response) => self.lifecycle.on_response(now, response),
                    Err(_) => self.lifecycle.on_unanswered(now),
                };
                self.on_lifecycle(change, around);
            }
            Token::Metadata => {
                let before = self.controllers.address().clone();
                match &result {
                    Ok(response) => self.controllers.on_response(response),
                    Err(_) => self.controllers.on_failure(),
                }
                if before != *self.controllers.address() {
                    self.leave_controller(around);
                }
                if let Ok(response) = result {
                    let loaded = self.metadata.on_response(now, response);
                    self.on_metadata(loaded, around);
                } else {
                    self.metadata.on_failure(now);
                }
            }
            Token::AlterPartition(ticket) => {
                let ctx = &mut around.context(&mut self.effects);
                let answer = match &result {
                    Ok(Response::AlterPartition(response)) => Ok(response),
                    // The network client gives no answer to another request.
                    Ok(_) => Err(NetFailure::Disconnected),
                    Err(failure) => Err(*failure),
                };
                self.replicas.on_alter_partition_completed(ctx, ticket, answer);
            }
            Token::ToLeader(_, ticket) => {
                let ctx = &mut around.context(&mut self.effects);
                self.replicas.on_leader_completed(ctx, ticket, result);
            }
            Token::ProducerIds => {
                for (id, response) in self.producer_ids.on_block(now, result.as_ref().ok()) {
                    self.server.respond(id, response, around.out);
                }
            }
            Token::Forwarded(id) => self.on_forwarded(id, result, around),
        }
    }
}
