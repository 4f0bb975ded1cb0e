//! Drawn from a vessel: a well-mixed portion as a new lot. And the heel that
//! stays in a vehicle's tank when its consignment closes.

use super::super::Case;
use super::super::fields::{self, MAX_SHORT};
use super::super::goods::{self, Portion, overflow};
use super::super::signers;
use super::super::store::late;
use super::{
    Vessel, check_carried, content_of, end_running, give, hold, load, own_vessel, parents,
};
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::{account, subject};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{Account, AccountKind, Drawn, LotBorn, RefusalCode};

pub(in crate::custody::decide) fn drawn(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Drawn,
) -> Result<(), Refused> {
    signers::active(draft, case.party(), "party").map_err(|r| r.within("payload"))?;
    fields::text(&e.label, MAX_SHORT, "label")?;
    let gross = Mass::of(e.quantity.as_ref(), "quantity")?.as_mg();
    let vessel = own_vessel(draft, case.party(), &e.vessel, "vessel")?;
    let running = vessel
        .running
        .ok_or_else(|| Refused::new(RefusalCode::VesselEmpty, "vessel"))?;
    let to = destination(draft, case, &vessel, &e.to_place)?;
    let state = draft.lot(running).unwrap_or_default();
    let there = lot::loose(&state, &vessel.at).map_err(overflow)?;
    if gross > there.gross {
        return Err(
            Refused::new(RefusalCode::Insufficient, "quantity").detail(format!(
                "{} wanted, {} in {}",
                Mass::mg(gross),
                Mass::mg(there.gross),
                vessel.place
            )),
        );
    }
    let amount = Amount {
        gross,
        contained: lot::contained_of(&state, there, gross),
    };
    late(draft, case, running);
    let id = LotId(case.name(0));
    let (parents, of) = parents(&state, running, amount)?;
    draft.emit(
        &subject::lot(id),
        C::Born(LotBorn {
            label: e.label.clone(),
            form: lot::form(&state).to_owned(),
            content_ppm: content_of(amount),
            source: AccountKind::Made.into(),
            declarer: case.party().to_owned(),
            parents,
            drawn_from: running.to_bytes(),
            ..LotBorn::default()
        }),
    )?;
    give(draft, running, id, amount, of)?;
    if gross == there.gross {
        end_running(draft, running)?;
        hold(draft, case.party(), &vessel.place, None, true)?;
    }
    let transformed = account::plain(AccountKind::Transformed);
    draft.transfer(running, &vessel.at, &transformed, amount)?;
    draft.transfer(id, &account::plain(AccountKind::Made), &to, amount)?;
    draft.carry_title(running, id, case.party(), gross)?;
    match ConsignmentId::from_slice(&vessel.at.id) {
        Some(consignment) => {
            if to == vessel.at {
                load(draft, consignment, id)?;
            }
            goods::unload(draft, consignment)
        }
        None => Ok(()),
    }
}

/// Where a drawn lot stands: a place of the signer beside the vessel, or
/// aboard with it.
fn destination(
    draft: &Draft<'_>,
    case: &Case<'_>,
    vessel: &Vessel,
    to_place: &str,
) -> Result<Account, Refused> {
    check_carried(draft, case, vessel)?;
    if vessel.at.kind() == AccountKind::Aboard && to_place.is_empty() {
        return Ok(vessel.at.clone());
    }
    goods::own_place(draft, case.party(), to_place, "to_place")?;
    if to_place == vessel.place {
        let why = "what is drawn stands beside the vessel, not in it";
        return Err(Refused::invalid("to_place", why));
    }
    Ok(account::held(case.party(), to_place))
}

/// Delivered: what runs in the vehicle's tanks leaves the consignment and
/// stays in them, as their heel. At least one must be aboard.
pub(in crate::custody::decide) fn keep_heels(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    id: ConsignmentId,
) -> Result<(), Refused> {
    let aboard = account::aboard(id);
    let lots = draft.consignment(id).unwrap_or_default().lots.clone();
    let mut kept = false;
    for running in lots.iter().filter_map(|l| LotId::from_slice(l)) {
        let Some(vessel) = draft.lot(running).and_then(|l| l.running_in.clone()) else {
            continue;
        };
        if !case.signers.signed(&vessel.party) {
            return Err(
                Refused::new(RefusalCode::CounterpartSignatureRequired, "consignment")
                    .detail(format!("of {}, whose tank it is", vessel.party)),
            );
        }
        let heel = Portion::all_loose(draft, running, &aboard)?;
        let at = account::held(&vessel.party, &vessel.place);
        draft.transfer(running, &aboard, &at, heel.loose)?;
        hold(draft, &vessel.party, &vessel.place, Some(running), true)?;
        kept = true;
    }
    if !kept {
        return Err(Refused::new(RefusalCode::VesselEmpty, "kind")
            .detail("no tank's running lot is aboard"));
    }
    goods::unload(draft, id)
}
