//! Taking over what was offered, line by line: accepted as measured, refused,
//! still aboard; what nobody accounts for goes to the scales or into dispute.

mod discrepancy;
pub(super) mod shape;

use self::discrepancy::{check_weight, dispute, find, find_wrong_consignee};
use self::shape::{check_lines_once, mass};
use super::goods::{self, overflow};
use super::handoff::release;
use super::{quota, receipt, returns, rules, scales, waybill};
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::{account, ranges, subject};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{ConsignmentId, HandoffId, LotId, StatementId};
use crate::pb::change::Change as C;
use crate::pb::{
    Accepted, AcceptedLine, Account, AccountKind, ConsignmentLoad, ConsignmentOpened, FindingCode,
    HandoffClosed, HandoffLine, HandoffOffered, HandoffState, HandoffStatus, RefusalCode, Severity,
};

/// One acceptance, named by its own event.
pub(super) struct Taking<'a> {
    pub(super) name: HandoffId,
    pub(super) taker: &'a str,
    pub(super) party: &'a str,
    pub(super) statement: StatementId,
    pub(super) event_index: u32,
    /// Two persons of the taker signed it, and when it was recorded (Unix
    /// milliseconds).
    pub(super) two_persons: bool,
    pub(super) recorded_ms: i64,
    pub(super) deadline_ms: i64,
    pub(super) tolerance_ppm: u32,
}

/// One line's two sides: what was offered, what is said of it.
pub(super) struct Sides<'a> {
    pub(super) lot: LotId,
    pub(super) index: u32,
    pub(super) offered: &'a HandoffLine,
    pub(super) accepted: i64,
    pub(super) refused: i64,
    pub(super) still_aboard: i64,
    pub(super) said: AcceptedLine,
}

/// Takes an open handoff's goods over.
pub(super) fn take(
    draft: &mut Draft<'_>,
    taking: &Taking<'_>,
    handoff: &HandoffState,
    e: &Accepted,
) -> Result<(), Refused> {
    check_lines_once(e)?;
    let offered = handoff.offered.clone().unwrap_or_default();
    let from = offered.from.clone().unwrap_or_default();
    if e.lines
        .iter()
        .any(|l| usize::try_from(l.line).map_or(true, |i| i >= offered.lines.len()))
    {
        return Err(Refused::new(RefusalCode::LinesDiffer, "lines")
            .detail(format!("the offer has {} lines", offered.lines.len())));
    }
    if e.returns.as_ref() != offered.returns.as_deref() {
        return Err(Refused::new(RefusalCode::ReturnDisagrees, "returns")
            .detail("the offer names another handoff, or none"));
    }
    let to = taker_account(draft, taking, &offered, e)?;
    waybill::find_incomplete(draft, taking, &offered);
    let mut tracked = receipt::Tracked::of(draft, &offered, &from);
    let before = on_hand(draft, &offered, &to);
    let drawing = rules::Drawing::before(draft, offered.permit.as_deref().cloned());
    for (index, line) in (0u32..).zip(&offered.lines) {
        let said = e
            .lines
            .iter()
            .find(|l| l.line == index)
            .cloned()
            .unwrap_or_default();
        let at = format!("lines[{index}]");
        let sides = sides(index, line, said, &from).map_err(|r| r.within(&at))?;
        release(draft, taking.name, line)?;
        take_line(draft, taking, &offered, &sides, &from, &to).map_err(|r| r.within(&at))?;
        returns::note(draft, taking, &offered, &sides)?;
        scales::taken(draft, taking, &sides.said);
        tracked.line(draft, taking.taker, &offered, &sides, e, &to)?;
    }
    tracked.finish(draft, taking, &offered, e);
    if from.kind() == AccountKind::Aboard
        && let Some(id) = ConsignmentId::from_slice(&from.id)
    {
        // The record is about the consignment though some of it stays aboard.
        if draft.consignment(id).is_some() {
            draft.touch(subject::consignment(id));
        }
        find_wrong_consignee(draft, id, taking, &offered);
        rules::arrived(draft, id, taking.taker, &to.place, &offered.lines)?;
        goods::unload(draft, id)?;
    }
    let closed = HandoffClosed {
        status: HandoffStatus::Accepted.into(),
        place: to.place.clone(),
    };
    draft.emit(&subject::handoff(taking.name), C::HandoffClosed(closed))?;
    let mut taken = on_hand(draft, &offered, &to);
    for ((_, amount), (_, had)) in taken.iter_mut().zip(before) {
        *amount = amount.minus(had).map_err(overflow)?;
    }
    quota::taken(draft, taking.name, &offered, &taken)?;
    rules::taken(draft, taking, &offered, &to, &taken, &drawing);
    rules::loaded(draft, taking.name, &offered);
    let received = rules::Received {
        subject: &subject::handoff(taking.name),
        taker: taking.taker,
        place: &to.place,
        two_persons: taking.two_persons,
        recorded_ms: taking.recorded_ms,
    };
    rules::received(draft, &received, &offered, &taken);
    Ok(())
}

