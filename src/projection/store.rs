//! The store: what can be rebuilt, in sled, and the one file that names it.
//! Rows in tables, written in sorted batches that carry the position they
//! stand at.
//!
//! sled keeps what no longer counts until it happens to be in its way. When
//! its files have grown past [`MAX_GROWTH`] times the rows that count, those
//! are copied to a new one, which takes its place; `CURRENT` says which does.
//!
//! | file | what it is |
//! |---|---|
//! | `current` | the folder: which sled is in use, and how another takes its place |
//! | `growth` | when its files have become too large |
//! | `writes`, `error` | what goes in, and what goes wrong |
//!
//! Not here: what the rows mean (the projector and the views).

mod current;
mod error;
mod growth;
#[cfg(test)]
mod tests;
mod writes;

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

pub(super) use self::current::{make_folder, sync_folder};
pub use self::error::StoreError;
use self::growth::Growth;
pub use self::growth::{GROWTH_FLOOR, MAX_GROWTH};
pub use self::writes::Writes;
use super::standing::Standing;

/// Version of the rows' layout. Another one is set aside and rebuilt.
pub const STORE_VERSION: u32 = 6;

/// Memory that sled may use for its page cache, bytes. What is hot is in the
/// live state; this is for the pages that closed items come to, anywhere.
/// Measured at ten million records: a rebuild gains 6 % by 256 MiB over 64.
const CACHE_BYTES: u64 = 128 * 1024 * 1024;

/// Bytes of rows that are copied at a time.
const COPY_BYTES: u64 = 4 * 1024 * 1024;

/// How often to try for sled's lock, and how long to wait in between: its own
/// threads hold it a little longer than the store that was closed.
const LOCK_TRIES: usize = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A table of the store; its number is the first byte of its keys. Numbers
/// are never reused within a [`STORE_VERSION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// The standing, and where the closed items stand.
    Meta = 0,
    /// Subject (kind u32 BE, id) → position, then `Item`, of what has been
    /// closed. One that was opened again later is in the live state, which is
    /// asked first.
    Closed = 1,
    /// The views' rows by label.
    Labels = 2,
    /// The views' rows by external reference.
    References = 3,
    /// The views' rows of balances.
    Balances = 4,
    /// The views' rows of measure differences.
    Differences = 5,
    /// The views' rows of findings and of what was said of them.
    Findings = 10,
}

/// A row: its key without the table's byte, and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Bytes of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Of its files.
    pub disk: u64,
    /// Of the keys and values that count: those that a reader would find.
    pub live: u64,
}

/// The rows, at one position.
struct Tables {
    db: sled::Db,
    /// Number of the folder it is in.
    number: u64,
    standing: Standing,
}

