//! The projector: folds committed records into the store, behind the writer.
//! It decides nothing and is waited for only when it falls too far behind.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use tokio::sync::watch;

use super::items;
use super::snapshot::{Changes, Fate, Row, Snapshot};
use super::standing::Standing;
use super::statements::{Days, Statements};
use super::store::{GROWTH_FLOOR, Store, StoreError, Writes};
use super::view::View;
use crate::custody::Key;
use crate::custody::leaf::{self, StoredItem};
use crate::custody::state::Changed;
use crate::event::Hash;
use crate::event::record::OpenRecord;

/// Batches of records that may wait for the projector before the writer waits
/// for it. A batch is at most 1 MiB, so this bounds the memory between them.
pub const MAX_BATCHES_BEHIND: usize = 64;

/// Bytes of rows after which a batch is written, whatever else is waiting.
const WRITE_BYTES: usize = 2 * 1024 * 1024;

/// Bytes of items after which they are put into the snapshot, however short
/// the time since the last.
const CHANGED_BYTES: usize = 32 * 1024 * 1024;

/// Ids after which the same is done.
const CHANGED_IDS: usize = 512 * 1024;

/// A committed record and the items it changed, as they stand after it.
#[derive(Clone)]
pub struct Folded {
    /// The record.
    pub record: OpenRecord,
    /// What it changed.
    pub items: Vec<Changed>,
}

/// How far the store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records whose rows can be read.
    pub projected: u64,
    /// Records whose rows are durable.
    pub flushed: u64,
    /// Why it goes no further; empty while it does.
    pub failed: String,
}

/// Folds records into rows and items, and writes them.
///
/// The store and the snapshot each stand somewhere. The rows of views and the
/// ids are durable before the items of the same records are, and closed items
/// are in the snapshot before they are in the store: so, after a crash
/// anywhere, the views stand where the snapshot does or further, the files of
/// ids hold what it says or more, and the closed items in the store are no
/// later than the snapshot that is gone on from.
pub struct Projection {
    store: Store,
    views: Vec<Box<dyn View>>,
    /// The views hold the records before this one from an earlier run.
    views_from: u64,
    snapshot: Snapshot,
    statements: Statements,
    standing: Standing,
    pending: Writes,
    changes: Changes,
    flushed: u64,
}

impl Projection {
    /// Goes on where the snapshot stands. The views may be further.
    pub fn new(
        store: Store,
        mut views: Vec<Box<dyn View>>,
        snapshot: Snapshot,
        days: Days,
    ) -> Result<Projection, StoreError> {
        for view in &mut views {
            view.load(&store)?;
        }
        Ok(Projection {
            views_from: store.position(),
            store,
            views,
            standing: snapshot.standing(),
            statements: Statements::new(days, snapshot.ids()),
            snapshot,
            pending: Writes::default(),
            changes: Changes::default(),
            flushed: 0,
        })
    }

    /// Folds the next record. Rows are written when there are enough of them.
    pub fn fold(&mut self, folded: &Folded) -> Result<(), StoreError> {
        for changed in &folded.items {
            self.changes.put(changed);
        }
        if folded.record.position() >= self.views_from {
            for view in &mut self.views {
                view.fold(folded, &mut self.pending);
            }
        }
        self.statements.fold(folded);
        self.standing.advance(folded);
        if self.changes.bytes() >= CHANGED_BYTES || self.statements.pending() >= CHANGED_IDS {
            self.flush()
        } else if self.pending.bytes() >= WRITE_BYTES {
            self.write()
        } else {
            Ok(())
        }
    }

    /// Writes the views' rows, with the position they stand at.
    pub fn write(&mut self) -> Result<(), StoreError> {
        if self.standing.next <= self.store.position() {
            return Ok(());
        }
        for view in &mut self.views {
            view.finish(self.standing.next, &mut self.pending);
        }
        self.store
            .apply(std::mem::take(&mut self.pending), self.standing)
    }

    /// Makes all that has been folded durable, and the store's files smaller if
    /// they have grown too large: then the writer may have to wait, for as long
    /// as it takes to write the live rows once.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.write()?;
        if self.flushed == self.standing.next {
            return Ok(());
        }
        self.store.flush()?;
        let changes = std::mem::take(&mut self.changes);
        let ids = self.statements.flush()?;
        self.snapshot.add(&changes, self.standing, ids)?;
        close(&self.store, changes.closed(), self.standing.next)?;
        self.flushed = self.standing.next;
        if self.store.has_outgrown(GROWTH_FLOOR)? == Some(true) {
            self.store.renew()?;
        }
        self.snapshot.merge()
    }

    /// The same after a rebuild, where nobody waits in between: what must be
    /// counted is counted to the end.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        loop {
            match self.store.has_outgrown(GROWTH_FLOOR)? {
                None => {}
                Some(true) => self.store.renew()?,
                Some(false) => return Ok(()),
            }
        }
    }

    /// How many records have been folded.
    pub fn next(&self) -> u64 {
        self.standing.next
    }

    /// How many of them are durable; 0 before the first flush of this run.
    pub fn flushed(&self) -> u64 {
        self.flushed
    }

    /// Head hash of the last record folded.
    pub fn last_head(&self) -> Hash {
        self.standing.last_head
    }
}

