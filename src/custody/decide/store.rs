//! Matter in store: moved, packed, counted.

use super::Case;
use super::assay;
use super::fields::{self, MAX_SHORT};
use super::goods::{self, Portion, Reserved, overflow};
use super::rules;
use super::scales;
use super::vessel;
use crate::custody::account;
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::{packaging, ranges, subject};
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::when::shown;
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, Counted, FindingCode, Goods, LotState, Moved, PackageRange, Packed,
    Quantity, RefusalCode, SerialRange, Severity,
};

/// Packages that one event may make, at most: one serial range of them.
const MAX_PACKAGES: u64 = 1_000_000;

pub(super) fn moved(draft: &mut Draft<'_>, case: &Case<'_>, e: &Moved) -> Result<(), Refused> {
    goods::check(e.goods.as_ref()).map_err(|r| r.within("goods"))?;
    goods::own_place(draft, case.party(), &e.to_place, "to_place")?;
    let from = account::held(case.party(), &e.from_place);
    let to = account::held(case.party(), &e.to_place);
    let portion = goods::portion(draft, e.goods.as_ref(), &from, Reserved::Refuse)
        .map_err(|r| r.within("goods"))?;
    if from == to {
        return Err(Refused::new(RefusalCode::NoChange, "to_place"));
    }
    stands_free(draft, &portion, "goods.lot")?;
    late(draft, case, portion.lot);
    goods::send(draft, &portion, &from, &to)
}

/// Goods that go on as they are do not stand in a vessel.
pub(super) fn stands_free(
    draft: &Draft<'_>,
    portion: &Portion,
    field: &str,
) -> Result<(), Refused> {
    vessel::draw_first(&draft.lot(portion.lot).unwrap_or_default(), field)
}

pub(super) fn packed(draft: &mut Draft<'_>, case: &Case<'_>, e: &Packed) -> Result<(), Refused> {
    fields::text(&e.packaging, MAX_SHORT, "packaging")?;
    let (range, count, total) = packages_wanted(e)?;
    goods::own_place(draft, case.party(), &e.place, "place")?;
    let (id, state) = goods::lot_of(draft, &e.lot)?;
    let at = account::held(case.party(), &e.place);
    let loose = Goods {
        lot: e.lot.clone(),
        loose: Some(Quantity {
            gross_mg: total.as_mg(),
            measure: None,
        }),
        serials: Vec::new(),
        parts: Vec::new(),
        outers: Vec::new(),
    };
    let portion = goods::portion(draft, Some(&loose), &at, Reserved::Refuse)?;
    stands_free(draft, &portion, "lot")?;
    fresh(&state, range)?;
    let each = contained_each(&state, &portion, e.gross_mg_each, count);
    let owner = packer_owns(&state, case.party(), portion.loose.gross)?;
    // What packing leaves over is process loss (design, section 3).
    let over = portion
        .loose
        .contained
        .saturating_sub(each.saturating_mul(signed(count)));
    let loss = Amount {
        gross: 0,
        contained: over,
    };
    draft.transfer(id, &at, &account::plain(AccountKind::ProcessLoss), loss)?;
    draft.post_title(id, &owner, -portion.loose.gross)?;
    late(draft, case, id);
    draft.emit(
        &subject::lot(id),
        C::Packaged(PackageRange {
            first: range.first,
            last: range.last,
            gross_mg_each: e.gross_mg_each,
            contained_mg_each: each,
            account: Some(at),
            owner,
            ..PackageRange::default()
        }),
    )
}

/// That the lot has never used the serials.
pub(super) fn fresh(state: &LotState, range: SerialRange) -> Result<(), Refused> {
    let live = state
        .packages
        .iter()
        .any(|p| p.first <= range.last && range.first <= p.last);
    if live || ranges::overlap(&state.ended, &[range]) {
        return Err(
            Refused::new(RefusalCode::SerialsExist, "serials").detail(ranges::show(&[range]))
        );
    }
    Ok(())
}

