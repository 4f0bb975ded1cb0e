//! Succession: who may declare it, and how holdings pass. Duties pass at once,
//! by who may sign for whom (`Signers`); holdings pass lot by lot.

use super::Case;
use super::fields::{self, MAX_TEXT};
use super::goods::{self, Reserved, overflow};
use super::signers;
use super::store::late;
use super::trade::MAX_LINES;
use super::vessel;
use crate::custody::draft::Draft;
use crate::custody::succession::{self, MAX_PREDECESSORS};
use crate::custody::{account, lot, subject};
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::event::ids::CLOCK_SKEW_MS;
use crate::pb::change::Change as C;
use crate::pb::{
    AnswerablePassed, Goods, Inherited, InheritedLine, LotState, PackagesOwned, Quantity,
    RefusalCode, SerialRange, Succeeded,
};

/// Checks a succession; it is its own outcome.
pub(super) fn succeeded(draft: &Draft<'_>, case: &Case<'_>, e: &Succeeded) -> Result<(), Refused> {
    let unknown = || Refused::new(RefusalCode::UnknownParty, "predecessor").detail(&e.predecessor);
    let before = draft.party(&e.predecessor).ok_or_else(unknown)?;
    // Who has been succeeded is not active: there is no circle.
    signers::active(draft, &e.successor, "successor")?;
    if !case.signers.root() {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    fields::text(&e.reason, MAX_TEXT, "reason")?;
    if e.predecessor == e.successor {
        return Err(Refused::invalid("successor", "the predecessor itself"));
    }
    let latest = case.context.recorded_at_ms.saturating_add(CLOCK_SKEW_MS);
    if !(0..=latest).contains(&e.effective_at_ms) {
        let why = "since when; recorded once it has come";
        return Err(Refused::invalid("effective_at_ms", why));
    }
    if let Some(by) = signers::successor(draft, &e.predecessor) {
        return Err(Refused::new(RefusalCode::NoChange, "predecessor")
            .detail(format!("{by} has succeeded it")));
    }
    let after = draft.party(&e.successor).unwrap_or_default();
    let count = succession::together(&before, &after, &e.predecessor).len();
    if count > MAX_PREDECESSORS {
        return Err(Refused::new(RefusalCode::TooManyPredecessors, "successor")
            .detail(format!("{count}; at most {MAX_PREDECESSORS}")));
    }
    Ok(())
}

pub(super) fn inherited(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Inherited,
) -> Result<(), Refused> {
    signers::active(draft, case.party(), "party").map_err(|r| r.within("payload"))?;
    if !succession::succeeds(draft, case.party(), &e.predecessor) {
        return Err(
            Refused::new(RefusalCode::AuthorityRequired, "predecessor").detail(format!(
                "none has recorded that {} succeeds {}",
                case.party(),
                e.predecessor
            )),
        );
    }
    if e.lines.is_empty() || e.lines.len() > MAX_LINES {
        return Err(Refused::invalid(
            "lines",
            format!("1 to {MAX_LINES} are wanted"),
        ));
    }
    for (i, line) in e.lines.iter().enumerate() {
        check(draft, case, line).map_err(|r| r.within(&format!("lines[{i}]")))?;
    }
    for (i, line) in e.lines.iter().enumerate() {
        pass(draft, case, &e.predecessor, line).map_err(|r| r.within(&format!("lines[{i}]")))?;
    }
    Ok(())
}

fn check(draft: &Draft<'_>, case: &Case<'_>, line: &InheritedLine) -> Result<(), Refused> {
    if line.place.is_empty() && line.to_place.is_empty() {
        return Ok(());
    }
    fields::code(&line.place, "place")?;
    goods::own_place(draft, case.party(), &line.to_place, "to_place")
}

/// One lot: what stands in the place and is free, then title, then who answers.
fn pass(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    predecessor: &str,
    line: &InheritedLine,
) -> Result<(), Refused> {
    let (id, state) = goods::lot_of(draft, &line.lot)?;
    late(draft, case, id);
    if !line.place.is_empty() {
        let from = account::held(predecessor, &line.place);
        let free = free(&state, &from, &line.lot)?;
        let portion = goods::portion(draft, Some(&free), &from, Reserved::Refuse)?;
        let to = account::held(case.party(), &line.to_place);
        vessel::change_hands(draft, &portion, &from, case.party(), &line.to_place)?;
        goods::send(draft, &portion, &from, &to)?;
    }
    let owned = pass_title(draft, case, predecessor, id)?;
    if line.place.is_empty() && !owned {
        return Err(Refused::new(RefusalCode::NoChange, "lot")
            .detail(format!("{predecessor} owns nothing of lot {id}")));
    }
    Ok(())
}

/// All that is on an account and no open offer has promised; refused if there
/// is nothing, or nothing that is free.
fn free(state: &LotState, from: &crate::pb::Account, lot: &bytes::Bytes) -> Result<Goods, Refused> {
    let loose = lot::loose(state, from).map_err(overflow)?.gross;
    let promised = lot::reserved(state, from).map_err(overflow)?;
    let here = || {
        state
            .packages
            .iter()
            .filter(|p| p.account.as_ref() == Some(from))
    };
    let serials: Vec<SerialRange> = here()
        .filter(|p| p.reserved_by.is_empty())
        .map(|p| SerialRange {
            first: p.first,
            last: p.last,
        })
        .collect();
    let gross = loose.saturating_sub(promised);
    if gross <= 0 && serials.is_empty() {
        let code = if promised > 0 || here().next().is_some() {
            RefusalCode::Reserved
        } else {
            RefusalCode::Insufficient
        };
        return Err(Refused::new(code, "place").detail(account::show(from)));
    }
    Ok(Goods {
        lot: lot.clone(),
        loose: (gross > 0).then_some(Quantity {
            gross_mg: gross,
            measure: None,
        }),
        serials,
    })
}

/// What the predecessor owns of the lot, wherever it stands, and whether it
/// answers for it as waste. Returns whether there was any of it.
fn pass_title(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    predecessor: &str,
    id: LotId,
) -> Result<bool, Refused> {
    let state = draft.lot(id).unwrap_or_default();
    let gross = lot::title(&state, predecessor);
    draft.post_title(id, predecessor, gross.saturating_neg())?;
    draft.post_title(id, case.party(), gross)?;
    let mut any = gross != 0;
    for p in state.packages.iter().filter(|p| p.owner == predecessor) {
        let owned = PackagesOwned {
            first: p.first,
            last: p.last,
            owner: case.party().to_owned(),
        };
        draft.emit(&subject::lot(id), C::PackagesOwned(owned))?;
        any = true;
    }
    let answers = |born: &crate::pb::LotBorn| born.answerable == predecessor;
    if state.born.as_ref().is_some_and(answers) {
        let party = case.party().to_owned();
        draft.emit(&subject::lot(id), C::Answerable(AnswerablePassed { party }))?;
        any = true;
    }
    Ok(any)
}
