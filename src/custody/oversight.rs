//! What enforcement leaves on the items that it names, and how the fold puts
//! it there: seals and recalls. Nothing is decided here; what a mark stops or finds is in
//! `decide/oversight`.

use super::apply::misplaced;
use super::lot::Broken;
use super::subject::Item;
use crate::pb::change::Change as C;
use crate::pb::{LotState, PartyState, PlaceState, RecallState, Seal};

/// Seals that one subject may have at a time, at most.
pub const MAX_SEALS: usize = 8;

/// Recalls that one lot may have come under, at most.
pub const MAX_RECALLS: usize = 16;

/// Whether a change is an authority's mark: the matter itself does not change
/// by it.
pub(super) fn is_mark(what: &C) -> bool {
    matches!(what, C::Seal(_) | C::SealLifted(_) | C::RecallMark(_))
}

/// A mark on a lot.
pub(super) fn to_lot(lot: &mut LotState, what: &C) -> Result<(), Broken> {
    match what {
        C::RecallMark(mark) => {
            lot.recalls.retain(|id| *id != mark.recall);
            lot.recalls.push(mark.recall.clone());
            lot.recalls.sort_unstable();
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
        _ => return None,
    })
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

/// A mark on a party.
pub(super) fn to_party(party: &mut PartyState, what: &C) -> Result<(), Broken> {
    seal_or_lift(&mut party.seals, what, "a party")
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
