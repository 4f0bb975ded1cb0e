//! Back from a lot: what it was made of, down to where matter entered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::{Genealogy, MAX_EDGES, label_of, lot_of};
use crate::custody::{Items, blend};
use crate::event::LotId;
use crate::pb::{GenealogyEdge, LotState, Parent};

/// What is asked of a lot: its label, where it was born, its parents.
#[derive(Clone, Default)]
struct Made {
    label: String,
    born_at: u64,
    parents: Vec<Parent>,
}

/// The lots that a lot was made of, and theirs, as far as a milligram of the
/// lot came from them. The shares that came from lots without parents sum to
/// what the lot was made of, to the milligram.
pub fn ancestors(items: &dyn Items, lot: LotId) -> Genealogy {
    shared_out(lot, |id| {
        let state = lot_of(items, id).unwrap_or_default();
        Made {
            label: label_of(&state),
            born_at: state.born_at,
            parents: parents_of(state),
        }
    })
}

/// What a lot is made of; of one that runs or ran in a vessel, what was poured
/// in.
fn parents_of(state: LotState) -> Vec<Parent> {
    let parts = [state.blend, state.blend_at_end];
    let born = state.born.unwrap_or_default().parents;
    let mut parts = parts.into_iter().filter(|parts| !parts.is_empty());
    parts.next().unwrap_or(born)
}

/// Shares what the lot was made of among its ancestors, each lot's share among
/// its parents as it was made of them, the latest lot first: what was made of
/// a lot is younger than it. A share that comes to a lot again, by lots of one
/// record, is shared out again.
fn shared_out(lot: LotId, of: impl Fn(LotId) -> Made) -> Genealogy {
    let mut found = Genealogy::default();
    // Both are bounded by the edges, and the lot itself.
    let mut known = BTreeMap::from([(lot, of(lot))]);
    let mut edges: BTreeMap<(LotId, bytes::Bytes), GenealogyEdge> = BTreeMap::new();
    let parents = known.values().flat_map(|made| &made.parents);
    found.whole_gross_mg = parents.fold(0i64, |sum, p| sum.saturating_add(p.gross_mg));
    let mut due = BTreeMap::from([(lot, found.whole_gross_mg)]);
    let mut waiting = BinaryHeap::from([(0u64, lot)]);
    while let Some((_, child)) = waiting.pop() {
        let Some(share) = due.remove(&child) else {
            continue;
        };
        let made = known.get(&child).cloned().unwrap_or_default();
        let weights: Vec<i64> = made.parents.iter().map(|p| p.gross_mg).collect();
        let shares = blend::split(share, &weights).unwrap_or_default();
        for (parent, share) in made.parents.into_iter().zip(shares) {
            if share == 0 {
                continue;
            }
            let key = (child, parent.lot.clone());
            if edges.len() == MAX_EDGES && !edges.contains_key(&key) {
                found.truncated = true;
                continue;
            }
            let id = LotId::from_slice(&parent.lot);
            let edge = edges.entry(key).or_insert_with(|| GenealogyEdge {
                parent: parent.lot,
                child: child.to_bytes(),
                gross_mg: parent.gross_mg,
                contained_mg: parent.contained_mg,
                ..GenealogyEdge::default()
            });
            edge.share_mg = edge.share_mg.saturating_add(share);
            if let Some(id) = id {
                let made = known.entry(id).or_insert_with(|| of(id));
                waiting.push((made.born_at, id));
                let sum = due.entry(id).or_default();
                *sum = sum.saturating_add(share);
            }
        }
    }
    found.edges = edges.into_values().collect();
    told(lot, &known, &mut found.edges);
    found
}

