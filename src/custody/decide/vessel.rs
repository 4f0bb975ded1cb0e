//! Vessels: filled, drawn from, cleaned. A vessel holds one running lot, well
//! mixed: what is poured in becomes a part of it, what is drawn is a new lot
//! made of the same parts. Other events may end matter in a vessel (used,
//! lost), but what goes on from it is drawn first.

mod clean;
mod draw;
mod fill;

use super::Case;
use super::carriage;
use super::goods::{self, Portion, overflow};
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::subject::Seen;
use crate::custody::{account, blend, subject};
use crate::event::codes::Refused;
use crate::event::mass::{Mass, PPM};
use crate::event::{ConsignmentId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, ConsignmentLoad, ContributedTo, LotState, Parent, PlaceState, RefusalCode,
    RunningEnded, RunningIn, VesselContents, VesselKind,
};

pub(super) use clean::cleaned;
pub(super) use draw::{drawn, keep_heels};
pub(super) use fill::{filled, set_content};

/// A vessel of the acting party.
struct Vessel {
    place: String,
    state: Seen<PlaceState>,
    running: Option<LotId>,
    /// Where its running lot stands: in it, or aboard with it.
    at: Account,
}

fn own_vessel(draft: &Draft<'_>, party: &str, place: &str, field: &str) -> Result<Vessel, Refused> {
    goods::own_place(draft, party, place, field)?;
    let state = draft.place(party, place).unwrap_or_default();
    let registered = state.registered.as_ref();
    if registered.is_none_or(|r| r.vessel() == VesselKind::Unspecified) {
        return Err(Refused::new(RefusalCode::NoVessel, field)
            .detail(format!("{place} is registered as no vessel")));
    }
    let at = stands(party, place, &state);
    Ok(Vessel {
        place: place.to_owned(),
        running: LotId::from_slice(&state.running),
        state,
        at,
    })
}

/// Where a vessel's running lot stands: in it, or aboard with it.
fn stands(party: &str, place: &str, state: &PlaceState) -> Account {
    match ConsignmentId::from_slice(&state.consignment) {
        Some(id) => account::aboard(id),
        None => account::held(party, place),
    }
}

/// What runs aboard is the carrier's to mix and draw from, who need not be the
/// vessel's owner any more.
fn check_carried(draft: &Draft<'_>, case: &Case<'_>, vessel: &Vessel) -> Result<(), Refused> {
    match ConsignmentId::from_slice(&vessel.at.id) {
        Some(id) => carriage::carried(draft, &id.0, case.party()).map(drop),
        None => Ok(()),
    }
}

/// Matter of a vessel is drawn before it goes on.
pub(super) fn draw_first(state: &LotState, field: &str) -> Result<(), Refused> {
    match &state.running_in {
        Some(vessel) => Err(Refused::new(RefusalCode::DrawFirst, field)
            .detail(format!("it is what {} holds", vessel.place))),
        None => Ok(()),
    }
}

/// Says in a lot's chain what it gave to another, and of a running lot what
/// that was made of.
fn give(
    draft: &mut Draft<'_>,
    from: LotId,
    to: LotId,
    total: Amount,
    of: Vec<Parent>,
) -> Result<(), Refused> {
    draft.emit(
        &subject::lot(from),
        C::ContributedTo(ContributedTo {
            lot: to.to_bytes(),
            gross_mg: total.gross,
            contained_mg: total.contained,
            of,
        }),
    )
}

/// What a child of `total` of a lot names as its parents, and (of a running
/// lot) what the lot says of them in its own chain.
pub(super) fn parents(
    state: &LotState,
    id: LotId,
    total: Amount,
) -> Result<(Vec<Parent>, Vec<Parent>), Refused> {
    if state.blend.is_empty() {
        let whole = Parent {
            lot: id.to_bytes(),
            gross_mg: total.gross,
            contained_mg: total.contained,
        };
        return Ok((vec![whole], Vec::new()));
    }
    let parts = blend::portion(&state.blend, total).map_err(overflow)?;
    Ok((parts.clone(), parts))
}

