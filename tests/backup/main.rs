//! Backups: taken under a ledger that is being written, cut short at every
//! step, damaged byte by byte, and restored. The ledger is of small segments,
//! so that it has many; the real binary does what an operator would.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod archiving;
mod cut;
mod ground;
mod hot;
mod incremental;
mod restoring;
mod retaining;
mod rotating;
