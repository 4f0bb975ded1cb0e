//! What one record says about a lot, event by event.

use super::chain::{RecordSource, TraceError};
use super::papers;
use crate::custody::subject;
use crate::event::record::OpenRecord;
use crate::event::statement::kind_of;
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Cause, Change, Counted, EventKind, Finding, Link, LinkKind, LotBorn, Restated, SerialRange,
    Subject, SubjectKind, TraceStep,
};

/// A step as told, and where its event is recorded.
pub(super) struct Step {
    /// As told.
    pub told: TraceStep,
    /// Position and index of the event itself: a parked fact's are those of
    /// its own record.
    pub place: (u64, u32),
    /// A count of the lot, which may change nothing and still saw packages.
    counted: Option<Counted>,
}

impl Step {
    /// The lot's birth, or its birth restated, if it is here.
    pub fn born(&self) -> Option<&LotBorn> {
        self.told
            .changes
            .iter()
            .find_map(|change| match &change.change {
                Some(C::Born(born) | C::BirthRestated(born)) => Some(born),
                _ => None,
            })
    }

    /// Earlier events of this lot that this one corrects.
    pub fn restated(&self) -> impl Iterator<Item = &Restated> {
        self.told
            .changes
            .iter()
            .filter_map(|change| match &change.change {
                Some(C::Restated(restated)) => Some(restated),
                _ => None,
            })
    }

    /// Whether the step is about a package.
    pub fn touches(&self, serial: u64) -> bool {
        let within = |first: u64, last: u64| first <= serial && serial <= last;
        let listed = |ranges: &[SerialRange]| ranges.iter().any(|r| within(r.first, r.last));
        let counted = self
            .counted
            .as_ref()
            .is_some_and(|c| listed(&c.serials_scanned) || listed(&c.serials_assumed));
        counted
            || self.told.changes.iter().any(|change| match &change.change {
                Some(C::Packaged(p)) => within(p.first, p.last),
                Some(C::PackagesMoved(m)) => within(m.first, m.last),
                Some(C::PackagesOwned(o)) => within(o.first, o.last),
                Some(C::PackageParted(p)) => p.serial == serial,
                Some(C::Repackaged(r)) => within(r.first, r.last) || listed(&r.parents),
                Some(C::PackagesAggregated(a)) => within(a.first, a.last),
                Some(C::PackagesEmptied(e)) => within(e.first, e.last),
                Some(C::PackagesCleaned(c)) => within(c.first, c.last),
                Some(C::PackagesEnded(e)) => within(e.first, e.last),
                Some(C::Reserved(r)) => listed(&r.serials),
                Some(C::Unreserved(u)) => listed(&u.serials),
                _ => false,
            })
    }
}

/// Changes of one event, or of one parked fact, in a record.
struct Group {
    /// The event of this record that it follows.
    after: u32,
    cause: Cause,
    changes: Vec<Change>,
}

/// The steps of a record about a lot, in the order in which they took effect.
pub(super) fn of(
    records: &dyn RecordSource,
    record: &OpenRecord,
    lot: &Subject,
) -> Result<Vec<Step>, TraceError> {
    let mut groups = groups(record, lot);
    for (index, event) in (0u32..).zip(&record.events) {
        let Some(Body::Counted(counted)) = event.as_ref().and_then(|e| e.body.as_ref()) else {
            continue;
        };
        let told = groups.iter().any(|g| is_own(&g.cause, index));
        if counted.lot == lot.id && !told {
            groups.push(unchanged(index));
        }
    }
    if groups.is_empty() {
        // The record is in the lot's chain and changed nothing of it.
        groups.push(unchanged(0));
    }
    // Stable: parked facts stay behind the event that let them in.
    groups.sort_by_key(|g| g.after);
    let mut steps = Vec::with_capacity(groups.len());
    for group in groups {
        steps.push(step(records, record, lot, group)?);
    }
    give_findings(record, lot, &mut steps);
    Ok(steps)
}

fn is_own(cause: &Cause, index: u32) -> bool {
    cause.parked_position.is_none() && cause.event_index == index
}

