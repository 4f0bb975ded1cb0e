//! Stock that breaks a rule, wherever it came from: more in a unit than it is
//! designed for, more with a party than its permit says, goods side by side
//! that are to be kept apart, too much in one place. Judged once a statement
//! has been decided, and only where there is more than before: what an earlier
//! event was found for is not found again by one that takes goods away.

use std::collections::BTreeMap;

use super::judged::{Fault, Judged};
use super::permits::{self, Proof, Wanted};
use super::{party_region, place_region, site_region};
use crate::catalog::{self, Form, RegionCode, Substance};
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::rules::{Asked, Book};
use crate::custody::stock::Moved;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::pb::{MassBasis, RuleKind, Subject, SubjectKind};

const RULES: [RuleKind; 4] = [
    RuleKind::DesignMaximum,
    RuleKind::StoredQuantity,
    RuleKind::IncompatibleGoods,
    RuleKind::Stack,
];

/// What the statement has brought into places.
pub(in crate::custody::decide) fn judge(draft: &mut Draft<'_>) -> Result<(), Refused> {
    let book = Book::of(draft);
    if RULES.iter().all(|rule| book.is_silent(*rule)) {
        return Ok(());
    }
    for moved in draft.stock_moves()? {
        if moved.by.values().any(|amount| amount.gross > 0) {
            draft.resume_at(&moved.at.party, &moved.at.places);
            one(draft, &moved);
        }
    }
    Ok(())
}

fn one(draft: &mut Draft<'_>, moved: &Moved) {
    let at = &moved.at;
    let (party, place, unit) = (&at.party, &at.place, &at.unit);
    let region = match (place.as_str(), unit.as_str()) {
        ("", "") => party_region(draft, party),
        ("", unit) => unit_region(draft, party, unit),
        (place, _) => place_region(draft, party, place).or_else(|| party_region(draft, party)),
    };
    let Some(judged) = Judged::fact(draft, region.into_iter().collect()) else {
        return;
    };
    match (place.as_str(), unit.as_str()) {
        ("", "") => stored(draft, &judged, moved),
        ("", unit) => designed(draft, &judged, moved, unit),
        (place, _) => {
            let subject = subject::place(party, place);
            stacked(draft, &judged, moved, &subject);
            apart(draft, &judged, moved, &subject);
        }
    }
}

fn unit_region(draft: &Draft<'_>, party: &str, unit: &str) -> Option<RegionCode> {
    match draft
        .item(&subject::within(SubjectKind::Unit, party, unit))
        .as_deref()
    {
        Some(Item::Unit(unit)) => site_region(draft, party, &unit.registered.as_ref()?.site),
        _ => None,
    }
}

/// The substances of which there is more, with a form of each.
fn more(moved: &Moved) -> Vec<(Substance, &'static Form)> {
    let mut by: BTreeMap<Substance, (i64, &Form)> = BTreeMap::new();
    for (form, amount) in known(&moved.by) {
        let entry = by.entry(form.substance).or_insert((0, form));
        entry.0 = entry.0.saturating_add(amount.gross);
    }
    let more = by.into_iter().filter(|(_, (gross, _))| *gross > 0);
    more.map(|(substance, (_, form))| (substance, form))
        .collect()
}

/// Amounts with what they are of.
fn known(forms: &BTreeMap<String, Amount>) -> impl Iterator<Item = (&'static Form, Amount)> {
    let known = forms.iter();
    known.filter_map(|(code, amount)| Some((catalog::form(code)?, *amount)))
}

/// All of a substance that stands there, by gross or by contained.
fn total(moved: &Moved, substance: Substance, basis: MassBasis) -> i64 {
    let of_it = known(&moved.now).filter(|(form, _)| form.substance == substance);
    let masses = of_it.map(|(_, amount)| match basis {
        MassBasis::Contained => amount.contained,
        MassBasis::Gross | MassBasis::Unspecified => amount.gross,
    });
    masses.fold(0, i64::saturating_add)
}

/// The forms there that are of a substance.
fn forms_of(moved: &Moved, substance: Substance) -> Vec<&'static Form> {
    let of_it = known(&moved.now).filter(|(form, _)| form.substance == substance);
    of_it.map(|(form, _)| form).collect()
}

/// So much with so many parts per million.
fn with(mg: i64, ppm: i64) -> i64 {
    let share = Mass::mg(mg).share(ppm, 1_000_000);
    mg.saturating_add(share.map_or(i64::MAX, Mass::as_mg))
}

/// A unit's design maximum (GB 18218-2018: live stock beyond it is an alarm).
fn designed(draft: &mut Draft<'_>, judged: &Judged, moved: &Moved, unit: &str) {
    let name = subject::within(SubjectKind::Unit, &moved.at.party, unit);
    let maxima = match draft.item(&name).as_deref() {
        Some(Item::Unit(state)) => state.registered.as_ref().map(|r| r.design_maxima.clone()),
        _ => None,
    };
    let maxima = maxima.unwrap_or_default();
    for (substance, _) in more(moved) {
        let named = substance.to_string();
        let Some(maximum) = maxima.iter().find(|m| m.substance == named) else {
            continue;
        };
        let there = total(moved, substance, MassBasis::Gross);
        let fault = |asked: &Asked<'_>| {
            let beyond = there > with(maximum.gross_mg, asked.line.limit);
            beyond.then(|| {
                let (there, designed) = (Mass::mg(there), Mass::mg(maximum.gross_mg));
                Fault::known(format!(
                    "{there} of {named} in unit {unit}, designed for {designed}"
                ))
            })
        };
        let forms = forms_of(moved, substance);
        let worst = judged.worst(RuleKind::DesignMaximum, &forms, fault);
        judged.tell(draft, worst, &name, &moved.at.party, "");
    }
}

