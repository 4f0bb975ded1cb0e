//! Worked cases: a whole piece of life told event by event, with its figures,
//! as somebody who does the work would tell it.
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

#[path = "worked/joining.rs"]
mod joining;
#[path = "worked/train.rs"]
mod train;
