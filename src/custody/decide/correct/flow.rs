//! What an event is booked with, and what it should have been booked with.

use super::original;
use super::{Books, Case, Recorded, fields, goods, making, overflow, taking, vessel};
use crate::custody::account;
use crate::custody::decide::consume;
use crate::custody::decide::entry::{self, Papers};
use crate::custody::decide::fields::{MAX_SHORT, MAX_TEXT};
use crate::custody::decide::scales;
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, LotId};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Account, AccountKind, Conservation, ContributedTo, Counted, Event, Goods, Incident, LotBorn,
    Moved, NewLot, Posting, RefusalCode, Restated, incident,
};

/// An event as it should have been, on one of its lots.
pub(super) struct Flow {
    pub(super) lot: LotId,
    pub(super) books: Books,
    /// The lot's birth, if the event is its birth.
    pub(super) born: Option<LotBorn>,
    /// What the lot gave to others by it.
    pub(super) given: Vec<ContributedTo>,
    /// On the first input of a transformation: what it declared beside.
    pub(super) conservation: Option<Conservation>,
}

impl Flow {
    /// An amount that goes from one account to another.
    pub(super) fn between(
        lot: LotId,
        from: Account,
        to: Account,
        amount: Amount,
    ) -> Result<Flow, Refused> {
        if from == to {
            return Err(Refused::new(RefusalCode::NoChange, "to_place"));
        }
        let mut books = Books::from([(from, amount.negated().map_err(overflow)?), (to, amount)]);
        books.retain(|_, amount| !amount.is_zero());
        Ok(Flow::of(lot, books))
    }

    /// Amounts that are booked, and nothing else.
    pub(super) fn of(lot: LotId, books: Books) -> Flow {
        Flow {
            lot,
            books,
            born: None,
            given: Vec::new(),
            conservation: None,
        }
    }
}

/// The event as it was last restated on a lot, if it has been corrected.
pub(super) fn last_restated(
    draft: &Draft<'_>,
    original: &Recorded,
    lot: LotId,
) -> Option<Restated> {
    let state = draft.lot(lot)?;
    let place = (original.position, original.event_index);
    let mut all = state.restated.iter();
    all.find(|r| (r.position, r.event_index) == place).cloned()
}

/// What the event is booked with now: as last restated, else as recorded.
pub(super) fn booked(draft: &Draft<'_>, original: &Recorded, lot: LotId) -> Books {
    match last_restated(draft, original, lot) {
        Some(restated) => sums(restated.postings.iter()),
        None => recorded(original, lot),
    }
}

/// What it was booked with in its own record.
pub(super) fn recorded(original: &Recorded, lot: LotId) -> Books {
    let subject = subject::lot(lot);
    let changes = original.changes.iter().filter(|(s, _)| *s == subject);
    sums(changes.filter_map(|(_, change)| match &change.change {
        Some(C::Posting(posting)) => Some(posting),
        _ => None,
    }))
}

fn sums<'a>(postings: impl Iterator<Item = &'a Posting>) -> Books {
    let mut books = Books::new();
    for p in postings {
        let now = books
            .entry(p.account.clone().unwrap_or_default())
            .or_default();
        // Sums of what has been booked once fit again.
        *now = now
            .plus(Amount {
                gross: p.gross_mg,
                contained: p.contained_mg,
            })
            .unwrap_or_default();
    }
    books.retain(|_, amount| !amount.is_zero());
    books
}

