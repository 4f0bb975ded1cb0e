//! Witnesses: a second pair of eyes on a ledger's tree. One of our own kind,
//! for another agency to run, and the asking of witnesses of any kind, for the
//! server. Both speak C2SP tlog-witness and tlog-cosignature.
//!
//! A witness remembers the largest checkpoint of each log that it has signed,
//! and signs another only if that one goes on from it. So a ledger that shows
//! two people two different trees gets at most one of them cosigned, and one
//! that was set back gets nothing signed until it has caught up with itself.
//!
//! | file | what it is |
//! |---|---|
//! | `request` | an `add-checkpoint` request, and the answers to it, as text |
//! | `logs` | whose checkpoints a witness looks at, and their keys |
//! | `judge` | what a witness says to a request |
//! | `memory` | what it has signed: held, one request at a time, and kept |
//! | `files` | the same on the disk |
//! | `door` | HTTP |
//! | `counts` | what a witness counts, and has signed, for Prometheus |
//! | `ask` | one request to somebody's witness |
//! | `authorities` | who is trusted, over HTTPS, to say who a server is |
//! | `rounds` | which checkpoint is out with the witnesses, and what came back |
//! | `push`, `pusher` | the threads that ask, one a witness |
//! | `complete` | whether a restored ledger has lost something |
//! | `metrics` | what the asking counts |
//!
//! What it is not: it reads no ledger. Who asks brings the log (`push::Log`);
//! a witness sees checkpoints and hashes and never a record.

pub mod ask;
pub mod authorities;
pub mod complete;
pub mod counts;
pub mod door;
pub mod files;
pub mod judge;
pub mod logs;
pub mod memory;
pub mod metrics;
pub mod push;
mod pusher;
pub mod request;
pub mod rounds;
#[cfg(test)]
mod tests;
