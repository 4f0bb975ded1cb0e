//! Items that have been closed, in the store: they leave memory once they are
//! there. Not here: the open ones, which the live state has and the snapshot
//! starts it from.

use prost::Message as _;

use super::snapshot::Row;
use super::store::{Reading, Store, StoreError, Table, Writes};
use crate::custody::Key;
use crate::custody::subject::Item;
use crate::pb::{self, Subject};

/// Bytes of the position that a row begins with.
const LAST: usize = 8;

/// The key in [`Table::Meta`] of the position that the closed items stand at.
const STANDS_AT: &[u8] = b"items";

/// A subject's key: kind (u32 BE), then its id.
fn row_key(kind: i32, id: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes(), id].concat()
}

/// A subject's item if it has been closed, as of the latest snapshot. One that
/// has been opened again since is in the live state, which knows better.
pub fn item(store: &Store, subject: &Subject) -> Result<Option<Item>, StoreError> {
    let row = store.get(Table::Closed, &row_key(subject.kind, &subject.id))?;
    row.map(|row| decode(&row)).transpose()
}

/// A row: the position of the latest record in the item's chain (u64 BE), then
/// the encoded `Item`.
pub fn put(writes: &mut Writes, key: &Key, row: &Row) {
    let bytes = [&row.last.to_be_bytes(), &row.bytes[..]].concat();
    writes.put(Table::Closed, row_key(key.kind(), key.id()), bytes);
}

/// How many records the closed items hold.
pub fn stand_at(reading: &Reading<'_>) -> Result<u64, StoreError> {
    let row = reading.get(Table::Meta, STANDS_AT)?.unwrap_or_default();
    match row.as_slice().try_into() {
        Ok(next) => Ok(u64::from_be_bytes(next)),
        Err(_) if row.is_empty() => Ok(0),
        Err(_) => Err(StoreError::Row(Table::Meta)),
    }
}

/// Says how many records they hold.
pub fn put_stand_at(writes: &mut Writes, next: u64) {
    writes.put(Table::Meta, STANDS_AT, next.to_be_bytes());
}

fn decode(row: &[u8]) -> Result<Item, StoreError> {
    let damaged = || StoreError::Row(Table::Closed);
    let bytes = row.get(LAST..).ok_or_else(damaged)?;
    pb::Item::decode(bytes)
        .map_err(|_| damaged())?
        .item
        .ok_or_else(damaged)
}
