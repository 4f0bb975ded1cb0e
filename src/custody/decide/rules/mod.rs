//! The rules of the day, at the acts that authorise and on the facts. Acts are
//! judged at the time claimed and at the time recorded, in every region that
//! they touch, and what breaks a rule that refuses is refused at the end; facts
//! are judged at their own time, and get findings.

pub(super) mod blacklist;
mod deal;
mod due;
mod facts;
mod judged;
mod lists;
mod loading;
pub(super) mod overdue;
mod papers;
mod pass;
mod permits;
mod purchase;
pub(super) mod road;
mod sheet;
mod stock;
pub(super) mod stocktake;
mod vehicles;

pub(super) use papers::asks;

pub(super) use deal::departs;
pub(super) use due::date;
pub(super) use facts::{Received, assay_due, back_dating};
pub(super) use stock::judge as stock;

use self::judged::{Breach, Judged};
use self::permits::Hands;
use super::Case;
use super::oversight::order;
use super::quota;
use super::takeover::Taking;
use crate::catalog::{self, Form, RegionCode};
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::rules::Book;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::event::{ConsignmentId, HandoffId, LotId};
use crate::pb::offered::From as OfferedFrom;
use crate::pb::{
    Account, AccountKind, Carriage, HandoffLine, HandoffOffered, HandoffPurpose, NewLot, Offered,
    Outsider, PermitRef, Relayed, RuleKind, SubjectKind, Traded,
};

/// What goes, of which form: milligrams of gross and of contained.
#[derive(Clone, Copy, Debug)]
pub(super) struct Going {
    pub(super) lot: LotId,
    pub(super) form: &'static Form,
    pub(super) gross_mg: i64,
    pub(super) contained_mg: i64,
    /// It has a waste code.
    pub(super) waste: bool,
}

