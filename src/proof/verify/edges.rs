//! The ledger's edge: what arrived from an outsider or departed to one is kept
//! as one side's word, by the figures that were signed and booked; and only
//! the other side or an authority takes that away.

use super::bindings::Case;
use super::violation::Violation;
use crate::custody::subject::{self, Item};
use crate::event::mass::Mass;
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Account, AccountKind, Change, Corrected, CustomsSet, CustomsStatus, EdgeConfirmed, EventRef,
    OneSided, Outsider, Posting, Restated, Subject,
};

/// Checks all of it.
pub(super) fn check(case: &Case<'_>) -> Result<(), Violation> {
    for (subject, change) in case.changes() {
        let index = change.cause.map_or(0, |c| c.event_index);
        let wrong = match &change.change {
            Some(C::OneSided(told)) => told_otherwise(case, subject, index, told),
            Some(C::EdgeConfirmed(word)) => confirmed_otherwise(case, subject, index, word),
            Some(C::CustomsSet(entry)) => customs_otherwise(case, subject, index, entry),
            Some(C::Posting(p)) if crosses(p.account.as_ref()) => {
                let told = case.changes().any(|(s, c)| s == subject && tells(c, index));
                (!told).then_some("goods cross the edge and nobody is to confirm it")
            }
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

fn crosses(account: Option<&Account>) -> bool {
    matches!(
        account.map(Account::kind),
        Some(AccountKind::Inbound | AccountKind::Outbound)
    )
}

fn tells(change: &Change, index: u32) -> bool {
    let own = change.cause.is_some_and(|c| c.event_index == index);
    own && matches!(change.change, Some(C::OneSided(_)))
}

fn told_otherwise(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    told: &OneSided,
) -> Option<&'static str> {
    if let Some(Body::Corrected(e)) = case.body(index) {
        return told_again(case, subject, index, told, e);
    }
    // A withheld body may be a correction's, and its edge another event's.
    let own = told.edge == case.event_ref(index);
    if !own && case.body(index).is_some() {
        return Some("the edge is not named after its event");
    }
    if own && booked(case, subject, index, told.account()) != i128::from(told.gross_mg) {
        return Some("another mass is to be confirmed than was booked");
    }
    let same = |kind: AccountKind, other: &Option<Outsider>| {
        told.account() == kind && told.outsider == *other
    };
    let as_signed = match case.body(index) {
        // Withheld: the digest stands for it.
        None => true,
        Some(Body::Arrived(e)) => same(AccountKind::Inbound, &e.from),
        Some(Body::Departed(e)) => same(AccountKind::Outbound, &e.to),
        Some(_) => false,
    };
    (!as_signed).then_some("another outsider, or the other way")
}

/// A correction tells the mass that the event should have been booked with,
/// with the same outsider; it names the event, or a correction of it.
fn told_again(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    told: &OneSided,
    e: &Corrected,
) -> Option<&'static str> {
    let (kind, outsider) = match e.restated.as_ref().and_then(|event| event.body.as_ref()) {
        Some(Body::Arrived(e)) => (AccountKind::Inbound, &e.from),
        Some(Body::Departed(e)) => (AccountKind::Outbound, &e.to),
        _ => return Some("an edge told again by a correction of something else"),
    };
    if told.account() != kind || told.outsider != *outsider {
        return Some("another outsider, or the other way");
    }
    let party = |event: &Option<EventRef>| event.as_ref().map(|e| e.party.clone());
    let own = |c: &Change| c.cause.is_some_and(|c| c.event_index == index);
    let restated = || {
        let changes = case.changes().filter(|(s, c)| *s == subject && own(c));
        changes.filter_map(|(_, c)| match &c.change {
            Some(C::Restated(r)) => Some(r),
            _ => None,
        })
    };
    // What is corrected may be a correction, which another may have signed.
    let again = || restated().any(|r| restated_before(case, subject, r));
    if party(&told.edge) != party(&e.original) && !again() {
        return Some("the edge is not named after the event that is corrected");
    }
    let postings = restated().map(|r| &r.postings);
    let at_edge = |p: &&Posting| p.account.as_ref().map(Account::kind) == Some(kind);
    let gross = postings
        .flatten()
        .filter(at_edge)
        .fold(0i128, |sum, p| sum.saturating_add(i128::from(p.gross_mg)));
    (gross.saturating_abs() != i128::from(told.gross_mg))
        .then_some("another mass is to be confirmed than was restated")
}

/// Whether an event that is restated of a lot had been before.
fn restated_before(case: &Case<'_>, lot: &Subject, now: &Restated) -> bool {
    let before = case.before.get(lot);
    let name = |r: &Restated| (r.position, r.event_index);
    match before.as_deref() {
        Some(Item::Lot(lot)) => lot.restated.iter().any(|r| name(r) == name(now)),
        _ => false,
    }
}

/// Gross that an event booked on a side of the edge, either way.
fn booked(case: &Case<'_>, subject: &Subject, index: u32, kind: AccountKind) -> i128 {
    let own = |c: &Change| c.cause.is_some_and(|c| c.event_index == index);
    let gross = |c: &Change| match &c.change {
        Some(C::Posting(p)) if p.account.as_ref().map(Account::kind) == Some(kind) => {
            i128::from(p.gross_mg)
        }
        _ => 0,
    };
    let sum = case
        .changes()
        .filter(|(s, c)| *s == subject && own(c))
        .fold(0i128, |sum, (_, c)| sum.saturating_add(gross(c)));
    sum.saturating_abs()
}

fn confirmed_otherwise(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    word: &EdgeConfirmed,
) -> Option<&'static str> {
    let Some(told) = waiting(case, subject, word.edge.as_ref()) else {
        return Some("nothing was to be confirmed by that name");
    };
    let outsider = told.outsider.as_ref().map_or("", |o| &o.code);
    if !case.signers.signed(outsider) && !case.signers.authority() {
        return Some("neither the other side nor an authority has confirmed it");
    }
    let as_signed = match case.body(index) {
        None => true,
        Some(Body::Confirmed(e)) => {
            let gross = Mass::of(e.quantity.as_ref(), "").ok().map(Mass::as_mg);
            e.edge == word.edge && e.lot == subject.id && gross == Some(word.gross_mg)
        }
        Some(_) => false,
    };
    (!as_signed).then_some("another event or mass is confirmed")
}

