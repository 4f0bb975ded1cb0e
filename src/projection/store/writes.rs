//! What goes into the store at once.

use std::collections::BTreeMap;

use super::Table;

/// What a batch would write: for each key a value, or `None` to remove it.
/// The last word on a key counts.
#[derive(Debug, Default)]
pub struct Writes {
    rows: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
    bytes: usize,
}

impl Writes {
    /// Puts a row; its key has at most 65,535 bytes.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.set(table, key.into(), Some(value.into()));
    }

    /// Removes a row.
    pub fn remove(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.set(table, key.into(), None);
    }

    fn set(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        let added = key.len().saturating_add(value.as_ref().map_or(0, Vec::len));
        self.bytes = self.bytes.saturating_add(added);
        self.rows.insert((table, key), value);
    }

    /// Bytes put in so far; rows that were overwritten count as well.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn into_rows(self) -> impl Iterator<Item = ((Table, Vec<u8>), Option<Vec<u8>>)> {
        self.rows.into_iter()
    }

    /// How many rows it changes.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it changes none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
