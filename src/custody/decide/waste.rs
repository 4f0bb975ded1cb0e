//! Child lots of matter as it is: declared waste, or taken as a sample.

use super::Case;
use super::fields::{self, MAX_SHORT};
use super::goods::{self, Portion};
use super::store::late;
use super::vessel;
use crate::custody::draft::Draft;
use crate::custody::lot;
use crate::custody::packaging::Packaging;
use crate::custody::{account, subject};
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::{Account, AccountKind, ContributedTo, LotBorn, Wasted};

pub(super) fn wasted(draft: &mut Draft<'_>, case: &Case<'_>, e: &Wasted) -> Result<(), Refused> {
    fields::text(&e.label, MAX_SHORT, "label")?;
    waste_code(&e.waste_code)?;
    goods::check(e.goods.as_ref()).map_err(|r| r.within("goods"))?;
    goods::own_place(draft, case.party(), &e.place, "place")?;
    let at = account::held(case.party(), &e.place);
    let goods = e.goods.as_ref();
    let portion = goods::content(draft, goods, &at).map_err(|r| r.within("goods"))?;
    let child = Child {
        label: &e.label,
        waste_code: &e.waste_code,
        answerable: case.party(),
        // The waste lot is drum and all.
        packages: Packaging::Goes,
    };
    make_child(draft, case, &portion, &at, &child)
}

/// A lot made of another's matter as it is: waste, or a sample.
pub(super) struct Child<'a> {
    pub(super) label: &'a str,
    pub(super) waste_code: &'a str,
    pub(super) answerable: &'a str,
    /// What becomes of packages that are named whole.
    pub(super) packages: Packaging,
}

/// Takes a portion out of its lot and makes a child lot of it, of the same
/// form and content, in the same place.
pub(super) fn make_child(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    portion: &Portion,
    at: &Account,
    child: &Child<'_>,
) -> Result<(), Refused> {
    late(draft, case, portion.lot);
    let total = portion.total()?;
    let parent = draft.lot(portion.lot).unwrap_or_default();
    let (parents, of) = vessel::parents(&parent, portion.lot, total)?;
    let kind = AccountKind::Transformed;
    goods::sink_as(draft, portion, at, kind, child.packages)?;
    let form = lot::form(&parent).to_owned();
    let id = LotId(case.name(0));
    let given = ContributedTo {
        lot: id.to_bytes(),
        gross_mg: total.gross,
        contained_mg: total.contained,
        of,
    };
    draft.emit(&subject::lot(portion.lot), C::ContributedTo(given))?;
    draft.emit(
        &subject::lot(id),
        C::Born(LotBorn {
            label: child.label.to_owned(),
            form,
            content_ppm: parent.content_ppm,
            source: AccountKind::Made.into(),
            declarer: case.party().to_owned(),
            waste_code: child.waste_code.to_owned(),
            answerable: child.answerable.to_owned(),
            parents,
            ..LotBorn::default()
        }),
    )?;
    draft.transfer(id, &account::plain(AccountKind::Made), at, total)?;
    draft.post_title(id, case.party(), total.gross)
}

/// A code of the national list of hazardous wastes: `900-028-33`.
pub(super) fn waste_code(code: &str) -> Result<(), Refused> {
    let shape: Vec<usize> = code.split('-').map(str::len).collect();
    let digits = code.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if digits && shape == [3, 3, 2] {
        return Ok(());
    }
    Err(Refused::invalid(
        "waste_code",
        format!("'{code}' is not of the form 900-028-33"),
    ))
}
