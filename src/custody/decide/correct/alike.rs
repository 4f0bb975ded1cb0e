//! What of an event a correction may change. What remains when that is
//! blanked makes it this event and no other. For a kind that cannot be
//! corrected: what to do instead.

use super::Recorded;
use crate::event::codes::Refused;
use crate::event::statement::{kind_name, kind_of};
use crate::pb::event::Body;
use crate::pb::{
    CustomsStatus, Event, EventKind, Goods, Incident, IncidentKind, NewLot, RefusalCode,
    Transformed, Wasted, filled, incident,
};

/// Refuses an event restated as another one.
pub(super) fn check(original: &Recorded, restated: &Event) -> Result<(), Refused> {
    let before = blanked(&original.event)?;
    let differs = || {
        Refused::new(RefusalCode::CannotCorrect, "restated")
            .detail("kind, lots, packages, label and form must be the original's")
    };
    match blanked(restated) {
        Ok(after) if after == before => Ok(()),
        _ => Err(differs()),
    }
}

/// What an event says, but for its numbers in other systems.
pub(super) fn words(event: &Event) -> Event {
    Event {
        external_refs: Vec::new(),
        ..event.clone()
    }
}

/// An event with everything blanked that a correction may change.
fn blanked(event: &Event) -> Result<Event, Refused> {
    let mut event = words(event);
    match &mut event.body {
        Some(Body::Produced(e)) => blank_lot(e.lot.as_mut()),
        Some(Body::Imported(e)) => {
            blank_lot(e.lot.as_mut());
            e.country.clear();
            blank_entry(e.customs_status(), &mut e.customs_entry);
        }
        Some(Body::Arrived(e)) => blank_lot(e.lot.as_mut()),
        Some(Body::Opened(e)) => {
            blank_lot(e.lot.as_mut());
            e.provenance.clear();
        }
        Some(Body::Moved(e)) => {
            blank_goods(e.goods.as_mut(), &mut [&mut e.from_place, &mut e.to_place]);
        }
        Some(Body::Counted(e)) => {
            e.loose_gross_mg = 0;
            e.loose_measure = None;
        }
        Some(Body::Used(e)) => {
            blank_goods(e.goods.as_mut(), &mut [&mut e.place]);
            e.purpose.clear();
        }
        Some(Body::Disposed(e)) => {
            blank_goods(e.goods.as_mut(), &mut [&mut e.place]);
            e.method.clear();
            e.certificate_hash.clear();
        }
        Some(Body::Exported(e)) => {
            blank_goods(e.goods.as_mut(), &mut [&mut e.place]);
            e.country.clear();
            blank_entry(e.customs_status(), &mut e.customs_entry);
        }
        Some(Body::Departed(e)) => blank_goods(e.goods.as_mut(), &mut [&mut e.place]),
        Some(Body::Incident(e)) => blank_incident(e),
        Some(Body::Accepted(e)) => {
            for line in &mut e.lines {
                line.accepted = None;
                line.check = None;
            }
        }
        Some(Body::Recovered(e)) => blank_goods(e.goods.as_mut(), &mut [&mut e.place]),
        Some(Body::Wasted(e)) => blank_waste(e),
        Some(Body::Sampled(e)) => {
            blank_goods(e.goods.as_mut(), &mut [&mut e.place]);
            e.purpose.clear();
        }
        Some(Body::Filled(e)) => {
            let mut nowhere = String::new();
            let place = match &mut e.from {
                Some(filled::From::Place(place)) => place,
                _ => &mut nowhere,
            };
            blank_goods(e.goods.as_mut(), &mut [place]);
        }
        Some(Body::Drawn(e)) => e.quantity = None,
        Some(Body::Transformed(e)) => blank_transformed(e),
        _ => return Err(instead(&event)),
    }
    Ok(event)
}

/// What customs have said of an entry they have said by its number.
fn blank_entry(status: CustomsStatus, entry: &mut String) {
    if status == CustomsStatus::Unspecified {
        entry.clear();
    }
}

