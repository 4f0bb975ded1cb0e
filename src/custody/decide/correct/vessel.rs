//! What was poured into a vessel or drawn from it, restated; and what a running
//! lot is made of after a correction. Its matter was well mixed: what comes
//! back comes back as the event had taken it, what is taken out of a pouring
//! comes out of that pouring first.

use super::flow::{self, Flow, Told};
use super::making::{add, given, mixed, parent_of, scaled};
use super::{Recorded, original, overflow};
use crate::custody::account::{self, Class};
use crate::custody::decide::vessel::set_content;
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::{blend, subject};
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::filled::From;
use crate::pb::{
    Account, AccountKind, BlendPart, Blended, Drawn, Filled, LotBorn, Parent, RefusalCode,
};

/// The running lot that goods were poured into; none if they were of it
/// already.
pub(super) fn poured_into(original: &Recorded, source: LotId) -> Option<LotId> {
    let source = subject::lot(source);
    original.changes.iter().find_map(|(s, c)| match &c.change {
        Some(C::ContributedTo(given)) if *s == source => LotId::from_slice(&given.lot),
        _ => None,
    })
}

/// Whether a running lot began with what was left of the one before it.
pub(super) fn began_with_heel(original: &Recorded, source: LotId, running: LotId) -> bool {
    let source = subject::lot(source);
    original.changes.iter().any(|(s, c)| match &c.change {
        Some(C::ContributedTo(given)) => *s != source && given.lot.as_ref() == running.0,
        _ => false,
    })
}

/// The running lot that a lot was drawn from.
pub(super) fn drawn_from(draft: &Draft<'_>, child: LotId) -> Option<LotId> {
    let born = draft.lot(child)?.born.clone()?;
    LotId::from_slice(&born.drawn_from)
}

/// The holding that an event brought a lot's matter to, or (`-1`) took it off.
fn holding(original: &Recorded, lot: LotId, sign: i64) -> Result<(Account, Amount), Refused> {
    let mut all = flow::recorded(original, lot).into_iter();
    all.find(|(account, amount)| {
        account::class(account.kind()) == Some(Class::Holding) && amount.gross.signum() == sign
    })
    .ok_or_else(|| Refused::new(RefusalCode::CannotCorrect, "original"))
}

/// Poured into a vessel.
pub(super) fn filled(
    draft: &Draft<'_>,
    original: &Recorded,
    was: &Filled,
    e: &Filled,
) -> Result<Vec<Flow>, Refused> {
    let place = |e: &Filled| match &e.from {
        Some(From::Place(place)) => place.clone(),
        _ => String::new(),
    };
    let (place_was, place) = (place(was), place(e));
    let told = Told::of(was.goods.as_ref(), e.goods.as_ref(), &place_was, &place);
    let ((source, amount), held) = told.resolve(draft, original)?;
    let from = match &e.from {
        Some(From::Place(_)) => held,
        _ => holding(original, source, -1)?.0,
    };
    let Some(running) = poured_into(original, source) else {
        let (to, _) = holding(original, source, 1)?;
        return Ok(vec![Flow::between(source, from, to, amount)?]);
    };
    let transformed = account::plain(AccountKind::Transformed);
    let mut taken = Flow::between(source, from, transformed, amount)?;
    let of = mixed(original, source, running, amount)?;
    taken.given.push(given(running, amount, of));
    let first = flow::taken(original, source)?;
    let more = amount.minus(first).map_err(overflow)?;
    let (to, _) = holding(original, running, 1)?;
    let mut books = flow::recorded(original, running);
    for (account, more) in [
        (to, more),
        (
            account::plain(AccountKind::Made),
            more.negated().map_err(overflow)?,
        ),
    ] {
        let now = books.entry(account).or_default();
        *now = now.plus(more).map_err(overflow)?;
    }
    books.retain(|_, amount| !amount.is_zero());
    Ok(vec![taken, Flow::of(running, books)])
}

