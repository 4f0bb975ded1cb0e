//! Corrections: an earlier event restated. The *net* difference is booked now,
//! what current holdings cannot cover goes into dispute, and the restated
//! postings stand beside it for as-true-at. What an event booked can be
//! corrected, and the words beside it; what makes it another event cannot:
//! its kind, its lots, its packages, a lot's label and form. An event that
//! books nothing is undone by the event that reverses it.
//!
//! | file | what |
//! |---|---|
//! | `original` | the event that is corrected, and its lots |
//! | `alike` | what of it may differ; for the other kinds what to do instead |
//! | `consent` | who must sign beside its party |
//! | `flow` | what the event is booked with, and should have been |
//! | `making` | the same of events that make lots of lots |
//! | `vessel` | the same of what was poured or drawn; what a vessel's lot is made of |
//! | `taking` | the same of acceptances |
//! | `edge` | what crossed the ledger's edge waits for the other side's word |
//! | `owners` | whose it is that goes from lot to lot |
//! | `net` | the difference, booked now |

mod alike;
mod consent;
mod edge;
mod flow;
mod making;
mod net;
mod original;
mod owners;
mod taking;
mod vessel;

use std::collections::BTreeMap;

use self::flow::Flow;
use self::owners::Owners;
use super::fields::{self, MAX_TEXT};
use super::goods::{self, overflow};
use super::store::late;
use super::{Case, Recorded, quota, rules};
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::{subject, succession};
use crate::event::codes::Refused;
use crate::event::{DisputeId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{Account, AssaySet, Corrected, LotBorn, Posting, RefusalCode, Restated};

/// Amounts by account; none is zero.
type Books = BTreeMap<Account, Amount>;

pub(super) fn corrected(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Corrected,
) -> Result<(), Refused> {
    fields::text(&e.reason, MAX_TEXT, "reason")?;
    let restated = e
        .restated
        .as_ref()
        .ok_or_else(|| Refused::missing("restated"))?;
    fields::external_refs(&restated.external_refs).map_err(|r| r.within("restated"))?;
    let (original, latest) = original::find(case, e.original.as_ref())?;
    let party = original.payload.party.as_str();
    let own = succession::acts_for(draft, case.party(), party);
    if !own && !case.signers.authority() {
        return Err(Refused::new(RefusalCode::CannotCorrect, "original")
            .detail(format!("{party} signed it")));
    }
    alike::check(&original, restated)?;
    let lots = original::lots(draft, &original)?;
    let sides = taking::handoff(draft, &original);
    let offered = sides.as_ref().map(|(_, offered)| offered);
    let permit = offered.and_then(|offered| quota::permit_of(draft, offered));
    let drawing = rules::Drawing::before(draft, permit);
    consent::both_sides(case, sides.as_ref().map(|(_, offered)| offered))?;
    consent::custody_moved(draft, case, party, &lots)?;
    let flows =
        flow::restated(draft, case, &original, restated).map_err(|r| r.within("restated"))?;
    let mut nets = nets(draft, &original, &flows)?;
    if nets.iter().all(Books::is_empty) && alike::words(restated) == alike::words(&latest) {
        return Err(Refused::new(RefusalCode::NoChange, "restated"));
    }
    let delivered = taking::delivered(&original, sides.as_ref(), &flows, &nets);
    for (flow, net) in flows.iter().zip(&mut nets) {
        net::make_good(draft, &original, flow.lot, net)?;
        consent::holders_signed(draft, case, net)?;
    }
    making::conserve(draft, &original, &flows)?;
    let owners = Owners::before(draft, &original, &lots);
    for (line, (flow, net)) in (0u32..).zip(flows.into_iter().zip(nets)) {
        late(draft, case, flow.lot);
        let booking = net::Booking {
            lot: flow.lot,
            line,
            party,
            original: &original,
            handoff: sides.as_ref(),
        };
        let lot = flow.lot;
        let held = held(draft, lot)?;
        let crosses = net.keys().any(|a| edge::is_edge(a.kind()));
        let dispute = net::book(draft, case, &booking, net)?;
        if crosses {
            edge::tell(draft, case, &original, restated, &flow)?;
        }
        restate(draft, &original, flow, dispute)?;
        vessel::reblend(draft, &original, lot, held)?;
    }
    taking::tell(draft, &original, restated)?;
    if let Some((name, offered)) = &sides {
        quota::corrected(draft, *name, offered, &delivered)?;
        rules::corrected(draft, &delivered, &drawing);
    }
    owners.keep(draft)
}

/// What is held of a lot, by whomever.
fn held(draft: &Draft<'_>, lot: LotId) -> Result<Amount, Refused> {
    lot::held_in_all(&draft.lot(lot).unwrap_or_default()).map_err(overflow)
}

/// What each lot is to be booked with now: as restated, less as booked.
fn nets(draft: &Draft<'_>, original: &Recorded, flows: &[Flow]) -> Result<Vec<Books>, Refused> {
    let net = |flow: &Flow| {
        let mut net = flow.books.clone();
        for (account, amount) in flow::booked(draft, original, flow.lot) {
            let now = net.entry(account).or_default();
            *now = now.minus(amount).map_err(overflow)?;
        }
        net.retain(|_, amount| !amount.is_zero());
        Ok(net)
    };
    flows.iter().map(net).collect()
}

/// The event as it should have been, on one of its lots.
fn restate(
    draft: &mut Draft<'_>,
    original: &Recorded,
    flow: Flow,
    dispute: Option<DisputeId>,
) -> Result<(), Refused> {
    let subject = subject::lot(flow.lot);
    let posting = |(account, amount): (Account, Amount)| Posting {
        account: Some(account),
        gross_mg: amount.gross,
        contained_mg: amount.contained,
    };
    let disputes = net::left_open(draft, original, flow.lot, dispute);
    draft.emit(
        &subject,
        C::Restated(Restated {
            position: original.position,
            event_index: original.event_index,
            happened_at_ms: original.payload.happened_at_ms,
            postings: flow.books.into_iter().map(posting).collect(),
            conservation: flow.conservation,
            contributed_to: flow.given,
            disputes,
        }),
    )?;
    let state = draft.lot(flow.lot).unwrap_or_default();
    let Some(born) = flow.born.filter(|born| state.born.as_ref() != Some(born)) else {
        return Ok(());
    };
    let content_ppm = born.content_ppm;
    let before = state.born.as_ref().map_or(0, |b: &LotBorn| b.content_ppm);
    // Else it has been assayed since, and that stands.
    let follows = state.content_ppm == before && content_ppm != before;
    draft.emit(&subject, C::BirthRestated(born))?;
    if follows {
        let content = AssaySet {
            content_ppm,
            mixed: true,
        };
        draft.emit(&subject, C::Assay(content))?;
    }
    Ok(())
}
