//! What time alone has broken, as the items that it concerns remember it: told
//! once, until what was missing happens after all. Nothing is decided here; what
//! is overdue is in `decide/rules`.

use crate::pb::{ConsignmentReported, ConsignmentState, OverdueTold, RuleKind};

/// Whether it has been told of a rule.
pub(super) fn is_told(told: &[OverdueTold], rule: RuleKind) -> bool {
    told.iter().any(|mark| mark.rule() == rule)
}

/// It is told.
pub(super) fn tell(told: &mut Vec<OverdueTold>, mark: &OverdueTold) {
    told.retain(|known| known.rule != mark.rule);
    told.push(*mark);
    told.sort_unstable_by_key(|mark| mark.rule);
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

/// It goes on, with another vehicle or in other hands.
pub(super) fn relayed(consignment: &mut ConsignmentState) {
    if let Some(report) = &mut consignment.report {
        report.stopped_since_ms = 0;
    }
    forget(&mut consignment.overdue, RuleKind::LongStop);
}
