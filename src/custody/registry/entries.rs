//! Permits, vehicles, persons, products, parks, agencies, hazard sources and
//! rule packs, as the fold takes them up.

use std::collections::BTreeMap;

use crate::custody::lot::{Broken, broken};
use crate::custody::subject::{self, Item};
use crate::pb::event::Body;
use crate::pb::{
    AgencyRegistered, HazardSourceFiled, PackPublished, PackWithdrawn, ParkState, PartyState,
    PermitRegistered, PermitState, PermitStated, PersonState, ProductState, RulesState, Subject,
    SubjectKind, VehicleState,
};

/// How long a version of a pack that has ended is kept, milliseconds: facts
/// that happened under it may still come in.
const RETAINED_MS: i64 = 366 * 24 * 60 * 60 * 1000;

/// The subjects that such an event changes.
pub(super) fn subjects(body: &Body) -> Vec<Subject> {
    match body {
        Body::PermitRegistered(e) => {
            vec![
                subject::permit(&e.party, &e.number),
                subject::party(&e.party),
            ]
        }
        Body::PermitStated(e) => vec![subject::permit(&e.party, &e.number)],
        Body::VehicleRegistered(e) => vec![subject::vehicle(&e.vehicle)],
        Body::PersonRegistered(e) => vec![subject::person(&e.person)],
        Body::ProductRegistered(e) => vec![subject::product(&e.party, &e.registration)],
        Body::ParkRegistered(e) => vec![subject::park(&e.park)],
        Body::AgencyRegistered(e) => vec![subject::party(&e.party)],
        Body::HazardSourceFiled(e) => {
            vec![subject::within(SubjectKind::Unit, &e.party, &e.unit)]
        }
        Body::PackPublished(_) | Body::PackWithdrawn(_) => vec![subject::rules()],
        _ => Vec::new(),
    }
}

/// Applies one of them at the time it happened.
pub(super) fn apply(
    items: &mut BTreeMap<Subject, Item>,
    body: &Body,
    happened_at_ms: i64,
) -> Result<(), Broken> {
    match body {
        Body::PermitRegistered(e) => permit(items, e),
        Body::PermitStated(e) => permit_stated(items, e),
        Body::AgencyRegistered(e) => agency(items, e),
        Body::HazardSourceFiled(e) => hazard_source(items, e),
        Body::PackPublished(e) => published(items, e, happened_at_ms),
        Body::PackWithdrawn(e) => withdrawn(items, e),
        _ => {
            entry(items, body);
            Ok(())
        }
    }
}

/// What is nothing but its last registration.
fn entry(items: &mut BTreeMap<Subject, Item>, body: &Body) {
    let Some(subject) = subjects(body).into_iter().next() else {
        return;
    };
    let last = items.get(&subject).map_or(0, subject::last);
    let item = match body {
        Body::VehicleRegistered(e) => {
            let before = match items.get(&subject) {
                Some(Item::Vehicle(v)) => v.clone(),
                _ => VehicleState::default(),
            };
            Item::Vehicle(VehicleState {
                registered: Some(e.clone()),
                ..before
            })
        }
        Body::PersonRegistered(e) => Item::Person(PersonState {
            registered: Some(e.clone()),
            last,
        }),
        Body::ProductRegistered(e) => Item::Product(ProductState {
            registered: Some(e.clone()),
            last,
        }),
        Body::ParkRegistered(e) => Item::Park(ParkState {
            registered: Some(e.clone()),
            last,
        }),
        _ => return,
    };
    items.insert(subject, item);
}

fn permit(items: &mut BTreeMap<Subject, Item>, e: &PermitRegistered) -> Result<(), Broken> {
    let subject = subject::permit(&e.party, &e.number);
    let before = match items.get(&subject) {
        Some(Item::Permit(p)) => p.clone(),
        _ => PermitState::default(),
    };
    let Some(Item::Party(party)) = items.get_mut(&subject::party(&e.party)) else {
        return broken(8, "a permit of nobody");
    };
    if let Err(at) = party.permits.binary_search(&e.number) {
        party.permits.insert(at, e.number.clone());
    }
    let registered = Some(e.clone());
    let permit = PermitState {
        registered,
        ..before
    };
    items.insert(subject, Item::Permit(permit));
    Ok(())
}

fn permit_stated(items: &mut BTreeMap<Subject, Item>, e: &PermitStated) -> Result<(), Broken> {
    match items.get_mut(&subject::permit(&e.party, &e.number)) {
        Some(Item::Permit(PermitState {
            registered: Some(registered),
            ..
        })) => {
            registered.status = e.status;
            Ok(())
        }
        _ => broken(8, "a word on a permit that is not registered"),
    }
}

fn agency(items: &mut BTreeMap<Subject, Item>, e: &AgencyRegistered) -> Result<(), Broken> {
    let Some(Item::Party(PartyState { agency, .. })) = items.get_mut(&subject::party(&e.party))
    else {
        return broken(8, "an agency that is no party");
    };
    *agency = (!e.withdrawn).then(|| e.clone());
    Ok(())
}

fn hazard_source(items: &mut BTreeMap<Subject, Item>, e: &HazardSourceFiled) -> Result<(), Broken> {
    let unit = subject::within(SubjectKind::Unit, &e.party, &e.unit);
    let Some(Item::Unit(unit)) = items.get_mut(&unit) else {
        return broken(8, "a hazard source in no unit");
    };
    unit.hazard_source = Some(e.clone());
    Ok(())
}

fn rules(items: &mut BTreeMap<Subject, Item>) -> Result<&mut RulesState, Broken> {
    let item = items
        .entry(subject::rules())
        .or_insert_with(|| Item::Rules(RulesState::default()));
    match item {
        Item::Rules(rules) => Ok(rules),
        _ => broken(8, "rules that are none"),
    }
}

/// A version takes the place of one of the same first day; those that ended
/// long ago go.
fn published(
    items: &mut BTreeMap<Subject, Item>,
    e: &PackPublished,
    happened_at_ms: i64,
) -> Result<(), Broken> {
    let packs = &mut rules(items)?.packs;
    let oldest = happened_at_ms.saturating_sub(RETAINED_MS);
    packs.retain(|p| p.until_ms == 0 || p.until_ms >= oldest);
    let key = |p: &PackPublished| (p.pack.clone(), p.from_ms);
    match packs.binary_search_by_key(&key(e), key) {
        Ok(at) => {
            if let Some(pack) = packs.get_mut(at) {
                *pack = e.clone();
            }
        }
        Err(at) => packs.insert(at, e.clone()),
    }
    Ok(())
}

/// Versions that would begin later go; the others end then.
fn withdrawn(items: &mut BTreeMap<Subject, Item>, e: &PackWithdrawn) -> Result<(), Broken> {
    let packs = &mut rules(items)?.packs;
    packs.retain(|p| p.pack != e.pack || p.from_ms < e.until_ms);
    for pack in packs.iter_mut().filter(|p| p.pack == e.pack) {
        if pack.until_ms == 0 || pack.until_ms > e.until_ms {
            pack.until_ms = e.until_ms;
        }
    }
    Ok(())
}
