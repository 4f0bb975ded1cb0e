//! Law 5: custody crosses between parties only by a handoff that both signed,
//! by an order of an authority, or across the ledger's edge. So goods arrive
//! in a holding only by an event of its holder, and leave it only by an event
//! of its holder or within an offer that its holder signed.

use std::collections::BTreeMap;

use super::bindings::Case;
use super::violation::Violation;
use crate::custody::subject::{self, Item, Seen};
use crate::custody::{Broken, account, lot, ranges};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, Cause, Change, HandoffOffered, HandoffStatus, LotState, PackageRange,
    PackagesAggregated, PackagesMoved, Posting, SerialRange, Subject, SubjectKind,
};

/// Gross that left accounts whose holder did not sign, by lot and account.
type Unsigned = BTreeMap<(Subject, Account), i128>;

/// Checks a record that no authority signed.
pub(super) fn check(case: &Case<'_>) -> Result<(), Violation> {
    if case.signers.authority() {
        return Ok(());
    }
    let mut unsigned = Unsigned::new();
    for (subject, change) in case.changes() {
        let origin = change.cause.unwrap_or_default();
        let crossed = match &change.change {
            Some(C::Posting(p)) => posted(case, subject, &origin, p, &mut unsigned),
            Some(C::Packaged(range)) => arrives(case, &origin, range.account.as_ref()),
            Some(C::PackagesMoved(moved)) => packages(case, subject, &origin, moved),
            Some(C::PackageParted(p)) => leave(case, subject, &origin, p.serial, p.serial),
            Some(C::PackagesAggregated(a)) if a.outer.is_empty() => {
                come_out(case, subject, &origin, a)
            }
            Some(C::PackagesAggregated(a)) => leave(case, subject, &origin, a.first, a.last),
            Some(C::PackagesEmptied(e)) => leave(case, subject, &origin, e.first, e.last),
            Some(C::PackagesCleaned(c)) => leave(case, subject, &origin, c.first, c.last),
            Some(C::PackagesEnded(e)) => leave(case, subject, &origin, e.first, e.last),
            Some(C::ConsignmentOpened(c)) => {
                (!signed(case, &origin, &c.carrier)).then_some("the carrier did not sign")
            }
            Some(C::ConsignmentRelayed(c)) => {
                let before = case.carriers(&subject.id);
                let both = signed(case, &origin, &c.carrier)
                    && before.iter().all(|carrier| signed(case, &origin, carrier));
                (!both).then_some("both carriers did not sign")
            }
            Some(C::DisputeReduced(_)) => settled(case, &origin, &subject.id),
            _ => None,
        };
        if let Some(why) = crossed {
            return Err(broken(subject, why));
        }
    }
    within_offers(case, &unsigned)
}

fn broken(subject: &Subject, why: &str) -> Violation {
    Violation::Law {
        subject: subject::show(subject),
        broken: Broken {
            law: 5,
            what: why.to_owned(),
        },
    }
}

/// Whether the party signed the event behind a change: this statement, or the
/// fact that had been parked.
fn signed(case: &Case<'_>, origin: &Cause, party: &str) -> bool {
    case.signers.signed(party) || case.parked(origin).is_some_and(|fact| fact.party == party)
}

/// Whether the holder of an account signed; what is no holding has none.
fn holder_signed(case: &Case<'_>, origin: &Cause, at: &Account) -> bool {
    match at.kind() {
        AccountKind::Held => signed(case, origin, &at.party),
        AccountKind::Aboard => case
            .carriers(&at.id)
            .iter()
            .any(|carrier| signed(case, origin, carrier)),
        _ => true,
    }
}

fn arrives(case: &Case<'_>, origin: &Cause, at: Option<&Account>) -> Option<&'static str> {
    let fine = at.is_some_and(|at| holder_signed(case, origin, at));
    (!fine).then_some("goods arrive with somebody who did not sign")
}

fn posted(
    case: &Case<'_>,
    subject: &Subject,
    origin: &Cause,
    posting: &Posting,
    unsigned: &mut Unsigned,
) -> Option<&'static str> {
    let at = posting.account.clone().unwrap_or_default();
    if at.kind() == AccountKind::Disputed {
        return settled(case, origin, &at.id);
    }
    if posting.gross_mg > 0 || posting.contained_mg > 0 {
        return arrives(case, origin, Some(&at));
    }
    if !holder_signed(case, origin, &at) {
        let left = unsigned.entry((subject.clone(), at)).or_default();
        *left = left.saturating_sub(i128::from(posting.gross_mg));
    }
    None
}

fn packages(
    case: &Case<'_>,
    subject: &Subject,
    origin: &Cause,
    moved: &PackagesMoved,
) -> Option<&'static str> {
    if let Some(why) = arrives(case, origin, moved.to.as_ref()) {
        return Some(why);
    }
    leave(case, subject, origin, moved.first, moved.last)
}

/// Packages leave where they stood, or change what they are.
fn leave(
    case: &Case<'_>,
    subject: &Subject,
    origin: &Cause,
    first: u64,
    last: u64,
) -> Option<&'static str> {
    let why = "packages leave somebody who did not sign";
    touch(case, subject, origin, first, last, why, |_, p, offered| {
        let range = SerialRange {
            first: p.first.max(first),
            last: p.last.min(last),
        };
        ranges::minus(&[range], offered).is_empty()
    })
}