struct Inner {
    dir: PathBuf,
    /// Held for writing while a batch goes in, so that a reader with the gate
    /// held sees one position.
    gate: RwLock<Tables>,
    growth: Mutex<Growth>,
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
        let number = current::number(dir)?;
        // sled 0.34 panics on some damage that it reports for other: both
        // mean that the store is to be set aside.
        let opened = catch_unwind(AssertUnwindSafe(|| open_sled(&current::path(dir, number))));
        let db = opened.unwrap_or(Err(StoreError::GaveUp))?;
        let standing = match db.get(row_key(Table::Meta, Standing::KEY)) {
            Ok(Some(bytes)) => Standing::decode(&bytes)?,
            Ok(None) if db.is_empty() => Standing::default(),
            Ok(None) => return Err(StoreError::Row(Table::Meta)),
            Err(error) => return Err(sled_error("read it")(error)),
        };
        let growth = db.get(row_key(Table::Meta, Growth::KEY));
        let growth = growth.map_err(sled_error("read it"))?;
        let growth = growth.map_or_else(Growth::default, |row| Growth::decode(&row));
        // Only now is it known that nobody else is at it.
        current::remove_others(dir, number)?;
        Ok(Store {
            inner: Arc::new(Inner {
                dir: dir.to_owned(),
                gate: RwLock::new(Tables {
                    db,
                    number,
                    standing,
                }),
                growth: Mutex::new(growth),
            }),
        })
    }

    fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.inner
            .gate
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// One position of the store: while this is held, no batch goes in. Hold
    /// it for look-ups and pages, not for long.
    pub fn reading(&self) -> Reading<'_> {
        Reading {
            tables: self.tables(),
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
        let rows = writes.len();
        batch.insert(row_key(Table::Meta, Standing::KEY), standing.encode());
        let mut growth = self.growth();
        growth.add(writes.bytes() as u64);
        batch.insert(row_key(Table::Meta, Growth::KEY), growth.encode());
        drop(growth);
        for ((table, key), value) in writes.into_rows() {
            match value {
                Some(value) => batch.insert(row_key(table, &key), value),
                None => batch.remove(row_key(table, &key)),
            }
        }
        let gate = self.inner.gate.write();
        let mut tables = gate.unwrap_or_else(PoisonError::into_inner);
        tables
            .db
            .apply_batch(batch)
            .map_err(sled_error("write to it"))?;
        tables.standing = standing;
        sweep(&tables.db, rows)
    }

    /// Changes a row behind everybody's back, durably.
    #[cfg(test)]
    pub(crate) fn tamper(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.tables()
            .db
            .insert(row_key(table, key), value)
            .map_err(sled_error("write to it"))?;
        self.flush().map(drop)
    }

    /// Makes everything applied so far durable. Returns the position it had
    /// when it began.
    pub fn flush(&self) -> Result<u64, StoreError> {
        // Not with the gate held: readers would wait behind the next writer.
        let (db, position) = {
            let tables = self.tables();
            (tables.db.clone(), tables.standing.next)
        };
        db.flush().map_err(sled_error("flush it"))?;
        Ok(position)
    }

    /// Bytes of its files and of the rows that count. Reads all of them.
    pub fn size(&self) -> Result<Size, StoreError> {
        let db = self.tables().db.clone();
        let mut live = 0u64;
        for row in db.iter() {
            let (key, value) = row.map_err(sled_error("read it"))?;
            live = live.saturating_add(bytes_of(&key, &value));
        }
        let disk = db.size_on_disk().map_err(sled_error("measure it"))?;
        Ok(Size { disk, live })
    }

    /// Whether its files have grown past `floor` and past [`MAX_GROWTH`] times
    /// what counts; `None` as long as that is being counted, a piece with each
    /// call.
    pub fn has_outgrown(&self, floor: u64) -> Result<Option<bool>, StoreError> {
        let db = self.tables().db.clone();
        let disk = db.size_on_disk().map_err(sled_error("measure it"))?;
        self.growth().is_too_much(disk, floor, |after| {
            let rows = db.range((Bound::Excluded(after), Bound::Unbounded));
            rows.map(|row| {
                let (key, value) = row.map_err(sled_error("read it"))?;
                let bytes = bytes_of(&key, &value);
                Ok((key.to_vec(), bytes))
            })
        })
    }

    fn growth(&self) -> MutexGuard<'_, Growth> {
        let growth = self.inner.growth.lock();
        growth.unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies what counts to a new sled and puts that in the place of this
    /// one. Only whoever writes may call it, since nothing may be written
    /// meanwhile; reading goes on. It takes as long as writing the live rows
    /// once, and for that time as much disk.
    pub fn renew(&self) -> Result<(), StoreError> {
        let (old, number) = {
            let tables = self.tables();
            (tables.db.clone(), tables.number)
        };
        let next = number.saturating_add(1);
        let path = current::begin(&self.inner.dir, next)?;
        let new = open_sled(&path)?;
        let bytes = copy(&old, &new)?;
        new.flush().map_err(sled_error("flush it"))?;
        let disk = new.size_on_disk().map_err(sled_error("measure it"))?;
        self.growth().is_fresh(bytes, disk);
        // From here on the new one is the store, after any crash.
        current::choose(&self.inner.dir, next)?;
        {
            let gate = self.inner.gate.write();
            let mut tables = gate.unwrap_or_else(PoisonError::into_inner);
            tables.db = new;
            tables.number = next;
        }
        drop(old);
        current::remove_others(&self.inner.dir, next)
    }
}

