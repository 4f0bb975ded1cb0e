//! The store: what can be rebuilt, in sled, and the one file that names it.
//! Rows in tables, written in sorted batches that carry the position they
//! stand at. Not here: what the rows mean (the projector and the views).

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use super::standing::Standing;

/// Version of the rows' layout. Another one is set aside and rebuilt.
pub const STORE_VERSION: u32 = 1;

/// Memory that sled may use for its page cache, bytes. Measured: larger makes
/// nothing here faster, as what is hot is in the live state.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// How often to try for sled's lock, and how long to wait in between: its own
/// threads hold it a little longer than the store that was closed.
const LOCK_TRIES: usize = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A table of the store; its number is the first byte of its keys. Numbers
/// are never reused within a [`STORE_VERSION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// The standing.
    Meta = 0,
    /// Subject (kind u32 BE, id) → `Item` of what is open.
    Open = 1,
    /// Subject → `Item` of what has been closed.
    Closed = 2,
    /// Statement id, then party → position u64 BE. Ids begin with their time,
    /// so rows come in almost in order.
    Statements = 3,
    /// The views' rows by label.
    Labels = 4,
    /// The views' rows by external reference.
    References = 5,
    /// The views' rows of balances.
    Balances = 6,
    /// The views' rows of which lot went into which.
    Genealogy = 7,
}

/// What a batch would write: for each key a value, or `None` to remove it.
/// The last word on a key counts.
#[derive(Debug, Default)]
pub struct Writes {
    rows: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
    bytes: usize,
}

impl Writes {
    /// Puts a row.
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

    /// What this batch says about a key: nothing (`None`), that it goes
    /// (`Some(None)`), or its value.
    pub fn get(&self, table: Table, key: &[u8]) -> Option<Option<&[u8]>> {
        self.rows.get(&(table, key.to_vec())).map(Option::as_deref)
    }

    /// Bytes put in so far; rows that were overwritten count as well.
    pub fn bytes(&self) -> usize {
        self.bytes
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

/// What went wrong with the store. Nothing in it is lost for good: it is
/// rebuilt from the journal.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// sled said no.
    #[error(
        "projection: cannot {action}: {source}; stop, set the projection folder aside and start again: it is rebuilt"
    )]
    Sled {
        /// What was being tried.
        action: &'static str,
        /// What sled said.
        source: sled::Error,
    },
    /// Somebody else has it open.
    #[error("projection: another process has its store open; stop that one first")]
    InUse,
    /// sled panicked on what it found.
    #[error("projection: its files are damaged so that the store gives up on them")]
    GaveUp,
    /// A row that is not what its table holds.
    #[error("projection: a row of {0:?} is damaged")]
    Row(Table),
    /// Written by another version of this program.
    #[error("projection: its layout has version {found}, this program has {STORE_VERSION}")]
    Version {
        /// As stored.
        found: u32,
    },
}

fn sled_error(action: &'static str) -> impl Fn(sled::Error) -> StoreError {
    move |source| StoreError::Sled { action, source }
}

/// A row: its key without the table's byte, and its value.
pub type Row = (Vec<u8>, Vec<u8>);

struct Inner {
    db: sled::Db,
    /// Held for writing while a batch goes in, so that a reader with the gate
    /// held sees one position.
    gate: RwLock<Standing>,
}

