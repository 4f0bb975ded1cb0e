//! What the registry says of vehicles, wagons, tanks and persons at a moment.
//! What it does not know proves nothing: that is told apart from what it knows
//! to be wrong.

use bytes::Bytes;

use super::judged::Fault;
use crate::custody::draft::Draft;
use crate::custody::subject::{self, Item};
use crate::event::when::shown;
use crate::pb::{Qualification, QualificationKind, VehicleKind, VehicleRegistered};

/// The gravest of several, with how many there are beside it.
fn gravest(faults: Vec<Fault>) -> Option<Fault> {
    let more = faults.len().saturating_sub(1);
    let mut worst = faults.into_iter().min_by_key(|fault| !fault.proven)?;
    if more > 0 {
        worst.why = format!("{}, and {more} more", worst.why);
    }
    Some(worst)
}

fn registered(draft: &Draft<'_>, number: &str) -> Option<VehicleRegistered> {
    match draft.item(&subject::vehicle(number)).as_deref() {
        Some(Item::Vehicle(vehicle)) => vehicle.registered.clone(),
        _ => None,
    }
}

/// Whether it runs on rails: the road's operating certificate is none of its.
fn is_wagon(vehicle: &VehicleRegistered) -> bool {
    matches!(vehicle.kind(), VehicleKind::Wagon | VehicleKind::TankWagon)
}

fn has_tank(vehicle: &VehicleRegistered) -> bool {
    let kind = matches!(
        vehicle.kind(),
        VehicleKind::TankTruck
            | VehicleKind::TankTrailer
            | VehicleKind::TankWagon
            | VehicleKind::TankContainer
    );
    kind || !vehicle.tank.is_empty()
}

/// Of each, the operating certificate.
pub(super) fn certificate(draft: &Draft<'_>, vehicles: &[String], at_ms: i64) -> Option<Fault> {
    let fault = |number: &String| {
        let Some(vehicle) = registered(draft, number) else {
            return Some(Fault::unknown(format!("{number} is not registered")));
        };
        let until_ms = vehicle.certificate_until_ms;
        match until_ms {
            0 if is_wagon(&vehicle) => Some(Fault::unknown(format!(
                "no certificate of {number} is known"
            ))),
            0 => Some(Fault::known(format!("{number} has no certificate"))),
            _ if at_ms >= until_ms => Some(Fault::known(format!(
                "{number}'s certificate ended at {}",
                shown(until_ms)
            ))),
            _ => None,
        }
    };
    gravest(vehicles.iter().filter_map(fault).collect())
}

/// Of each that is registered with a tank, its inspection.
pub(super) fn inspection(draft: &Draft<'_>, vehicles: &[String], at_ms: i64) -> Option<Fault> {
    let fault = |number: &String| {
        let vehicle = registered(draft, number).filter(has_tank)?;
        match vehicle.inspection_until_ms {
            0 => Some(Fault::unknown(format!(
                "no inspection of {number}'s tank is known"
            ))),
            until_ms if at_ms >= until_ms => Some(Fault::known(format!(
                "the inspection of {number}'s tank ended at {}",
                shown(until_ms)
            ))),
            _ => None,
        }
    };
    gravest(vehicles.iter().filter_map(fault).collect())
}

/// Whether each form that goes in bulk is one that some tank among them may
/// hold; nothing where none of them is registered with a tank.
pub(super) fn media(draft: &Draft<'_>, vehicles: &[String], forms: &[&str]) -> Option<Fault> {
    let tanks: Vec<VehicleRegistered> = vehicles
        .iter()
        .filter_map(|number| registered(draft, number))
        .filter(has_tank)
        .collect();
    let tank = tanks.first()?;
    // A tank whose media are not listed may be the one that is meant.
    let listed = tanks.iter().all(|tank| !tank.media.is_empty());
    let fault = |form: &&str| {
        if tanks.iter().any(|t| t.media.iter().any(|m| m == form)) {
            return None;
        }
        let number = &tank.vehicle;
        Some(if listed {
            Fault::known(format!("{form} is not among what {number} may hold"))
        } else {
            Fault::unknown(format!("what {number} may hold is not known"))
        })
    };
    gravest(forms.iter().filter_map(fault).collect())
}

/// Whether one of them has a qualification that is valid. Where all that are
/// registered of the kind have ended or been withdrawn, that is known; who is
/// not registered, or without one, may have it on paper.
pub(super) fn qualification(
    draft: &Draft<'_>,
    persons: &[&Bytes],
    kind: QualificationKind,
    at_ms: i64,
) -> Option<Fault> {
    let held = |person: &&Bytes| match draft.item(&subject::person(person)).as_deref() {
        Some(Item::Person(state)) => state.registered.clone(),
        _ => None,
    };
    let of_kind: Vec<Qualification> = persons
        .iter()
        .filter_map(held)
        .flat_map(|person| person.qualifications)
        .filter(|q| q.kind() == kind)
        .collect();
    let valid = |q: &Qualification| !q.withdrawn && (q.from_ms..q.until_ms).contains(&at_ms);
    if of_kind.iter().any(valid) {
        return None;
    }
    let name = match kind {
        QualificationKind::Driver => "driver",
        _ => "escort",
    };
    let latest = of_kind.iter().max_by_key(|q| q.until_ms);
    Some(match latest {
        None => Fault::unknown(format!("no {name}'s qualification is registered")),
        Some(q) if q.withdrawn => Fault::known(format!("the {name}'s qualification was withdrawn")),
        Some(q) => Fault::known(format!(
            "the {name}'s qualification holds from {} until {}",
            shown(q.from_ms),
            shown(q.until_ms)
        )),
    })
}