/// Content in parts per million, rounded down; of remainders of a few
/// milligrams it may come to more than one whole, which it is not.
fn content_of(amount: Amount) -> u32 {
    Mass::mg(amount.contained)
        .share(i64::from(PPM), amount.gross)
        .and_then(|ppm| u32::try_from(ppm.as_mg()).ok())
        .unwrap_or_default()
        .min(PPM)
}

fn load(draft: &mut Draft<'_>, id: ConsignmentId, lot: LotId) -> Result<(), Refused> {
    let state = draft.consignment(id).unwrap_or_default();
    if state.lots.contains(&lot.to_bytes()) {
        return Ok(());
    }
    let load = ConsignmentLoad {
        lot: lot.to_bytes(),
        aboard: true,
    };
    draft.emit(&subject::consignment(id), C::Load(load))
}

fn end_running(draft: &mut Draft<'_>, running: LotId) -> Result<(), Refused> {
    draft.emit(&subject::lot(running), C::RunningEnded(RunningEnded {}))
}

/// The vessel holds this from now on, standing.
fn hold(
    draft: &mut Draft<'_>,
    party: &str,
    place: &str,
    running: Option<LotId>,
    uncleaned: bool,
) -> Result<(), Refused> {
    draft.emit(
        &subject::place(party, place),
        C::VesselContents(VesselContents {
            running: running.map(LotId::to_bytes).unwrap_or_default(),
            uncleaned,
            ..VesselContents::default()
        }),
    )
}

/// A running lot changes hands with its vessel: all that is in it, into a
/// vessel of the new holder's that holds nothing else. Of lots that run in no
/// vessel nothing is asked.
pub(super) fn change_hands(
    draft: &mut Draft<'_>,
    portion: &Portion,
    from: &Account,
    party: &str,
    to_place: &str,
) -> Result<(), Refused> {
    let state = draft.lot(portion.lot).unwrap_or_default();
    let Some(before) = state.running_in.clone() else {
        return Ok(());
    };
    let place = draft
        .place(&before.party, &before.place)
        .unwrap_or_default();
    let standing = *from == stands(&before.party, &before.place, &place);
    if !standing || portion.loose != lot::loose(&state, from).map_err(overflow)? {
        return draw_first(&state, "lot");
    }
    let vessel = own_vessel(draft, party, to_place, "to_place")?;
    let form = lot::form(&state).to_owned();
    let last = vessel.state.contents.first();
    if vessel.running.is_some() || (vessel.state.uncleaned && last != Some(&form)) {
        return Err(Refused::new(RefusalCode::VesselInUse, "to_place"));
    }
    hold(draft, &before.party, &before.place, None, true)?;
    draft.emit(
        &subject::lot(portion.lot),
        C::RunningIn(RunningIn {
            party: party.to_owned(),
            place: to_place.to_owned(),
        }),
    )?;
    let news = last != Some(&form);
    draft.emit(
        &subject::place(party, to_place),
        C::VesselContents(VesselContents {
            running: portion.lot.to_bytes(),
            form: if news { form } else { String::new() },
            uncleaned: true,
            ..VesselContents::default()
        }),
    )
}

/// After an event: the parts of each running lot sum to what stands in
/// holdings. What an event took without naming parts was well mixed.
pub(super) fn settle_blends(draft: &mut Draft<'_>) -> Result<(), Refused> {
    for running in draft.running() {
        let state = draft.lot(running).unwrap_or_default();
        let now = lot::held_in_all(&state).map_err(overflow)?;
        end_if_empty(draft, running, &state, now)?;
        if let Some(change) = blend::adjusted(&state.blend, now).map_err(overflow)? {
            draft.emit(&subject::lot(running), C::Blended(change))?;
        }
    }
    Ok(())
}

/// A running lot of which nothing is left runs no longer: its vessel is empty,
/// and uncleaned.
fn end_if_empty(
    draft: &mut Draft<'_>,
    running: LotId,
    state: &LotState,
    now: Amount,
) -> Result<(), Refused> {
    match &state.running_in {
        Some(vessel) if now.is_zero() => {
            end_running(draft, running)?;
            hold(draft, &vessel.party, &vessel.place, None, true)
        }
        _ => Ok(()),
    }
}