/// The open store. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl Store {
    /// Opens the store in a folder, or makes an empty one there.
    pub fn open(dir: &Path) -> Result<Store, StoreError> {
        for _ in 1..LOCK_TRIES {
            match Store::try_open(dir) {
                Err(StoreError::InUse) => std::thread::sleep(LOCK_PAUSE),
                opened => return opened,
            }
        }
        Store::try_open(dir)
    }

    fn try_open(dir: &Path) -> Result<Store, StoreError> {
        // sled 0.34 panics on some damage that it reports for other: both
        // mean that the store is to be set aside.
        catch_unwind(AssertUnwindSafe(|| Store::open_sled(dir))).unwrap_or(Err(StoreError::GaveUp))
    }

    fn open_sled(dir: &Path) -> Result<Store, StoreError> {
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(CACHE_BYTES)
            .mode(sled::Mode::HighThroughput)
            // The projector flushes, and tells the position it flushed.
            .flush_every_ms(None);
        let db = config.open().map_err(|error| match error {
            // sled gives no other sign of it.
            sled::Error::Io(source) if source.to_string().contains("could not acquire lock") => {
                StoreError::InUse
            }
            other => sled_error("open it")(other),
        })?;
        let standing = match db.get(row_key(Table::Meta, Standing::KEY)) {
            Ok(Some(bytes)) => Standing::decode(&bytes)?,
            Ok(None) if db.is_empty() => Standing::default(),
            Ok(None) => return Err(StoreError::Row(Table::Meta)),
            Err(error) => return Err(sled_error("read it")(error)),
        };
        let gate = RwLock::new(standing);
        Ok(Store {
            inner: Arc::new(Inner { db, gate }),
        })
    }

    /// One position of the store: while this is held, no batch goes in. Hold
    /// it for look-ups and pages, not for long.
    pub fn reading(&self) -> Reading<'_> {
        let standing = self
            .inner
            .gate
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Reading {
            db: &self.inner.db,
            standing,
        }
    }

    /// The position up to which it holds the records (their number).
    pub fn position(&self) -> u64 {
        self.reading().position()
    }

    /// One row, as of the latest batch.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.reading().get(table, key)
    }

    /// Rows whose keys begin with `prefix`, in order of key, as of the latest
    /// batch; at most `limit`.
    pub fn scan(&self, table: Table, prefix: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        self.reading().rows(table, prefix).take(limit).collect()
    }

    /// Writes a batch together with where the store stands after it: all of
    /// it or nothing is there after a crash.
    pub fn apply(&self, writes: Writes, standing: Standing) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        batch.insert(row_key(Table::Meta, Standing::KEY), standing.encode());
        for ((table, key), value) in writes.rows {
            match value {
                Some(value) => batch.insert(row_key(table, &key), value),
                None => batch.remove(row_key(table, &key)),
            }
        }
        let mut gate = self
            .inner
            .gate
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        self.inner
            .db
            .apply_batch(batch)
            .map_err(sled_error("write to it"))?;
        *gate = standing;
        Ok(())
    }

    /// Changes a row behind everybody's back, durably.
    #[cfg(test)]
    pub(crate) fn tamper(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.inner
            .db
            .insert(row_key(table, key), value)
            .map_err(sled_error("write to it"))?;
        self.flush().map(drop)
    }

    /// Makes everything applied so far durable. Returns the position it had
    /// when it began.
    pub fn flush(&self) -> Result<u64, StoreError> {
        let position = self.position();
        self.inner.db.flush().map_err(sled_error("flush it"))?;
        Ok(position)
    }
}

/// The store at one position.
pub struct Reading<'a> {
    db: &'a sled::Db,
    standing: RwLockReadGuard<'a, Standing>,
}

impl<'a> Reading<'a> {
    /// How many records the rows hold.
    pub fn position(&self) -> u64 {
        self.standing.next
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        *self.standing
    }

    /// One row.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self
            .db
            .get(row_key(table, key))
            .map_err(sled_error("read it"))?;
        Ok(found.map(|value| value.to_vec()))
    }

    /// Rows whose keys begin with `prefix`, in order of key.
    pub fn rows<'s>(
        &'s self,
        table: Table,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<Row, StoreError>> + use<'s, 'a> {
        self.db.scan_prefix(row_key(table, prefix)).map(row)
    }

    /// Rows of a table from a key on, in order of key.
    pub fn rows_from<'s>(
        &'s self,
        table: Table,
        from: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<Row, StoreError>> + use<'s, 'a> {
        let after = vec![(table as u8).saturating_add(1)];
        self.db.range(row_key(table, from)..after).map(row)
    }
}

fn row(found: sled::Result<(sled::IVec, sled::IVec)>) -> Result<Row, StoreError> {
    let (key, value) = found.map_err(sled_error("read it"))?;
    Ok((key.get(1..).unwrap_or_default().to_vec(), value.to_vec()))
}

fn row_key(table: Table, key: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(key.len().saturating_add(1));
    whole.push(table as u8);
    whole.extend_from_slice(key);
    whole
}
