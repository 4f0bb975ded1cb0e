//! What only an authority may put on a subject or take from it: seals; and
//! that who recalls and who acknowledges signed.

use super::bindings::Case;
use super::violation::Violation;
use crate::custody::subject::{self, Item};
use crate::event::ids;
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Cause, DangerStatus, OrderMark, OverdueTold, RecallBegun, ReliefOrder, RuleKind, Subject,
    SubjectKind,
};

/// Checks all of it.
pub(super) fn check(case: &Case<'_>) -> Result<(), Violation> {
    for (subject, change) in case.changes() {
        let index = change.cause.map_or(0, |c| c.event_index);
        let wrong = match &change.change {
            Some(C::Seal(seal)) => {
                sealed_otherwise(case, subject, index, &seal.order, &seal.authority)
            }
            Some(C::SealLifted(lifted)) => released_otherwise(case, subject, index, &lifted.order),
            Some(C::Blacklisting(_)) => {
                let signed = matches!(case.body(index), Some(Body::Blacklisted(_)));
                (!signed || !may(case, subject)).then_some("a listing that no authority signed")
            }
            Some(C::DangerOpened(opened)) => {
                let by = &case.record.payload.party;
                let over = case.signers.over_party(case.before, &opened.party);
                let inspected = matches!(case.body(index), Some(Body::Inspected(_)));
                (!over || !inspected || opened.agency != *by)
                    .then_some("a danger that no agency has found")
            }
            Some(C::DangerMoved(moved)) => moved_otherwise(case, subject, moved.status()),
            Some(C::OrderMark(mark)) => ordered_otherwise(case, subject, index, mark),
            Some(C::RecallBegun(begun)) => recalled_otherwise(case, subject, index, begun),
            Some(C::RecallAcked(acked)) => {
                let signed = acked.party == case.record.payload.party;
                let body = matches!(case.body(index), None | Some(Body::RecallAcknowledged(_)));
                (!signed || !body).then_some("a recall is acknowledged by somebody else")
            }
            Some(C::RecallEnded(_)) => ended_otherwise(case, subject),
            Some(C::OverdueTold(told)) => {
                told_otherwise(case, subject, change.cause.as_ref(), told)
            }
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

/// What is overdue the ledger says, by rule and name; a stop also whoever tells
/// of it, or ends it, in an earlier record perhaps, which waited for its offer.
fn told_otherwise(
    case: &Case<'_>,
    subject: &Subject,
    by: Option<&Cause>,
    told: &OverdueTold,
) -> Option<&'static str> {
    if subject.kind() != told_of(told.rule()) {
        return Some("it is marked as overdue by a rule for something else");
    }
    if !(1..=case.record.head.recorded_at_ms).contains(&told.since_ms) {
        return Some("it is overdue since a time that cannot be");
    }
    let by = by.copied().unwrap_or_default();
    let stop = told.rule() == RuleKind::LongStop;
    let signed = match case.body(by.event_index) {
        _ if by.parked_position.is_some() => stop,
        Some(Body::OverdueStated(e)) => e.lines.iter().any(|line| {
            let place = (&line.party, &line.place) == (&told.party, &told.place);
            line.rule == told.rule && line.id == subject.id && place
        }),
        None | Some(Body::Reported(_) | Body::Relayed(_) | Body::Accepted(_)) => stop,
        Some(_) => false,
    };
    (!signed).then_some("it is marked as overdue and nobody says so")
}

/// What a rule that time alone breaks is of.
pub(super) fn told_of(rule: RuleKind) -> SubjectKind {
    match rule {
        RuleKind::HandoffDue | RuleKind::WasteReceiptDue => SubjectKind::Handoff,
        RuleKind::LongStop | RuleKind::CarriageDue => SubjectKind::Consignment,
        RuleKind::DeviceSilent => SubjectKind::Key,
        RuleKind::StockTakeDue => SubjectKind::Lot,
        _ => SubjectKind::Unspecified,
    }
}

fn sealed_otherwise(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    order: &str,
    authority: &str,
) -> Option<&'static str> {
    let signed = match case.body(index) {
        Some(Body::Sealed(e)) => e.order == order,
        Some(Body::Seized(e)) => e.taken.as_ref().is_some_and(|t| t.order == order),
        _ => false,
    };
    let by = may(case, subject) && case.record.payload.party == authority;
    (!signed || !by).then_some("a seal that no authority has ordered")
}

fn released_otherwise(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    order: &str,
) -> Option<&'static str> {
    let signed = matches!(case.body(index), Some(Body::Unsealed(e)) if e.order == order);
    (!signed || !may(case, subject)).then_some("a seal is lifted that no authority released")
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
    let may = case.signers.any_authority() || by.is_some_and(|by| case.signers.signed(&by));
    (!may).then_some("a recall is ended by somebody else")
}

/// Whether one signed who has power over it: over the party, or the one whose
/// place it is; over a lot any agency may have it, where its goods are.
fn may(case: &Case<'_>, subject: &Subject) -> bool {
    let name = String::from_utf8_lossy(&subject.id);
    match subject.kind() {
        SubjectKind::Party => case.signers.over_party(case.before, &name),
        SubjectKind::Place => {
            let party = name.split('/').next().unwrap_or_default();
            case.signers.over_party(case.before, party)
        }
        _ => case.signers.any_authority(),
    }
}

fn ordered_otherwise(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    mark: &OrderMark,
) -> Option<&'static str> {
    let same = |e: &Option<ReliefOrder>| {
        e.as_ref().is_some_and(|e| {
            e.order == mark.order && e.from_ms == mark.from_ms && e.until_ms == mark.until_ms
        })
    };
    let signed = match case.body(index) {
        Some(Body::EmergencyOrdered(e)) => !mark.safe_return && same(&e.relief),
        Some(Body::SafeReturnOrdered(e)) => mark.safe_return && same(&e.relief),
        _ => false,
    };
    (!signed || !may(case, subject)).then_some("an order that no authority signed")
}

/// Set right by the party; verified and looked back at by an agency.
fn moved_otherwise(
    case: &Case<'_>,
    subject: &Subject,
    status: DangerStatus,
) -> Option<&'static str> {
    let item = case.before.get(subject);
    let Some(Item::Danger(danger)) = item.as_deref() else {
        // Opened by this very record, which an agency signed.
        return (!case.signers.any_authority()).then_some("a danger that nobody has found");
    };
    let party = danger.opened.as_ref().map_or("", |o| o.party.as_str());
    let by = match status {
        DangerStatus::Rectified => case.signers.signed(party),
        _ => case.signers.over_party(case.before, party),
    };
    (!by).then_some("a danger goes on by somebody else's word")
}
