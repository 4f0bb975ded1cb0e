//! The files of kept refusals, whatever their storage: a journal of their own,
//! which may forget its beginning. Not here: what goes into them (`keeper`).

use std::ops::Range;
use std::sync::Arc;

use super::Keeping;
use super::count::Allowances;
use crate::event::Hash;
use crate::journal::{Batch, Journal, JournalError, JournalOptions, Reader};
use crate::journal::{MAX_BATCH_BYTES, set_all_aside};
use crate::ledger::seam::BatchIterator;
use crate::pb::{KeptRefusal, Refusal, RefusalsAnchored};
use crate::proof::{KeptChain, kept_hash, open_kept};
use crate::storage::Storage;
use prost::Message as _;

/// What is read of them, from any thread while they are written.
pub(in crate::ledger) trait Kept: Send + Sync {
    /// The numbers that can be read.
    fn range(&self) -> Range<u64>;

    /// Batches in order, from the one that holds a number.
    fn batches(&self, from: u64) -> BatchIterator;
}

impl<S: Storage> Kept for Reader<S> {
    fn range(&self) -> Range<u64> {
        self.first()..self.committed()
    }

    fn batches(&self, from: u64) -> BatchIterator {
        Box::new(Reader::batches(self, from))
    }
}

/// What the keeper does to them.
pub(in crate::ledger) trait Files: Send {
    /// Takes up what is there, after any stop. `anchored` is what the ledger
    /// has said of it; what contradicts that is set aside.
    fn take_up(&mut self, genesis_hash: Hash, anchored: &RefusalsAnchored) -> TakenUp;

    /// Makes refusals durable; the first begins the files.
    fn append(&mut self, batch: &Batch) -> Result<(), JournalError>;

    /// What can be read, once there is something.
    fn kept(&self) -> Option<Arc<dyn Kept>>;

    /// The numbers in the oldest file, if it is full, and when the last of
    /// them was judged, Unix milliseconds.
    fn oldest(&self) -> Option<(Range<u64>, i64)>;

    /// Removes that file.
    fn forget_oldest(&mut self) -> Result<(), JournalError>;

    /// Whether there is room for more, and for what the ledger keeps free.
    fn has_room(&self) -> bool;

    /// Ends them cleanly.
    fn close(self: Box<Self>) -> Result<(), JournalError>;
}

/// What taking up came to.
#[derive(Default)]
pub(in crate::ledger) struct TakenUp {
    pub(super) chain: KeptChain,
    pub(super) first: u64,
    pub(super) allowances: Allowances,
    /// Not kept and unverified, as the last one counts them.
    pub(super) counts: (u64, u64),
    /// When the first was judged that is not anchored.
    pub(super) since_ms: Option<i64>,
    /// Why none can be kept.
    pub(super) failed: Option<String>,
    pub(super) kept: Option<Arc<dyn Kept>>,
    /// What an operator should know: what was set aside, and why.
    pub(in crate::ledger) told: Option<String>,
}

impl TakenUp {
    /// None are kept, for a reason.
    pub(in crate::ledger) fn failed(anchored: &RefusalsAnchored, why: String) -> TakenUp {
        TakenUp {
            failed: Some(why),
            ..TakenUp::after(anchored)
        }
    }

    /// Why none can be kept, if so.
    pub(in crate::ledger) fn why_none(&self) -> Option<String> {
        let why = |why: &String| format!("refusals are counted and not kept: {why}");
        self.failed.as_ref().map(why)
    }

    /// Nothing is there; what is kept goes on from what was anchored.
    fn after(anchored: &RefusalsAnchored) -> TakenUp {
        TakenUp {
            chain: KeptChain {
                count: anchored.count,
                hash: Hash::from_slice(&anchored.hash).unwrap_or_default(),
            },
            first: anchored.count,
            ..TakenUp::default()
        }
    }
}

/// A folder of them.
pub(in crate::ledger) struct Folder<S: Storage + Clone> {
    storage: S,
    keeping: Keeping,
    /// Bytes that the ledger keeps free.
    reserve: u64,
    /// What to go on from, until there is a file.
    begins: (Hash, KeptChain),
    journal: Option<Journal<S>>,
    /// The oldest full file, and when the last in it was judged.
    oldest: Option<(Range<u64>, i64)>,
}

impl<S: Storage + Clone> Folder<S> {
    pub(in crate::ledger) fn new(storage: S, keeping: Keeping, reserve: u64) -> Folder<S> {
        Folder {
            storage,
            keeping,
            reserve,
            begins: (Hash::ZERO, KeptChain::default()),
            journal: None,
            oldest: None,
        }
    }

    fn options(&self) -> JournalOptions {
        JournalOptions {
            segment_bytes: self.keeping.segment_bytes,
        }
    }

    /// Opens what is there and holds it against what was anchored. `Ok(None)`
    /// if nothing is there.
    fn open(
        &self,
        genesis_hash: Hash,
        anchored: &RefusalsAnchored,
    ) -> Result<Option<(Journal<S>, TakenUp)>, Unfit> {
        let floor = anchored.count;
        let opened =
            Journal::open_anywhere(self.storage.clone(), genesis_hash.0, floor, self.options());
        let journal = match opened {
            Ok((journal, _)) => journal,
            Err(JournalError::NotFound) => return Ok(None),
            Err(error @ JournalError::Io { .. }) => return Err(Unfit::Unreadable(error)),
            Err(error) => return Err(Unfit::Wrong(error.to_string())),
        };
        let reader = journal.reader();
        let chain = KeptChain {
            count: journal.next_position(),
            hash: Hash(journal.last_head()),
        };
        let mut taken_up = TakenUp {
            chain,
            first: reader.first(),
            ..TakenUp::default()
        };
        let ends = [
            (chain.count, chain.hash.0.as_slice()),
            (anchored.count, &anchored.hash),
        ];
        for (count, hash) in ends {
            if let Some(stored) = last_of(&reader, count)?
                && kept_hash(&stored).0 != hash
            {
                let what = format!("the first {count} are not those that were counted");
                return Err(Unfit::Wrong(what));
            }
        }
        taken_up.look_back(&reader, anchored.count, self.keeping.a_day)?;
        taken_up.kept = Some(Arc::new(reader));
        Ok(Some((journal, taken_up)))
    }