/// What stands on an account of each line's lot.
fn on_hand(draft: &Draft<'_>, offered: &HandoffOffered, account: &Account) -> Vec<(LotId, Amount)> {
    if !rules::any(draft) && !quota::concerns(draft, offered) {
        return Vec::new();
    }
    let lots = offered
        .lines
        .iter()
        .filter_map(|line| LotId::from_slice(&line.lot));
    lots.map(|id| {
        let state = draft.lot(id).unwrap_or_default();
        (id, lot::balance(&state, account))
    })
    .collect()
}

fn taker_account(
    draft: &mut Draft<'_>,
    taking: &Taking<'_>,
    offered: &HandoffOffered,
    e: &Accepted,
) -> Result<Account, Refused> {
    if offered.carriage.is_some() {
        if !e.place.is_empty() {
            return Err(Refused::invalid(
                "place",
                "the offer is for carriage: goods go aboard",
            ));
        }
        if e.receipt.is_some() {
            let why = "the offer is for carriage: the receiver states it";
            return Err(Refused::invalid("receipt", why));
        }
        return Ok(account::aboard(ConsignmentId(taking.name.0)));
    }
    goods::fact_place(draft, taking.taker, &e.place)?;
    Ok(account::held(taking.taker, &e.place))
}

fn sides<'a>(
    index: u32,
    offered: &'a HandoffLine,
    said: AcceptedLine,
    from: &Account,
) -> Result<Sides<'a>, Refused> {
    let lot = LotId::from_slice(&offered.lot).ok_or_else(|| Refused::missing("lot"))?;
    let accepted = mass(said.accepted.as_ref(), "accepted")?;
    let refused = mass(said.refused.as_ref(), "refused")?;
    let still_aboard = mass(said.still_aboard.as_ref(), "still_aboard")?;
    let differ =
        |field: &str, why: &str| Err(Refused::new(RefusalCode::LinesDiffer, field).detail(why));
    let aboard = still_aboard > 0 || !said.still_aboard_serials.is_empty();
    if aboard && from.kind() != AccountKind::Aboard {
        return differ("still_aboard", "the offer is not from a consignment");
    }
    let stays = refused.checked_add(still_aboard);
    if stays.is_none_or(|stays| stays > offered.loose_gross_mg) {
        return differ("refused", "more than was offered stays with the giver");
    }
    if accepted > 0 && offered.loose_gross_mg == 0 {
        return differ("accepted", "the line offers nothing loose");
    }
    let named = [
        &said.accepted_serials,
        &said.refused_serials,
        &said.still_aboard_serials,
    ];
    if named
        .iter()
        .any(|list| !ranges::minus(list, &offered.serials).is_empty())
    {
        return differ("accepted_serials", "packages that the line does not offer");
    }
    Ok(Sides {
        lot,
        index,
        offered,
        accepted,
        refused,
        still_aboard,
        said,
    })
}

fn take_line(
    draft: &mut Draft<'_>,
    taking: &Taking<'_>,
    offered: &HandoffOffered,
    sides: &Sides<'_>,
    from: &Account,
    to: &Account,
) -> Result<(), Refused> {
    let lot = sides.lot;
    let left = take_loose(draft, taking, offered, sides, from, to)?;
    draft.transfer_packages(lot, &sides.said.accepted_serials, to)?;
    if to.kind() == AccountKind::Aboard {
        load(draft, taking, offered, lot, to)?;
    }
    let accounted = [
        &sides.said.accepted_serials,
        &sides.said.refused_serials,
        &sides.said.still_aboard_serials,
    ];
    let mut missing = sides.offered.serials.clone();
    for list in accounted {
        missing = ranges::minus(&missing, list);
    }
    if !left.is_zero() || !missing.is_empty() {
        dispute(draft, taking, offered, sides, from, left, &missing)?;
    }
    if sides.refused > 0 || !sides.said.refused_serials.is_empty() {
        find(
            draft,
            taking,
            offered,
            FindingCode::GoodsRefused,
            Severity::Notice,
            format!(
                "{}, packages {} stay with the giver",
                Mass::mg(sides.refused),
                ranges::show(&sides.said.refused_serials)
            ),
        );
    }
    check_weight(draft, taking, offered, sides);
    Ok(())
}

