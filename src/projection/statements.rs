//! Which record a statement became: by its id and party, for as long as the
//! ledger stands. The live index of ids knows the last 30 days; this one
//! starts it, and answers for what is older.
//!
//! sled is poor as an index with a row for each event, so many ids share a
//! row, a page: those of one day (by the ids' own time) that came in one after
//! another. A look-up reads the pages of a day.

use std::collections::BTreeMap;

use super::projector::Folded;
use super::store::{Reading, Store, StoreError, Table, Writes};
use super::view::View;
use crate::event::StatementId;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Ids on a page, at most. A page is written anew as long as it is not full.
const PAGE_IDS: usize = 128;

/// Days whose pages are not full, at most: the window of ids and what clocks
/// differ by. With more, the earliest is left as it is.
const MAX_OPEN_PAGES: usize = 40;

/// Bytes of an entry: the key, then the position, u64 BE.
const ENTRY: usize = 16 + 8;

/// (party, id) in 16 bytes: the first of their BLAKE3, so that a long party
/// code takes no more room than a short one.
pub type IdKey = [u8; 16];

/// The key of a statement.
pub fn key(party: &str, id: StatementId) -> IdKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&id.0).update(party.as_bytes());
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}

/// The day of a time, counted from 1970, Unix milliseconds.
pub fn day(unix_ms: i64) -> i64 {
    unix_ms.div_euclid(DAY_MS)
}

/// The view.
#[derive(Debug, Default)]
pub struct Statements {
    /// The page of each day that is not full.
    pages: BTreeMap<i64, Page>,
}

#[derive(Debug)]
struct Page {
    /// Position of the first of its records.
    first: u64,
    entries: Vec<(IdKey, u64)>,
    /// Since it was last written.
    changed: bool,
}

impl Page {
    fn write(&mut self, day: i64, writes: &mut Writes) {
        self.entries.sort_unstable();
        let mut row = Vec::with_capacity(self.entries.len().saturating_mul(ENTRY));
        for (key, position) in &self.entries {
            row.extend_from_slice(key);
            row.extend_from_slice(&position.to_be_bytes());
        }
        writes.put(Table::Statements, page_key(day, self.first), row);
        self.changed = false;
    }
}

/// A page's key: the day, then the position of its first record, both BE.
fn page_key(day: i64, first: u64) -> Vec<u8> {
    [day.to_be_bytes(), first.to_be_bytes()].concat()
}

impl View for Statements {
    fn name(&self) -> &'static str {
        "statements"
    }

    /// Pages of before stay as they are; new ones are begun beside them.
    fn load(&mut self, _: &Store) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(&mut self, folded: &Folded, writes: &mut Writes) {
        let record = &folded.record;
        let Some(id) = StatementId::parse(&record.payload.id) else {
            return;
        };
        let (day, position) = (day(id.unix_ms()), record.position());
        let page = self.pages.entry(day).or_insert_with(|| Page {
            first: position,
            entries: Vec::with_capacity(PAGE_IDS),
            changed: true,
        });
        page.entries
            .push((key(&record.payload.party, id), position));
        page.changed = true;
        if page.entries.len() >= PAGE_IDS {
            page.write(day, writes);
            self.pages.remove(&day);
        } else if self.pages.len() > MAX_OPEN_PAGES
            && let Some((day, mut page)) = self.pages.pop_first()
        {
            page.write(day, writes);
        }
    }

    fn finish(&mut self, _: u64, writes: &mut Writes) {
        for (day, page) in self.pages.iter_mut().filter(|(_, page)| page.changed) {
            page.write(*day, writes);
        }
    }
}

/// The position of a statement's record, as of the store's position.
pub fn position_of(store: &Store, party: &str, id: StatementId) -> Result<Option<u64>, StoreError> {
    let wanted = key(party, id);
    let mut found = None;
    let day = day(id.unix_ms());
    let until = day.saturating_add(1);
    each(&store.reading(), day, until, |_, key, position| {
        if key == wanted {
            found = Some(position);
        }
    })?;
    Ok(found)
}

/// Shows the day, key and position of every statement whose id is of a day
/// from `from` on, and before `until`.
pub fn each(
    reading: &Reading<'_>,
    from: i64,
    until: i64,
    mut show: impl FnMut(i64, IdKey, u64),
) -> Result<(), StoreError> {
    let bound = |day: i64| day.max(0).to_be_bytes();
    let (from, until) = (bound(from), bound(until));
    reading.each(Table::Statements, &from, Some(&until), |key, page| {
        let damaged = || StoreError::Row(Table::Statements);
        let (day, _) = key.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (entries, rest) = page.as_chunks::<ENTRY>();
        if !rest.is_empty() {
            return Err(damaged());
        }
        for entry in entries {
            let (key, position) = entry.split_first_chunk::<16>().ok_or_else(damaged)?;
            let position = position.try_into().map_err(|_| damaged())?;
            show(i64::from_be_bytes(*day), *key, u64::from_be_bytes(position));
        }
        Ok(())
    })
}
