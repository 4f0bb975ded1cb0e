//! Purchase permits' quantities. A trade that names one draws what is sold. An
//! offer that names one has a claim on it, by the handoff's name, for what it
//! offers; with a carriage the claim goes on by the consignment's, which is the
//! same, for what is aboard; what is delivered to the permit's holder is drawn,
//! and the claim ends with the handoff or with the load. What goes back is
//! restored. It is accounting: no pack is needed for it, and facts never fail by
//! it.

use super::fields::{self, MAX_SHORT};
use super::goods::overflow;
use super::{Case, handoff_id};
use crate::catalog;
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::permit::{self, MAX_CLAIMS};
use crate::custody::{account, ranges, subject, succession};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, HandoffId, LotId};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Account, AccountKind, Goods, HandoffLine, HandoffOffered, MassBasis, Offered, PermitDrawn,
    PermitRef, PermitRegistered, PermitReserved, RefusalCode, Traded,
};

/// Amounts of lots.
type Amounts = [(LotId, Amount)];

/// What an offer says of a permit, without the books.
pub(super) fn check_offer(e: &Offered) -> Result<(), Refused> {
    fields::optional_text(&e.permit, MAX_SHORT, "permit")?;
    if e.returns.is_some() && !e.permit.is_empty() {
        let why = "what goes back restores what was drawn when it came";
        return Err(Refused::invalid("permit", why));
    }
    Ok(())
}

/// A permit that is registered, by its holder and number.
pub(super) fn known(
    draft: &Draft<'_>,
    holder: &str,
    number: &str,
) -> Result<Option<PermitRef>, Refused> {
    if number.is_empty() {
        return Ok(None);
    }
    if draft.permit(holder, number).is_none() {
        return Err(Refused::new(RefusalCode::UnknownPermit, "permit")
            .detail(format!("{holder} has no permit {number}")));
    }
    Ok(Some(PermitRef {
        party: holder.to_owned(),
        number: number.to_owned(),
    }))
}

/// The permit that an offer's goods are delivered under: the one that it names;
/// or, of goods aboard for the permit's holder, their consignment's.
pub(super) fn of_offer(
    draft: &Draft<'_>,
    e: &Offered,
    from: &Account,
) -> Result<Option<PermitRef>, Refused> {
    let holder = e.carriage.as_ref().map_or(&e.taker, |c| &c.consignee);
    if !e.permit.is_empty() {
        return known(draft, holder, &e.permit);
    }
    let theirs = |permit: &PermitRef| succession::acts_for(draft, holder, &permit.party);
    let aboard = aboard_under(draft, from).filter(theirs);
    Ok(aboard.filter(|_| e.returns.is_none()))
}

/// The permit of the consignment that goods are aboard of.
fn aboard_under(draft: &Draft<'_>, from: &Account) -> Option<PermitRef> {
    let aboard = from.kind() == AccountKind::Aboard;
    let id = ConsignmentId::from_slice(&from.id).filter(|_| aboard)?;
    draft.consignment(id)?.permit.clone()
}

/// All that is drawn from and claimed on a permit, milligrams.
pub(super) fn total(draft: &Draft<'_>, permit: Option<&PermitRef>) -> i64 {
    let state = permit.and_then(|p| draft.permit(&p.party, &p.number));
    state.map_or(0, |s| s.drawn_mg.saturating_add(permit::claimed(&s)))
}

/// Whether a permit covers the substance that a lot is of.
fn covers(draft: &Draft<'_>, registered: &PermitRegistered, lot: LotId) -> bool {
    if registered.substances.is_empty() {
        return true;
    }
    let state = draft.lot(lot).unwrap_or_default();
    let form = catalog::form(lot::form(&state));
    form.is_some_and(|form| {
        let code = form.substance.to_string();
        registered.substances.contains(&code)
    })
}

