//! Disputes settled: by both sides or an authority, into scale, spill, theft
//! or miscount.

use super::Case;
use super::fields;
use super::goods::overflow;
use crate::custody::draft::Draft;
use crate::custody::lot::{self, Amount};
use crate::custody::{account, ranges, subject, succession};
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::{DisputeId, HandoffId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, DisputeOpened, DisputeReduced, DisputeState, RefusalCode, Settled,
    Settlement, SettlementCause,
};

/// Parts that one settlement may have, at most.
const MAX_SETTLEMENTS: usize = 16;

pub(super) fn settled(draft: &mut Draft<'_>, case: &Case<'_>, e: &Settled) -> Result<(), Refused> {
    let id = DisputeId::from_slice(&e.dispute)
        .ok_or_else(|| Refused::invalid("dispute", "16 bytes are wanted"))?;
    let refused = |code| Refused::new(code, "dispute").detail(format!("dispute {id}"));
    let known = draft.dispute(id).and_then(|d| d.opened.clone());
    if let Some(opened) = &known {
        may_settle(case, opened)
            .map_err(|detail| refused(RefusalCode::CounterpartSignatureRequired).detail(detail))?;
    }
    check_fields(e)?;
    let opened = known.ok_or_else(|| refused(RefusalCode::UnknownDispute))?;
    for (i, part) in e.settlements.iter().enumerate() {
        settle(draft, id, &opened, part).map_err(|r| r.within(&format!("settlements[{i}]")))?;
    }
    Ok(())
}

/// Whether both sides signed, or an authority; else who should have.
fn may_settle(case: &Case<'_>, opened: &DisputeOpened) -> Result<(), String> {
    let both = case.signers.signed(&opened.owner)
        && (opened.counterpart.is_empty() || case.signers.signed(&opened.counterpart));
    if both || case.signers.authority() {
        return Ok(());
    }
    Err(format!(
        "of {} and {}, or of an authority",
        opened.owner, opened.counterpart
    ))
}

fn check_fields(e: &Settled) -> Result<(), Refused> {
    if e.settlements.is_empty() || e.settlements.len() > MAX_SETTLEMENTS {
        return Err(Refused::invalid(
            "settlements",
            format!("1 to {MAX_SETTLEMENTS}"),
        ));
    }
    for (i, part) in e.settlements.iter().enumerate() {
        check_part(part).map_err(|r| r.within(&format!("settlements[{i}]")))?;
    }
    Ok(())
}

fn check_part(part: &Settlement) -> Result<(), Refused> {
    if part.cause() == SettlementCause::Unspecified {
        return Err(Refused::missing("cause"));
    }
    if part.gross_mg < 0 {
        return Err(Refused::new(RefusalCode::MassNotPositive, "gross_mg"));
    }
    fields::serials(&part.serials, "serials")
}

fn settle(
    draft: &mut Draft<'_>,
    id: DisputeId,
    opened: &DisputeOpened,
    part: &Settlement,
) -> Result<(), Refused> {
    let state = draft.dispute(id).unwrap_or_default();
    if !subject::is_open(&crate::custody::Item::Dispute(state.clone())) {
        return Err(Refused::new(RefusalCode::DisputeClosed, "").detail(format!("dispute {id}")));
    }
    let lot = LotId::from_slice(&opened.lot).ok_or_else(|| Refused::missing("lot"))?;
    let from = account::disputed(id);
    if !ranges::minus(&part.serials, &state.serials).is_empty() {
        return Err(Refused::new(RefusalCode::DisputeExceeded, "serials"));
    }
    let book = draft.lot(lot).unwrap_or_default();
    let loose = loose_part(&lot::loose(&book, &from).map_err(overflow)?, part, &state)?;
    let packed_before = lot::packed(&book, &from).map_err(overflow)?;
    if loose.gross < 0 || (loose.gross == 0 && loose.contained < 0) {
        settle_over(draft, lot, &from, opened, part, loose)?;
    } else {
        settle_short(draft, lot, &from, opened, part, loose)?;
    }
    let packed_after = lot::packed(&draft.lot(lot).unwrap_or_default(), &from).map_err(overflow)?;
    let packed = packed_before.minus(packed_after).map_err(overflow)?;
    let total = loose.plus(packed).map_err(overflow)?;
    draft.emit(
        &subject::dispute(id),
        C::DisputeReduced(DisputeReduced {
            gross_mg: total.gross,
            contained_mg: total.contained,
            serials: part.serials.clone(),
        }),
    )
}

