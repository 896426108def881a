//! x
fn main() { scenarios::runner::smoke() }
