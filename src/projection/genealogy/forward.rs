//! Forward from a lot: everything that some of it went into, and who has it.
//!
//! Contributions are taken in the order in which they were recorded, so when
//! one is looked at, all that came into its lot before is known. What was
//! poured into a vessel is followed in what was drawn from it afterwards: its
//! running lot is looked at *by way of* the lot that was poured.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::rc::Rc;

use super::super::trace::chain::{self, RecordSource, TraceError};
use super::gift::{Corrections, Gift, gifts_of};
use super::{Genealogy, MAX_EDGES, MAX_RECORDS, label_of, lot_of, share};
use crate::custody::account::{self, Class};
use crate::custody::{Items, subject};
use crate::event::LotId;
use crate::pb::{Account, GenealogyEdge, LotState, PartHeld};

/// A lot; of a running lot, what of it came by way of another.
type Node = (LotId, Option<LotId>);

/// How much of a mass is of the lot asked for: so many parts in so many.
#[derive(Clone, Copy)]
struct Part {
    part: i64,
    whole: i64,
}

struct Reached {
    state: LotState,
    part: Part,
    distance: u32,
}

/// All that a running lot gave from the position `since` on, latest first.
struct Chain {
    since: u64,
    gifts: Rc<[Gift]>,
}

/// A contribution that is still to be looked at, in order of recording.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    position: u64,
    event_index: u32,
    /// None has another's.
    order: u64,
    from: Node,
    alone: bool,
    to: LotId,
    /// Of a running lot: as much as was by way of what it is followed by.
    gross_mg: i64,
    contained_mg: i64,
    whole_mg: i64,
}

/// The lots that were made of a lot, and theirs, by records before `before`,
/// and where all of it is.
pub fn descendants(
    items: &dyn Items,
    records: &dyn RecordSource,
    lot: LotId,
    before: u64,
) -> Result<Genealogy, TraceError> {
    let mut walk = Walk {
        items,
        records,
        before,
        left: MAX_RECORDS,
        reached: BTreeMap::new(),
        chains: BTreeMap::new(),
        waiting: BinaryHeap::new(),
        waited: 0,
        found: Genealogy::default(),
    };
    match walk.all(lot) {
        Err(TraceError::TooLong) => walk.found.truncated = true,
        done => done?,
    }
    Ok(walk.told())
}

struct Walk<'a> {
    items: &'a dyn Items,
    records: &'a dyn RecordSource,
    before: u64,
    /// Looks at a record that are left of [`MAX_RECORDS`].
    left: usize,
    /// Bounded by the edges that led here, and the lot itself.
    reached: BTreeMap<Node, Reached>,
    /// Of running lots, which are followed by way of many others.
    chains: BTreeMap<LotId, Chain>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    waited: u64,
    found: Genealogy,
}

/// One look less; the chain is too long when none is left.
fn spend(left: &mut usize) -> Result<(), TraceError> {
    *left = left.checked_sub(1).ok_or(TraceError::TooLong)?;
    Ok(())
}

