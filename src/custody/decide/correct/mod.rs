//! Corrections: an earlier event restated. The *net* difference is booked now,
//! what current holdings cannot cover goes into dispute, and the restated
//! postings stand beside it for as-true-at. Quantity and place of loose matter
//! that entered or left the books can be corrected; other events are undone by
//! the event that reverses them.
//!
//! | file | what |
//! |---|---|
//! | `original` | the event that is corrected, and what of it may differ |
//! | `consent` | who must sign beside its party |
//! | `flow` | what the event is booked with, and should have been |
//! | `net` | the difference, booked now |

mod consent;
mod flow;
mod net;
mod original;

use std::collections::BTreeMap;

use super::fields::{self, MAX_TEXT};
use super::goods::{self, overflow};
use super::store::late;
use super::{Case, Recorded};
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::{Account, Corrected, Posting, RefusalCode, Restated};

/// Amounts by account.
type Books = BTreeMap<Account, Amount>;

pub(super) fn corrected(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Corrected,
) -> Result<(), Refused> {
    fields::text(&e.reason, MAX_TEXT, "reason")?;
    let restated = e
        .restated
        .as_ref()
        .ok_or_else(|| Refused::missing("restated"))?;
    let original = original::find(case, e.original.as_ref())?;
    if original.payload.party != case.party() && !case.signers.authority() {
        return Err(Refused::new(RefusalCode::CannotCorrect, "original")
            .detail(format!("{} signed it", original.payload.party)));
    }
    if original::like(restated)? != original::like(&original.event)? {
        return Err(Refused::new(RefusalCode::CannotCorrect, "restated")
            .detail("only quantity and place may differ from the original"));
    }
    let party = original.payload.party.as_str();
    let lot = original::lot_named(&original)?;
    let state = draft
        .lot(lot)
        .ok_or_else(|| Refused::new(RefusalCode::UnknownLot, "original"))?;
    consent::custody_moved(draft, case, party, &state)?;
    let before = flow::booked(&original, lot, &state);
    let after = flow::restated(draft, party, restated, &state).map_err(|r| r.within("restated"))?;
    let mut net = after.clone();
    for (account, amount) in &before {
        let now = net.entry(account.clone()).or_default();
        *now = now.minus(*amount).map_err(overflow)?;
    }
    net.retain(|_, amount| !amount.is_zero());
    if net.is_empty() {
        return Err(Refused::new(RefusalCode::NoChange, "restated"));
    }
    consent::holders_signed(draft, case, &net)?;
    late(draft, case, lot);
    net::book(draft, case, lot, party, net)?;
    let posting = |(account, amount): (Account, Amount)| Posting {
        account: Some(account),
        gross_mg: amount.gross,
        contained_mg: amount.contained,
    };
    draft.emit(
        &subject::lot(lot),
        C::Restated(Restated {
            position: original.position,
            event_index: original.event_index,
            happened_at_ms: original.payload.happened_at_ms,
            postings: after.into_iter().map(posting).collect(),
        }),
    )
}
