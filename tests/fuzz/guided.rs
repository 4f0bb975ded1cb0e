//! Coverage-guided fuzzing of one target, by libFuzzer: `tests/fuzz/run`
//! builds it with coverage counters and says which target.
#![no_main]
#![allow(missing_docs, reason = "what the macro makes has no docs")]

#[path = "proofs.rs"]
mod proofs;
#[path = "repair.rs"]
mod repair;
#[path = "targets.rs"]
mod targets;
#[path = "world.rs"]
mod world;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    targets::chosen()(bytes);
});
