//! What a statement names, before it is decided.

use super::{handoff_id, handoff_of, oversight};
use crate::custody::subject;
use crate::event::{ConsignmentId, HandoffId, LotId, Statement};
use crate::pb::event::Body;
use crate::pb::{Event, Seized, Subject};
/// The subjects that a statement names: what must be looked up in the store
/// if it has left memory.
pub fn subjects(statement: &Statement) -> Vec<Subject> {
    let mut named = Vec::new();
    statement
        .events
        .iter()
        .for_each(|event| name_subjects(event, &mut named));
    named.sort_unstable();
    named.dedup();
    named
}

fn name_subjects(event: &Event, named: &mut Vec<Subject>) {
    let mut lot = |id: &[u8]| named.extend(LotId::from_slice(id).map(subject::lot));
    let consignment = |id: &[u8]| ConsignmentId::from_slice(id).map(subject::consignment);
    match &event.body {
        Some(Body::Moved(e)) => e.goods.iter().for_each(|g| lot(&g.lot)),
        Some(Body::Packed(e)) => lot(&e.lot),
        Some(Body::Filled(e)) => {
            e.goods.iter().for_each(|g| lot(&g.lot));
            if let Some(crate::pb::filled::From::Consignment(id)) = &e.from {
                named.extend(consignment(id));
            }
        }
        Some(Body::Assayed(e)) => lot(&e.lot),
        Some(Body::Counted(e)) => lot(&e.lot),
        Some(Body::Used(e)) => e.goods.iter().for_each(|g| lot(&g.lot)),
        Some(Body::Wasted(e)) => e.goods.iter().for_each(|g| lot(&g.lot)),
        Some(Body::Disposed(e)) => e.goods.iter().for_each(|g| lot(&g.lot)),
        Some(Body::PackagingTreated(e)) => lot(&e.lot),
        Some(Body::Aggregated(e)) => lot(&e.lot),
        Some(Body::Repacked(e)) => e.goods.iter().for_each(|g| lot(&g.lot)),
        Some(Body::Sampled(e)) => e.goods.iter().for_each(|g| lot(&g.lot)),
        Some(Body::Exported(e)) => e.goods.iter().for_each(|g| lot(&g.lot)),
        Some(Body::Departed(e)) => e.goods.iter().for_each(|g| lot(&g.lot)),
        Some(Body::Confirmed(e)) => lot(&e.lot),
        Some(Body::CustomsReported(e)) => lot(&e.lot),
        Some(Body::Incident(e)) => {
            e.goods.iter().for_each(|g| lot(&g.lot));
            if let Some(crate::pb::incident::At::Consignment(id)) = &e.at {
                named.extend(consignment(id));
            }
        }
        Some(Body::Recovered(e)) => e.goods.iter().for_each(|g| lot(&g.lot)),
        Some(Body::Traded(e)) => e.goods.iter().for_each(|g| lot(&g.lot)),
        Some(Body::Transformed(e)) => {
            e.inputs
                .iter()
                .filter_map(|i| i.goods.as_ref())
                .for_each(|g| lot(&g.lot));
        }
        Some(Body::Offered(e)) => {
            e.lines.iter().for_each(|g| lot(&g.lot));
            named.extend(e.returns.as_ref().and_then(handoff_of));
            named.extend(e.instead_of.as_ref().and_then(handoff_of));
            if let Some(crate::pb::offered::From::Consignment(id)) = &e.from {
                named.extend(consignment(id));
            }
        }
        Some(Body::Accepted(e)) => {
            named.extend(e.offer.as_ref().and_then(handoff_of));
            named.extend(e.returns.as_ref().and_then(handoff_of));
        }
        Some(Body::Declined(e)) => named.extend(e.offer.as_ref().and_then(handoff_of)),
        Some(Body::Withdrawn(e)) => named.extend(e.offer.as_ref().and_then(handoff_of)),
        Some(Body::Relayed(e)) => {
            named.extend(consignment(&e.consignment));
            // The offer that it began with, by the same name, says what for.
            let id = ConsignmentId::from_slice(&e.consignment);
            named.extend(id.map(|id| subject::handoff(HandoffId(id.0))));
        }
        Some(Body::Reported(e)) => named.extend(consignment(&e.consignment)),
        Some(Body::Settled(e)) => {
            named.extend(crate::event::DisputeId::from_slice(&e.dispute).map(subject::dispute));
        }
        Some(Body::FindingAnswered(e)) => named.push(subject::finding(e.position, e.finding)),
        Some(Body::Inherited(e)) => e.lines.iter().for_each(|line| lot(&line.lot)),
        Some(Body::TakenOver(e) | Body::Seized(Seized { taken: Some(e), .. })) => {
            e.goods.iter().for_each(|g| lot(&g.lot));
            if let Some(crate::pb::taken_over::At::Consignment(id)) = &e.at {
                named.extend(consignment(id));
            }
        }
        Some(
            body @ (Body::Sealed(_)
            | Body::Unsealed(_)
            | Body::Recalled(_)
            | Body::RecallAcknowledged(_)
            | Body::EmergencyOrdered(_)
            | Body::SafeReturnOrdered(_)
            | Body::Rectified(_)
            | Body::Verified(_)
            | Body::LookedBack(_)),
        ) => oversight::name_subjects(body, named),
        Some(Body::Corrected(e)) => {
            // What entered by the original is named after it.
            named.extend(
                e.original
                    .as_ref()
                    .and_then(handoff_id)
                    .map(|n| subject::lot(LotId(n.0))),
            );
            if let Some(restated) = e.restated.as_ref() {
                name_subjects(restated, named);
            }
        }
        _ => {}
    }
}
