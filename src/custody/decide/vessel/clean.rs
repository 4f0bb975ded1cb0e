//! A vessel's heel washed out: a transformation of what it held into product,
//! rinse and waste.

use super::super::Case;
use super::super::goods::{self, Portion};
use super::super::signers;
use super::super::store::late;
use super::super::transform::{self, Input, Output};
use super::{end_running, hold, own_vessel};
use crate::custody::account;
use crate::custody::draft::Draft;
use crate::event::codes::Refused;
use crate::pb::{
    Account, AccountKind, Cleaned, CleanedInto, NewLot, RefusalCode, Residue, Transformed,
};

/// Rinses, residues and losses of one cleaning, at most each.
const MAX_RESIDUES: usize = 8;

pub(in crate::custody::decide) fn cleaned(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Cleaned,
) -> Result<(), Refused> {
    signers::active(draft, case.party(), "party").map_err(|r| r.within("payload"))?;
    check(draft, case, e)?;
    let vessel = own_vessel(draft, case.party(), &e.vessel, "vessel")?;
    if vessel.at.kind() == AccountKind::Aboard {
        return Err(Refused::new(RefusalCode::VesselInUse, "vessel")
            .detail(format!("what it holds is {}", account::show(&vessel.at))));
    }
    if !vessel.state.uncleaned {
        return Err(Refused::new(RefusalCode::NoChange, "vessel"));
    }
    match vessel.running {
        Some(running) => {
            late(draft, case, running);
            let heel = Portion::all_loose(draft, running, &vessel.at)?;
            end_running(draft, running)?;
            wash(draft, case, e, heel, &vessel.at)?;
        }
        None if !e.into.is_empty() => {
            return Err(Refused::new(RefusalCode::NotConserved, "into")
                .detail("the vessel holds nothing that could come out"));
        }
        None => {}
    }
    hold(draft, case.party(), &vessel.place, None, false)
}

/// Checks what can be said of a cleaning without the vessel.
fn check(draft: &Draft<'_>, case: &Case<'_>, e: &Cleaned) -> Result<(), Refused> {
    let counts = [
        ("rinse", e.rinse.len()),
        ("into", e.into.len()),
        ("losses", e.losses.len()),
    ];
    for (field, count) in counts {
        if count > MAX_RESIDUES {
            return Err(Refused::invalid(field, format!("at most {MAX_RESIDUES}")));
        }
    }
    transform::check_sides(&as_transformation(e))?;
    for (i, into) in e.into.iter().enumerate() {
        check_residue(draft, case, into).map_err(|r| r.within(&format!("into[{i}]")))?;
    }
    Ok(())
}

fn check_residue(draft: &Draft<'_>, case: &Case<'_>, into: &CleanedInto) -> Result<(), Refused> {
    match into.residue() {
        Residue::Unspecified => return Err(Refused::missing("residue")),
        Residue::Waste => transform::waste_code(&into.waste_code)?,
        Residue::Product | Residue::Rinse if !into.waste_code.is_empty() => {
            return Err(Refused::invalid("waste_code", "it is no waste"));
        }
        Residue::Product | Residue::Rinse => {}
    }
    let lot = into.lot.as_ref().ok_or_else(|| Refused::missing("lot"))?;
    Output::of(lot, "").map_err(|r| r.within("lot"))?;
    goods::own_place(draft, case.party(), &lot.place, "lot.place")
}

/// Takes the heel and books what came of it.
fn wash(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Cleaned,
    heel: Portion,
    at: &Account,
) -> Result<(), Refused> {
    let lots = e
        .into
        .iter()
        .filter_map(|into| Some((into, into.lot.as_ref()?)));
    let outputs = lots
        .map(|(into, lot)| Output::of(lot, &into.waste_code))
        .collect::<Result<Vec<_>, _>>()?;
    let input = Input::take(draft, case, heel, at)?;
    transform::convert(draft, case, &as_transformation(e), vec![input], &outputs)
}

/// The same in the words of a transformation, whose input is the heel.
fn as_transformation(e: &Cleaned) -> Transformed {
    let lots = e.into.iter().filter_map(|into| into.lot.clone());
    Transformed {
        outputs: lots.collect::<Vec<NewLot>>(),
        inert: e.rinse.clone(),
        losses: e.losses.clone(),
        ..Transformed::default()
    }
}