/// What of these amounts counts against a permit, milligrams in its basis:
/// substances that it covers; nothing where it sets no quantity.
fn counted(draft: &Draft<'_>, permit: &PermitRef, amounts: &Amounts) -> i64 {
    let state = draft.permit(&permit.party, &permit.number);
    let Some(registered) = state.as_ref().and_then(|s| s.registered.as_ref()) else {
        return 0;
    };
    if registered.quantity_mg == 0 {
        return 0;
    }
    let covered = amounts
        .iter()
        .filter(|(lot, _)| covers(draft, registered, *lot));
    let each = covered.map(|(_, amount)| match registered.basis() {
        MassBasis::Contained => amount.contained,
        _ => amount.gross,
    });
    each.fold(0, i64::saturating_add)
}

/// A claim becomes so much. One that would be a permit's first too many is not
/// kept: acts are refused before, and facts do not fail by it.
fn claim(draft: &mut Draft<'_>, permit: &PermitRef, by: &[u8], mg: i64) -> Result<(), Refused> {
    let state = draft.permit(&permit.party, &permit.number);
    let Some(state) = state else { return Ok(()) };
    let before = permit::claim_of(&state, by);
    let change = mg.max(0).saturating_sub(before);
    if change == 0 || before == 0 && state.claims.len() >= MAX_CLAIMS {
        return Ok(());
    }
    let by = bytes::Bytes::copy_from_slice(by);
    let subject = subject::permit(&permit.party, &permit.number);
    draft.emit(
        &subject,
        C::PermitReserved(PermitReserved { by, mg: change }),
    )
}

/// A claim becomes no more than so much.
fn trim(draft: &mut Draft<'_>, permit: &PermitRef, by: &[u8], mg: i64) -> Result<(), Refused> {
    let state = draft.permit(&permit.party, &permit.number);
    let before = state.map_or(0, |s| permit::claim_of(&s, by));
    claim(draft, permit, by, before.min(mg))
}

/// So much is drawn, or (negative) restored, as far as there is.
fn draw(draft: &mut Draft<'_>, permit: &PermitRef, mg: i64) -> Result<(), Refused> {
    draw_by(draft, permit, mg, &[])
}

/// The same by a return of the trade of this name, if it is one.
fn draw_by(
    draft: &mut Draft<'_>,
    permit: &PermitRef,
    mg: i64,
    returned: &[u8],
) -> Result<(), Refused> {
    let state = draft.permit(&permit.party, &permit.number);
    let Some(state) = state else { return Ok(()) };
    let drawn = state.drawn_mg.saturating_add(mg).max(0);
    let mg = drawn.saturating_sub(state.drawn_mg);
    if mg == 0 {
        return Ok(());
    }
    let subject = subject::permit(&permit.party, &permit.number);
    let returned = bytes::Bytes::copy_from_slice(returned);
    draft.emit(&subject, C::PermitDrawn(PermitDrawn { mg, returned }))
}

/// An offer claims what it offers; of goods aboard their consignment has
/// claimed it already.
pub(super) fn reserve(
    draft: &mut Draft<'_>,
    permit: &PermitRef,
    name: HandoffId,
    from: &Account,
    amounts: &Amounts,
) -> Result<(), Refused> {
    if aboard_under(draft, from).as_ref() == Some(permit) {
        return Ok(());
    }
    let mg = counted(draft, permit, amounts);
    let state = draft.permit(&permit.party, &permit.number);
    let claims = state.map_or(0, |s| s.claims.len());
    if mg > 0 && claims >= MAX_CLAIMS {
        return Err(Refused::new(RefusalCode::TooManyClaims, "permit")
            .detail(format!("{claims} are open on {}", permit.number)));
    }
    claim(draft, permit, &name.0, mg)
}

/// A handoff ends without goods: its claim does.
pub(super) fn closed(
    draft: &mut Draft<'_>,
    name: HandoffId,
    offered: Option<&HandoffOffered>,
) -> Result<(), Refused> {
    match offered.and_then(|o| o.permit.as_ref()) {
        Some(permit) => trim(draft, permit, &name.0, 0),
        None => Ok(()),
    }
}

