//! Which parts of one record concern a subject. Parts that concern others stay
//! withheld, but for one case: where a lot's record says nothing of it, what
//! stands beside its place shows that.

use std::collections::BTreeSet;

use super::select::{Parts, Wanted};
use crate::custody::registry::{self, LEDGER};
use crate::event::record::OpenRecord;
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{Cause, Change, Outcome, Subject, SubjectKind};
use crate::proof::evidence::parts::{chain_link, gifts};
use prost::Message as _;

/// The outcome for a subject; where there is none, those on both sides of its
/// place.
pub(super) fn outcome(record: &OpenRecord, subject: &Subject, parts: &mut Parts) {
    let named = |outcome: &Option<Outcome>| outcome.as_ref().and_then(|o| o.subject.clone());
    let subjects: Vec<Option<Subject>> = record.outcomes.iter().map(named).collect();
    let place = subjects.iter().position(|s| s.as_ref() >= Some(subject));
    let place = place.unwrap_or(subjects.len());
    if subjects.get(place) == Some(&Some(subject.clone())) {
        parts.outcomes.insert(place);
        return;
    }
    parts.outcomes.extend(place.checked_sub(1));
    if place < subjects.len() {
        parts.outcomes.insert(place);
    }
}

/// A lot's own outcome, its birth's event, and what others gave to it.
pub(super) fn lot(record: &OpenRecord, lot: &Subject, parts: &mut Parts, wanted: &mut Wanted) {
    outcome(record, lot, parts);
    for (at, outcome) in record.outcomes.iter().enumerate() {
        let Some(outcome) = outcome else { continue };
        let Some(subject) = &outcome.subject else {
            continue;
        };
        if subject == lot {
            let birth = |change: &&Change| matches!(change.change, Some(C::Born(_)));
            let births = outcome.changes.iter().filter(birth);
            parts.events.extend(births.filter_map(own_event));
        } else if subject.kind() == SubjectKind::Lot && gives(outcome, lot) {
            parts.outcomes.insert(at);
            let gifts = outcome.changes.iter().filter(|change| gift_to(change, lot));
            parts.events.extend(gifts.filter_map(own_event));
            wanted.push_back((subject.clone(), record.position()));
        }
    }
}

/// Of the lot that evidence is for: every event that changed it or names it,
/// the permits that these drew on, the handoffs, findings about it. Returns
/// facts of earlier records that are booked here, by position and index.
pub(super) fn lot_whole(
    record: &OpenRecord,
    lot: &Subject,
    parts: &mut Parts,
    wanted: &mut Wanted,
) -> Vec<(u64, usize)> {
    let own = |outcome: &&Outcome| outcome.subject.as_ref() == Some(lot);
    let outcomes = record.outcomes.iter().flatten().filter(own);
    let causes: Vec<&Change> = outcomes.flat_map(|outcome| &outcome.changes).collect();
    let mut events: BTreeSet<usize> = causes.iter().copied().filter_map(own_event).collect();
    for (at, event) in record.events.iter().enumerate() {
        let names = event.as_ref().is_some_and(|event| {
            let bytes = event.encode_to_vec();
            bytes
                .windows(lot.id.len().max(1))
                .any(|w| w == lot.id.as_ref())
        });
        if names {
            events.insert(at);
        }
    }
    let parked = causes.iter().filter_map(|change| change.cause.as_ref());
    let facts: BTreeSet<(u64, usize)> = parked.filter_map(parked_event).collect();
    beside(record, &events, &facts, parts, wanted);
    for (at, finding) in record.findings.iter().enumerate() {
        let Some(finding) = finding else { continue };
        let index = usize::try_from(finding.event_index).unwrap_or(usize::MAX);
        let about = match &finding.subject {
            Some(subject) if subject.kind() == SubjectKind::Lot => subject == lot,
            _ => events.contains(&index),
        };
        if about {
            parts.findings.insert(at);
        }
    }
    parts.events.extend(events);
    facts.into_iter().collect()
}

/// Handoffs and permits that the same events, or the same parked facts, changed.
fn beside(
    record: &OpenRecord,
    events: &BTreeSet<usize>,
    facts: &BTreeSet<(u64, usize)>,
    parts: &mut Parts,
    wanted: &mut Wanted,
) {
    for (at, outcome) in record.outcomes.iter().enumerate() {
        let Some(outcome) = outcome else { continue };
        let Some(subject) = &outcome.subject else {
            continue;
        };
        let same = |change: &Change| {
            let fact = change.cause.as_ref().and_then(parked_event);
            match fact {
                Some(fact) => facts.contains(&fact),
                None => own_event(change).is_some_and(|index| events.contains(&index)),
            }
        };
        if !outcome.changes.iter().any(same) {
            continue;
        }
        match subject.kind() {
            SubjectKind::Handoff => {
                parts.outcomes.insert(at);
            }
            SubjectKind::Permit => wanted.push_back((subject.clone(), record.position())),
            _ => {}
        }
    }
}

/// A key's registration; of a record that goes on with its chain all events, if
/// it could have revoked the key: what a key alone says of itself, and the
/// ledger's own words, cannot, unless the key is an authority's.
pub(super) fn key(record: &OpenRecord, key: &Subject, by_authority: bool, parts: &mut Parts) {
    let payload = &record.payload;
    let begins = chain_link(record, key).is_some_and(|(_, link)| link.previous.is_none());
    let own = payload.party == LEDGER || payload.key_id == key.id && !by_authority;
    if begins {
        registered(record, key, parts);
        party_beside(record, parts);
    } else if !own || !payload.cosigner_key_ids.is_empty() {
        parts.events.extend(0..record.events.len());
    }
}

/// Parties that the record registers beside keys of theirs that are shown.
fn party_beside(record: &OpenRecord, parts: &mut Parts) {
    let body = |at: usize| record.events.get(at)?.as_ref()?.body.as_ref();
    let owner = |at: &usize| match body(*at) {
        Some(Body::KeyRegistered(key)) => Some(key.party.as_str()),
        _ => None,
    };
    let owners: BTreeSet<&str> = parts.events.iter().filter_map(owner).collect();
    let named = |at: &usize| match body(*at) {
        Some(Body::PartyRegistered(party)) => owners.contains(party.party.as_str()),
        _ => false,
    };
    let parties: Vec<usize> = (0..record.events.len()).filter(named).collect();
    parts.events.extend(parties);
}

/// The registry's events about a subject.
pub(super) fn registered(record: &OpenRecord, subject: &Subject, parts: &mut Parts) {
    for (at, event) in record.events.iter().enumerate() {
        let about = |event: &crate::pb::Event| registry::subjects(event).contains(subject);
        if event.as_ref().is_some_and(about) {
            parts.events.insert(at);
        }
    }
}

fn gives(outcome: &Outcome, lot: &Subject) -> bool {
    gifts(outcome).any(|given| given.lot == lot.id)
}

fn gift_to(change: &Change, lot: &Subject) -> bool {
    let alone = Outcome {
        subject: None,
        changes: vec![change.clone()],
    };
    gives(&alone, lot)
}

/// The event of this record that a change comes from.
fn own_event(change: &Change) -> Option<usize> {
    let cause = change.cause.as_ref()?;
    let here = cause.parked_position.is_none();
    usize::try_from(cause.event_index).ok().filter(|_| here)
}

/// The event of an earlier record that a cause names.
fn parked_event(cause: &Cause) -> Option<(u64, usize)> {
    let position = cause.parked_position?;
    Some((position, usize::try_from(cause.event_index).ok()?))
}
