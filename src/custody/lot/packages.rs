//! A lot's packages, as ranges of serials: which are live, where they stand,
//! whose they are, and what they are promised to.

use super::{Broken, broken};
use crate::custody::account::{self, Class};
use crate::custody::ranges;
use crate::pb::{Account, AccountKind, LotState, PackageRange, SerialRange};

/// The packages first..=last, cut out of their ranges; `None` unless every
/// one of them is live.
pub fn select(lot: &LotState, first: u64, last: u64) -> Option<Vec<PackageRange>> {
    let mut next = first;
    let mut selected = Vec::new();
    for p in lot
        .packages
        .iter()
        .filter(|p| p.last >= first && p.first <= last)
    {
        if p.first > next {
            return None;
        }
        let cut = PackageRange {
            first: p.first.max(first),
            last: p.last.min(last),
            ..p.clone()
        };
        next = cut.last.checked_add(1)?;
        selected.push(cut);
    }
    (next > last && first <= last).then_some(selected)
}

/// Changes every package of first..=last, all of which must be live.
pub(in crate::custody) fn change_packages(
    lot: &mut LotState,
    first: u64,
    last: u64,
    change: impl Fn(&mut PackageRange),
) -> Result<(), Broken> {
    let Some(mut selected) = select(lot, first, last) else {
        return broken(6, format!("packages {first}-{last} are not all live"));
    };
    selected.iter_mut().for_each(change);
    take_out(lot, first, last);
    lot.packages.append(&mut selected);
    join_packages(lot);
    Ok(())
}

pub(in crate::custody) fn take_out(lot: &mut LotState, first: u64, last: u64) {
    let mut kept = Vec::with_capacity(lot.packages.len() + 1);
    for p in lot.packages.drain(..) {
        if p.last < first || p.first > last {
            kept.push(p);
            continue;
        }
        if p.first < first {
            kept.push(PackageRange {
                last: first - 1,
                ..p.clone()
            });
        }
        if p.last > last {
            kept.push(PackageRange {
                first: last + 1,
                ..p
            });
        }
    }
    lot.packages = kept;
}

fn join_packages(lot: &mut LotState) {
    lot.packages.sort_unstable_by_key(|p| p.first);
    let mut joined: Vec<PackageRange> = Vec::with_capacity(lot.packages.len());
    for p in lot.packages.drain(..) {
        if let Some(before) = joined.last_mut() {
            let alike = PackageRange {
                first: p.first,
                last: p.last,
                ..before.clone()
            } == p;
            if alike && before.last.checked_add(1) == Some(p.first) {
                before.last = p.last;
                continue;
            }
        }
        joined.push(p);
    }
    lot.packages = joined;
}

/// New packages; their serials were never used (law 6).
pub fn add_packages(lot: &mut LotState, range: PackageRange) -> Result<(), Broken> {
    let fresh = SerialRange {
        first: range.first,
        last: range.last,
    };
    let taken = lot
        .packages
        .iter()
        .any(|p| p.first <= range.last && range.first <= p.last)
        || ranges::overlap(&lot.ended, &[fresh]);
    if range.first == 0 || range.first > range.last || range.last == u64::MAX || taken {
        return broken(
            6,
            format!("serials {}-{} are not new", range.first, range.last),
        );
    }
    lot.packages.push(range);
    join_packages(lot);
    Ok(())
}

/// Packages go to another account; in a sink other than missing they end.
pub fn move_packages(
    lot: &mut LotState,
    first: u64,
    last: u64,
    to: &Account,
) -> Result<(), Broken> {
    let ends = account::class(to.kind()) == Some(Class::Sink) && to.kind() != AccountKind::Missing;
    if !ends {
        return change_packages(lot, first, last, |p| {
            p.account = Some(to.clone());
            p.reserved_by = bytes::Bytes::new();
        });
    }
    if select(lot, first, last).is_none() {
        return broken(6, format!("packages {first}-{last} are not all live"));
    }
    take_out(lot, first, last);
    ranges::insert(&mut lot.ended, SerialRange { first, last });
    Ok(())
}

/// Packages change their owner.
pub fn own_packages(lot: &mut LotState, first: u64, last: u64, owner: &str) -> Result<(), Broken> {
    change_packages(lot, first, last, |p| owner.clone_into(&mut p.owner))
}

/// Packages are promised to a handoff; never twice (law 2).
pub fn reserve_packages(
    lot: &mut LotState,
    range: &SerialRange,
    handoff: &bytes::Bytes,
) -> Result<(), Broken> {
    let twice = select(lot, range.first, range.last)
        .is_some_and(|s| s.iter().any(|p| !p.reserved_by.is_empty()));
    if twice {
        return broken(
            2,
            format!("packages {}-{} are reserved twice", range.first, range.last),
        );
    }
    change_packages(lot, range.first, range.last, |p| {
        p.reserved_by = handoff.clone();
    })
}

/// Packages are free again. Those that have meanwhile ended or moved are passed over.
pub fn unreserve_packages(lot: &mut LotState, range: &SerialRange, handoff: &bytes::Bytes) {
    let serials: Vec<SerialRange> = lot
        .packages
        .iter()
        .filter(|p| p.reserved_by == *handoff)
        .map(|p| SerialRange {
            first: p.first.max(range.first),
            last: p.last.min(range.last),
        })
        .filter(|r| r.first <= r.last)
        .collect();
    for r in serials {
        // Every one was just seen to be live.
        let _ = change_packages(lot, r.first, r.last, |p| {
            p.reserved_by = bytes::Bytes::new();
        });
    }
}
