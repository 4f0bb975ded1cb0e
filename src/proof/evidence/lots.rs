//! The lots of evidence: each folded from its birth on, by the function that
//! the ledger folds with, and each that gave matter to another shown as well.
//!
//! What is held against what: matter that a lot was made of, at its birth or
//! in a vessel, names the lots that it came from; each of these must say in the
//! same record that it gave, and show its own chain from there back to its
//! birth. Only a correction names lots that gave before, as it does not move
//! what they gave.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::error::BadEvidence;
use super::parts::{Said, gifts, outcome_of};
use crate::custody::apply::{self, At};
use crate::custody::subject::{self, Item};
use crate::custody::{Broken, lot};
use crate::event::digest::to_hex;
use crate::event::record::OpenRecord;
use crate::event::{LotId, StatementId, ids};
use crate::pb::change::Change as C;
use crate::pb::{Change, LinkKind, LotState, Outcome, Subject, SubjectKind};

/// Lines of an event that make lots, at most: a record has no more subjects.
const MAX_LINES: u32 = 512;

/// Names of lots.
type Givers = BTreeSet<Bytes>;

/// A lot as far as its chain is shown.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) state: LotState,
    /// Its records, in order.
    pub(super) positions: Vec<u64>,
    /// Lots that have given it something, and those whose matter that was.
    givers: Givers,
}

/// All of them.
#[derive(Default)]
pub(super) struct Lots(BTreeMap<Subject, Shown>);

impl Lots {
    pub(super) fn get(&self, lot: &Subject) -> Option<&Shown> {
        self.0.get(lot)
    }

    /// The lots that a lot was made of, and those that they were. Nothing else
    /// is shown beside them.
    pub(super) fn ancestors(&self, lot: &Subject) -> Result<Vec<(&Subject, &Shown)>, BadEvidence> {
        let mut made_of = BTreeSet::from([&lot.id]);
        let mut open = vec![lot.clone()];
        while let Some(lot) = open.pop() {
            let givers = self.0.get(&lot).into_iter().flat_map(|shown| &shown.givers);
            for giver in givers.filter(|giver| made_of.insert(giver)) {
                open.extend(LotId::from_slice(giver).map(subject::lot));
            }
        }
        if let Some(beside) = self.0.keys().find(|other| !made_of.contains(&other.id)) {
            return Err(BadEvidence::LotBeside(subject::show(beside)));
        }
        Ok(self.0.iter().filter(|(other, _)| *other != lot).collect())
    }

    /// Takes in what a record says of the lots whose chains it shows.
    pub(super) fn take(&mut self, record: &OpenRecord) -> Result<(), BadEvidence> {
        let links = record.links.iter().flatten();
        let chained = links.filter(|link| link.kind() == LinkKind::Chain);
        let subjects = chained.filter_map(|link| link.subject.as_ref());
        let lots = subjects.filter(|s| s.kind() == SubjectKind::Lot);
        let lots: Vec<&Subject> = lots.collect();
        for lot in &lots {
            let position = record.position();
            let outcome = match outcome_of(record, lot) {
                Said::Outcome(outcome) => Some(outcome),
                Said::Nothing => None,
                Said::Hidden => {
                    let subject = subject::show(lot);
                    return Err(BadEvidence::Hidden { position, subject });
                }
            };
            self.fold(record, lot, outcome)?;
        }
        for lot in lots {
            let now = self.givers_now(record, lot)?;
            self.check_parents(record, lot, &now)?;
            if let Some(shown) = self.0.get_mut(lot) {
                shown.givers.extend(now);
            }
        }
        Ok(())
    }

    fn fold(
        &mut self,
        record: &OpenRecord,
        lot: &Subject,
        outcome: Option<&Outcome>,
    ) -> Result<(), BadEvidence> {
        let position = record.position();
        let at = At {
            position,
            happened_at_ms: record.payload.happened_at_ms,
        };
        let law = |broken: Broken| BadEvidence::Law {
            position,
            subject: subject::show(lot),
            broken,
        };
        let unborn = || BadEvidence::Unborn {
            position,
            subject: subject::show(lot),
        };
        // Nothing is looked at again once something does not hold.
        let known = self.0.get_mut(lot);
        let known = known.map(|shown| std::mem::take(&mut shown.state));
        let mut item = known.map(Item::Lot);
        for change in outcome.into_iter().flat_map(|outcome| &outcome.changes) {
            // It is born once; only then is its name worked out.
            let birth = matches!(change.change, Some(C::Born(_)));
            if birth && (item.is_some() || !is_named_after(record, change, lot)) {
                return Err(unborn());
            }
            // Nothing is booked of a lot before its birth.
            let mut now = item.or_else(|| apply::birth(change, at));
            let born = now.as_mut().ok_or_else(unborn)?;
            apply::apply(born, change, at).map_err(law)?;
            item = now;
        }
        let Some(Item::Lot(mut state)) = item else {
            return Err(unborn());
        };
        state.last = position;
        lot::check(&state).map_err(law)?;
        let shown = self.0.entry(lot.clone()).or_default();
        shown.state = state;
        shown.positions.push(position);
        Ok(())
    }