/// Packages come out of their outer packing: whoever takes what was offered of
/// them opens it, for those that stay as well.
fn come_out(
    case: &Case<'_>,
    subject: &Subject,
    origin: &Cause,
    out: &PackagesAggregated,
) -> Option<&'static str> {
    let why = "an outer packing is opened whose holder did not sign";
    let (first, last) = (out.first, out.last);
    touch(
        case,
        subject,
        origin,
        first,
        last,
        why,
        |all, p, offered| {
            let same = |q: &&PackageRange| q.outer == p.outer && q.account == p.account;
            let range = |q: &PackageRange| SerialRange {
                first: q.first,
                last: q.last,
            };
            let packed: Vec<SerialRange> = all.iter().filter(same).map(range).collect();
            !p.outer.is_empty() && ranges::overlap(&packed, offered)
        },
    )
}

/// Something is done to packages whose holder signed, or that are `taken` by a
/// line of an offer that its taker signed for here: a function of all packages
/// of the lot before the record, one range of those touched, and the line's
/// serials.
fn touch(
    case: &Case<'_>,
    subject: &Subject,
    origin: &Cause,
    first: u64,
    last: u64,
    why: &'static str,
    taken: impl Fn(&[PackageRange], &PackageRange, &[SerialRange]) -> bool,
) -> Option<&'static str> {
    let before = lot_before(case, subject);
    let all = &before.packages;
    let touched = all.iter().filter(|p| p.last >= first && p.first <= last);
    for p in touched {
        let at = p.account.clone().unwrap_or_default();
        let offered = || {
            let mut lines = offers(case, &at).flat_map(|offer| offer.lines);
            lines.any(|line| line.lot == subject.id && taken(all, p, &line.serials))
        };
        if at.kind() == AccountKind::Disputed {
            if let Some(why) = settled(case, origin, &at.id) {
                return Some(why);
            }
        } else if !holder_signed(case, origin, &at) && !offered() {
            return Some(why);
        }
    }
    None
}

/// The open offers of what is on an account that this record is about, whose
/// takers signed here. That their givers signed them was checked when they
/// were recorded.
fn offers<'a>(case: &'a Case<'_>, at: &'a Account) -> impl Iterator<Item = HandoffOffered> + 'a {
    case.handoffs()
        .filter(|handoff| handoff.status() == HandoffStatus::Open)
        .filter_map(|handoff| handoff.offered.clone())
        .filter(move |offer| offer.from.as_ref() == Some(at) && case.signers.signed(&offer.taker))
}

/// What left without its holder's signature here is no more than was offered.
fn within_offers(case: &Case<'_>, unsigned: &Unsigned) -> Result<(), Violation> {
    for ((subject, at), left) in unsigned {
        let before = lot_before(case, subject);
        let mut offered = 0i128;
        let lines = offers(case, at).flat_map(|offer| offer.lines);
        for line in lines.filter(|line| line.lot == subject.id) {
            offered = offered.saturating_add(i128::from(line.loose_gross_mg));
            for range in &line.serials {
                offered = offered.saturating_add(package_mass(&before, range));
            }
        }
        if *left > offered {
            let why = format!(
                "{left} mg leave {} whose holder did not sign; offered are {offered} mg",
                account::show(at)
            );
            return Err(broken(subject, &why));
        }
    }
    Ok(())
}

fn package_mass(lot: &LotState, range: &SerialRange) -> i128 {
    let selected = lot::select(lot, range.first, range.last).unwrap_or_default();
    selected
        .iter()
        .filter_map(|p| lot::package_mass(p).ok())
        .fold(0, |sum, mass| sum.saturating_add(i128::from(mass.gross)))
}

/// What is in dispute leaves it by both sides; what this record itself puts
/// in dispute comes of a handoff or a transformation.
fn settled(case: &Case<'_>, origin: &Cause, id: &bytes::Bytes) -> Option<&'static str> {
    let subject = Subject {
        kind: SubjectKind::Dispute.into(),
        id: id.clone(),
    };
    let item = case.before.get(&subject);
    let Some(Item::Dispute(dispute)) = item.as_deref() else {
        let opens = |(s, change): (&Subject, &Change)| {
            *s == subject && matches!(change.change, Some(C::DisputeOpened(_)))
        };
        return (!case.changes().any(opens)).then_some("goods in a dispute that nobody opened");
    };
    let opened = dispute.opened.clone().unwrap_or_default();
    let side = |party: &str| party.is_empty() || signed(case, origin, party);
    let both = side(&opened.owner) && side(&opened.counterpart);
    (!both).then_some("a dispute ends without both sides")
}

fn lot_before(case: &Case<'_>, subject: &Subject) -> Seen<LotState> {
    let seen = |item| {
        Seen::new(item, |item| match item {
            Item::Lot(lot) => Some(lot),
            _ => None,
        })
    };
    case.before.get(subject).and_then(seen).unwrap_or_default()
}
