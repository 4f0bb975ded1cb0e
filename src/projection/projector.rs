//! The projector: folds committed records into the store, behind the writer.
//! It decides nothing and is waited for only when it falls too far behind.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::items::{self, subject_key};
use super::standing::{OpenSum, Standing};
use super::store::{GROWTH_FLOOR, Store, StoreError, Table, Writes};
use super::view::View;
use crate::custody::subject::{self, Item};
use crate::event::Hash;
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{self, Subject};

/// Batches of records that may wait for the projector before the writer waits
/// for it. A batch is at most 1 MiB, so this bounds the memory between them.
pub const MAX_BATCHES_BEHIND: usize = 64;

/// Bytes of rows after which a batch is written, whatever else is waiting.
const WRITE_BYTES: usize = 2 * 1024 * 1024;

/// A committed record and the items it changed, as they stand after it.
#[derive(Clone)]
pub struct Folded {
    /// The record.
    pub record: OpenRecord,
    /// What it changed.
    pub items: Vec<(Subject, Arc<Item>)>,
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

/// Folds records into rows and writes them.
pub struct Projection {
    store: Store,
    views: Vec<Box<dyn View>>,
    standing: Standing,
    open: OpenSum,
    pending: Writes,
    flushed: u64,
}

impl Projection {
    /// Goes on where the store stands, its open items summing to `open`.
    pub fn new(
        store: Store,
        mut views: Vec<Box<dyn View>>,
        open: OpenSum,
    ) -> Result<Projection, StoreError> {
        for view in &mut views {
            view.load(&store)?;
        }
        let standing = store.reading().standing();
        Ok(Projection {
            store,
            views,
            standing,
            open,
            pending: Writes::default(),
            flushed: 0,
        })
    }

    /// Folds the next record. Rows are written when there are enough of them.
    pub fn fold(&mut self, folded: &Folded) -> Result<(), StoreError> {
        let record = &folded.record;
        for (subject, item) in &folded.items {
            self.put_item(subject, item);
        }
        for view in &mut self.views {
            view.fold(folded, &mut self.pending);
        }
        if record.position() == 0 {
            self.standing.genesis_hash = record.hash;
        }
        if is_state_record(record) {
            self.standing.last_state_record = record.position();
        }
        self.standing.next = record.position().saturating_add(1);
        self.standing.last_head = record.hash;
        self.standing.recorded_at_ms = record.head.recorded_at_ms;
        if self.pending.bytes() >= WRITE_BYTES {
            self.write()
        } else {
            Ok(())
        }
    }

    fn put_item(&mut self, subject: &Subject, item: &Item) {
        let key = subject_key(subject);
        let (row, digest) = items::row(subject, item);
        if subject::is_open(item) {
            if !self.open.put(&key, digest) {
                self.pending.remove(Table::Closed, key.clone());
            }
            self.pending.put(Table::Open, key, row);
        } else {
            self.open.remove(&key);
            self.pending.remove(Table::Open, key.clone());
            self.pending.put(Table::Closed, key, row);
        }
    }

    /// Writes what has been folded, with the position it stands at.
    pub fn write(&mut self) -> Result<(), StoreError> {
        if self.standing.next == self.store.position() {
            return Ok(());
        }
        for view in &mut self.views {
            view.finish(self.standing.next, &mut self.pending);
        }
        self.standing.items = self.open.sum();
        self.store
            .apply(std::mem::take(&mut self.pending), self.standing)
    }

    /// Makes what has been written durable, and the store's files smaller if
    /// they have grown too large: then the writer may have to wait, for as long
    /// as it takes to write the live rows once.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.flushed = self.store.flush()?;
        if self.store.has_outgrown(GROWTH_FLOOR)? {
            self.store.renew()?;
        }
        Ok(())
    }

    /// How many records have been folded.
    pub fn next(&self) -> u64 {
        self.standing.next
    }

    /// Head hash of the last record folded.
    pub fn last_head(&self) -> Hash {
        self.standing.last_head
    }
}

fn is_state_record(record: &OpenRecord) -> bool {
    let recorded = |e: &pb::Event| matches!(e.body, Some(Body::StateRecorded(_)));
    record.events.iter().flatten().any(recorded)
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
            if projection.flushed != projection.next() {
                projection.flush()?;
                progress.send_modify(|p| p.flushed = projection.flushed);
            }
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
