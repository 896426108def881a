//! The program `highwater`.

use std::process::ExitCode;

/// A run makes and drops some fifty thousand small values, on a thread of its own: the allocator of
/// the platform takes a fifth of the time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    scenarios::cli::main()
}
