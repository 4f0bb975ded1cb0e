//! Parts of packages: a mass taken out of one, full or open, which stays.

use super::fields;
use super::goods::{self, Reserved, overflow};
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::{packaging, ranges, subject};
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::pb::change::Change as C;
use crate::pb::{
    Account, Goods, LotState, PackagePart, PackageParted, PackageRange, PackagesEmptied,
    RefusalCode, SerialRange,
};

/// Parts that one event may name of one lot, at most.
pub const MAX_PARTS: usize = 256;

/// What an event can do with packages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Packages as they stand, empties too; no parts.
    Whole,
    /// What is in them: whole packages or parts, and no empties.
    Content,
    /// Packages with what is in them, parts, and empties.
    All,
}

/// A mass out of one package.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) serial: u64,
    pub(super) amount: Amount,
}

/// Checks what can be said of parts without the books.
pub(super) fn check(goods: &Goods) -> Result<(), Refused> {
    if goods.parts.len() > MAX_PARTS {
        return Err(Refused::invalid("parts", format!("at most {MAX_PARTS}")));
    }
    for (i, part) in goods.parts.iter().enumerate() {
        let field = format!("parts[{i}].quantity");
        Mass::of(part.quantity.as_ref(), &field)?;
    }
    let serials: Vec<SerialRange> = goods.parts.iter().map(range_of).collect();
    fields::serials(&serials, "parts")?;
    if ranges::overlap(&serials, &goods.serials) {
        return Err(Refused::new(RefusalCode::SerialsOverlap, "parts")
            .detail("a package is named whole and in part"));
    }
    Ok(())
}

fn range_of(part: &PackagePart) -> SerialRange {
    one(part.serial)
}

fn one(serial: u64) -> SerialRange {
    SerialRange {
        first: serial,
        last: serial,
    }
}

/// Finds the named parts on an account. Reserved packages are refused, or
/// their offer loses them.
pub(super) fn find(
    draft: &mut Draft<'_>,
    id: LotId,
    state: &LotState,
    goods: &Goods,
    account: &Account,
    reserved: Reserved,
) -> Result<Vec<Part>, Refused> {
    let mut found = Vec::with_capacity(goods.parts.len());
    for (i, part) in goods.parts.iter().enumerate() {
        let field = format!("parts[{i}]");
        let gross = Mass::of(part.quantity.as_ref(), "quantity")?.as_mg();
        let selected = goods::packages(state, &[range_of(part)], account).map_err(|r| Refused {
            field: field.clone(),
            ..r
        })?;
        let Some(package) = selected.first() else {
            continue;
        };
        if packaging::has_content(package.state()) && gross > package.gross_mg_each {
            return Err(
                Refused::new(RefusalCode::Insufficient, field).detail(format!(
                    "{} wanted, {} in package {}",
                    Mass::mg(gross),
                    Mass::mg(package.gross_mg_each),
                    part.serial
                )),
            );
        }
        goods::free_packages(draft, id, &selected, reserved)?;
        with_content(&selected).map_err(|r| Refused { field, ..r })?;
        found.push(Part {
            serial: part.serial,
            amount: packaging::part_of(package, gross),
        });
    }
    Ok(found)
}

/// That something is in every package.
pub(super) fn with_content(packages: &[PackageRange]) -> Result<(), Refused> {
    let empty = |p: &&PackageRange| !packaging::has_content(p.state());
    match packages.iter().find(empty) {
        None => Ok(()),
        Some(p) => Err(
            Refused::new(RefusalCode::PackageEmpty, "serials").detail(format!(
                "package {} is {}",
                p.first,
                packaging::show(p.state())
            )),
        ),
    }
}

/// That an event which moves packages names them whole.
pub(super) fn refuse(goods: &Goods) -> Result<(), Refused> {
    if goods.parts.is_empty() {
        return Ok(());
    }
    Err(Refused::new(RefusalCode::PartsNotAllowed, "parts")
        .detail("packages go whole here; pour or repack first"))
}

/// The mass of parts together.
pub(super) fn total(parts: &[Part]) -> Result<Amount, Refused> {
    parts.iter().try_fold(Amount::default(), |sum, part| {
        sum.plus(part.amount).map_err(overflow)
    })
}

/// Takes the parts out of their packages. What they weigh is booked by others.
pub(super) fn take_out(draft: &mut Draft<'_>, lot: LotId, parts: &[Part]) -> Result<(), Refused> {
    let serials: Vec<SerialRange> = parts.iter().map(|p| one(p.serial)).collect();
    leave_outers(draft, lot, &serials)?;
    for part in parts {
        let parted = PackageParted {
            serial: part.serial,
            gross_mg: part.amount.gross,
            contained_mg: part.amount.contained,
        };
        draft.emit(&subject::lot(lot), C::PackageParted(parted))?;
    }
    Ok(())
}

/// Leaves the packages behind as empties. What was in them is booked by
/// others.
pub(super) fn empty_out(
    draft: &mut Draft<'_>,
    lot: LotId,
    serials: &[SerialRange],
) -> Result<(), Refused> {
    leave_outers(draft, lot, serials)?;
    for range in serials {
        let emptied = PackagesEmptied {
            first: range.first,
            last: range.last,
        };
        draft.emit(&subject::lot(lot), C::PackagesEmptied(emptied))?;
    }
    Ok(())
}

/// What is opened or emptied is in no outer packing.
pub(super) fn leave_outers(
    draft: &mut Draft<'_>,
    lot: LotId,
    serials: &[SerialRange],
) -> Result<(), Refused> {
    let touched = packaging::touched(&draft.lot(lot).unwrap_or_default(), serials);
    draft.break_up(lot, &touched)
}

/// For people: `, part of 7, 9`; nothing if there are none.
pub(super) fn show(parts: &[Part]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let serials: Vec<String> = parts.iter().map(|p| p.serial.to_string()).collect();
    format!(", part of {}", serials.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_package_takes_the_last_of_its_content() {
        let package = PackageRange {
            gross_mg_each: 3,
            contained_mg_each: 2,
            ..PackageRange::default()
        };
        let contained = |gross| packaging::part_of(&package, gross).contained;
        assert_eq!([1, 2, 3].map(contained), [0, 1, 2]);
    }
}
