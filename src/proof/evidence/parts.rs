//! What a record of which only some parts are shown says of one subject, and
//! whether something may be hidden. Builder and check go by the same.

use crate::event::record::OpenRecord;
use crate::pb::change::Change as C;
use crate::pb::{ContributedTo, Link, LinkKind, Outcome, Subject};

/// A record's outcome for a subject.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said<'a> {
    /// It is shown.
    Outcome(&'a Outcome),
    /// It has none: what stands on both sides of its place is shown, or there is
    /// no place for it.
    Nothing,
    /// One may be withheld.
    Hidden,
}

/// The link of a subject's chain, with its place among the record's links.
pub fn chain_link<'a>(record: &'a OpenRecord, subject: &Subject) -> Option<(usize, &'a Link)> {
    let links = record.links.iter().enumerate();
    let mut shown = links.filter_map(|(at, link)| Some((at, link.as_ref()?)));
    shown.find(|(_, link)| link.kind() == LinkKind::Chain && link.subject.as_ref() == Some(subject))
}

/// Outcomes stand in order of subject, and each has its link, which stand in
/// that order too, before those of keys used: so an outcome stands no later
/// than its link, and earlier by no more than there are links without one.
pub fn outcome_of<'a>(record: &'a OpenRecord, subject: &Subject) -> Said<'a> {
    let count = record.outcomes.len();
    let (mut from, mut to) = (0, count);
    for (at, outcome) in record.outcomes.iter().enumerate() {
        let Some(outcome) = outcome else { continue };
        match outcome.subject.as_ref().cmp(&Some(subject)) {
            std::cmp::Ordering::Equal => return Said::Outcome(outcome),
            std::cmp::Ordering::Less => from = at.saturating_add(1),
            std::cmp::Ordering::Greater => to = to.min(at),
        }
    }
    if let Some((at, _)) = chain_link(record, subject) {
        to = to.min(at.saturating_add(1));
        if let Some(chained) = first_use(record) {
            from = from.max(at.saturating_sub(chained.saturating_sub(count)));
        }
    }
    if from < to {
        Said::Hidden
    } else {
        Said::Nothing
    }
}

/// How many links of chains there are: those of keys used come after them.
fn first_use(record: &OpenRecord) -> Option<usize> {
    let used = |link: &Option<Link>| {
        let kind = link.as_ref().map(Link::kind);
        kind.is_some_and(|kind| kind != LinkKind::Chain)
    };
    record.links.iter().position(used)
}

/// The events that a record's outcome for a subject came of, each by the position
/// of its record and its index there: this record's, or facts that had been
/// parked.
pub fn causes<'a>(
    record: &'a OpenRecord,
    subject: &Subject,
) -> impl Iterator<Item = (u64, usize)> + use<'a> {
    let outcome = match outcome_of(record, subject) {
        Said::Outcome(outcome) => Some(outcome),
        _ => None,
    };
    let changes = outcome.into_iter().flat_map(|outcome| &outcome.changes);
    changes.filter_map(|change| {
        let cause = change.cause.as_ref()?;
        let position = cause.parked_position.unwrap_or(record.position());
        Some((position, usize::try_from(cause.event_index).ok()?))
    })
}

/// What an outcome says that its subject gave to other lots, as booked and as
/// restated.
pub fn gifts(outcome: &Outcome) -> impl Iterator<Item = &ContributedTo> {
    outcome.changes.iter().flat_map(|change| {
        let (given, restated): (_, &[ContributedTo]) = match &change.change {
            Some(C::ContributedTo(given)) => (Some(given), &[]),
            Some(C::Restated(restated)) => (None, &restated.contributed_to),
            _ => (None, &[]),
        };
        given.into_iter().chain(restated)
    })
}

/// Whether a record shows some of its outcomes and withholds others.
pub fn is_partial(record: &OpenRecord) -> bool {
    let shown = record.outcomes.iter().flatten().next().is_some();
    shown && record.outcomes.iter().any(Option::is_none)
}
