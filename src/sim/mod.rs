//! A seeded world: plants, an importer, stores, carriers, mines, a paint maker
//! and a disposer of Inner Mongolia, and the signed statements that they would
//! send, each with the answer that a right ledger gives. For the demo, for
//! tests and for benches.
//!
//! The same seed, times and origin make the same bytes: all randomness comes
//! from one ChaCha8 stream, all times from a clock that is passed in. The
//! world knows nothing of how a ledger decides; it keeps books of its own, so
//! that what it calls acceptable is an independent opinion.
//!
//! What this is not: it is no load generator by itself (somebody must send
//! what it makes), and every enterprise and every code in it is invented.

mod arrive;
mod cases;
mod cast;
mod closed;
mod consume;
mod device;
mod drying;
mod edges;
mod fleet;
mod forms;
mod goods;
mod law;
mod load;
mod make;
mod merge;
mod milestones;
mod outers;
mod packs;
mod paper;
mod rail;
mod refuse;
mod registry;
mod setup;
mod ship;
mod story;
mod world;

#[cfg(test)]
mod tests;

pub use cast::{Cast, Group, Member, Place, Who};
pub use goods::{Contents, Pile, Product};
pub use setup::{BASE_RULES, STATE_RECORD_INTERVAL};
pub use story::{DRUM, STORY_LABEL, STORY_STEPS, WASTE_LABEL};
pub use world::{Span, World};

use crate::pb::{EventKind, FindingCode, RefusalCode, SignedStatement};

/// The answer that a right ledger gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// A record, with findings or without.
    Accepted,
    /// The first answer again: the same bytes were sent before.
    Repeated,
    /// A refusal with this code.
    Refused(RefusalCode),
}

/// A signed statement of the world.
#[derive(Clone, Debug)]
pub struct Issued {
    /// As it would be sent.
    pub signed: SignedStatement,
    /// What must come back.
    pub expect: Expect,
    /// What it does, for people: `packs`, `withdraws an offer`.
    pub what: &'static str,
    /// How many events it holds.
    pub events: u64,
    /// Their kinds, in order.
    pub kinds: Vec<EventKind>,
    /// The story of the law that it is told in, by its title.
    pub chapter: Option<&'static str>,
    /// Findings of rules that a right ledger records with it, codes from 100 on,
    /// each once; of those there are no others.
    pub means: Vec<FindingCode>,
    /// Whether the world wants to be told of the answer at once, by
    /// [`World::heard`].
    pub heard: bool,
    /// Whether it belongs to the one drum's life that the demo traces.
    pub story: bool,
}
