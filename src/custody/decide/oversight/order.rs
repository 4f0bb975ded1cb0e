//! Emergency and safe-return orders: while one holds, the gates that stand in
//! the way of the lots, consignments and parties it names are findings. What
//! is named keeps the order's number and term.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::super::{Case, carriage, goods};
use super::act::Act;
use super::{over, over_lot};
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::oversight::MAX_ORDERS;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::event::{ConsignmentId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{OrderMark, RefusalCode, ReliefOrder, Subject};

/// Lots, consignments and parties that one order may name, at most, of each.
const MAX_NAMED: usize = 64;
/// How long an order may hold, milliseconds: 90 days.
const MAX_TERM_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

pub(in super::super) fn ordered(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: Option<&ReliefOrder>,
    safe_return: bool,
) -> Result<(), Refused> {
    let e = e.ok_or_else(|| Refused::missing("relief"))?;
    let named = check(draft, case, e).map_err(|r| r.within("relief"))?;
    let mark = OrderMark {
        order: e.order.clone(),
        authority: case.party().to_owned(),
        from_ms: e.from_ms,
        until_ms: e.until_ms,
        safe_return,
    };
    for what in named {
        room(draft, case, &what).map_err(|r| r.within("relief"))?;
        draft.emit(&what, C::OrderMark(mark.clone()))?;
    }
    Ok(())
}

/// By an authority with power over all that it names; returns that.
fn check(
    draft: &Draft<'_>,
    case: &Case<'_>,
    e: &ReliefOrder,
) -> Result<BTreeSet<Subject>, Refused> {
    let unknown = e.parties.iter().find(|party| draft.party(party).is_none());
    if let Some(party) = unknown {
        return Err(Refused::new(RefusalCode::UnknownParty, "parties").detail(party));
    }
    if !may(draft, case, e) {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    fields::text(&e.order, MAX_SHORT, "order")?;
    fields::text(&e.reason, MAX_TEXT, "reason")?;
    let term = e.until_ms.saturating_sub(e.from_ms);
    if e.from_ms <= 0 || term <= 0 || term > MAX_TERM_MS {
        return Err(Refused::invalid(
            "until_ms",
            "after from_ms, by 90 days at most",
        ));
    }
    let counts = [e.lots.len(), e.consignments.len(), e.parties.len()];
    if counts.iter().any(|n| *n > MAX_NAMED) {
        return Err(Refused::invalid(
            "lots",
            format!("at most {MAX_NAMED} of each"),
        ));
    }
    if counts.iter().all(|n| *n == 0) {
        return Err(Refused::missing("lots"));
    }
    let mut named: BTreeSet<Subject> = e.parties.iter().map(|p| subject::party(p)).collect();
    for id in &e.lots {
        named.insert(subject::lot(goods::lot_of(draft, id)?.0));
    }
    for id in &e.consignments {
        named.insert(subject::consignment(carriage::open(draft, id)?));
    }
    Ok(named)
}

fn may(draft: &Draft<'_>, case: &Case<'_>, e: &ReliefOrder) -> bool {
    let lot = |id: &Bytes| {
        let state = LotId::from_slice(id).and_then(|id| draft.lot(id));
        over_lot(draft, case, &state.unwrap_or_default())
    };
    let carried = |id: &Bytes| {
        let state = ConsignmentId::from_slice(id).and_then(|id| draft.consignment(id));
        over(draft, case, &state.unwrap_or_default().carrier)
    };
    let none = e.lots.is_empty() && e.consignments.is_empty() && e.parties.is_empty();
    case.signers.authority()
        || !none
            && e.parties.iter().all(|party| over(draft, case, party))
            && e.lots.iter().all(lot)
            && e.consignments.iter().all(carried)
}

fn marks(draft: &Draft<'_>, what: &Subject) -> Vec<OrderMark> {
    match draft.item(what).as_deref() {
        Some(Item::Lot(it)) => it.orders.clone(),
        Some(Item::Consignment(it)) => it.orders.clone(),
        Some(Item::Party(it)) => it.orders.clone(),
        _ => Vec::new(),
    }
}

/// There is room for another order: those whose term is over make it.
fn room(draft: &Draft<'_>, case: &Case<'_>, what: &Subject) -> Result<(), Refused> {
    let now = case.context.recorded_at_ms;
    let all = marks(draft, what);
    if all.len() < MAX_ORDERS || all.iter().any(|mark| mark.until_ms <= now) {
        return Ok(());
    }
    let why = format!("{} is named by {MAX_ORDERS} orders", subject::show(what));
    Err(Refused::invalid("order", why))
}

/// Whether an order that holds at both times of an act names something.
fn is_named(draft: &Draft<'_>, case: &Case<'_>, what: &Subject) -> bool {
    let times = [case.happened_at_ms(), case.context.recorded_at_ms];
    let holds = |mark: &OrderMark| {
        let within = |ms: &i64| mark.from_ms <= *ms && *ms < mark.until_ms;
        times.iter().all(within)
    };
    marks(draft, what).iter().any(holds)
}

/// Whether the gates on an act are findings: an order names a party to it, the
/// consignment that the goods are aboard of, or every one of its lots.
pub(in super::super) fn relaxed(
    draft: &Draft<'_>,
    case: &Case<'_>,
    amounts: &[(LotId, Amount)],
    parties: &[&str],
    aboard: Option<ConsignmentId>,
) -> bool {
    let party = |party: &&str| is_named(draft, case, &subject::party(party));
    let lot = |(lot, _): &(LotId, Amount)| is_named(draft, case, &subject::lot(*lot));
    aboard.is_some_and(|id| is_named(draft, case, &subject::consignment(id)))
        || parties.iter().any(party)
        || !amounts.is_empty() && amounts.iter().all(lot)
}

/// The same of an act as enforcement sees it, which may be aboard a consignment
/// that is named.
pub(super) fn names(draft: &Draft<'_>, case: &Case<'_>, act: &Act) -> bool {
    let party = |party: &String| is_named(draft, case, &subject::party(party));
    let lot = |lot: &LotId| is_named(draft, case, &subject::lot(*lot));
    let aboard = |at: &crate::pb::Account| {
        let id = ConsignmentId::from_slice(&at.id);
        id.is_some_and(|id| is_named(draft, case, &subject::consignment(id)))
    };
    act.parties.iter().any(party)
        || !act.lots.is_empty() && act.lots.iter().all(|(id, at)| lot(id) || aboard(at))
}
