//! What enforcement leaves on the items that it names, and how the fold puts
//! it there: seals, recalls, listings, orders and dangers. Nothing is decided
//! here; what a mark stops or finds is in `decide/oversight`.

use bytes::Bytes;

use super::apply::misplaced;
use super::lot::Broken;
use super::subject::Item;
use crate::pb::change::Change as C;
use crate::pb::{
    ConsignmentState, DangerNote, DangerState, DangerStatus, LotState, OrderMark, PartyState,
    PlaceState, RecallState, Seal, VehicleState,
};

/// Seals that one subject may have at a time, at most.
pub const MAX_SEALS: usize = 8;

/// Orders that one subject may be named by, at most.
pub const MAX_ORDERS: usize = 8;

/// Failed items that are remembered of a party, at most.
pub const MAX_NOTES: usize = 128;

/// How long a failed item is remembered, milliseconds: 365 days.
pub const YEAR_MS: i64 = 365 * 24 * 60 * 60 * 1_000;

/// Recalls that one lot may carry the marks of, at most; those of ended ones make
/// room for others.
pub const MAX_RECALLS: usize = 16;

/// Whether a change is an authority's mark: the matter itself does not change
/// by it.
pub(super) fn is_mark(what: &C) -> bool {
    matches!(
        what,
        C::Seal(_) | C::SealLifted(_) | C::RecallMark(_) | C::OrderMark(_)
    )
}

/// A mark on a lot.
pub(super) fn to_lot(lot: &mut LotState, what: &C) -> Result<(), Broken> {
    match what {
        C::RecallMark(mark) => {
            let goes = |id: &Bytes| *id == mark.recall || *id == mark.instead_of;
            lot.recalls.retain(|id| !goes(id));
            lot.recalls.push(mark.recall.clone());
            lot.recalls.sort_unstable();
            Ok(())
        }
        C::OrderMark(mark) => {
            order(&mut lot.orders, mark);
            Ok(())
        }
        _ => seal_or_lift(&mut lot.seals, what, "a lot"),
    }
}

/// The item that a first change creates, if it is one of enforcement.
pub(super) fn birth(what: &C) -> Option<Item> {
    Some(match what {
        C::RecallBegun(begun) => Item::Recall(RecallState {
            begun: Some(begun.clone()),
            ..RecallState::default()
        }),
        C::DangerOpened(opened) => Item::Danger(DangerState {
            status: DangerStatus::Open.into(),
            due_ms: opened.due_ms,
            since_ms: opened.since_ms,
            opened: Some(opened.clone()),
            ..DangerState::default()
        }),
        _ => return None,
    })
}

/// Remembers a failed item with the latest time, a year back at most; beyond
/// what is kept, the one longest ago makes room.
fn note(notes: &mut Vec<DangerNote>, failed: &DangerNote) {
    let since = failed.at_ms.saturating_sub(YEAR_MS);
    notes.retain(|n| n.item == failed.item || n.at_ms > since);
    match notes.iter_mut().find(|n| n.item == failed.item) {
        Some(known) => known.at_ms = known.at_ms.max(failed.at_ms),
        None => notes.push(failed.clone()),
    }
    if notes.len() > MAX_NOTES {
        let first = notes.iter().map(|n| n.at_ms).min();
        let at = notes.iter().position(|n| Some(n.at_ms) == first);
        at.map(|at| notes.remove(at));
    }
    notes.sort_by(|a, b| a.item.cmp(&b.item));
}

/// A danger's own course.
pub(super) fn to_danger(danger: &mut DangerState, what: &C) -> Result<(), Broken> {
    match what {
        C::DangerOpened(_) => {}
        C::DangerMoved(moved) => {
            danger.status = moved.status;
            danger.since_ms = moved.at_ms;
            if moved.due_ms != 0 {
                danger.due_ms = moved.due_ms;
            }
        }
        _ => return misplaced("a danger"),
    }
    Ok(())
}

/// A recall's own course.
pub(super) fn to_recall(recall: &mut RecallState, what: &C) -> Result<(), Broken> {
    match what {
        C::RecallBegun(_) => {}
        C::RecallAcked(acked) => recall.acknowledged.push(acked.clone()),
        C::RecallEnded(_) => recall.ended = true,
        _ => return misplaced("a recall"),
    }
    Ok(())
}

/// A mark on a place.
pub(super) fn to_place(place: &mut PlaceState, what: &C) -> Result<(), Broken> {
    seal_or_lift(&mut place.seals, what, "a place")
}

/// A mark on a vehicle.
pub(super) fn to_vehicle(vehicle: &mut VehicleState, what: &C) -> Result<(), Broken> {
    seal_or_lift(&mut vehicle.seals, what, "a vehicle")
}

/// A mark on a party.
pub(super) fn to_party(party: &mut PartyState, what: &C) -> Result<(), Broken> {
    match what {
        C::Blacklisting(listing) => {
            party.blacklist = (!listing.order.is_empty()).then(|| listing.clone());
            Ok(())
        }
        C::OrderMark(mark) => {
            order(&mut party.orders, mark);
            Ok(())
        }
        C::DangerNote(failed) => {
            note(&mut party.dangers, failed);
            Ok(())
        }
        _ => seal_or_lift(&mut party.seals, what, "a party"),
    }
}

/// A mark on a consignment.
pub(super) fn to_consignment(consignment: &mut ConsignmentState, what: &C) -> Result<(), Broken> {
    match what {
        C::OrderMark(mark) => {
            order(&mut consignment.orders, mark);
            Ok(())
        }
        _ => misplaced("a consignment"),
    }
}

/// Puts an order's mark among the others; beyond what is kept, the one that
/// ends first makes room.
fn order(marks: &mut Vec<OrderMark>, mark: &OrderMark) {
    marks.retain(|m| m.order != mark.order);
    if marks.len() >= MAX_ORDERS {
        let first = marks.iter().map(|m| m.until_ms).min();
        let at = marks.iter().position(|m| Some(m.until_ms) == first);
        at.map(|at| marks.remove(at));
    }
    marks.push(mark.clone());
    marks.sort_by(|a, b| a.order.cmp(&b.order));
}

fn seal_or_lift(seals: &mut Vec<Seal>, what: &C, where_to: &str) -> Result<(), Broken> {
    match what {
        C::Seal(seal) => {
            seals.retain(|s| s.order != seal.order);
            seals.push(seal.clone());
            seals.sort_by(|a, b| a.order.cmp(&b.order));
            Ok(())
        }
        C::SealLifted(lifted) => {
            seals.retain(|s| s.order != lifted.order);
            Ok(())
        }
        _ => misplaced(where_to),
    }
}
