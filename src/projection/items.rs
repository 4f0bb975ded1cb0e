//! Items in the store: the open ones that the live state starts from, and the
//! closed ones that have left memory.

use prost::Message as _;

use super::standing::ItemSum;
use super::store::{Reading, Store, StoreError, Table};
use crate::custody::subject::Item;
use crate::pb::{self, Subject};

/// A subject's key: kind (u32 BE), then its id.
pub fn subject_key(subject: &Subject) -> Vec<u8> {
    let mut key = subject.kind.to_be_bytes().to_vec();
    key.extend_from_slice(&subject.id);
    key
}

/// The subject of a key; `None` if it is too short to be one.
pub fn subject_of(key: &[u8]) -> Option<Subject> {
    let (kind, id) = key.split_first_chunk::<4>()?;
    Some(Subject {
        kind: i32::from_be_bytes(*kind),
        id: bytes::Bytes::copy_from_slice(id),
    })
}

/// A subject's item as of the store's position, open or closed.
pub fn item(store: &Store, subject: &Subject) -> Result<Option<Item>, StoreError> {
    item_at(&store.reading(), subject)
}

/// The same at a position that is held.
pub fn item_at(reading: &Reading<'_>, subject: &Subject) -> Result<Option<Item>, StoreError> {
    let key = subject_key(subject);
    // What is open is in memory as a rule: whoever asks here wants a closed one.
    for table in [Table::Closed, Table::Open] {
        if let Some(bytes) = reading.get(table, &key)? {
            return decode(table, &bytes).map(Some);
        }
    }
    Ok(None)
}

/// All open items, with the sum over their rows.
pub fn open_items(reading: &Reading<'_>) -> Result<(Vec<(Subject, Item)>, ItemSum), StoreError> {
    let mut sum = ItemSum::default();
    let mut items = Vec::new();
    for row in reading.rows(Table::Open, &[]) {
        let (key, bytes) = row?;
        let subject = subject_of(&key).ok_or(StoreError::Row(Table::Open))?;
        sum.add(&subject, &bytes);
        items.push((subject, decode(Table::Open, &bytes)?));
    }
    Ok((items, sum))
}

fn decode(table: Table, bytes: &[u8]) -> Result<Item, StoreError> {
    let damaged = || StoreError::Row(table);
    pb::Item::decode(bytes)
        .map_err(|_| damaged())?
        .item
        .ok_or_else(damaged)
}