/// The loose part that is settled, with the dispute's sign; content goes in
/// proportion, and all of it with the last gross.
fn loose_part(there: &Amount, part: &Settlement, state: &DisputeState) -> Result<Amount, Refused> {
    if part.gross_mg == 0 && there.gross != 0 {
        if part.serials.is_empty() {
            return Err(Refused::new(RefusalCode::MassNotPositive, "gross_mg"));
        }
        return Ok(Amount::default());
    }
    let size = there.gross.saturating_abs();
    if part.gross_mg > size {
        return Err(
            Refused::new(RefusalCode::DisputeExceeded, "gross_mg").detail(format!(
                "{} of {} in dispute",
                Mass::mg(part.gross_mg),
                Mass::mg(state.gross_mg)
            )),
        );
    }
    if part.gross_mg == size {
        return Ok(*there);
    }
    let content = Mass::mg(there.contained.saturating_abs())
        .share(part.gross_mg, size)
        .unwrap_or_default()
        .as_mg();
    let signed = |mg: i64, like: i64| if like < 0 { -mg } else { mg };
    Ok(Amount {
        gross: signed(part.gross_mg, there.gross),
        contained: signed(content, there.contained),
    })
}

/// Matter that nobody could account for.
fn settle_short(
    draft: &mut Draft<'_>,
    lot: LotId,
    from: &Account,
    opened: &DisputeOpened,
    part: &Settlement,
    loose: Amount,
) -> Result<(), Refused> {
    let to = match part.cause() {
        SettlementCause::Unspecified => return Err(Refused::missing("cause")),
        SettlementCause::Scale => {
            let handoff = HandoffId::from_slice(&opened.handoff)
                .filter(|_| part.serials.is_empty())
                .ok_or_else(|| Refused::invalid("cause", "no scale stands in this dispute"))?;
            account::measure_difference(handoff)
        }
        SettlementCause::Spill => account::plain(AccountKind::Released),
        SettlementCause::Theft => account::plain(AccountKind::Missing),
        SettlementCause::Miscount => found_at(draft, opened, part)?,
    };
    draft.transfer(lot, from, &to, loose)?;
    draft.transfer_packages(lot, &part.serials, &to)?;
    match part.cause() {
        SettlementCause::Spill | SettlementCause::Theft => {
            draft.end_title(lot, &opened.owner, loose.gross)
        }
        _ => Ok(()),
    }
}

/// A miscount: who has it after all. One of the two sides, or its successor.
fn found_at(
    draft: &Draft<'_>,
    opened: &DisputeOpened,
    part: &Settlement,
) -> Result<Account, Refused> {
    let sides = [&opened.owner, &opened.counterpart];
    if !sides
        .iter()
        .any(|side| succession::acts_for(draft, &part.party, side))
    {
        return Err(Refused::invalid("party", "one of the two sides has it"));
    }
    if draft.place(&part.party, &part.place).is_none() {
        return Err(Refused::new(RefusalCode::UnknownPlace, "place").detail(&part.place));
    }
    Ok(account::held(&part.party, &part.place))
}

/// More out than in.
fn settle_over(
    draft: &mut Draft<'_>,
    lot: LotId,
    from: &Account,
    opened: &DisputeOpened,
    part: &Settlement,
    loose: Amount,
) -> Result<(), Refused> {
    if !part.serials.is_empty() {
        let why = "a mass that came out and packages that did not are settled in two parts";
        return Err(Refused::invalid("serials", why));
    }
    match part.cause() {
        SettlementCause::Scale => {
            let handoff = HandoffId::from_slice(&opened.handoff)
                .ok_or_else(|| Refused::invalid("cause", "no scale stands in this dispute"))?;
            draft.transfer(lot, from, &account::measure_difference(handoff), loose)
        }
        SettlementCause::Miscount => {
            draft.transfer(lot, from, &account::plain(AccountKind::Found), loose)?;
            let gained = loose.negated().map_err(overflow)?.gross;
            let owner = if opened.counterpart.is_empty() {
                &opened.owner
            } else {
                &opened.counterpart
            };
            draft.make_good(lot, owner, gained)
        }
        SettlementCause::Unspecified => Err(Refused::missing("cause")),
        SettlementCause::Spill | SettlementCause::Theft => Err(Refused::invalid(
            "cause",
            "more came out than went in: scale or miscount",
        )),
    }
}
