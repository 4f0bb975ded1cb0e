//! A region's lists: substances that are prohibited, restricted to so much in
//! one act, or whose every act is told to its authority (禁限控目录).

use super::permits::first_of_each;
use super::{Breach, Going, Judged};
use crate::custody::draft::Draft;
use crate::custody::rules::Asked;
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
        if let Some(line) = named(RuleKind::Controlled).next() {
            let detail = format!("{} of {}", Mass::mg(one.gross_mg), one.form.code);
            judged.broken(draft, &line, breach(detail));
        }
    }
    restricted(draft, judged, going, owner, field);
}

/// What goes in one act counts together, in however many lots: all of one
/// substance that a line is for.
fn restricted(draft: &mut Draft<'_>, judged: &Judged, going: &[Going], owner: &str, field: &str) {
    let forms = first_of_each(going);
    for (lot, form) in &forms {
        let of_line = |asked: &Asked<'_>| {
            let same = |other: &Asked<'_>| std::ptr::eq(other.line, asked.line);
            let counts = |one: &&Going| {
                let lines = || judged.lines(RuleKind::Restricted, Some(one.form));
                one.form.substance == form.substance && lines().iter().any(same)
            };
            let masses = going.iter().filter(counts).map(|one| one.gross_mg);
            masses.fold(0i64, i64::saturating_add)
        };
        let lines = judged.lines(RuleKind::Restricted, Some(form));
        let beyond = lines.iter().map(|asked| (asked, of_line(asked)));
        let Some((asked, gross)) = beyond.into_iter().find(|(a, mg)| *mg > a.line.limit) else {
            continue;
        };
        let breach = Breach {
            subject: &subject::lot(*lot),
            owner,
            field,
            detail: format!(
                "{} of {} in one act; at most {}",
                Mass::mg(gross),
                form.substance,
                Mass::mg(asked.line.limit)
            ),
        };
        judged.broken(draft, asked, breach);
    }
}
