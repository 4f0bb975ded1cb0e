//! The ledger's word on the refusals that it keeps beside the journal: the
//! ledger's alone, signed with its key.

use super::Case;
use crate::custody::anchor;
use crate::custody::draft::Draft;
use crate::custody::registry::LEDGER;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::pb::{Event, RefusalCode, RefusalsAnchored};

/// It counts on from the word before.
pub(super) fn refusals_anchored(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    event: &Event,
    word: &RefusalsAnchored,
) -> Result<(), Refused> {
    if case.party() != LEDGER || case.statement.events.len() != 1 {
        return Err(Refused::new(RefusalCode::ReservedForLedger, ""));
    }
    let ledger = draft.item(&subject::ledger());
    let before = match ledger.as_deref() {
        Some(Item::Ledger(ledger)) => ledger.refusals.as_ref(),
        _ => None,
    };
    if let Some((field, why)) = anchor::fault(before, word, case.context.recorded_at_ms) {
        return Err(Refused::invalid(field, why));
    }
    draft.register(event)
}
