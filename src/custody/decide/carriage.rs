//! On the road: consignments relayed and reported.

use super::Case;
use super::fields::{self, MAX_TEXT};
use super::modes;
use super::rules;
use super::rules::road::{self, Stop};
use super::signers;
use super::vessel;
use crate::custody::draft::Draft;
use crate::custody::{account, lot, subject, succession};
use crate::event::codes::Refused;
use crate::event::when::shown;
use crate::event::{ConsignmentId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    ConsignmentRelayed, ConsignmentReported, ConsignmentState, RefusalCode, Relayed, ReportKind,
    Reported,
};

/// Bytes of the words for a place on the road, at most.
const MAX_PLACE: usize = 128;

/// An open consignment that the party carries, or that one carries whom it has
/// succeeded.
pub(super) fn carried(draft: &Draft<'_>, id: &[u8], party: &str) -> Result<ConsignmentId, Refused> {
    let id = open(draft, id)?;
    let state = draft.consignment(id).unwrap_or_default();
    if !succession::acts_for(draft, party, &state.carrier) {
        return Err(Refused::new(RefusalCode::NotTheCarrier, "consignment")
            .detail(format!("consignment {id}")));
    }
    Ok(id)
}

/// An open consignment, whoever carries it.
pub(super) fn open(draft: &Draft<'_>, id: &[u8]) -> Result<ConsignmentId, Refused> {
    let field = "consignment";
    let id = ConsignmentId::from_slice(id)
        .ok_or_else(|| Refused::invalid(field, "16 bytes are wanted"))?;
    let refused = |code| Refused::new(code, field).detail(format!("consignment {id}"));
    let state = draft
        .consignment(id)
        .ok_or_else(|| refused(RefusalCode::UnknownConsignment))?;
    if state.closed {
        return Err(refused(RefusalCode::ConsignmentClosed));
    }
    Ok(id)
}

pub(super) fn relayed(draft: &mut Draft<'_>, case: &Case<'_>, e: &Relayed) -> Result<(), Refused> {
    signers::active(draft, &e.to_carrier, "to_carrier")?;
    if !case.signers.signed(&e.to_carrier) {
        return Err(
            Refused::new(RefusalCode::CounterpartSignatureRequired, "to_carrier")
                .detail(format!("of {}", e.to_carrier)),
        );
    }
    let known = ConsignmentId::from_slice(&e.consignment).and_then(|id| draft.consignment(id));
    modes::check_relay(known.as_deref(), e)?;
    fields::region(&e.region, "region")?;
    fields::optional_text(&e.place, MAX_PLACE, "place")?;
    let id = carried(draft, &e.consignment, case.party())?;
    let aboard = account::aboard(id);
    let state = draft.consignment(id).unwrap_or_default();
    let at_ms = relayed_at(draft, &state, e.at_ms)?;
    for lot_id in state.lots.iter().filter_map(|l| LotId::from_slice(l)) {
        let lot = draft.lot(lot_id).unwrap_or_default();
        let loose = lot
            .reservations
            .iter()
            .any(|r| r.account.as_ref() == Some(&aboard));
        let packages = lot
            .packages
            .iter()
            .any(|p| p.account.as_ref() == Some(&aboard) && !p.reserved_by.is_empty());
        if (loose || packages) && e.to_carrier != case.party() {
            return Err(Refused::new(RefusalCode::Reserved, "consignment")
                .detail("the old carrier has an open offer of what is aboard"));
        }
    }
    rules::road::goes_on(draft, id, at_ms)?;
    draft.emit(
        &subject::consignment(id),
        C::ConsignmentRelayed(ConsignmentRelayed {
            carrier: e.to_carrier.clone(),
            vehicle: e.vehicle.clone(),
            crew: e.crew.clone(),
            seals: modes::seals_after(&state, e),
            region: e.region.clone(),
            transfers: e.wagons.clone(),
            wagons: modes::wagons_after(&state, e),
            station: e.station.clone(),
            place: e.place.clone(),
            at_ms,
        }),
    )?;
    let there = |id: LotId| {
        let lot = draft.lot(id).unwrap_or_default();
        (id, lot::balance(&lot, &aboard))
    };
    let lots = state.lots.iter().filter_map(|l| LotId::from_slice(l));
    let amounts: Vec<_> = lots.map(there).collect();
    rules::relayed(draft, case, e, id, &amounts);
    Ok(())
}

/// When the goods changed hands or wagons: as said, between when they were
/// last known to and when the statement says; else when that says.
fn relayed_at(draft: &Draft<'_>, state: &ConsignmentState, said_ms: i64) -> Result<i64, Refused> {
    let now = draft.happened_at_ms();
    if said_ms == 0 {
        return Ok(now);
    }
    let since = state.opened_at_ms.max(state.relayed_at_ms);
    let refused = |why: String| Err(Refused::invalid("at_ms", why));
    if said_ms > now {
        return refused(format!("after {}, when it is said to happen", shown(now)));
    }
    if said_ms < since {
        return refused(format!("before {}, when they went aboard", shown(since)));
    }
    Ok(said_ms)
}

pub(super) fn reported(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Reported,
) -> Result<(), Refused> {
    if e.kind() == ReportKind::Unspecified {
        return Err(Refused::missing("kind"));
    }
    fields::region(&e.region, "region")?;
    fields::position(e.longitude_e6, e.latitude_e6)?;
    fields::optional_text(&e.note, MAX_TEXT, "note")?;
    let now = draft.happened_at_ms();
    road::check(e, now)?;
    let id = carried(draft, &e.consignment, case.party())?;
    let before = draft.consignment(id).unwrap_or_default();
    let stop = Stop::told_by(&before, e, now);
    // Before the word ends it, and with it what was told of it.
    road::stood(draft, id, stop)?;
    draft.emit(
        &subject::consignment(id),
        C::ConsignmentReported(ConsignmentReported {
            kind: e.kind,
            region: e.region.clone(),
            longitude_e6: e.longitude_e6,
            latitude_e6: e.latitude_e6,
            at_ms: road::latest_ms(&before, now),
            stopped_since_ms: Stop::standing_ms(stop),
        }),
    )?;
    road::driven(draft, id, e.driving.as_ref());
    match e.kind() {
        ReportKind::Unloaded => vessel::keep_heels(draft, case, id),
        _ => Ok(()),
    }
}
