//! Several increments read as one, and when to make them one.

use super::increment::Reader;
use super::{Row, StoreError};
use crate::custody::Key;

/// An increment is merged with those after it unless it is more than this many
/// times as large as they are together: so each that stays is more than that
/// many times as large as the next, and there are few.
const TIMES: u64 = 2;

/// The first increment to merge with all after it, by their sizes, oldest
/// first.
pub(super) fn first_to_merge(sizes: &[u64]) -> usize {
    let (mut first, mut together) = (sizes.len(), 0u64);
    for (index, size) in sizes.iter().enumerate().rev() {
        if first < sizes.len() && *size > together.saturating_mul(TIMES) {
            break;
        }
        first = index;
        together = together.saturating_add(*size);
    }
    first
}

/// Shows each key once, in order, as the newest of the increments has it,
/// which are told oldest first.
pub(super) fn merged(
    readers: Vec<Reader>,
    mut show: impl FnMut(Key, Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut heads = Vec::with_capacity(readers.len());
    for mut reader in readers {
        let head = reader.next()?;
        heads.push((head, reader));
    }
    loop {
        let keys = heads.iter().filter_map(|(head, _)| Some(&head.as_ref()?.0));
        let Some(key) = keys.min().cloned() else {
            return Ok(());
        };
        let mut newest = None;
        for (head, reader) in &mut heads {
            if let Some((_, row)) = head.take_if(|(k, _)| *k == key) {
                newest = Some(row);
                *head = reader.next()?;
            }
        }
        if let Some(row) = newest {
            show(key, row)?;
        }
    }
}
