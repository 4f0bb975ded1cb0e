//! Which record a statement became: by its id and party, for as long as the
//! ledger stands. The live index of ids knows the last 30 days; this one
//! starts it, and answers for what is older.

use super::store::{Reading, Store, StoreError, Table, Writes};
use super::view::View;
use crate::event::StatementId;
use crate::event::record::OpenRecord;

/// The view.
#[derive(Debug, Default)]
pub struct Statements;

/// A row's key: the id, which begins with its time, then the party.
fn key(party: &str, id: StatementId) -> Vec<u8> {
    let mut key = id.0.to_vec();
    key.extend_from_slice(party.as_bytes());
    key
}

impl View for Statements {
    fn name(&self) -> &'static str {
        "statements"
    }

    fn load(&mut self, _: &Store) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(&mut self, record: &OpenRecord, writes: &mut Writes) {
        if let Some(id) = StatementId::parse(&record.payload.id) {
            let key = key(&record.payload.party, id);
            writes.put(Table::Statements, key, record.position().to_be_bytes());
        }
    }
}

/// The position of a statement's record, as of the store's position.
pub fn position_of(store: &Store, party: &str, id: StatementId) -> Result<Option<u64>, StoreError> {
    let row = store.get(Table::Statements, &key(party, id))?;
    row.map(|value| position(&value)).transpose()
}

/// A statement that has been recorded: its party, its id, its position.
pub type Recorded = (String, StatementId, u64);

/// Every statement whose id is of this time (Unix milliseconds) or later.
pub fn since<'a>(
    reading: &'a Reading<'_>,
    unix_ms: i64,
) -> impl Iterator<Item = Result<Recorded, StoreError>> + 'a {
    let [_, _, from @ ..] = unix_ms.max(0).to_be_bytes();
    reading.rows_from(Table::Statements, &from).map(|row| {
        let (key, value) = row?;
        let damaged = || StoreError::Row(Table::Statements);
        let (id, party) = key.split_first_chunk::<16>().ok_or_else(damaged)?;
        let party = std::str::from_utf8(party).map_err(|_| damaged())?;
        Ok((party.to_owned(), StatementId(*id), position(&value)?))
    })
}

fn position(value: &[u8]) -> Result<u64, StoreError> {
    value
        .try_into()
        .map(u64::from_be_bytes)
        .map_err(|_| StoreError::Row(Table::Statements))
}
