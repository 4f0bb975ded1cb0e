//! The net difference, booked now; what current holdings cannot cover goes
//! into dispute.

use super::goods::{self, overflow};
use super::{Books, Case, Recorded, flow, owners};
use crate::custody::account::{self, Class};
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, DisputeId, HandoffId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, ConsignmentLoad, DisputeOpened, DisputeOrigin, DisputeReduced,
    FindingCode, HandoffOffered, LotState, RefusalCode, Severity,
};

/// Disputes that are remembered of the corrections of one event, at most.
const MAX_DISPUTES: usize = 8;

/// What corrections of this event have left in dispute is made good first: a
/// gain where matter lacked, a loss where there was too much. So a correction
/// taken back leaves nothing behind.
pub(super) fn make_good(
    draft: &Draft<'_>,
    original: &Recorded,
    lot: LotId,
    net: &mut Books,
) -> Result<(), Refused> {
    let state = draft.lot(lot).unwrap_or_default();
    let restated = flow::last_restated(draft, original, lot).unwrap_or_default();
    let left = restated.disputes.iter();
    for id in left.filter_map(|id| DisputeId::from_slice(id)) {
        let dispute = account::disputed(id);
        let mut there = lot::loose(&state, &dispute).map_err(overflow)?;
        let others: Vec<Account> = net.keys().filter(|a| **a != dispute).cloned().collect();
        for other in others {
            let now = net.get(&other).copied().unwrap_or_default();
            let spare = match account::class(other.kind()) {
                Some(Class::Holding) => now,
                // What a dispute cannot take up itself.
                Some(Class::Between) if other.kind() == AccountKind::Disputed => {
                    let own = lot::loose(&state, &other).map_err(overflow)?;
                    now.minus(toward_nothing(own, now)).map_err(overflow)?
                }
                _ => continue,
            };
            let part = toward_nothing(there, spare);
            if part.gross == 0 {
                continue;
            }
            there = there.plus(part).map_err(overflow)?;
            net.insert(other, now.minus(part).map_err(overflow)?);
            let settled = net.entry(dispute.clone()).or_default();
            *settled = settled.plus(part).map_err(overflow)?;
        }
    }
    net.retain(|_, amount| !amount.is_zero());
    Ok(())
}

/// The disputes to remember with the event: those still open, and the new one.
pub(super) fn left_open(
    draft: &Draft<'_>,
    original: &Recorded,
    lot: LotId,
    new: Option<DisputeId>,
) -> Vec<bytes::Bytes> {
    let restated = flow::last_restated(draft, original, lot).unwrap_or_default();
    let open = |id: &DisputeId| {
        draft
            .dispute(*id)
            .is_some_and(|d| d.gross_mg != 0 || d.contained_mg != 0)
    };
    let before = restated
        .disputes
        .iter()
        .filter_map(|id| DisputeId::from_slice(id));
    let mut all: Vec<bytes::Bytes> = before
        .filter(open)
        .chain(new)
        .map(DisputeId::to_bytes)
        .collect();
    all.drain(..all.len().saturating_sub(MAX_DISPUTES));
    all
}

/// Which lot is booked, the correction's how-manieth, and whose event it is.
pub(super) struct Booking<'a> {
    pub(super) lot: LotId,
    pub(super) line: u32,
    pub(super) party: &'a str,
    pub(super) original: &'a Recorded,
    /// The handoff that is corrected, if it is one.
    pub(super) handoff: Option<&'a (HandoffId, HandoffOffered)>,
}

/// Books the net difference; what a holding cannot give goes into dispute,
/// which is returned.
pub(super) fn book(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    booking: &Booking<'_>,
    net: Books,
) -> Result<Option<DisputeId>, Refused> {
    let lot = booking.lot;
    let mut uncovered = Amount::default();
    let mut change = TitleChange::default();
    let mut whole = true;
    // What comes in first, so that what goes out finds it.
    let (gains, takes): (Vec<_>, Vec<_>) = net.into_iter().partition(|(_, a)| a.gross >= 0);
    for (account, amount) in gains.into_iter().chain(takes) {
        let covered = cover(draft, lot, &account, amount)?;
        draft.post(lot, &account, covered)?;
        let mut rest = amount.minus(covered).map_err(overflow)?;
        if amount.gross < 0 && rest.gross == 0 && rest.contained > 0 {
            // The last gross took more content with it than was restated.
            let loss = std::mem::take(&mut rest);
            draft.post(lot, &account::plain(AccountKind::ProcessLoss), loss)?;
        }
        whole &= rest.is_zero();
        uncovered = uncovered.plus(rest).map_err(overflow)?;
        change.add(&account, covered.gross)?;
        reduce(draft, &account, covered)?;
        reload(draft, lot, &account)?;
    }
    title(draft, booking, &change, uncovered.gross)?;
    if uncovered.is_zero() {
        if !whole {
            let why = "it is no longer where it would come from, nor missing where it would go";
            not_covered(draft, lot, booking.party, 0, why.to_owned());
        }
        return Ok(None);
    }
    dispute(draft, case, booking, uncovered).map(Some)
}

