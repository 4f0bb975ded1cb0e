//! Poured into a vessel: goods end as a lot of their own and go on as a part
//! of the vessel's running lot.

use super::super::Case;
use super::super::carriage;
use super::super::customs;
use super::super::fields::{self, MAX_SHORT};
use super::super::goods::{self, Portion, overflow};
use super::super::signers;
use super::super::store::late;
use super::{
    Vessel, check_carried, content_of, draw_first, end_running, give, load, own_vessel, parents,
};
use crate::custody::draft::Draft;
use crate::custody::lot;
use crate::custody::{account, blend, packaging, subject};
use crate::event::codes::Refused;
use crate::event::{ConsignmentId, LotId};
use crate::pb::change::Change as C;
use crate::pb::filled::From;
use crate::pb::{
    Account, AccountKind, AssaySet, Filled, LotBorn, LotState, Parent, RefusalCode, RunningIn,
    VesselContents,
};

pub(in crate::custody::decide) fn filled(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Filled,
) -> Result<(), Refused> {
    signers::active(draft, case.party(), "party").map_err(|r| r.within("payload"))?;
    fields::optional_text(&e.label, MAX_SHORT, "label")?;
    goods::check(e.goods.as_ref()).map_err(|r| r.within("goods"))?;
    let vessel = own_vessel(draft, case.party(), &e.vessel, "vessel")?;
    check_carried(draft, case, &vessel)?;
    let (from, consignment) = source(draft, case, e)?;
    let goods = e.goods.as_ref();
    let portion = goods::content(draft, goods, &from).map_err(|r| r.within("goods"))?;
    let at = match consignment {
        Some(id) => account::aboard(id),
        None => vessel.at.clone(),
    };
    if consignment.is_some() && vessel.at.kind() == AccountKind::Aboard && vessel.at != at {
        return Err(Refused::new(RefusalCode::VesselInUse, "vessel")
            .detail(format!("what it holds is {}", account::show(&vessel.at))));
    }
    late(draft, case, portion.lot);
    if vessel.running == Some(portion.lot) {
        return pour_back(draft, &portion, &from, &at);
    }
    let form = compatible(draft, &vessel, portion.lot)?;
    let running = running_lot(draft, case, &vessel, &form, e, portion.lot)?;
    if let Some(before) = vessel.running.filter(|_| vessel.at != at) {
        take_aboard(draft, before, &vessel.at, &at)?;
    }
    if let Some(before) = vessel.running.filter(|before| *before != running) {
        let heel = Portion::all_loose(draft, before, &at)?;
        pour(draft, case, &heel, &at, running, &at)?;
    }
    pour(draft, case, &portion, &from, running, &at)?;
    set_content(draft, running)?;
    let news = vessel.state.contents.first() != Some(&form);
    draft.emit(
        &subject::place(case.party(), &vessel.place),
        C::VesselContents(VesselContents {
            running: running.to_bytes(),
            form: if news { form } else { String::new() },
            uncleaned: true,
            consignment: at.id.clone(),
        }),
    )?;
    match ConsignmentId::from_slice(&at.id) {
        Some(id) => load(draft, id, running).and_then(|()| goods::unload(draft, id)),
        None => Ok(()),
    }
}

/// Where the goods are poured from: a place, or a consignment that the signer
/// carries.
fn source(
    draft: &Draft<'_>,
    case: &Case<'_>,
    e: &Filled,
) -> Result<(Account, Option<ConsignmentId>), Refused> {
    match &e.from {
        Some(From::Place(place)) => {
            goods::own_place(draft, case.party(), place, "place")?;
            Ok((account::held(case.party(), place), None))
        }
        Some(From::Consignment(id)) => {
            let id = carriage::carried(draft, id, case.party())?;
            Ok((account::aboard(id), Some(id)))
        }
        None => Err(Refused::missing("place")),
    }
}

/// What is of the running lot already goes back into its vessel.
fn pour_back(
    draft: &mut Draft<'_>,
    portion: &Portion,
    from: &Account,
    to: &Account,
) -> Result<(), Refused> {
    if from == to {
        return Err(Refused::new(RefusalCode::NoChange, "goods")
            .detail("it is what the vessel holds already"));
    }
    draft.transfer(portion.lot, from, to, portion.loose)
}

/// The form that is poured in: the one that the vessel holds, or held last and
/// was not cleaned of. What customs hold is not mixed with anything.
fn compatible(draft: &Draft<'_>, vessel: &Vessel, poured: LotId) -> Result<String, Refused> {
    let state = draft.lot(poured).unwrap_or_default();
    draw_first(&state, "goods.lot")?;
    customs::free(draft, poured, "goods.lot")?;
    let form = lot::form(&state).to_owned();
    let running = vessel.running.and_then(|id| draft.lot(id));
    let inside = match &running {
        Some(running) => Some(lot::form(running)),
        None if vessel.state.uncleaned => vessel.state.contents.first().map(String::as_str),
        None => None,
    };
    if let Some(running) = &running
        && waste(running) != waste(&state)
    {
        return Err(Refused::new(RefusalCode::IncompatibleRefilling, "vessel")
            .detail("waste of one code and one generator is poured by itself"));
    }
    match inside {
        Some(inside) if inside != form => {
            Err(
                Refused::new(RefusalCode::IncompatibleRefilling, "vessel").detail(format!(
                    "{form} into a vessel that held {inside}, uncleaned"
                )),
            )
        }
        _ => Ok(form),
    }
}