/// The packages' serials, how many they are, and their gross together.
pub(super) fn packages_wanted(e: &Packed) -> Result<(SerialRange, u64, Mass), Refused> {
    let range = e.serials.ok_or_else(|| Refused::missing("serials"))?;
    if e.gross_mg_each <= 0 {
        return Err(Refused::new(RefusalCode::MassNotPositive, "gross_mg_each"));
    }
    let count = ranges::count(range.first, range.last);
    let total = Mass::mg(e.gross_mg_each)
        .times(count)
        .map_err(|_| Refused::new(RefusalCode::MassOverflow, "gross_mg_each"))?;
    fields::serials(&[range], "serials")?;
    if count > MAX_PACKAGES {
        return Err(Refused::new(RefusalCode::SerialsInvalid, "serials")
            .detail(format!("{count} packages; at most {MAX_PACKAGES}")));
    }
    Ok((range, count, total))
}

pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A package's content is fixed now: the lot's, rounded down, or an equal
/// share of what is left of it.
fn contained_each(state: &LotState, portion: &Portion, gross_each: i64, count: u64) -> i64 {
    let by_content = Mass::mg(gross_each)
        .contained(state.content_ppm)
        .unwrap_or_default()
        .as_mg();
    let share = portion
        .loose
        .contained
        .checked_div(signed(count))
        .unwrap_or(0);
    by_content.min(share)
}

/// Packages are owned by range: the packer's if it owns enough, else those of
/// the one party that does.
pub(super) fn packer_owns(state: &LotState, packer: &str, gross: i64) -> Result<String, Refused> {
    if lot::title(state, packer) >= gross {
        return Ok(packer.to_owned());
    }
    let mut owners = state.titles.iter().filter(|t| t.gross_mg >= gross);
    match (owners.next(), owners.next()) {
        (Some(owner), None) => Ok(owner.party.clone()),
        _ => Err(
            Refused::new(RefusalCode::TitleInsufficient, "gross_mg_each")
                .detail("no one party owns what is packed; pack each owner's part by itself"),
        ),
    }
}

pub(super) fn counted(draft: &mut Draft<'_>, case: &Case<'_>, e: &Counted) -> Result<(), Refused> {
    goods::fact_place(draft, case.party(), &e.place)?;
    if e.loose_gross_mg < 0 {
        return Err(Refused::new(RefusalCode::MassNotPositive, "loose_gross_mg"));
    }
    scales::agrees(e)?;
    fields::serials(&e.serials_scanned, "serials_scanned")?;
    fields::serials(&e.serials_assumed, "serials_assumed")?;
    if ranges::overlap(&e.serials_scanned, &e.serials_assumed) {
        return Err(Refused::new(RefusalCode::SerialsOverlap, "serials_assumed"));
    }
    super::outer::check(&e.outers_seen, "outers_seen")?;
    let (id, state) = goods::lot_of(draft, &e.lot)?;
    late(draft, case, id);
    // A count is about the lot even where it finds everything in order.
    draft.touch(subject::lot(id));
    scales::counted(draft, case, id, e);
    rules::counted(draft, case, id, &e.place);
    let at = account::held(case.party(), &e.place);
    count_loose(draft, case, id, &state, &at, e.loose_gross_mg)?;
    let mut seen = e.serials_scanned.clone();
    e.serials_assumed
        .iter()
        .for_each(|r| ranges::insert(&mut seen, *r));
    // A whole outer packing vouches for what is in it; one that is not known
    // here for nothing.
    for name in &e.outers_seen {
        for range in packaging::inside(&state, name, &at) {
            ranges::insert(&mut seen, range);
        }
    }
    count_packages(draft, case, id, &state, &at, &seen)
}

