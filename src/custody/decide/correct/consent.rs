//! Who must sign a correction beside the party of the event.

use super::{Books, Case};
use crate::custody::draft::Draft;
use crate::event::codes::Refused;
use crate::event::{ConsignmentId, DisputeId, LotId};
use crate::pb::{Account, AccountKind, HandoffOffered, RefusalCode};

/// What was handed over is corrected by both who did, or an authority.
pub(super) fn both_sides(case: &Case<'_>, offered: Option<&HandoffOffered>) -> Result<(), Refused> {
    let Some(offered) = offered.filter(|_| !case.signers.authority()) else {
        return Ok(());
    };
    let sides = [&offered.giver, &offered.taker];
    match sides.into_iter().find(|side| !case.signers.signed(side)) {
        Some(other) => Err(
            Refused::new(RefusalCode::CounterpartSignatureRequired, "original")
                .detail(format!("of {other}, the other side of the handoff")),
        ),
        None => Ok(()),
    }
}

/// If custody of one of the lots has moved on, one of its holders or an
/// authority signs as well.
pub(super) fn custody_moved(
    draft: &Draft<'_>,
    case: &Case<'_>,
    party: &str,
    lots: &[LotId],
) -> Result<(), Refused> {
    for lot in lots {
        let state = draft
            .lot(*lot)
            .ok_or_else(|| Refused::new(RefusalCode::UnknownLot, "original"))?;
        let accounts = state.balances.iter().filter_map(|b| b.account.as_ref());
        let mut others: Vec<String> = accounts.flat_map(|a| holders(draft, a)).collect();
        others.retain(|other| other != party);
        let signed = others.iter().any(|other| case.signers.signed(other));
        if !others.is_empty() && !signed && !case.signers.authority() {
            return Err(
                Refused::new(RefusalCode::CounterpartSignatureRequired, "original")
                    .detail(format!("custody has moved to {}", others.join(", "))),
            );
        }
    }
    Ok(())
}

/// Who has what stands on a holding: its party, or its carrier.
fn holders(draft: &Draft<'_>, account: &Account) -> Vec<String> {
    match account.kind() {
        AccountKind::Held => vec![account.party.clone()],
        AccountKind::Aboard => ConsignmentId::from_slice(&account.id)
            .and_then(|id| draft.consignment(id))
            .map(|c| c.carrier.clone())
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// The two sides of a dispute.
fn sides(draft: &Draft<'_>, account: &Account) -> Vec<String> {
    let dispute = DisputeId::from_slice(&account.id).and_then(|id| draft.dispute(id));
    let opened = dispute.and_then(|d| d.opened.clone()).unwrap_or_default();
    let mut sides = vec![opened.owner, opened.counterpart];
    sides.retain(|side| !side.is_empty());
    sides
}

/// Nobody's holding changes without its holder (law 5): goods may have been
/// relayed to another carrier since. Nor a dispute without both its sides.
pub(super) fn holders_signed(
    draft: &Draft<'_>,
    case: &Case<'_>,
    net: &Books,
) -> Result<(), Refused> {
    if case.signers.authority() {
        return Ok(());
    }
    for account in net.keys() {
        let mut who = holders(draft, account);
        if account.kind() == AccountKind::Disputed {
            who = sides(draft, account);
        }
        if let Some(other) = who.iter().find(|other| !case.signers.signed(other)) {
            return Err(
                Refused::new(RefusalCode::CounterpartSignatureRequired, "restated")
                    .detail(format!("of {other}, who holds it now")),
            );
        }
    }
    Ok(())
}
