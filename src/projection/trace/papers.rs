//! The papers that go with a step: waybill and waste manifest by number, and
//! which offer stands in for which.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::steps::Step;
use crate::custody::decide::handoff_of;
use crate::event::record::OpenRecord;
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{HandoffOffered, StepPapers, SubjectKind};

/// Those of an offer, or of what closes it; `None` of any other event.
pub(super) fn of(record: &OpenRecord, index: u32) -> Option<StepPapers> {
    let handoffs = record.outcomes.iter().flatten().filter_map(|outcome| {
        let subject = outcome.subject.as_ref()?;
        (subject.kind() == SubjectKind::Handoff).then_some((&subject.id, &outcome.changes))
    });
    for (handoff, changes) in handoffs {
        let own = changes.iter().filter(|change| {
            let cause = change.cause.unwrap_or_default();
            cause.event_index == index && cause.parked_position.is_none()
        });
        for change in own {
            match &change.change {
                Some(C::Offered(offered)) => return Some(of_offer(handoff, offered)),
                Some(C::HandoffClosed(_)) => return Some(of_close(handoff, record, index)),
                _ => {}
            }
        }
    }
    None
}

fn of_offer(handoff: &Bytes, offered: &HandoffOffered) -> StepPapers {
    let carriage = offered.carriage.as_ref();
    let before = offered.instead_of.as_deref().and_then(handoff_of);
    StepPapers {
        handoff: handoff.clone(),
        mode: carriage.map_or(0, |c| c.mode),
        waybill: carriage.map(|c| c.waybill.clone()).unwrap_or_default(),
        manifest: offered
            .manifest
            .as_ref()
            .map(|m| m.number.clone())
            .unwrap_or_default(),
        instead_of: before.map(|subject| subject.id).unwrap_or_default(),
        ..StepPapers::default()
    }
}

fn of_close(handoff: &Bytes, record: &OpenRecord, index: u32) -> StepPapers {
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    let event = record.events.get(at).and_then(Option::as_ref);
    let receipt = match event.and_then(|event| event.body.as_ref()) {
        Some(Body::Accepted(e)) => e.receipt.as_deref(),
        _ => None,
    };
    StepPapers {
        handoff: handoff.clone(),
        manifest: receipt.map(|r| r.number.clone()).unwrap_or_default(),
        ..StepPapers::default()
    }
}

/// Tells each offer where the one before it was recorded, and that one where
/// this is.
pub(super) fn link(steps: &mut [Step]) {
    let mut offered = BTreeMap::new();
    let mut after: BTreeMap<Bytes, Vec<u64>> = BTreeMap::new();
    for step in steps.iter() {
        let Some(papers) = step.told.papers.as_ref() else {
            continue;
        };
        let first = offered.entry(papers.handoff.clone());
        first.or_insert(step.told.position);
        if !papers.instead_of.is_empty() {
            let by = after.entry(papers.instead_of.clone()).or_default();
            by.push(step.told.position);
        }
    }
    for papers in steps.iter_mut().filter_map(|s| s.told.papers.as_mut()) {
        papers.instead_of_position = offered.get(&papers.instead_of).copied();
        papers.replaced_by = after.get(&papers.handoff).cloned().unwrap_or_default();
    }
}
