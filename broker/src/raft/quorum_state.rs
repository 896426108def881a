//! The state of a voter, and how one state follows another.
//!
//! Mirrors `QuorumState` with `UnattachedState`, `VotedState`, `FollowerState` and `ResignedState`.
//! Every transition is written to `quorum-state` before it holds, so that no crash takes back an
//! epoch, a vote or a leader. It does not know the log, nor what is sent.

use core::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{
    candidate_state::CandidateState,
    config::RaftConfig,
    leader_state::LeaderState,
    messages::LeaderAndEpoch,
    quorum_state_store::{self, ElectionState},
};
use crate::{
    config::Millis,
    host::{Disk, DiskError, Instant},
    ids::{ControllerId, LeaderEpoch, Offset},
};

/// What the pauses after lost elections are multiples of (`RETRY_BACKOFF_BASE_MS`).
const ELECTION_BACKOFF_BASE: Millis = Millis(100);

/// A voter's state, epoch and vote.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct QuorumState {
    config: RaftConfig,
    path: String,
    /// For the jitter of elections.
    rng: ChaCha8Rng,
    /// Invariant: as it stands on disk, if there are other voters.
    durable: ElectionState,
    role: Role,
}

/// The states.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Role {
    /// It knows no leader, and has voted for nobody in this epoch.
    Unattached { election_deadline: Instant },
    /// It knows no leader, and has voted for another in this epoch.
    Voted { candidate: ControllerId, election_deadline: Instant },
    /// It wants to lead.
    Candidate(CandidateState),
    /// It leads.
    Leader(LeaderState),
    /// It follows.
    Follower { leader: ControllerId, fetch_deadline: Instant },
    /// It led this epoch, and does not any more.
    Resigned(ResignedState),
}

/// What a leader that has resigned still has to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ResignedState {
    pub(super) election_deadline: Instant,
    /// Who has not answered `EndQuorumEpoch`.
    pub(super) unacknowledged: Vec<ControllerId>,
    /// In which order the others should stand for election.
    pub(super) preferred_successors: Vec<ControllerId>,
}

impl QuorumState {
    /// Reads the state of the voter before, and decides how it begins (`QuorumState.initialize`). A
    /// leader that was restarted resigns: what it had told its followers is not known any more.
    pub(super) fn open(
        config: RaftConfig,
        path: String,
        log_epoch: LeaderEpoch,
        rng: ChaCha8Rng,
        now: Instant,
        disk: &mut dyn Disk,
    ) -> Result<Self, crate::log::LogError> {
        let durable = quorum_state_store::read(&path, disk)?.unwrap_or_default();
        let role = Role::Unattached { election_deadline: now };
        let mut state = Self { config, path, rng, durable, role };
        let election_deadline = now.plus(state.random_election_timeout());
        if durable.epoch < log_epoch {
            let election = ElectionState { epoch: log_epoch, leader: None, voted: None };
            state.transition(election, Role::Unattached { election_deadline }, disk)?;
            return Ok(state);
        }
        let local = state.config.id;
        state.role = match (durable.leader, durable.voted) {
            (Some(leader), _) if leader == local => {
                Role::Resigned(state.resigned(Vec::new(), election_deadline))
            }
            (Some(leader), _) => Role::Follower { leader, fetch_deadline: state.fetch_by(now) },
            (None, Some(voted)) if voted == local => {
                Role::Candidate(state.candidate(1, election_deadline))
            }
            (None, Some(candidate)) => Role::Voted { candidate, election_deadline },
            (None, None) => Role::Unattached { election_deadline },
        };
        Ok(state)
    }

    /// The epoch.
    pub(super) fn epoch(&self) -> LeaderEpoch {
        self.durable.epoch
    }

    /// The epoch and its leader, as far as this voter knows.
    pub(super) fn leader_and_epoch(&self) -> LeaderAndEpoch {
        LeaderAndEpoch { leader: self.durable.leader, epoch: self.durable.epoch }
    }

    /// The state.
    pub(super) fn role(&self) -> &Role {
        &self.role
    }

    /// The state, for what changes within it.
    pub(super) fn role_mut(&mut self) -> &mut Role {
        &mut self.role
    }

    /// What it knows as leader, if it leads.
    pub(super) fn leader_mut(&mut self) -> Option<&mut LeaderState> {
        match &mut self.role {
            Role::Leader(leader) => Some(leader),
            Role::Unattached { .. }
            | Role::Voted { .. }
            | Role::Candidate(_)
            | Role::Follower { .. }
            | Role::Resigned(_) => None,
        }
    }

