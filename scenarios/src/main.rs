//! The program `highwater`.

use std::process::ExitCode;

fn main() -> ExitCode {
    scenarios::cli::main()
}
