//! Tests of the quorum: each state by itself, then whole quorums in a small simulation.

mod driver;
mod fixture;
mod invariants;
mod lossy_disk;
mod raft_event_simulation;
mod simulation;
mod states;
mod truncation;
