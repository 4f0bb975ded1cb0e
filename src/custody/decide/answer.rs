//! A word on a finding, by who must see to it or by an authority. The finding
//! becomes a subject of its own with its first answer; it is not judged again.

use super::Case;
use super::fields::{self, MAX_TEXT};
use crate::custody::draft::Draft;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::{Finding, FindingAnswer, FindingAnswered, FindingNoted, RefusalCode, Severity};

pub(super) fn answered(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &FindingAnswered,
) -> Result<(), Refused> {
    // Not by `answer()`, which passes over numbers that are none.
    let answer = FindingAnswer::try_from(e.answer).unwrap_or_default();
    match answer {
        FindingAnswer::Unspecified => return Err(Refused::missing("answer")),
        FindingAnswer::Acknowledged => fields::optional_text(&e.words, MAX_TEXT, "words")?,
        FindingAnswer::Explained | FindingAnswer::Resolved => {
            fields::text(&e.words, MAX_TEXT, "words")?;
        }
    }
    fields::documents(&e.documents)?;
    let noted = known(draft, case, e)?;
    let severity = noted.finding.as_ref().map(Finding::severity);
    may(
        draft,
        case,
        &noted.owner,
        severity.unwrap_or_default(),
        answer,
    )?;
    if noted.answer() == FindingAnswer::Resolved {
        return Err(Refused::new(RefusalCode::FindingResolved, "finding"));
    }
    draft.emit(
        &subject::finding(e.position, e.finding),
        C::FindingNoted(FindingNoted {
            answer: answer.into(),
            by: case.party().to_owned(),
            ..noted
        }),
    )
}

/// The finding as it was last answered, or as its record has it.
fn known(draft: &Draft<'_>, case: &Case<'_>, e: &FindingAnswered) -> Result<FindingNoted, Refused> {
    let subject = subject::finding(e.position, e.finding);
    if let Some(Item::Finding(state)) = draft.item(&subject).as_deref() {
        return Ok(state.noted.clone().unwrap_or_default());
    }
    let event = e.event.as_ref().ok_or_else(|| Refused::missing("event"))?;
    let unknown = || {
        let detail = format!("number {} of record {}", e.finding, e.position);
        Refused::new(RefusalCode::UnknownFinding, "finding").detail(detail)
    };
    let recorded = (case.context.recorded)(event)
        .filter(|recorded| recorded.position == e.position)
        .ok_or_else(unknown)?;
    let index = usize::try_from(e.finding).map_err(|_| unknown())?;
    let finding = recorded.findings.get(index).ok_or_else(unknown)?.clone();
    let owner = match finding.owner.as_str() {
        "" => recorded.payload.party,
        owner => owner.to_owned(),
    };
    Ok(FindingNoted {
        position: e.position,
        index: e.finding,
        finding: Some(finding),
        owner,
        ..FindingNoted::default()
    })
}

/// Whether who signed may say so.
fn may(
    draft: &Draft<'_>,
    case: &Case<'_>,
    owner: &str,
    severity: Severity,
    answer: FindingAnswer,
) -> Result<(), Refused> {
    let own = case.signers.signed(owner);
    let region = draft
        .party(owner)
        .and_then(|state| state.registered.as_ref().map(|r| r.region.clone()))
        .unwrap_or_default();
    let allowed = match answer {
        FindingAnswer::Resolved => {
            case.signers.authority_over(&region) || (own && severity == Severity::Notice)
        }
        _ => own,
    };
    if allowed {
        return Ok(());
    }
    Err(Refused::new(RefusalCode::NotTheOwner, "answer").detail(format!("it is {owner}'s")))
}
