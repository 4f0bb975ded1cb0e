//! The ledger's edge: goods from somebody outside it, and to somebody outside
//! it. Either is one side's word until the other has given its own, or an
//! authority has. What it is not: import and export, which customs stand by.

use super::Case;
use super::customs;
use super::entry::{self, Birth, Papers};
use super::fields::{self, MAX_SHORT};
use super::goods::{self, Reserved};
use super::rules;
use super::signers;
use super::store::{late, stands_free};
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::{account, subject};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{LotId, StatementId};
use crate::pb::change::Change as C;
use crate::pb::{
    AccountKind, Arrived, Confirmed, Departed, DocumentRef, EdgeConfirmed, EventRef, FindingCode,
    OneSided, Outsider, RefusalCode, Severity,
};

/// How long the other side has to confirm, milliseconds: 30 days. The default
/// until rule packs carry it.
pub const CONFIRMATION_DUE_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Unconfirmed arrivals and departures of one lot, at most.
pub const MAX_ONE_SIDED: usize = 64;
/// Bytes of an outsider's name, at most.
const MAX_NAME: usize = 128;
/// The country whose codes have check digits that are known here.
const CHINA: &str = "CN";

pub(super) fn arrived(draft: &mut Draft<'_>, case: &Case<'_>, e: &Arrived) -> Result<(), Refused> {
    signers::active(draft, case.party(), "party").map_err(|r| r.within("payload"))?;
    let from = outsider(e.from.as_ref(), "from")?;
    fields::documents(&e.documents)?;
    let birth = Birth {
        source: AccountKind::Inbound,
        papers: Papers::Should,
        line: 0,
        parents: Vec::new(),
        waste_code: String::new(),
    };
    entry::entered(draft, case, e.lot.as_ref(), birth)?;
    let id = LotId(case.name(0));
    if draft.party(&from.code).is_some() {
        let detail = format!("{} could have offered the goods here", from.code);
        let code = FindingCode::OutsiderIsAParty;
        draft.find(
            code,
            Severity::Warning,
            &subject::lot(id),
            case.party(),
            0,
            detail,
        );
    }
    find_missing_papers(draft, case, id, &e.documents);
    let state = draft.lot(id).unwrap_or_default();
    let place = e.lot.as_ref().map_or("", |lot| &lot.place);
    let there = lot::balance(&state, &account::held(case.party(), place));
    if let Some(lot) = &e.lot {
        rules::from_outside(draft, case, &from, lot, (id, there));
    }
    one_sided(
        draft,
        case,
        id,
        told(case, AccountKind::Inbound, from, there),
    )
}

pub(super) fn departed(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Departed,
) -> Result<(), Refused> {
    signers::active(draft, case.party(), "party").map_err(|r| r.within("payload"))?;
    let to = outsider(e.to.as_ref(), "to")?;
    if draft.party(&to.code).is_some() {
        let why = "a party of this ledger: offer it the goods";
        return Err(Refused::invalid("to.code", why));
    }
    fields::documents(&e.documents)?;
    goods::check(e.goods.as_ref()).map_err(|r| r.within("goods"))?;
    goods::own_place(draft, case.party(), &e.place, "place")?;
    let from = account::held(case.party(), &e.place);
    let portion = goods::portion(draft, e.goods.as_ref(), &from, Reserved::Refuse)
        .map_err(|r| r.within("goods"))?;
    let waiting = draft.lot(portion.lot).map_or(0, |l| l.one_sided.len());
    if waiting >= MAX_ONE_SIDED {
        return Err(Refused::new(RefusalCode::TooManyOneSided, "goods.lot")
            .detail(format!("{waiting} are still to be confirmed")));
    }
    customs::free(draft, portion.lot, "goods.lot")?;
    stands_free(draft, &portion, "goods.lot")?;
    late(draft, case, portion.lot);
    goods::sink(draft, &portion, &from, AccountKind::Outbound)?;
    find_missing_papers(draft, case, portion.lot, &e.documents);
    let total = portion.total()?;
    rules::departs(draft, case, &e.place, &to, (portion.lot, total));
    let edge = told(case, AccountKind::Outbound, to, total);
    one_sided(draft, case, portion.lot, edge)
}

