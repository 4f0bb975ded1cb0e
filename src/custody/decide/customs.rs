//! Customs: where the goods of an entry stand with them, by the declarer's
//! word or an authority's. What they hold is not handed over, sold, made into
//! something else or sent away until it is released; if it was used all the
//! same, that is recorded and found. A lot is held as a whole: which part of it
//! an entry is about is not known to the books. What runs in a vessel has no
//! entries: what is to be declared is drawn first.

use super::Case;
use super::fields::{self, MAX_SHORT};
use super::goods;
use super::store::late;
use super::vessel;
use crate::custody::draft::Draft;
use crate::custody::subject;
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, CustomsDirection, CustomsReported, CustomsSet, CustomsStatus,
    FindingCode, LotState, RefusalCode, Severity,
};

/// Customs entries that a lot keeps, at most: of those released the earliest
/// makes room.
pub const MAX_ENTRIES: usize = 16;

/// What an event says of an entry.
pub(super) struct Word<'a> {
    pub(super) direction: CustomsDirection,
    pub(super) entry: &'a str,
    pub(super) status: CustomsStatus,
    pub(super) office: &'a str,
}

/// The lot's goods are not in the hands of customs; for acts that authorise.
pub(super) fn free(draft: &Draft<'_>, id: LotId, field: &str) -> Result<(), Refused> {
    let state = draft.lot(id).unwrap_or_default();
    let held = state.customs.iter().find(|c| is_held(c));
    match held {
        None => Ok(()),
        Some(entry) => Err(Refused::new(RefusalCode::HeldByCustoms, field)
            .detail(format!("entry {}", entry.customs_entry))),
    }
}

/// Goods in the hands of customs have been used: a finding.
pub(super) fn find_used(draft: &mut Draft<'_>, case: &Case<'_>, id: LotId) {
    if let Err(held) = free(draft, id, "") {
        draft.find(
            FindingCode::CustomsHeld,
            Severity::Alarm,
            &subject::lot(id),
            case.party(),
            0,
            format!("used while customs hold it: {}", held.detail),
        );
    }
}

fn is_held(entry: &CustomsSet) -> bool {
    entry.status() == CustomsStatus::Held
}

pub(super) fn reported(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &CustomsReported,
) -> Result<(), Refused> {
    let id =
        LotId::from_slice(&e.lot).ok_or_else(|| Refused::invalid("lot", "16 bytes are wanted"))?;
    let lot = draft.lot(id);
    if let Some(lot) = &lot {
        may_say(case, lot, e)?;
    }
    if e.direction() == CustomsDirection::Unspecified {
        return Err(Refused::missing("direction"));
    }
    if e.status() == CustomsStatus::Unspecified {
        return Err(Refused::missing("status"));
    }
    fields::text(&e.customs_entry, MAX_SHORT, "customs_entry")?;
    fields::optional_text(&e.office, MAX_SHORT, "office")?;
    fields::documents(&e.documents)?;
    let (id, state) = goods::lot_of(draft, &e.lot)?;
    vessel::draw_first(&state, "lot")?;
    let word = Word {
        direction: e.direction(),
        entry: &e.customs_entry,
        status: e.status(),
        office: &e.office,
    };
    late(draft, case, id);
    set(draft, case, id, &word)
}

/// By the declarer of the entry; of a new one by the importer, or by whoever
/// has goods of the lot to export; by an authority. What an authority has
/// held, only an authority releases.
fn may_say(case: &Case<'_>, lot: &LotState, e: &CustomsReported) -> Result<(), Refused> {
    let known = known(lot, e.direction(), &e.customs_entry);
    let may = match known {
        Some(entry) if entry.by_authority && is_held(entry) => false,
        Some(entry) => case.signers.signed(&entry.declarer),
        None if e.direction() == CustomsDirection::Import => imported_by(case, lot),
        None => has_some(case, lot),
    };
    if may || case.signers.authority() {
        return Ok(());
    }
    Err(Refused::new(RefusalCode::AuthorityRequired, "")
        .detail("or the declarer's own word on an entry that no authority holds"))
}

fn imported_by(case: &Case<'_>, lot: &LotState) -> bool {
    lot.born.as_ref().is_some_and(|born| {
        born.source() == AccountKind::Imported && case.signers.signed(&born.declarer)
    })
}

fn has_some(case: &Case<'_>, lot: &LotState) -> bool {
    let mut accounts = lot.balances.iter().filter_map(|b| b.account.as_ref());
    let here = |a: &Account| a.kind() == AccountKind::Held && a.party == case.party();
    accounts.any(here)
}

fn known<'a>(
    lot: &'a LotState,
    direction: CustomsDirection,
    entry: &str,
) -> Option<&'a CustomsSet> {
    lot.customs
        .iter()
        .find(|c| c.direction() == direction && c.customs_entry == entry)
}

/// Sets an entry's status, as an event says; one that customs hold is found.
pub(super) fn set(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    id: LotId,
    word: &Word<'_>,
) -> Result<(), Refused> {
    let state = draft.lot(id).unwrap_or_default();
    let before = known(&state, word.direction, word.entry);
    if let Some(before) = before {
        if !case.signers.signed(&before.declarer) && !case.signers.authority() {
            return Err(
                Refused::new(RefusalCode::AuthorityRequired, "customs_entry")
                    .detail(format!("or the word of {}", before.declarer)),
            );
        }
        if before.status() == CustomsStatus::Released && word.status == CustomsStatus::Arrived {
            let why = "it has been released: customs may hold it again";
            return Err(Refused::invalid("status", why));
        }
        if before.status() == word.status {
            return Err(Refused::new(RefusalCode::NoChange, "status"));
        }
    } else if state.customs.len() >= MAX_ENTRIES {
        forget_one(draft, id, &state)?;
    }
    let declarer = before.map_or_else(|| case.party().to_owned(), |b| b.declarer.clone());
    let entry = CustomsSet {
        direction: word.direction.into(),
        customs_entry: word.entry.to_owned(),
        status: word.status.into(),
        declarer: declarer.clone(),
        by_authority: case.signers.authority(),
        office: word.office.to_owned(),
    };
    let lot = subject::lot(id);
    draft.emit(&lot, C::CustomsSet(entry))?;
    if word.status == CustomsStatus::Held {
        let detail = format!("entry {}", word.entry);
        let code = FindingCode::CustomsHeld;
        draft.find(code, Severity::Warning, &lot, &declarer, 0, detail);
    }
    Ok(())
}

/// Makes room: the earliest entry that has been released is no longer kept.
fn forget_one(draft: &mut Draft<'_>, id: LotId, state: &LotState) -> Result<(), Refused> {
    let done = |c: &&CustomsSet| c.status() == CustomsStatus::Released;
    let Some(oldest) = state.customs.iter().find(done) else {
        return Err(Refused::invalid(
            "customs_entry",
            format!("{MAX_ENTRIES} entries of the lot are open"),
        ));
    };
    let forgotten = CustomsSet {
        status: CustomsStatus::Unspecified.into(),
        ..oldest.clone()
    };
    draft.emit(&subject::lot(id), C::CustomsSet(forgotten))
}
