//! A lot measured: its content, and with its wetting and nitrogen the form
//! that it is of.

use super::Case;
use super::fields;
use super::goods::{self, overflow};
use super::rules;
use super::store::out_of_order;
use crate::catalog::{self, Form};
use crate::custody::account::{self, Class};
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::subject;
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::event::mass::{Mass, PPM};
use crate::event::when::in_seconds;
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, AssaySet, Assayed, FindingCode, FormSet, LotState, RefusalCode, Severity,
};

pub(super) fn assayed(draft: &mut Draft<'_>, case: &Case<'_>, e: &Assayed) -> Result<(), Refused> {
    fields::hash(&e.certificate_hash, "certificate_hash")?;
    fields::content(e.content_ppm, "content_ppm")?;
    for (field, ppm) in [
        ("wetting_ppm", e.wetting_ppm),
        ("nitrogen_ppm", e.nitrogen_ppm),
    ] {
        if ppm.is_some_and(|ppm| ppm > PPM) {
            return Err(Refused::invalid(field, "more than one whole"));
        }
    }
    let weighed = match &e.weighed {
        None => None,
        some => Some(Mass::of(some.as_ref(), "weighed")?.as_mg()),
    };
    let (id, state) = goods::lot_of(draft, &e.lot)?;
    if !state.reservations.is_empty() {
        return Err(Refused::new(RefusalCode::Reserved, "lot")
            .detail("some of it is offered at the content it has"));
    }
    let holdings = holdings(&state)?;
    let mine = |at: &Account| at.kind() == AccountKind::Held && at.party == case.party();
    let loose: Vec<(Account, Amount)> = holdings
        .iter()
        .filter(|(_, loose)| loose.gross > 0)
        .cloned()
        .collect();
    // Packages stay what they are: they count where there is nothing else,
    // and where all of the lot is of another form from now on.
    let becomes = catalog::becomes(lot::form(&state), e.wetting_ppm, e.nitrogen_ppm);
    let concerned = if loose.is_empty() || becomes.is_some() {
        &holdings
    } else {
        &loose
    };
    if concerned.is_empty() || !concerned.iter().all(|(at, _)| mine(at)) {
        return Err(Refused::new(RefusalCode::NotSoleHolder, "lot").detail(format!("lot {id}")));
    }
    out_of_order(draft, case, id);
    if let Some(weighed) = weighed {
        evaporate(draft, id, case.party(), &loose, weighed)?;
    }
    draft.emit(
        &subject::lot(id),
        C::Assay(AssaySet {
            content_ppm: e.content_ppm,
            mixed: false,
        }),
    )?;
    for (at, _) in loose {
        set_content(draft, id, &at, e.content_ppm)?;
    }
    if let Some(wetting_ppm) = e.wetting_ppm {
        rules::wetted(draft, case.party(), id, wetting_ppm);
    }
    match becomes {
        Some(form) => set_form(draft, case, id, lot::form(&state), form),
        None => Ok(()),
    }
}

/// Matter whose form depends on an assay, handled after that was due: what it
/// is now nobody has measured. One that was never assayed is as its birth said.
pub(super) fn find_overdue(draft: &mut Draft<'_>, case: &Case<'_>, id: LotId) {
    let figure = rules::assay_due(draft, case.party(), id);
    let stands = figure.or_base(case.rules.assay_due_ms).unwrap_or_default();
    let Some(state) = draft.lot(id).filter(|_| stands > 0) else {
        return;
    };
    let measured = match state.assayed_at_ms {
        0 => state.born_happened_at_ms,
        at => at,
    };
    let due_ms = measured.saturating_add(stands);
    let form = lot::form(&state);
    if draft.happened_at_ms() <= due_ms || !catalog::depends_on_assay(form) {
        return;
    }
    let detail = format!(
        "{form} was last measured at {}, due again by {}",
        in_seconds(measured),
        in_seconds(due_ms)
    );
    let (code, lot) = (FindingCode::AssayOverdue, subject::lot(id));
    draft.find(code, Severity::Warning, &lot, case.party(), due_ms, detail);
}

/// Every holding, with its loose part.
fn holdings(state: &LotState) -> Result<Vec<(Account, Amount)>, Refused> {
    let mut found = Vec::new();
    for b in &state.balances {
        let at = b.account.clone().unwrap_or_default();
        if account::class(at.kind()) == Some(Class::Holding) {
            let loose = lot::loose(state, &at).map_err(overflow)?;
            found.push((at, loose));
        }
    }
    Ok(found)
}

/// What is lighter than booked has evaporated: gross alone, the content stays.
fn evaporate(
    draft: &mut Draft<'_>,
    id: LotId,
    party: &str,
    loose: &[(Account, Amount)],
    weighed: i64,
) -> Result<(), Refused> {
    let [(at, before)] = loose else {
        return Err(Refused::invalid(
            "weighed",
            "its loose matter stands in one place",
        ));
    };
    let lost = before.gross.saturating_sub(weighed);
    if lost < 0 {
        return Err(
            Refused::new(RefusalCode::Insufficient, "weighed").detail(format!(
                "{} booked; what is more than that is found by a count",
                Mass::mg(before.gross)
            )),
        );
    }
    let lost = Amount {
        gross: lost,
        contained: 0,
    };
    draft.transfer(id, at, &account::plain(AccountKind::ProcessLoss), lost)?;
    draft.end_title(id, party, lost.gross)
}

/// Loose matter takes the content that was measured.
fn set_content(draft: &mut Draft<'_>, id: LotId, at: &Account, ppm: u32) -> Result<(), Refused> {
    let state = draft.lot(id).unwrap_or_default();
    let before = lot::loose(&state, at).map_err(overflow)?;
    let now = Mass::mg(before.gross).contained(ppm).unwrap_or_default();
    let gained = Amount {
        gross: 0,
        contained: now.as_mg().saturating_sub(before.contained),
    };
    // More content than was booked is found, less is lost in process.
    let counter = if gained.contained > 0 {
        AccountKind::Found
    } else {
        AccountKind::ProcessLoss
    };
    draft.transfer(id, &account::plain(counter), at, gained)
}

/// The form that the figures make it, as the catalogue has it.
fn set_form(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    id: LotId,
    before: &str,
    becomes: &Form,
) -> Result<(), Refused> {
    let form = becomes.code.as_str().to_owned();
    let detail = format!(
        "{before} has become {form}, {} {}",
        becomes.name_zh, becomes.name_en
    );
    draft.emit(&subject::lot(id), C::Form(FormSet { form }))?;
    draft.find(
        FindingCode::FormChanged,
        Severity::Alarm,
        &subject::lot(id),
        case.party(),
        case.context.recorded_at_ms,
        detail,
    );
    Ok(())
}
