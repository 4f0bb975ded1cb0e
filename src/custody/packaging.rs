//! A package's life beside its place: opened, emptied, cleaned, ended (law 6).
//! An empty is a package with nothing in it that counts: it keeps its serial,
//! its place and its owner, so what moves and offers packages moves and offers
//! empties.

use super::lot::{self, Amount, Broken};
use super::ranges;
use crate::pb::{Account, AccountKind, LotState, PackageRange, PackageState, SerialRange};

/// What becomes of a package whose content goes to a sink whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packaging {
    /// It stays where it is, an empty, uncleaned.
    Stays,
    /// It goes with what is in it: its serial ends. From `missing` it may
    /// come back.
    Goes,
}

/// The table of sinks: which leave an empty behind.
///
/// | sink | by | the package |
/// |---|---|---|
/// | `used` | Used | stays: its content was dosed, dissolved, blasted |
/// | `transformed` | Transformed, Sampled | stays: it was poured |
/// | `transformed` | Wasted | goes: the waste lot is drum and all |
/// | `disposed` | Disposed | goes; stays if the event says `emptied` |
/// | `process_loss` | Repacked | stays: it was poured into others |
/// | `exported`, `outbound` | Exported, Departed | goes |
/// | `released` | Incident, Settled | goes: burst, burnt, washed away |
/// | `missing` | Incident, Counted, Settled | goes, and may be recovered |
///
/// A part is always poured: the package stays, open, or with its last part
/// empty. Wasted and an emptied disposal say so themselves.
pub fn of_sink(kind: AccountKind) -> Packaging {
    match kind {
        AccountKind::Used | AccountKind::Transformed | AccountKind::ProcessLoss => Packaging::Stays,
        _ => Packaging::Goes,
    }
}

/// Whether something is in packages of this state that counts.
pub fn has_content(state: PackageState) -> bool {
    matches!(state, PackageState::Full | PackageState::Open)
}

/// Whether packages weigh what their state says: something, or nothing.
pub fn weighs_right(package: &PackageRange) -> bool {
    if has_content(package.state()) {
        return package.gross_mg_each > 0 && package.contained_mg_each >= 0;
    }
    package.gross_mg_each == 0 && package.contained_mg_each == 0
}

/// The packages' state in words, for people.
pub fn show(state: PackageState) -> &'static str {
    match state {
        PackageState::Full => "full",
        PackageState::Open => "open",
        PackageState::Empty => "empty, uncleaned",
        PackageState::Cleaned => "empty, cleaned",
    }
}

/// The contained mass that goes with `gross` out of a package: in proportion
/// to its own, rounded down, the remainder staying; the last gross takes the
/// last contained.
pub fn part_of(package: &PackageRange, gross: i64) -> Amount {
    let contained = if gross == package.gross_mg_each {
        package.contained_mg_each
    } else {
        crate::event::mass::Mass::mg(package.contained_mg_each)
            .share(gross, package.gross_mg_each)
            .unwrap_or_default()
            .as_mg()
    };
    Amount { gross, contained }
}

/// Takes a mass out of one package, which is open then, or empty.
pub fn take_part(lot: &mut LotState, serial: u64, part: Amount) -> Result<(), Broken> {
    let selected = lot::select(lot, serial, serial).unwrap_or_default();
    let [package] = selected.as_slice() else {
        return lot::broken(6, format!("package {serial} is not live"));
    };
    let left = Amount {
        gross: package.gross_mg_each,
        contained: package.contained_mg_each,
    }
    .minus(part)?;
    let sound = part.gross > 0 && left.gross >= 0 && left.contained >= 0;
    if !sound || left.gross == 0 && left.contained != 0 || !has_content(package.state()) {
        return lot::broken(2, format!("package {serial} would hold {} mg", left.gross));
    }
    let state = match left.gross {
        0 => PackageState::Empty,
        _ => PackageState::Open,
    };
    lot::change_packages(lot, serial, serial, |p| {
        p.gross_mg_each = left.gross;
        p.contained_mg_each = left.contained;
        p.state = state.into();
    })
}

/// Packages whose content is gone are empties.
pub fn empty(lot: &mut LotState, first: u64, last: u64) -> Result<(), Broken> {
    all(lot, first, last, "with content", has_content)?;
    lot::change_packages(lot, first, last, |p| {
        p.gross_mg_each = 0;
        p.contained_mg_each = 0;
        p.state = PackageState::Empty.into();
        p.reserved_by = bytes::Bytes::new();
    })
}

/// Empties are cleaned.
pub fn clean(lot: &mut LotState, first: u64, last: u64) -> Result<(), Broken> {
    all(lot, first, last, "uncleaned empties", |s| {
        s == PackageState::Empty
    })?;
    lot::change_packages(lot, first, last, |p| p.state = PackageState::Cleaned.into())
}

/// Empties are no packages any more; their serials are never used again.
pub fn end(lot: &mut LotState, first: u64, last: u64) -> Result<(), Broken> {
    all(lot, first, last, "empties", |s| !has_content(s))?;
    lot::take_out(lot, first, last);
    ranges::insert(&mut lot.ended, SerialRange { first, last });
    Ok(())
}

/// The packages in an outer packing on an account.
pub fn inside(lot: &LotState, outer: &str, account: &Account) -> Vec<SerialRange> {
    let mut serials = Vec::new();
    let there = |p: &&PackageRange| p.outer == outer && p.account.as_ref() == Some(account);
    for p in lot.packages.iter().filter(there) {
        let (first, last) = (p.first, p.last);
        ranges::insert(&mut serials, SerialRange { first, last });
    }
    serials
}

/// The outer packings that lose some of what is in them, and not all, if
/// `taken` go: by name, with everything in each.
pub fn broken(lot: &LotState, taken: &[SerialRange]) -> Vec<(String, Vec<SerialRange>)> {
    let touched = touched(lot, taken).into_iter();
    touched
        .filter(|(_, all)| !ranges::minus(all, taken).is_empty())
        .collect()
}

/// The outer packings that have some of these packages in them: by name, with
/// everything in each.
pub fn touched(lot: &LotState, some: &[SerialRange]) -> Vec<(String, Vec<SerialRange>)> {
    let mut found: Vec<(String, Vec<SerialRange>)> = Vec::new();
    let within = lot.packages.iter().filter(|p| !p.outer.is_empty());
    for p in within {
        let (first, last) = (p.first, p.last);
        match found.iter_mut().find(|(name, _)| *name == p.outer) {
            Some((_, all)) => ranges::insert(all, SerialRange { first, last }),
            None => found.push((p.outer.clone(), vec![SerialRange { first, last }])),
        }
    }
    found.retain(|(_, all)| ranges::overlap(all, some));
    found
}

/// Packages go into an outer packing, or out of theirs.
pub fn aggregate(lot: &mut LotState, first: u64, last: u64, outer: &str) -> Result<(), Broken> {
    lot::change_packages(lot, first, last, |p| outer.clone_into(&mut p.outer))
}

/// That all of first..=last are live and in a state that serves.
fn all(
    lot: &LotState,
    first: u64,
    last: u64,
    what: &str,
    serves: fn(PackageState) -> bool,
) -> Result<(), Broken> {
    let serve = lot::select(lot, first, last)
        .is_some_and(|selected| selected.iter().all(|p| serves(p.state())));
    if serve {
        return Ok(());
    }
    lot::broken(6, format!("packages {first}-{last} are not all {what}"))
}
