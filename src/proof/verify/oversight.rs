//! What only an authority may put on a subject or take from it: seals; and
//! that who recalls and who acknowledges signed.

use super::bindings::Case;
use super::violation::Violation;
use crate::custody::subject::{self, Item};
use crate::event::ids;
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{RecallBegun, Subject};

/// Checks all of it.
pub(super) fn check(case: &Case<'_>) -> Result<(), Violation> {
    for (subject, change) in case.changes() {
        let index = change.cause.map_or(0, |c| c.event_index);
        let wrong = match &change.change {
            Some(C::Seal(seal)) => sealed_otherwise(case, index, &seal.order, &seal.authority),
            Some(C::SealLifted(lifted)) => released_otherwise(case, index, &lifted.order),
            Some(C::RecallBegun(begun)) => recalled_otherwise(case, subject, index, begun),
            Some(C::RecallAcked(acked)) => {
                let signed = acked.party == case.record.payload.party;
                let body = matches!(case.body(index), None | Some(Body::RecallAcknowledged(_)));
                (!signed || !body).then_some("a recall is acknowledged by somebody else")
            }
            Some(C::RecallEnded(_)) => ended_otherwise(case, subject),
            _ => None,
        };
        if let Some(why) = wrong {
            return Err(Violation::NotAsSigned {
                subject: subject::show(subject),
                why,
            });
        }
    }
    Ok(())
}

fn sealed_otherwise(
    case: &Case<'_>,
    index: u32,
    order: &str,
    authority: &str,
) -> Option<&'static str> {
    let signed = match case.body(index) {
        Some(Body::Sealed(e)) => e.order == order,
        _ => false,
    };
    let by = case.signers.authority() && case.record.payload.party == authority;
    (!signed || !by).then_some("a seal that no authority has ordered")
}

fn released_otherwise(case: &Case<'_>, index: u32, order: &str) -> Option<&'static str> {
    let signed = matches!(case.body(index), Some(Body::Unsealed(e)) if e.order == order);
    (!signed || !case.signers.authority()).then_some("a seal is lifted that no authority released")
}

/// Named after its event, with the lots that it names.
fn recalled_otherwise(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    begun: &RecallBegun,
) -> Option<&'static str> {
    let party = &case.record.payload.party;
    let name = ids::derived(party, case.id, index, 0);
    let same = match case.body(index) {
        Some(Body::Recalled(e)) => e.lot == begun.lot && e.made_of_it == begun.made_of_it,
        body => body.is_none(),
    };
    let signed = begun.by == *party && subject.id == name.as_slice();
    (!same || !signed).then_some("a recall that is not its event's")
}

/// By an authority, or by who recalled.
fn ended_otherwise(case: &Case<'_>, subject: &Subject) -> Option<&'static str> {
    let item = case.before.get(subject);
    let by = match item.as_deref() {
        Some(Item::Recall(recall)) => recall.begun.as_ref().map(|b| b.by.clone()),
        _ => None,
    };
    let may = case.signers.authority() || by.is_some_and(|by| case.signers.signed(&by));
    (!may).then_some("a recall is ended by somebody else")
}