/// The form that a lot is of now.
fn form_of(draft: &Draft<'_>, lot: LotId) -> Option<&'static Form> {
    catalog::form(crate::custody::lot::form(&*draft.lot(lot)?))
}

/// Whether a lot has a waste code.
fn is_waste(draft: &Draft<'_>, lot: LotId) -> bool {
    let state = draft.lot(lot).unwrap_or_default();
    let mut born = state.born.iter();
    born.any(|born| !born.waste_code.is_empty())
}

/// Where a party is, and where its place is: what packs of a region judge.
fn party_region(draft: &Draft<'_>, party: &str) -> Option<RegionCode> {
    let state = draft.party(party)?;
    state.registered.as_ref()?.region.parse().ok()
}

fn place_region(draft: &Draft<'_>, party: &str, place: &str) -> Option<RegionCode> {
    let site = draft.place(party, place)?.registered.as_ref()?.site.clone();
    site_region(draft, party, &site)
}

fn site_region(draft: &Draft<'_>, party: &str, site: &str) -> Option<RegionCode> {
    match draft
        .item(&subject::within(SubjectKind::Site, party, site))
        .as_deref()
    {
        Some(Item::Site(site)) => site.registered.as_ref()?.region.parse().ok(),
        _ => None,
    }
}

/// Amounts of lots, with what they are made of; a lot of no known form is
/// outside every rule.
fn going(draft: &Draft<'_>, amounts: &[(LotId, Amount)]) -> Vec<Going> {
    let known = |(lot, amount): &(LotId, Amount)| {
        Some(Going {
            lot: *lot,
            form: form_of(draft, *lot)?,
            waste: is_waste(draft, *lot),
            gross_mg: amount.gross,
            contained_mg: amount.contained,
        })
    };
    amounts.iter().filter_map(known).collect()
}

/// Each form once.
fn once(forms: impl Iterator<Item = &'static Form>) -> Vec<&'static Form> {
    let mut forms: Vec<&Form> = forms.collect();
    forms.sort_unstable_by_key(|form| form.code);
    forms.dedup_by_key(|form| form.code);
    forms
}

/// Whether any pack says anything at all.
pub(super) fn any(draft: &Draft<'_>) -> bool {
    !Book::of(draft).is_empty()
}

/// A named permit, and what was drawn from it and claimed on it before.
#[derive(Clone, Default)]
pub(super) struct Drawing {
    pub(super) permit: Option<PermitRef>,
    pub(super) before_mg: i64,
}

impl Drawing {
    /// As it stands before anything of an event is booked.
    pub(super) fn before(draft: &Draft<'_>, permit: Option<PermitRef>) -> Drawing {
        let before_mg = quota::total(draft, permit.as_ref());
        Drawing { permit, before_mg }
    }

    /// Judges what has been added since.
    fn judge(&self, draft: &mut Draft<'_>, judged: &Judged, going: &[Going]) {
        let Some(permit) = &self.permit else { return };
        let added = quota::total(draft, Some(permit)) > self.before_mg;
        purchase::quantity(
            draft,
            judged,
            permit,
            added,
            &once(going.iter().map(|one| one.form)),
        );
    }
}

/// Whether packs say anything of purchases: then a permit that is named must be
/// known.
pub(super) fn purchases(draft: &Draft<'_>) -> bool {
    let book = Book::of(draft);
    let rules = [RuleKind::PurchaseRight, RuleKind::PurchaseQuantity];
    rules.iter().any(|rule| !book.is_silent(*rule))
}

/// Permits, purchase and lending, of an act or a fact.
fn hands(
    draft: &mut Draft<'_>,
    judged: &Judged,
    going: &[Going],
    hands: &Hands<'_>,
    drawing: &Drawing,
) {
    permits::judge(draft, judged, going, hands);
    purchase::right(draft, judged, going, hands);
    purchase::lending(draft, judged, going, hands);
    drawing.judge(draft, judged, going);
}

/// An offer, by place or for carriage.
pub(super) fn offered(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Offered,
    amounts: &[(LotId, Amount)],
    drawing: &Drawing,
) {
    let consignee = e.carriage.as_ref().map(|c| c.consignee.as_str());
    let parties = [Some(case.party()), Some(e.taker.as_str()), consignee];
    let parties: Vec<&str> = parties.into_iter().flatten().collect();
    let mut regions: Vec<RegionCode> = parties
        .iter()
        .filter_map(|party| party_region(draft, party))
        .collect();
    if let Some(OfferedFrom::Place(place)) = &e.from {
        regions.extend(place_region(draft, case.party(), place));
    }
    let Some(mut judged) = Judged::act(draft, case, regions) else {
        return;
    };
    let aboard = match &e.from {
        Some(OfferedFrom::Consignment(id)) => ConsignmentId::from_slice(id),
        _ => None,
    };
    let relaxed = order::relaxed(draft, case, amounts, &parties, aboard);
    if e.returns.is_some() || relaxed {
        judged = judged.unstopped();
    }
    let going = going(draft, amounts);
    let who = offer_hands(case, e, drawing);
    permits::disposer(draft, &judged, &going, &who);
    // Return to the supplier and disposal are never blocked.
    if e.purpose() == HandoffPurpose::Disposal {
        judged = judged.unstopped();
    }
    hands(draft, &judged, &going, &who, drawing);
    lists::judge(draft, &judged, &going, case.party(), "lines");
    papers::judge(draft, &judged, &going, e, case.party());
    let handoff = HandoffId(case.name(0));
    loading::offered(draft, &judged, e, handoff, case.party(), &going);
    if matches!(e.from, Some(OfferedFrom::Place(_))) {
        let two = case.signers.two_persons(case.party());
        let subject = subject::handoff(handoff);
        facts::two_persons(draft, &judged, &going, case.party(), two, &subject);
    }
}

/// Goods that have been taken aboard: a fact.
pub(super) fn loaded(draft: &mut Draft<'_>, handoff: HandoffId, offered: &HandoffOffered) {
    let from = offered.from.as_ref();
    let place = from.and_then(|from| place_region(draft, &from.party, &from.place));
    let parties = [&offered.giver, &offered.taker].map(|party| party_region(draft, party));
    let regions = parties.into_iter().flatten().chain(place).collect();
    if let Some(judged) = Judged::fact(draft, regions) {
        loading::aboard(draft, &judged, handoff, offered);
    }
}

/// Goods of a consignment that have arrived at a place of `taker`: a fact.
pub(super) fn arrived(
    draft: &mut Draft<'_>,
    id: ConsignmentId,
    taker: &str,
    place: &str,
    lines: &[HandoffLine],
) -> Result<(), Refused> {
    let mut regions = loading::regions(draft, id);
    regions.extend(party_region(draft, taker));
    regions.extend(place_region(draft, taker, place));
    if let Some(judged) = Judged::fact(draft, regions) {
        loading::arrived(draft, &judged, id, lines);
    }
    road::goes_on(draft, id, draft.happened_at_ms())
}

fn offer_hands<'a>(case: &'a Case<'_>, e: &'a Offered, drawing: &Drawing) -> Hands<'a> {
    let (taker, taker_field) = match &e.carriage {
        Some(c) => (c.consignee.as_str(), "carriage.consignee"),
        None => (e.taker.as_str(), "taker"),
    };
    let sale = e.purpose() == HandoffPurpose::Sale && e.returns.is_none();
    Hands {
        giver: case.party(),
        aboard: matches!(e.from, Some(OfferedFrom::Consignment(_))),
        taker,
        taker_field,
        carrier: e.carriage.as_ref().map_or("", |_| e.taker.as_str()),
        carrier_field: "taker",
        mode: e.carriage.as_ref().map(Carriage::mode).unwrap_or_default(),
        buyer: if sale { taker } else { "" },
        purpose: e.purpose(),
        permit: drawing.permit.clone(),
    }
}

