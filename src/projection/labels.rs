//! Labels: which lots carry a label that people read. Labels are unique by
//! convention only, so a label may lead to several lots.
//!
//! What it is not: a lot's name. That is derived from its first event.

use super::projector::Folded;
use super::store::{Reading, Store, StoreError, Table, Writes};
use super::view::View;
use crate::event::LotId;
use crate::pb::SubjectKind;
use crate::pb::change::Change as C;

/// Lots of one label that are told, at most.
pub const MAX_LOTS: usize = 64;

/// The view.
#[derive(Debug, Default)]
pub struct Labels;

/// What the keys of a label's rows begin with: its length (one byte; labels
/// have at most 64) and the label, so that no label is the beginning of
/// another. `None` for what cannot be a label.
fn prefix(label: &str) -> Option<Vec<u8>> {
    let length = u8::try_from(label.len()).ok()?;
    let mut prefix = vec![length];
    prefix.extend_from_slice(label.as_bytes());
    Some(prefix)
}

impl View for Labels {
    fn name(&self) -> &'static str {
        "labels"
    }

    fn load(&mut self, _: &Store) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(&mut self, folded: &Folded, writes: &mut Writes) {
        let record = &folded.record;
        for outcome in record.outcomes.iter().flatten() {
            let lot = outcome
                .subject
                .as_ref()
                .filter(|s| s.kind() == SubjectKind::Lot);
            let Some(lot) = lot else { continue };
            for change in &outcome.changes {
                if let Some(C::Born(born)) = &change.change
                    && let Some(mut key) = prefix(&born.label)
                {
                    key.extend_from_slice(&lot.id);
                    writes.put(Table::Labels, key, []);
                }
            }
        }
    }
}

/// The lots that carry a label, in order of their names; at most [`MAX_LOTS`].
pub fn lots(reading: &Reading<'_>, label: &str) -> Result<Vec<LotId>, StoreError> {
    let Some(prefix) = prefix(label) else {
        return Ok(Vec::new());
    };
    reading
        .rows(Table::Labels, &prefix)
        .take(MAX_LOTS)
        .map(|row| {
            let (key, _) = row?;
            let id = key.get(prefix.len()..).and_then(LotId::from_slice);
            id.ok_or(StoreError::Row(Table::Labels))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_is_the_beginning_of_another() {
        let (short, long) = (prefix("A-1"), prefix("A-10"));
        assert!(
            short
                .zip(long)
                .is_some_and(|(short, long)| !long.starts_with(&short))
        );
        assert_eq!(prefix(&"x".repeat(256)), None);
    }
}
