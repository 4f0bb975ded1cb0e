//! The two halves of a handoff: offered by the giver, accepted (or declined)
//! by the taker, withdrawn by the giver. An acceptance may come in first and
//! wait for its offer.

use super::Case;
use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::goods::{self, Reserved};
use super::signers;
use super::store::{late, stands_free};
use super::takeover::{self, Taking};
use super::trade::MAX_LINES;
use super::{
    carriage, customs, handoff_id, instead, manifest, modes, quota, returns, rules, scales, waybill,
};
use crate::custody::draft::Draft;
use crate::custody::subject::Seen;
use crate::custody::{account, subject, succession};
use crate::event::codes::Refused;
use crate::event::ids::ID_WINDOW_MS;
use crate::event::{HandoffId, LotId, StatementId};
use crate::pb::change::Change as C;
use crate::pb::offered::From as OfferedFrom;
use crate::pb::{
    Accepted, Account, Declined, EventRef, FactParked, FactUnparked, FindingCode, HandoffClosed,
    HandoffLine, HandoffOffered, HandoffState, HandoffStatus, Offered, ParkedCount, RefusalCode,
    SerialRange, Severity, Unreserved, Withdrawn,
};

/// Facts that one party may have parked at a time, at most.
pub const MAX_PARKED: u32 = 256;
/// Facts parked for one offer, at most.
const MAX_PARKED_PER_OFFER: usize = 4;

pub(super) fn offered(draft: &mut Draft<'_>, case: &Case<'_>, e: &Offered) -> Result<(), Refused> {
    signers::active(draft, case.party(), "giver")?;
    match e.returns {
        Some(_) => signers::active(draft, &e.taker, "taker")?,
        None => signers::takes_in(draft, &e.taker, "taker")?,
    }
    if let Some(c) = &e.carriage {
        modes::check(draft, c).map_err(|r| r.within("carriage"))?;
    }
    check_fields(e)?;
    let from = giver_account(draft, case, e)?;
    let permit = quota::of_offer(draft, e, &from)?;
    let back = returns::named(draft, e.returns.as_ref())?;
    let old = instead::named(draft, case.party(), e, &from)?;
    if e.taker == case.party() {
        return Err(Refused::new(RefusalCode::OwnHandoff, "taker"));
    }
    let name = HandoffId(case.name(0));
    let mut lines = Vec::with_capacity(e.lines.len());
    let mut reserve = Vec::with_capacity(e.lines.len());
    for (i, line) in e.lines.iter().enumerate() {
        let at = format!("lines[{i}]");
        let portion = goods::portion(draft, Some(line), &from, Reserved::Refuse)
            .and_then(|portion| {
                stands_free(draft, &portion, "lot")?;
                Ok(portion)
            })
            .map_err(|r| r.within(&at))?;
        customs::free(draft, portion.lot, &at)?;
        late(draft, case, portion.lot);
        lines.push(HandoffLine {
            lot: line.lot.clone(),
            loose_gross_mg: portion.loose.gross,
            serials: portion.serials.clone(),
        });
        reserve.push(portion);
    }
    if let Some(back) = &back {
        returns::check(back, case.party(), &e.taker, &lines)?;
    }
    if let Some((_, old)) = &old {
        instead::check(old, &from, &lines)?;
    }
    if let Some(c) = &e.carriage {
        waybill::agrees(draft, c, &reserve)?;
    }
    let mut amounts = Vec::with_capacity(reserve.len());
    manifest::check(draft, case, e, &reserve)?;
    for portion in reserve {
        amounts.push((portion.lot, portion.total()?));
        let reserved = crate::pb::Reserved {
            handoff: name.to_bytes(),
            account: Some(from.clone()),
            loose_gross_mg: portion.loose.gross,
            serials: portion.serials,
        };
        draft.emit(&subject::lot(portion.lot), C::Reserved(reserved))?;
    }
    let drawing = rules::Drawing::before(draft, permit.clone());
    if let Some(permit) = &permit {
        quota::reserve(draft, permit, name, &from, &amounts)?;
    }
    let offer = case.statement.event_ref(case.index);
    let parked = draft
        .handoff(name)
        .map(|h| h.parked.clone())
        .unwrap_or_default();
    let offered = HandoffOffered {
        offer,
        giver: case.party().to_owned(),
        taker: e.taker.clone(),
        from: Some(from),
        lines,
        carriage: e.carriage.clone(),
        road_pass: e.road_pass.clone(),
        returns: e.returns.clone().map(Box::new),
        manifest: e.manifest.clone(),
        instead_of: e.instead_of.clone().map(Box::new),
        permit: permit.map(Box::new),
        purpose: e.purpose,
        recorded_at_ms: case.context.recorded_at_ms,
    };
    draft.emit(&subject::handoff(name), C::Offered(offered))?;
    if let Some((old, _)) = old {
        instead::link(draft, old, name)?;
    }
    scales::offered(draft, case, name, e);
    rules::offered(draft, case, e, &amounts, &drawing);
    parked
        .into_iter()
        .try_for_each(|fact| unpark(draft, case, name, &fact))
}

