//! Matter that leaves the books: used, disposed of, exported, lost; and what
//! of the lost comes back.

use super::Case;
use super::customs::{self, Word};
use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::goods::{self, Reserved};
use super::oversight;
use super::parts::{self, Wanted};
use super::store::late;
use super::vessel;
use crate::custody::draft::Draft;
use crate::custody::packaging::Packaging;
use crate::custody::{account, ranges, subject};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, LotId};
use crate::pb::incident::At as IncidentAt;
use crate::pb::{
    Account, AccountKind, CustomsDirection, CustomsStatus, Disposed, Exported, FindingCode, Goods,
    Incident, IncidentKind, Recovered, RefusalCode, Severity, Used,
};

pub(super) fn used(draft: &mut Draft<'_>, case: &Case<'_>, e: &Used) -> Result<(), Refused> {
    fields::text(&e.purpose, MAX_TEXT, "purpose")?;
    gone(
        draft,
        case,
        e.goods.as_ref(),
        &e.place,
        Reserved::Take,
        AccountKind::Used,
        Wanted::Content,
    )
}

pub(super) fn disposed(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Disposed,
) -> Result<(), Refused> {
    fields::text(&e.method, MAX_SHORT, "method")?;
    let papers = !e.certificate_hash.is_empty();
    if papers {
        fields::hash(&e.certificate_hash, "certificate_hash")?;
    }
    let (kind, reserved) = (AccountKind::Disposed, Reserved::Refuse);
    let goods = e.goods.as_ref();
    if e.emptied {
        poured_away(draft, case, goods, &e.place)?;
    } else {
        gone(draft, case, goods, &e.place, reserved, kind, Wanted::All)?;
    }
    if !papers {
        let lot = e.goods.as_ref().map(|g| g.lot.clone()).unwrap_or_default();
        if let Some(id) = crate::event::LotId::from_slice(&lot) {
            draft.find(
                FindingCode::PapersMissing,
                Severity::Warning,
                &subject::lot(id),
                case.party(),
                0,
                "no certificate of disposal",
            );
        }
    }
    Ok(())
}

pub(super) fn exported(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Exported,
) -> Result<(), Refused> {
    fields::country(&e.country, "country")?;
    fields::text(&e.customs_entry, MAX_SHORT, "customs_entry")?;
    let status = e.customs_status();
    if status == CustomsStatus::Held {
        return Err(Refused::invalid(
            "customs_status",
            "what customs hold has not left",
        ));
    }
    gone(
        draft,
        case,
        e.goods.as_ref(),
        &e.place,
        Reserved::Refuse,
        AccountKind::Exported,
        Wanted::Whole,
    )?;
    let lot = e.goods.as_ref().and_then(|g| LotId::from_slice(&g.lot));
    let Some(id) = lot.filter(|_| status != CustomsStatus::Unspecified) else {
        return Ok(());
    };
    vessel::draw_first(&draft.lot(id).unwrap_or_default(), "goods.lot")?;
    let word = Word {
        direction: CustomsDirection::Export,
        entry: &e.customs_entry,
        status,
        office: "",
    };
    match customs::set(draft, case, id, &word) {
        // Customs had said so before.
        Err(refused) if refused.code == RefusalCode::NoChange => Ok(()),
        done => done,
    }
}

/// Disposed of as content: the packages stay.
fn poured_away(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    named: Option<&Goods>,
    place: &str,
) -> Result<(), Refused> {
    goods::fact_place(draft, case.party(), place)?;
    let from = account::held(case.party(), place);
    let portion = goods::content(draft, named, &from).map_err(|r| r.within("goods"))?;
    late(draft, case, portion.lot);
    let kind = AccountKind::Disposed;
    goods::sink_as(draft, &portion, &from, kind, Packaging::Stays)
}

fn gone(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    named: Option<&Goods>,
    place: &str,
    reserved: Reserved,
    kind: AccountKind,
    wanted: Wanted,
) -> Result<(), Refused> {
    goods::fact_place(draft, case.party(), place)?;
    let from = account::held(case.party(), place);
    let portion =
        goods::find(draft, named, &from, reserved, wanted).map_err(|r| r.within("goods"))?;
    match kind {
        AccountKind::Exported => customs::free(draft, portion.lot, "goods.lot")?,
        // What has been used is gone: recorded, and told.
        AccountKind::Used => customs::find_used(draft, case, portion.lot),
        _ => {}
    }
    late(draft, case, portion.lot);
    goods::sink(draft, &portion, &from, kind)
}

pub(super) fn incident(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Incident,
) -> Result<(), Refused> {
    let (kind, code) = loss(e.kind())?;
    fields::text(&e.description, MAX_TEXT, "description")?;
    goods::check(e.goods.as_ref()).map_err(|r| r.within("goods"))?;
    let (from, consignment) = scene(draft, case, e)?;
    let portion = goods::find(draft, e.goods.as_ref(), &from, Reserved::Take, Wanted::All)
        .map_err(|r| r.within("goods"))?;
    late(draft, case, portion.lot);
    let total = portion.total()?;
    goods::sink(draft, &portion, &from, kind)?;
    draft.find(
        code,
        Severity::Alarm,
        &subject::lot(portion.lot),
        case.party(),
        case.context.recorded_at_ms,
        format!(
            "{} at {}, packages {}{}; {}",
            Mass::mg(total.gross),
            account::show(&from),
            ranges::show(&portion.serials),
            parts::show(&portion.parts),
            oversight::report::to_whom(e.kind(), from.kind())
        ),
    );
    match consignment {
        Some(id) => goods::unload(draft, id),
        None => Ok(()),
    }
}

/// Where what is lost is booked, and what is found of it.
pub(super) fn loss(kind: IncidentKind) -> Result<(AccountKind, FindingCode), Refused> {
    match kind {
        IncidentKind::Missing => Ok((AccountKind::Missing, FindingCode::Missing)),
        IncidentKind::Released => Ok((AccountKind::Released, FindingCode::Released)),
        IncidentKind::Unspecified => Err(Refused::missing("kind")),
    }
}

/// Where it happened: a place of the signer, or a consignment it carries.
fn scene(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Incident,
) -> Result<(Account, Option<ConsignmentId>), Refused> {
    match &e.at {
        Some(IncidentAt::Place(place)) => {
            goods::fact_place(draft, case.party(), place)?;
            Ok((account::held(case.party(), place), None))
        }
        Some(IncidentAt::Consignment(id)) => {
            let id = super::carriage::carried(draft, id, case.party())?;
            Ok((account::aboard(id), Some(id)))
        }
        None => Err(Refused::missing("place")),
    }
}

pub(super) fn recovered(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Recovered,
) -> Result<(), Refused> {
    goods::fact_place(draft, case.party(), &e.place)?;
    let from = account::plain(AccountKind::Missing);
    let portion = goods::portion(draft, e.goods.as_ref(), &from, Reserved::Refuse)
        .map_err(|r| r.within("goods"))?;
    late(draft, case, portion.lot);
    goods::send(
        draft,
        &portion,
        &from,
        &account::held(case.party(), &e.place),
    )?;
    draft.post_title(portion.lot, case.party(), portion.loose.gross)
}
