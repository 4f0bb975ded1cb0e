//! Whose it is that a correction gives back, or moves from one lot into
//! another. What an event took from an owner goes back to that owner, whoever
//! corrects it; goods poured into a vessel, or drawn from it, keep theirs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Books, Recorded, flow};
use crate::custody::account::{self, Class};
use crate::custody::draft::Draft;
use crate::custody::subject;
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::event::Body;

/// Title by party, milligrams of gross.
type Titles = BTreeMap<String, i64>;

/// Who owned how much of each lot before a correction.
pub(super) struct Owners(Vec<(LotId, Titles)>);

impl Owners {
    /// Of events whose goods keep their owners; of others nothing.
    pub(super) fn before(draft: &Draft<'_>, original: &Recorded, lots: &[LotId]) -> Owners {
        let keeps = matches!(original.event.body, Some(Body::Filled(_) | Body::Drawn(_)));
        let lots = lots.iter().filter(|_| keeps);
        Owners(lots.map(|lot| (*lot, titles(draft, *lot))).collect())
    }

    /// The lot that gained did so from those who lost in the other. Where not
    /// all of it was covered, the parties of the dispute have it.
    pub(super) fn keep(self, draft: &mut Draft<'_>) -> Result<(), Refused> {
        let [(first, was_first), (second, was_second)] = self.0.as_slice() else {
            return Ok(());
        };
        let in_first = changes(draft, *first, was_first);
        let in_second = changes(draft, *second, was_second);
        let (lost, gained, to) = match sum(&in_first).signum() {
            -1 => (in_first, in_second, *second),
            _ => (in_second, in_first, *first),
        };
        // Else some of it stands in dispute.
        let only = lost.values().all(|t| *t < 0) && gained.values().all(|t| *t > 0);
        if !only || sum(&lost).checked_add(sum(&gained)) != Some(0) {
            return Ok(());
        }
        let parties: BTreeSet<&String> = lost.keys().chain(gained.keys()).collect();
        let now = titles(draft, to);
        let due: Vec<(&String, i64)> = parties
            .into_iter()
            .map(|party| {
                let both = of(&lost, party).saturating_add(of(&gained, party));
                (party, both.saturating_neg())
            })
            .collect();
        // A debt of title that has been made good stays so.
        let owing = |(party, due): &(&String, i64)| of(&now, party).saturating_add(*due) < 0;
        if due.iter().any(owing) {
            return Ok(());
        }
        for (party, due) in due {
            draft.post_title(to, party, due)?;
        }
        Ok(())
    }
}

/// Gives title to what is there again: to those from whom the event took it,
/// in order of their codes, after what earlier corrections of it have given
/// back; what is more than it took, to the event's party.
pub(super) fn give_back(
    draft: &mut Draft<'_>,
    original: &Recorded,
    lot: LotId,
    party: &str,
    gross: i64,
) -> Result<(), Refused> {
    let first = gone(&flow::recorded(original, lot));
    let mut given = first
        .saturating_sub(gone(&flow::booked(draft, original, lot)))
        .max(0);
    let mut left = gross;
    for (owner, taken) in taken_from(original, lot) {
        let before = given.min(taken);
        given -= before;
        let back = left.min(taken - before);
        left -= back;
        draft.post_title(lot, &owner, back)?;
    }
    draft.post_title(lot, party, left)
}

/// How much title an event took, and from whom.
fn taken_from(original: &Recorded, lot: LotId) -> Titles {
    let subject = subject::lot(lot);
    let mut taken = Titles::new();
    for (_, change) in original.changes.iter().filter(|(s, _)| *s == subject) {
        if let Some(C::Title(title)) = &change.change {
            let sum = taken.entry(title.party.clone()).or_default();
            *sum = sum.saturating_sub(title.gross_mg);
        }
    }
    taken.retain(|_, gross| *gross > 0);
    taken
}

/// How much less is held, or lies between, after an event.
fn gone(books: &Books) -> i64 {
    let owned = |class| matches!(class, Some(Class::Holding | Class::Between));
    let there = books
        .iter()
        .filter(|(at, _)| owned(account::class(at.kind())));
    let sum = there.fold(0i64, |sum, (_, amount)| sum.saturating_add(amount.gross));
    sum.saturating_neg().max(0)
}

fn titles(draft: &Draft<'_>, lot: LotId) -> Titles {
    let state = draft.lot(lot).unwrap_or_default();
    let titles = state.titles.iter();
    titles.map(|t| (t.party.clone(), t.gross_mg)).collect()
}

/// Whose title has become how much more.
fn changes(draft: &Draft<'_>, lot: LotId, was: &Titles) -> Titles {
    let mut now = titles(draft, lot);
    for (party, gross) in was {
        let more = now.entry(party.clone()).or_default();
        *more = more.saturating_sub(*gross);
    }
    now.retain(|_, more| *more != 0);
    now
}

fn of(all: &Titles, party: &str) -> i64 {
    all.get(party).copied().unwrap_or_default()
}

fn sum(all: &Titles) -> i64 {
    all.values()
        .fold(0, |sum, title| sum.saturating_add(*title))
}
