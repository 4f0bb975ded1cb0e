//! The server under load and neglect: clients that say nothing, read nothing,
//! send garbage or too much; limits, deadlines, draining, metrics and the log.
//! What concerns memory, signals and logs is asked of the real binary.

#[path = "../support/mod.rs"]
mod support;

mod cut;
mod deadlines;
mod flood;
mod house;
mod limits;
mod logs;
mod metrics;
mod stop;
