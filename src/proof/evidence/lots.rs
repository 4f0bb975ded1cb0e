//! The lots of evidence: each folded from its birth on, by the function that
//! the ledger folds with, and each that gave matter to another shown as well.
//!
//! What is held against what: matter that a lot was made of, at its birth or
//! in a vessel, names the lots that it came from; each of these must say in the
//! same record, or have said before, that it gave, and show its own chain from
//! there back to its birth.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::error::BadEvidence;
use super::parts::{Said, gifts, outcome_of};
use crate::custody::apply::{self, At};
use crate::custody::subject::{self, Item};
use crate::custody::{Broken, lot};
use crate::event::digest::to_hex;
use crate::event::record::OpenRecord;
use crate::event::{StatementId, ids};
use crate::pb::change::Change as C;
use crate::pb::{Change, LinkKind, LotState, Outcome, Subject, SubjectKind};

/// Lines of an event that make lots, at most: a record has no more subjects.
const MAX_LINES: u32 = 512;

/// A lot as far as its chain is shown.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) state: LotState,
    /// Its records, in order.
    pub(super) positions: Vec<u64>,
    /// Lots that have given it something, and those whose matter that was.
    givers: BTreeSet<Bytes>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Lots(BTreeMap<Subject, Shown>);

impl Lots {
    pub(super) fn get(&self, lot: &Subject) -> Option<&Shown> {
        self.0.get(lot)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Subject, &Shown)> {
        self.0.iter()
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
            self.note_givers(record, lot);
            self.check_givers(record, lot)?;
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
        let known = self.0.get(lot).map(|shown| shown.state.clone());
        let mut item = known.map(Item::Lot);
        for change in outcome.into_iter().flat_map(|outcome| &outcome.changes) {
            if matches!(change.change, Some(C::Born(_))) && !is_named_after(record, change, lot) {
                let subject = subject::show(lot);
                return Err(BadEvidence::Unborn { position, subject });
            }
            item = item.or_else(|| apply::birth(change, at));
            if let Some(item) = &mut item {
                apply::apply(item, change, at).map_err(law)?;
            }
        }
        let Some(Item::Lot(mut state)) = item else {
            let subject = subject::show(lot);
            return Err(BadEvidence::Unborn { position, subject });
        };
        state.last = position;
        lot::check(&state).map_err(law)?;
        let shown = self.0.entry(lot.clone()).or_default();
        shown.state = state;
        shown.positions.push(position);
        Ok(())
    }

    /// Notes who gives to a lot in a record.
    fn note_givers(&mut self, record: &OpenRecord, lot: &Subject) {
        let Some(shown) = self.0.get_mut(lot) else {
            return;
        };
        for (giver, outcome) in givers_in(record, lot) {
            shown.givers.insert(giver.id.clone());
            let given = gifts(outcome).filter(|given| given.lot == lot.id);
            let of = given.flat_map(|given| &given.of);
            shown.givers.extend(of.map(|part| part.lot.clone()));
        }
    }

    fn check_givers(&self, record: &OpenRecord, lot: &Subject) -> Result<(), BadEvidence> {
        let position = record.position();
        let left_out = |parent: &[u8]| BadEvidence::Giver {
            position,
            subject: subject::show(lot),
            parent: to_hex(parent),
        };
        for (giver, _) in givers_in(record, lot) {
            let folded = self.0.get(giver);
            if folded.is_none_or(|shown| shown.positions.last() != Some(&position)) {
                return Err(left_out(&giver.id));
            }
        }
        let Said::Outcome(outcome) = outcome_of(record, lot) else {
            return Ok(());
        };
        let known = self.0.get(lot).map(|shown| &shown.givers);
        for parent in made_of(outcome) {
            if !known.is_some_and(|known| known.contains(parent)) {
                return Err(left_out(parent));
            }
        }
        Ok(())
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
        let gives = gifts(outcome).any(|given| given.lot == lot.id);
        (other && gives).then_some((giver, outcome))
    })
}

/// The lots that a lot's outcome says it was made of. Matter of unknown origin
/// has none.
fn made_of(outcome: &Outcome) -> impl Iterator<Item = &Bytes> {
    let named = outcome.changes.iter().flat_map(|change| {
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
        lots
    });
    named.filter(|lot| !lot.is_empty())
}