/// A waste's code and who answers for it; empty for what is none.
fn waste(lot: &LotState) -> (&str, &str) {
    let born = lot.born.as_ref();
    born.map_or(("", ""), |born| (&born.waste_code, &born.answerable))
}

/// The running lot that is poured into: the vessel's, or a new one where it
/// has none, or where it is made of as many lots as may be.
fn running_lot(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    vessel: &Vessel,
    form: &str,
    e: &Filled,
    poured: LotId,
) -> Result<LotId, Refused> {
    let mut label = e.label.clone();
    if let Some(running) = vessel.running {
        let state = draft.lot(running).unwrap_or_default();
        let known = state.blend.iter().filter(|p| !p.lot.is_empty()).count();
        let full = known >= blend::MAX_KNOWN;
        if !full || state.blend.iter().any(|p| p.lot.as_ref() == poured.0) {
            return Ok(running);
        }
        if label.is_empty() {
            label = next_label(&state.born.clone().unwrap_or_default().label);
        }
        end_running(draft, running)?;
    }
    fields::text(&label, MAX_SHORT, "label")?;
    let id = LotId(case.name(0));
    let like = draft.lot(poured).and_then(|lot| lot.born.clone());
    let like = like.unwrap_or_default();
    draft.emit(
        &subject::lot(id),
        C::Born(LotBorn {
            label,
            form: form.to_owned(),
            source: AccountKind::Made.into(),
            declarer: case.party().to_owned(),
            waste_code: like.waste_code,
            answerable: like.answerable,
            ..LotBorn::default()
        }),
    )?;
    draft.emit(
        &subject::lot(id),
        C::RunningIn(RunningIn {
            party: case.party().to_owned(),
            place: vessel.place.clone(),
        }),
    )?;
    Ok(id)
}

/// `T-1 2026` goes on as `T-1 2026~2`, and that as `T-1 2026~3`.
fn next_label(label: &str) -> String {
    let numbered = label.rsplit_once('~');
    let numbered = numbered.and_then(|(stem, n)| Some((stem, n.parse::<u64>().ok()?)));
    let (stem, next) = match numbered {
        Some((stem, n)) => (stem, n.saturating_add(1)),
        None => (label, 2),
    };
    let mut stem = stem;
    let suffix = format!("~{next}");
    while stem.len() + suffix.len() > MAX_SHORT {
        stem = stem
            .char_indices()
            .last()
            .map_or("", |(at, _)| stem.get(..at).unwrap_or(""));
    }
    format!("{stem}{suffix}")
}

/// What stood in the vessel goes aboard with what is poured in.
fn take_aboard(
    draft: &mut Draft<'_>,
    running: LotId,
    from: &Account,
    to: &Account,
) -> Result<(), Refused> {
    let heel = Portion::all_loose(draft, running, from)?;
    draft.transfer(running, from, to, heel.loose)
}

/// Goods end as a lot of their own and go on as a part of a running lot, with
/// their owners.
fn pour(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    portion: &Portion,
    from: &Account,
    running: LotId,
    to: &Account,
) -> Result<(), Refused> {
    let total = portion.total()?;
    let state = draft.lot(portion.lot).unwrap_or_default();
    let (_, of) = parents(&state, portion.lot, total)?;
    carry_packages_title(draft, &state, portion, running)?;
    let kind = AccountKind::Transformed;
    goods::spend(draft, portion, from, kind, packaging::of_sink(kind))?;
    draft.carry_title(portion.lot, running, case.party(), portion.loose.gross)?;
    give(draft, portion.lot, running, total, of)?;
    draft.transfer(running, &account::plain(AccountKind::Made), to, total)?;
    let part = Parent {
        lot: portion.lot.to_bytes(),
        gross_mg: total.gross,
        contained_mg: total.contained,
    };
    draft.emit(&subject::lot(running), C::Blended(blend::gained(&[part])))
}

/// What was in packages is owned by who owned the packages.
fn carry_packages_title(
    draft: &mut Draft<'_>,
    state: &LotState,
    portion: &Portion,
    running: LotId,
) -> Result<(), Refused> {
    for range in &portion.serials {
        for p in lot::select(state, range.first, range.last).unwrap_or_default() {
            let mass = lot::package_mass(&p).map_err(overflow)?;
            draft.post_title(running, &p.owner, mass.gross)?;
        }
    }
    for part in &portion.parts {
        for p in lot::select(state, part.serial, part.serial).unwrap_or_default() {
            draft.post_title(running, &p.owner, part.amount.gross)?;
        }
    }
    Ok(())
}

/// The running lot's content, as it is now that something was poured in.
pub(in crate::custody::decide) fn set_content(
    draft: &mut Draft<'_>,
    running: LotId,
) -> Result<(), Refused> {
    let state = draft.lot(running).unwrap_or_default();
    let content_ppm = content_of(lot::held_in_all(&state).map_err(overflow)?);
    if content_ppm == state.content_ppm {
        return Ok(());
    }
    let assay = AssaySet {
        content_ppm,
        mixed: true,
    };
    draft.emit(&subject::lot(running), C::Assay(assay))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_counts_on_and_stays_within_its_bound() {
        assert_eq!(next_label("T-1 2026"), "T-1 2026~2");
        assert_eq!(next_label("T-1 2026~9"), "T-1 2026~10");
        assert_eq!(next_label("a~b"), "a~b~2");
        let long = "罐".repeat(21);
        assert_eq!(next_label(&long), format!("{}~2", "罐".repeat(20)));
    }
}
