//! Marks that are kept for a later judgement: when the last word came from the
//! road and since when a vehicle stands, since when goods stand where they are or
//! when they were counted, and which trade a permit's quantity came back from.
//! Each is what its event makes of the state before it.

use super::bindings::Case;
use super::violation::Violation;
use crate::custody::decide::{handoff_of, standing_since};
use crate::custody::subject::{self, Item};
use crate::custody::{account, lot};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Change, ConsignmentReported, ConsignmentState, LotState, PermitDrawn, StockTaken, Subject,
};

/// Checks all of it.
pub(super) fn check(case: &Case<'_>) -> Result<(), Violation> {
    let mut road: Option<(&Subject, ConsignmentState)> = None;
    for (subject, change) in case.changes() {
        let wrong = match &change.change {
            Some(C::ConsignmentReported(word)) => {
                let before = stood(case, &mut road, subject);
                let wrong = reported_otherwise(case, before, change, word);
                before.report = Some(word.clone());
                wrong
            }
            Some(C::ConsignmentRelayed(_) | C::Load(_)) => {
                goes_on(case, &mut road, subject, change);
                None
            }
            Some(C::StockTaken(stock)) => taken_otherwise(case, subject, change, stock),
            Some(C::PermitDrawn(drawn)) => drawn_otherwise(case, change, drawn),
            _ => None,
        };
        if let Some(why) = wrong {
            return Err(Violation::NotAsSigned {
                subject: subject::show(subject),
                why,
            });
        }
    }
    Ok(())
}

/// The event behind a change of this record's own; `None` if it is withheld.
fn body<'a>(case: &'a Case<'_>, change: &Change) -> Option<&'a Body> {
    case.body(change.cause.map_or(0, |cause| cause.event_index))
}

/// The consignment as it stands before a change; changes come subject by subject.
fn stood<'a, 'b>(
    case: &Case<'_>,
    road: &'b mut Option<(&'a Subject, ConsignmentState)>,
    subject: &'a Subject,
) -> &'b mut ConsignmentState {
    let before = match road.take() {
        Some((known, state)) if known == subject => state,
        _ => case
            .consignment(&subject.id)
            .map(|seen| ConsignmentState::clone(&seen))
            .unwrap_or_default(),
    };
    &mut road.insert((subject, before)).1
}

/// A stop ends where goods are relayed, or taken off.
fn goes_on<'a>(
    case: &Case<'_>,
    road: &mut Option<(&'a Subject, ConsignmentState)>,
    subject: &'a Subject,
    change: &Change,
) {
    let comes_aboard = matches!(&change.change, Some(C::Load(load)) if load.aboard);
    let told = |(s, c): (&Subject, &Change)| {
        s == subject && matches!(c.change, Some(C::ConsignmentReported(_)))
    };
    // Of a consignment of which nothing is told here nothing is asked.
    if comes_aboard || !case.changes().any(told) {
        return;
    }
    if let Some(report) = &mut stood(case, road, subject).report {
        report.stopped_since_ms = 0;
    }
}

fn reported_otherwise(
    case: &Case<'_>,
    before: &ConsignmentState,
    change: &Change,
    word: &ConsignmentReported,
) -> Option<&'static str> {
    let now = case.record.payload.happened_at_ms;
    let last = before.report.as_ref().map_or(0, |report| report.at_ms);
    if word.at_ms != last.max(now) {
        return Some("the word from the road has another time");
    }
    match body(case, change) {
        Some(Body::Reported(e)) => (word.stopped_since_ms != standing_since(before, e, now))
            .then_some("the vehicle stands since another time"),
        None => None,
        Some(_) => Some("the event is no word from the road"),
    }
}

/// Counted: when that happened, or as was known if it comes in late. Come to a
/// place: when that happened; what was there before a pack asked, since what was
/// then the lot's last event.
fn taken_otherwise(
    case: &Case<'_>,
    subject: &Subject,
    change: &Change,
    stock: &StockTaken,
) -> Option<&'static str> {
    let before = match case.before.get(subject).as_deref() {
        Some(Item::Lot(lot)) => lot.clone(),
        _ => LotState::default(),
    };
    let at = account::held(&stock.party, &stock.place);
    let now = case.record.payload.happened_at_ms;
    let mut all = before.stock.iter();
    let known = all.find(|s| s.party == stock.party && s.place == stock.place);
    let known_ms = known.map(|s| s.at_ms);
    let counted = match body(case, change) {
        Some(Body::Counted(e)) => {
            let own = stock.party == case.record.payload.party && stock.place == e.place;
            own && e.lot == subject.id
        }
        body => body.is_none(),
    };
    let booked = |(s, c): (&Subject, &Change)| {
        let posting = matches!(&c.change, Some(C::Posting(p)) if p.account.as_ref() == Some(&at));
        s == subject && posting
    };
    if !counted && known.is_some() && !case.changes().any(booked) {
        return Some("goods are said to be counted, and nobody has");
    }
    let since =
        !lot::balance(&before, &at).is_zero() && stock.at_ms == before.latest_happened_at_ms;
    let late = known_ms == Some(stock.at_ms) && stock.at_ms > now;
    let right = stock.at_ms == now || since || late;
    (!right).then_some("goods are said to be counted at another time")
}

/// What a trade that takes back another restores is remembered by that one's
/// name.
fn drawn_otherwise(case: &Case<'_>, change: &Change, drawn: &PermitDrawn) -> Option<&'static str> {
    let parked = change.cause.is_some_and(|c| c.parked_position.is_some());
    let traded = match body(case, change).filter(|_| !parked) {
        Some(Body::Traded(e)) => Some(e),
        None if !parked => return None,
        _ => None,
    };
    let returns = traded.and_then(|e| e.returns.as_ref());
    let name = returns.and_then(handoff_of).map(|handoff| handoff.id);
    let right = match drawn.returned.as_ref() {
        [] => traded.is_none() || drawn.mg >= 0,
        _ => drawn.mg <= 0 && name.as_ref() == Some(&drawn.returned),
    };
    (!right).then_some("a permit's quantity comes back by another trade than the one named")
}