impl Walk<'_> {
    fn all(&mut self, lot: LotId) -> Result<(), TraceError> {
        let state = lot_of(self.items, lot).unwrap_or_default();
        let whole = entered(&state);
        self.found.whole_gross_mg = whole;
        let part = Part { part: whole, whole };
        self.reach((lot, None), state, part, 0, 0)?;
        while let Some(Reverse(next)) = self.waiting.pop() {
            if self.found.edges.len() == MAX_EDGES {
                return Err(TraceError::TooLong);
            }
            self.follow(&next)?;
        }
        Ok(())
    }

    /// A lot that some of it went into, from the position `since` on.
    fn reach(
        &mut self,
        node: Node,
        state: LotState,
        part: Part,
        distance: u32,
        since: u64,
    ) -> Result<(), TraceError> {
        let gifts = self.gifts(node, state.last, since)?;
        for gift in gifts.iter().filter(|gift| gift.position >= since) {
            let Some((gross_mg, contained_mg)) = gift.by_way_of(node.1) else {
                // Drawn when none of it was left.
                continue;
            };
            self.waiting.push(Reverse(Waiting {
                position: gift.position,
                event_index: gift.event_index,
                order: self.waited,
                from: node,
                alone: gift.alone,
                to: gift.to,
                gross_mg,
                contained_mg,
                whole_mg: gift.gross_mg,
            }));
            self.waited = self.waited.saturating_add(1);
        }
        let reached = Reached {
            state,
            part,
            distance,
        };
        self.reached.insert(node, reached);
        Ok(())
    }

    /// What a lot gave from the position `since` on. A running lot's chain is
    /// read once; to look at it again counts as much as to read it.
    fn gifts(&mut self, node: Node, last: u64, since: u64) -> Result<Rc<[Gift]>, TraceError> {
        let known = self.chains.get(&node.0);
        if let Some(chain) = known.filter(|chain| chain.since <= since) {
            for _ in chain.gifts.iter().filter(|gift| gift.position >= since) {
                spend(&mut self.left)?;
            }
            return Ok(Rc::clone(&chain.gifts));
        }
        let gifts: Rc<[Gift]> = self.read(node.0, last, since)?.into();
        if node.1.is_some() {
            let gifts = Rc::clone(&gifts);
            self.chains.insert(node.0, Chain { since, gifts });
        }
        Ok(gifts)
    }

    /// The same out of the records.
    fn read(&mut self, lot: LotId, last: u64, since: u64) -> Result<Vec<Gift>, TraceError> {
        let (before, left) = (self.before, &mut self.left);
        let (mut gifts, mut restated) = (Vec::new(), Corrections::default());
        let lot = subject::lot(lot);
        chain::walk_gifts(self.records, &lot, last, since, |excerpt| {
            spend(left)?;
            if excerpt.position < before {
                gifts.extend(gifts_of(&excerpt, &mut restated));
            }
            Ok(())
        })?;
        Ok(gifts)
    }

    fn follow(&mut self, next: &Waiting) -> Result<(), TraceError> {
        let Some(from) = self.reached.get(&next.from) else {
            return Ok(());
        };
        let went = share(next.gross_mg, from.part.part, from.part.whole);
        if went == 0 {
            // Less than a milligram is none: a tank never forgets otherwise.
            return Ok(());
        }
        let (whole, distance) = (next.whole_mg, from.distance.saturating_add(1));
        // Of a vessel the matter itself is told, not its running lot's.
        let parent = next.from.1.unwrap_or(next.from.0);
        let (part, from_label) = (from.part, self.label(parent));
        let state = lot_of(self.items, next.to).unwrap_or_default();
        self.found.edges.push(GenealogyEdge {
            parent: parent.to_bytes(),
            child: next.to.to_bytes(),
            gross_mg: next.gross_mg,
            contained_mg: next.contained_mg,
            parent_label: from_label,
            child_label: label_of(&state),
            distance,
            share_mg: went,
        });
        let runs = runs_or_ran(&state);
        let (node, part, counts) = match (runs, next.from.1) {
            // What it is a part of is looked up in what was drawn.
            (true, None) => ((next.to, Some(next.from.0)), part, false),
            // All of a running lot began the next one.
            (true, Some(_)) => ((next.to, Some(next.from.0)), Part { part: 0, whole }, true),
            (false, _) => {
                let whole = entered(&state);
                ((next.to, None), Part { part: 0, whole }, true)
            }
        };
        if !self.reached.contains_key(&node) {
            self.reach(node, state, part, distance, next.then())?;
        }
        if let Some(reached) = self.reached.get_mut(&node) {
            reached.distance = reached.distance.min(distance);
            if counts {
                reached.part.part = reached.part.part.saturating_add(went);
            }
        }
        Ok(())
    }

    fn label(&self, lot: LotId) -> String {
        match self.reached.get(&(lot, None)) {
            Some(reached) => label_of(&reached.state),
            None => lot_of(self.items, lot)
                .as_ref()
                .map(label_of)
                .unwrap_or_default(),
        }
    }

    fn told(mut self) -> Genealogy {
        self.found.edges.sort_by_key(|edge| edge.distance);
        let mut held: BTreeMap<(LotId, Account), PartHeld> = BTreeMap::new();
        for (node, reached) in &self.reached {
            for (account, mut here) in parts_held(node, reached) {
                let known = held.entry((node.0, account));
                let sum = known.or_insert_with(|| PartHeld {
                    share_mg: 0,
                    ..here.clone()
                });
                here.share_mg = here.share_mg.saturating_add(sum.share_mg);
                *sum = here;
            }
        }
        self.found.held = held.into_values().collect();
        self.found
    }
}

impl Waiting {
    /// From where on what it went into is read: this record once more only
    /// if something else was given in it.
    fn then(&self) -> u64 {
        self.position.saturating_add(u64::from(self.alone))
    }
}

/// What entered of a lot in all, milligrams of gross.
fn entered(state: &LotState) -> i64 {
    let sources = state
        .balances
        .iter()
        .filter(|b| class_of(b.account.as_ref()) == Some(Class::Source));
    sources.fold(0i64, |sum, b| sum.saturating_sub(b.gross_mg))
}

fn class_of(account: Option<&Account>) -> Option<Class> {
    account::class(account?.kind())
}

fn runs_or_ran(state: &LotState) -> bool {
    state.running_in.is_some() || !state.blend.is_empty() || !state.blend_at_end.is_empty()
}

/// The holdings and disputes of a lot, with how much of each is of the lot
/// asked for.
fn parts_held(node: &Node, reached: &Reached) -> Vec<(Account, PartHeld)> {
    let state = &reached.state;
    let part = match node.1 {
        None => reached.part,
        // In a vessel: as much as there is of the lot that was poured in.
        Some(via) => {
            let of = state.blend.iter().find(|p| p.lot.as_ref() == via.0);
            let there = state
                .blend
                .iter()
                .fold(0i64, |sum, p| sum.saturating_add(p.gross_mg));
            let poured = of.map_or(0, |p| p.gross_mg);
            Part {
                part: share(poured, reached.part.part, reached.part.whole),
                whole: there,
            }
        }
    };
    let mut held = Vec::new();
    for balance in &state.balances {
        let account = balance.account.clone().unwrap_or_default();
        let class = account::class(account.kind());
        if !matches!(class, Some(Class::Holding | Class::Between)) || part.part == 0 {
            continue;
        }
        let here = PartHeld {
            lot: node.0.to_bytes(),
            label: label_of(state),
            account: Some(account.clone()),
            gross_mg: balance.gross_mg,
            contained_mg: balance.contained_mg,
            share_mg: share(balance.gross_mg, part.part, part.whole),
        };
        held.push((account, here));
    }
    held
}