/// Drawn from a vessel: more or less of the same mixture.
pub(super) fn drawn(
    draft: &Draft<'_>,
    original: &Recorded,
    e: &Drawn,
) -> Result<Vec<Flow>, Refused> {
    let child = LotId(original::name(original, 0)?);
    let running = drawn_from(draft, child)
        .ok_or_else(|| Refused::new(RefusalCode::CannotCorrect, "original"))?;
    let gross = Mass::of(e.quantity.as_ref(), "quantity")?.as_mg();
    let (to, first) = holding(original, child, 1)?;
    let (from, _) = holding(original, running, -1)?;
    let contained = Mass::mg(first.contained).share(gross, first.gross);
    let amount = Amount {
        gross,
        contained: contained.unwrap_or_default().as_mg(),
    };
    let transformed = account::plain(AccountKind::Transformed);
    let mut taken = Flow::between(running, from, transformed, amount)?;
    let of = mixed(original, running, child, amount)?;
    let mut parents = Vec::new();
    add(&mut parents, parent_of(running, amount), &of)?;
    taken.given.push(given(child, amount, of));
    let mut made = Flow::between(child, account::plain(AccountKind::Made), to, amount)?;
    let state = draft.lot(child).unwrap_or_default();
    made.born = state.born.clone().map(|born| LotBorn { parents, ..born });
    Ok(vec![taken, made])
}

/// After a lot has been booked: what it is made of, if it runs in a vessel.
/// `before` is what was held of it in all. What is not told here is settled
/// after the event, as after any other.
pub(super) fn reblend(
    draft: &mut Draft<'_>,
    original: &Recorded,
    lot: LotId,
    before: Amount,
) -> Result<(), Refused> {
    let state = draft.lot(lot).unwrap_or_default();
    // One that runs no longer may have some of it back.
    if state.blend.is_empty() && state.blend_at_end.is_empty() {
        return Ok(());
    }
    let now = lot::held_in_all(&state).map_err(overflow)?;
    if now.is_zero() {
        // It ends, and what it was made of at its end is what it was until now.
        return Ok(());
    }
    let more = now.minus(before).map_err(overflow)?;
    let poured = poured(original, lot);
    let change = match more.gross.signum() {
        1 => {
            let as_taken = || taken_of(original, lot);
            let of = poured.clone().map_or_else(as_taken, |part| vec![part]);
            blend::gained(&scaled(more, &of)?)
        }
        -1 => {
            let parts = poured.iter().filter_map(|p| out_of(&state.blend, p, more));
            blend::lost(&parts.collect::<Vec<_>>())
        }
        _ => Blended::default(),
    };
    let new = |p: &&BlendPart| !state.blend.iter().any(|known| known.lot == p.lot);
    let known = state.blend.iter().filter(|p| !p.lot.is_empty()).count();
    let fits = known + change.parts.iter().filter(new).count() <= blend::MAX_KNOWN;
    if fits && !change.parts.is_empty() {
        draft.emit(&subject::lot(lot), C::Blended(change))?;
    }
    match poured {
        Some(_) if now.gross > 0 => set_content(draft, lot),
        _ => Ok(()),
    }
}

/// What the event poured into a running lot.
fn poured(original: &Recorded, running: LotId) -> Option<Parent> {
    let Some(Body::Filled(e)) = &original.event.body else {
        return None;
    };
    let source = LotId::from_slice(&e.goods.as_ref()?.lot)?;
    (poured_into(original, source) == Some(running)).then(|| {
        parent_of(
            source,
            Amount {
                gross: 1,
                contained: 1,
            },
        )
    })
}

/// What the event took off the parts of a running lot.
fn taken_of(original: &Recorded, lot: LotId) -> Vec<Parent> {
    let subject = subject::lot(lot);
    let blended = original.changes.iter().filter(|(s, _)| *s == subject);
    let parts = blended.filter_map(|(_, c)| match &c.change {
        Some(C::Blended(Blended { parts })) => Some(parts),
        _ => None,
    });
    let gone = parts.flatten().filter(|p| p.gross_mg < 0);
    gone.map(|p| Parent {
        lot: p.lot.clone(),
        gross_mg: p.gross_mg.saturating_neg(),
        contained_mg: p.contained_mg.saturating_neg().max(0),
    })
    .collect()
}

/// As much of a loss as is still there of what had been poured in.
fn out_of(there: &[Parent], poured: &Parent, loss: Amount) -> Option<Parent> {
    let part = there.iter().find(|p| p.lot == poured.lot)?;
    let least = |there: i64, change: i64| there.min(change.saturating_neg()).max(0);
    Some(Parent {
        lot: part.lot.clone(),
        gross_mg: least(part.gross_mg, loss.gross),
        contained_mg: least(part.contained_mg, loss.contained),
    })
}
