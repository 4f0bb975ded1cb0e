//! A decision in the making: items as this statement has changed them so far,
//! the changes themselves, what was found. Every change is applied as it is
//! emitted, by the function that the fold uses, so a later event of the same
//! statement sees it and a law it would break is noticed here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::apply::{self, At};
use super::lot::{self, Amount};
use super::packaging;
use super::registry;
use super::subject::{self, Item, Items, Seen};
use super::succession;
use crate::event::codes::Refused;
use crate::event::record::{Additions, MAX_FINDINGS, MAX_SUBJECTS};
use crate::event::{ConsignmentId, DisputeId, HandoffId, KeyId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, Cause, Change, ConsignmentState, DisputeState, Event, Finding, FindingCode,
    HandoffState, Link, LinkKind, LotState, Outcome, PackagesAggregated, PackagesMoved, PartyState,
    PlaceState, Posting, RefusalCode, SerialRange, Severity, Subject, TitlePosting,
};

/// A decision in the making.
pub struct Draft<'a> {
    items: &'a dyn Items,
    at: At,
    cause: Cause,
    /// What has been asked for: an item that is kept packed is unpacked once.
    asked: RefCell<BTreeMap<Subject, Option<Arc<Item>>>>,
    touched: BTreeMap<Subject, Touched>,
    /// Lots among them that run in a vessel.
    running: BTreeSet<LotId>,
    used_keys: BTreeSet<KeyId>,
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
            running: BTreeSet::new(),
            used_keys: BTreeSet::new(),
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

    /// Names a subject in the record without changing it.
    pub fn touch(&mut self, subject: Subject) {
        if self.touched.contains_key(&subject) {
            return;
        }
        let item = self.before(&subject);
        // Not shared any more with what was asked for, so that it can be
        // changed where it is.
        self.asked.borrow_mut().remove(&subject);
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
        touched.changes.push(change);
        if let Item::Lot(lot) = item.as_ref()
            && lot::is_running(lot)
        {
            self.running.extend(LotId::from_slice(&subject.id));
        }
        Ok(())
    }

    /// The changes that an event of this statement has brought so far, each
    /// with its subject.
    pub fn changes_of(&self, event_index: u32) -> impl Iterator<Item = (&Subject, &Change)> {
        self.touched.iter().flat_map(move |(subject, touched)| {
            let of_it = move |c: &&Change| {
                let cause = c.cause.as_ref();
                cause.is_some_and(|cause| cause.event_index == event_index)
            };
            touched
                .changes
                .iter()
                .filter(of_it)
                .map(move |change| (subject, change))
        })
    }

    /// The lots changed so far that run in a vessel.
    pub fn running(&self) -> Vec<LotId> {
        self.running.iter().copied().collect()
    }

    /// Applies a registry event, which is its own outcome.
    pub fn register(&mut self, event: &Event) -> Result<(), Refused> {
        for subject in registry::subjects(event) {
            self.touch(subject);
        }
        let mut items: BTreeMap<Subject, Item> = self
            .touched
            .iter()
            .filter_map(|(s, t)| Some((s.clone(), Item::clone(t.item.as_deref()?))))
            .collect();
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

    /// A rule of the day is broken by an act that would authorise it. What
    /// cannot be at all is refused first: this comes up at the end.
    pub fn gate(&mut self, refused: Refused) {
        self.gates.push(refused);
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
        let subjects = self.touched.len() + self.used_keys.len();
        if subjects > MAX_SUBJECTS {
            return Err(Refused::new(RefusalCode::TooManySubjects, "")
                .detail(format!("{subjects} subjects; at most {MAX_SUBJECTS}")));
        }
        let mut additions = Additions::default();
        for key in &self.used_keys {
            let subject = subject::key(*key);
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

/// Looking items up by what they are.
impl Draft<'_> {
    /// A lot.
    pub fn lot(&self, id: LotId) -> Option<Seen<LotState>> {
        Seen::new(self.item(&subject::lot(id))?, |item| match item {
            Item::Lot(it) => Some(it),
            _ => None,
        })
    }

    /// A handoff.
    pub fn handoff(&self, id: HandoffId) -> Option<Seen<HandoffState>> {
        Seen::new(self.item(&subject::handoff(id))?, |item| match item {
            Item::Handoff(it) => Some(it),
            _ => None,
        })
    }

    /// A consignment.
    pub fn consignment(&self, id: ConsignmentId) -> Option<Seen<ConsignmentState>> {
        Seen::new(self.item(&subject::consignment(id))?, |item| match item {
            Item::Consignment(it) => Some(it),
            _ => None,
        })
    }

    /// A dispute.
    pub fn dispute(&self, id: DisputeId) -> Option<Seen<DisputeState>> {
        Seen::new(self.item(&subject::dispute(id))?, |item| match item {
            Item::Dispute(it) => Some(it),
            _ => None,
        })
    }

    /// A party.
    pub fn party(&self, code: &str) -> Option<Seen<PartyState>> {
        Seen::new(self.item(&subject::party(code))?, |item| match item {
            Item::Party(it) => Some(it),
            _ => None,
        })
    }

    /// A party's place.
    pub fn place(&self, party: &str, code: &str) -> Option<Seen<PlaceState>> {
        Seen::new(
            self.item(&subject::place(party, code))?,
            |item| match item {
                Item::Place(it) => Some(it),
                _ => None,
            },
        )
    }
}

/// Emitting what belongs together.
impl Draft<'_> {
    /// Books an amount on an account of a lot.
    pub fn post(&mut self, lot: LotId, account: &Account, amount: Amount) -> Result<(), Refused> {
        if amount.is_zero() {
            return Ok(());
        }
        self.emit(
            &subject::lot(lot),
            C::Posting(Posting {
                account: Some(account.clone()),
                gross_mg: amount.gross,
                contained_mg: amount.contained,
            }),
        )
    }

    /// Books an amount from one account to another.
    pub fn transfer(
        &mut self,
        lot: LotId,
        from: &Account,
        to: &Account,
        amount: Amount,
    ) -> Result<(), Refused> {
        let back = amount
            .negated()
            .map_err(|_| Refused::new(RefusalCode::MassOverflow, ""))?;
        self.post(lot, from, back)?;
        self.post(lot, to, amount)
    }

    /// Sends packages that stand on one account to another, with their mass.
    pub fn transfer_packages(
        &mut self,
        lot: LotId,
        ranges: &[SerialRange],
        to: &Account,
    ) -> Result<(), Refused> {
        let state = self.lot(lot).unwrap_or_default();
        let broken = packaging::broken(&state, ranges);
        self.break_up(lot, &broken)?;
        for range in ranges {
            let state = self.lot(lot).unwrap_or_default();
            let Some(selected) = lot::select(&state, range.first, range.last) else {
                return Err(Refused::new(RefusalCode::SerialsNotHere, "serials")
                    .detail(super::ranges::show(std::slice::from_ref(range))));
            };
            for p in selected {
                let amount = lot::package_mass(&p)
                    .map_err(|_| Refused::new(RefusalCode::MassOverflow, "serials"))?;
                let from = p.account.clone().unwrap_or_default();
                self.transfer(lot, &from, to, amount)?;
                self.emit(
                    &subject::lot(lot),
                    C::PackagesMoved(PackagesMoved {
                        first: p.first,
                        last: p.last,
                        to: Some(to.clone()),
                    }),
                )?;
            }
        }
        Ok(())
    }

    /// Outer packings out of which something is taken are none any more.
    pub fn break_up(
        &mut self,
        lot: LotId,
        outers: &[(String, Vec<SerialRange>)],
    ) -> Result<(), Refused> {
        let subject = subject::lot(lot);
        for (name, all) in outers {
            for SerialRange { first, last } in all.iter().copied() {
                let outer = String::new();
                let change = C::PackagesAggregated(PackagesAggregated { first, last, outer });
                self.emit(&subject, change)?;
            }
            let detail = format!("{name}, with packages {}", super::ranges::show(all));
            let (code, severity) = (FindingCode::OuterBroken, Severity::Notice);
            self.find(code, severity, &subject, "", 0, detail);
        }
        Ok(())
    }

    /// Books title to loose matter.
    pub fn post_title(&mut self, lot: LotId, party: &str, gross: i64) -> Result<(), Refused> {
        if gross == 0 {
            return Ok(());
        }
        let title = TitlePosting {
            party: party.to_owned(),
            gross_mg: gross,
        };
        self.emit(&subject::lot(lot), C::Title(title))
    }

    /// Takes title to loose matter that is gone: the holder's own first, then
    /// that of those who have succeeded it, then the others' in order of their
    /// codes (law 7). What is there and nobody
    /// owns, because more was measured than was offered, stands against the
    /// holder until the difference is settled: what has happened is recorded.
    pub fn end_title(&mut self, lot: LotId, holder: &str, gross: i64) -> Result<(), Refused> {
        self.take_title(lot, holder, gross).map(drop)
    }

    /// The same; returns from whom how much was taken.
    fn take_title(
        &mut self,
        lot: LotId,
        holder: &str,
        gross: i64,
    ) -> Result<Vec<(String, i64)>, Refused> {
        let state = self.lot(lot).unwrap_or_default();
        let mut owners: Vec<&TitlePosting> = state.titles.iter().collect();
        let line = succession::line(self, holder);
        owners.sort_by_key(|t| {
            line.iter()
                .position(|p| *p == t.party)
                .unwrap_or(usize::MAX)
        });
        let mut left = gross;
        let mut from = Vec::with_capacity(owners.len() + 1);
        for owner in owners {
            let taken = left.min(owner.gross_mg.max(0));
            from.push((owner.party.clone(), taken));
            left -= taken;
        }
        from.push((holder.to_owned(), left));
        for (party, taken) in &from {
            self.post_title(lot, party, taken.saturating_neg())?;
        }
        Ok(from)
    }

    /// Title to loose matter of one lot goes on in another lot, with the same
    /// owners.
    pub fn carry_title(
        &mut self,
        from: LotId,
        to: LotId,
        holder: &str,
        gross: i64,
    ) -> Result<(), Refused> {
        for (party, taken) in self.take_title(from, holder, gross)? {
            self.post_title(to, &party, taken)?;
        }
        Ok(())
    }

    /// Gives title to matter that turns out to have been there: first it makes
    /// good what was taken beyond title, the party's own first; the rest is
    /// the party's.
    pub fn make_good(&mut self, lot: LotId, party: &str, gross: i64) -> Result<(), Refused> {
        let state = self.lot(lot).unwrap_or_default();
        let mut owing: Vec<&TitlePosting> = state.titles.iter().collect();
        owing.sort_by_key(|t| t.party != party);
        let mut left = gross;
        for t in owing {
            let given = left.min(t.gross_mg.saturating_neg().max(0));
            self.post_title(lot, &t.party, given)?;
            left -= given;
        }
        self.post_title(lot, party, left)
    }
}
