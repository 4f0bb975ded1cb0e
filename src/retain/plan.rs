//! Which records' events may be withheld: the journal is folded once for what
//! became of its lots, and read once more for what is about them. Changes
//! nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;

use super::RetainError;
use super::months::months_after;
use crate::audit::{RecordError, each_record};
use crate::catalog::form;
use crate::custody::registry::{self, LEDGER};
use crate::custody::rules::Book;
use crate::custody::state::nowhere;
use crate::custody::{Item, State, lot, subject};
use crate::event::record::OpenRecord;
use crate::journal::segments;
use crate::pb::change::Change as C;
use crate::pb::{LinkKind, RuleKind, Subject, SubjectKind};
use crate::storage::Storage;

/// What may be withheld.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Positions of records, by the first position of their segment.
    pub records: BTreeMap<u64, BTreeSet<u64>>,
    /// Events in them.
    pub events: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Lots that they are about.
    pub lots: u64,
    /// Events in the journal that are withheld already.
    pub withheld: u64,
    /// The moment that is judged: when the last record was recorded, Unix
    /// milliseconds. The machine's clock is not asked.
    pub at_ms: i64,
    /// Whether any pack in force then says how long anything must be kept.
    pub has_rule: bool,
}

impl Plan {
    /// How many records.
    pub fn count(&self) -> u64 {
        self.records.values().map(|of| of.len() as u64).sum()
    }
}

/// Works it out from a journal that verifies. `progress` is told records.
///
/// # Errors
/// [`RetainError::Untrue`] if its records do not fold.
pub fn plan<S: Storage>(journal: &S, progress: &mut dyn FnMut(u64)) -> Result<Plan, RetainError> {
    let firsts = segments(journal)?;
    let mut known = Known::default();
    each(journal, |stored| {
        let record = opened(stored)?;
        known.fold(&record)?;
        progress(record.position());
        Ok(())
    })?;
    let lapsed = known.lapsed();
    let mut plan = Plan {
        at_ms: known.state.recorded_at_ms(),
        has_rule: known.has_rule(),
        ..Plan::default()
    };
    let mut lots = BTreeSet::new();
    each(journal, |stored| {
        let record = opened(stored)?;
        let position = record.position();
        let gone = record.events.iter().filter(|event| event.is_none()).count();
        plan.withheld = plan.withheld.saturating_add(gone as u64);
        let at = firsts.partition_point(|first| *first <= position);
        let is_last = at == firsts.len();
        let first = at.checked_sub(1).and_then(|at| firsts.get(at));
        if let Some(first) = first.filter(|_| !is_last)
            && let Some(about) = known.about(&record)
            && about.iter().all(|lot| lapsed.contains(lot))
        {
            plan.records.entry(*first).or_default().insert(position);
            let events = record.events.len().saturating_sub(gone);
            plan.events = plan.events.saturating_add(events as u64);
            plan.bytes = plan.bytes.saturating_add(saved(stored));
            lots.extend(about);
        }
        Ok(())
    })?;
    plan.lots = lots.len() as u64;
    Ok(plan)
}

fn each<S: Storage>(
    journal: &S,
    mut take: impl FnMut(&Bytes) -> Result<(), String>,
) -> Result<(), RetainError> {
    each_record(journal, &mut take).map_err(|error| {
        RetainError::Untrue(match error {
            RecordError::Damage(problem) => problem.to_string(),
            RecordError::Taken(what) => what,
        })
    })
}

fn opened(stored: &Bytes) -> Result<OpenRecord, String> {
    OpenRecord::open(stored).map_err(|bad| bad.to_string())
}

/// Bytes by which a record becomes shorter.
fn saved(stored: &Bytes) -> u64 {
    let shorter =
        super::apply::without_events(stored).map_or(stored.len(), |(bytes, _)| bytes.len());
    (stored.len() as u64).saturating_sub(shorter as u64)
}

/// What became of the ledger's lots, and who its officials are.
#[derive(Default)]
struct Known {
    state: State,
    /// When each lot was closed, Unix milliseconds; those that are open are not
    /// here.
    closed: HashMap<Bytes, i64>,
    /// The forms that each lot was of.
    forms: HashMap<Bytes, Vec<String>>,
    /// The lots that were ever aboard of each consignment.
    aboard: HashMap<Bytes, BTreeSet<Bytes>>,
    /// Parties that had the power of an authority at any time.
    officials: BTreeSet<String>,
}

