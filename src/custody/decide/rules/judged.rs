//! What is being judged: by which packs, where, when, and whether it can still
//! be refused; what stands against it, and how that is said.

use std::cmp::Reverse;
use std::sync::Arc;

use super::sheet;
use crate::catalog::{Form, RegionCode};
use crate::custody::decide::Case;
use crate::custody::draft::Draft;
use crate::custody::rules::{Asked, Book};
use crate::event::codes::Refused;
use crate::pb::{RuleKind, RuleMode, Subject};

/// An act or a fact being judged: by which packs, where, when.
#[derive(Clone)]
pub(super) struct Judged {
    book: Arc<Book>,
    regions: Vec<RegionCode>,
    /// Unix milliseconds.
    times_ms: Vec<i64>,
    /// Whether it would authorise: then a rule can refuse it.
    authorises: bool,
}

/// What breaks a rule.
pub(super) struct Breach<'a> {
    pub(super) subject: &'a Subject,
    /// Who must act.
    pub(super) owner: &'a str,
    /// Of the event, for a refusal.
    pub(super) field: &'a str,
    /// The figures, in words.
    pub(super) detail: String,
}

impl Judged {
    /// An act that would authorise, in these regions; `None` where no pack says
    /// anything at all.
    pub(super) fn act(
        draft: &Draft<'_>,
        case: &Case<'_>,
        regions: Vec<RegionCode>,
    ) -> Option<Judged> {
        let times_ms = vec![case.happened_at_ms(), case.context.recorded_at_ms];
        Judged::new(draft, regions, times_ms, true)
    }

    /// A fact, in these regions.
    pub(super) fn fact(draft: &Draft<'_>, regions: Vec<RegionCode>) -> Option<Judged> {
        let times_ms = vec![draft.happened_at_ms()];
        Judged::new(draft, regions, times_ms, false)
    }

    fn new(
        draft: &Draft<'_>,
        mut regions: Vec<RegionCode>,
        mut times_ms: Vec<i64>,
        authorises: bool,
    ) -> Option<Judged> {
        let book = Book::of(draft);
        if book.is_empty() {
            return None;
        }
        // Of parties that have no region: what holds everywhere.
        if regions.is_empty() {
            regions.push(RegionCode::NATION);
        }
        regions.sort_unstable();
        regions.dedup();
        times_ms.dedup();
        Some(Judged {
            book,
            regions,
            times_ms,
            authorises,
        })
    }

    /// The same, which nothing refuses.
    pub(super) fn unstopped(mut self) -> Judged {
        self.authorises = false;
        self
    }

    /// The lines that judge a form (`None`: whatever it is), each at its moment,
    /// strictest first.
    pub(super) fn lines(&self, rule: RuleKind, form: Option<&Form>) -> Vec<Asked<'_>> {
        self.book.lines(rule, form, &self.regions, &self.times_ms)
    }

    /// Of all lines that judge any of the forms: that which is broken worst, with
    /// what breaks it.
    pub(super) fn worst(
        &self,
        rule: RuleKind,
        forms: &[&Form],
        fault: impl Fn(&Asked<'_>) -> Option<Fault>,
    ) -> Option<(Asked<'_>, Fault)> {
        let lines = forms.iter().flat_map(|form| self.lines(rule, Some(form)));
        let faults = lines.filter_map(|asked| Some((asked, fault(&asked)?)));
        faults.min_by_key(|(asked, fault)| Reverse((weight(asked, fault), fault.proven)))
    }

    /// Says that something stands against it, if anything does: found, where it
    /// is not proven and the registry is not complete.
    pub(super) fn tell(
        &self,
        draft: &mut Draft<'_>,
        worst: Option<(Asked<'_>, Fault)>,
        subject: &Subject,
        owner: &str,
        field: &str,
    ) {
        let Some((asked, fault)) = worst else { return };
        let mode = weight(&asked, &fault);
        let detail = fault.why;
        let breach = Breach {
            subject,
            owner,
            field,
            detail,
        };
        self.judge(draft, &asked, mode, breach);
    }

    /// Says that a line is broken: refused at the end, or found.
    pub(super) fn broken(&self, draft: &mut Draft<'_>, asked: &Asked<'_>, breach: Breach<'_>) {
        self.judge(draft, asked, asked.mode(), breach);
    }

    /// The same, in another mode than the line's own.
    pub(super) fn judge(
        &self,
        draft: &mut Draft<'_>,
        asked: &Asked<'_>,
        mode: RuleMode,
        breach: Breach<'_>,
    ) {
        let Breach {
            subject,
            owner,
            field,
            detail,
        } = breach;
        let Some(sheet) = sheet::of(asked.line.rule()) else {
            return;
        };
        let detail = cited(asked, &detail);
        match sheet.refusal {
            Some(code) if self.authorises && mode == RuleMode::Refuse => {
                draft.gate(Refused::new(code, field).detail(detail));
            }
            _ => {
                let (code, severity) = (sheet.finding, sheet.severity);
                draft.find(code, severity, subject, owner, 0, detail);
            }
        }
    }
}

/// What breaks a line, with the pack and the article.
pub(super) fn cited(asked: &Asked<'_>, detail: &str) -> String {
    match asked.line.law.as_str() {
        "" => format!("{detail} [{}]", asked.pack),
        law => format!("{detail} [{}: {law}]", asked.pack),
    }
}

/// What stands against something at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The registry says so; else it does not know.
    pub(super) proven: bool,
    pub(super) why: String,
}

impl Fault {
    pub(super) fn known(why: String) -> Fault {
        Fault { proven: true, why }
    }

    pub(super) fn unknown(why: String) -> Fault {
        Fault { proven: false, why }
    }
}

/// How a fault is judged by a line: what is not proven is found, unless the
/// registry is complete.
fn weight(asked: &Asked<'_>, fault: &Fault) -> RuleMode {
    if fault.proven || asked.line.complete {
        asked.mode()
    } else {
        RuleMode::Find
    }
}
