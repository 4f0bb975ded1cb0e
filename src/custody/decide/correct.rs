//! Corrections: an earlier event restated. The *net* difference is booked now,
//! what current holdings cannot cover goes into dispute, and the restated
//! postings stand beside it for as-true-at. Quantity and place of loose matter
//! that entered or left the books can be corrected; other events are undone by
//! the event that reverses them.

use std::collections::BTreeMap;

use super::fields::{self, MAX_TEXT};
use super::goods::{self, overflow};
use super::store::late;
use super::{Case, Recorded};
use crate::custody::account::{self, Class};
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::{subject, succession};
use crate::event::codes::Refused;
use crate::event::ids::derived;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, DisputeId, LotId, StatementId};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Account, AccountKind, ConsignmentLoad, Corrected, DisputeOpened, DisputeOrigin, Event,
    EventRef, FindingCode, Goods, Incident, IncidentKind, LotState, NewLot, Posting, Quantity,
    RefusalCode, Restated, Severity, incident,
};

/// Corrections of corrections that are followed, at most.
const MAX_DEPTH: usize = 8;

type Books = BTreeMap<Account, Amount>;

pub(super) fn corrected(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Corrected,
) -> Result<(), Refused> {
    fields::text(&e.reason, MAX_TEXT, "reason")?;
    let restated = e
        .restated
        .as_ref()
        .ok_or_else(|| Refused::missing("restated"))?;
    let original = original(case, e.original.as_ref())?;
    let own = succession::acts_for(draft, case.party(), &original.payload.party);
    if !own && !case.signers.authority() {
        return Err(Refused::new(RefusalCode::CannotCorrect, "original")
            .detail(format!("{} signed it", original.payload.party)));
    }
    if like(restated)? != like(&original.event)? {
        return Err(Refused::new(RefusalCode::CannotCorrect, "restated")
            .detail("only quantity and place may differ from the original"));
    }
    let party = original.payload.party.as_str();
    let lot = lot_named(&original)?;
    let state = draft
        .lot(lot)
        .ok_or_else(|| Refused::new(RefusalCode::UnknownLot, "original"))?;
    custody_moved(draft, case, party, &state)?;
    let before = booked(&original, lot, &state);
    let after = flow(draft, party, restated, &state).map_err(|r| r.within("restated"))?;
    let mut net = after.clone();
    for (account, amount) in &before {
        let now = net.entry(account.clone()).or_default();
        *now = now.minus(*amount).map_err(overflow)?;
    }
    net.retain(|_, amount| !amount.is_zero());
    if net.is_empty() {
        return Err(Refused::new(RefusalCode::NoChange, "restated"));
    }
    holders_signed(draft, case, &net)?;
    late(draft, case, lot);
    book(draft, case, lot, party, net)?;
    let posting = |(account, amount): (Account, Amount)| Posting {
        account: Some(account),
        gross_mg: amount.gross,
        contained_mg: amount.contained,
    };
    draft.emit(
        &subject::lot(lot),
        C::Restated(Restated {
            position: original.position,
            event_index: original.event_index,
            happened_at_ms: original.payload.happened_at_ms,
            postings: after.into_iter().map(posting).collect(),
        }),
    )
}

/// The event that is corrected: through corrections of it, to itself.
fn original(case: &Case<'_>, reference: Option<&EventRef>) -> Result<Recorded, Refused> {
    let mut reference = reference
        .cloned()
        .ok_or_else(|| Refused::missing("original"))?;
    for _ in 0..MAX_DEPTH {
        let recorded = (case.context.recorded)(&reference)
            .ok_or_else(|| Refused::new(RefusalCode::UnknownEvent, "original"))?;
        let index = usize::try_from(recorded.event_index).unwrap_or(usize::MAX);
        if recorded.payload.event_digests.get(index) != Some(&reference.event_digest) {
            return Err(Refused::new(
                RefusalCode::EventDigestDiffers,
                "original.event_digest",
            ));
        }
        match &recorded.event.body {
            Some(Body::Corrected(e)) => {
                reference = e
                    .original
                    .clone()
                    .ok_or_else(|| Refused::missing("original"))?;
            }
            _ => return Ok(recorded),
        }
    }
    Err(Refused::new(RefusalCode::CannotCorrect, "original")
        .detail(format!("more than {MAX_DEPTH} corrections deep")))
}

