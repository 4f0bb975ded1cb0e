//! The whole ledger under faults, through the storage seam: power lost at
//! every step of a long random run, calls that fail, a disk that fills up, and
//! bits that rot in old segments, found by the scrubber and healed from a copy.
//!
//! The quick forms run here; `bash tests/long crash` and `bash tests/long
//! errors` run more seeds, every policy and every byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

mod crash;
mod errors;
mod refusals;
mod repair;
mod room;
mod scrub;
mod world;
