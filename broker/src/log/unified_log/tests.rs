//! Tests of the log as a whole, on a disk in memory.

mod append;
mod failure;
mod idempotence;
mod model;
mod read;
mod recovery;
mod retention;
mod roll;
mod truncate;