fn check_fields(e: &Offered) -> Result<(), Refused> {
    if e.from.is_none() {
        return Err(Refused::missing("place"));
    }
    fields::documents(&e.documents)?;
    fields::optional_text(&e.road_pass, MAX_SHORT, "road_pass")?;
    if let Some(checks) = e.loading_checks.as_ref().filter(|c| !c.by.is_empty()) {
        fields::hash(&checks.by, "loading_checks.by")?;
    }
    quota::check_offer(e)?;
    if e.lines.is_empty() || e.lines.len() > MAX_LINES {
        return Err(Refused::invalid(
            "lines",
            format!("1 to {MAX_LINES} are wanted"),
        ));
    }
    for (i, line) in e.lines.iter().enumerate() {
        let at = format!("lines[{i}]");
        if e.lines.iter().take(i).any(|other| other.lot == line.lot) {
            let why = "the lot stands in another line";
            return Err(Refused::invalid(format!("{at}.lot"), why));
        }
        goods::check(Some(line)).map_err(|r| r.within(&at))?;
    }
    Ok(())
}

fn giver_account(draft: &Draft<'_>, case: &Case<'_>, e: &Offered) -> Result<Account, Refused> {
    match &e.from {
        Some(OfferedFrom::Place(place)) => {
            goods::own_place(draft, case.party(), place, "place")?;
            Ok(account::held(case.party(), place))
        }
        Some(OfferedFrom::Consignment(id)) => {
            if e.carriage.is_some() {
                let why = "goods aboard go on by Relayed, or to a taker's place";
                return Err(Refused::invalid("carriage", why));
            }
            Ok(account::aboard(carriage::carried(draft, id, case.party())?))
        }
        None => Err(Refused::missing("place")),
    }
}

/// An acceptance that waited is taken up in the offer's record; what does not
/// fit is a finding, and the offer stands.
fn unpark(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    name: HandoffId,
    fact: &FactParked,
) -> Result<(), Refused> {
    let subject = subject::handoff(name);
    let index = fact.fact.as_ref().map_or(0, |f| f.event_index);
    let own = draft.begin_parked(index, fact.position, fact.happened_at_ms);
    let before = draft.checkpoint();
    let taken = take_up(draft, case, name, fact);
    if let Err(refused) = taken {
        draft.restore(before);
        draft.find(
            FindingCode::ParkedFactDoesNotFit,
            Severity::Warning,
            &subject,
            &fact.party,
            0,
            refused.to_string(),
        );
    }
    draft.emit(
        &subject,
        C::Unparked(FactUnparked {
            position: fact.position,
        }),
    )?;
    draft.emit(
        &subject::party(&fact.party),
        C::ParkedCount(ParkedCount { change: -1 }),
    )?;
    draft.resume(own);
    Ok(())
}

