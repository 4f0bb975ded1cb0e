//! What of the records is withheld, and what cannot be told for that.

use std::collections::BTreeMap;

use super::words::{point, positions};
use super::{Checked, Points, Seen, parts};
use crate::custody::registry::LEDGER;
use crate::custody::subject;
use crate::event::record::OpenRecord;
use crate::pb::Subject;

pub(super) fn withheld(points: &mut Points, records: &BTreeMap<u64, &OpenRecord>) {
    let all = || records.values();
    let events = all().flat_map(|r| &r.events).filter(|e| e.is_none());
    let links = all().flat_map(|r| &r.links).filter(|l| l.is_none());
    let outcomes = all().flat_map(|r| &r.outcomes).filter(|o| o.is_none());
    let findings = all().flat_map(|r| &r.findings).filter(|f| f.is_none());
    let counts = [
        (events.count(), "events", "个事件"),
        (links.count(), "links", "个链接"),
        (outcomes.count(), "outcomes", "个结果"),
        (findings.count(), "findings", "个问题"),
    ];
    let counts: Vec<_> = counts.into_iter().filter(|(n, ..)| *n > 0).collect();
    if !counts.is_empty() {
        let en: Vec<String> = counts
            .iter()
            .map(|(n, en, _)| format!("{n} {en}"))
            .collect();
        let zh: Vec<String> = counts
            .iter()
            .map(|(n, _, zh)| format!("{n} {zh}"))
            .collect();
        points.not_shown.push(point(
            format!(
                "Parts of these records, withheld by whoever made the file as what concerns \
                 others: {}.",
                en.join(", ")
            ),
            format!(
                "这些记录中由文件制作者以涉及他人为由未予出示的部分：{}。",
                zh.join("、")
            ),
        ));
    }
    if all().any(|record| parts::is_partial(record)) {
        points.not_shown.push(point(
            "That transformations conserve mass as a whole, where other inputs or outputs are \
             withheld.",
            "在其他投入或产出未予出示之处，加工转化整体上质量守恒。",
        ));
    }
}

/// What of the lot's own records may be about it and is withheld: events that
/// its outcomes name as their causes, and findings, which say whom they are about
/// only inside.
pub(super) fn own_withheld(points: &mut Points, checked: &Checked, seen: &Seen<'_>) {
    let lot = subject::lot(checked.lot);
    let own = || seen.chain.iter().filter_map(|at| seen.records.get(at));
    let unseen = own().filter(|record| record.payload.party != LEDGER && hides_cause(record, &lot));
    let unseen: Vec<u64> = unseen.map(|record| record.position()).collect();
    if !unseen.is_empty() {
        let (count, (en, zh)) = (unseen.len(), positions(&unseen));
        points.not_shown.push(point(
            format!(
                "Events that changed the lot, in {count} of its own records: {en}. What came of \
                 them there is the ledger's word alone."
            ),
            format!(
                "该批次自身 {count} 条记录中使其变动的事件：{zh}。其在该处的结果仅凭账本声明。"
            ),
        ));
    }
    let findings = own().flat_map(|record| &record.findings);
    let findings = findings.filter(|finding| finding.is_none()).count();
    if findings > 0 {
        points.not_shown.push(point(
            format!(
                "Whether any of the {findings} findings that are withheld in the lot's own \
                 records is about it."
            ),
            format!("该批次自身记录中未予出示的 {findings} 个问题是否涉及它。"),
        ));
    }
}

/// Whether a record withholds an event that its outcome for a lot came of.
fn hides_cause(record: &OpenRecord, lot: &Subject) -> bool {
    let own = parts::causes(record, lot).filter(|(position, _)| *position == record.position());
    own.into_iter()
        .any(|(_, at)| !matches!(record.events.get(at), Some(Some(_))))
}
