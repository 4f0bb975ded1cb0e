//! Worked cases: whole stories with their figures in the comment, told by the
//! rules' own bench and read back as a reader would ask.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "rules/bench.rs"]
mod bench;
#[path = "rules/verbs.rs"]
mod verbs;

#[path = "worked/corrected_production.rs"]
mod corrected_production;