/// The event as it should have been, lot by lot, in the order of
/// [`original::lots`].
pub(super) fn restated(
    draft: &Draft<'_>,
    case: &Case<'_>,
    original: &Recorded,
    event: &Event,
) -> Result<Vec<Flow>, Refused> {
    let one = |flow: Result<Flow, Refused>| flow.map(|flow| vec![flow]);
    match (&original.event.body, &event.body) {
        (_, Some(Body::Produced(e))) => {
            let (source, papers) = (AccountKind::Produced, Papers::Must);
            one(entered(draft, original, source, papers, e.lot.as_ref()))
        }
        (_, Some(Body::Imported(e))) => {
            fields::country(&e.country, "country")?;
            fields::text(&e.customs_entry, MAX_SHORT, "customs_entry")?;
            let (source, papers) = (AccountKind::Imported, Papers::Must);
            one(entered(draft, original, source, papers, e.lot.as_ref()))
        }
        (_, Some(Body::Arrived(e))) => {
            let (source, papers) = (AccountKind::Inbound, Papers::Should);
            one(entered(draft, original, source, papers, e.lot.as_ref()))
        }
        (_, Some(Body::Opened(e))) => {
            fields::optional_text(&e.provenance, MAX_TEXT, "provenance")?;
            let (source, papers) = (AccountKind::Opening, Papers::Should);
            one(entered(draft, original, source, papers, e.lot.as_ref()))
        }
        (Some(Body::Moved(was)), Some(Body::Moved(e))) => one(moved(draft, original, was, e)),
        (Some(Body::Counted(was)), Some(Body::Counted(e))) => one(counted(draft, original, was, e)),
        (Some(Body::Used(was)), Some(Body::Used(e))) => {
            fields::text(&e.purpose, MAX_TEXT, "purpose")?;
            let told = Told::of(was.goods.as_ref(), e.goods.as_ref(), &was.place, &e.place);
            one(gone(draft, original, AccountKind::Used, &told))
        }
        (Some(Body::Disposed(was)), Some(Body::Disposed(e))) => {
            fields::text(&e.method, MAX_SHORT, "method")?;
            if !e.certificate_hash.is_empty() {
                fields::hash(&e.certificate_hash, "certificate_hash")?;
            }
            let told = Told::of(was.goods.as_ref(), e.goods.as_ref(), &was.place, &e.place);
            one(gone(draft, original, AccountKind::Disposed, &told))
        }
        (Some(Body::Exported(was)), Some(Body::Exported(e))) => {
            fields::country(&e.country, "country")?;
            fields::text(&e.customs_entry, MAX_SHORT, "customs_entry")?;
            let told = Told::of(was.goods.as_ref(), e.goods.as_ref(), &was.place, &e.place);
            one(gone(draft, original, AccountKind::Exported, &told))
        }
        (Some(Body::Departed(was)), Some(Body::Departed(e))) => {
            let told = Told::of(was.goods.as_ref(), e.goods.as_ref(), &was.place, &e.place);
            one(gone(draft, original, AccountKind::Outbound, &told))
        }
        (Some(Body::Incident(was)), Some(Body::Incident(e))) => {
            one(incident(draft, original, was, e))
        }
        (Some(Body::Recovered(was)), Some(Body::Recovered(e))) => {
            let told = Told::of(was.goods.as_ref(), e.goods.as_ref(), &was.place, &e.place);
            let (goods, at) = told.resolve(draft, original)?;
            let from = account::plain(AccountKind::Missing);
            one(Flow::between(goods.0, from, at, goods.1))
        }
        (Some(Body::Wasted(was)), Some(Body::Wasted(e))) => making::wasted(draft, original, was, e),
        (Some(Body::Sampled(was)), Some(Body::Sampled(e))) => {
            making::sampled(draft, original, was, e)
        }
        (Some(Body::Filled(was)), Some(Body::Filled(e))) => vessel::filled(draft, original, was, e),
        (_, Some(Body::Drawn(e))) => vessel::drawn(draft, original, e),
        (Some(Body::Transformed(was)), Some(Body::Transformed(e))) => {
            making::transformed(draft, original, was, e)
        }
        (Some(Body::Accepted(was)), Some(Body::Accepted(e))) => {
            taking::accepted(draft, case, original, was, e)
        }
        // Alike in all but figures: of the same kind, and of these.
        _ => Err(Refused::new(RefusalCode::CannotCorrect, "")),
    }
}

