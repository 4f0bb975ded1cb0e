//! Goods that their taker refused and that go on: back to who gave them, or to
//! another taker. The new offer names the one that it stands in for, so that
//! both are found from either. A consignment that begins anew names the offer
//! that the earlier one began with.

use super::returns;
use crate::custody::draft::Draft;
use crate::custody::subject::Seen;
use crate::custody::{ranges, subject, succession};
use crate::event::HandoffId;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, HandoffLine, HandoffReplaced, HandoffState, HandoffStatus, Offered,
    RefusalCode, SerialRange,
};

/// Offers that stand in for one, at most: what was refused can be parted.
const MAX_REPLACED: usize = 16;

/// The offer that one stands in for, if it names one and may.
pub(super) fn named(
    draft: &Draft<'_>,
    giver: &str,
    e: &Offered,
    from: &Account,
) -> Result<Option<(HandoffId, Seen<HandoffState>)>, Refused> {
    let known = returns::known(draft, e.instead_of.as_ref(), "instead_of")?;
    let Some((name, old)) = known else {
        return Ok(None);
    };
    let disagrees =
        |why: &str| Err(Refused::new(RefusalCode::InsteadDisagrees, "instead_of").detail(why));
    let was = old.offered.clone().unwrap_or_default();
    if matches!(old.status(), HandoffStatus::Open | HandoffStatus::Awaited) {
        return disagrees("it is still open");
    }
    if from.kind() == AccountKind::Aboard {
        if was.from.as_ref() != Some(from) {
            return disagrees("it was not of this consignment");
        }
        if old.status() == HandoffStatus::Withdrawn {
            return disagrees("it was withdrawn, not refused");
        }
    } else if e.carriage.is_none() || was.carriage.is_none() {
        return disagrees("a consignment stands in for a consignment");
    } else if !succession::acts_for(draft, giver, &was.giver) {
        return disagrees("it was another's");
    }
    if old.replaced_by.len() >= MAX_REPLACED {
        return disagrees("too many offers stand in for it");
    }
    Ok(Some((name, old)))
}

/// That it offers no other goods, and no more of them than were refused.
pub(super) fn check(
    old: &HandoffState,
    from: &Account,
    lines: &[HandoffLine],
) -> Result<(), Refused> {
    for (i, line) in lines.iter().enumerate() {
        let (loose, serials) = left(old, from, &line.lot);
        let more = ranges::minus(&line.serials, &serials);
        if line.loose_gross_mg > loose || !more.is_empty() {
            let why = format!(
                "line {i}: {} and packages {} were not taken",
                Mass::mg(loose),
                ranges::show(&serials)
            );
            return Err(Refused::new(RefusalCode::InsteadDisagrees, "instead_of").detail(why));
        }
    }
    Ok(())
}

/// What of a lot the earlier offer left where it was; of a whole consignment,
/// what it was to carry.
fn left(old: &HandoffState, from: &Account, lot: &[u8]) -> (i64, Vec<SerialRange>) {
    let lines = old.offered.iter().flat_map(|o| &o.lines);
    let of_lot = (0u32..).zip(lines).find(|(_, line)| line.lot == lot);
    let Some((index, line)) = of_lot else {
        return (0, Vec::new());
    };
    if from.kind() != AccountKind::Aboard || old.status() != HandoffStatus::Accepted {
        return (line.loose_gross_mg, line.serials.clone());
    }
    match old.taken.iter().find(|t| t.line == index) {
        Some(taken) => (
            line.loose_gross_mg.saturating_sub(taken.expected_gross_mg),
            ranges::minus(&line.serials, &taken.serials),
        ),
        None => (0, Vec::new()),
    }
}

/// Links the earlier offer to the one that stands in for it.
pub(super) fn link(draft: &mut Draft<'_>, old: HandoffId, new: HandoffId) -> Result<(), Refused> {
    let handoff = new.to_bytes();
    let replaced = C::Replaced(HandoffReplaced { handoff });
    draft.emit(&subject::handoff(old), replaced)
}
