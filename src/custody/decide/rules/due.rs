//! By when a finding is to be answered: where nothing else sets a date, the
//! pack in force where its owner is does, by how grave it is.

use super::party_region;
use crate::catalog::RegionCode;
use crate::custody::draft::Draft;
use crate::custody::rules::Book;
use crate::pb::{Finding, RuleKind, RuleMode, Severity};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// Dates all findings that have none; from a time on, Unix milliseconds.
pub(in crate::custody::decide) fn date(draft: &mut Draft<'_>, recorded_at_ms: i64) {
    let book = Book::of(draft);
    if book.is_silent(RuleKind::AlarmDue) && book.is_silent(RuleKind::WarningDue) {
        return;
    }
    let due = |draft: &Draft<'_>, finding: &Finding| {
        let rule = match finding.severity() {
            Severity::Alarm => RuleKind::AlarmDue,
            Severity::Warning => RuleKind::WarningDue,
            Severity::Notice | Severity::Unspecified => return None,
        };
        let region = party_region(draft, &finding.owner).unwrap_or(RegionCode::NATION);
        let asked = book.line(rule, None, region, recorded_at_ms)?;
        let holds = matches!(asked.mode(), RuleMode::Find | RuleMode::Refuse);
        let within = asked.line.limit.saturating_mul(HOUR_MS);
        holds.then(|| recorded_at_ms.saturating_add(within))
    };
    let findings = draft.findings().iter();
    let dates = findings.map(|finding| match finding.due_ms {
        0 => due(draft, finding).unwrap_or_default(),
        set => set,
    });
    let dates: Vec<i64> = dates.collect();
    draft.date_findings(&dates);
}
