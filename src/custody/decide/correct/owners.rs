//! Whose it is that goes from one lot into another: goods poured into a vessel,
//! or drawn from it, keep their owners, and so does what a correction moves
//! between the two lots.

use std::collections::BTreeMap;

use super::Recorded;
use crate::custody::draft::Draft;
use crate::event::LotId;
use crate::event::codes::Refused;
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
    pub(super) fn keep(self, draft: &mut Draft<'_>, party: &str) -> Result<(), Refused> {
        let [(first, was_first), (second, was_second)] = self.0.as_slice() else {
            return Ok(());
        };
        let in_first = changes(draft, *first, was_first);
        let in_second = changes(draft, *second, was_second);
        let (lost, gained, to) = match sum(&in_first).signum() {
            -1 => (in_first, in_second, *second),
            _ => (in_second, in_first, *first),
        };
        let only = gained.len() == 1 && gained.contains_key(party);
        if !only || sum(&lost).checked_add(sum(&gained)) != Some(0) {
            return Ok(());
        }
        for (owner, less) in lost.iter().filter(|(owner, _)| *owner != party) {
            draft.post_title(to, owner, less.saturating_neg())?;
            draft.post_title(to, party, *less)?;
        }
        Ok(())
    }
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

fn sum(all: &Titles) -> i64 {
    all.values()
        .fold(0, |sum, title| sum.saturating_add(*title))
}
