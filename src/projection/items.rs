//! Items in the store: the open ones that the live state starts from, and the
//! closed ones that have left memory.

use prost::Message as _;

use rayon::prelude::*;

use super::standing::OpenSum;
use super::store::{Reading, Store, StoreError, Table};
use crate::custody::Key;
use crate::custody::leaf::{self, StoredItem};
use crate::custody::subject::{self, Item};
use crate::event::{Hash, LotId};
use crate::pb::{self, Subject};

/// Bytes of the position that a row begins with.
const LAST: usize = 8;

/// Shares that the open items are read in, for as many cores; a power of two.
const SHARES: usize = 64;

/// A subject's key: kind (u32 BE), then its id.
pub fn subject_key(subject: &Subject) -> Vec<u8> {
    let mut key = subject.kind.to_be_bytes().to_vec();
    key.extend_from_slice(&subject.id);
    key
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

/// A row of an item: the position of the latest record in its chain (u64 BE),
/// then the encoded `Item`. Returned with the digest of the item.
pub fn row(subject: &Subject, item: &Item) -> (Vec<u8>, Hash) {
    let mut row = subject::last(item).to_be_bytes().to_vec();
    row.extend_from_slice(&leaf::encoded(item));
    let bytes = row.get(LAST..).unwrap_or_default();
    let digest = leaf::digest_of(subject.kind, &subject.id, bytes);
    (row, digest)
}

/// Open items in order, as they are stored.
pub type OpenItems = Vec<(Key, StoredItem)>;

/// All open items, with the sum over their rows. Read on all cores.
pub fn open_items(reading: &Reading<'_>) -> Result<(OpenItems, OpenSum), StoreError> {
    // By the first byte of lots' names, which are hashes; what is not a lot
    // stands before or after them.
    let lot = subject::lot(LotId([0; 16]));
    let name = |byte: usize| u8::try_from(byte).unwrap_or(u8::MAX);
    let mut bounds = vec![Vec::new()];
    for first in (0..=usize::from(u8::MAX)).step_by(256 / SHARES) {
        let mut bound = lot.kind.to_be_bytes().to_vec();
        bound.push(name(first));
        bounds.push(bound);
    }
    let shares: Result<Vec<OpenItems>, StoreError> = (0..bounds.len())
        .into_par_iter()
        .map(|share| {
            let from = bounds.get(share).map_or(&[][..], Vec::as_slice);
            let until = bounds.get(share.saturating_add(1)).map(Vec::as_slice);
            share_of(reading, from, until)
        })
        .collect();
    let shares = shares?;
    let mut sum = OpenSum::default();
    let mut items = OpenItems::with_capacity(shares.iter().map(Vec::len).sum());
    for (key, item) in shares.into_iter().flatten() {
        sum.put(&subject_key(&key.subject()), item.digest);
        items.push((key, item));
    }
    Ok((items, sum))
}

fn share_of(
    reading: &Reading<'_>,
    from: &[u8],
    until: Option<&[u8]>,
) -> Result<OpenItems, StoreError> {
    let damaged = || StoreError::Row(Table::Open);
    let mut items = OpenItems::new();
    reading.each(Table::Open, from, until, |key, row| {
        let (kind, id) = key.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (last, bytes) = row.split_first_chunk::<LAST>().ok_or_else(damaged)?;
        let kind = i32::from_be_bytes(*kind);
        let stored = StoredItem {
            bytes: bytes.into(),
            digest: leaf::digest_of(kind, id, bytes),
            last: u64::from_be_bytes(*last),
        };
        items.push((Key::new(kind, id), stored));
        Ok::<(), StoreError>(())
    })?;
    Ok(items)
}

fn decode(table: Table, row: &[u8]) -> Result<Item, StoreError> {
    let damaged = || StoreError::Row(table);
    let bytes = row.get(LAST..).ok_or_else(damaged)?;
    pb::Item::decode(bytes)
        .map_err(|_| damaged())?
        .item
        .ok_or_else(damaged)
}
