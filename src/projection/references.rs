//! External references: which events carry a number of somebody else's system
//! (ERP order, weighbridge ticket, e-waybill, customs entry), and what they
//! touched.
//!
//! What it is not: unique. One ticket may stand in several events.

use std::collections::BTreeSet;

use bytes::Buf as _;
use prost::Message as _;

use super::projector::Folded;
use super::store::{Reading, Store, StoreError, Table, Writes};
use super::view::View;
use crate::custody::registry;
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{Event, ExternalRef, LinkKind, Subject};

/// Events of one reference that are told, at most.
pub const MAX_REFERENCED: usize = 64;

/// The view.
#[derive(Debug, Default)]
pub struct References;

/// An event that carries a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referenced {
    /// Position of its record.
    pub position: u64,
    /// Its index there.
    pub event_index: u32,
    /// What it touched, in order.
    pub subjects: Vec<Subject>,
}

/// What the keys of a reference's rows begin with: system and number, each
/// behind its length (one byte), so that no reference is the beginning of
/// another. `None` for what cannot be a reference.
fn prefix(reference: &ExternalRef) -> Option<Vec<u8>> {
    let mut prefix = Vec::new();
    for text in [&reference.system, &reference.number] {
        prefix.push(u8::try_from(text.len()).ok()?);
        prefix.extend_from_slice(text.as_bytes());
    }
    Some(prefix)
}

impl View for References {
    fn name(&self) -> &'static str {
        "references"
    }

    fn load(&mut self, _: &Store) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(&mut self, folded: &Folded, writes: &mut Writes) {
        let record = &folded.record;
        for (index, event) in (0u32..).zip(&record.events) {
            let Some(event) = event else { continue };
            let mut subjects: Option<Vec<u8>> = None;
            for mut key in references_of(event).filter_map(prefix) {
                let value = subjects.get_or_insert_with(|| encoded(&touched(record, index, event)));
                key.extend_from_slice(&record.position().to_be_bytes());
                key.extend_from_slice(&index.to_be_bytes());
                writes.put(Table::References, key, value.clone());
            }
        }
    }
}

/// The references of an event, those of a correction's restated event included.
fn references_of(event: &Event) -> impl Iterator<Item = &ExternalRef> {
    let restated = match &event.body {
        Some(Body::Corrected(corrected)) => corrected.restated.as_ref(),
        _ => None,
    };
    event
        .external_refs
        .iter()
        .chain(restated.into_iter().flat_map(|e| &e.external_refs))
}

/// The subjects that an event of a record changed. For an event that changed
/// nothing, such as a count that found all as booked: every subject whose
/// chain the record goes on with.
fn touched(record: &OpenRecord, index: u32, event: &Event) -> Vec<Subject> {
    let mut touched: BTreeSet<Subject> = registry::subjects(event).into_iter().collect();
    for outcome in record.outcomes.iter().flatten() {
        let own = |change: &crate::pb::Change| {
            change
                .cause
                .as_ref()
                .is_some_and(|c| c.parked_position.is_none() && c.event_index == index)
        };
        if outcome.changes.iter().any(own) {
            touched.extend(outcome.subject.clone());
        }
    }
    if touched.is_empty() {
        let chained = record
            .links
            .iter()
            .flatten()
            .filter(|link| link.kind() == LinkKind::Chain);
        touched.extend(chained.filter_map(|link| link.subject.clone()));
    }
    touched.into_iter().collect()
}

/// Subjects one after another, each behind its length.
fn encoded(subjects: &[Subject]) -> Vec<u8> {
    subjects
        .iter()
        .flat_map(Subject::encode_length_delimited_to_vec)
        .collect()
}

fn decoded(mut value: &[u8]) -> Option<Vec<Subject>> {
    let mut subjects = Vec::new();
    while value.has_remaining() {
        subjects.push(Subject::decode_length_delimited(&mut value).ok()?);
    }
    Some(subjects)
}

/// The events that carry a reference, in order of recording; at most
/// [`MAX_REFERENCED`].
pub fn events(
    reading: &Reading<'_>,
    reference: &ExternalRef,
) -> Result<Vec<Referenced>, StoreError> {
    let Some(prefix) = prefix(reference) else {
        return Ok(Vec::new());
    };
    reading
        .rows(Table::References, &prefix)
        .take(MAX_REFERENCED)
        .map(|row| {
            let (key, value) = row?;
            referenced(key.get(prefix.len()..).unwrap_or_default(), &value)
                .ok_or(StoreError::Row(Table::References))
        })
        .collect()
}

fn referenced(place: &[u8], value: &[u8]) -> Option<Referenced> {
    let (position, index) = place.split_first_chunk::<8>()?;
    Some(Referenced {
        position: u64::from_be_bytes(*position),
        event_index: u32::from_be_bytes(index.try_into().ok()?),
        subjects: decoded(value)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(system: &str, number: &str) -> ExternalRef {
        ExternalRef {
            system: system.to_owned(),
            number: number.to_owned(),
        }
    }

    #[test]
    fn no_reference_is_the_beginning_of_another() {
        let all = [
            ("ERP", "12"),
            ("ERP", "1"),
            ("ER", "P12"),
            ("ERP1", "2"),
            ("ER", "P1"),
        ];
        for (i, (system, number)) in all.iter().enumerate() {
            for (j, (other_system, other_number)) in all.iter().enumerate() {
                let one = prefix(&reference(system, number));
                let other = prefix(&reference(other_system, other_number));
                let begins = one
                    .zip(other)
                    .is_some_and(|(one, other)| other.starts_with(&one));
                assert_eq!(
                    begins,
                    i == j,
                    "{system} {number}, {other_system} {other_number}"
                );
            }
        }
        assert_eq!(prefix(&reference(&"x".repeat(256), "1")), None);
    }

    #[test]
    fn subjects_are_read_back_as_written_and_damage_is_noticed() {
        let subjects = vec![
            Subject {
                kind: 1,
                id: vec![1; 16].into(),
            },
            Subject::default(),
        ];
        let mut bytes = encoded(&subjects);
        assert_eq!(decoded(&bytes), Some(subjects));
        bytes.push(9);
        assert_eq!(decoded(&bytes), None);
    }
}