/// Goods were taken out of an open offer: it claims no more than is left.
pub(super) fn shrunk(draft: &mut Draft<'_>, name: HandoffId) -> Result<(), Refused> {
    let handoff = draft.handoff(name).unwrap_or_default();
    let Some(offered) = &handoff.offered else {
        return Ok(());
    };
    let Some(permit) = &offered.permit else {
        return Ok(());
    };
    let from = offered.from.clone().unwrap_or_default();
    let lines = offered.lines.iter();
    let left: Result<Vec<_>, Refused> = lines.map(|line| offers(draft, line, &from)).collect();
    let mg = counted(draft, permit, &left?);
    trim(draft, permit, &name.0, mg)
}

/// What a line offers, as it stands.
fn offers(
    draft: &Draft<'_>,
    line: &HandoffLine,
    from: &Account,
) -> Result<(LotId, Amount), Refused> {
    let id = LotId::from_slice(&line.lot).unwrap_or(LotId([0; 16]));
    let state = draft.lot(id).unwrap_or_default();
    let there = lot::loose(&state, from).map_err(overflow)?;
    let mut sum = Amount {
        gross: line.loose_gross_mg,
        contained: lot::contained_of(&state, there, line.loose_gross_mg),
    };
    for range in &line.serials {
        for p in lot::select(&state, range.first, range.last).unwrap_or_default() {
            let each = lot::package_mass(&p).map_err(overflow)?;
            sum = sum.plus(each).map_err(overflow)?;
        }
    }
    Ok((id, sum))
}

/// Whether a handoff's goods count against a permit, when they are taken or
/// when they go back.
pub(super) fn concerns(draft: &Draft<'_>, offered: &HandoffOffered) -> bool {
    permit_of(draft, offered).is_some()
}

/// The permit whose quantity a handoff bears on.
pub(super) fn permit_of(draft: &Draft<'_>, offered: &HandoffOffered) -> Option<PermitRef> {
    let own = offered.permit.as_deref().cloned();
    own.or_else(|| given_under(draft, offered))
}

/// The permit that goods which go back by this handoff were drawn from.
fn given_under(draft: &Draft<'_>, offered: &HandoffOffered) -> Option<PermitRef> {
    let back = draft.handoff(offered.returns.as_deref().and_then(handoff_id)?)?;
    let was = back.offered.as_ref()?;
    was.permit
        .as_deref()
        .cloned()
        .filter(|_| was.carriage.is_none())
}

/// Goods of a handoff have been taken: drawn at a place, claimed on aboard; what
/// goes back is restored.
pub(super) fn taken(
    draft: &mut Draft<'_>,
    name: HandoffId,
    offered: &HandoffOffered,
    amounts: &Amounts,
) -> Result<(), Refused> {
    if let Some(permit) = &offered.permit {
        let mg = counted(draft, permit, amounts);
        if offered.carriage.is_some() {
            claim(draft, permit, &name.0, mg)?;
        } else {
            trim(draft, permit, &name.0, 0)?;
            draw(draft, permit, mg)?;
        }
    }
    match given_under(draft, offered) {
        Some(permit) => {
            let mg = counted(draft, &permit, amounts);
            draw(draft, &permit, mg.saturating_neg())
        }
        None => Ok(()),
    }
}

/// After goods have left a consignment: it claims no more than is aboard.
pub(super) fn unloaded(draft: &mut Draft<'_>, id: ConsignmentId) -> Result<(), Refused> {
    let state = draft.consignment(id).unwrap_or_default();
    let Some(permit) = &state.permit else {
        return Ok(());
    };
    let mg = aboard(draft, permit, id);
    trim(draft, permit, &id.0, mg)
}

/// What is aboard and counts against a permit, milligrams.
fn aboard(draft: &Draft<'_>, permit: &PermitRef, id: ConsignmentId) -> i64 {
    let state = draft.consignment(id).unwrap_or_default();
    if state.closed {
        return 0;
    }
    let account = account::aboard(id);
    let lots = state.lots.iter().filter_map(|lot| LotId::from_slice(lot));
    let amounts: Vec<(LotId, Amount)> = lots
        .map(|lot| {
            let state = draft.lot(lot).unwrap_or_default();
            (lot, lot::balance(&state, &account))
        })
        .collect();
    counted(draft, permit, &amounts)
}

