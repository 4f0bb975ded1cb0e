//! Seals: put on a lot, a place or a whole party by an authority's order, and
//! lifted by its number. The seal is kept by what is sealed.

use super::super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::super::{Case, goods};
use super::act::Act;
use super::{Breach, meet};
use crate::custody::draft::Draft;
use crate::custody::oversight::MAX_SEALS;
use crate::custody::subject::{self, Item};
use crate::custody::{account, lot};
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Account, AccountKind, FindingCode, Goods, LotState, RefusalCode, Seal, SealLifted, Sealed,
    Subject, Unsealed, sealed, unsealed,
};

/// The lot that is sealed, if it is one.
pub(super) fn lot_of(e: &Sealed) -> Option<&[u8]> {
    match &e.what {
        Some(sealed::What::Lot(lot)) => Some(&lot.lot),
        _ => None,
    }
}

/// The lot that is released, if it is one.
pub(super) fn lot_released(e: &Unsealed) -> Option<&[u8]> {
    match &e.what {
        Some(unsealed::What::Lot(lot)) => Some(lot),
        _ => None,
    }
}

pub(in super::super) fn sealed(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Sealed,
) -> Result<(), Refused> {
    check(case, &e.order, &e.reason)?;
    fields::documents(&e.documents)?;
    let mut seal = Seal {
        order: e.order.clone(),
        authority: case.party().to_owned(),
        since_ms: case.happened_at_ms(),
        ..Seal::default()
    };
    let what = match &e.what {
        Some(sealed::What::Lot(lot)) => {
            if lot.party.is_empty() != lot.place.is_empty() {
                return Err(Refused::invalid("lot.place", "with its party, or neither"));
            }
            seal.party.clone_from(&lot.party);
            seal.place.clone_from(&lot.place);
            seal.holder.clone_from(&lot.party);
            a_lot(draft, &lot.lot)?
        }
        Some(sealed::What::Place(at)) => a_place(draft, &at.party, &at.place)?,
        Some(sealed::What::Party(party)) => a_party(draft, party)?,
        None => return Err(Refused::missing("what")),
    };
    put(draft, &what, seal)
}

/// Puts a seal on a lot, a place or a party.
pub(super) fn put(draft: &mut Draft<'_>, what: &Subject, seal: Seal) -> Result<(), Refused> {
    let seals = of(draft, what);
    if seals.iter().any(|s| s.order == seal.order) {
        let why = format!("sealed by order {} already", seal.order);
        return Err(Refused::new(RefusalCode::NoChange, "order").detail(why));
    }
    if seals.len() >= MAX_SEALS {
        return Err(Refused::invalid(
            "order",
            format!("at most {MAX_SEALS} seals"),
        ));
    }
    draft.emit(what, C::Seal(seal))
}

pub(in super::super) fn unsealed(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Unsealed,
) -> Result<(), Refused> {
    check(case, &e.order, &e.reason)?;
    let what = match &e.what {
        Some(unsealed::What::Lot(lot)) => a_lot(draft, lot)?,
        Some(unsealed::What::Place(at)) => a_place(draft, &at.party, &at.place)?,
        Some(unsealed::What::Party(party)) => a_party(draft, party)?,
        None => return Err(Refused::missing("what")),
    };
    if !of(draft, &what).iter().any(|s| s.order == e.order) {
        return Err(Refused::new(RefusalCode::NoChange, "order").detail("no seal of that order"));
    }
    let order = e.order.clone();
    draft.emit(&what, C::SealLifted(SealLifted { order }))
}

