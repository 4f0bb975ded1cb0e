//! Since when goods stand where they are, and when they were counted there: kept
//! only while a pack asks for stock-takes. What was there before it did counts
//! from the last event about its lot before that.

use crate::custody::decide::Case;
use crate::custody::draft::Draft;
use crate::custody::rules::Book;
use crate::custody::subject::{self, Item};
use crate::custody::{account, lot};
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{Account, AccountKind, Event, LotState, RuleKind, StockTaken, SubjectKind};

/// An event has been decided: notes where goods have come, and what it counted.
pub(in crate::custody::decide) fn note(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    event: &Event,
) -> Result<(), Refused> {
    let is_mark = matches!(event.body, Some(Body::OverdueStated(_)));
    if is_mark || Book::of(draft).is_silent(RuleKind::StockTakeDue) {
        return Ok(());
    }
    if let Some(Body::Counted(e)) = &event.body
        && let Some(id) = LotId::from_slice(&e.lot)
    {
        counted(draft, id, &account::held(case.party(), &e.place))?;
    }
    let lots = draft.changes_now().map(|(subject, _)| subject);
    let lots = lots.filter(|subject| subject.kind() == SubjectKind::Lot);
    let mut lots: Vec<LotId> = lots.filter_map(|s| LotId::from_slice(&s.id)).collect();
    lots.dedup();
    for id in lots {
        let state = draft.lot(id).unwrap_or_default();
        let new: Vec<Account> = unknown(&state).cloned().collect();
        if new.is_empty() {
            continue;
        }
        let before = draft.stood(&subject::lot(id));
        for account in new {
            let since_ms = match before.as_deref() {
                Some(Item::Lot(lot)) if !lot::balance(lot, &account).is_zero() => {
                    lot.latest_happened_at_ms
                }
                _ => draft.happened_at_ms(),
            };
            take(draft, id, &account, since_ms)?;
        }
    }
    Ok(())
}

/// Places of which nothing is known yet.
fn unknown(lot: &LotState) -> impl Iterator<Item = &Account> {
    let accounts = lot.balances.iter().filter_map(|b| b.account.as_ref());
    accounts
        .filter(|account| account.kind() == AccountKind::Held && known_ms(lot, account).is_none())
}

/// Since when, or when it was last counted.
fn known_ms(lot: &LotState, account: &Account) -> Option<i64> {
    let here = |s: &&StockTaken| s.party == account.party && s.place == account.place;
    lot.stock.iter().find(here).map(|s| s.at_ms)
}

/// A count that comes in late takes nothing back.
fn counted(draft: &mut Draft<'_>, id: LotId, account: &Account) -> Result<(), Refused> {
    let state = draft.lot(id).unwrap_or_default();
    if lot::balance(&state, account).is_zero() {
        return Ok(());
    }
    let known = known_ms(&state, account).unwrap_or_default();
    take(draft, id, account, known.max(draft.happened_at_ms()))
}

fn take(draft: &mut Draft<'_>, id: LotId, account: &Account, at_ms: i64) -> Result<(), Refused> {
    let stock = StockTaken {
        party: account.party.clone(),
        place: account.place.clone(),
        at_ms,
    };
    draft.emit(&subject::lot(id), C::StockTaken(stock))
}
