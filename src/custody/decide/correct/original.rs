//! The event that is corrected, and what of it a correction may change.

use super::{Case, Recorded};
use crate::event::codes::Refused;
use crate::event::ids::derived;
use crate::event::{LotId, StatementId};
use crate::pb::event::Body;
use crate::pb::{Event, EventRef, Goods, NewLot, RefusalCode};

/// Corrections of corrections that are followed, at most.
const MAX_DEPTH: usize = 8;

/// The event that is corrected: through corrections of it, to itself.
pub(super) fn find(case: &Case<'_>, reference: Option<&EventRef>) -> Result<Recorded, Refused> {
    let mut reference = reference
        .cloned()
        .ok_or_else(|| Refused::missing("original"))?;
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
        match &recorded.event.body {
            Some(Body::Corrected(e)) => {
                reference = e
                    .original
                    .clone()
                    .ok_or_else(|| Refused::missing("original"))?;
            }
            _ => return Ok(recorded),
        }
    }
    Err(Refused::new(RefusalCode::CannotCorrect, "original")
        .detail(format!("more than {MAX_DEPTH} corrections deep")))
}

pub(super) fn cannot(event: &Event) -> Refused {
    let kind = crate::event::statement::kind_of(event);
    Refused::new(RefusalCode::CannotCorrect, "restated").detail(format!(
        "{} events",
        crate::event::statement::kind_name(kind)
    ))
}

/// An event with everything blanked that a correction may change.
pub(super) fn like(event: &Event) -> Result<Event, Refused> {
    let mut event = event.clone();
    event.external_refs.clear();
    let blank_lot = |lot: &mut Option<NewLot>| {
        if let Some(lot) = lot {
            lot.quantity = None;
            lot.place.clear();
        }
    };
    let mut serials = false;
    let mut blank_goods = |goods: &mut Option<Goods>| {
        if let Some(goods) = goods {
            goods.loose = None;
            serials = !goods.serials.is_empty();
        }
    };
    match &mut event.body {
        Some(Body::Produced(e)) => blank_lot(&mut e.lot),
        Some(Body::Imported(e)) => blank_lot(&mut e.lot),
        Some(Body::Opened(e)) => blank_lot(&mut e.lot),
        Some(Body::Used(e)) => {
            blank_goods(&mut e.goods);
            e.place.clear();
        }
        Some(Body::Disposed(e)) => {
            blank_goods(&mut e.goods);
            e.place.clear();
        }
        Some(Body::Exported(e)) => {
            blank_goods(&mut e.goods);
            e.place.clear();
        }
        Some(Body::Incident(e)) => blank_goods(&mut e.goods),
        _ => return Err(cannot(&event)),
    }
    if serials {
        return Err(cannot(&event).detail("packages are counted, not corrected"));
    }
    Ok(event)
}

pub(super) fn lot_named(original: &Recorded) -> Result<LotId, Refused> {
    let goods = match &original.event.body {
        Some(Body::Produced(_) | Body::Imported(_) | Body::Opened(_)) => {
            let id = StatementId::parse(&original.payload.id)
                .ok_or_else(|| Refused::new(RefusalCode::UnknownEvent, "original"))?;
            return Ok(LotId(derived(
                &original.payload.party,
                id,
                original.event_index,
                0,
            )));
        }
        Some(Body::Used(e)) => e.goods.as_ref(),
        Some(Body::Disposed(e)) => e.goods.as_ref(),
        Some(Body::Exported(e)) => e.goods.as_ref(),
        Some(Body::Incident(e)) => e.goods.as_ref(),
        _ => None,
    };
    goods
        .and_then(|g| LotId::from_slice(&g.lot))
        .ok_or_else(|| Refused::new(RefusalCode::CannotCorrect, "original"))
}