fn take_up(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    name: HandoffId,
    fact: &FactParked,
) -> Result<(), Refused> {
    let handoff = draft.handoff(name).unwrap_or_default();
    let accepted = fact.accepted.clone().unwrap_or_default();
    check_offer(&handoff, accepted.offer.as_ref())?;
    let reference = fact.fact.clone().unwrap_or_default();
    let statement = StatementId::parse(&reference.statement_id)
        .ok_or_else(|| Refused::invalid("fact", "no statement id"))?;
    let taker = handoff
        .offered
        .as_ref()
        .map(|o| o.taker.clone())
        .unwrap_or_default();
    if taker != fact.party {
        return Err(Refused::new(RefusalCode::NotTheTaker, "taker"));
    }
    let taking = Taking {
        name,
        taker: &taker,
        party: &reference.party,
        statement,
        event_index: reference.event_index,
        two_persons: fact.two_persons,
        recorded_ms: fact.recorded_at_ms,
        deadline_ms: case.dispute_deadline_ms(),
        tolerance_ppm: case.rules.measure_tolerance_ppm,
    };
    takeover::take(draft, &taking, &handoff, &accepted)
}

/// The offer stands and is the one that is meant.
fn check_offer(handoff: &HandoffState, offer: Option<&EventRef>) -> Result<(), Refused> {
    if !goods::is_open(handoff.status()) {
        return Err(
            Refused::new(RefusalCode::OfferClosed, "offer").detail(handoff.status().as_str_name())
        );
    }
    let known = handoff.offered.as_ref().and_then(|o| o.offer.as_ref());
    if known != offer {
        return Err(Refused::new(
            RefusalCode::EventDigestDiffers,
            "offer.event_digest",
        ));
    }
    Ok(())
}

fn named(offer: Option<&EventRef>) -> Result<(HandoffId, EventRef), Refused> {
    let offer = offer.ok_or_else(|| Refused::missing("offer"))?;
    let name = handoff_id(offer)
        .filter(|_| offer.event_digest.len() == 32)
        .ok_or_else(|| Refused::invalid("offer", "party, UUIDv7, index and a 32-byte digest"))?;
    Ok((name, offer.clone()))
}

pub(super) fn accepted(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Accepted,
) -> Result<(), Refused> {
    let (name, offer) = named(e.offer.as_ref())?;
    takeover::shape::check_shape(e)?;
    let handoff = match draft.handoff(name) {
        Some(handoff) if handoff.status() != HandoffStatus::Awaited => handoff,
        other => return park(draft, case, name, &offer, e, other.as_deref()),
    };
    check_offer(&handoff, Some(&offer))?;
    let taker = signed_taker(draft, case, &handoff)?;
    let taking = Taking {
        name,
        taker: &taker,
        party: case.party(),
        statement: case.statement.id,
        event_index: case.index,
        two_persons: case.signers.two_persons(&taker),
        recorded_ms: case.context.recorded_at_ms,
        deadline_ms: case.dispute_deadline_ms(),
        tolerance_ppm: case.rules.measure_tolerance_ppm,
    };
    takeover::take(draft, &taking, &handoff, e)
}

/// The taker signed: as acting party, or beside the giver on the spot. For one
/// that has been succeeded, its successor takes the goods, into its own place.
fn signed_taker(
    draft: &Draft<'_>,
    case: &Case<'_>,
    handoff: &HandoffState,
) -> Result<String, Refused> {
    let taker = handoff
        .offered
        .as_ref()
        .map(|o| o.taker.clone())
        .unwrap_or_default();
    let mut line = succession::line(draft, &taker).into_iter();
    if let Some(signed) = line.find(|party| case.signers.signed_itself(party)) {
        return Ok(signed);
    }
    Err(Refused::new(RefusalCode::NotTheTaker, "offer").detail(format!("the taker is {taker}")))
}