    /// Whether it leads.
    pub(super) fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Whether it is the only voter.
    pub(super) fn is_only_voter(&self) -> bool {
        self.config.voters.len() == 1
    }

    /// Whether it may vote for `candidate` in this epoch. `up_to_date` says how that one's log
    /// compares with its own.
    pub(super) fn can_grant_vote(&self, candidate: ControllerId, up_to_date: UpToDate) -> bool {
        match &self.role {
            Role::Unattached { .. } => up_to_date == UpToDate::Yes,
            Role::Voted { candidate: voted, .. } => *voted == candidate,
            Role::Candidate(_) | Role::Leader(_) | Role::Follower { .. } | Role::Resigned(_) => {
                false
            }
        }
    }

    /// There is a later epoch, and nobody is known to lead it. Who waited for an election waits no
    /// longer for that; who had a leader stands for election when it would have given that up.
    pub(super) fn transition_to_unattached(
        &mut self,
        epoch: LeaderEpoch,
        now: Instant,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        assert!(self.epoch() < epoch, "unattached to {epoch} from {}", self.epoch());
        let election_deadline = match &self.role {
            Role::Unattached { election_deadline } | Role::Voted { election_deadline, .. } => {
                *election_deadline
            }
            Role::Candidate(candidate) => candidate.election_deadline,
            Role::Follower { fetch_deadline, .. } => *fetch_deadline,
            Role::Resigned(resigned) => resigned.election_deadline,
            Role::Leader(_) => now.plus(self.random_election_timeout()),
        };
        let election = ElectionState { epoch, leader: None, voted: None };
        self.transition(election, Role::Unattached { election_deadline }, disk)
    }

    /// It votes for another.
    pub(super) fn transition_to_voted(
        &mut self,
        candidate: ControllerId,
        now: Instant,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        assert!(matches!(self.role, Role::Unattached { .. }), "a vote in {:?}", self.role);
        let election_deadline = now.plus(self.random_election_timeout());
        let election = ElectionState { voted: Some(candidate), ..self.durable };
        self.transition(election, Role::Voted { candidate, election_deadline }, disk)
    }

    /// It follows the leader of an epoch.
    pub(super) fn transition_to_follower(
        &mut self,
        epoch: LeaderEpoch,
        leader: ControllerId,
        now: Instant,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        assert_ne!(leader, self.config.id, "it cannot follow itself");
        let known = self.leader_and_epoch();
        let later = known.epoch < epoch || (known.epoch == epoch && known.leader.is_none());
        assert!(later, "{leader} in {epoch} after {known:?}");
        let voted = self.durable.voted.filter(|_| known.epoch == epoch);
        let election = ElectionState { epoch, leader: Some(leader), voted };
        let fetch_deadline = self.fetch_by(now);
        self.transition(election, Role::Follower { leader, fetch_deadline }, disk)
    }

    /// It stands for election, in the next epoch.
    pub(super) fn transition_to_candidate(
        &mut self,
        now: Instant,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        assert!(!self.is_leader(), "a leader stands for no election");
        let retries = match &self.role {
            Role::Candidate(candidate) => candidate.retries + 1,
            Role::Unattached { .. }
            | Role::Voted { .. }
            | Role::Leader(_)
            | Role::Follower { .. }
            | Role::Resigned(_) => 1,
        };
        let election_deadline = now.plus(self.random_election_timeout());
        let role = Role::Candidate(self.candidate(retries, election_deadline));
        let epoch = self.epoch().next();
        let election = ElectionState { epoch, leader: None, voted: Some(self.config.id) };
        self.transition(election, role, disk)
    }

    /// It has won its election. Its epoch begins at `epoch_start`.
    pub(super) fn transition_to_leader(
        &mut self,
        epoch_start: Offset,
        now: Instant,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let Role::Candidate(candidate) = &self.role else {
            panic!("only a candidate can win, not {:?}", self.role)
        };
        assert!(candidate.is_granted(), "{candidate:?} has not won");
        // One and a half times what a follower waits (`CHECK_QUORUM_TIMEOUT_FACTOR`).
        let timeout = self.config.server.controller_quorum_fetch_timeout_ms.duration() * 3 / 2;
        let (id, voters) = (self.config.id, &self.config.voters);
        let role = Role::Leader(LeaderState::new(id, voters, epoch_start, timeout, now));
        let election = ElectionState { leader: Some(id), ..self.durable };
        self.transition(election, role, disk)
    }

