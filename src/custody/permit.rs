//! A permit's quantity: what handoffs and consignments have claimed of it, and
//! what has been drawn.

use super::apply::misplaced;
use super::lot::{Broken, broken};
use crate::pb::change::Change as C;
use crate::pb::{PermitClaim, PermitRegistered, PermitState};

/// Handoffs and consignments that may have a claim on one permit, at most.
pub const MAX_CLAIMS: usize = 64;

/// Trades whose returns are remembered on one permit, at most.
pub const MAX_RETURNED: usize = 256;

/// What is claimed by all of them, milligrams.
pub fn claimed(permit: &PermitState) -> i64 {
    let each = permit.claims.iter().map(|claim| claim.mg);
    each.fold(0, i64::saturating_add)
}

/// The claim of one of them, milligrams.
pub fn claim_of(permit: &PermitState, by: &[u8]) -> i64 {
    let mut claims = permit.claims.iter();
    claims.find(|c| c.by == by).map_or(0, |c| c.mg)
}

/// What returns of a trade may restore yet, milligrams, of what it drew.
pub fn restorable(permit: &PermitState, trade: &[u8], drawn_mg: i64) -> i64 {
    let mut known = permit.returned.iter();
    match known.find(|r| r.by == trade) {
        Some(before) => drawn_mg.saturating_sub(before.mg).max(0),
        None if permit.returned.len() >= MAX_RETURNED => 0,
        None => drawn_mg.max(0),
    }
}

/// What may still be claimed or drawn, milligrams; negative where more was
/// delivered than was granted. `None`: the permit sets no quantity.
pub fn remainder(permit: &PermitState) -> Option<i64> {
    let quantity = permit.registered.as_ref().map(quantity)?;
    (quantity > 0).then(|| {
        quantity
            .saturating_sub(permit.drawn_mg)
            .saturating_sub(claimed(permit))
    })
}

fn quantity(registered: &PermitRegistered) -> i64 {
    registered.quantity_mg
}

/// Applies a change to a permit.
pub(super) fn apply(permit: &mut PermitState, what: &C) -> Result<(), Broken> {
    match what {
        C::PermitReserved(claim) => reserve(permit, &claim.by, claim.mg),
        C::PermitDrawn(drawn) => {
            match permit.drawn_mg.checked_add(drawn.mg) {
                Some(mg) if mg >= 0 => permit.drawn_mg = mg,
                _ => return broken(8, "less drawn from a permit than nothing"),
            }
            if drawn.returned.is_empty() {
                return Ok(());
            }
            remember(permit, &drawn.returned, drawn.mg.saturating_neg())
        }
        _ => misplaced("a permit"),
    }
}

/// A return of a trade has restored so much more.
fn remember(permit: &mut PermitState, trade: &[u8], mg: i64) -> Result<(), Broken> {
    match permit
        .returned
        .binary_search_by(|r| r.by.as_ref().cmp(trade))
    {
        Ok(at) => {
            if let Some(known) = permit.returned.get_mut(at) {
                known.mg = known.mg.saturating_add(mg);
            }
        }
        Err(_) if permit.returned.len() >= MAX_RETURNED => {
            return broken(8, "more returned trades on a permit than it keeps");
        }
        Err(at) => {
            let by = bytes::Bytes::copy_from_slice(trade);
            permit.returned.insert(at, PermitClaim { by, mg });
        }
    }
    Ok(())
}

fn reserve(permit: &mut PermitState, by: &[u8], mg: i64) -> Result<(), Broken> {
    let place = permit.claims.binary_search_by(|c| c.by.as_ref().cmp(by));
    let before = match place {
        Ok(at) => permit.claims.get(at).map_or(0, |c| c.mg),
        Err(_) => 0,
    };
    let after = match before.checked_add(mg) {
        Some(after) if after >= 0 => after,
        _ => return broken(8, "a claim on a permit of less than nothing"),
    };
    match place {
        Ok(at) if after == 0 => {
            permit.claims.remove(at);
        }
        Ok(at) => {
            if let Some(claim) = permit.claims.get_mut(at) {
                claim.mg = after;
            }
        }
        Err(_) if after == 0 => {}
        Err(_) if permit.claims.len() >= MAX_CLAIMS => {
            return broken(8, "more claims on a permit than it keeps");
        }
        Err(at) => {
            let by = bytes::Bytes::copy_from_slice(by);
            permit.claims.insert(at, PermitClaim { by, mg: after });
        }
    }
    Ok(())
}