/// Goods at a place as they were told first, and as restated.
pub(super) struct Told<'a> {
    goods: [Option<&'a Goods>; 2],
    place: [&'a str; 2],
}

impl<'a> Told<'a> {
    pub(super) fn of(
        was: Option<&'a Goods>,
        goods: Option<&'a Goods>,
        place_was: &'a str,
        place: &'a str,
    ) -> Told<'a> {
        Told {
            goods: [was, goods],
            place: [place_was, place],
        }
    }

    /// Which lot and how much of it, and the holding it names.
    pub(super) fn resolve(
        &self,
        draft: &Draft<'_>,
        original: &Recorded,
    ) -> Result<((LotId, Amount), Account), Refused> {
        let goods = portion(draft, original, self.goods[0], self.goods[1])
            .map_err(|r| r.within("goods"))?;
        let place = place(draft, original, self.place[0], self.place[1], "place")?;
        Ok((goods, place))
    }
}

/// How much an event took of a lot, as recorded.
pub(super) fn taken(original: &Recorded, lot: LotId) -> Result<Amount, Refused> {
    recorded(original, lot)
        .into_values()
        .filter(|amount| amount.gross < 0)
        .try_fold(Amount::default(), Amount::minus)
        .map_err(overflow)
}

/// How much an event took, as restated: what it was recorded with, more or
/// less by what its loose mass differs, with content in proportion; if it took
/// nothing (empties), with the lot's content.
pub(super) fn portion(
    draft: &Draft<'_>,
    original: &Recorded,
    was: Option<&Goods>,
    goods: Option<&Goods>,
) -> Result<(LotId, Amount), Refused> {
    let now = goods::check(goods)?;
    let before = goods::check(was)?;
    let lot = goods
        .and_then(|g| LotId::from_slice(&g.lot))
        .ok_or_else(|| Refused::missing("lot"))?;
    let taken = taken(original, lot)?;
    let difference = now.checked_sub(before);
    let gross = difference
        .and_then(|d| taken.gross.checked_add(d))
        .ok_or_else(|| Refused::new(RefusalCode::MassOverflow, "loose"))?;
    let contained = match taken.gross {
        0 => Mass::mg(gross).contained(draft.lot(lot).unwrap_or_default().content_ppm),
        whole => Mass::mg(taken.contained).share(gross, whole),
    };
    let contained = contained.unwrap_or_default().as_mg();
    Ok((lot, Amount { gross, contained }))
}

/// A place of the event's party; one that is not what was told before is
/// registered.
pub(super) fn place(
    draft: &Draft<'_>,
    original: &Recorded,
    was: &str,
    place: &str,
    field: &str,
) -> Result<Account, Refused> {
    let party = &original.payload.party;
    if place != was {
        goods::own_place(draft, party, place, field)?;
    }
    Ok(account::held(party, place))
}

fn entered(
    draft: &Draft<'_>,
    original: &Recorded,
    source: AccountKind,
    papers: Papers,
    lot: Option<&NewLot>,
) -> Result<Flow, Refused> {
    let lot = lot.ok_or_else(|| Refused::missing("lot"))?;
    let id = LotId(original::name(original, 0)?);
    let within = |r: Refused| r.within("lot");
    let amount = entry::check_new(lot).map_err(within)?;
    entry::check_papers(lot, papers).map_err(within)?;
    goods::own_place(draft, &original.payload.party, &lot.place, "place").map_err(within)?;
    let born = birth(draft, id, lot).map_err(within)?;
    let to = account::held(&original.payload.party, &lot.place);
    let mut flow = Flow::between(id, account::plain(source), to, amount)?;
    flow.born = Some(born);
    Ok(flow)
}

/// A lot's birth with the content restated. After an assay its matter has the
/// content that was measured, whatever it was thought to have entered with.
pub(super) fn birth(draft: &Draft<'_>, id: LotId, lot: &NewLot) -> Result<LotBorn, Refused> {
    let state = draft.lot(id).unwrap_or_default();
    let born = state.born.clone().unwrap_or_default();
    if lot.content_ppm != born.content_ppm && state.content_ppm != born.content_ppm {
        return Err(
            Refused::new(RefusalCode::CannotCorrect, "content_ppm").detail(format!(
                "the lot has been assayed since, at {} ppm, and that stands; leave {} ppm",
                state.content_ppm, born.content_ppm
            )),
        );
    }
    Ok(LotBorn {
        content_ppm: lot.content_ppm,
        ..born
    })
}

