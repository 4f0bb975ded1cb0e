//! Seizure: custody by order, as goods that are taken over, and a seal on what
//! then stands in the custodian's place. A root act.

use super::super::{Case, fields, order};
use super::seal;
use crate::custody::draft::Draft;
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::event::{ConsignmentId, LotId};
use crate::pb::taken_over::At;
use crate::pb::{RefusalCode, Seal, Seized, TakenOver};

pub(in super::super) fn seized(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Seized,
) -> Result<(), Refused> {
    let taken = e.taken.as_ref().ok_or_else(|| Refused::missing("taken"))?;
    super::super::signers::active(draft, &taken.custodian, "taken.custodian")?;
    if !case.signers.root() {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    fields::documents(&e.documents)?;
    let holder = holder(draft, taken);
    order::taken_over(draft, case, taken).map_err(|r| r.within("taken"))?;
    let Some(lot) = taken.goods.as_ref().and_then(|g| LotId::from_slice(&g.lot)) else {
        return Ok(());
    };
    let seal = Seal {
        order: taken.order.clone(),
        authority: case.party().to_owned(),
        since_ms: case.happened_at_ms(),
        party: taken.custodian.clone(),
        place: taken.to_place.clone(),
        holder,
    };
    // More of what the same order has seized goes under the seal that is there.
    let known = draft.lot(lot).unwrap_or_default().seals.clone();
    let same = |s: &Seal| (&s.order, &s.party, &s.place) == (&seal.order, &seal.party, &seal.place);
    if known.iter().any(same) {
        return Ok(());
    }
    seal::put(draft, &subject::lot(lot), seal).map_err(|r| r.within("taken"))
}

/// From whom they are taken: of goods aboard, who sent them.
fn holder(draft: &Draft<'_>, e: &TakenOver) -> String {
    match &e.at {
        Some(At::Consignment(id)) => {
            let state = ConsignmentId::from_slice(id).and_then(|id| draft.consignment(id));
            state.unwrap_or_default().giver.clone()
        }
        _ => e.holder.clone(),
    }
}
