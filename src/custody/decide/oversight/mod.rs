//! Enforcement: what authorities put on goods, places and parties, and what
//! then becomes of what others do. Every event is judged once it has been
//! decided, by what it would change: an act that authorises (offer, trade,
//! relay, sending beyond the edge) is refused, a fact is recorded with a
//! finding (design, section 5). Return to the supplier, disposal and movement
//! by order are never stopped.

pub(super) mod act;
pub(super) mod blacklist;
pub(super) mod danger;
pub(super) mod order;
pub(super) mod recall;
pub(super) mod report;
pub(super) mod seal;
pub(super) mod seizure;

use self::act::Act;
use super::Case;
use crate::custody::draft::Draft;
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::event::{ConsignmentId, LotId};
use crate::pb::event::Body;
use crate::pb::{
    AccountKind, EmergencyOrdered, Event, FindingCode, LotState, SafeReturnOrdered, Severity,
    Subject,
};

/// The subjects that an authority's act names and that may have left memory.
pub(super) fn name_subjects(body: &Body, named: &mut Vec<Subject>) {
    let lot = |id: &[u8]| LotId::from_slice(id).map(subject::lot);
    match body {
        Body::Sealed(e) => named.extend(seal::lot_of(e).and_then(lot)),
        Body::Unsealed(e) => named.extend(seal::lot_released(e).and_then(lot)),
        Body::Recalled(e) => {
            named.extend(lot(&e.lot));
            named.extend(e.made_of_it.iter().filter_map(|id| lot(id)));
            named.extend((!e.ends.is_empty()).then(|| subject::recall(&e.ends)));
        }
        Body::EmergencyOrdered(EmergencyOrdered { relief })
        | Body::SafeReturnOrdered(SafeReturnOrdered { relief }) => {
            if let Some(relief) = relief {
                named.extend(relief.lots.iter().filter_map(|id| lot(id)));
                let ids = relief.consignments.iter();
                let ids = ids.filter_map(|id| ConsignmentId::from_slice(id));
                named.extend(ids.map(subject::consignment));
            }
        }
        Body::Rectified(e) => named.push(subject::danger(&e.danger)),
        Body::Verified(e) => named.push(subject::danger(&e.danger)),
        Body::LookedBack(e) => named.push(subject::danger(&e.danger)),
        Body::RecallAcknowledged(e) => named.push(subject::recall(&e.recall)),
        _ => {}
    }
}

/// Judges an event that has been decided.
pub(super) fn judge(draft: &mut Draft<'_>, case: &Case<'_>, event: &Event) -> Result<(), Refused> {
    let Some(body) = &event.body else {
        return Ok(());
    };
    recall::inherit(draft)?;
    let Some(mut act) = Act::of(draft, case, body) else {
        return Ok(());
    };
    act.is_ordered = order::names(draft, case, &act);
    blacklist::judge(draft, case, &act);
    seal::judge(draft, case, body, &act)?;
    recall::judge(draft, case, &act);
    Ok(())
}

/// What was found, to be told or to be refused.
struct Breach {
    refused: Refused,
    code: FindingCode,
    subject: Subject,
    /// Who must act.
    owner: String,
    detail: String,
}

/// A breach shuts the gate on an act that authorises, unless it has a free
/// way; else it is recorded with an alarm.
fn meet(draft: &mut Draft<'_>, case: &Case<'_>, act: &Act, breach: Breach) {
    if act.authorises && !act.has_free_way && !act.is_ordered {
        let at = format!("events[{}]", case.index);
        draft.gate(breach.refused.within(act.name).within(&at));
        return;
    }
    draft.find(
        breach.code,
        Severity::Alarm,
        &breach.subject,
        &breach.owner,
        0,
        breach.detail,
    );
}

/// Whether one signed who has power over a party, by its region.
pub(super) fn over(draft: &Draft<'_>, case: &Case<'_>, party: &str) -> bool {
    let state = draft.party(party).unwrap_or_default();
    let region = state.registered.as_ref().map_or("", |r| r.region.as_str());
    case.signers.authority_over(region)
}

/// Whether one signed who has power over all who have some of a lot.
pub(super) fn over_lot(draft: &Draft<'_>, case: &Case<'_>, lot: &LotState) -> bool {
    let mut holders = holders(draft, lot).peekable();
    let by_agency = holders.peek().is_some() && holders.all(|party| over(draft, case, &party));
    case.signers.authority() || by_agency
}

/// Who has some of a lot; aboard a consignment its carrier.
fn holders<'a>(draft: &'a Draft<'_>, lot: &'a LotState) -> impl Iterator<Item = String> + 'a {
    let accounts = lot.balances.iter().filter_map(|b| b.account.as_ref());
    accounts.filter_map(|at| match at.kind() {
        AccountKind::Held => Some(at.party.clone()),
        AccountKind::Aboard => {
            let id = ConsignmentId::from_slice(&at.id)?;
            Some(draft.consignment(id)?.carrier.clone())
        }
        _ => None,
    })
}