fn cannot(event: &Event) -> Refused {
    let kind = crate::event::statement::kind_of(event);
    Refused::new(RefusalCode::CannotCorrect, "restated").detail(format!(
        "{} events",
        crate::event::statement::kind_name(kind)
    ))
}

/// An event with everything blanked that a correction may change.
fn like(event: &Event) -> Result<Event, Refused> {
    let mut event = event.clone();
    event.external_refs.clear();
    let blank_lot = |lot: &mut Option<NewLot>| {
        if let Some(lot) = lot {
            lot.quantity = None;
            lot.place.clear();
        }
    };
    let mut serials = false;
    let mut blank_goods = |goods: &mut Option<Goods>| {
        if let Some(goods) = goods {
            goods.loose = None;
            serials = !goods.serials.is_empty();
        }
    };
    match &mut event.body {
        Some(Body::Produced(e)) => blank_lot(&mut e.lot),
        Some(Body::Imported(e)) => blank_lot(&mut e.lot),
        Some(Body::Opened(e)) => blank_lot(&mut e.lot),
        Some(Body::Used(e)) => {
            blank_goods(&mut e.goods);
            e.place.clear();
        }
        Some(Body::Disposed(e)) => {
            blank_goods(&mut e.goods);
            e.place.clear();
        }
        Some(Body::Exported(e)) => {
            blank_goods(&mut e.goods);
            e.place.clear();
        }
        Some(Body::Incident(e)) => blank_goods(&mut e.goods),
        _ => return Err(cannot(&event)),
    }
    if serials {
        return Err(cannot(&event).detail("packages are counted, not corrected"));
    }
    Ok(event)
}

fn lot_named(original: &Recorded) -> Result<LotId, Refused> {
    let goods = match &original.event.body {
        Some(Body::Produced(_) | Body::Imported(_) | Body::Opened(_)) => {
            let id = StatementId::parse(&original.payload.id)
                .ok_or_else(|| Refused::new(RefusalCode::UnknownEvent, "original"))?;
            return Ok(LotId(derived(
                &original.payload.party,
                id,
                original.event_index,
                0,
            )));
        }
        Some(Body::Used(e)) => e.goods.as_ref(),
        Some(Body::Disposed(e)) => e.goods.as_ref(),
        Some(Body::Exported(e)) => e.goods.as_ref(),
        Some(Body::Incident(e)) => e.goods.as_ref(),
        _ => None,
    };
    goods
        .and_then(|g| LotId::from_slice(&g.lot))
        .ok_or_else(|| Refused::new(RefusalCode::CannotCorrect, "original"))
}

