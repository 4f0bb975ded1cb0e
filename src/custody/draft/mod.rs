//! A decision in the making: items as this statement has changed them so far,
//! the changes themselves, what was found. Every change is applied as it is
//! emitted, by the function that the fold uses, so a later event of the same
//! statement sees it and a law it would break is noticed here.

mod books;
mod lookup;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::custody::apply::{self, At};
use crate::custody::lot;
use crate::custody::registry;
use crate::custody::stock::{Before, Moved};
use crate::custody::subject::{self, Item, Items};
use crate::event::codes::Refused;
use crate::event::record::{Additions, MAX_FINDINGS, MAX_SUBJECTS};
use crate::event::{KeyId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    AccountKind, Cause, Change, Event, Finding, FindingCode, Link, LinkKind, Outcome, RefusalCode,
    Severity, Subject,
};

/// A decision in the making.
pub struct Draft<'a> {
    items: &'a dyn Items,
    at: At,
    cause: Cause,
    /// What has been asked for: an item that is kept packed is unpacked once.
    asked: RefCell<BTreeMap<Subject, Option<Arc<Item>>>>,
    touched: BTreeMap<Subject, Touched>,
    /// Subjects that the event being decided has changed, and how many changes
    /// each had before.
    recent: BTreeMap<Subject, usize>,
    /// Lots among them that run in a vessel.
    running: BTreeSet<LotId>,
    used_keys: BTreeSet<KeyId>,
    /// The packs as they stand judge it.
    used_rules: bool,
    /// What was touched, as it stood before.
    stood: Before,
    findings: Vec<Finding>,
    /// What the rules of the day would refuse.
    gates: Vec<Refused>,
}

/// A draft as it stood.
pub struct Checkpoint {
    touched: BTreeMap<Subject, Touched>,
    findings: usize,
    gates: usize,
}

#[derive(Clone)]
struct Touched {
    /// Shared with where it came from until it is changed.
    item: Option<Arc<Item>>,
    previous: Option<u64>,
    changes: Vec<Change>,
}

impl Items for Draft<'_> {
    fn get(&self, subject: &Subject) -> Option<Arc<Item>> {
        self.item(subject)
    }
}