    /// It leads no more. The epoch has no other leader, so that nothing changes on disk.
    pub(super) fn transition_to_resigned(&mut self, now: Instant) {
        let Role::Leader(leader) = &self.role else {
            panic!("only a leader can resign, not {:?}", self.role)
        };
        let successors = leader.successors();
        let deadline = now.plus(self.random_election_timeout());
        self.role = Role::Resigned(self.resigned(successors, deadline));
    }

    /// The leader was heard: the follower's patience begins anew.
    pub(super) fn reset_fetch_deadline(&mut self, now: Instant) {
        let by = self.fetch_by(now);
        self.override_fetch_deadline(by);
    }

    /// The follower's patience ends at another time.
    pub(super) fn override_fetch_deadline(&mut self, by: Instant) {
        if let Role::Follower { fetch_deadline, .. } = &mut self.role {
            *fetch_deadline = by;
        }
    }

    /// Between one and two election timeouts.
    pub(super) fn random_election_timeout(&mut self) -> Duration {
        let base = self.config.server.controller_quorum_election_timeout_ms.0;
        Millis(base + self.rng.random_range(0..base.max(1))).duration()
    }

    /// The pause after a lost election: longer at random the more were lost
    /// (`binaryExponentialElectionBackoffMs`).
    pub(super) fn election_backoff(&mut self, retries: u32) -> Duration {
        let slots = 2_u64 << retries.saturating_sub(1).min(20);
        let pause = ELECTION_BACKOFF_BASE.0 * self.rng.random_range(0..slots);
        Millis(pause).min(self.config.server.controller_quorum_election_backoff_max_ms).duration()
    }

    /// How long this voter lets the preferred successors before it try first
    /// (`strictExponentialElectionBackoffMs`).
    pub(super) fn successor_backoff(&mut self, successors: &[ControllerId]) -> Duration {
        let Some(place) = successors.iter().position(|id| *id == self.config.id) else {
            return self.random_election_timeout();
        };
        let Some(behind_first) = place.checked_sub(1) else { return Duration::ZERO };
        let most = self.config.server.controller_quorum_election_backoff_max_ms.0;
        let base = most.checked_shr(shift(successors.len() - 1)).unwrap_or(0);
        let pause = base.checked_shl(shift(behind_first)).unwrap_or(most);
        Millis(pause.min(most)).duration()
    }

    /// When the state asks for something to be done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.role {
            Role::Unattached { election_deadline } | Role::Voted { election_deadline, .. } => {
                Some(*election_deadline)
            }
            Role::Candidate(candidate) => {
                Some(candidate.backing_off_until.unwrap_or(candidate.election_deadline))
            }
            Role::Leader(leader) => leader.check_quorum_deadline(),
            Role::Follower { fetch_deadline, .. } => Some(*fetch_deadline),
            Role::Resigned(resigned) => Some(resigned.election_deadline),
        }
    }

    fn fetch_by(&self, now: Instant) -> Instant {
        now.plus(self.config.server.controller_quorum_fetch_timeout_ms.duration())
    }

    fn candidate(&self, retries: u32, election_deadline: Instant) -> CandidateState {
        let voters = self.config.voters.iter().copied();
        CandidateState::new(self.config.id, voters, retries, election_deadline)
    }

    fn resigned(
        &self,
        preferred_successors: Vec<ControllerId>,
        election_deadline: Instant,
    ) -> ResignedState {
        let local = self.config.id;
        let others = self.config.voters.iter().copied().filter(|id| *id != local);
        let unacknowledged = others.collect();
        ResignedState { election_deadline, unacknowledged, preferred_successors }
    }

    /// First the disk, then the memory. A voter alone needs no file: nobody asks for its vote, and
    /// its log has a record of each epoch that it led, on disk before anybody heard of the epoch.
    fn transition(
        &mut self,
        election: ElectionState,
        role: Role,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        if election != self.durable && !self.is_only_voter() {
            let voters = self.config.voters.iter().copied();
            quorum_state_store::write(&self.path, election, voters, disk)?;
        }
        self.durable = election;
        self.role = role;
        Ok(())
    }
}

/// Whether a candidate's log reaches as far as the voter's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpToDate {
    Yes,
    No,
}

fn shift(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