fn moved(draft: &Draft<'_>, original: &Recorded, was: &Moved, e: &Moved) -> Result<Flow, Refused> {
    let (lot, amount) = portion(draft, original, was.goods.as_ref(), e.goods.as_ref())
        .map_err(|r| r.within("goods"))?;
    let from = place(
        draft,
        original,
        &was.from_place,
        &e.from_place,
        "from_place",
    )?;
    let to = place(draft, original, &was.to_place, &e.to_place, "to_place")?;
    Flow::between(lot, from, to, amount)
}

fn gone(
    draft: &Draft<'_>,
    original: &Recorded,
    to: AccountKind,
    told: &Told<'_>,
) -> Result<Flow, Refused> {
    let ((lot, amount), from) = told.resolve(draft, original)?;
    Flow::between(lot, from, account::plain(to), amount)
}

fn incident(
    draft: &Draft<'_>,
    original: &Recorded,
    was: &Incident,
    e: &Incident,
) -> Result<Flow, Refused> {
    let (to, _) = consume::loss(e.kind())?;
    fields::text(&e.description, MAX_TEXT, "description")?;
    let (lot, amount) = portion(draft, original, was.goods.as_ref(), e.goods.as_ref())
        .map_err(|r| r.within("goods"))?;
    let from = match (&was.at, &e.at) {
        (Some(incident::At::Place(was)), Some(incident::At::Place(now))) => {
            place(draft, original, was, now, "place")?
        }
        (_, Some(incident::At::Consignment(id))) => ConsignmentId::from_slice(id)
            .map(account::aboard)
            .ok_or_else(|| Refused::missing("consignment"))?,
        _ => return Err(Refused::missing("place")),
    };
    Flow::between(lot, from, account::plain(to), amount)
}

/// A count of loose matter restated: the difference to what was booked then,
/// which is what it had seen and what it had found short.
fn counted(
    draft: &Draft<'_>,
    original: &Recorded,
    was: &Counted,
    e: &Counted,
) -> Result<Flow, Refused> {
    scales::agrees(e)?;
    if e.loose_gross_mg < 0 {
        return Err(Refused::new(RefusalCode::MassNotPositive, "loose_gross_mg"));
    }
    let packages =
        |(_, change): &(_, crate::pb::Change)| matches!(change.change, Some(C::PackagesMoved(_)));
    if original.changes.iter().any(packages) {
        return Err(Refused::new(RefusalCode::CannotCorrect, "loose_gross_mg")
            .detail("packages were missing in that count; recover them, or count again"));
    }
    let lot = LotId::from_slice(&e.lot).ok_or_else(|| Refused::missing("lot"))?;
    let at = account::held(&original.payload.party, &e.place);
    let before = recorded(original, lot);
    let first = before.get(&at).copied().unwrap_or_default();
    let more = was
        .loose_gross_mg
        .checked_sub(first.gross)
        .and_then(|booked| e.loose_gross_mg.checked_sub(booked))
        .ok_or_else(|| Refused::new(RefusalCode::MassOverflow, "loose_gross_mg"))?;
    let found = account::plain(AccountKind::Found);
    let missing = account::plain(AccountKind::Missing);
    if more == first.gross {
        let (from, to) = if more < 0 { (at, missing) } else { (found, at) };
        let amount = if more < 0 {
            first.negated().map_err(overflow)?
        } else {
            first
        };
        return Flow::between(lot, from, to, amount);
    }
    let gross = more.saturating_abs();
    let ppm = draft.lot(lot).unwrap_or_default().content_ppm;
    let contained = Mass::mg(gross).contained(ppm).unwrap_or_default().as_mg();
    let (from, to) = if more < 0 { (at, missing) } else { (found, at) };
    Flow::between(lot, from, to, Amount { gross, contained })
}