fn sled_error(action: &'static str) -> impl Fn(sled::Error) -> StoreError {
    move |error| StoreError::Sled {
        action,
        source: error.into(),
    }
}

fn open_sled(path: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE_BYTES)
        .mode(sled::Mode::HighThroughput)
        // The projector flushes, and tells the position it flushed.
        .flush_every_ms(None);
    config.open().map_err(|error| match error {
        // sled gives no other sign of it.
        sled::Error::Io(source) if source.to_string().contains("could not acquire lock") => {
            StoreError::InUse
        }
        other => sled_error("open it")(other),
    })
}

/// Lets sled free what a batch of so many rows has replaced. It frees a little
/// whenever it is asked something, and a batch is asked once: without this, a
/// rebuild of ten million records held 3.4 GB where 1 GB does.
fn sweep(db: &sled::Db, rows: usize) -> Result<(), StoreError> {
    let standing = row_key(Table::Meta, Standing::KEY);
    for _ in 0..rows {
        db.contains_key(&standing).map_err(sled_error("read it"))?;
    }
    Ok(())
}

/// Returns the bytes that it copied.
fn copy(from: &sled::Db, to: &sled::Db) -> Result<u64, StoreError> {
    let (mut batch, mut bytes, mut rows) = (sled::Batch::default(), 0u64, 0usize);
    let mut total = 0u64;
    for row in from.iter() {
        let (key, value) = row.map_err(sled_error("read it"))?;
        let more = bytes_of(&key, &value);
        (bytes, total) = (bytes.saturating_add(more), total.saturating_add(more));
        batch.insert(key, value);
        rows = rows.saturating_add(1);
        if bytes >= COPY_BYTES {
            let full = std::mem::take(&mut batch);
            to.apply_batch(full).map_err(sled_error("copy to it"))?;
            sweep(to, std::mem::take(&mut rows))?;
            bytes = 0;
        }
    }
    to.apply_batch(batch).map_err(sled_error("copy to it"))?;
    Ok(total)
}

fn bytes_of(key: &[u8], value: &[u8]) -> u64 {
    u64::try_from(key.len().saturating_add(value.len())).unwrap_or(u64::MAX)
}

/// The store at one position.
pub struct Reading<'a> {
    tables: RwLockReadGuard<'a, Tables>,
}

impl Reading<'_> {
    /// How many records the rows hold.
    pub fn position(&self) -> u64 {
        self.tables.standing.next
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        self.tables.standing
    }

    /// One row.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.tables.db.get(row_key(table, key));
        let found = found.map_err(sled_error("read it"))?;
        Ok(found.map(|value| value.to_vec()))
    }

    /// Rows whose keys begin with `prefix`, in order of key.
    pub fn rows<'s>(
        &'s self,
        table: Table,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<Row, StoreError>> + use<'s> {
        self.tables
            .db
            .scan_prefix(row_key(table, prefix))
            .map(|found| {
                let (key, value) = found.map_err(sled_error("read it"))?;
                Ok((key.get(1..).unwrap_or_default().to_vec(), value.to_vec()))
            })
    }

    /// Shows the rows of a table from a key on, and before `until`, in order.
    pub fn each<E: From<StoreError>>(
        &self,
        table: Table,
        from: &[u8],
        until: Option<&[u8]>,
        mut show: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let after = until.map_or_else(
            || vec![(table as u8).saturating_add(1)],
            |key| row_key(table, key),
        );
        for found in self.tables.db.range(row_key(table, from)..after) {
            let (key, value) = found.map_err(sled_error("read it"))?;
            show(key.get(1..).unwrap_or_default(), &value)?;
        }
        Ok(())
    }
}

fn row_key(table: Table, key: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(key.len().saturating_add(1));
    whole.push(table as u8);
    whole.extend_from_slice(key);
    whole
}