fn unchanged(index: u32) -> Group {
    let cause = Cause {
        event_index: index,
        ..Cause::default()
    };
    Group {
        after: index,
        cause,
        changes: Vec::new(),
    }
}

fn groups(record: &OpenRecord, lot: &Subject) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut after = 0;
    let outcomes = record
        .outcomes
        .iter()
        .flatten()
        .filter(|o| o.subject.as_ref() == Some(lot));
    for change in outcomes.flat_map(|o| &o.changes) {
        let cause = change.cause.unwrap_or_default();
        if cause.parked_position.is_none() {
            after = cause.event_index;
        }
        match groups.iter_mut().find(|g| g.cause == cause) {
            Some(group) => group.changes.push(change.clone()),
            None => groups.push(Group {
                after,
                cause,
                changes: vec![change.clone()],
            }),
        }
    }
    groups
}

fn step(
    records: &dyn RecordSource,
    record: &OpenRecord,
    lot: &Subject,
    group: Group,
) -> Result<Step, TraceError> {
    let index = group.cause.event_index;
    let mut told = TraceStep {
        position: record.position(),
        recorded_at_ms: record.head.recorded_at_ms,
        happened_at_ms: record.payload.happened_at_ms,
        party: record.payload.party.clone(),
        kind: kind_said(record, index, &group.changes).into(),
        event_index: index,
        changes: group.changes,
        rules: rules(record),
        ..TraceStep::default()
    };
    told.papers = papers::of(record, index).filter(|_| group.cause.parked_position.is_none());
    let mut place = (record.position(), index);
    let mut counted = None;
    if let Some(parked) = group.cause.parked_position {
        let broken = || TraceError::Broken {
            subject: subject::show(lot),
            position: parked,
        };
        let fact = records.record(parked)?.ok_or_else(broken)?;
        told.happened_at_ms = group.cause.parked_happened_at_ms;
        told.party.clone_from(&fact.payload.party);
        told.kind = kind(&fact, index).into();
        place = (parked, index);
    } else if let Some(Body::Counted(event)) = body(record, index) {
        counted = Some(event.clone());
    }
    Ok(Step {
        told,
        place,
        counted,
    })
}

/// Where the packs that judged a record were last changed.
fn rules(record: &OpenRecord) -> Option<u64> {
    let links = record.links.iter().flatten();
    let named = |link: &&Link| {
        let subject = link.subject.as_ref().map(Subject::kind);
        link.kind() == LinkKind::Use && subject == Some(SubjectKind::Rules)
    };
    links.filter(named).find_map(|link| link.previous)
}

fn body(record: &OpenRecord, index: u32) -> Option<&Body> {
    let at = usize::try_from(index).ok()?;
    record.events.get(at)?.as_ref()?.body.as_ref()
}

/// The same where the event may be withheld: what is overdue is told by its
/// change alone.
fn kind_said(record: &OpenRecord, index: u32, changes: &[Change]) -> EventKind {
    let overdue = |change: &Change| matches!(change.change, Some(C::OverdueTold(_)));
    match kind(record, index) {
        EventKind::Unspecified if changes.iter().any(overdue) => EventKind::OverdueStated,
        kind => kind,
    }
}

fn kind(record: &OpenRecord, index: u32) -> EventKind {
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    let event = record.events.get(at).and_then(Option::as_ref);
    event.map_or(EventKind::Unspecified, kind_of)
}

/// Each finding that is about the lot, or about no lot, goes to the last step
/// of its event: of a parked fact rather than of the offer that let it in.
fn give_findings(record: &OpenRecord, lot: &Subject, steps: &mut [Step]) {
    let concerns = |finding: &Finding| match &finding.subject {
        Some(subject) => subject.kind() != SubjectKind::Lot || subject == lot,
        None => true,
    };
    for finding in record.findings.iter().flatten().filter(|f| concerns(f)) {
        let of_event = |step: &&mut Step| step.told.event_index == finding.event_index;
        if let Some(step) = steps.iter_mut().rev().find(of_event) {
            step.told.findings.push(finding.clone());
        }
    }
}
