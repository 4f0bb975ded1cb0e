//! Goods that an event names, found on an account: how much of it is there,
//! free of offers, and what goes with it.

use super::parts::{self, Part, Wanted};
use super::{fields, outer, quota};
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount, Broken};
use crate::custody::packaging::{self, Packaging};
use crate::custody::subject::Seen;
use crate::custody::{ranges, subject};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, HandoffId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, ConsignmentClosed, ConsignmentLoad, FindingCode, Goods, HandoffStatus,
    LineShrunk, LotState, PackageRange, RefusalCode, SerialRange, Severity, Unreserved,
};

/// What to do about goods that an open offer has reserved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reserved {
    /// Refuse: nothing is promised twice.
    Refuse,
    /// Take them, shrink the offer's lines, say so: use, count and incident
    /// have happened (design, section 3).
    Take,
}

/// Some of a lot on an account.
#[derive(Clone)]
pub(super) struct Portion {
    pub(super) lot: LotId,
    pub(super) loose: Amount,
    pub(super) serials: Vec<SerialRange>,
    pub(super) packed: Amount,
    pub(super) parts: Vec<Part>,
}

impl Portion {
    /// All that is loose on an account.
    pub(super) fn all_loose(
        draft: &Draft<'_>,
        lot: LotId,
        account: &Account,
    ) -> Result<Portion, Refused> {
        let state = draft.lot(lot).unwrap_or_default();
        Ok(Portion {
            lot,
            loose: lot::loose(&state, account).map_err(overflow)?,
            serials: Vec::new(),
            packed: Amount::default(),
            parts: Vec::new(),
        })
    }

    /// Loose, packed and poured together.
    pub(super) fn total(&self) -> Result<Amount, Refused> {
        let whole = self.loose.plus(self.packed).map_err(overflow)?;
        whole.plus(parts::total(&self.parts)?).map_err(overflow)
    }
}

/// A checked sum that failed.
pub(super) fn overflow(_: Broken) -> Refused {
    Refused::new(RefusalCode::MassOverflow, "")
}

/// A lot's name and its item.
pub(super) fn lot_of(draft: &Draft<'_>, id: &[u8]) -> Result<(LotId, Seen<LotState>), Refused> {
    let id = LotId::from_slice(id).ok_or_else(|| Refused::invalid("lot", "16 bytes are wanted"))?;
    let state = draft
        .lot(id)
        .ok_or_else(|| Refused::new(RefusalCode::UnknownLot, "lot").detail(format!("lot {id}")))?;
    Ok((id, state))
}

/// Checks what can be said of named goods without the books; returns their
/// loose gross in milligrams.
pub(super) fn check(goods: Option<&Goods>) -> Result<i64, Refused> {
    let goods = goods.ok_or_else(|| Refused::missing("goods"))?;
    let packages = [
        goods.serials.is_empty(),
        goods.parts.is_empty(),
        goods.outers.is_empty(),
    ];
    if goods.loose.is_none() && packages.iter().all(|none| *none) {
        return Err(Refused::missing("loose"));
    }
    let gross = match &goods.loose {
        None => 0,
        some => Mass::of(some.as_ref(), "loose")?.as_mg(),
    };
    fields::serials(&goods.serials, "serials")?;
    parts::check(goods)?;
    outer::check(&goods.outers, "outers")?;
    Ok(gross)
}

/// Finds named goods on an account, packages whole. Reserved ones are refused
/// or taken.
pub(super) fn portion(
    draft: &mut Draft<'_>,
    goods: Option<&Goods>,
    account: &Account,
    reserved: Reserved,
) -> Result<Portion, Refused> {
    find(draft, goods, account, reserved, Wanted::Whole)
}

/// What is loose or in packages, whole or in part, free of offers: for what
/// goes on as something else.
pub(super) fn content(
    draft: &mut Draft<'_>,
    goods: Option<&Goods>,
    account: &Account,
) -> Result<Portion, Refused> {
    find(draft, goods, account, Reserved::Refuse, Wanted::Content)
}

