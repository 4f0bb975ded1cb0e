//! Goods that go back: a handoff that names the one it takes back is between
//! the same two parties the other way round, and of no more than was handed
//! over and has not come back yet. What is taken back counts when it is taken.

use super::handoff_id;
use super::scales;
use super::takeover::{Sides, Taking};
use crate::custody::draft::Draft;
use crate::custody::subject::Seen;
use crate::custody::{ranges, subject};
use crate::event::HandoffId;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::pb::change::Change as C;
use crate::pb::{
    EventRef, FindingCode, HandoffLine, HandoffOffered, HandoffState, HandoffStatus, LineTaken,
    RefusalCode, Returned, SerialRange, Severity,
};

/// The handoff that an offer takes back, if it names one.
pub(super) fn named(
    draft: &Draft<'_>,
    returns: Option<&EventRef>,
) -> Result<Option<Seen<HandoffState>>, Refused> {
    Ok(known(draft, returns, "returns")?.map(|(_, back)| back))
}

/// The handoff behind a reference to its offer, if there is one.
pub(super) fn known(
    draft: &Draft<'_>,
    offer: Option<&EventRef>,
    field: &str,
) -> Result<Option<(HandoffId, Seen<HandoffState>)>, Refused> {
    let Some(offer) = offer else {
        return Ok(None);
    };
    let name = handoff_id(offer)
        .filter(|_| offer.event_digest.len() == 32)
        .ok_or_else(|| Refused::invalid(field, "party, UUIDv7, index and a 32-byte digest"))?;
    let known = draft.handoff(name).filter(|h| h.offered.is_some());
    let handoff = known.ok_or_else(|| Refused::new(RefusalCode::UnknownOffer, field))?;
    if handoff.offered.as_ref().and_then(|o| o.offer.as_ref()) != Some(offer) {
        let field = format!("{field}.event_digest");
        return Err(Refused::new(RefusalCode::EventDigestDiffers, field));
    }
    Ok(Some((name, handoff)))
}

/// Whether it can be taken back so.
pub(super) fn check(
    back: &HandoffState,
    giver: &str,
    taker: &str,
    lines: &[HandoffLine],
) -> Result<(), Refused> {
    let disagrees =
        |why: String| Err(Refused::new(RefusalCode::ReturnDisagrees, "returns").detail(why));
    if back.status() != HandoffStatus::Accepted {
        return disagrees(back.status().as_str_name().to_owned());
    }
    let was = back.offered.as_ref();
    if !was.is_some_and(|o| o.taker == giver && o.giver == taker) {
        return disagrees("it was between other parties, or the same way".into());
    }
    for (i, line) in lines.iter().enumerate() {
        let (loose, serials) = left(back, &line.lot);
        let more = ranges::minus(&line.serials, &serials);
        if line.loose_gross_mg > loose || !more.is_empty() {
            return disagrees(format!(
                "line {i}: {} and packages {} can still come back",
                Mass::mg(loose),
                ranges::show(&serials)
            ));
        }
    }
    Ok(())
}

/// What was handed over of a lot and has not come back.
fn left(back: &HandoffState, lot: &[u8]) -> (i64, Vec<SerialRange>) {
    let lines = back.offered.iter().flat_map(|o| &o.lines);
    let of_lot = (0u32..).zip(lines).find(|(_, line)| line.lot == lot);
    let Some((index, line)) = of_lot else {
        return (0, Vec::new());
    };
    let taken = back.taken.iter().find(|t| t.line == index);
    let (loose, serials) = match taken {
        Some(taken) => (taken.loose_gross_mg, &taken.serials),
        None => (line.loose_gross_mg, &line.serials),
    };
    match back.returned.iter().find(|l| l.lot == lot) {
        Some(before) => (
            loose.saturating_sub(before.loose_gross_mg),
            ranges::minus(serials, &before.serials),
        ),
        None => (loose, serials.clone()),
    }
}

/// Notes what was taken of a line where it is not what was offered, or an
/// instrument measured it; and with
/// the handoff that it takes back, what has come back. More than was handed
/// over, by two offers at a time, is a finding.
pub(super) fn note(
    draft: &mut Draft<'_>,
    taking: &Taking<'_>,
    offered: &HandoffOffered,
    sides: &Sides<'_>,
) -> Result<(), Refused> {
    let (loose, serials) = (sides.accepted, &sides.said.accepted_serials);
    let instrument = scales::instrument(&sides.said);
    let as_offered = loose == sides.offered.loose_gross_mg && *serials == sides.offered.serials;
    if !as_offered || !instrument.is_empty() {
        let taken = LineTaken {
            line: sides.index,
            loose_gross_mg: loose,
            serials: serials.clone(),
            expected_gross_mg: sides.offered.loose_gross_mg - sides.refused - sides.still_aboard,
            instrument,
        };
        draft.emit(&subject::handoff(taking.name), C::LineTaken(taken))?;
    }
    let Some(name) = offered.returns.as_deref().and_then(handoff_id) else {
        return Ok(());
    };
    if loose == 0 && serials.is_empty() {
        return Ok(());
    }
    let back = draft.handoff(name).unwrap_or_default();
    let (loose_left, serials_left) = left(&back, &sides.offered.lot);
    let handoff = subject::handoff(name);
    let returned = Returned {
        handoff: taking.name.to_bytes(),
        lot: sides.offered.lot.clone(),
        loose_gross_mg: loose,
        serials: serials.clone(),
    };
    draft.emit(&handoff, C::Returned(returned))?;
    if loose > loose_left || !ranges::minus(serials, &serials_left).is_empty() {
        let detail = format!(
            "{} have come back, {} were out",
            Mass::mg(loose),
            Mass::mg(loose_left)
        );
        let code = FindingCode::ReturnExceeds;
        draft.find(
            code,
            Severity::Warning,
            &handoff,
            &offered.giver,
            taking.deadline_ms,
            detail,
        );
    }
    Ok(())
}
