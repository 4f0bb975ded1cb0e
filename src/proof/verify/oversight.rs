//! What only an authority may put on a subject or take from it: seals.

use super::bindings::Case;
use super::violation::Violation;
use crate::custody::subject;
use crate::pb::change::Change as C;
use crate::pb::event::Body;

/// Checks all of it.
pub(super) fn check(case: &Case<'_>) -> Result<(), Violation> {
    for (subject, change) in case.changes() {
        let index = change.cause.map_or(0, |c| c.event_index);
        let wrong = match &change.change {
            Some(C::Seal(seal)) => sealed_otherwise(case, index, &seal.order, &seal.authority),
            Some(C::SealLifted(lifted)) => released_otherwise(case, index, &lifted.order),
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