/// A customs entry has the status that its event says, by its declarer or an
/// authority; one that was released may be forgotten.
fn customs_otherwise(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    entry: &CustomsSet,
) -> Option<&'static str> {
    let authority = case.signers.authority();
    let item = case.before.get(subject);
    let before = match item.as_deref() {
        Some(Item::Lot(lot)) => lot
            .customs
            .iter()
            .find(|c| c.direction == entry.direction && c.customs_entry == entry.customs_entry),
        _ => None,
    };
    if entry.status() == CustomsStatus::Unspecified {
        let done = before.is_none_or(|b| b.status() == CustomsStatus::Released);
        return (!done).then_some("an open customs entry is forgotten");
    }
    let held = before.is_some_and(|b| b.by_authority && b.status() == CustomsStatus::Held);
    let may = case.signers.signed(&entry.declarer) && !held;
    if !(may || authority) || entry.by_authority != authority {
        return Some("neither the declarer nor an authority said so to customs");
    }
    let as_signed = match case.body(index) {
        None => true,
        Some(Body::Imported(e)) => {
            (e.customs_status, &e.customs_entry) == (entry.status, &entry.customs_entry)
        }
        Some(Body::Exported(e)) => {
            (e.customs_status, &e.customs_entry) == (entry.status, &entry.customs_entry)
        }
        Some(Body::CustomsReported(e)) => {
            (e.status, e.direction, &e.customs_entry)
                == (entry.status, entry.direction, &entry.customs_entry)
                && e.lot == subject.id
        }
        Some(_) => false,
    };
    (!as_signed).then_some("another customs entry or status")
}

/// What is to be confirmed: from before this record, or told by it.
fn waiting(case: &Case<'_>, subject: &Subject, edge: Option<&EventRef>) -> Option<OneSided> {
    let before = case.before.get(subject);
    let known = match before.as_deref() {
        Some(Item::Lot(lot)) => lot.one_sided.clone(),
        _ => Vec::new(),
    };
    let here = case
        .changes()
        .filter(|(s, _)| *s == subject)
        .filter_map(|(_, c)| match &c.change {
            Some(C::OneSided(told)) => Some(told.clone()),
            _ => None,
        });
    let mut all = known.into_iter().chain(here);
    all.find(|told| told.edge.as_ref() == edge)
}