/// What a correction changes of what is owned: all that is held or lies
/// between, and of the latter what was too much before.
#[derive(Default)]
struct TitleChange {
    there: i64,
    repaid: i64,
}

impl TitleChange {
    fn add(&mut self, account: &Account, gross: i64) -> Result<(), Refused> {
        let class = account::class(account.kind());
        let sum = |a: i64, b: i64| {
            a.checked_add(b)
                .ok_or_else(|| Refused::new(RefusalCode::MassOverflow, ""))
        };
        if matches!(class, Some(Class::Holding | Class::Between)) {
            self.there = sum(self.there, gross)?;
        }
        if class == Some(Class::Between) {
            self.repaid = sum(self.repaid, gross.max(0))?;
        }
        Ok(())
    }
}

/// Title follows what is there, and what is in dispute. What had been taken
/// beyond title while too much was in dispute is made good with it; what only
/// goes from the one to the other keeps its owner.
fn title(
    draft: &mut Draft<'_>,
    booking: &Booking<'_>,
    change: &TitleChange,
    uncovered: i64,
) -> Result<(), Refused> {
    let (lot, party) = (booking.lot, booking.party);
    let state = draft.lot(lot).unwrap_or_default();
    let owing = state.titles.iter().fold(0i64, |sum, t| {
        sum.saturating_add(t.gross_mg.saturating_neg().max(0))
    });
    let debt = change.repaid.min(owing);
    draft.make_good(lot, party, debt)?;
    let there = change.there - debt;
    let both = offset(there, uncovered);
    let (there, uncovered) = (there - both, uncovered + both);
    match there {
        ..0 => draft.end_title(lot, party, there.saturating_neg())?,
        _ => owners::give_back(draft, booking.original, lot, party, there)?,
    }
    draft.post_title(lot, party, uncovered)
}

/// After a correction of what stands in dispute: the dispute is as much less.
fn reduce(draft: &mut Draft<'_>, account: &Account, covered: Amount) -> Result<(), Refused> {
    let id = DisputeId::from_slice(&account.id);
    let Some(id) = id.filter(|_| account.kind() == AccountKind::Disputed && !covered.is_zero())
    else {
        return Ok(());
    };
    let less = covered.negated().map_err(overflow)?;
    draft.emit(
        &subject::dispute(id),
        C::DisputeReduced(DisputeReduced {
            gross_mg: less.gross,
            contained_mg: less.contained,
            serials: Vec::new(),
        }),
    )
}

/// After a correction aboard: the consignment lists the lot if some of it is
/// there, and is closed if nothing is left.
fn reload(draft: &mut Draft<'_>, lot: LotId, account: &Account) -> Result<(), Refused> {
    let id =
        ConsignmentId::from_slice(&account.id).filter(|_| account.kind() == AccountKind::Aboard);
    let Some((id, state)) = id.and_then(|id| Some((id, draft.consignment(id)?))) else {
        return Ok(());
    };
    let aboard = lot::is_on(&draft.lot(lot).unwrap_or_default(), account);
    if aboard && !state.lots.contains(&lot.to_bytes()) {
        let load = ConsignmentLoad {
            lot: lot.to_bytes(),
            aboard,
        };
        draft.emit(&subject::consignment(id), C::Load(load))?;
    }
    goods::unload(draft, id)
}

