//! Forward from a lot: everything that some of it went into, and who has it.
//!
//! Contributions are taken in the order in which they were recorded, so when
//! one is looked at, all that came into its lot before is known. What was
//! poured into a vessel is followed in what was drawn from it afterwards: its
//! running lot is looked at *by way of* the lot that was poured.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::super::trace::chain::{self, ReadError, RecordSource, TraceError};
use super::{Genealogy, MAX_EDGES, MAX_RECORDS, label_of, lot_of, share};
use crate::custody::account::{self, Class};
use crate::custody::{Items, subject};
use crate::event::LotId;
use crate::event::record::OpenRecord;
use crate::pb::change::Change as C;
use crate::pb::{Account, Change, ContributedTo, GenealogyEdge, LotState, PartHeld};

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

/// A contribution that is still to be looked at, in order of recording.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    position: u64,
    event_index: u32,
    order: usize,
    from: Node,
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
        records: Bounded {
            records,
            left: Cell::new(MAX_RECORDS),
        },
        before,
        reached: BTreeMap::new(),
        waiting: BinaryHeap::new(),
        given: Vec::new(),
        found: Genealogy::default(),
    };
    match walk.all(lot) {
        Err(TraceError::TooLong) => walk.found.truncated = true,
        done => done?,
    }
    Ok(walk.told())
}

/// Records until [`MAX_RECORDS`] have been read; then the chain is too long.
struct Bounded<'a> {
    records: &'a dyn RecordSource,
    left: Cell<usize>,
}

impl RecordSource for Bounded<'_> {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        self.records.record(position)
    }
}

impl Bounded<'_> {
    fn spend(&self) -> Result<(), TraceError> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(TraceError::TooLong),
        }
    }
}

/// What corrections of a lot's events say that it gave, by the event that is
/// corrected. The chain is read latest first, so the first met holds.
#[derive(Default)]
struct Corrections(BTreeMap<(u64, u32), Vec<ContributedTo>>);

impl Corrections {
    fn learn(&mut self, changes: &[&Change]) {
        for change in changes.iter().rev() {
            if let Some(C::Restated(r)) = &change.change {
                self.0
                    .entry((r.position, r.event_index))
                    .or_insert_with(|| r.contributed_to.clone());
            }
        }
    }

    /// What stands where an event says that it gave: of one corrected all of
    /// it at once, where the first stood.
    fn instead(&mut self, position: u64, index: u32, to: &ContributedTo) -> Vec<ContributedTo> {
        match self.0.get_mut(&(position, index)) {
            Some(instead) => std::mem::take(instead),
            None => vec![to.clone()],
        }
    }
}

struct Walk<'a> {
    items: &'a dyn Items,
    records: Bounded<'a>,
    before: u64,
    /// Bounded by the edges that led here, and the lot itself.
    reached: BTreeMap<Node, Reached>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    given: Vec<ContributedTo>,
    found: Genealogy,
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
        let subject = subject::lot(node.0);
        let (records, before) = (&self.records, self.before);
        let (waiting, given) = (&mut self.waiting, &mut self.given);
        let mut restated = Corrections::default();
        chain::walk_since(records, &subject, state.last, since, |record| {
            records.spend()?;
            if record.position() >= before {
                return Ok(());
            }
            let outcomes = record.outcomes.iter().flatten();
            let own = outcomes.filter(|o| o.subject.as_ref() == Some(&subject));
            let own: Vec<&Change> = own.flat_map(|o| &o.changes).collect();
            restated.learn(&own);
            for change in own {
                let Some(C::ContributedTo(to)) = &change.change else {
                    continue;
                };
                let event_index = change.cause.map_or(0, |c| c.event_index);
                for to in restated.instead(record.position(), event_index, to) {
                    waiting.push(Reverse(Waiting {
                        position: record.position(),
                        event_index,
                        order: given.len(),
                        from: node,
                    }));
                    given.push(to);
                }
            }
            Ok(())
        })?;
        let reached = Reached {
            state,
            part,
            distance,
        };
        self.reached.insert(node, reached);
        Ok(())
    }

    fn follow(&mut self, next: &Waiting) -> Result<(), TraceError> {
        let (Some(given), Some(from)) = (self.given.get(next.order), self.reached.get(&next.from))
        else {
            return Ok(());
        };
        let Some(to) = LotId::from_slice(&given.lot) else {
            return Ok(());
        };
        let (gross, contained) = match next.from.1 {
            None => (given.gross_mg, given.contained_mg),
            Some(via) => match given.of.iter().find(|p| p.lot.as_ref() == via.0) {
                Some(part) => (part.gross_mg, part.contained_mg),
                // Drawn when none of it was left.
                None => return Ok(()),
            },
        };
        let went = share(gross, from.part.part, from.part.whole);
        if went == 0 {
            // Less than a milligram is none: a tank never forgets otherwise.
            return Ok(());
        }
        let (whole, distance) = (given.gross_mg, from.distance.saturating_add(1));
        // Of a vessel the matter itself is told, not its running lot's.
        let parent = next.from.1.unwrap_or(next.from.0);
        let (part, from_label) = (from.part, self.label(parent));
        let state = lot_of(self.items, to).unwrap_or_default();
        self.found.edges.push(GenealogyEdge {
            parent: parent.to_bytes(),
            child: to.to_bytes(),
            gross_mg: gross,
            contained_mg: contained,
            parent_label: from_label,
            child_label: label_of(&state),
            distance,
            share_mg: went,
        });
        let runs = runs_or_ran(&state);
        let (node, part, counts) = match (runs, next.from.1) {
            // What it is a part of is looked up in what was drawn.
            (true, None) => ((to, Some(next.from.0)), part, false),
            // All of a running lot began the next one.
            (true, Some(_)) => ((to, Some(next.from.0)), Part { part: 0, whole }, true),
            (false, _) => {
                let whole = entered(&state);
                ((to, None), Part { part: 0, whole }, true)
            }
        };
        if !self.reached.contains_key(&node) {
            self.reach(node, state, part, distance, next.position)?;
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