/// The outsider's word. Another mass is a finding: what was booked stays, and
/// both figures stand in the record.
pub(super) fn confirmed(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Confirmed,
) -> Result<(), Refused> {
    let id =
        LotId::from_slice(&e.lot).ok_or_else(|| Refused::invalid("lot", "16 bytes are wanted"))?;
    let named = e.edge.as_ref().ok_or_else(|| Refused::missing("edge"))?;
    let state = draft.lot(id);
    let waiting = state
        .as_ref()
        .and_then(|lot| lot.one_sided.iter().find(|o| same_event(o, named)))
        .cloned();
    if let Some(edge) = &waiting {
        other_side_signed(case, edge)?;
    }
    if StatementId::parse(&named.statement_id).is_none() || named.event_digest.len() != 32 {
        return Err(Refused::invalid("edge", "an event reference is wanted"));
    }
    let gross = Mass::of(e.quantity.as_ref(), "quantity")?.as_mg();
    if state.is_none() {
        return Err(Refused::new(RefusalCode::UnknownLot, "lot").detail(format!("lot {id}")));
    }
    let edge = waiting.ok_or_else(|| Refused::new(RefusalCode::UnknownEdge, "edge"))?;
    if edge.edge.as_ref() != Some(named) {
        let field = "edge.event_digest";
        return Err(Refused::new(RefusalCode::EventDigestDiffers, field));
    }
    late(draft, case, id);
    let confirmation = EdgeConfirmed {
        edge: edge.edge.clone(),
        party: case.party().to_owned(),
        gross_mg: gross,
    };
    draft.emit(&subject::lot(id), C::EdgeConfirmed(confirmation))?;
    if gross != edge.gross_mg {
        let detail = format!(
            "{} by {}, {} confirmed",
            Mass::mg(edge.gross_mg),
            named.party,
            Mass::mg(gross)
        );
        let (code, owner) = (FindingCode::ConfirmationDiffers, &named.party);
        let lot = subject::lot(id);
        draft.find(code, Severity::Warning, &lot, owner, 0, detail);
    }
    Ok(())
}

/// Whether an edge is of the event that is named, digest aside.
fn same_event(edge: &OneSided, named: &EventRef) -> bool {
    edge.edge.as_ref().is_some_and(|event| {
        event.party == named.party
            && event.statement_id == named.statement_id
            && event.event_index == named.event_index
    })
}

fn other_side_signed(case: &Case<'_>, edge: &OneSided) -> Result<(), Refused> {
    let outsider = edge.outsider.as_ref().map_or("", |o| &o.code);
    if case.signers.signed(outsider) || case.signers.authority() {
        return Ok(());
    }
    Err(
        Refused::new(RefusalCode::CounterpartSignatureRequired, "edge")
            .detail(format!("of {outsider}, or of an authority")),
    )
}

/// Bytes of a person's commitment.
const COMMITMENT: usize = 32;

/// An outsider's name, code and country; of a natural person the commitment
/// alone, and the country.
fn outsider(named: Option<&Outsider>, field: &str) -> Result<Outsider, Refused> {
    let given = named.ok_or_else(|| Refused::missing(field))?;
    let check = || {
        fields::country(&given.country, "country")?;
        if !given.person.is_empty() {
            return person(given);
        }
        fields::text(&given.name, MAX_NAME, "name")?;
        if given.country == CHINA {
            return fields::party_code(&given.code, "code");
        }
        fields::text(&given.code, MAX_SHORT, "code")
    };
    check().map_err(|r| r.within(field))?;
    Ok(given.clone())
}

fn person(given: &Outsider) -> Result<(), Refused> {
    if given.person.len() != COMMITMENT {
        let why = format!("{COMMITMENT} bytes are wanted: a commitment");
        return Err(Refused::invalid("person", why));
    }
    let named = [(&given.name, "name"), (&given.code, "code")];
    match named.into_iter().find(|(text, _)| !text.is_empty()) {
        Some((_, field)) => Err(Refused::invalid(
            field,
            "a person is named by commitment only",
        )),
        None => Ok(()),
    }
}

fn find_missing_papers(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    id: LotId,
    documents: &[DocumentRef],
) {
    if documents.is_empty() {
        let (code, lot) = (FindingCode::PapersMissing, subject::lot(id));
        let detail = "no paper of the handing over";
        draft.find(code, Severity::Warning, &lot, case.party(), 0, detail);
    }
}

/// An edge as its own event tells it.
fn told(case: &Case<'_>, account: AccountKind, outsider: Outsider, total: Amount) -> OneSided {
    OneSided {
        edge: case.statement.event_ref(case.index),
        account: account.into(),
        outsider: Some(outsider),
        gross_mg: total.gross,
        due_ms: 0,
    }
}

/// Keeps an edge with the lot until it is confirmed, and says so.
pub(super) fn one_sided(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    id: LotId,
    edge: OneSided,
) -> Result<(), Refused> {
    let due_ms = case
        .context
        .recorded_at_ms
        .saturating_add(CONFIRMATION_DUE_MS);
    let outsider = edge.outsider.clone().unwrap_or_default();
    let name = match outsider.person.as_ref() {
        [] => outsider.name.as_str(),
        _ => "a natural person",
    };
    let (mass, country) = (Mass::mg(edge.gross_mg), &outsider.country);
    let detail = format!("{mass}, {name} of {country}: to be confirmed");
    let (code, lot) = (FindingCode::OneSided, subject::lot(id));
    draft.emit(&lot, C::OneSided(OneSided { due_ms, ..edge }))?;
    draft.find(code, Severity::Notice, &lot, case.party(), due_ms, detail);
    Ok(())
}
