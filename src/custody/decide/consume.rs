//! Matter that leaves the books: used, disposed of, exported, lost; and what
//! of the lost comes back.

use super::Case;
use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::goods::{self, Reserved};
use super::store::late;
use crate::custody::draft::Draft;
use crate::custody::{account, ranges, subject};
use crate::event::ConsignmentId;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::pb::incident::At as IncidentAt;
use crate::pb::{
    Account, AccountKind, Disposed, Exported, FindingCode, Goods, Incident, IncidentKind,
    Recovered, Severity, Used,
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
    let kind = AccountKind::Disposed;
    gone(
        draft,
        case,
        e.goods.as_ref(),
        &e.place,
        Reserved::Refuse,
        kind,
    )?;
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
    gone(
        draft,
        case,
        e.goods.as_ref(),
        &e.place,
        Reserved::Refuse,
        AccountKind::Exported,
    )
}

fn gone(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    named: Option<&Goods>,
    place: &str,
    reserved: Reserved,
    kind: AccountKind,
) -> Result<(), Refused> {
    goods::fact_place(draft, case.party(), place)?;
    let from = account::held(case.party(), place);
    let portion = goods::portion(draft, named, &from, reserved).map_err(|r| r.within("goods"))?;
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
    let portion = goods::portion(draft, e.goods.as_ref(), &from, Reserved::Take)
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
            "{} at {}, packages {}; to be reported at once",
            Mass::mg(total.gross),
            account::show(&from),
            ranges::show(&portion.serials)
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