/// A sale. `back`: it takes an earlier one back.
pub(super) fn traded(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Traded,
    amounts: &[(LotId, Amount)],
    back: bool,
    drawing: &Drawing,
) {
    let parties = [case.party(), e.buyer.as_str()];
    let regions = parties.into_iter();
    let regions = regions
        .filter_map(|party| party_region(draft, party))
        .collect();
    let Some(mut judged) = Judged::act(draft, case, regions) else {
        return;
    };
    if back || order::relaxed(draft, case, amounts, &parties, None) {
        judged = judged.unstopped();
    }
    let going = going(draft, amounts);
    if !back {
        let who = Hands {
            giver: case.party(),
            buyer: &e.buyer,
            permit: drawing.permit.clone(),
            ..Hands::default()
        };
        hands(draft, &judged, &going, &who, drawing);
        deal::traded(draft, &judged, &going, e, case.party());
    }
    lists::judge(draft, &judged, &going, case.party(), "goods");
    facts::traded(draft, case, &e.buyer, &going);
}

/// A consignment goes on, which the relay has changed: other wagons or another
/// vehicle, and perhaps another carrier.
pub(super) fn relayed(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Relayed,
    id: ConsignmentId,
    amounts: &[(LotId, Amount)],
) {
    let mut regions = loading::regions(draft, id);
    regions.extend(party_region(draft, case.party()));
    regions.extend(e.region.parse::<RegionCode>().ok());
    let Some(mut judged) = Judged::act(draft, case, regions) else {
        return;
    };
    let state = draft.consignment(id).unwrap_or_default();
    if goes_freely(draft, case, e, id, amounts) {
        judged = judged.unstopped();
    }
    loading::relayed(draft, &judged, id);
    if e.to_carrier == case.party() {
        return;
    }
    let mode = state
        .carriage
        .as_ref()
        .map(Carriage::mode)
        .unwrap_or_default();
    let going = going(draft, amounts);
    let who = Hands {
        carrier: &e.to_carrier,
        carrier_field: "to_carrier",
        mode,
        ..Hands::default()
    };
    permits::judge(draft, &judged, &going, &who);
}

/// Whether a consignment is one that no gate stops on its way: sent back to the
/// supplier or to disposal, or named by an order.
fn goes_freely(
    draft: &Draft<'_>,
    case: &Case<'_>,
    e: &Relayed,
    id: ConsignmentId,
    amounts: &[(LotId, Amount)],
) -> bool {
    let sent = draft.handoff(HandoffId(id.0)).unwrap_or_default();
    let free = sent
        .offered
        .as_ref()
        .is_some_and(|o| o.returns.is_some() || o.purpose() == HandoffPurpose::Disposal);
    let carriage = sent.offered.as_ref().and_then(|o| o.carriage.as_ref());
    let consignee = carriage.map_or("", |c| c.consignee.as_str());
    let parties = [case.party(), e.to_carrier.as_str(), consignee];
    free || order::relaxed(draft, case, amounts, &parties, Some(id))
}