    fn look_at_oldest(&mut self) {
        let Some(journal) = &self.journal else {
            return;
        };
        self.oldest = journal.oldest().and_then(|range| {
            let last = last_of(&journal.reader(), range.end).ok()??;
            let (_, refusal) = read(&last)?;
            Some((range, refusal.at_ms))
        });
    }
}

/// Why what is there cannot be gone on from.
enum Unfit {
    /// It cannot be read, perhaps only now.
    Unreadable(JournalError),
    /// It is not what it was.
    Wrong(String),
}

impl From<JournalError> for Unfit {
    fn from(error: JournalError) -> Unfit {
        match error {
            error @ JournalError::Io { .. } => Unfit::Unreadable(error),
            error => Unfit::Wrong(error.to_string()),
        }
    }
}

/// The last of the first so many, if it is there.
fn last_of<S: Storage>(
    reader: &Reader<S>,
    count: u64,
) -> Result<Option<bytes::Bytes>, JournalError> {
    match count.checked_sub(1) {
        Some(number) if number >= reader.first() => reader.record(number),
        _ => Ok(None),
    }
}

/// A kept refusal and what of it the ledger signed.
fn read(stored: &bytes::Bytes) -> Option<(KeptRefusal, Refusal)> {
    let kept = open_kept(stored).ok()?;
    let signed = kept.refusal.as_ref()?.refusal.clone();
    Some((kept, Refusal::decode(signed).ok()?))
}

impl TakenUp {
    /// Counts the latest, which may be of today.
    fn look_back<S: Storage>(
        &mut self,
        reader: &Reader<S>,
        anchored: u64,
        a_day: u32,
    ) -> Result<(), Unfit> {
        let latest = self.chain.count.saturating_sub(u64::from(a_day));
        let from = latest.min(anchored).max(self.first);
        for batch in reader.batches(from) {
            let batch = batch?;
            for (number, stored) in (batch.first_position..).zip(&batch.records) {
                let Some((kept, refusal)) = read(stored) else {
                    return Err(Unfit::Wrong(format!("number {number} is no refusal")));
                };
                if number == anchored {
                    self.since_ms = Some(refusal.at_ms);
                }
                self.allowances.had(&kept.party, refusal.at_ms);
                self.counts = (kept.not_kept, kept.unverified);
            }
        }
        Ok(())
    }
}

impl<S: Storage + Clone> Files for Folder<S> {
    fn take_up(&mut self, genesis_hash: Hash, anchored: &RefusalsAnchored) -> TakenUp {
        // Taking up writes: the reserve is not for that.
        let free = self.storage.free_bytes().unwrap_or(u64::MAX);
        if free < self.reserve {
            let why = "the disk was nearly full when the ledger was started".to_owned();
            return TakenUp::failed(anchored, why);
        }
        let why = match self.open(genesis_hash, anchored) {
            Ok(Some((journal, taken_up))) => {
                self.journal = Some(journal);
                self.look_at_oldest();
                return taken_up;
            }
            Ok(None) if anchored.count == anchored.kept_from => None,
            Ok(None) => Some("the kept refusals are gone".to_owned()),
            Err(Unfit::Unreadable(error)) => return TakenUp::failed(anchored, error.to_string()),
            Err(Unfit::Wrong(what)) => match set_all_aside(&self.storage) {
                Ok(names) => Some(format!("{what}; set aside as {}", names.join(", "))),
                Err(error) => return TakenUp::failed(anchored, error.to_string()),
            },
        };
        let taken_up = TakenUp {
            told: why,
            ..TakenUp::after(anchored)
        };
        self.begins = (genesis_hash, taken_up.chain);
        taken_up
    }

    fn append(&mut self, batch: &Batch) -> Result<(), JournalError> {
        let mut journal = if let Some(journal) = self.journal.take() {
            journal
        } else {
            let (genesis_hash, KeptChain { count, hash }) = self.begins;
            let storage = self.storage.clone();
            Journal::create_from(storage, genesis_hash.0, count, hash.0, self.options())?
        };
        let appended = journal.append(batch);
        self.journal = Some(journal);
        if self.oldest.is_none() {
            self.look_at_oldest();
        }
        appended
    }

    fn kept(&self) -> Option<Arc<dyn Kept>> {
        let journal = self.journal.as_ref()?;
        Some(Arc::new(journal.reader()))
    }

    fn oldest(&self) -> Option<(Range<u64>, i64)> {
        self.oldest.clone()
    }

    fn forget_oldest(&mut self) -> Result<(), JournalError> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        let forgotten = journal.forget_oldest();
        self.look_at_oldest();
        forgotten
    }

    fn has_room(&self) -> bool {
        // A file that is begun, one more, and what is written.
        let files = u64::from(self.keeping.segment_bytes).saturating_mul(2);
        let wanted = files.saturating_add(MAX_BATCH_BYTES as u64);
        let wanted = wanted.saturating_add(self.reserve);
        // If it cannot be told, the write tells.
        self.storage
            .free_bytes()
            .map_or(true, |free| free >= wanted)
    }

    fn close(self: Box<Self>) -> Result<(), JournalError> {
        self.journal.map_or(Ok(()), Journal::close)
    }
}