fn count_loose(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    id: LotId,
    state: &LotState,
    at: &Account,
    seen: i64,
) -> Result<(), Refused> {
    let booked = lot::loose(state, at).map_err(overflow)?;
    let short = booked.gross.saturating_sub(seen);
    let bound = Mass::mg(booked.gross.max(seen))
        .share(i64::from(case.rules.count_tolerance_ppm), 1_000_000)
        .unwrap_or_default()
        .as_mg();
    let detail = format!(
        "{} booked, {} counted",
        Mass::mg(booked.gross),
        Mass::mg(seen)
    );
    let find = |draft: &mut Draft<'_>, code| {
        if short.abs() > bound {
            draft.find(
                code,
                Severity::Alarm,
                &subject::lot(id),
                case.party(),
                0,
                detail.clone(),
            );
        }
    };
    if short > 0 {
        let lost = Goods {
            lot: id.to_bytes(),
            loose: Some(Quantity {
                gross_mg: short,
                measure: None,
            }),
            serials: Vec::new(),
            parts: Vec::new(),
            outers: Vec::new(),
        };
        let portion = goods::portion(draft, Some(&lost), at, Reserved::Take)?;
        goods::sink(draft, &portion, at, AccountKind::Missing)?;
        find(draft, FindingCode::CountShort);
    } else if short < 0 {
        let gross = short.saturating_neg();
        let contained = Mass::mg(gross)
            .contained(state.content_ppm)
            .unwrap_or_default()
            .as_mg();
        let more = Amount { gross, contained };
        draft.transfer(id, &account::plain(AccountKind::Found), at, more)?;
        draft.post_title(id, case.party(), gross)?;
        find(draft, FindingCode::CountOver);
    }
    Ok(())
}

fn count_packages(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    id: LotId,
    state: &LotState,
    at: &Account,
    seen: &[SerialRange],
) -> Result<(), Refused> {
    let mut booked = Vec::new();
    for p in state
        .packages
        .iter()
        .filter(|p| p.account.as_ref() == Some(at))
    {
        ranges::insert(
            &mut booked,
            SerialRange {
                first: p.first,
                last: p.last,
            },
        );
    }
    let missing = ranges::minus(&booked, seen);
    if !missing.is_empty() {
        let lost = Goods {
            lot: id.to_bytes(),
            loose: None,
            serials: missing.clone(),
            parts: Vec::new(),
            outers: Vec::new(),
        };
        let portion = goods::portion(draft, Some(&lost), at, Reserved::Take)?;
        goods::sink(draft, &portion, at, AccountKind::Missing)?;
        let detail = format!("packages {} not seen", ranges::show(&missing));
        draft.find(
            FindingCode::CountShort,
            Severity::Alarm,
            &subject::lot(id),
            case.party(),
            0,
            detail,
        );
    }
    let elsewhere = ranges::minus(seen, &booked);
    if !elsewhere.is_empty() {
        let detail = format!(
            "packages {} seen, booked elsewhere",
            ranges::show(&elsewhere)
        );
        draft.find(
            FindingCode::SerialElsewhere,
            Severity::Alarm,
            &subject::lot(id),
            case.party(),
            0,
            detail,
        );
    }
    Ok(())
}

/// What is to be found of a lot that something is done with: that it happened
/// before what is known of it, or after its assay was due.
pub(super) fn late(draft: &mut Draft<'_>, case: &Case<'_>, id: LotId) {
    out_of_order(draft, case, id);
    assay::find_overdue(draft, case, id);
}

/// That it happened before what is known of it: a finding.
pub(super) fn out_of_order(draft: &mut Draft<'_>, case: &Case<'_>, id: LotId) {
    let latest = draft.lot(id).map_or(0, |l| l.latest_happened_at_ms);
    let happened = draft.happened_at_ms();
    if happened < latest {
        draft.find(
            FindingCode::BeforePreviousEvent,
            Severity::Notice,
            &subject::lot(id),
            case.party(),
            0,
            format!(
                "happened at {}, the lot's latest event at {}",
                shown(happened),
                shown(latest)
            ),
        );
    }
}