    /// Who gives to a lot in a record, each shown up to it, and whose matter that
    /// was.
    fn givers_now(&self, record: &OpenRecord, lot: &Subject) -> Result<Givers, BadEvidence> {
        let position = record.position();
        let mut now = Givers::new();
        for (giver, outcome) in givers_in(record, lot) {
            let folded = self.0.get(giver);
            if folded.is_none_or(|shown| shown.positions.last() != Some(&position)) {
                return Err(left_out(record, lot, &giver.id));
            }
            now.insert(giver.id.clone());
            let given = gifts(outcome).filter(|given| given.lot == lot.id);
            let of = given.flat_map(|given| &given.of);
            now.extend(of.map(|part| part.lot.clone()));
        }
        Ok(now)
    }

    fn check_parents(
        &self,
        record: &OpenRecord,
        lot: &Subject,
        now: &Givers,
    ) -> Result<(), BadEvidence> {
        let Said::Outcome(outcome) = outcome_of(record, lot) else {
            return Ok(());
        };
        let before = self.0.get(lot).map(|shown| &shown.givers);
        for (parent, corrected) in made_of(outcome) {
            let gave = corrected && before.is_some_and(|before| before.contains(parent));
            if !gave && !now.contains(parent) {
                return Err(left_out(record, lot, parent));
            }
        }
        Ok(())
    }
}

fn left_out(record: &OpenRecord, lot: &Subject, parent: &[u8]) -> BadEvidence {
    BadEvidence::Giver {
        position: record.position(),
        subject: subject::show(lot),
        parent: to_hex(parent),
    }
}

/// Whether a lot's name is derived from the event that it was born by, which a
/// party signed: nobody else can give birth to it.
fn is_named_after(record: &OpenRecord, birth: &Change, lot: &Subject) -> bool {
    let cause = birth.cause.unwrap_or_default();
    let Some(id) = StatementId::parse(&record.payload.id) else {
        return false;
    };
    let name = |line| ids::derived(&record.payload.party, id, cause.event_index, line);
    cause.parked_position.is_none() && (0..MAX_LINES).any(|line| name(line) == *lot.id)
}

/// Other lots whose outcomes in a record say that they gave to this one.
fn givers_in<'a>(
    record: &'a OpenRecord,
    lot: &'a Subject,
) -> impl Iterator<Item = (&'a Subject, &'a Outcome)> {
    record.outcomes.iter().flatten().filter_map(move |outcome| {
        let giver = outcome.subject.as_ref()?;
        let other = giver.kind() == SubjectKind::Lot && giver != lot;
        let to_it = gifts(outcome).any(|given| given.lot == lot.id);
        (other && to_it).then_some((giver, outcome))
    })
}

/// The lots that a lot's outcome says it was made of, and whether a correction
/// says so, which gives back what was taken of them. Matter of unknown origin
/// has none.
fn made_of(outcome: &Outcome) -> impl Iterator<Item = (&Bytes, bool)> {
    let restated = |change: &&Change| matches!(change.change, Some(C::Restated(_)));
    let corrections = outcome.changes.iter().filter(restated);
    let corrections: Vec<_> = corrections.map(|change| &change.cause).collect();
    let named = outcome.changes.iter().flat_map(move |change| {
        let lots: Vec<&Bytes> = match &change.change {
            Some(C::Born(born) | C::BirthRestated(born)) => {
                let parents = born.parents.iter().map(|parent| &parent.lot);
                parents.chain([&born.drawn_from]).collect()
            }
            Some(C::Blended(blended)) => {
                let gained = blended.parts.iter().filter(|part| part.gross_mg > 0);
                gained.map(|part| &part.lot).collect()
            }
            _ => Vec::new(),
        };
        let corrected = corrections.contains(&&change.cause);
        lots.into_iter().map(move |lot| (lot, corrected))
    });
    named.filter(|(lot, _)| !lot.is_empty())
}