/// As much of a net change as an account can bear. Sources and sinks bear all
/// of it, but of what was missing some may have come back since.
fn cover(
    draft: &Draft<'_>,
    id: LotId,
    account: &Account,
    amount: Amount,
) -> Result<Amount, Refused> {
    let state = draft.lot(id).unwrap_or_default();
    let loose = lot::loose(&state, account).map_err(overflow)?;
    match account.kind() {
        AccountKind::Disputed => return Ok(toward_nothing(loose, amount)),
        AccountKind::Aboard => {
            let carried = ConsignmentId::from_slice(&account.id);
            let carried = carried.and_then(|id| draft.consignment(id));
            if carried.is_none_or(|c| c.closed) {
                return Ok(Amount::default());
            }
        }
        AccountKind::Held | AccountKind::Missing => {}
        _ => return Ok(amount),
    }
    let free = loose
        .gross
        .saturating_sub(lot::reserved(&state, account).map_err(overflow)?)
        .max(0);
    Ok(held(&state, loose, free, amount))
}

/// Of a loss what is loose and not offered, the last gross with the last
/// contained; of a gain in gross all; of one in content alone what the matter
/// there can hold.
fn held(state: &LotState, loose: Amount, free: i64, amount: Amount) -> Amount {
    let wanted = amount.gross.saturating_neg();
    if amount.gross == 0 && amount.contained > 0 {
        let room = loose.gross.saturating_sub(loose.contained).max(0);
        return Amount {
            gross: 0,
            contained: amount.contained.min(room),
        };
    }
    if wanted > 0 && wanted == loose.gross && wanted <= free {
        return Amount {
            gross: amount.gross,
            contained: loose.contained.saturating_neg(),
        };
    }
    if wanted <= free {
        let contained = amount.contained.max(loose.contained.saturating_neg());
        return Amount {
            gross: amount.gross,
            contained,
        };
    }
    let contained = lot::contained_of(state, loose, free).saturating_neg();
    Amount {
        gross: free.saturating_neg(),
        contained: contained.max(amount.contained),
    }
}

/// As much of an amount as another one of the opposite sign takes away.
fn offset(amount: i64, other: i64) -> i64 {
    if amount > 0 && other < 0 {
        amount.min(other.saturating_neg())
    } else if amount < 0 && other > 0 {
        amount.max(other.saturating_neg())
    } else {
        0
    }
}

/// Of a change what makes a dispute smaller, and no more than all of it; the
/// last gross with the last contained.
fn toward_nothing(there: Amount, change: Amount) -> Amount {
    let part = |there: i64, change: i64| offset(there, change).saturating_neg();
    let gross = part(there.gross, change.gross);
    let all = gross != 0 && gross == there.gross.saturating_neg();
    let contained = if all {
        there.contained.saturating_neg()
    } else {
        part(there.contained, change.contained)
    };
    Amount { gross, contained }
}

fn dispute(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    booking: &Booking<'_>,
    uncovered: Amount,
) -> Result<DisputeId, Refused> {
    let lot = booking.lot;
    // As the acceptance would have opened it, had it been told so.
    let (owner, counterpart, handoff) = match booking.handoff {
        Some((name, offered)) => (
            offered.giver.as_str(),
            offered.taker.clone(),
            name.to_bytes(),
        ),
        None => (booking.party, String::new(), bytes::Bytes::new()),
    };
    let id = DisputeId(case.name(booking.line));
    draft.post(lot, &account::disputed(id), uncovered)?;
    draft.emit(
        &subject::dispute(id),
        C::DisputeOpened(DisputeOpened {
            origin: DisputeOrigin::Correction.into(),
            lot: lot.to_bytes(),
            gross_mg: uncovered.gross,
            contained_mg: uncovered.contained,
            owner: owner.to_owned(),
            counterpart,
            handoff,
            deadline_ms: case.dispute_deadline_ms(),
            ..DisputeOpened::default()
        }),
    )?;
    let detail = format!(
        "{} ({} contained) of the correction are no longer there",
        Mass::mg(uncovered.gross),
        Mass::mg(uncovered.contained)
    );
    not_covered(draft, lot, owner, case.dispute_deadline_ms(), detail);
    Ok(id)
}

fn not_covered(draft: &mut Draft<'_>, lot: LotId, owner: &str, due_ms: i64, detail: String) {
    draft.find(
        FindingCode::CorrectionNotCovered,
        Severity::Warning,
        &subject::lot(lot),
        owner,
        due_ms,
        detail,
    );
}
