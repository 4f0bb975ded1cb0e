//! Laws that span lots: a transformation conserves (law 4).

use std::collections::BTreeMap;

use super::lot::{Broken, broken};
use crate::event::record::OpenRecord;
use crate::pb::change::Change as C;
use crate::pb::{AccountKind, Conservation};

#[derive(Default)]
struct Sides {
    gone_gross: i128,
    made_gross: i128,
    conservation: Option<Conservation>,
}

/// For every transformation in a record: what left its inputs for
/// `transformed`, and inert matter, is what was made and what was named as
/// unregulated. Losses and shortfalls are postings of their own, so they
/// are out of both sides. Per-substance content is checked by the verifier,
/// which knows the substances.
pub fn check(record: &OpenRecord) -> Result<(), Broken> {
    let mut events: BTreeMap<u32, Sides> = BTreeMap::new();
    for outcome in record.outcomes.iter().flatten() {
        for change in &outcome.changes {
            let index = change.cause.as_ref().map_or(0, |c| c.event_index);
            match &change.change {
                Some(C::Posting(p)) => {
                    let sides = events.entry(index).or_default();
                    match p.account.as_ref().map(crate::pb::Account::kind) {
                        Some(AccountKind::Transformed) => {
                            sides.gone_gross += i128::from(p.gross_mg);
                        }
                        Some(AccountKind::Made) => sides.made_gross -= i128::from(p.gross_mg),
                        _ => {}
                    }
                }
                Some(C::Conservation(c)) => {
                    let sides = events.entry(index).or_default();
                    if sides.conservation.replace(c.clone()).is_some() {
                        return broken(4, "two balances for one transformation");
                    }
                }
                _ => {}
            }
        }
    }
    for (index, sides) in events {
        let c = sides.conservation.unwrap_or_default();
        let inside = sides.gone_gross + i128::from(c.inert_gross_mg);
        let outside = sides.made_gross
            + i128::from(c.unregulated_gross_mg)
            + i128::from(c.inert_loss_gross_mg);
        if inside != outside {
            return broken(
                4,
                format!("event {index}: {inside} mg went in, {outside} mg came out"),
            );
        }
    }
    Ok(())
}
