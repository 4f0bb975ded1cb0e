//! What time alone has broken, as the items that it concerns remember it: told
//! once, until what was missing happens after all; and since when goods stand
//! where they are. Nothing is decided here; what is overdue is in
//! `decide/rules`.

use super::account;
use super::apply::misplaced;
use super::lot::{self, Broken};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, ConsignmentReported, ConsignmentState, KeyState, LotState, OverdueTold,
    RuleKind, StockTaken,
};

/// Whether it has been told of a rule.
pub(super) fn is_told(told: &[OverdueTold], rule: RuleKind) -> bool {
    told.iter().any(|mark| mark.rule() == rule)
}

/// The order of marks; of one item none twice.
fn order(mark: &OverdueTold) -> (i32, &str, &str) {
    (mark.rule, &mark.party, &mark.place)
}

/// It is told.
pub(super) fn tell(told: &mut Vec<OverdueTold>, mark: &OverdueTold) {
    told.retain(|known| order(known) != order(mark));
    told.push(mark.clone());
    told.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
}

/// What was missing has happened.
fn forget(told: &mut Vec<OverdueTold>, rule: RuleKind) {
    told.retain(|mark| mark.rule() != rule);
}

/// A word from the road.
pub(super) fn reported(consignment: &mut ConsignmentState, word: &ConsignmentReported) {
    consignment.region.clone_from(&word.region);
    consignment.report = Some(word.clone());
    if word.stopped_since_ms == 0 {
        forget(&mut consignment.overdue, RuleKind::LongStop);
    }
}

/// It goes on: with another vehicle, in other hands, with less aboard.
pub(super) fn relayed(consignment: &mut ConsignmentState) {
    if let Some(report) = &mut consignment.report {
        report.stopped_since_ms = 0;
    }
    forget(&mut consignment.overdue, RuleKind::LongStop);
}

/// A device has been heard.
pub(super) fn heard(key: &mut KeyState, at_ms: i64) {
    key.heard_at_ms = key.heard_at_ms.max(at_ms);
    forget(&mut key.overdue, RuleKind::DeviceSilent);
}

/// Whether a change tells nothing of the matter itself.
pub(super) fn is_mark(what: &C) -> bool {
    matches!(what, C::OverdueTold(_) | C::StockTaken(_))
}

/// A mark on a lot.
pub(super) fn to_lot(lot: &mut LotState, what: &C) -> Result<(), Broken> {
    match what {
        C::StockTaken(stock) => taken(lot, stock),
        C::OverdueTold(told) => tell(&mut lot.overdue, told),
        _ => return misplaced("a lot"),
    }
    Ok(())
}

/// Whether a mark or a count is of a place.
fn is_of(party: &str, place: &str, account: &Account) -> bool {
    account.kind() == AccountKind::Held && account.party == party && account.place == place
}

/// Goods came to a place, or were counted there: what was told of the time
/// before is past. That nothing was known of them before is no count.
fn taken(lot: &mut LotState, stock: &StockTaken) {
    let at = account::held(&stock.party, &stock.place);
    lot.stock.retain(|s| !is_of(&s.party, &s.place, &at));
    lot.stock.push(stock.clone());
    lot.stock
        .sort_unstable_by(|a, b| (&a.party, &a.place).cmp(&(&b.party, &b.place)));
    lot.overdue
        .retain(|mark| !is_of(&mark.party, &mark.place, &at) || mark.since_ms >= stock.at_ms);
}

/// Something was booked on an account: what is gone from a place is no longer
/// counted there.
pub(super) fn booked(lot: &mut LotState, account: &Account) {
    let nothing_kept = lot.stock.is_empty() && lot.overdue.is_empty();
    if nothing_kept || !lot::balance(lot, account).is_zero() {
        return;
    }
    lot.stock.retain(|s| !is_of(&s.party, &s.place, account));
    lot.overdue
        .retain(|mark| !is_of(&mark.party, &mark.place, account));
}
