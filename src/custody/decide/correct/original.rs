//! The event that is corrected, and the lots that it is about.

use super::{Case, Recorded, taking, vessel};
use crate::custody::draft::Draft;
use crate::event::codes::Refused;
use crate::event::ids::derived;
use crate::event::{LotId, StatementId};
use crate::pb::event::Body;
use crate::pb::{Event, EventRef, RefusalCode};

/// Corrections of corrections that are followed, at most.
const MAX_DEPTH: usize = 8;

/// The event that is corrected, through corrections of it to itself; and what
/// the event that was named says, a correction by what it restates.
pub(super) fn find(
    case: &Case<'_>,
    reference: Option<&EventRef>,
) -> Result<(Recorded, Event), Refused> {
    let mut reference = reference
        .cloned()
        .ok_or_else(|| Refused::missing("original"))?;
    let mut latest = None;
    for _ in 0..MAX_DEPTH {
        let recorded = (case.context.recorded)(&reference)
            .ok_or_else(|| Refused::new(RefusalCode::UnknownEvent, "original"))?;
        let index = usize::try_from(recorded.event_index).unwrap_or(usize::MAX);
        if recorded.payload.event_digests.get(index) != Some(&reference.event_digest) {
            return Err(Refused::new(
                RefusalCode::EventDigestDiffers,
                "original.event_digest",
            ));
        }
        let Some(Body::Corrected(e)) = &recorded.event.body else {
            let latest = latest.unwrap_or_else(|| recorded.event.clone());
            return Ok((recorded, latest));
        };
        reference = e
            .original
            .clone()
            .ok_or_else(|| Refused::missing("original"))?;
        latest = latest.or_else(|| e.restated.as_deref().cloned());
    }
    Err(Refused::new(RefusalCode::CannotCorrect, "original")
        .detail(format!("more than {MAX_DEPTH} corrections deep")))
}

/// What an event's `line` made is named after it.
pub(super) fn name(original: &Recorded, line: u32) -> Result<[u8; 16], Refused> {
    let id = StatementId::parse(&original.payload.id)
        .ok_or_else(|| Refused::new(RefusalCode::UnknownEvent, "original"))?;
    let party = &original.payload.party;
    Ok(derived(party, id, original.event_index, line))
}

/// The lots that an event took from or made, those it took from first.
pub(super) fn lots(draft: &Draft<'_>, original: &Recorded) -> Result<Vec<LotId>, Refused> {
    let unknown = || Refused::new(RefusalCode::CannotCorrect, "original");
    let named = |lot: &[u8]| LotId::from_slice(lot).ok_or_else(unknown);
    let goods = match &original.event.body {
        Some(Body::Produced(_) | Body::Imported(_) | Body::Opened(_) | Body::Arrived(_)) => {
            return Ok(vec![LotId(name(original, 0)?)]);
        }
        Some(Body::Accepted(_)) => return taking::lots(draft, original),
        Some(Body::Counted(e)) => return Ok(vec![named(&e.lot)?]),
        Some(Body::Transformed(e)) => {
            let inputs = e.inputs.iter().filter_map(|i| i.goods.as_ref());
            let mut lots: Vec<LotId> = inputs.map(|g| named(&g.lot)).collect::<Result<_, _>>()?;
            for (line, _) in (0u32..).zip(&e.outputs) {
                lots.push(LotId(name(original, line)?));
            }
            return Ok(lots);
        }
        Some(Body::Wasted(e)) => {
            let goods = e.goods.as_ref().ok_or_else(unknown)?;
            return Ok(vec![named(&goods.lot)?, LotId(name(original, 0)?)]);
        }
        Some(Body::Sampled(e)) => {
            let goods = e.goods.as_ref().ok_or_else(unknown)?;
            return Ok(vec![named(&goods.lot)?, LotId(name(original, 0)?)]);
        }
        Some(Body::Filled(e)) => {
            let source = named(&e.goods.as_ref().ok_or_else(unknown)?.lot)?;
            let running = vessel::poured_into(original, source);
            if running.is_some_and(|running| vessel::began_with_heel(original, source, running)) {
                return Err(unknown().detail(
                    "it began a new running lot with what was there; draw the difference, or \
                     count the vessel",
                ));
            }
            return Ok(std::iter::once(source).chain(running).collect());
        }
        Some(Body::Drawn(_)) => {
            let child = LotId(name(original, 0)?);
            let running = vessel::drawn_from(draft, child).ok_or_else(unknown)?;
            return Ok(vec![running, child]);
        }
        Some(Body::Departed(e)) => e.goods.as_ref(),
        Some(Body::Moved(e)) => e.goods.as_ref(),
        Some(Body::Used(e)) => e.goods.as_ref(),
        Some(Body::Disposed(e)) => e.goods.as_ref(),
        Some(Body::Exported(e)) => e.goods.as_ref(),
        Some(Body::Incident(e)) => e.goods.as_ref(),
        Some(Body::Recovered(e)) => e.goods.as_ref(),
        _ => None,
    };
    Ok(vec![named(&goods.ok_or_else(unknown)?.lot)?])
}