/// The greatest quantity that a party's permits of the kinds named state. One
/// that nobody has confirmed speaks only where none is proven.
fn stored(draft: &mut Draft<'_>, judged: &Judged, moved: &Moved) {
    let party = &moved.at.party;
    for (substance, _) in more(moved) {
        let fault = |asked: &Asked<'_>| {
            let permits = permitted(draft, party, substance, asked);
            let proven = permits.iter().any(|permit| permit.proven);
            let mut speak = permits.iter().filter(|permit| permit.proven == proven);
            let within = |permit: &Permitted| {
                total(moved, substance, permit.basis) <= with(permit.mg, asked.line.limit)
            };
            let named = speak.clone().max_by_key(|permit| permit.mg)?;
            if speak.any(within) {
                return None;
            }
            let there = Mass::mg(total(moved, substance, named.basis));
            let (number, quantity) = (&named.number, Mass::mg(named.mg));
            let why = format!("{there} of {substance}; permit {number} is for {quantity}");
            Some(Fault { proven, why })
        };
        let forms = forms_of(moved, substance);
        let worst = judged.worst(RuleKind::StoredQuantity, &forms, fault);
        judged.tell(draft, worst, &subject::party(party), party, "");
    }
}

/// A permit that states a quantity.
struct Permitted {
    number: String,
    proven: bool,
    basis: MassBasis,
    mg: i64,
}

fn permitted(
    draft: &Draft<'_>,
    party: &str,
    substance: Substance,
    asked: &Asked<'_>,
) -> Vec<Permitted> {
    let wanted = Wanted {
        kinds: &asked.line.permits,
        substance,
        stages: &[],
        at_ms: asked.at_ms,
    };
    let state = draft.party(party).unwrap_or_default();
    let permits = state.permits.iter().filter_map(|number| {
        let permit = draft.permit(party, number)?;
        let registered = permit.registered.as_ref()?;
        let proof = permits::one(registered, &wanted)?;
        let speaks = matches!(proof, Proof::Proven | Proof::Unconfirmed(_));
        (speaks && registered.quantity_mg > 0).then(|| Permitted {
            number: number.clone(),
            proven: matches!(proof, Proof::Proven),
            basis: registered.basis(),
            mg: registered.quantity_mg,
        })
    });
    permits.collect()
}

/// So much of one substance in one place, of all forms that a line is for.
fn stacked(draft: &mut Draft<'_>, judged: &Judged, moved: &Moved, place: &Subject) {
    for (substance, _) in more(moved) {
        let forms = forms_of(moved, substance);
        let fault = |asked: &Asked<'_>| {
            let is_for = |form: &Form| {
                let lines = judged.lines(RuleKind::Stack, Some(form));
                lines.iter().any(|l| std::ptr::eq(l.line, asked.line))
            };
            let of_it = known(&moved.now).filter(|(form, _)| form.substance == substance);
            let masses = of_it.filter(|(form, _)| is_for(form)).map(|(_, a)| a.gross);
            let there = masses.fold(0, i64::saturating_add);
            (there > asked.line.limit).then(|| {
                let (there, limit) = (Mass::mg(there), Mass::mg(asked.line.limit));
                Fault::known(format!(
                    "{there} of {substance} in one place; at most {limit}"
                ))
            })
        };
        let worst = judged.worst(RuleKind::Stack, &forms, fault);
        judged.tell(draft, worst, place, &moved.at.party, "");
    }
}

/// What has come beside goods that it is to be kept apart from; a line for
/// either of the two judges them.
fn apart(draft: &mut Draft<'_>, judged: &Judged, moved: &Moved, place: &Subject) {
    let came = known(&moved.by).filter(|(_, amount)| amount.gross > 0);
    for (form, _) in came {
        let others = known(&moved.now).filter(|(other, amount)| {
            let distinct = other.code != form.code && amount.gross > 0;
            // Of two that have come together, one says so.
            let both = moved.by.get(other.code.as_str());
            distinct && (other.code > form.code || both.is_none_or(|by| by.gross <= 0))
        });
        for (other, _) in others {
            let degree = catalog::segregation(form, other);
            let fault = |asked: &Asked<'_>| {
                let (a, b) = (form.code, other.code);
                let (of_a, of_b) = (form.class_division, other.class_division);
                (degree >= asked.line.limit.max(1)).then(|| {
                    Fault::known(format!(
                        "{a} beside {b}: classes {of_a} and {of_b}, segregation {degree}"
                    ))
                })
            };
            let worst = judged.worst(RuleKind::IncompatibleGoods, &[form, other], fault);
            judged.tell(draft, worst, place, &moved.at.party, "");
        }
    }
}
