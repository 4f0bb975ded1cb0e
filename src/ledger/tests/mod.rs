//! The ledger's promises, over a simulated disk, over a faked log, and in a
//! real folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

mod answers;
mod checkpoints;
mod clock;
mod crash;
mod eviction;
mod fake;
mod folders;
mod following;
mod late;
mod overdue;
mod pipeline;
mod rebuild;
mod refusal_counts;
mod refusals;
mod restored;
mod rotation;
mod two_writers;
mod world;