/// Items that are digested at a time, on all cores, when a snapshot is read.
const READ_TOGETHER: usize = 64 * 1024;

/// Open items in order, in pieces: so that those of a large ledger are never
/// there twice.
pub type OpenItems = Vec<Vec<(Key, StoredItem)>>;

/// The open items of a snapshot, with their digests. Where a crash came before
/// the store had its closed ones, it gets them now.
pub fn open_items(store: &Store, snapshot: &Snapshot) -> Result<OpenItems, StoreError> {
    let (mut pieces, mut piece, mut closed) = (OpenItems::new(), Vec::new(), Vec::new());
    snapshot.each(|key, row| match row.fate {
        Fate::Open => {
            piece.push((key, row));
            if piece.len() >= READ_TOGETHER {
                pieces.push(digested(std::mem::take(&mut piece)));
            }
        }
        Fate::Closed => closed.push((key, row)),
        Fate::Gone => {}
    })?;
    pieces.push(digested(piece));
    if items::stand_at(&store.reading())? < snapshot.next() {
        let closed = closed.iter().map(|(key, row)| (key, row));
        close(store, closed, snapshot.next())?;
    }
    Ok(pieces)
}

fn digested(piece: Vec<(Key, Row)>) -> Vec<(Key, StoredItem)> {
    let digested = |(key, row): (Key, Row)| {
        let digest = leaf::digest_of(key.kind(), key.id(), &row.bytes);
        let (bytes, last) = (row.bytes, row.last);
        let stored = StoredItem {
            bytes,
            digest,
            last,
        };
        (key, stored)
    };
    piece.into_par_iter().map(digested).collect()
}

/// Puts items that the snapshot knows as closed, as of `next` records, into the
/// store, durably.
fn close<'a>(
    store: &Store,
    closed: impl Iterator<Item = (&'a Key, &'a Row)>,
    next: u64,
) -> Result<(), StoreError> {
    let mut writes = Writes::default();
    closed.for_each(|(key, row)| items::put(&mut writes, key, row));
    items::put_stand_at(&mut writes, next);
    let standing = store.reading().standing();
    store.apply(writes, standing)?;
    store.flush().map(drop)
}

/// Makes the projector's work: what to send it, and the loop that a thread of
/// its own runs.
pub fn projector(
    projection: Projection,
    flush_every: Duration,
) -> (
    SyncSender<Vec<Folded>>,
    watch::Receiver<Progress>,
    impl FnOnce() + Send,
) {
    let (sender, receiver) = sync_channel(MAX_BATCHES_BEHIND);
    let stands_at = projection.store.position();
    let start = Progress {
        projected: stands_at,
        flushed: 0,
        failed: String::new(),
    };
    let (progress, watched) = watch::channel(start);
    let work = move || {
        if let Err(error) = run(projection, &receiver, &progress, flush_every) {
            progress.send_modify(|p| p.failed = error.to_string());
        }
    };
    (sender, watched, work)
}

/// Until every sender is gone; then everything is written and flushed.
fn run(
    mut projection: Projection,
    receiver: &Receiver<Vec<Folded>>,
    progress: &watch::Sender<Progress>,
    flush_every: Duration,
) -> Result<(), StoreError> {
    let mut last_flush = Instant::now();
    loop {
        let wait = flush_every.saturating_sub(last_flush.elapsed());
        let more = match receiver.recv_timeout(wait) {
            Ok(batch) => {
                fold_waiting(&mut projection, &batch, receiver)?;
                progress.send_modify(|p| {
                    p.projected = projection.next();
                    p.flushed = projection.flushed;
                });
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        };
        if !more || last_flush.elapsed() >= flush_every {
            projection.flush()?;
            progress.send_modify(|p| p.flushed = projection.flushed);
            last_flush = Instant::now();
        }
        if !more {
            return Ok(());
        }
    }
}

/// Folds a batch and whatever has come in meanwhile, up to a write's worth.
fn fold_waiting(
    projection: &mut Projection,
    first: &[Folded],
    receiver: &Receiver<Vec<Folded>>,
) -> Result<(), StoreError> {
    first
        .iter()
        .try_for_each(|folded| projection.fold(folded))?;
    // No more than are waiting now: readers want to hear of the position.
    for batch in receiver.try_iter().take(MAX_BATCHES_BEHIND) {
        batch
            .iter()
            .try_for_each(|folded| projection.fold(folded))?;
    }
    projection.write()
}
