//! Packages out of packages: whole ones, parts and loose matter of one lot
//! become new packages of it; samples, small lots of their own.

use super::Case;
use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::goods::{self, Portion, overflow};
use super::parts;
use super::store::{self, late};
use super::waste;
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::packaging::Packaging;
use crate::custody::{account, subject};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::pb::change::Change as C;
use crate::pb::{
    AccountKind, LotState, PackageRange, Packed, PartTaken, RefusalCode, Repackaged, Repacked,
    Sampled,
};

pub(super) fn repacked(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Repacked,
) -> Result<(), Refused> {
    fields::text(&e.packaging, MAX_SHORT, "packaging")?;
    let into = Packed {
        serials: e.serials,
        gross_mg_each: e.gross_mg_each,
        ..Packed::default()
    };
    let (range, count, out) = store::packages_wanted(&into)?;
    if e.loss_gross_mg < 0 {
        return Err(Refused::new(RefusalCode::MassNotPositive, "loss_gross_mg"));
    }
    goods::check(e.goods.as_ref()).map_err(|r| r.within("goods"))?;
    goods::own_place(draft, case.party(), &e.place, "place")?;
    let at = account::held(case.party(), &e.place);
    let portion = goods::content(draft, e.goods.as_ref(), &at).map_err(|r| r.within("goods"))?;
    let id = portion.lot;
    let before = draft.lot(id).unwrap_or_default();
    store::stands_free(draft, &portion, "goods.lot")?;
    store::fresh(&before, range)?;
    let owner = owner(&before, case.party(), &portion)?;
    let total = portion.total()?;
    conserved(total.gross, out.as_mg(), e.loss_gross_mg)?;
    let each = contained_each(total, out.as_mg(), count);
    late(draft, case, id);
    draft.post_title(id, &owner, portion.loose.gross.saturating_neg())?;
    parts::empty_out(draft, id, &portion.serials)?;
    parts::take_out(draft, id, &portion.parts)?;
    let packed = Amount {
        gross: out.as_mg(),
        contained: each.saturating_mul(store::signed(count)),
    };
    let loss = total.minus(packed).map_err(overflow)?;
    let sink = account::plain(AccountKind::ProcessLoss);
    draft.transfer(id, &at, &sink, loss)?;
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
    )?;
    draft.emit(&subject::lot(id), C::Repackaged(parents(e, &portion)))
}

/// In = out + loss; more out than in is refused, and so is a loss that nobody
/// declared.
fn conserved(inside: i64, out: i64, loss: i64) -> Result<(), Refused> {
    if out.checked_add(loss) == Some(inside) {
        return Ok(());
    }
    Err(
        Refused::new(RefusalCode::NotConserved, "loss_gross_mg").detail(format!(
            "{} in, {} out, {} lost",
            Mass::mg(inside),
            Mass::mg(out),
            Mass::mg(loss)
        )),
    )
}

/// The new packages' share of what was contained, each; what rounding leaves
/// over is lost with the rest.
fn contained_each(total: Amount, out: i64, count: u64) -> i64 {
    let all = Mass::mg(total.contained)
        .share(out, total.gross)
        .unwrap_or_default()
        .as_mg();
    all.checked_div(store::signed(count)).unwrap_or(0)
}

/// Packages are owned by range: everything that goes in is one party's.
fn owner(state: &LotState, packer: &str, portion: &Portion) -> Result<String, Refused> {
    let mut owners: Vec<String> = Vec::new();
    let poured = portion.parts.iter().map(|p| (p.serial, p.serial));
    let whole = portion.serials.iter().map(|r| (r.first, r.last));
    for (first, last) in whole.chain(poured) {
        let selected = lot::select(state, first, last).unwrap_or_default();
        owners.extend(selected.into_iter().map(|p| p.owner));
    }
    owners.sort_unstable();
    owners.dedup();
    let owner = match owners.as_slice() {
        [] => return store::packer_owns(state, packer, portion.loose.gross),
        [owner] => owner.clone(),
        _ => {
            let why = format!("the packages are {}'s", owners.join("'s and "));
            return Err(Refused::new(RefusalCode::TitleInsufficient, "goods").detail(why));
        }
    };
    if portion.loose.gross > lot::title(state, &owner).max(0) {
        return Err(Refused::new(RefusalCode::TitleInsufficient, "goods.loose")
            .detail(format!("{owner}, who owns the packages, does not own it")));
    }
    Ok(owner)
}

/// What the new packages were made of, for whoever traces one.
fn parents(e: &Repacked, portion: &Portion) -> Repackaged {
    let range = e.serials.unwrap_or_default();
    Repackaged {
        first: range.first,
        last: range.last,
        parents: portion.serials.clone(),
        parts: portion
            .parts
            .iter()
            .map(|p| PartTaken {
                serial: p.serial,
                gross_mg: p.amount.gross,
            })
            .collect(),
        loose_gross_mg: portion.loose.gross,
    }
}

pub(super) fn sampled(draft: &mut Draft<'_>, case: &Case<'_>, e: &Sampled) -> Result<(), Refused> {
    fields::text(&e.label, MAX_SHORT, "label")?;
    fields::text(&e.purpose, MAX_TEXT, "purpose")?;
    goods::check(e.goods.as_ref()).map_err(|r| r.within("goods"))?;
    goods::own_place(draft, case.party(), &e.place, "place")?;
    let at = account::held(case.party(), &e.place);
    let portion = goods::content(draft, e.goods.as_ref(), &at).map_err(|r| r.within("goods"))?;
    // A sample of waste is waste, and its generator's.
    let born = draft.lot(portion.lot).and_then(|l| l.born.clone());
    let born = born.unwrap_or_default();
    let child = waste::Child {
        label: &e.label,
        waste_code: &born.waste_code,
        answerable: &born.answerable,
        packages: Packaging::Stays,
    };
    waste::make_child(draft, case, &portion, &at, &child)
}
