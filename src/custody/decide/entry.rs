//! Matter that enters: produced, imported, or there before (opened).

use super::Case;
use super::customs::{self, Word};
use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::goods;
use super::signers;
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::{account, subject};
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::pb::change::Change as C;
use crate::pb::{
    AccountKind, CustomsDirection, CustomsStatus, FindingCode, Imported, LotBorn, NewLot, Opened,
    Parent, Produced, RefusalCode, Severity,
};

/// Whether data sheet and label must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Papers {
    /// Missing ones are refused: the matter is the declarer's own make.
    Must,
    /// Missing ones are a finding: the matter is there all the same.
    Should,
}

/// How a lot comes to be.
pub(super) struct Birth {
    pub(super) source: AccountKind,
    pub(super) papers: Papers,
    pub(super) line: u32,
    pub(super) parents: Vec<Parent>,
    /// Of waste: its code; the declarer is answerable for it.
    pub(super) waste_code: String,
}

pub(super) fn produced(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Produced,
) -> Result<(), Refused> {
    signers::takes_in(draft, case.party(), "party").map_err(|r| r.within("payload"))?;
    let birth = Birth {
        source: AccountKind::Produced,
        papers: Papers::Must,
        line: 0,
        parents: Vec::new(),
        waste_code: String::new(),
    };
    entered(draft, case, e.lot.as_ref(), birth)
}

pub(super) fn imported(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Imported,
) -> Result<(), Refused> {
    signers::takes_in(draft, case.party(), "party").map_err(|r| r.within("payload"))?;
    fields::country(&e.country, "country")?;
    fields::text(&e.customs_entry, MAX_SHORT, "customs_entry")?;
    let birth = Birth {
        source: AccountKind::Imported,
        papers: Papers::Must,
        line: 0,
        parents: Vec::new(),
        waste_code: String::new(),
    };
    entered(draft, case, e.lot.as_ref(), birth)?;
    let status = e.customs_status();
    if status == CustomsStatus::Unspecified {
        return Ok(());
    }
    let word = Word {
        direction: CustomsDirection::Import,
        entry: &e.customs_entry,
        status,
        office: "",
    };
    customs::set(draft, case, LotId(case.name(0)), &word)
}

pub(super) fn opened(draft: &mut Draft<'_>, case: &Case<'_>, e: &Opened) -> Result<(), Refused> {
    signers::active(draft, case.party(), "party").map_err(|r| r.within("payload"))?;
    if !case.signers.two_persons(case.party()) {
        return Err(Refused::new(RefusalCode::TwoPersonsRequired, ""));
    }
    fields::optional_text(&e.provenance, MAX_TEXT, "provenance")?;
    let birth = Birth {
        source: AccountKind::Opening,
        papers: Papers::Should,
        line: 0,
        parents: Vec::new(),
        waste_code: String::new(),
    };
    entered(draft, case, e.lot.as_ref(), birth)?;
    if e.provenance.is_empty() {
        draft.find(
            FindingCode::ProvenanceUnknown,
            Severity::Warning,
            &subject::lot(LotId(case.name(0))),
            case.party(),
            0,
            "opening stock of unknown provenance",
        );
    }
    Ok(())
}

pub(super) fn entered(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    lot: Option<&NewLot>,
    birth: Birth,
) -> Result<(), Refused> {
    signers::active(draft, case.party(), "party").map_err(|r| r.within("payload"))?;
    let lot = lot.ok_or_else(|| Refused::missing("lot"))?;
    born(draft, case, lot, birth)
        .map(drop)
        .map_err(|r| r.within("lot"))
}

/// Checks a new lot's fields and returns its amount.
pub(super) fn check_new(lot: &NewLot) -> Result<Amount, Refused> {
    fields::text(&lot.label, MAX_SHORT, "label")?;
    fields::documents(&lot.documents)?;
    let gross = Mass::of(lot.quantity.as_ref(), "quantity")?;
    fields::content(lot.content_ppm, "content_ppm")?;
    fields::form(&lot.form, "form")?;
    let contained = gross
        .contained(lot.content_ppm)
        .ok_or_else(|| Refused::new(RefusalCode::MassOverflow, "quantity"))?;
    Ok(Amount {
        gross: gross.as_mg(),
        contained: contained.as_mg(),
    })
}

/// Whether data sheet and label are both there.
pub(super) fn check_papers(lot: &NewLot, wanted: Papers) -> Result<bool, Refused> {
    let papers = lot.data_sheet_hash.len() == 32 && lot.label_hash.len() == 32;
    if !papers && wanted == Papers::Must {
        return Err(Refused::new(RefusalCode::PapersMissing, "data_sheet_hash"));
    }
    let whole = |n: usize| n == 0 || n == 32;
    if !whole(lot.data_sheet_hash.len()) || !whole(lot.label_hash.len()) {
        return Err(Refused::invalid(
            "data_sheet_hash",
            "32 bytes each are wanted",
        ));
    }
    Ok(papers)
}

/// A new lot: born, booked from its source to the declarer's place, owned by
/// the declarer.
pub(super) fn born(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    lot: &NewLot,
    birth: Birth,
) -> Result<LotId, Refused> {
    let amount = check_new(lot)?;
    let id = LotId(case.name(birth.line));
    let papers = check_papers(lot, birth.papers)?;
    goods::own_place(draft, case.party(), &lot.place, "place")?;
    let subject = subject::lot(id);
    let waste = !birth.waste_code.is_empty();
    draft.emit(
        &subject,
        C::Born(LotBorn {
            label: lot.label.clone(),
            form: lot.form.clone(),
            content_ppm: lot.content_ppm,
            source: birth.source.into(),
            declarer: case.party().to_owned(),
            parents: birth.parents,
            answerable: if waste { case.party() } else { "" }.to_owned(),
            waste_code: birth.waste_code,
            ..LotBorn::default()
        }),
    )?;
    let from = account::plain(birth.source);
    draft.transfer(id, &from, &account::held(case.party(), &lot.place), amount)?;
    draft.post_title(id, case.party(), amount.gross)?;
    if !papers {
        draft.find(
            FindingCode::PapersMissing,
            Severity::Warning,
            &subject,
            case.party(),
            0,
            "data sheet or label missing",
        );
    }
    Ok(id)
}
