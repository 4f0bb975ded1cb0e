//! Genealogy: what a lot was made of, and what became of it, with the mass of
//! the lot asked for that went each way.
//!
//! Ancestors stand in each lot's birth, of a running lot in its blend;
//! descendants are the contributions in each lot's own chain, both with the
//! figures of the latest correction. What it is not: an index. It reads what it
//! needs, and stops at a bound that it tells.

mod back;
mod forward;
mod gift;

pub use back::ancestors;
pub use forward::descendants;

use std::sync::Arc;

use crate::custody::{Item, Items, subject};
use crate::event::LotId;
use crate::pb::{GenealogyEdge, LotState, PartHeld};

/// Edges in one answer, at most.
pub const MAX_EDGES: usize = 10_000;

/// Records that are read for one answer, at most.
pub const MAX_RECORDS: usize = 100_000;

/// Edges from a lot, nearest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Genealogy {
    /// In order of distance.
    pub edges: Vec<GenealogyEdge>,
    /// There are more.
    pub truncated: bool,
    /// What the shares are parts of, milligrams of gross.
    pub whole_gross_mg: i64,
    /// Descendants: where the parts are.
    pub held: Vec<PartHeld>,
}

fn lot_of(items: &dyn Items, id: LotId) -> Option<LotState> {
    // What has just been unpacked is nobody else's, and need not be copied.
    match Arc::unwrap_or_clone(items.get(&subject::lot(id))?) {
        Item::Lot(lot) => Some(lot),
        _ => None,
    }
}

fn label_of(lot: &LotState) -> String {
    lot.born
        .as_ref()
        .map(|born| born.label.clone())
        .unwrap_or_default()
}

/// `mass × part / whole`, rounded down; nothing of nothing.
fn share(mass: i64, part: i64, whole: i64) -> i64 {
    let (mass, part, whole) = (i128::from(mass), i128::from(part), i128::from(whole));
    match whole {
        1.. => i64::try_from(mass * part / whole).unwrap_or(i64::MAX),
        _ => 0,
    }
}
