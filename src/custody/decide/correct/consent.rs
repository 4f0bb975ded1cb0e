//! Who must sign a correction beside the party of the event.

use super::{Books, Case};
use crate::custody::draft::Draft;
use crate::event::ConsignmentId;
use crate::event::codes::Refused;
use crate::pb::{AccountKind, LotState, RefusalCode};

/// If custody of the lot has moved on, one of its holders or an authority
/// signs as well.
pub(super) fn custody_moved(
    draft: &Draft<'_>,
    case: &Case<'_>,
    party: &str,
    state: &LotState,
) -> Result<(), Refused> {
    let mut others = Vec::new();
    for account in state.balances.iter().filter_map(|b| b.account.as_ref()) {
        match account.kind() {
            AccountKind::Held if account.party != party => others.push(account.party.clone()),
            AccountKind::Aboard => {
                let carrier = ConsignmentId::from_slice(&account.id)
                    .and_then(|id| draft.consignment(id))
                    .map(|c| c.carrier.clone());
                others.extend(carrier.filter(|c| c != party));
            }
            _ => {}
        }
    }
    let signed = others.iter().any(|other| case.signers.signed(other));
    if others.is_empty() || signed || case.signers.authority() {
        return Ok(());
    }
    Err(
        Refused::new(RefusalCode::CounterpartSignatureRequired, "original")
            .detail(format!("custody has moved to {}", others.join(", "))),
    )
}

/// Nobody's holding changes without its holder (law 5): goods may have been
/// relayed to another carrier since.
pub(super) fn holders_signed(
    draft: &Draft<'_>,
    case: &Case<'_>,
    net: &Books,
) -> Result<(), Refused> {
    if case.signers.authority() {
        return Ok(());
    }
    for account in net.keys() {
        let holder = match account.kind() {
            AccountKind::Held => account.party.clone(),
            AccountKind::Aboard => ConsignmentId::from_slice(&account.id)
                .and_then(|id| draft.consignment(id))
                .map(|c| c.carrier.clone())
                .unwrap_or_default(),
            _ => continue,
        };
        if !case.signers.signed(&holder) {
            return Err(
                Refused::new(RefusalCode::CounterpartSignatureRequired, "restated")
                    .detail(format!("of {holder}, who holds it now")),
            );
        }
    }
    Ok(())
}
