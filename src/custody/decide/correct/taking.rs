//! Acceptances restated: what was measured of a loose line was another mass.
//! What left the giver stays as it was; what arrived, and what is between
//! scale and dispute, is worked out again. Both sides sign, or an authority.

use super::flow::{self, Flow};
use super::{Books, Case, Recorded, original, overflow};
use crate::custody::account;
use crate::custody::decide::takeover::shape::{check_shape, mass};
use crate::custody::decide::takeover::within_scales;
use crate::custody::decide::{handoff_id, scales};
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, DisputeId, HandoffId, LotId};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Accepted, AcceptedLine, Account, Event, HandoffLine, HandoffOffered, HandoffStatus, LineTaken,
    RefusalCode, Returned,
};

/// The handoff that an acceptance closed, and its offer as it was taken.
pub(super) fn handoff(
    draft: &Draft<'_>,
    original: &Recorded,
) -> Option<(HandoffId, HandoffOffered)> {
    let Some(Body::Accepted(e)) = &original.event.body else {
        return None;
    };
    let name = handoff_id(e.offer.as_ref()?)?;
    let offered = draft.handoff(name)?.offered.clone()?;
    Some((name, offered))
}

/// Whether the event itself took the goods over: one that waited for its offer
/// is booked with the offer, or never was.
pub(super) fn took(original: &Recorded) -> bool {
    original.changes.iter().any(|(_, change)| {
        matches!(&change.change, Some(C::HandoffClosed(c)) if c.status() == HandoffStatus::Accepted)
    })
}

/// The lots of an acceptance's lines of loose matter, in order.
pub(super) fn lots(draft: &Draft<'_>, original: &Recorded) -> Result<Vec<LotId>, Refused> {
    let offered = handoff(draft, original).filter(|_| took(original));
    let (_, offered) = offered.ok_or_else(|| {
        Refused::new(RefusalCode::CannotCorrect, "original")
            .detail("it was booked with its offer; settle what differs")
    })?;
    Ok(loose_lines(&offered).map(|(_, lot, _)| lot).collect())
}

fn loose_lines(offered: &HandoffOffered) -> impl Iterator<Item = (u32, LotId, &HandoffLine)> {
    let lines = (0u32..).zip(&offered.lines);
    lines
        .filter(|(_, line)| line.serials.is_empty())
        .filter_map(|(index, line)| Some((index, LotId::from_slice(&line.lot)?, line)))
}

/// The acceptance with other masses, line by line.
pub(super) fn accepted(
    draft: &Draft<'_>,
    case: &Case<'_>,
    original: &Recorded,
    was: &Accepted,
    e: &Accepted,
) -> Result<Vec<Flow>, Refused> {
    check_shape(e)?;
    let (name, offered) = handoff(draft, original)
        .ok_or_else(|| Refused::new(RefusalCode::CannotCorrect, "original"))?;
    let packages = |line: u32| {
        let at = usize::try_from(line).unwrap_or(usize::MAX);
        let line = offered.lines.get(at);
        line.is_some_and(|line| !line.serials.is_empty())
    };
    for (i, (first, now)) in was.lines.iter().zip(&e.lines).enumerate() {
        let within = |r: Refused| r.within(&format!("lines[{i}]"));
        let differs = accepted_mass(Some(first))? != accepted_mass(Some(now)).map_err(within)?;
        if differs && packages(now.line) {
            return Err(within(
                Refused::new(RefusalCode::CannotCorrect, "accepted")
                    .detail("packages are in this line; settle what differs"),
            ));
        }
    }
    let measured =
        |e: &Accepted, index: u32| accepted_mass(e.lines.iter().find(|l| l.line == index));
    let from = offered.from.clone().unwrap_or_default();
    let to = place_of(name, &offered, e);
    let mut flows = Vec::new();
    for (index, lot, line) in loose_lines(&offered) {
        let recorded = flow::recorded(original, lot);
        let (first, now) = (measured(was, index)?, measured(e, index)?);
        let books = if first == now {
            recorded
        } else {
            let ppm = draft.lot(lot).unwrap_or_default().content_ppm;
            let (leaves, arrives) = sides(&recorded, &from, now, ppm)?;
            let left = leaves.minus(arrives).map_err(overflow)?;
            let scales = case.rules.measure_tolerance_ppm;
            let between = if within_scales(line, scales, left.gross, now) {
                account::measure_difference(name)
            } else {
                account::disputed(DisputeId(original::name(original, index)?))
            };
            let mut books = Books::from([
                (from.clone(), leaves.negated().map_err(overflow)?),
                (to.clone(), arrives),
                (between, left),
            ]);
            books.retain(|_, amount| !amount.is_zero());
            books
        };
        flows.push(Flow::of(lot, books));
    }
    Ok(flows)
}