fn blank_lot(lot: Option<&mut NewLot>) {
    if let Some(lot) = lot {
        *lot = NewLot {
            label: std::mem::take(&mut lot.label),
            form: std::mem::take(&mut lot.form),
            ..NewLot::default()
        };
    }
}

/// Packages, whole or in part, by themselves or in an outer packing.
fn has_packages(goods: &Goods) -> bool {
    !goods.serials.is_empty() || !goods.parts.is_empty() || !goods.outers.is_empty()
}

/// Loose mass may differ; the place too, but packages stay where they went.
fn blank_goods(goods: Option<&mut Goods>, places: &mut [&mut String]) {
    let Some(goods) = goods else { return };
    goods.loose = None;
    if !has_packages(goods) {
        for place in places {
            place.clear();
        }
    }
}

/// What was thought stolen may have been spilled.
fn blank_incident(e: &mut Incident) {
    let packages = e.goods.as_ref().is_some_and(has_packages);
    let mut nowhere = String::new();
    let place = match &mut e.at {
        Some(incident::At::Place(place)) => place,
        _ => &mut nowhere,
    };
    blank_goods(e.goods.as_mut(), &mut [place]);
    e.description.clear();
    if !packages {
        e.set_kind(IncidentKind::Unspecified);
    }
}

fn blank_waste(e: &mut Wasted) {
    blank_goods(e.goods.as_mut(), &mut [&mut e.place]);
    e.waste_code.clear();
}

/// The lots that went in and came out stay; what is beside them makes none.
fn blank_transformed(e: &mut Transformed) {
    for input in &mut e.inputs {
        blank_goods(input.goods.as_mut(), &mut [&mut input.place]);
    }
    e.outputs.iter_mut().for_each(|lot| blank_lot(Some(lot)));
    e.unregulated.clear();
    e.inert.clear();
    e.losses.clear();
    e.consumed.clear();
}

/// What to do about an event that cannot be corrected.
fn instead(event: &Event) -> Refused {
    let kind = kind_of(event);
    Refused::new(RefusalCode::CannotCorrect, "original").detail(format!(
        "{} cannot be corrected: {}",
        kind_name(kind),
        remedy(kind)
    ))
}

fn remedy(kind: EventKind) -> &'static str {
    use EventKind as K;
    match kind {
        K::Offered => "withdraw the offer and make another",
        K::Declined | K::Withdrawn => "the offer is closed; make another",
        K::Cleaned => "correct or count what came out of it",
        K::Assayed => "assay the lot again",
        K::Packed => "count the packages, or settle what differs",
        K::Repacked => "repack again, or count the packages",
        K::Aggregated => "close the outer packing again; it replaces",
        K::PackagingTreated => "count the empties",
        K::Confirmed => "it is the other side's word; what it confirms can be corrected",
        K::CustomsReported => "report to customs again; the latest holds",
        K::Succeeded
        | K::TakenOver
        | K::Seized
        | K::Sealed
        | K::Unsealed
        | K::Blacklisted
        | K::EmergencyOrdered
        | K::SafeReturnOrdered => "an order is followed by another order",
        K::FindingAnswered => "answer again; the latest holds",
        K::Inherited => "hand back what was not inherited",
        K::Relayed => "relay the consignment again",
        K::Reported => "report again",
        K::Traded => "trade the difference, naming the trade that it returns",
        K::Settled => "what has been settled is counted or recovered",
        K::PartyRegistered | K::SiteRegistered | K::PlaceRegistered | K::UnitRegistered => {
            "register again; it replaces"
        }
        K::KeyRegistered => "revoke the key and register another",
        K::KeyRevoked => "register another key",
        K::LedgerKeyRotated => "rotate the ledger's key again",
        K::Inspected | K::Rectified | K::Verified | K::LookedBack => "inspect again",
        K::Recalled | K::RecallAcknowledged => "a recall is ended, and begun again",
        _ => "it is the ledger's own word, or not live yet",
    }
}
