//! The binary: `hazledger::cli` is all of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    hazledger::cli::main()
}