/// Labels, and steps from the lot; nearest first.
fn told(lot: LotId, known: &BTreeMap<LotId, Made>, edges: &mut [GenealogyEdge]) {
    let label = |id: &[u8]| {
        let made = LotId::from_slice(id).and_then(|id| known.get(&id));
        made.map(|made| made.label.clone()).unwrap_or_default()
    };
    let mut parents: BTreeMap<bytes::Bytes, Vec<bytes::Bytes>> = BTreeMap::new();
    for edge in edges.iter_mut() {
        (edge.parent_label, edge.child_label) = (label(&edge.parent), label(&edge.child));
        let of = parents.entry(edge.child.clone()).or_default();
        of.push(edge.parent.clone());
    }
    let mut steps: BTreeMap<bytes::Bytes, u32> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut waiting = BinaryHeap::from([(Reverse(1u32), lot.to_bytes())]);
    while let Some((Reverse(step), child)) = waiting.pop() {
        if !seen.insert(child.clone()) {
            continue;
        }
        for parent in parents.get(&child).into_iter().flatten() {
            waiting.push((Reverse(step.saturating_add(1)), parent.clone()));
        }
        steps.insert(child, step);
    }
    for edge in edges.iter_mut() {
        edge.distance = steps.get(&edge.child).copied().unwrap_or(1);
    }
    edges.sort_by_key(|edge| edge.distance);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lot(n: u32) -> LotId {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.to_be_bytes());
        LotId(id)
    }

    fn parent(n: u32, gross_mg: i64) -> Parent {
        Parent {
            lot: lot(n).to_bytes(),
            gross_mg,
            contained_mg: gross_mg,
        }
    }

    /// A lot's number says its age: the lower, the younger.
    fn found(of: impl Fn(u32) -> Vec<Parent>) -> Genealogy {
        shared_out(lot(0), |id| {
            let [a, b, c, d, ..] = id.0;
            let number = u32::from_be_bytes([a, b, c, d]);
            Made {
                label: number.to_string(),
                born_at: u64::from(u32::MAX - number),
                parents: of(number),
            }
        })
    }

    #[test]
    fn an_answer_has_no_more_edges_than_its_bound_and_says_that_there_are_more() {
        let most = u32::try_from(MAX_EDGES).unwrap_or_default();
        let of = |count| {
            move |n| match n {
                0 => (1..=count).map(|n| parent(n, 1)).collect(),
                _ => Vec::new(),
            }
        };
        let whole = found(of(most));
        assert_eq!((whole.edges.len(), whole.truncated), (MAX_EDGES, false));
        let cut = found(of(most + 1));
        assert_eq!((cut.edges.len(), cut.truncated), (MAX_EDGES, true));
    }

    #[test]
    fn lots_that_share_an_ancestor_name_it_once_each_and_their_shares_sum_to_one() {
        // 0 is made of 10 of 1 and 20 of 2; each of these of 3 and 4.
        let found = found(|n| match n {
            0 => vec![parent(1, 10), parent(2, 20)],
            1 => vec![parent(3, 1), parent(4, 2)],
            2 => vec![parent(3, 300), parent(4, 100)],
            _ => Vec::new(),
        });
        let shares: Vec<(u32, i64)> = found
            .edges
            .iter()
            .map(|e| (e.distance, e.share_mg))
            .collect();
        // Of 10: 3 and 7; of 20: 15 and 5.
        assert_eq!(shares, [(1, 10), (1, 20), (2, 3), (2, 7), (2, 15), (2, 5)]);
        assert_eq!(found.whole_gross_mg, 30);
        assert_eq!(shares.iter().skip(2).map(|(_, s)| s).sum::<i64>(), 30);
    }

    #[test]
    fn what_is_less_than_a_milligram_is_not_followed() {
        let found = found(|n| match n {
            0 => vec![parent(1, 1_000_000), parent(2, 3)],
            2 => vec![parent(3, 1), parent(4, 1), parent(5, 1_000_000)],
            _ => Vec::new(),
        });
        let labels: Vec<&str> = found
            .edges
            .iter()
            .map(|e| e.parent_label.as_str())
            .collect();
        assert_eq!(labels, ["1", "2", "5"]);
        assert_eq!(
            found.edges.iter().map(|e| e.share_mg).sum::<i64>(),
            1_000_006
        );
    }

    #[test]
    fn lots_of_one_record_are_shared_out_as_their_shares_come_in() {
        // 2 is looked at before 1, which is made of it and as old.
        let found = shared_out(lot(0), |id| {
            let parents = match id.0 {
                [_, _, _, 0, ..] => vec![parent(1, 5), parent(2, 5)],
                [_, _, _, 1, ..] => vec![parent(2, 5)],
                [_, _, _, 2, ..] => vec![parent(3, 8)],
                _ => Vec::new(),
            };
            Made {
                parents,
                ..Made::default()
            }
        });
        let of_3 = found.edges.iter().find(|e| e.parent == lot(3).to_bytes());
        assert_eq!(of_3.map(|e| e.share_mg), Some(10));
    }

    #[test]
    fn a_lot_is_shared_out_after_all_that_was_made_of_it() {
        // 3 gave to 0 directly, and by way of 1.
        let found = found(|n| match n {
            0 => vec![parent(3, 5), parent(1, 5)],
            1 => vec![parent(3, 8)],
            3 => vec![parent(4, 100)],
            _ => Vec::new(),
        });
        let of_4 = found.edges.iter().find(|e| e.parent == lot(4).to_bytes());
        assert_eq!(of_4.map(|e| e.share_mg), Some(10));
    }
}
