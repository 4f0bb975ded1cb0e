//! What an event is booked with, and what it should have been booked with.

use super::original::cannot;
use super::{Books, Recorded, goods};
use crate::custody::account;
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, LotId};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Account, AccountKind, Event, Goods, Incident, IncidentKind, LotState, NewLot, Posting,
    Quantity, RefusalCode, incident,
};

/// What the event is booked with now: as last restated, else as recorded.
pub(super) fn booked(original: &Recorded, lot: LotId, state: &LotState) -> Books {
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
pub(super) fn restated(
    draft: &Draft<'_>,
    party: &str,
    event: &Event,
    state: &LotState,
) -> Result<Books, Refused> {
    let born_ppm = state.born.as_ref().map_or(0, |b| b.content_ppm);
    let place = |place: &str| {
        goods::own_place(draft, party, place, "place")?;
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
        (from, amount.negated().map_err(goods::overflow)?),
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