/// An acceptance was corrected by so much of each lot: as much is drawn or
/// restored; of goods aboard as much more is claimed, up to what is there (less
/// has been seen to with the load).
pub(super) fn corrected(
    draft: &mut Draft<'_>,
    name: HandoffId,
    offered: &HandoffOffered,
    change: &Amounts,
) -> Result<(), Refused> {
    if let Some(permit) = &offered.permit {
        let mg = counted(draft, permit, change);
        if offered.carriage.is_none() {
            draw(draft, permit, mg)?;
        } else if mg > 0 {
            let state = draft.permit(&permit.party, &permit.number);
            let before = state.map_or(0, |s| permit::claim_of(&s, &name.0));
            let there = aboard(draft, permit, ConsignmentId(name.0));
            claim(
                draft,
                permit,
                &name.0,
                before.saturating_add(mg).min(there.max(before)),
            )?;
        }
    }
    match given_under(draft, offered) {
        Some(permit) => {
            let mg = counted(draft, &permit, change);
            draw(draft, &permit, mg.saturating_neg())
        }
        None => Ok(()),
    }
}

/// A sale under a permit draws what is sold; one that takes back an earlier
/// one restores what comes back, as far as that one drew it and earlier returns
/// of it have not restored it.
pub(super) fn traded(
    draft: &mut Draft<'_>,
    permit: Option<&PermitRef>,
    back: Option<&Drawn>,
    amounts: &Amounts,
) -> Result<(), Refused> {
    if let Some(permit) = permit {
        let mg = counted(draft, permit, amounts);
        draw(draft, permit, mg)?;
    }
    if let Some(Drawn { permit, trade, mg }) = back {
        let state = draft.permit(&permit.party, &permit.number);
        let left = state.map_or(0, |s| permit::restorable(&s, &trade.0, *mg));
        let came = counted(draft, permit, amounts).min(left);
        draw_by(draft, permit, came.saturating_neg(), &trade.0)?;
    }
    Ok(())
}

/// What an earlier trade drew.
pub(super) struct Drawn {
    permit: PermitRef,
    /// Its name, as its event's first handoff would have it.
    trade: HandoffId,
    mg: i64,
}

/// The earlier trade that a trade takes back: between the same two, the other
/// way round, of goods that it sold. Anything else is no return.
pub(super) fn takes_back(draft: &Draft<'_>, case: &Case<'_>, e: &Traded) -> Option<Drawn> {
    let named = e.returns.as_ref()?;
    let recorded = (case.context.recorded)(named)?;
    let index = usize::try_from(recorded.event_index).ok()?;
    let digest = recorded.payload.event_digests.get(index)?;
    let Some(Body::Traded(was)) = &recorded.event.body else {
        return None;
    };
    let fits = *digest == named.event_digest
        && succession::acts_for(draft, case.party(), &was.buyer)
        && succession::acts_for(draft, &e.buyer, &recorded.payload.party)
        && e.goods.iter().all(|goods| sold(&was.goods, goods));
    let mut drawn = Drawn {
        permit: PermitRef {
            party: was.buyer.clone(),
            number: was.permit.clone(),
        },
        trade: handoff_id(named)?,
        mg: 0,
    };
    let theirs = subject::permit(&was.buyer, &was.permit);
    for (subject, change) in &recorded.changes {
        if let Some(C::PermitDrawn(d)) = &change.change
            && *subject == theirs
        {
            drawn.mg = drawn.mg.saturating_add(d.mg);
        }
    }
    fits.then_some(drawn)
}

/// Whether goods were among what was sold.
fn sold(was: &[Goods], now: &Goods) -> bool {
    let gross = |goods: &Goods| match &goods.loose {
        None => 0,
        some => Mass::of(some.as_ref(), "loose").map_or(0, Mass::as_mg),
    };
    let of_lot = || was.iter().filter(|goods| goods.lot == now.lot);
    let loose = of_lot().map(gross).fold(0, i64::saturating_add);
    let mut serials = now.serials.clone();
    for goods in of_lot() {
        serials = ranges::minus(&serials, &goods.serials);
    }
    gross(now) <= loose && serials.is_empty() && of_lot().next().is_some()
}
