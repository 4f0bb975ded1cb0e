//! The net difference, booked now; what current holdings cannot cover goes
//! into dispute.

use super::goods::{self, overflow};
use super::{Books, Case};
use crate::custody::account::{self, Class};
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, DisputeId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, ConsignmentLoad, DisputeOpened, DisputeOrigin, FindingCode, RefusalCode,
    Severity,
};

/// Books the net difference; what a holding cannot give goes into dispute.
pub(super) fn book(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    lot: LotId,
    party: &str,
    net: Books,
) -> Result<(), Refused> {
    let mut uncovered = Amount::default();
    let mut there = 0i64;
    // What comes in first, so that what goes out finds it.
    let (gains, takes): (Vec<_>, Vec<_>) = net.into_iter().partition(|(_, a)| a.gross >= 0);
    for (account, amount) in gains.into_iter().chain(takes) {
        let holding = account::class(account.kind()) == Some(Class::Holding);
        // What was missing may have come back since.
        if !holding && account.kind() != AccountKind::Missing {
            draft.post(lot, &account, amount)?;
            continue;
        }
        let covered = cover(draft, lot, &account, amount)?;
        draft.post(lot, &account, covered)?;
        let mut rest = amount.minus(covered).map_err(overflow)?;
        if rest.gross == 0 && rest.contained > 0 {
            // The last gross took more content with it than was restated.
            let loss = std::mem::take(&mut rest);
            draft.post(lot, &account::plain(AccountKind::ProcessLoss), loss)?;
        }
        uncovered = uncovered.plus(rest).map_err(overflow)?;
        if holding {
            there = there
                .checked_add(covered.gross)
                .ok_or_else(|| Refused::new(RefusalCode::MassOverflow, ""))?;
        }
        reload(draft, lot, &account)?;
    }
    match there {
        ..0 => draft.end_title(lot, party, there.saturating_neg())?,
        _ => draft.post_title(lot, party, there)?,
    }
    if uncovered.is_zero() {
        return Ok(());
    }
    draft.post_title(lot, party, uncovered.gross)?;
    dispute(draft, case, lot, party, uncovered)
}

/// After a correction aboard: the consignment lists the lot if some of it is
/// there, and is closed if nothing is left.
fn reload(draft: &mut Draft<'_>, lot: LotId, account: &Account) -> Result<(), Refused> {
    let Some(id) = ConsignmentId::from_slice(&account.id) else {
        return Ok(());
    };
    let state = draft.consignment(id).unwrap_or_default();
    let aboard = !lot::balance(&draft.lot(lot).unwrap_or_default(), account).is_zero();
    if aboard && !state.lots.contains(&lot.to_bytes()) {
        let load = ConsignmentLoad {
            lot: lot.to_bytes(),
            aboard,
        };
        draft.emit(&subject::consignment(id), C::Load(load))?;
    }
    goods::unload(draft, id)
}

/// As much of a net change as the account can bear: of a loss what is loose
/// and not offered, the last gross with the last contained; all of a gain;
/// nothing aboard a consignment that is closed.
fn cover(
    draft: &Draft<'_>,
    id: LotId,
    account: &Account,
    amount: Amount,
) -> Result<Amount, Refused> {
    let state = draft.lot(id).unwrap_or_default();
    let carried = ConsignmentId::from_slice(&account.id).and_then(|id| draft.consignment(id));
    if carried.is_some_and(|c| c.closed) {
        return Ok(Amount::default());
    }
    let loose = lot::loose(&state, account).map_err(overflow)?;
    let free = loose
        .gross
        .saturating_sub(lot::reserved(&state, account).map_err(overflow)?)
        .max(0);
    let least = |free: i64, wanted: i64| wanted.max(free.saturating_neg());
    if amount.gross < 0 && amount.gross.saturating_neg() == loose.gross.min(free) {
        return loose.negated().map_err(overflow);
    }
    if amount.gross.saturating_neg() <= free {
        let contained = least(loose.contained, amount.contained);
        return Ok(Amount {
            gross: amount.gross,
            contained,
        });
    }
    let contained = lot::contained_of(&state, loose, free).saturating_neg();
    Ok(Amount {
        gross: free.saturating_neg(),
        contained: contained.max(amount.contained),
    })
}

fn dispute(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    lot: LotId,
    party: &str,
    uncovered: Amount,
) -> Result<(), Refused> {
    let id = DisputeId(case.name(0));
    draft.post(lot, &account::disputed(id), uncovered)?;
    draft.emit(
        &subject::dispute(id),
        C::DisputeOpened(DisputeOpened {
            origin: DisputeOrigin::Correction.into(),
            lot: lot.to_bytes(),
            gross_mg: uncovered.gross,
            contained_mg: uncovered.contained,
            owner: party.to_owned(),
            deadline_ms: case.dispute_deadline_ms(),
            ..DisputeOpened::default()
        }),
    )?;
    draft.find(
        FindingCode::CorrectionNotCovered,
        Severity::Warning,
        &subject::lot(lot),
        party,
        case.dispute_deadline_ms(),
        format!(
            "{} of the correction are no longer there",
            Mass::mg(uncovered.gross)
        ),
    );
    Ok(())
}