impl<'a> Draft<'a> {
    /// Nothing decided yet.
    pub fn new(items: &'a dyn Items, at: At) -> Draft<'a> {
        Draft {
            items,
            at,
            cause: Cause::default(),
            asked: RefCell::default(),
            touched: BTreeMap::new(),
            recent: BTreeMap::new(),
            running: BTreeSet::new(),
            used_keys: BTreeSet::new(),
            used_rules: false,
            stood: Before::default(),
            findings: Vec::new(),
            gates: Vec::new(),
        }
    }

    /// Where it would be recorded.
    pub fn at(&self) -> At {
        self.at
    }

    /// What follows comes from this event of the statement.
    pub fn begin_event(&mut self, index: u32) {
        self.recent.clear();
        self.cause = Cause {
            event_index: index,
            ..Cause::default()
        };
    }

    /// What follows comes from a fact parked in an earlier record; returns
    /// the cause to go back to.
    pub fn begin_parked(&mut self, event_index: u32, position: u64, happened_at_ms: i64) -> Cause {
        let cause = Cause {
            event_index,
            parked_position: Some(position),
            parked_happened_at_ms: happened_at_ms,
        };
        std::mem::replace(&mut self.cause, cause)
    }

    /// Back to an earlier cause.
    pub fn resume(&mut self, cause: Cause) {
        self.cause = cause;
    }

    /// When the event being decided happened, Unix milliseconds.
    pub fn happened_at_ms(&self) -> i64 {
        match self.cause.parked_position {
            Some(_) => self.cause.parked_happened_at_ms,
            None => self.at.happened_at_ms,
        }
    }

    /// The subject's item as it stands in this draft.
    pub fn item(&self, subject: &Subject) -> Option<Arc<Item>> {
        match self.touched.get(subject) {
            Some(Touched {
                item: Some(item), ..
            }) => Some(Arc::clone(item)),
            _ => self.before(subject),
        }
    }

    /// The subject's item as it stood before this draft.
    fn before(&self, subject: &Subject) -> Option<Arc<Item>> {
        if let Some(known) = self.asked.borrow().get(subject) {
            return known.clone();
        }
        let item = self.items.get(subject);
        self.asked
            .borrow_mut()
            .insert(subject.clone(), item.clone());
        item
    }

    /// The subject's item as it stood before the statement.
    pub fn stood(&self, subject: &Subject) -> Option<Arc<Item>> {
        self.items.get(subject)
    }

    /// Names a subject in the record without changing it.
    pub fn touch(&mut self, subject: Subject) {
        if self.touched.contains_key(&subject) {
            return;
        }
        let item = self.before(&subject);
        // Not shared any more with what was asked for, so that it can be
        // changed where it is.
        self.asked.borrow_mut().remove(&subject);
        if let Some(item) = &item {
            self.stood.note(&subject, item);
        }
        let touched = Touched {
            previous: item.as_deref().map(subject::last),
            item,
            changes: Vec::new(),
        };
        self.touched.insert(subject, touched);
    }

    /// The record rests on a key.
    pub fn use_key(&mut self, key: KeyId) {
        self.used_keys.insert(key);
    }

    /// The record rests on the packs that judge it, if any stand.
    pub fn use_rules(&mut self) {
        self.used_rules = self.items.get(&subject::rules()).is_some();
    }

    /// Emits a change and applies it.
    pub fn emit(&mut self, subject: &Subject, what: C) -> Result<(), Refused> {
        if !self.touched.contains_key(subject) {
            self.touch(subject.clone());
        }
        let change = Change {
            cause: Some(self.cause),
            change: Some(what),
        };
        let at = self.at;
        let Some(touched) = self.touched.get_mut(subject) else {
            return Ok(());
        };
        if touched.item.is_none() {
            touched.item = apply::birth(&change, at).map(Arc::new);
        }
        let Some(item) = touched.item.as_mut() else {
            return Err(Refused::invalid(
                "",
                format!("{} does not exist", subject::show(subject)),
            ));
        };
        apply::apply(Arc::make_mut(item), &change, at).map_err(|broken| {
            Refused::new(RefusalCode::Insufficient, "")
                .detail(format!("{}: {broken}", subject::show(subject)))
        })?;
        if !self.recent.contains_key(subject) {
            self.recent.insert(subject.clone(), touched.changes.len());
        }
        touched.changes.push(change);
        if let Item::Lot(lot) = item.as_ref()
            && lot::is_running(lot)
        {
            self.running.extend(LotId::from_slice(&subject.id));
        }
        Ok(())
    }

    /// The changes since the event being decided began, each with its subject.
    pub fn changes_now(&self) -> impl Iterator<Item = (&Subject, &Change)> {
        self.recent.iter().flat_map(|(subject, before)| {
            let touched = self.touched.get(subject);
            let changes = touched.and_then(|t| t.changes.get(*before..));
            let changes = changes.unwrap_or_default();
            changes.iter().map(move |change| (subject, change))
        })
    }

    /// What has changed of any stock so far.
    pub fn stock_moves(&self) -> Result<Vec<Moved>, Refused> {
        let touched = self.touched.iter();
        let items = touched.filter_map(|(subject, t)| Some((subject, t.item.as_deref()?)));
        let moves = self.stood.moves(items, self.items);
        moves.map_err(|broken| {
            Refused::new(RefusalCode::MassOverflow, "events").detail(broken.to_string())
        })
    }

    /// What follows comes from what brought goods of a party to one of its places
    /// last.
    pub fn resume_at(&mut self, party: &str, places: &BTreeSet<String>) {
        let brought = |change: &&Change| match &change.change {
            Some(C::Posting(posting)) => posting.account.as_ref().is_some_and(|account| {
                let held = account.kind() == AccountKind::Held && account.party == party;
                posting.gross_mg > 0 && held && places.contains(&account.place)
            }),
            _ => false,
        };
        let changes = self.touched.values().flat_map(|t| &t.changes);
        let causes = changes.filter(brought).filter_map(|change| change.cause);
        // What the statement's own events have brought, before what had waited.
        let last = causes.max_by_key(|cause| (cause.parked_position.is_none(), cause.event_index));
        self.cause = last.unwrap_or_default();
    }

    /// The lots changed so far that run in a vessel.
    pub fn running(&self) -> Vec<LotId> {
        self.running.iter().copied().collect()
    }

    /// Applies a registry event, which is its own outcome.
    pub fn register(&mut self, event: &Event) -> Result<(), Refused> {
        // It reads and changes nothing else.
        let mut items: BTreeMap<Subject, Item> = BTreeMap::new();
        for subject in registry::subjects(event) {
            self.touch(subject.clone());
            let touched = self.touched.get(&subject);
            let item = touched.and_then(|t| t.item.as_deref()).cloned();
            items.extend(item.map(|item| (subject, item)));
        }
        registry::apply_event(&mut items, event, self.at)
            .map_err(|broken| Refused::invalid("", broken.to_string()))?;
        for (subject, item) in items {
            if let Some(touched) = self.touched.get_mut(&subject) {
                touched.item = Some(Arc::new(item));
            }
        }
        Ok(())
    }

    /// Something is not as it should be, and is recorded all the same.
    pub fn find(
        &mut self,
        code: FindingCode,
        severity: Severity,
        subject: &Subject,
        owner: &str,
        due_ms: i64,
        detail: impl Into<String>,
    ) {
        self.findings.push(Finding {
            code: code.into(),
            severity: severity.into(),
            event_index: self.cause.event_index,
            subject: Some(subject.clone()),
            owner: owner.to_owned(),
            due_ms,
            detail: detail.into(),
        });
    }

    /// What was found so far.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// By when each of them is to be answered, in their order.
    pub fn date_findings(&mut self, due_ms: &[i64]) {
        for (finding, due_ms) in self.findings.iter_mut().zip(due_ms) {
            finding.due_ms = *due_ms;
        }
    }

    /// A rule of the day is broken by an act that would authorise it. What
    /// cannot be at all is refused first: this comes up at the end.
    pub fn gate(&mut self, refused: Refused) {
        self.gates.push(refused);
    }

    /// How many gates do not let it through so far.
    pub fn gates(&self) -> usize {
        self.gates.len()
    }

    /// Names the fields of gates since as those of a part of the statement.
    pub fn gates_within(&mut self, since: usize, parent: impl Fn() -> String) {
        for refused in self.gates.iter_mut().skip(since) {
            *refused = refused.clone().within(&parent());
        }
    }

    /// The first gate, in order of codes, that does not let it through.
    pub fn shut(&mut self) -> Option<Refused> {
        let gates = std::mem::take(&mut self.gates);
        gates
            .into_iter()
            .min_by_key(|refused| i32::from(refused.code))
    }

    /// What to go back to if what follows does not fit.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            touched: self.touched.clone(),
            findings: self.findings.len(),
            gates: self.gates.len(),
        }
    }

    /// Back to a checkpoint.
    pub fn restore(&mut self, checkpoint: Checkpoint) {
        self.touched = checkpoint.touched;
        self.findings.truncate(checkpoint.findings);
        self.gates.truncate(checkpoint.gates);
    }

    /// Ends the draft: links, outcomes, findings and the items as they would
    /// stand. Refused if it names too many subjects or breaks a law.
    pub fn finish(self) -> Result<(Additions, BTreeMap<Subject, Arc<Item>>), Refused> {
        let used = self.used_keys.iter().map(|key| subject::key(*key));
        let rules = self.used_rules.then(subject::rules);
        let used: Vec<Subject> = used.chain(rules).collect();
        let subjects = self.touched.len() + used.len();
        if subjects > MAX_SUBJECTS {
            return Err(Refused::new(RefusalCode::TooManySubjects, "")
                .detail(format!("{subjects} subjects; at most {MAX_SUBJECTS}")));
        }
        let stocks = self.stock_moves()?;
        let mut additions = Additions::default();
        for subject in used {
            let previous = self.items.get(&subject).as_deref().map(subject::last);
            additions.links.push(Link {
                subject: Some(subject),
                kind: LinkKind::Use.into(),
                previous,
            });
        }
        let mut items = BTreeMap::new();
        for (subject, touched) in self.touched {
            additions.links.push(Link {
                subject: Some(subject.clone()),
                kind: LinkKind::Chain.into(),
                previous: touched.previous,
            });
            if !touched.changes.is_empty() {
                additions.outcomes.push(Outcome {
                    subject: Some(subject.clone()),
                    changes: touched.changes,
                });
            }
            let Some(mut item) = touched.item else {
                return Err(Refused::invalid(
                    "",
                    format!("{} does not exist", subject::show(&subject)),
                ));
            };
            if let Item::Lot(state) = item.as_ref() {
                lot::check(state).map_err(|broken| {
                    Refused::new(RefusalCode::NotConserved, "")
                        .detail(format!("{}: {broken}", subject::show(&subject)))
                })?;
            }
            subject::set_last(Arc::make_mut(&mut item), self.at.position);
            items.insert(subject, item);
        }
        items.extend(stocks.into_iter().map(|moved| {
            let item = Arc::new(moved.item(self.at.position));
            (moved.subject, item)
        }));
        // Chain before use, each in order of subject.
        additions
            .links
            .sort_by(|a, b| (a.kind, &a.subject).cmp(&(b.kind, &b.subject)));
        additions.findings = bounded(self.findings);
        Ok((additions, items))
    }
}

/// At most so many findings, the last one saying that there were more.
fn bounded(mut findings: Vec<Finding>) -> Vec<Finding> {
    let count = findings.len();
    if count > MAX_FINDINGS {
        findings.truncate(MAX_FINDINGS - 1);
        findings.push(Finding {
            code: FindingCode::More.into(),
            severity: Severity::Warning.into(),
            detail: format!("{count} findings in all"),
            ..Finding::default()
        });
    }
    findings
}
