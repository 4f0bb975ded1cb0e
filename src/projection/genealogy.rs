//! Genealogy: what a lot was made of, and what became of it, breadth first.
//!
//! Ancestors stand in each lot's birth; descendants are the contributions in
//! each lot's own chain. Both with the figures of the latest correction. What it is not: an index. It reads what it needs, and
//! stops at a bound that it tells.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::trace::chain::{self, ReadError, RecordSource, TraceError};
use crate::custody::{Item, Items, subject};
use crate::event::LotId;
use crate::event::record::OpenRecord;
use crate::pb::change::Change as C;
use crate::pb::{ContributedTo, GenealogyEdge, LotState};

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
}

/// A contribution of one lot to another.
struct Share {
    other: LotId,
    gross_mg: i64,
    contained_mg: i64,
}

fn lot_of(items: &dyn Items, id: LotId) -> Option<LotState> {
    match items.get(&subject::lot(id))?.as_ref() {
        Item::Lot(lot) => Some(lot.clone()),
        _ => None,
    }
}

fn label(items: &dyn Items, id: LotId) -> String {
    lot_of(items, id)
        .and_then(|lot| lot.born)
        .map(|born| born.label)
        .unwrap_or_default()
}

/// The lots that a lot was made of, and theirs.
pub fn ancestors(items: &dyn Items, lot: LotId) -> Result<Genealogy, TraceError> {
    breadth_first(
        lot,
        |id| {
            let born = lot_of(items, id)
                .and_then(|lot| lot.born)
                .unwrap_or_default();
            let share = |parent: &crate::pb::Parent| {
                Some(Share {
                    other: LotId::from_slice(&parent.lot)?,
                    gross_mg: parent.gross_mg,
                    contained_mg: parent.contained_mg,
                })
            };
            Ok(born.parents.iter().filter_map(share).collect())
        },
        |from, share, distance| GenealogyEdge {
            parent: share.other.to_bytes(),
            child: from.to_bytes(),
            gross_mg: share.gross_mg,
            contained_mg: share.contained_mg,
            parent_label: label(items, share.other),
            child_label: label(items, from),
            distance,
        },
    )
}

/// The lots that were made of a lot, and theirs, by records before `before`.
pub fn descendants(
    items: &dyn Items,
    records: &dyn RecordSource,
    lot: LotId,
    before: u64,
) -> Result<Genealogy, TraceError> {
    let records = Bounded {
        records,
        left: Cell::new(MAX_RECORDS),
    };
    breadth_first(
        lot,
        |id| match lot_of(items, id) {
            Some(state) => contributions(&records, id, &state, before),
            None => Ok(Vec::new()),
        },
        |from, share, distance| GenealogyEdge {
            parent: from.to_bytes(),
            child: share.other.to_bytes(),
            gross_mg: share.gross_mg,
            contained_mg: share.contained_mg,
            parent_label: label(items, from),
            child_label: label(items, share.other),
            distance,
        },
    )
}

/// Records until [`MAX_RECORDS`] have been read; then the chain is too long.
struct Bounded<'a> {
    records: &'a dyn RecordSource,
    left: Cell<usize>,
}

impl Bounded<'_> {
    fn spent(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left == 0
    }
}

impl RecordSource for Bounded<'_> {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        self.records.record(position)
    }
}

/// What a lot gave to others, earliest first. What a correction restates
/// stands where the original stood.
fn contributions(
    records: &Bounded<'_>,
    id: LotId,
    state: &LotState,
    before: u64,
) -> Result<Vec<Share>, TraceError> {
    let lot = subject::lot(id);
    let mut shares = Vec::new();
    // Latest first: of several restatements of an event the first met holds.
    let mut restated: BTreeMap<(u64, u32), Vec<ContributedTo>> = BTreeMap::new();
    chain::walk(records, &lot, state.last, |record| {
        if records.spent() {
            return Err(TraceError::TooLong);
        }
        if record.position() >= before {
            return Ok(());
        }
        let outcomes = record
            .outcomes
            .iter()
            .flatten()
            .filter(|o| o.subject.as_ref() == Some(&lot));
        for change in outcomes.flat_map(|o| o.changes.iter().rev()) {
            match &change.change {
                Some(C::Restated(r)) => {
                    restated
                        .entry((r.position, r.event_index))
                        .or_insert_with(|| r.contributed_to.clone());
                }
                Some(C::ContributedTo(to)) => {
                    let index = change.cause.as_ref().map_or(0, |c| c.event_index);
                    match restated.get_mut(&(record.position(), index)) {
                        // All of them at once, where the last one stood.
                        Some(instead) => {
                            shares.extend(instead.drain(..).rev().filter_map(|to| share(&to)));
                        }
                        None => shares.extend(share(to)),
                    }
                }
                _ => {}
            }
        }
        Ok(())
    })?;
    shares.reverse();
    Ok(shares)
}