/// By how much a correction changes what was taken of each lot.
pub(super) fn delivered(
    original: &Recorded,
    handoff: Option<&(HandoffId, HandoffOffered)>,
    flows: &[Flow],
    nets: &[Books],
) -> Vec<(LotId, Amount)> {
    let (Some(Body::Accepted(e)), Some((name, offered))) = (&original.event.body, handoff) else {
        return Vec::new();
    };
    let to = place_of(*name, offered, e);
    let lots = flows.iter().map(|flow| flow.lot).zip(nets);
    lots.filter_map(|(lot, net)| Some((lot, *net.get(&to)?)))
        .collect()
}

/// Where an acceptance took the goods to.
fn place_of(name: HandoffId, offered: &HandoffOffered, e: &Accepted) -> Account {
    match &offered.carriage {
        Some(_) => account::aboard(ConsignmentId(name.0)),
        None => account::held(&offered.taker, &e.place),
    }
}

/// What is said to have been taken of a line; left out: nothing.
fn accepted_mass(line: Option<&AcceptedLine>) -> Result<i64, Refused> {
    mass(line.and_then(|l| l.accepted.as_ref()), "accepted")
}

/// What left the giver, as it was; and what arrived, with content in
/// proportion to it.
fn sides(
    recorded: &Books,
    from: &Account,
    measured: i64,
    ppm: u32,
) -> Result<(Amount, Amount), Refused> {
    let leaves = recorded.get(from).copied().unwrap_or_default();
    let leaves = leaves.negated().map_err(overflow)?;
    let contained = match leaves.gross {
        0 => Mass::mg(measured).contained(ppm),
        gross => Mass::mg(leaves.contained).share(measured, gross),
    };
    let arrives = Amount {
        gross: measured,
        contained: contained.unwrap_or_default().as_mg(),
    };
    Ok((leaves, arrives))
}

/// What was taken of each line, as restated: what goes back is counted against
/// it; and if it takes another handoff back itself, what has gone back of that.
pub(super) fn tell(
    draft: &mut Draft<'_>,
    original: &Recorded,
    restated: &Event,
) -> Result<(), Refused> {
    let (Some(Body::Accepted(was)), Some(Body::Accepted(e))) =
        (&original.event.body, &restated.body)
    else {
        return Ok(());
    };
    let Some((name, offered)) = handoff(draft, original) else {
        return Ok(());
    };
    let before = draft.handoff(name).unwrap_or_default();
    for said in &e.lines {
        let index = usize::try_from(said.line).unwrap_or(usize::MAX);
        let Some(line) = offered.lines.get(index) else {
            continue;
        };
        let first = was.lines.iter().find(|l| l.line == said.line);
        let known = before.taken.iter().find(|t| t.line == said.line);
        let before = match known {
            Some(taken) => taken.loose_gross_mg,
            None => accepted_mass(first)?,
        };
        let now = accepted_mass(Some(said))?;
        if before == now {
            continue;
        }
        let taken = LineTaken {
            line: said.line,
            loose_gross_mg: now,
            serials: said.accepted_serials.clone(),
            expected_gross_mg: line
                .loose_gross_mg
                .saturating_sub(mass(said.refused.as_ref(), "refused")?)
                .saturating_sub(mass(said.still_aboard.as_ref(), "still_aboard")?),
            instrument: scales::instrument(said),
        };
        draft.emit(&subject::handoff(name), C::LineTaken(taken))?;
        if let Some(back) = offered.returns.as_deref().and_then(handoff_id) {
            let returned = Returned {
                handoff: name.to_bytes(),
                lot: line.lot.clone(),
                loose_gross_mg: now.saturating_sub(before),
                serials: Vec::new(),
            };
            draft.emit(&subject::handoff(back), C::Returned(returned))?;
        }
    }
    Ok(())
}
