//! That evidence shows nothing beside: every record is there because the lot's
//! chain, or that of what it was made of, rests on it. What is not could be about
//! other goods and be taken for the lot's: a handoff, a paper, a certificate.

use std::collections::{BTreeMap, BTreeSet};

use super::error::BadEvidence;
use crate::event::record::OpenRecord;
use crate::pb::{LinkKind, Subject, SubjectKind};

/// Checks it of records, given the lots whose chains are shown and the positions
/// of state records and of facts that were parked.
pub(super) fn check(
    records: &BTreeMap<u64, &OpenRecord>,
    lots: impl Iterator<Item = Subject>,
    positions: impl Iterator<Item = u64>,
) -> Result<(), BadEvidence> {
    let mut chains: BTreeMap<&Subject, Vec<u64>> = BTreeMap::new();
    for (position, record) in records {
        for subject in linked(record, |kind, _| kind == LinkKind::Chain) {
            chains.entry(subject).or_default().push(*position);
        }
    }
    let lots: Vec<Subject> = lots.collect();
    let mut subjects: Vec<&Subject> = lots.iter().collect();
    let mut followed: BTreeSet<&Subject> = subjects.iter().copied().collect();
    let mut waiting: Vec<u64> = positions.collect();
    let mut wanted = BTreeSet::from([0]);
    loop {
        if let Some(subject) = subjects.pop() {
            waiting.extend(chains.remove(subject).into_iter().flatten());
        } else if let Some(position) = waiting.pop() {
            let record = records.get(&position).filter(|_| wanted.insert(position));
            let rests_on = record
                .into_iter()
                .flat_map(|record| linked(record, is_rested_on));
            subjects.extend(rests_on.filter(|subject| followed.insert(subject)));
        } else {
            break;
        }
    }
    let beside = records.keys().find(|position| !wanted.contains(position));
    beside.map_or(Ok(()), |position| Err(BadEvidence::RecordBeside(*position)))
}

/// Whether what a record says rests on the chain that a link leads to: keys and
/// packs that it used, a key that was followed by another, a permit.
fn is_rested_on(kind: LinkKind, subject: &Subject) -> bool {
    let goes_on = matches!(subject.kind(), SubjectKind::Key | SubjectKind::Permit);
    kind == LinkKind::Use || goes_on
}

/// Subjects of the links that are shown.
fn linked(
    record: &OpenRecord,
    which: impl Fn(LinkKind, &Subject) -> bool,
) -> impl Iterator<Item = &Subject> {
    record.links.iter().flatten().filter_map(move |link| {
        let subject = link.subject.as_ref()?;
        which(link.kind(), subject).then_some(subject)
    })
}