/// Finds named goods on an account, as `reserved` and `wanted` have it.
pub(super) fn find(
    draft: &mut Draft<'_>,
    goods: Option<&Goods>,
    account: &Account,
    reserved: Reserved,
    wanted: Wanted,
) -> Result<Portion, Refused> {
    let gross = check(goods)?;
    let goods = goods.ok_or_else(|| Refused::missing("goods"))?;
    let (id, state) = lot_of(draft, &goods.lot)?;
    let there = lot::loose(&state, account).map_err(overflow)?;
    if gross > there.gross {
        return Err(
            Refused::new(RefusalCode::Insufficient, "loose").detail(format!(
                "{} wanted, {} at {}",
                Mass::mg(gross),
                Mass::mg(there.gross),
                crate::custody::account::show(account)
            )),
        );
    }
    free_loose(draft, id, &state, account, gross, reserved)?;
    let serials = outer::serials(&state, goods, account)?;
    let selected = packages(&state, &serials, account)?;
    free_packages(draft, id, &selected, reserved)?;
    let mut packed = Amount::default();
    for p in &selected {
        packed = packed
            .plus(lot::package_mass(p).map_err(overflow)?)
            .map_err(overflow)?;
    }
    let loose = Amount {
        gross,
        contained: lot::contained_of(&state, there, gross),
    };
    let parts = match wanted {
        Wanted::Whole => {
            parts::refuse(goods)?;
            Vec::new()
        }
        _ => parts::find(draft, id, &state, goods, account, reserved)?,
    };
    if wanted == Wanted::Content {
        parts::with_content(&selected)?;
    }
    Ok(Portion {
        lot: id,
        loose,
        serials,
        packed,
        parts,
    })
}

/// The named packages, all of them on the account.
pub(super) fn packages(
    state: &LotState,
    serials: &[SerialRange],
    account: &Account,
) -> Result<Vec<PackageRange>, Refused> {
    let mut all = Vec::new();
    for r in serials {
        let here = lot::select(state, r.first, r.last)
            .filter(|s| s.iter().all(|p| p.account.as_ref() == Some(account)));
        let Some(mut here) = here else {
            return Err(
                Refused::new(RefusalCode::SerialsNotHere, "serials").detail(format!(
                    "{} at {}",
                    ranges::show(std::slice::from_ref(r)),
                    crate::custody::account::show(account)
                )),
            );
        };
        all.append(&mut here);
    }
    Ok(all)
}

fn free_loose(
    draft: &mut Draft<'_>,
    id: LotId,
    state: &LotState,
    account: &Account,
    gross: i64,
    reserved: Reserved,
) -> Result<(), Refused> {
    let there = lot::loose(state, account).map_err(overflow)?.gross;
    let promised = lot::reserved(state, account).map_err(overflow)?;
    let mut short = gross.saturating_sub(there.saturating_sub(promised));
    if short <= 0 {
        return Ok(());
    }
    if reserved == Reserved::Refuse {
        return Err(Refused::new(RefusalCode::Reserved, "loose")
            .detail(format!("{} of it are offered", Mass::mg(promised))));
    }
    for r in state
        .reservations
        .iter()
        .filter(|r| r.account.as_ref() == Some(account))
    {
        let taken = short.min(r.gross_mg);
        if taken > 0 {
            shrink(draft, id, &r.handoff, taken, Vec::new())?;
            short -= taken;
        }
    }
    Ok(())
}

pub(super) fn free_packages(
    draft: &mut Draft<'_>,
    id: LotId,
    selected: &[PackageRange],
    reserved: Reserved,
) -> Result<(), Refused> {
    for p in selected.iter().filter(|p| !p.reserved_by.is_empty()) {
        let range = SerialRange {
            first: p.first,
            last: p.last,
        };
        if reserved == Reserved::Refuse {
            return Err(Refused::new(RefusalCode::Reserved, "serials")
                .detail(format!("{} are offered", ranges::show(&[range]))));
        }
        shrink(draft, id, &p.reserved_by, 0, vec![range])?;
    }
    Ok(())
}

/// Takes goods out of an open offer's line, and says so.
fn shrink(
    draft: &mut Draft<'_>,
    id: LotId,
    handoff: &bytes::Bytes,
    loose_gross_mg: i64,
    serials: Vec<SerialRange>,
) -> Result<(), Refused> {
    let Some(name) = HandoffId::from_slice(handoff) else {
        return Ok(());
    };
    let state = draft.handoff(name).unwrap_or_default();
    let offered = state.offered.clone().unwrap_or_default();
    let line = (0u32..)
        .zip(&offered.lines)
        .find(|(_, l)| l.lot.as_ref() == id.0)
        .map(|(i, _)| i);
    draft.emit(
        &subject::lot(id),
        C::Unreserved(Unreserved {
            handoff: handoff.clone(),
            loose_gross_mg,
            serials: serials.clone(),
        }),
    )?;
    let Some(line) = line else { return Ok(()) };
    let detail = format!(
        "{}, packages {}",
        Mass::mg(loose_gross_mg),
        ranges::show(&serials)
    );
    draft.emit(
        &subject::handoff(name),
        C::LineShrunk(LineShrunk {
            line,
            loose_gross_mg,
            serials,
        }),
    )?;
    quota::shrunk(draft, name)?;
    draft.find(
        FindingCode::ReservedGoodsTaken,
        Severity::Warning,
        &subject::handoff(name),
        &offered.giver,
        0,
        detail,
    );
    Ok(())
}