impl Known {
    fn fold(&mut self, record: &OpenRecord) -> Result<(), String> {
        let changed = self.state.apply(record, &mut nowhere);
        let changed = changed.map_err(|what| format!("record {}: {what}", record.position()))?;
        for changed in changed {
            let id = changed.subject.id.clone();
            match &changed.item {
                Item::Lot(state) => {
                    let form = lot::form(state).to_owned();
                    let forms = self.forms.entry(id.clone()).or_default();
                    if !forms.contains(&form) {
                        forms.push(form);
                    }
                    if subject::is_open(&changed.item) || !state.one_sided.is_empty() {
                        self.closed.remove(&id);
                    } else {
                        self.closed.insert(id, record.head.recorded_at_ms);
                    }
                }
                Item::Party(state) if state.authority || state.agency.is_some() => {
                    self.officials
                        .insert(String::from_utf8_lossy(&id).into_owned());
                }
                _ => {}
            }
        }
        for outcome in record.outcomes.iter().flatten() {
            let of = outcome.subject.as_ref();
            let Some(of) = of.filter(|of| of.kind() == SubjectKind::Consignment) else {
                continue;
            };
            for change in &outcome.changes {
                if let Some(C::Load(load)) = &change.change {
                    let aboard = self.aboard.entry(of.id.clone()).or_default();
                    aboard.insert(load.lot.clone());
                }
            }
        }
        Ok(())
    }

    fn book(&self) -> std::sync::Arc<Book> {
        Book::of(&self.state)
    }

    fn has_rule(&self) -> bool {
        !self.book().is_silent(RuleKind::Retention)
    }

    /// The lots that have been closed for longer than every rule allows.
    fn lapsed(&self) -> BTreeSet<Bytes> {
        let (book, now) = (self.book(), self.state.recorded_at_ms());
        let months = |lot: &Bytes| -> Option<i64> {
            let forms = self.forms.get(lot)?;
            let each = forms
                .iter()
                .map(|code| book.largest(RuleKind::Retention, form(code)?, now));
            // Every one of its forms must be covered.
            let each: Option<Vec<i64>> = each.collect();
            each?.into_iter().max()
        };
        let is_over = |(lot, closed): &(&Bytes, &i64)| {
            let until = months(lot).and_then(|months| months_after(**closed, months));
            until.is_some_and(|until| until < now)
        };
        let over = self.closed.iter().filter(is_over);
        over.map(|(lot, _)| lot.clone()).collect()
    }

    /// The lots that a record is about, if its events are such as may go at all.
    fn about(&self, record: &OpenRecord) -> Option<BTreeSet<Bytes>> {
        let of_matter =
            record.position() > 0
                && record.payload.party != LEDGER
                && record.events.iter().any(Option::is_some)
                && !self.by_an_official(record)
                && record.events.iter().flatten().all(|event| {
                    registry::subjects(event).is_empty() && !registry::is_registry(event)
                });
        if !of_matter {
            return None;
        }
        let mut lots = BTreeSet::new();
        for link in &record.links {
            let link = link.as_ref()?;
            if link.kind() == LinkKind::Chain {
                self.linked(record, link.subject.as_ref()?, &mut lots)?;
            }
        }
        (!lots.is_empty()).then_some(lots)
    }

    /// Whether somebody with the power of an authority signed it: a verifier
    /// must see what they ordered.
    fn by_an_official(&self, record: &OpenRecord) -> bool {
        let keys = record
            .head
            .signatures
            .iter()
            .map(|signature| &signature.key_id);
        let mut parties = keys.map(|key| {
            let id = crate::event::KeyId::from_slice(key)?;
            let item = crate::custody::Items::get(&self.state, &subject::key(id))?;
            match item.as_ref() {
                Item::Key(key) => Some(key.registered.as_ref()?.party.clone()),
                _ => None,
            }
        });
        parties.any(|party| party.is_none_or(|party| self.officials.contains(&party)))
    }

    /// Adds the lots of a subject that a record's chain goes on with; `None` if
    /// such a record keeps its events.
    fn linked(&self, record: &OpenRecord, of: &Subject, lots: &mut BTreeSet<Bytes>) -> Option<()> {
        let item = || crate::custody::Items::get(&self.state, of);
        match of.kind() {
            SubjectKind::Lot => {
                lots.insert(of.id.clone());
            }
            SubjectKind::Handoff => {
                let item = item().filter(|item| !subject::is_open(item))?;
                let Item::Handoff(handoff) = item.as_ref() else {
                    return None;
                };
                let lines = handoff.offered.as_ref()?.lines.iter();
                lots.extend(lines.map(|line| line.lot.clone()));
            }
            SubjectKind::Consignment => {
                item().filter(|item| !subject::is_open(item))?;
                lots.extend(self.aboard.get(&of.id).into_iter().flatten().cloned());
            }
            SubjectKind::Dispute => {
                let item = item().filter(|item| !subject::is_open(item))?;
                let Item::Dispute(dispute) = item.as_ref() else {
                    return None;
                };
                lots.insert(dispute.opened.as_ref()?.lot.clone());
            }
            SubjectKind::Party => {}
            // What a device says, with the chain of what it says.
            SubjectKind::Key if record.payload.device.is_some() => {}
            // What is drawn from it; a permit's own events are the registry's.
            SubjectKind::Permit => {
                let drawn = record.outcomes.iter().flatten();
                let mut drawn = drawn.filter_map(|outcome| outcome.subject.as_ref());
                drawn.any(|drawn| drawn == of).then_some(())?;
            }
            _ => return None,
        }
        Some(())
    }
}
