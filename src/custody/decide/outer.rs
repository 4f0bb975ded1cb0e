//! Outer packings: a pallet, a case or a container closed around packages of
//! one lot. While it is whole its name stands for what is in it; whoever takes
//! some of that breaks it, which is found and recorded: it has happened.

use super::Case;
use super::fields;
use super::goods::{self, Reserved};
use super::store::late;
use crate::catalog::{ContainerNumber, Sscc};
use crate::custody::draft::Draft;
use crate::custody::{account, packaging, ranges, subject};
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::{
    Account, Aggregated, Goods, LotState, PackagesAggregated, RefusalCode, SerialRange,
};

/// Outer packings that goods may name, at most.
pub(super) const MAX_OUTERS: usize = 64;
/// Digits of an SSCC; characters of a container number.
const SSCC: usize = 18;
const CONTAINER: usize = 11;

pub(super) fn aggregated(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Aggregated,
) -> Result<(), Refused> {
    check_name(&e.outer, "outer")?;
    if e.broken != e.serials.is_empty() {
        let why = "name the packages that go in, or say that it is broken up";
        return Err(Refused::invalid("serials", why));
    }
    fields::serials(&e.serials, "serials")?;
    goods::own_place(draft, case.party(), &e.place, "place")?;
    let (id, state) = goods::lot_of(draft, &e.lot)?;
    let at = account::held(case.party(), &e.place);
    let inside = packaging::inside(&state, &e.outer, &at);
    let (serials, outer) = if e.broken {
        known(&e.outer, &inside)?;
        (inside, "")
    } else {
        let selected = goods::packages(&state, &e.serials, &at)?;
        goods::free_packages(draft, id, &selected, Reserved::Refuse)?;
        let within = selected.iter().find(|p| !p.outer.is_empty());
        if let Some(p) = within {
            let why = format!("package {} is in {}", p.first, p.outer);
            return Err(Refused::new(RefusalCode::WithinOuter, "serials").detail(why));
        }
        if state.packages.iter().any(|p| p.outer == e.outer) {
            let why = format!("{} holds packages of the lot", e.outer);
            return Err(Refused::new(RefusalCode::WithinOuter, "outer").detail(why));
        }
        (e.serials.clone(), e.outer.as_str())
    };
    late(draft, case, id);
    for SerialRange { first, last } in serials {
        let change = PackagesAggregated {
            first,
            last,
            outer: outer.to_owned(),
        };
        draft.emit(&subject::lot(id), C::PackagesAggregated(change))?;
    }
    Ok(())
}

/// An outer packing's name: an SSCC or a container number, whose check digits
/// must be right, or a label of one's own.
pub(super) fn check_name(name: &str, field: &str) -> Result<(), Refused> {
    fields::code(name, field)?;
    if name.len() == SSCC && name.bytes().all(|b| b.is_ascii_digit()) {
        return name
            .parse::<Sscc>()
            .map(drop)
            .map_err(|error| Refused::invalid(field, error.to_string()));
    }
    if is_container(name) {
        return name
            .parse::<ContainerNumber>()
            .map(drop)
            .map_err(|error| Refused::invalid(field, error.to_string()));
    }
    Ok(())
}

/// Four capitals, the last of them U, J or Z, and seven digits.
fn is_container(name: &str) -> bool {
    let shape = |(i, c): (usize, u8)| match i {
        0..=2 => c.is_ascii_uppercase(),
        3 => matches!(c, b'U' | b'J' | b'Z'),
        _ => c.is_ascii_digit(),
    };
    name.len() == CONTAINER && name.bytes().enumerate().all(shape)
}

/// What can be said of named outers without the books.
pub(super) fn check(names: &[String], field: &str) -> Result<(), Refused> {
    if names.len() > MAX_OUTERS {
        return Err(Refused::invalid(field, format!("at most {MAX_OUTERS}")));
    }
    for (i, name) in names.iter().enumerate() {
        check_name(name, field)?;
        if names.iter().take(i).any(|other| other == name) {
            return Err(Refused::invalid(field, format!("{name} stands twice")));
        }
    }
    Ok(())
}

/// The serials that goods name, by number and by what is in outers at an
/// account.
pub(super) fn serials(
    state: &LotState,
    goods: &Goods,
    account: &Account,
) -> Result<Vec<SerialRange>, Refused> {
    let mut all = goods.serials.clone();
    for name in &goods.outers {
        let inside = packaging::inside(state, name, account);
        known(name, &inside)?;
        if ranges::overlap(&all, &inside) {
            return Err(Refused::new(RefusalCode::SerialsOverlap, "outers")
                .detail(format!("packages in {name} are named as well")));
        }
        for range in inside {
            ranges::insert(&mut all, range);
        }
    }
    Ok(all)
}

fn known(name: &str, inside: &[SerialRange]) -> Result<(), Refused> {
    if inside.is_empty() {
        return Err(Refused::new(RefusalCode::SerialsNotHere, "outers")
            .detail(format!("no packages in {name} here")));
    }
    Ok(())
}