/// An acceptance whose offer has not come in: recorded without postings.
fn park(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    name: HandoffId,
    offer: &EventRef,
    e: &Accepted,
    waiting: Option<&HandoffState>,
) -> Result<(), Refused> {
    let sent_ms = StatementId::parse(&offer.statement_id).map_or(0, StatementId::unix_ms);
    if sent_ms < case.context.recorded_at_ms.saturating_sub(ID_WINDOW_MS) {
        return Err(Refused::new(RefusalCode::UnknownOffer, "offer"));
    }
    let in_this = offer.statement_id.as_ref() == case.statement.id.0 && offer.party == case.party();
    if in_this {
        return Err(Refused::new(RefusalCode::UnknownOffer, "offer")
            .detail("it would be in this statement, before the acceptance"));
    }
    let parked = draft.party(case.party()).map_or(0, |p| p.parked);
    let for_this = waiting.map_or(0, |h| h.parked.len());
    if parked >= MAX_PARKED || for_this >= MAX_PARKED_PER_OFFER {
        return Err(Refused::new(RefusalCode::TooManyParked, "offer")
            .detail(format!("{parked} of {MAX_PARKED} parked")));
    }
    takeover::shape::check_lines_once(e)?;
    let fact = FactParked {
        fact: case.statement.event_ref(case.index),
        position: draft.at().position,
        happened_at_ms: case.happened_at_ms(),
        party: case.party().to_owned(),
        accepted: Some(e.clone()),
        recorded_at_ms: case.context.recorded_at_ms,
        two_persons: case.signers.two_persons(case.party()),
    };
    draft.emit(&subject::handoff(name), C::Parked(fact))?;
    draft.emit(
        &subject::party(case.party()),
        C::ParkedCount(ParkedCount { change: 1 }),
    )?;
    draft.find(
        FindingCode::ConfirmationOutOfOrder,
        Severity::Notice,
        &subject::handoff(name),
        &offer.party,
        0,
        "accepted before the offer has come in",
    );
    Ok(())
}

pub(super) fn declined(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Declined,
) -> Result<(), Refused> {
    fields::optional_text(&e.reason, MAX_TEXT, "reason")?;
    let (name, handoff) = standing(draft, e.offer.as_ref())?;
    signed_taker(draft, case, &handoff)?;
    close(draft, name, &handoff, HandoffStatus::Declined)
}

pub(super) fn withdrawn(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Withdrawn,
) -> Result<(), Refused> {
    fields::optional_text(&e.reason, MAX_TEXT, "reason")?;
    let (name, handoff) = standing(draft, e.offer.as_ref())?;
    let giver = handoff
        .offered
        .as_ref()
        .map(|o| o.giver.clone())
        .unwrap_or_default();
    if !case.signers.signed(&giver) {
        return Err(
            Refused::new(RefusalCode::NotTheGiver, "offer").detail(format!("the giver is {giver}"))
        );
    }
    close(draft, name, &handoff, HandoffStatus::Withdrawn)
}

fn standing(
    draft: &Draft<'_>,
    offer: Option<&EventRef>,
) -> Result<(HandoffId, Seen<HandoffState>), Refused> {
    let (name, offer) = named(offer)?;
    let known = draft
        .handoff(name)
        .filter(|h| h.status() != HandoffStatus::Awaited);
    let handoff = known.ok_or_else(|| Refused::new(RefusalCode::UnknownOffer, "offer"))?;
    check_offer(&handoff, Some(&offer))?;
    Ok((name, handoff))
}

/// Frees what the offer had reserved, and closes it.
fn close(
    draft: &mut Draft<'_>,
    name: HandoffId,
    handoff: &HandoffState,
    status: HandoffStatus,
) -> Result<(), Refused> {
    for line in handoff.offered.iter().flat_map(|o| &o.lines) {
        release(draft, name, line)?;
    }
    quota::closed(draft, name, handoff.offered.as_ref())?;
    let closed = HandoffClosed {
        status: status.into(),
        place: String::new(),
    };
    draft.emit(&subject::handoff(name), C::HandoffClosed(closed))
}

/// Frees one line's goods.
pub(super) fn release(
    draft: &mut Draft<'_>,
    name: HandoffId,
    line: &HandoffLine,
) -> Result<(), Refused> {
    let Some(lot) = LotId::from_slice(&line.lot) else {
        return Ok(());
    };
    let serials: Vec<SerialRange> = line.serials.clone();
    if line.loose_gross_mg == 0 && serials.is_empty() {
        return Ok(());
    }
    let unreserved = Unreserved {
        handoff: name.to_bytes(),
        loose_gross_mg: line.loose_gross_mg,
        serials,
    };
    draft.emit(&subject::lot(lot), C::Unreserved(unreserved))
}
