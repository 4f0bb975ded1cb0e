//! The binary: `hazledger::cli` is all of it.

use std::process::ExitCode;

/// Statements are made of many small pieces that one thread makes and another
/// drops: with the C library's allocator a third of the writer's time went
/// there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hazledger::cli::main()
}