/// If custody of the lot has moved on, one of its holders or an authority
/// signs as well.
fn custody_moved(
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
fn holders_signed(draft: &Draft<'_>, case: &Case<'_>, net: &Books) -> Result<(), Refused> {
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

/// What the event is booked with now: as last restated, else as recorded.
fn booked(original: &Recorded, lot: LotId, state: &LotState) -> Books {
    let restated = state
        .restated
        .iter()
        .find(|r| (r.position, r.event_index) == (original.position, original.event_index));
    let subject = subject::lot(lot);
    let mut books = Books::new();
    let mut add = |p: &Posting| {
        let account = p.account.clone().unwrap_or_default();
        let now = books.entry(account).or_default();
        // Sums of what has been booked once fit again.
        *now = now
            .plus(Amount {
                gross: p.gross_mg,
                contained: p.contained_mg,
            })
            .unwrap_or_default();
    };
    match restated {
        Some(restated) => restated.postings.iter().for_each(&mut add),
        None => original
            .changes
            .iter()
            .filter(|(s, _)| *s == subject)
            .for_each(|(_, change)| {
                if let Some(C::Posting(p)) = &change.change {
                    add(p);
                }
            }),
    }
    books
}

/// The postings of an event as it should have been.
fn flow(draft: &Draft<'_>, party: &str, event: &Event, state: &LotState) -> Result<Books, Refused> {
    let born_ppm = state.born.as_ref().map_or(0, |b| b.content_ppm);
    let place = |place: &str| {
        super::goods::own_place(draft, party, place, "place")?;
        Ok::<Account, Refused>(account::held(party, place))
    };
    let (from, to, quantity, ppm) = match &event.body {
        Some(Body::Produced(e)) => {
            entering(AccountKind::Produced, e.lot.as_ref(), place, born_ppm)?
        }
        Some(Body::Imported(e)) => {
            entering(AccountKind::Imported, e.lot.as_ref(), place, born_ppm)?
        }
        Some(Body::Opened(e)) => entering(AccountKind::Opening, e.lot.as_ref(), place, born_ppm)?,
        Some(Body::Used(e)) => {
            leaving(AccountKind::Used, e.goods.as_ref(), place(&e.place)?, state)
        }
        Some(Body::Disposed(e)) => leaving(
            AccountKind::Disposed,
            e.goods.as_ref(),
            place(&e.place)?,
            state,
        ),
        Some(Body::Exported(e)) => leaving(
            AccountKind::Exported,
            e.goods.as_ref(),
            place(&e.place)?,
            state,
        ),
        Some(Body::Incident(e)) => {
            let (kind, from) = lost(party, e)?;
            leaving(kind, e.goods.as_ref(), from, state)
        }
        _ => return Err(cannot(event)),
    };
    let gross = Mass::of(quantity.as_ref(), "quantity")?;
    let contained = gross
        .contained(ppm)
        .ok_or_else(|| Refused::new(RefusalCode::MassOverflow, "quantity"))?;
    let amount = Amount {
        gross: gross.as_mg(),
        contained: contained.as_mg(),
    };
    Ok(Books::from([
        (from, amount.negated().map_err(overflow)?),
        (to, amount),
    ]))
}

type Flow = (Account, Account, Option<Quantity>, u32);

fn entering(
    kind: AccountKind,
    lot: Option<&NewLot>,
    place: impl Fn(&str) -> Result<Account, Refused>,
    ppm: u32,
) -> Result<Flow, Refused> {
    let lot = lot.ok_or_else(|| Refused::missing("lot"))?;
    Ok((
        account::plain(kind),
        place(&lot.place)?,
        lot.quantity.clone(),
        ppm,
    ))
}

fn leaving(kind: AccountKind, goods: Option<&Goods>, from: Account, state: &LotState) -> Flow {
    let quantity = goods.and_then(|g| g.loose.clone());
    (from, account::plain(kind), quantity, state.content_ppm)
}

fn lost(party: &str, e: &Incident) -> Result<(AccountKind, Account), Refused> {
    let kind = match e.kind() {
        IncidentKind::Missing => AccountKind::Missing,
        IncidentKind::Released => AccountKind::Released,
        IncidentKind::Unspecified => return Err(Refused::missing("kind")),
    };
    let from = match &e.at {
        Some(incident::At::Place(place)) => account::held(party, place),
        Some(incident::At::Consignment(id)) => ConsignmentId::from_slice(id)
            .map(account::aboard)
            .ok_or_else(|| Refused::missing("consignment"))?,
        None => return Err(Refused::missing("place")),
    };
    Ok((kind, from))
}

/// Books the net difference; what a holding cannot give goes into dispute.
fn book(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    lot: LotId,
    party: &str,
    net: Books,
) -> Result<(), Refused> {
    let mut uncovered = Amount::default();
    let mut there = 0i64;
    // What comes in first, so that what goes out finds it.
    let (gains, takes): (Vec<_>, Vec<_>) = net.into_iter().partition(|(_, a)| a.gross >= 0);
    for (account, amount) in gains.into_iter().chain(takes) {
        let holding = account::class(account.kind()) == Some(Class::Holding);
        // What was missing may have come back since.
        if !holding && account.kind() != AccountKind::Missing {
            draft.post(lot, &account, amount)?;
            continue;
        }
        let covered = cover(draft, lot, &account, amount)?;
        draft.post(lot, &account, covered)?;
        let mut rest = amount.minus(covered).map_err(overflow)?;
        if rest.gross == 0 && rest.contained > 0 {
            // The last gross took more content with it than was restated.
            let loss = std::mem::take(&mut rest);
            draft.post(lot, &account::plain(AccountKind::ProcessLoss), loss)?;
        }
        uncovered = uncovered.plus(rest).map_err(overflow)?;
        if holding {
            there = there
                .checked_add(covered.gross)
                .ok_or_else(|| Refused::new(RefusalCode::MassOverflow, ""))?;
        }
        reload(draft, lot, &account)?;
    }
    match there {
        ..0 => draft.end_title(lot, party, there.saturating_neg())?,
        _ => draft.post_title(lot, party, there)?,
    }
    if uncovered.is_zero() {
        return Ok(());
    }
    draft.post_title(lot, party, uncovered.gross)?;
    dispute(draft, case, lot, party, uncovered)
}

/// After a correction aboard: the consignment lists the lot if some of it is
/// there, and is closed if nothing is left.
fn reload(draft: &mut Draft<'_>, lot: LotId, account: &Account) -> Result<(), Refused> {
    let Some(id) = ConsignmentId::from_slice(&account.id) else {
        return Ok(());
    };
    let state = draft.consignment(id).unwrap_or_default();
    let aboard = !lot::balance(&draft.lot(lot).unwrap_or_default(), account).is_zero();
    if aboard && !state.lots.contains(&lot.to_bytes()) {
        let load = ConsignmentLoad {
            lot: lot.to_bytes(),
            aboard,
        };
        draft.emit(&subject::consignment(id), C::Load(load))?;
    }
    goods::unload(draft, id)
}

/// As much of a net change as the account can bear: of a loss what is loose
/// and not offered, the last gross with the last contained; all of a gain;
/// nothing aboard a consignment that is closed.
fn cover(
    draft: &Draft<'_>,
    id: LotId,
    account: &Account,
    amount: Amount,
) -> Result<Amount, Refused> {
    let state = draft.lot(id).unwrap_or_default();
    let carried = ConsignmentId::from_slice(&account.id).and_then(|id| draft.consignment(id));
    if carried.is_some_and(|c| c.closed) {
        return Ok(Amount::default());
    }
    let loose = lot::loose(&state, account).map_err(overflow)?;
    let free = loose
        .gross
        .saturating_sub(lot::reserved(&state, account).map_err(overflow)?)
        .max(0);
    let least = |free: i64, wanted: i64| wanted.max(free.saturating_neg());
    if amount.gross < 0 && amount.gross.saturating_neg() == loose.gross.min(free) {
        return loose.negated().map_err(overflow);
    }
    if amount.gross.saturating_neg() <= free {
        let contained = least(loose.contained, amount.contained);
        return Ok(Amount {
            gross: amount.gross,
            contained,
        });
    }
    let contained = lot::contained_of(&state, loose, free).saturating_neg();
    Ok(Amount {
        gross: free.saturating_neg(),
        contained: contained.max(amount.contained),
    })
}

fn dispute(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    lot: LotId,
    party: &str,
    uncovered: Amount,
) -> Result<(), Refused> {
    let id = DisputeId(case.name(0));
    draft.post(lot, &account::disputed(id), uncovered)?;
    draft.emit(
        &subject::dispute(id),
        C::DisputeOpened(DisputeOpened {
            origin: DisputeOrigin::Correction.into(),
            lot: lot.to_bytes(),
            gross_mg: uncovered.gross,
            contained_mg: uncovered.contained,
            owner: party.to_owned(),
            deadline_ms: case.dispute_deadline_ms(),
            ..DisputeOpened::default()
        }),
    )?;
    draft.find(
        FindingCode::CorrectionNotCovered,
        Severity::Warning,
        &subject::lot(lot),
        party,
        case.dispute_deadline_ms(),
        format!(
            "{} of the correction are no longer there",
            Mass::mg(uncovered.gross)
        ),
    );
    Ok(())
}
