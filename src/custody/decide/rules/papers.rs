//! Whether the papers that go with goods have the fields that their forms ask
//! for, where a pack asks. A field of which the sources are not sure is never
//! by itself a refusal.

use super::{Breach, Going, Judged, form_of, party_region};
use crate::catalog::{Confidence, Form, PaperField};
use crate::custody::draft::Draft;
use crate::custody::rules::Asked;
use crate::custody::subject;
use crate::event::LotId;
use crate::pb::offered::From;
use crate::pb::{Offered, RuleKind, RuleMode};

use super::super::{manifest, paper, waybill};

/// Judges the waybill and the waste manifest of an offer.
pub(super) fn judge(
    draft: &mut Draft<'_>,
    judged: &Judged,
    going: &[Going],
    e: &Offered,
    giver: &str,
) {
    let carriage = e.carriage.as_ref();
    if let Some(c) = carriage {
        let missing = waybill::missing_fields(c);
        let rule = RuleKind::WaybillFields;
        lacking(draft, judged, rule, going, giver, "carriage", &missing);
    }
    let waste = |one: &&Going| !manifest::waste_code(draft, one.lot).is_empty();
    let wastes: Vec<Going> = going.iter().filter(waste).copied().collect();
    if !wastes.is_empty() && matches!(e.from, Some(From::Place(_))) {
        let missing = manifest::missing_fields(e.manifest.as_deref(), carriage);
        let rule = RuleKind::ManifestFields;
        lacking(draft, judged, rule, &wastes, giver, "manifest", &missing);
    }
}

fn lacking(
    draft: &mut Draft<'_>,
    judged: &Judged,
    rule: RuleKind,
    going: &[Going],
    owner: &str,
    field: &str,
    missing: &[&PaperField],
) {
    let asked = going
        .iter()
        .find_map(|one| Some((one.lot, first(judged, rule, one.form)?)));
    let Some((lot, asked)) = asked.filter(|_| !missing.is_empty()) else {
        return;
    };
    let sure = missing.iter().any(|f| f.confidence == Confidence::High);
    let mode = if sure { asked.mode() } else { RuleMode::Find };
    let breach = Breach {
        subject: &subject::lot(lot),
        owner,
        field,
        detail: paper::named(missing),
    };
    judged.judge(draft, &asked, mode, breach);
}

fn first<'j>(judged: &'j Judged, rule: RuleKind, form: &Form) -> Option<Asked<'j>> {
    judged.lines(rule, Some(form)).into_iter().next()
}

/// Whether a pack asks for a paper's fields of goods that `party` takes over: a
/// fact, where it is.
pub(in super::super) fn asks(
    draft: &Draft<'_>,
    rule: RuleKind,
    party: &str,
    lots: impl Iterator<Item = LotId>,
) -> bool {
    let regions = party_region(draft, party).into_iter().collect();
    let Some(judged) = Judged::fact(draft, regions) else {
        return false;
    };
    let mut forms = lots.filter_map(|lot| form_of(draft, lot));
    forms.any(|form| first(&judged, rule, form).is_some())
}