fn check(case: &Case<'_>, order: &str, reason: &str) -> Result<(), Refused> {
    if !case.signers.authority() {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    fields::text(order, MAX_SHORT, "order")?;
    fields::text(reason, MAX_TEXT, "reason")
}

fn a_lot(draft: &Draft<'_>, id: &[u8]) -> Result<Subject, Refused> {
    goods::lot_of(draft, id).map(|(id, _)| subject::lot(id))
}

fn a_place(draft: &Draft<'_>, party: &str, place: &str) -> Result<Subject, Refused> {
    goods::own_place(draft, party, place, "place").map(|()| subject::place(party, place))
}

fn a_party(draft: &Draft<'_>, party: &str) -> Result<Subject, Refused> {
    match draft.party(party) {
        Some(_) => Ok(subject::party(party)),
        None => Err(Refused::new(RefusalCode::UnknownParty, "party").detail(party)),
    }
}

/// The seals on something.
fn of(draft: &Draft<'_>, what: &Subject) -> Vec<Seal> {
    match draft.item(what).as_deref() {
        Some(Item::Lot(it)) => it.seals.clone(),
        Some(Item::Place(it)) => it.seals.clone(),
        Some(Item::Party(it)) => it.seals.clone(),
        _ => Vec::new(),
    }
}

/// Sealed goods, places and parties that an act is about.
pub(super) fn judge(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    body: &Body,
    act: &Act,
) -> Result<(), Refused> {
    let mut found: Vec<(Subject, Seal)> = Vec::new();
    for (id, at) in &act.lots {
        let state = draft.lot(*id).unwrap_or_default();
        let seals = state.seals.iter().filter(|s| covers(s, at));
        found.extend(seals.map(|s| (subject::lot(*id), s.clone())));
        if at.kind() == AccountKind::Held {
            let place = subject::place(&at.party, &at.place);
            found.extend(first(draft, &place).map(|seal| (place, seal)));
        }
    }
    for party in &act.parties {
        let party = subject::party(party);
        found.extend(first(draft, &party).map(|seal| (party, seal)));
    }
    if let Body::Traded(e) = body {
        for goods in &e.goods {
            found.extend(sold(draft, case.party(), goods)?);
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    for (what, seal) in found {
        let detail = format!("{} is sealed by order {}", subject::show(&what), seal.order);
        let breach = Breach {
            refused: Refused::new(RefusalCode::Sealed, "").detail(detail.clone()),
            code: FindingCode::SealedGoodsTouched,
            subject: what,
            owner: case.party().to_owned(),
            detail,
        };
        meet(draft, act, breach)?;
    }
    Ok(())
}

/// The first seal on something.
fn first(draft: &Draft<'_>, what: &Subject) -> Option<Seal> {
    of(draft, what).into_iter().next()
}

/// Whether a lot's seal is on what stands on an account.
fn covers(seal: &Seal, at: &Account) -> bool {
    seal.party.is_empty() || *at == account::held(&seal.party, &seal.place)
}

/// The seal on a lot's goods on one account, and whose goods they are.
fn on(draft: &Draft<'_>, state: &LotState, at: &Account) -> Option<(Seal, String)> {
    let mut own = state.seals.iter().filter(|s| !s.party.is_empty());
    if let Some(seal) = own.find(|s| covers(s, at)) {
        return Some((seal.clone(), seal.holder.clone()));
    }
    let seal = first(draft, &subject::place(&at.party, &at.place))?;
    Some((seal, at.party.clone()))
}

/// A seal on part of a lot that a sale touches: packages that stand there, or
/// more loose matter than the seller owns beside what is sealed of its own.
fn sold(
    draft: &Draft<'_>,
    seller: &str,
    goods: &Goods,
) -> Result<Option<(Subject, Seal)>, Refused> {
    let (id, state) = goods::lot_of(draft, &goods.lot)?;
    let mut kept = 0i64;
    let mut seals = Vec::new();
    for balance in &state.balances {
        let at = balance.account.clone().unwrap_or_default();
        let held = at.kind() == AccountKind::Held;
        let Some((seal, holder)) = held.then(|| on(draft, &state, &at)).flatten() else {
            continue;
        };
        let here = goods.serials.iter().any(|range| {
            let selected = lot::select(&state, range.first, range.last).unwrap_or_default();
            selected.iter().any(|p| p.account.as_ref() == Some(&at))
        });
        if here {
            return Ok(Some((subject::lot(id), seal)));
        }
        if holder == seller {
            let loose = lot::loose(&state, &at).map_err(goods::overflow)?;
            kept = kept.saturating_add(loose.gross);
            seals.push(seal);
        }
    }
    let too_much = goods.loose.is_some() && lot::title(&state, seller) < kept;
    let seal = seals.into_iter().next().filter(|_| too_much);
    Ok(seal.map(|seal| (subject::lot(id), seal)))
}
