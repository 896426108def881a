//! The world as a whole, with small processes.

mod determinism;
mod ping_pong;