fn share(to: &ContributedTo) -> Option<Share> {
    Some(Share {
        other: LotId::from_slice(&to.lot)?,
        gross_mg: to.gross_mg,
        contained_mg: to.contained_mg,
    })
}

fn breadth_first(
    lot: LotId,
    mut shares_of: impl FnMut(LotId) -> Result<Vec<Share>, TraceError>,
    edge: impl Fn(LotId, &Share, u32) -> GenealogyEdge,
) -> Result<Genealogy, TraceError> {
    let mut found = Genealogy::default();
    // Never more than the edges that led here, and the lot itself.
    let mut seen = BTreeSet::from([lot]);
    let mut waiting = VecDeque::from([(lot, 1u32)]);
    while let Some((from, distance)) = waiting.pop_front() {
        let shares = match shares_of(from) {
            Err(TraceError::TooLong) => {
                found.truncated = true;
                return Ok(found);
            }
            shares => shares?,
        };
        for share in shares {
            if found.edges.len() == MAX_EDGES {
                found.truncated = true;
                return Ok(found);
            }
            found.edges.push(edge(from, &share, distance));
            if seen.insert(share.other) {
                waiting.push_back((share.other, distance.saturating_add(1)));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(n: u32) -> Share {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.to_be_bytes());
        Share {
            other: LotId(id),
            gross_mg: 1,
            contained_mg: 1,
        }
    }

    fn edge(from: LotId, share: &Share, distance: u32) -> GenealogyEdge {
        GenealogyEdge {
            parent: from.to_bytes(),
            child: share.other.to_bytes(),
            distance,
            ..GenealogyEdge::default()
        }
    }

    #[test]
    fn an_answer_has_no_more_edges_than_its_bound_and_says_that_there_are_more() {
        let most = u32::try_from(MAX_EDGES).unwrap_or_default();
        let from = |count| move |_| Ok((0..count).map(share).collect());
        let whole = breadth_first(LotId([9; 16]), once(from(most)), edge);
        assert_eq!(
            whole.map(|g| (g.edges.len(), g.truncated)),
            Ok((MAX_EDGES, false))
        );
        let cut = breadth_first(LotId([9; 16]), once(from(most + 1)), edge);
        assert_eq!(
            cut.map(|g| (g.edges.len(), g.truncated)),
            Ok((MAX_EDGES, true))
        );
    }

    /// What `first` gives for the first lot, and nothing for the others.
    fn once(
        first: impl Fn(LotId) -> Result<Vec<Share>, TraceError>,
    ) -> impl FnMut(LotId) -> Result<Vec<Share>, TraceError> {
        let mut asked = false;
        move |lot| {
            if std::mem::replace(&mut asked, true) {
                Ok(Vec::new())
            } else {
                first(lot)
            }
        }
    }

    #[test]
    fn lots_that_share_an_ancestor_name_it_once_each_and_are_followed_once() {
        let found = breadth_first(
            share(0).other,
            |lot| {
                Ok(match lot.0 {
                    [0, 0, 0, 0, ..] => vec![share(1), share(2)],
                    [0, 0, 0, 1 | 2, ..] => vec![share(3)],
                    _ => Vec::new(),
                })
            },
            edge,
        );
        let distances: Result<Vec<u32>, TraceError> =
            found.map(|g| g.edges.iter().map(|e| e.distance).collect());
        assert_eq!(distances, Ok(vec![1, 1, 2, 2]));
    }
}
