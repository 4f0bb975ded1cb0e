//! Laws that span lots: a transformation conserves (law 4).

use std::collections::BTreeMap;

use super::lot::{Broken, broken};
use crate::event::record::OpenRecord;
use crate::pb::change::Change as C;
use crate::pb::{AccountKind, Change, Conservation, Posting};

#[derive(Default)]
struct Sides {
    gone_gross: i128,
    made_gross: i128,
    conservation: Option<Conservation>,
}

impl Sides {
    fn post(&mut self, posting: &Posting) {
        match posting.account.as_ref().map(crate::pb::Account::kind) {
            Some(AccountKind::Transformed) => self.gone_gross += i128::from(posting.gross_mg),
            Some(AccountKind::Made) => self.made_gross -= i128::from(posting.gross_mg),
            _ => {}
        }
    }

    fn declare(&mut self, conservation: &Conservation) -> Result<(), Broken> {
        match self.conservation.replace(conservation.clone()) {
            None => Ok(()),
            Some(_) => broken(4, "two balances for one transformation"),
        }
    }
}

/// Which transformation postings belong to: an event of the record, or an
/// earlier one (its position and index) that an event of the record restates.
pub type Which = (u32, Option<(u64, u32)>);

/// For every transformation in a record, and every one that it restates: what
/// left its inputs for `transformed`, and inert matter, is what was made and
/// what was named as unregulated. Losses and shortfalls are postings of their
/// own, so they are out of both sides. Per-substance content is checked by the
/// verifier, which knows the substances.
pub fn check(record: &OpenRecord) -> Result<(), Broken> {
    check_changes(record.outcomes.iter().flatten().flat_map(|o| &o.changes))
}

/// The same of changes that are still to be recorded.
pub fn check_changes<'a>(changes: impl Iterator<Item = &'a Change>) -> Result<(), Broken> {
    let mut events: BTreeMap<Which, Sides> = BTreeMap::new();
    for change in changes {
        let index = change.cause.as_ref().map_or(0, |c| c.event_index);
        match &change.change {
            Some(C::Posting(p)) => events.entry((index, None)).or_default().post(p),
            Some(C::Conservation(c)) => events.entry((index, None)).or_default().declare(c)?,
            Some(C::Restated(r)) => {
                let original = (index, Some((r.position, r.event_index)));
                let sides = events.entry(original).or_default();
                r.postings.iter().for_each(|p| sides.post(p));
                if let Some(c) = &r.conservation {
                    sides.declare(c)?;
                }
            }
            _ => {}
        }
    }
    for ((index, restated), sides) in events {
        let c = sides.conservation.unwrap_or_default();
        let inside = sides.gone_gross + i128::from(c.inert_gross_mg);
        let outside = sides.made_gross
            + i128::from(c.unregulated_gross_mg)
            + i128::from(c.inert_loss_gross_mg);
        if inside != outside {
            let which = named(restated);
            return broken(
                4,
                format!("event {index}{which}: {inside} mg went in, {outside} mg came out"),
            );
        }
    }
    Ok(())
}

/// Which earlier event is restated, for an error.
pub fn named(restated: Option<(u64, u32)>) -> String {
    restated.map_or(String::new(), |(position, index)| {
        format!(", which restates event {index} of record {position},")
    })
}
