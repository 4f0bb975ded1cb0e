//! Goods that crossed the ledger's edge, restated: whatever the other side has
//! confirmed was the mass told before, so the new one waits for its word.

use super::flow::Flow;
use super::{Case, Recorded};
use crate::custody::account;
use crate::custody::decide::edge::{self, MAX_ONE_SIDED};
use crate::custody::draft::Draft;
use crate::event::codes::Refused;
use crate::pb::event::Body;
use crate::pb::{AccountKind, Event, EventRef, OneSided, RefusalCode};

/// Whether matter booked there crosses the ledger's edge.
pub(super) fn is_edge(kind: AccountKind) -> bool {
    matches!(kind, AccountKind::Inbound | AccountKind::Outbound)
}

/// Keeps the event with its lot, with its new mass, until it is confirmed.
pub(super) fn tell(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    original: &Recorded,
    restated: &Event,
    flow: &Flow,
) -> Result<(), Refused> {
    let (kind, outsider) = match &restated.body {
        Some(Body::Arrived(e)) => (AccountKind::Inbound, e.from.clone()),
        Some(Body::Departed(e)) => (AccountKind::Outbound, e.to.clone()),
        _ => return Ok(()),
    };
    let named = reference(original);
    let (lot, edge) = (flow.lot, account::plain(kind));
    let gross = flow.books.get(&edge).map_or(0, |amount| amount.gross);
    let state = draft.lot(lot).unwrap_or_default();
    let waits = state
        .one_sided
        .iter()
        .any(|o| o.edge.as_ref() == Some(&named));
    if !waits && state.one_sided.len() >= MAX_ONE_SIDED {
        return Err(Refused::new(RefusalCode::TooManyOneSided, "original"));
    }
    let edge = OneSided {
        edge: Some(named),
        account: kind.into(),
        outsider,
        gross_mg: gross.saturating_abs(),
        due_ms: 0,
    };
    edge::one_sided(draft, case, lot, edge)
}

fn reference(original: &Recorded) -> EventRef {
    let index = usize::try_from(original.event_index).unwrap_or(usize::MAX);
    let digest = original.payload.event_digests.get(index);
    EventRef {
        party: original.payload.party.clone(),
        statement_id: original.payload.id.clone(),
        event_index: original.event_index,
        event_digest: digest.cloned().unwrap_or_default(),
    }
}