/// Books a portion from one account to another, packages and all.
pub(super) fn send(
    draft: &mut Draft<'_>,
    portion: &Portion,
    from: &Account,
    to: &Account,
) -> Result<(), Refused> {
    draft.transfer(portion.lot, from, to, portion.loose)?;
    draft.transfer_packages(portion.lot, &portion.serials, to)?;
    pour(draft, portion, from, to)
}

/// Books the parts of a portion from one account to another; their packages
/// stay.
fn pour(
    draft: &mut Draft<'_>,
    portion: &Portion,
    from: &Account,
    to: &Account,
) -> Result<(), Refused> {
    parts::take_out(draft, portion.lot, &portion.parts)?;
    draft.transfer(portion.lot, from, to, parts::total(&portion.parts)?)
}

/// Books a portion into a sink: title to the loose part ends with it. Whether
/// its packages go with it or stay as empties stands in the table of sinks.
pub(super) fn sink(
    draft: &mut Draft<'_>,
    portion: &Portion,
    from: &Account,
    kind: AccountKind,
) -> Result<(), Refused> {
    sink_as(draft, portion, from, kind, packaging::of_sink(kind))
}

/// The same where the event itself says what becomes of the packages.
pub(super) fn sink_as(
    draft: &mut Draft<'_>,
    portion: &Portion,
    from: &Account,
    kind: AccountKind,
    packages: Packaging,
) -> Result<(), Refused> {
    spend(draft, portion, from, kind, packages)?;
    let holder = holder(draft, from);
    draft.end_title(portion.lot, &holder, portion.loose.gross)
}

/// The same without title, for matter that its owners own as well where it
/// goes on.
pub(super) fn spend(
    draft: &mut Draft<'_>,
    portion: &Portion,
    from: &Account,
    kind: AccountKind,
    packages: Packaging,
) -> Result<(), Refused> {
    let to = crate::custody::account::plain(kind);
    match packages {
        Packaging::Goes => send(draft, portion, from, &to),
        Packaging::Stays => {
            draft.transfer(portion.lot, from, &to, portion.loose)?;
            draft.transfer(portion.lot, from, &to, portion.packed)?;
            parts::empty_out(draft, portion.lot, &portion.serials)?;
            pour(draft, portion, from, &to)
        }
    }
}

/// Who has what stands on a holding: the party, or the carrier.
fn holder(draft: &Draft<'_>, account: &Account) -> String {
    match ConsignmentId::from_slice(&account.id).and_then(|id| draft.consignment(id)) {
        Some(consignment) if account.kind() == AccountKind::Aboard => consignment.carrier.clone(),
        _ => account.party.clone(),
    }
}

/// After goods have left a consignment: takes lots off its list that are no
/// longer aboard, and closes it when none is left.
pub(super) fn unload(draft: &mut Draft<'_>, id: ConsignmentId) -> Result<(), Refused> {
    let account = crate::custody::account::aboard(id);
    let before = draft.consignment(id).unwrap_or_default();
    for lot in &before.lots {
        let Some(lot_id) = LotId::from_slice(lot) else {
            continue;
        };
        let state = draft.lot(lot_id).unwrap_or_default();
        if !lot::is_on(&state, &account) {
            let load = ConsignmentLoad {
                lot: lot.clone(),
                aboard: false,
            };
            draft.emit(&subject::consignment(id), C::Load(load))?;
        }
    }
    let after = draft.consignment(id).unwrap_or_default();
    if after.lots.is_empty() && !after.closed {
        draft.emit(
            &subject::consignment(id),
            C::ConsignmentClosed(ConsignmentClosed {}),
        )?;
    }
    quota::unloaded(draft, id)
}

/// A place of the acting party that is registered; for acts that authorise.
pub(super) fn own_place(
    draft: &Draft<'_>,
    party: &str,
    place: &str,
    field: &str,
) -> Result<(), Refused> {
    if place.is_empty() {
        return Err(Refused::missing(field));
    }
    match draft.place(party, place) {
        Some(_) => Ok(()),
        None => Err(Refused::new(RefusalCode::UnknownPlace, field).detail(place)),
    }
}

/// The same for facts: an unknown place is a finding.
pub(super) fn fact_place(draft: &mut Draft<'_>, party: &str, place: &str) -> Result<(), Refused> {
    fields::code(place, "place")?;
    if draft.place(party, place).is_none() {
        draft.find(
            FindingCode::PlaceUnknown,
            Severity::Warning,
            &subject::place(party, place),
            party,
            0,
            format!("place {place} is not registered"),
        );
    }
    Ok(())
}

/// Whether an offer still stands.
pub(super) fn is_open(status: HandoffStatus) -> bool {
    status == HandoffStatus::Open
}
