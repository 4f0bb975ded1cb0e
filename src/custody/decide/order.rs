//! Orders of an authority that move matter: goods taken over by a custodian.

use super::Case;
use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::goods::{self, Reserved};
use super::store::late;
use super::{carriage, signers, vessel};
use crate::custody::account;
use crate::custody::draft::Draft;
use crate::event::ConsignmentId;
use crate::event::codes::Refused;
use crate::pb::taken_over::At;
use crate::pb::{Account, RefusalCode, TakenOver};

/// Custody goes to the custodian by order, title stays with its owners. What
/// an open offer has reserved is taken all the same, and its lines shrink: an
/// order does not wait for what parties have promised each other.
pub(super) fn taken_over(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &TakenOver,
) -> Result<(), Refused> {
    signers::active(draft, &e.custodian, "custodian")?;
    if !case.signers.authority() {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    fields::text(&e.order, MAX_SHORT, "order")?;
    fields::text(&e.reason, MAX_TEXT, "reason")?;
    goods::check(e.goods.as_ref()).map_err(|r| r.within("goods"))?;
    check_at(e)?;
    goods::own_place(draft, &e.custodian, &e.to_place, "to_place")?;
    let (from, consignment) = from(draft, e)?;
    let to = account::held(&e.custodian, &e.to_place);
    let portion = goods::portion(draft, e.goods.as_ref(), &from, Reserved::Take)
        .map_err(|r| r.within("goods"))?;
    if from == to {
        return Err(Refused::new(RefusalCode::NoChange, "to_place"));
    }
    late(draft, case, portion.lot);
    vessel::change_hands(draft, &portion, &from, &e.custodian, &e.to_place)?;
    goods::send(draft, &portion, &from, &to)?;
    match consignment {
        Some(id) => goods::unload(draft, id),
        None => Ok(()),
    }
}

fn check_at(e: &TakenOver) -> Result<(), Refused> {
    match &e.at {
        Some(At::Place(place)) => {
            fields::party_code(&e.holder, "holder")?;
            fields::code(place, "place")
        }
        Some(At::Consignment(_)) if e.holder.is_empty() => Ok(()),
        Some(At::Consignment(_)) => Err(Refused::invalid(
            "holder",
            "goods aboard are their carrier's",
        )),
        None => Err(Refused::missing("place")),
    }
}

/// Where the goods are: anybody's place, or anybody's open consignment.
fn from(draft: &Draft<'_>, e: &TakenOver) -> Result<(Account, Option<ConsignmentId>), Refused> {
    match &e.at {
        Some(At::Consignment(id)) => {
            let id = carriage::open(draft, id)?;
            Ok((account::aboard(id), Some(id)))
        }
        Some(At::Place(place)) => Ok((account::held(&e.holder, place), None)),
        None => Err(Refused::missing("place")),
    }
}