/// Goods that have been taken in, at a place or aboard: a fact.
pub(super) fn taken(
    draft: &mut Draft<'_>,
    taking: &Taking<'_>,
    offered: &HandoffOffered,
    to: &Account,
    amounts: &[(LotId, Amount)],
    drawing: &Drawing,
) {
    let regions = [
        party_region(draft, taking.taker),
        place_region(draft, taking.taker, &to.place),
    ];
    let Some(judged) = Judged::fact(draft, regions.into_iter().flatten().collect()) else {
        return;
    };
    let going: Vec<Going> = going(draft, amounts);
    let came: Vec<Going> = going
        .iter()
        .filter(|one| one.gross_mg > 0)
        .copied()
        .collect();
    let who = taken_hands(taking, offered, drawing);
    permits::disposer(draft, &judged, &came, &who);
    hands(draft, &judged, &came, &who, drawing);
    lists::judge(draft, &judged, &going, taking.taker, "lines");
}

fn taken_hands<'a>(
    taking: &Taking<'a>,
    offered: &'a HandoffOffered,
    drawing: &Drawing,
) -> Hands<'a> {
    let from = offered.from.as_ref().map(Account::kind);
    let carriage = offered.carriage.as_ref();
    let here = if carriage.is_some() { "" } else { taking.taker };
    let sale = offered.purpose() == HandoffPurpose::Sale && offered.returns.is_none();
    Hands {
        giver: &offered.giver,
        aboard: from == Some(AccountKind::Aboard),
        taker: here,
        taker_field: "taker",
        carrier: carriage.map_or("", |_| taking.taker),
        carrier_field: "taker",
        mode: carriage.map(Carriage::mode).unwrap_or_default(),
        buyer: if sale { here } else { "" },
        purpose: offered.purpose(),
        permit: drawing.permit.clone(),
    }
}

/// Goods from outside the ledger: a fact.
pub(super) fn from_outside(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    from: &Outsider,
    lot: &NewLot,
    there: (LotId, Amount),
) {
    let regions = [
        party_region(draft, case.party()),
        place_region(draft, case.party(), &lot.place),
    ];
    let Some(judged) = Judged::fact(draft, regions.into_iter().flatten().collect()) else {
        return;
    };
    let going = going(draft, &[there]);
    let who = Hands {
        taker: case.party(),
        taker_field: "lot.place",
        ..Hands::default()
    };
    permits::judge(draft, &judged, &going, &who);
    deal::arrived(draft, &judged, &going, from, case.party());
}

/// A correction has changed what was delivered under a permit: a fact.
pub(super) fn corrected(draft: &mut Draft<'_>, amounts: &[(LotId, Amount)], drawing: &Drawing) {
    let holder = drawing.permit.as_ref().map_or("", |p| p.party.as_str());
    let regions = party_region(draft, holder).into_iter().collect();
    let Some(judged) = Judged::fact(draft, regions) else {
        return;
    };
    let going = going(draft, amounts);
    drawing.judge(draft, &judged, &going);
}

/// An acceptance into a place: who signed it, and when it was told.
pub(super) fn received(
    draft: &mut Draft<'_>,
    received: &Received<'_>,
    offered: &HandoffOffered,
    amounts: &[(LotId, Amount)],
) {
    if !received.place.is_empty() {
        let going = going(draft, amounts);
        facts::received(draft, received, offered, &going);
    }
}

/// A stock-take of a lot.
pub(super) fn counted(draft: &mut Draft<'_>, case: &Case<'_>, lot: LotId, place: &str) {
    facts::counted(draft, case, lot, place);
}

/// A lot whose wetting agent was measured.
pub(super) fn wetted(draft: &mut Draft<'_>, party: &str, lot: LotId, wetting_ppm: u32) {
    facts::wetted(draft, party, lot, wetting_ppm);
}
