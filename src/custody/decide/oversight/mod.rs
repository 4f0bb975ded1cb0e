//! Enforcement: what authorities put on goods, places and parties, and what
//! then becomes of what others do. Every event is judged once it has been
//! decided, by what it would change: an act that authorises (offer, trade,
//! relay, sending beyond the edge) is refused, a fact is recorded with a
//! finding (design, section 5). Return to the supplier, disposal and movement
//! by order are never stopped.

pub(super) mod act;
pub(super) mod recall;
pub(super) mod seal;

use self::act::Act;
use super::Case;
use crate::custody::draft::Draft;
use crate::custody::subject;
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::pb::event::Body;
use crate::pb::{Event, FindingCode, Severity, Subject};

/// The subjects that an authority's act names and that may have left memory.
pub(super) fn name_subjects(body: &Body, named: &mut Vec<Subject>) {
    let mut lot = |id: &[u8]| named.extend(LotId::from_slice(id).map(subject::lot));
    match body {
        Body::Sealed(e) => seal::lot_of(e).into_iter().for_each(lot),
        Body::Unsealed(e) => seal::lot_released(e).into_iter().for_each(lot),
        Body::Recalled(e) => {
            lot(&e.lot);
            e.made_of_it.iter().for_each(|id| lot(id));
            named.extend((!e.ends.is_empty()).then(|| subject::recall(&e.ends)));
        }
        Body::RecallAcknowledged(e) => named.push(subject::recall(&e.recall)),
        _ => {}
    }
}

/// Judges an event that has been decided.
pub(super) fn judge(draft: &mut Draft<'_>, case: &Case<'_>, event: &Event) -> Result<(), Refused> {
    let Some(body) = &event.body else {
        return Ok(());
    };
    recall::inherit(draft, case.index)?;
    let Some(act) = Act::of(draft, case, body) else {
        return Ok(());
    };
    seal::judge(draft, case, body, &act)?;
    recall::judge(draft, case, &act)
}

/// What was found, to be told or to be refused.
struct Breach {
    refused: Refused,
    code: FindingCode,
    subject: Subject,
    /// Who must act.
    owner: String,
    detail: String,
}

/// A breach refuses an act that authorises, unless it has a free way; else it
/// is recorded with an alarm.
fn meet(draft: &mut Draft<'_>, act: &Act, breach: Breach) -> Result<(), Refused> {
    if act.authorises && !act.has_free_way {
        return Err(breach.refused.within(act.name));
    }
    draft.find(
        breach.code,
        Severity::Alarm,
        &breach.subject,
        &breach.owner,
        0,
        breach.detail,
    );
    Ok(())
}
