//! Back from a lot: what it was made of, down to where matter entered.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Genealogy, MAX_EDGES, label_of, lot_of};
use crate::custody::{Items, blend};
use crate::event::LotId;
use crate::pb::{GenealogyEdge, LotState, Parent};

/// The lots that a lot was made of, and theirs. The shares that came from lots
/// without parents sum to what the lot was made of, to the milligram.
pub fn ancestors(items: &dyn Items, lot: LotId) -> Genealogy {
    let mut found = collect(
        |id| {
            let state = lot_of(items, id).unwrap_or_default();
            (label_of(&state), parents_of(state))
        },
        lot,
    );
    found.whole_gross_mg = share_out(lot, &mut found.edges);
    found
}

/// What a lot is made of; of one that runs or ran in a vessel, what was poured
/// in.
fn parents_of(state: LotState) -> Vec<Parent> {
    let parts = [state.blend, state.blend_at_end];
    let born = state.born.unwrap_or_default().parents;
    let mut parts = parts.into_iter().filter(|parts| !parts.is_empty());
    parts.next().unwrap_or(born)
}

/// Breadth first: a lot's label and its parents.
fn collect(of: impl Fn(LotId) -> (String, Vec<Parent>), lot: LotId) -> Genealogy {
    let mut found = Genealogy::default();
    let mut labels = BTreeMap::new();
    // Never more than the edges that led here, and the lot itself.
    let mut seen = BTreeSet::from([lot]);
    let mut waiting = VecDeque::from([(lot, 1u32)]);
    while let Some((child, distance)) = waiting.pop_front() {
        let (label, parents) = of(child);
        labels.insert(child.to_bytes(), label);
        for parent in parents {
            if found.edges.len() == MAX_EDGES {
                found.truncated = true;
                waiting.clear();
                break;
            }
            if let Some(id) = LotId::from_slice(&parent.lot)
                && seen.insert(id)
            {
                waiting.push_back((id, distance.saturating_add(1)));
            }
            found.edges.push(GenealogyEdge {
                parent: parent.lot,
                child: child.to_bytes(),
                gross_mg: parent.gross_mg,
                contained_mg: parent.contained_mg,
                distance,
                ..GenealogyEdge::default()
            });
        }
    }
    let label = |id: &bytes::Bytes| match labels.get(id) {
        Some(label) => label.clone(),
        // Cut off before it was looked at.
        None => LotId::from_slice(id).map(|id| of(id).0).unwrap_or_default(),
    };
    for edge in &mut found.edges {
        (edge.parent_label, edge.child_label) = (label(&edge.parent), label(&edge.child));
    }
    found
}

/// Shares what the lot was made of among its ancestors, each lot's share among
/// its parents as it was made of them. A lot is shared out when all that was
/// made of it has been. Returns the whole.
fn share_out(lot: LotId, edges: &mut [GenealogyEdge]) -> i64 {
    let mut of_child: BTreeMap<bytes::Bytes, Vec<usize>> = BTreeMap::new();
    let mut still: BTreeMap<bytes::Bytes, usize> = BTreeMap::new();
    for (at, edge) in edges.iter().enumerate() {
        of_child.entry(edge.child.clone()).or_default().push(at);
        *still.entry(edge.parent.clone()).or_default() += 1;
    }
    let own = |edge: &&GenealogyEdge| edge.child == lot.to_bytes();
    let whole = edges.iter().filter(own);
    let whole = whole.fold(0i64, |sum, e| sum.saturating_add(e.gross_mg));
    let mut due = BTreeMap::from([(lot.to_bytes(), whole)]);
    let mut ready = vec![lot.to_bytes()];
    while let Some(child) = ready.pop() {
        let mine = of_child.get(&child).cloned().unwrap_or_default();
        let weights: Vec<i64> = mine
            .iter()
            .filter_map(|at| edges.get(*at))
            .map(|edge| edge.gross_mg)
            .collect();
        let total = due.get(&child).copied().unwrap_or_default();
        let shares = blend::split(total, &weights).unwrap_or_default();
        for (at, share) in mine.into_iter().zip(shares) {
            let Some(edge) = edges.get_mut(at) else {
                continue;
            };
            edge.share_mg = share;
            let sum = due.entry(edge.parent.clone()).or_default();
            *sum = sum.saturating_add(share);
            let left = still.entry(edge.parent.clone()).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                ready.push(edge.parent.clone());
            }
        }
    }
    whole
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

    fn found(of: impl Fn(u32) -> Vec<Parent>) -> Genealogy {
        let number = |id: LotId| match id.0 {
            [a, b, c, d, ..] => u32::from_be_bytes([a, b, c, d]),
        };
        let mut found = collect(|id| (number(id).to_string(), of(number(id))), lot(0));
        found.whole_gross_mg = share_out(lot(0), &mut found.edges);
        found
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
