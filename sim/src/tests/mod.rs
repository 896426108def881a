//! The world as a whole, with small processes.

mod chaos;
mod crash_points;
mod cuts;
mod deaths;
mod determinism;
mod memory;
mod ping_pong;
mod processes;
mod puppet;
mod rules;
mod stage;