/// Books the loose part. Returns what is left for dispute.
fn take_loose(
    draft: &mut Draft<'_>,
    taking: &Taking<'_>,
    offered: &HandoffOffered,
    sides: &Sides<'_>,
    from: &Account,
    to: &Account,
) -> Result<Amount, Refused> {
    let expected = sides.offered.loose_gross_mg - sides.refused - sides.still_aboard;
    let state = draft.lot(sides.lot).unwrap_or_default();
    let there = lot::loose(&state, from).map_err(overflow)?;
    let leaves = Amount {
        gross: expected,
        contained: lot::contained_of(&state, there, expected),
    };
    let arrives = Amount {
        gross: sides.accepted,
        contained: arriving_content(state.content_ppm, leaves, sides.accepted),
    };
    draft.post(sides.lot, from, leaves.negated().map_err(overflow)?)?;
    draft.post(sides.lot, to, arrives)?;
    let difference = leaves.minus(arrives).map_err(overflow)?;
    if difference.is_zero() {
        return Ok(difference);
    }
    let scales = taking.tolerance_ppm;
    if within_scales(sides.offered, scales, difference.gross, sides.accepted) {
        draft.post(
            sides.lot,
            &account::measure_difference(taking.name),
            difference,
        )?;
        return Ok(Amount::default());
    }
    let code = match difference.gross {
        ..0 => FindingCode::OverDelivery,
        _ => FindingCode::ShortDelivery,
    };
    let detail = format!(
        "{} expected, {} measured",
        Mass::mg(expected),
        Mass::mg(sides.accepted)
    );
    find(draft, taking, offered, code, Severity::Alarm, detail);
    Ok(difference)
}

/// Whether a difference at a line can be the scales': up to so many parts per
/// million of what was offered, where something was measured at all.
pub(super) fn within_scales(
    line: &HandoffLine,
    tolerance_ppm: u32,
    difference: i64,
    measured: i64,
) -> bool {
    let bound = Mass::mg(line.loose_gross_mg)
        .share(i64::from(tolerance_ppm), 1_000_000)
        .unwrap_or_default()
        .as_mg();
    difference.saturating_abs() <= bound && measured > 0
}

/// The content that arrives with a measured mass: all of it if the masses
/// agree, in proportion if less arrives, and more if more does.
fn arriving_content(ppm: u32, leaves: Amount, gross: i64) -> i64 {
    let by_content = |gross: i64| Mass::mg(gross).contained(ppm).unwrap_or_default().as_mg();
    match gross.cmp(&leaves.gross) {
        std::cmp::Ordering::Equal => leaves.contained,
        std::cmp::Ordering::Less => by_content(gross).min(leaves.contained),
        std::cmp::Ordering::Greater => leaves
            .contained
            .saturating_add(by_content(gross.saturating_sub(leaves.gross))),
    }
}

fn load(
    draft: &mut Draft<'_>,
    taking: &Taking<'_>,
    offered: &HandoffOffered,
    lot: LotId,
    to: &Account,
) -> Result<(), Refused> {
    let state = draft.lot(lot).unwrap_or_default();
    if !lot::is_on(&state, to) {
        return Ok(());
    }
    let id = ConsignmentId(taking.name.0);
    let subject = subject::consignment(id);
    if draft.consignment(id).is_none() {
        draft.emit(
            &subject,
            C::ConsignmentOpened(ConsignmentOpened {
                carrier: taking.taker.to_owned(),
                giver: offered.giver.clone(),
                carriage: offered.carriage.clone(),
                road_pass: offered.road_pass.clone(),
                manifest: offered.manifest.clone(),
                permit: offered.permit.as_deref().cloned(),
            }),
        )?;
    }
    draft.emit(
        &subject,
        C::Load(ConsignmentLoad {
            lot: lot.to_bytes(),
            aboard: true,
        }),
    )
}
