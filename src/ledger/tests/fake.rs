//! A log in memory that several writers may share: it answers all that the
//! seam allows, by dice, and lets a test hold a commit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::event::Hash;
use crate::journal::{Batch, Journal, JournalError, JournalOptions, StoredBatch};
use crate::ledger::{BatchIterator, Commit, CommitLog, LogError, Records};
use crate::storage::sim::SimStorage;

/// What stands. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Stream {
    /// How many batches lost their place to another writer's.
    lost: Arc<AtomicUsize>,
    batches: Arc<Mutex<Vec<StoredBatch>>>,
}

impl Stream {
    /// With what a journal holds.
    pub(super) fn of(storage: &SimStorage) -> Stream {
        let (journal, _) =
            Journal::open(storage.clone(), None, 0, JournalOptions::default()).unwrap();
        let batches = journal.reader().batches(0).map(Result::unwrap).collect();
        Stream {
            batches: Arc::new(Mutex::new(batches)),
            ..Stream::default()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<StoredBatch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }

    pub(super) fn records(&self) -> Vec<Bytes> {
        self.lock()
            .iter()
            .flat_map(|batch| batch.records.clone())
            .collect()
    }

    fn last_head(&self) -> [u8; 32] {
        self.lock().last().map_or([0; 32], |batch| batch.last_head)
    }

    fn from(&self, position: u64) -> Vec<StoredBatch> {
        self.lock()
            .iter()
            .filter(|batch| batch.end_position() > position)
            .cloned()
            .collect()
    }

    fn append(&self, batch: &Batch) {
        self.lock().push(StoredBatch {
            first_position: batch.first_position,
            records: batch.records.clone(),
            commit: batch.commit.clone(),
            last_head: batch.last_head,
        });
    }
}

impl Records for Stream {
    fn record(&self, position: u64) -> Result<Option<Bytes>, JournalError> {
        Ok(self.records().get(position as usize).cloned())
    }

    fn batch(&self, position: u64) -> Result<Option<StoredBatch>, JournalError> {
        Ok(self.from(position).into_iter().next())
    }

    fn batches(&self, from: u64) -> BatchIterator {
        let stream = self.clone();
        let mut next = from;
        Box::new(std::iter::from_fn(move || {
            let batch = stream.from(next).into_iter().next()?;
            next = batch.end_position();
            Some(Ok(batch))
        }))
    }
}

/// How a commit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Honest,
    /// Done, but the answer is lost.
    UnknownDone,
    /// Not done, and the answer is lost.
    UnknownLost,
    /// The log breaks: nothing can be read back.
    Broken,
}

/// One writer's end of a stream.
pub(super) struct FakeLog {
    pub(super) stream: Stream,
    pub(super) fate: Box<dyn FnMut() -> Fate + Send>,
    pub(super) gate: Option<Gate>,
    broken: bool,
}

/// The log's end of a gate that a test holds.
pub(super) struct Gate {
    entered: SyncSender<usize>,
    go: Receiver<()>,
}

/// A gate, the word that a commit (of so many records) stands before it, and
/// the way to let it through.
pub(super) fn gate() -> (Gate, Receiver<usize>, SyncSender<()>) {
    let (entered, is_entered) = sync_channel(1);
    let (open, go) = sync_channel(1);
    (Gate { entered, go }, is_entered, open)
}

impl FakeLog {
    pub(super) fn new(stream: &Stream, fate: impl FnMut() -> Fate + Send + 'static) -> FakeLog {
        FakeLog {
            stream: stream.clone(),
            fate: Box::new(fate),
            gate: None,
            broken: false,
        }
    }
}

impl CommitLog for FakeLog {
    fn commit(&mut self, batch: &Batch, expected_head: Hash) -> Commit {
        if let Some(gate) = &self.gate {
            // A test that has ended holds nothing back.
            let _ = gate.entered.send(batch.records.len());
            let _ = gate.go.recv();
        }
        let fate = (self.fate)();
        let unknown = || Commit::Unknown(LogError::Other("no answer".into()));
        match fate {
            Fate::Broken => {
                self.broken = true;
                return unknown();
            }
            Fate::UnknownLost => return unknown(),
            Fate::Honest | Fate::UnknownDone => {}
        }
        if self.stream.last_head() != expected_head.0 {
            self.stream.lost.fetch_add(1, Ordering::SeqCst);
            let winners = self.stream.from(batch.first_position);
            return if fate == Fate::Honest {
                Commit::Lost(winners)
            } else {
                unknown()
            };
        }
        self.stream.append(batch);
        if fate == Fate::Honest {
            Commit::Committed
        } else {
            unknown()
        }
    }

    fn read_back(&mut self, from: u64) -> Result<Vec<StoredBatch>, LogError> {
        if self.broken {
            return Err(LogError::Other("the log is broken".into()));
        }
        Ok(self.stream.from(from))
    }

    fn close(self: Box<Self>) -> Result<(), LogError> {
        Ok(())
    }
}
