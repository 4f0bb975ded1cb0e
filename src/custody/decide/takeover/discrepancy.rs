//! Where a takeover does not agree with its offer: what nobody accounts for goes
//! into dispute, and what the scale or the consignee's name says otherwise is
//! found.

use super::{Sides, Taking};
use crate::custody::decide::goods::overflow;
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::{account, ranges, subject, succession};
use crate::event::codes::Refused;
use crate::event::ids::derived;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, DisputeId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, DisputeOpened, DisputeOrigin, FindingCode, HandoffOffered, Measure, SerialRange,
    Severity,
};

/// What nobody accounts for: in dispute, with an owner and a deadline.
pub(super) fn dispute(
    draft: &mut Draft<'_>,
    taking: &Taking<'_>,
    offered: &HandoffOffered,
    sides: &Sides<'_>,
    from: &Account,
    left: Amount,
    missing: &[SerialRange],
) -> Result<(), Refused> {
    let id = DisputeId(derived(
        taking.party,
        taking.statement,
        taking.event_index,
        sides.index,
    ));
    let account = account::disputed(id);
    draft.post(sides.lot, &account, left)?;
    let before = packed_there(draft, sides.lot, &account)?;
    draft.transfer_packages(sides.lot, missing, &account)?;
    let packed = packed_there(draft, sides.lot, &account)?
        .minus(before)
        .map_err(overflow)?;
    let total = left.plus(packed).map_err(overflow)?;
    draft.emit(
        &subject::dispute(id),
        C::DisputeOpened(DisputeOpened {
            origin: DisputeOrigin::Handoff.into(),
            lot: sides.lot.to_bytes(),
            gross_mg: total.gross,
            contained_mg: total.contained,
            serials: missing.to_vec(),
            owner: offered.giver.clone(),
            counterpart: taking.taker.to_owned(),
            deadline_ms: taking.deadline_ms,
            handoff: taking.name.to_bytes(),
        }),
    )?;
    if !missing.is_empty() {
        let detail = format!(
            "packages {} from {}",
            ranges::show(missing),
            account::show(from)
        );
        find(
            draft,
            taking,
            offered,
            FindingCode::PackagesUnaccounted,
            Severity::Alarm,
            detail,
        );
    }
    Ok(())
}

fn packed_there(draft: &Draft<'_>, lot: LotId, account: &Account) -> Result<Amount, Refused> {
    lot::packed(&draft.lot(lot).unwrap_or_default(), account).map_err(overflow)
}

pub(super) fn find(
    draft: &mut Draft<'_>,
    taking: &Taking<'_>,
    offered: &HandoffOffered,
    code: FindingCode,
    severity: Severity,
    detail: String,
) {
    let handoff = subject::handoff(taking.name);
    draft.find(
        code,
        severity,
        &handoff,
        &offered.giver,
        taking.deadline_ms,
        detail,
    );
}

/// The weighbridge only checks what packages say of themselves.
pub(super) fn check_weight(
    draft: &mut Draft<'_>,
    taking: &Taking<'_>,
    offered: &HandoffOffered,
    sides: &Sides<'_>,
) {
    let Some(check) = &sides.said.check else {
        return;
    };
    let Some(weighed) = weighed(check) else {
        return;
    };
    let state = draft.lot(sides.lot).unwrap_or_default();
    let labels = sides.said.accepted_serials.iter().try_fold(0i64, |sum, r| {
        lot::select(&state, r.first, r.last)?
            .iter()
            .try_fold(sum, |sum, p| {
                sum.checked_add(lot::package_mass(p).ok()?.gross)
            })
    });
    let Some(expected) = labels.and_then(|l| l.checked_add(sides.accepted)) else {
        return;
    };
    let bound = Mass::mg(expected)
        .share(i64::from(taking.tolerance_ppm), 1_000_000)
        .unwrap_or_default()
        .as_mg();
    if expected.saturating_sub(weighed).abs() > bound {
        let detail = format!(
            "{} by label, {} on the scale",
            Mass::mg(expected),
            Mass::mg(weighed)
        );
        let code = FindingCode::WeighbridgeDiffers;
        find(draft, taking, offered, code, Severity::Warning, detail);
    }
}

/// The scale's net, or its value.
fn weighed(check: &Measure) -> Option<i64> {
    let text = if check.net.is_empty() {
        &check.value
    } else {
        &check.net
    };
    Mass::parse(text, check.unit()).ok().map(Mass::as_mg)
}

/// Goods at somebody's gate who is not their consignee. After a refusal that
/// their offer names they may go back to their sender without a word, and to
/// another taker with one.
pub(super) fn find_wrong_consignee(
    draft: &mut Draft<'_>,
    id: ConsignmentId,
    taking: &Taking<'_>,
    offered: &HandoffOffered,
) {
    let state = draft.consignment(id).unwrap_or_default();
    let consignee = state
        .carriage
        .as_ref()
        .map(|c| c.consignee.clone())
        .unwrap_or_default();
    if succession::acts_for(draft, taking.taker, &consignee) {
        return;
    }
    let (code, severity, owner) = match offered.instead_of {
        Some(_) if succession::acts_for(draft, taking.taker, &state.giver) => return,
        Some(_) => (FindingCode::GoodsDiverted, Severity::Notice, &state.giver),
        None => (
            FindingCode::GoodsAboardNotConsignedHere,
            Severity::Alarm,
            &state.carrier,
        ),
    };
    draft.find(
        code,
        severity,
        &subject::consignment(id),
        owner,
        0,
        format!("consigned to {consignee}, taken by {}", taking.taker),
    );
}
