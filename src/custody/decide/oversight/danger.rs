//! Inspections: a checklist, and for each item that is not in order a hidden
//! danger with who must act and by when. The party sets it right, the agency
//! verifies that, and looks back some time after; what is not in order is open
//! again. The same party failing the same item within a year is an alarm.

use bytes::Bytes;

use super::super::Case;
use super::super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::over;
use crate::custody::draft::Draft;
use crate::custody::oversight::YEAR_MS;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::event::when::shown;
use crate::pb::change::Change as C;
use crate::pb::{
    DangerMoved, DangerNote, DangerOpened, DangerState, DangerStatus, FindingCode, Inspected,
    InspectionItem, LookedBack, Rectified, RefusalCode, Severity, Subject, SubjectKind, Verified,
};

/// Items of a checklist, at most.
const MAX_ITEMS: usize = 64;

pub(in super::super) fn inspected(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Inspected,
) -> Result<(), Refused> {
    if draft.party(&e.party).is_none() {
        return Err(Refused::new(RefusalCode::UnknownParty, "party").detail(&e.party));
    }
    if !over(draft, case, &e.party) {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    check(e)?;
    let site = subject::within(SubjectKind::Site, &e.party, &e.site);
    if !e.site.is_empty() && draft.item(&site).is_none() {
        return Err(Refused::new(RefusalCode::UnknownSite, "site").detail(&e.site));
    }
    draft.touch(subject::party(&e.party));
    for (line, item) in (0u32..).zip(&e.items).filter(|(_, item)| !item.ok) {
        open(draft, case, e, line, item)?;
    }
    Ok(())
}

fn check(e: &Inspected) -> Result<(), Refused> {
    if e.items.is_empty() || e.items.len() > MAX_ITEMS {
        return Err(Refused::invalid(
            "items",
            format!("1 to {MAX_ITEMS} are wanted"),
        ));
    }
    for (i, item) in e.items.iter().enumerate() {
        let twice = e.items.iter().take(i).any(|other| other.code == item.code);
        check_item(item, twice).map_err(|r| r.within(&format!("items[{i}]")))?;
    }
    fields::documents(&e.documents)
}

fn check_item(item: &InspectionItem, twice: bool) -> Result<(), Refused> {
    fields::code(&item.code, "code")?;
    fields::text(&item.text, MAX_SHORT * 2, "text")?;
    if twice {
        return Err(Refused::invalid("code", "the item stands twice"));
    }
    if item.ok {
        let says = !item.danger.is_empty() || item.due_ms != 0;
        return if says {
            Err(Refused::invalid("danger", "the item is in order"))
        } else {
            Ok(())
        };
    }
    fields::text(&item.danger, MAX_TEXT, "danger")?;
    match item.due_ms {
        1.. => Ok(()),
        _ => Err(Refused::missing("due_ms")),
    }
}

fn open(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Inspected,
    line: u32,
    item: &InspectionItem,
) -> Result<(), Refused> {
    let id = Bytes::copy_from_slice(&case.name(line));
    let danger = subject::danger(&id);
    let party = subject::party(&e.party);
    let since_ms = case.happened_at_ms();
    let notes = draft.party(&e.party).unwrap_or_default().dangers.clone();
    let before = notes.iter().find(|note| note.item == item.code);
    let opened = DangerOpened {
        party: e.party.clone(),
        site: e.site.clone(),
        item: item.code.clone(),
        what: item.danger.clone(),
        agency: case.party().to_owned(),
        since_ms,
        due_ms: item.due_ms,
    };
    draft.emit(&danger, C::DangerOpened(opened))?;
    let code = FindingCode::HiddenDanger;
    let detail = format!("{}: {}", item.code, item.danger);
    draft.find(
        code,
        Severity::Warning,
        &danger,
        &e.party,
        item.due_ms,
        detail,
    );
    if let Some(before) = before.filter(|note| since_ms.saturating_sub(note.at_ms) < YEAR_MS) {
        let detail = format!("{} was found on {} as well", item.code, shown(before.at_ms));
        let code = FindingCode::RepeatedDanger;
        draft.find(
            code,
            Severity::Alarm,
            &danger,
            &e.party,
            item.due_ms,
            detail,
        );
    }
    let note = DangerNote {
        item: item.code.clone(),
        at_ms: since_ms,
    };
    draft.emit(&party, C::DangerNote(note))
}

pub(in super::super) fn rectified(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Rectified,
) -> Result<(), Refused> {
    let (danger, state) = known(draft, &e.danger)?;
    let party = state.opened.as_ref().map_or("", |o| &o.party);
    if !case.signers.signed(party) {
        let why = format!("of {party}");
        return Err(Refused::new(RefusalCode::CounterpartSignatureRequired, "danger").detail(why));
    }
    fields::text(&e.what, MAX_TEXT, "what")?;
    fields::documents(&e.documents)?;
    if e.documents.is_empty() {
        return Err(Refused::missing("documents"));
    }
    next(&state, DangerStatus::Open)?;
    go_on(draft, case, &danger, DangerStatus::Rectified, 0)
}

pub(in super::super) fn verified(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Verified,
) -> Result<(), Refused> {
    let said = Said {
        id: &e.danger,
        ok: e.ok,
        note: &e.note,
        due_ms: e.due_ms,
    };
    seen(
        draft,
        case,
        &said,
        DangerStatus::Rectified,
        DangerStatus::Verified,
    )
}

pub(in super::super) fn looked_back(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &LookedBack,
) -> Result<(), Refused> {
    let said = Said {
        id: &e.danger,
        ok: e.ok,
        note: &e.note,
        due_ms: e.due_ms,
    };
    seen(
        draft,
        case,
        &said,
        DangerStatus::Verified,
        DangerStatus::Closed,
    )
}

/// What an agency says when it has looked again.
struct Said<'a> {
    id: &'a Bytes,
    ok: bool,
    note: &'a str,
    due_ms: i64,
}

