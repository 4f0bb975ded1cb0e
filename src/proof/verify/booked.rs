//! That what was signed about a lot is in the lot's chain. An event that takes
//! goods, or counts them, books at least that much or is refused; a record of
//! one without its lots leaves somebody's act without effect, and out of every
//! chain of custody. Whether it booked the right thing the other checks ask.
//!
//! Not here: events that name a handoff and not its lots, or lots by way of an
//! order or a correction; those that make a lot, which nobody has named before.

use super::violation::Violation;
use crate::custody::subject::{self, Items};
use crate::event::LotId;
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{Goods, LinkKind, Subject};

/// Checks a record that has been folded into `after`.
pub(super) fn check(after: &dyn Items, record: &OpenRecord) -> Result<(), Violation> {
    let bodies = record
        .events
        .iter()
        .flatten()
        .filter_map(|e| e.body.as_ref());
    for lot in bodies.flat_map(lots_of) {
        let Some(id) = LotId::from_slice(lot) else {
            continue;
        };
        let lot = subject::lot(id);
        if !is_chained(record, &lot) && after.get(&lot).is_some() {
            return Err(Violation::NotAsSigned {
                subject: subject::show(&lot),
                why: "an event is about it, and the record is not in its chain",
            });
        }
    }
    Ok(())
}

fn is_chained(record: &OpenRecord, lot: &Subject) -> bool {
    let mut links = record.links.iter().flatten();
    links.any(|link| link.kind() == LinkKind::Chain && link.subject.as_ref() == Some(lot))
}

/// The lots that an event takes goods of, or counts.
fn lots_of(body: &Body) -> Vec<&[u8]> {
    let goods: Vec<&Goods> = match body {
        Body::Packed(e) => return vec![&e.lot],
        Body::Counted(e) => return vec![&e.lot],
        Body::Moved(e) => e.goods.iter().collect(),
        Body::Used(e) => e.goods.iter().collect(),
        Body::Wasted(e) => e.goods.iter().collect(),
        Body::Disposed(e) => e.goods.iter().collect(),
        Body::Sampled(e) => e.goods.iter().collect(),
        Body::Repacked(e) => e.goods.iter().collect(),
        Body::Exported(e) => e.goods.iter().collect(),
        Body::Departed(e) => e.goods.iter().collect(),
        Body::Incident(e) => e.goods.iter().collect(),
        Body::Recovered(e) => e.goods.iter().collect(),
        Body::Filled(e) => e.goods.iter().collect(),
        Body::Traded(e) => e.goods.iter().collect(),
        Body::Transformed(e) => e.inputs.iter().filter_map(|i| i.goods.as_ref()).collect(),
        _ => Vec::new(),
    };
    goods.into_iter().map(|goods| goods.lot.as_ref()).collect()
}
