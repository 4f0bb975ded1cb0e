//! Answers to findings: by whose it is or an authority, as they were signed,
//! and none after it was resolved. That the finding is the one of its record
//! is not looked up: the record may lie far behind.

use super::bindings::Case;
use super::violation::Violation;
use crate::custody::subject::{self, Item};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{FindingAnswer, FindingNoted, Severity, Subject};

/// Checks all of them.
pub(super) fn check(case: &Case<'_>) -> Result<(), Violation> {
    for (subject, change) in case.changes() {
        let Some(C::FindingNoted(noted)) = &change.change else {
            continue;
        };
        let index = change.cause.map_or(0, |c| c.event_index);
        if let Some(why) = otherwise(case, subject, index, noted) {
            return Err(Violation::NotAsSigned {
                subject: subject::show(subject),
                why,
            });
        }
    }
    Ok(())
}

fn otherwise(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    noted: &FindingNoted,
) -> Option<&'static str> {
    if *subject != subject::finding(noted.position, noted.index) {
        return Some("another finding");
    }
    if let Some(body) = case.body(index) {
        let signed = match body {
            Body::FindingAnswered(e) => {
                (e.position, e.finding, e.answer) == (noted.position, noted.index, noted.answer)
            }
            _ => false,
        };
        if !signed {
            return Some("another answer than was signed");
        }
    }
    let item = case.before.get(subject);
    if let Some(Item::Finding(state)) = item.as_deref() {
        let before = state.noted.clone().unwrap_or_default();
        if before.answer() == FindingAnswer::Resolved {
            return Some("answered after it was resolved");
        }
        if (&before.finding, &before.owner) != (&noted.finding, &noted.owner) {
            return Some("the finding has become another");
        }
    }
    let severity = noted.finding.as_ref().map(crate::pb::Finding::severity);
    let own = case.signers.signed(&noted.owner);
    let may = match noted.answer() {
        FindingAnswer::Resolved => {
            case.signers.over_party(case.before, &noted.owner)
                || (own && severity == Some(Severity::Notice))
        }
        _ => own,
    };
    (!may).then_some("neither its owner's nor an authority's answer")
}
