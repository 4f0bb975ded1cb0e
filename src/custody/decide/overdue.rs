//! The ledger's word on what time alone has broken: the ledger's alone, signed
//! with its key. Nobody has to trust whoever found it: each line is judged here
//! from the state at the time recorded and the packs in force then.

use super::Case;
use super::rules::date;
use super::rules::overdue as due;
use crate::custody::draft::Draft;
use crate::custody::registry::LEDGER;
use crate::custody::subject::{self, Item, Items};
use crate::event::codes::Refused;
use crate::pb::change::Change as C;
use crate::pb::{OverdueLine, OverdueStated, OverdueTold, RefusalCode};

/// Lines of one word, at most: they and their findings fit into a record.
pub const MAX_OVERDUE: usize = 100;

/// Whether a line is so at a time, and has not been told.
pub fn holds(items: &dyn Items, line: &OverdueLine, now_ms: i64) -> bool {
    due::of_line(items, line, now_ms).is_some()
}

/// Finds every line, and marks what it names as told.
pub(super) fn stated(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &OverdueStated,
) -> Result<(), Refused> {
    if case.party() != LEDGER || case.statement.events.len() != 1 {
        return Err(Refused::new(RefusalCode::ReservedForLedger, ""));
    }
    if clock_in_doubt(draft) {
        return Err(Refused::invalid("lines", "the ledger's clock is in doubt"));
    }
    if e.lines.is_empty() || e.lines.len() > MAX_OVERDUE {
        let why = format!("1 to {MAX_OVERDUE} are wanted");
        return Err(Refused::invalid("lines", why));
    }
    if !e.lines.is_sorted_by(|a, b| due::order(a) < due::order(b)) {
        return Err(Refused::invalid("lines", "not in order, or twice the same"));
    }
    draft.use_rules();
    draft.touch(subject::ledger());
    for (i, line) in e.lines.iter().enumerate() {
        let due = due::of_line(draft, line, case.context.recorded_at_ms)
            .ok_or_else(|| Refused::invalid(format!("lines[{i}]"), "it is not so, or told"))?;
        draft.find(
            due.finding,
            due.severity,
            &due.subject,
            &due.owner,
            0,
            due.detail,
        );
        let told = OverdueTold {
            rule: line.rule,
            since_ms: due.since_ms,
            party: line.party.clone(),
            place: line.place.clone(),
        };
        draft.emit(&due.subject, C::OverdueTold(told))?;
    }
    // By when an owner must see to it, the law's own time having passed: as the
    // pack in force there says of all findings, or as long as for a dispute.
    date(draft, case.context.recorded_at_ms);
    let dates = draft.findings().iter().map(|finding| match finding.due_ms {
        0 => case.dispute_deadline_ms(),
        set => set,
    });
    let dates: Vec<i64> = dates.collect();
    draft.date_findings(&dates);
    Ok(())
}

/// Whether the ledger's last word is that its clock is in doubt: then it says
/// nothing of what is overdue.
pub fn clock_in_doubt(items: &dyn Items) -> bool {
    match items.get(&subject::ledger()).as_deref() {
        Some(Item::Ledger(ledger)) => ledger.clock.is_some_and(|word| word.in_doubt),
        _ => false,
    }
}