/// Goes on if it is in order, else is open again, with a new date.
fn seen(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    said: &Said<'_>,
    from: DangerStatus,
    to: DangerStatus,
) -> Result<(), Refused> {
    let (danger, state) = known(draft, said.id)?;
    let party = state.opened.as_ref().map_or("", |o| &o.party);
    if !over(draft, case, party) {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    fields::optional_text(said.note, MAX_TEXT, "note")?;
    match (said.ok, said.due_ms) {
        (true, 0) | (false, 1..) => {}
        (true, _) => return Err(Refused::invalid("due_ms", "it is in order")),
        (false, _) => return Err(Refused::missing("due_ms")),
    }
    next(&state, from)?;
    if said.ok {
        return go_on(draft, case, &danger, to, 0);
    }
    let (code, detail) = (
        FindingCode::HiddenDanger,
        format!("still there: {}", said.note),
    );
    draft.find(code, Severity::Alarm, &danger, party, said.due_ms, detail);
    go_on(draft, case, &danger, DangerStatus::Open, said.due_ms)
}

fn go_on(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    danger: &Subject,
    status: DangerStatus,
    due_ms: i64,
) -> Result<(), Refused> {
    let moved = DangerMoved {
        status: status.into(),
        due_ms,
        at_ms: case.happened_at_ms(),
    };
    draft.emit(danger, C::DangerMoved(moved))
}

/// Set right, verified, looked back at: one after another.
fn next(state: &DangerState, wanted: DangerStatus) -> Result<(), Refused> {
    if state.status() == wanted {
        return Ok(());
    }
    let why = match state.status() {
        DangerStatus::Unspecified | DangerStatus::Open => "it is still to be set right",
        DangerStatus::Rectified => "it is set right and to be verified",
        DangerStatus::Verified => "it is verified and to be looked back at",
        DangerStatus::Closed => "it is closed",
    };
    Err(Refused::new(RefusalCode::DangerOutOfOrder, "danger").detail(why))
}

fn known(draft: &Draft<'_>, id: &Bytes) -> Result<(Subject, DangerState), Refused> {
    if id.len() != 16 {
        return Err(Refused::invalid("danger", "16 bytes are wanted"));
    }
    let danger = subject::danger(id);
    match draft.item(&danger).as_deref() {
        Some(Item::Danger(state)) => Ok((danger, state.clone())),
        _ => Err(Refused::new(RefusalCode::UnknownDanger, "danger")),
    }
}
