//! A region's lists: substances that are prohibited, restricted to so much in
//! one act, or whose every act is told to its authority (禁限控目录).

use super::{Breach, Going, Judged};
use crate::custody::draft::Draft;
use crate::custody::subject;
use crate::event::mass::Mass;
use crate::pb::RuleKind;

/// Judges what goes, and who must see to it.
pub(super) fn judge(
    draft: &mut Draft<'_>,
    judged: &Judged,
    going: &[Going],
    owner: &str,
    field: &str,
) {
    for one in going {
        let subject = subject::lot(one.lot);
        let breach = |detail: String| Breach {
            subject: &subject,
            owner,
            field,
            detail,
        };
        let named = |rule| judged.lines(rule, Some(one.form)).into_iter();
        if let Some(line) = named(RuleKind::Prohibited).next() {
            let detail = format!("{} is prohibited here", one.form.code);
            judged.broken(draft, &line, breach(detail));
        }
        let beyond = |line: &crate::custody::rules::Asked<'_>| one.gross_mg > line.line.limit;
        if let Some(line) = named(RuleKind::Restricted).find(beyond) {
            let detail = format!(
                "{} of {} in one act; at most {}",
                Mass::mg(one.gross_mg),
                one.form.code,
                Mass::mg(line.line.limit)
            );
            judged.broken(draft, &line, breach(detail));
        }
        if let Some(line) = named(RuleKind::Controlled).next() {
            let detail = format!("{} of {}", Mass::mg(one.gross_mg), one.form.code);
            judged.broken(draft, &line, breach(detail));
        }
    }
}
