//! Reading what is durable, by position or in order, while the writer appends.
//!
//! A reader never sees a batch before its sync has returned. Not here: reading
//! that distrusts the index (`scan`).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;

use super::find::{Found, RECORD_READ_AHEAD, Stretch, Whereabouts, misplaced, read_error};
use super::segment::{self, ENTRY_BYTES, HEADER_BYTES};
use super::survey::Sealed;
use super::walk::{PIECE_BYTES, Step, Walker, Window};
use super::{FRAME_HEADER_BYTES, JournalError, Scan, Storage};

/// Sealed segments kept open at a time; the one longest open is closed first.
const MAX_OPEN_SEGMENTS: usize = 64;

/// A batch as it is in the journal. Bodies share the memory they were read
/// into, some hundred kilobytes: copy what is to be kept for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBatch {
    /// Position of the first record.
    pub first_position: u64,
    /// The records' bodies, in order of position.
    pub records: Vec<Bytes>,
    /// The body of the commit frame.
    pub commit: Bytes,
    /// Head hash of the last record, as the writer gave it.
    pub last_head: [u8; 32],
}

impl StoredBatch {
    /// Position after its last record.
    pub fn end_position(&self) -> u64 {
        self.first_position
            .saturating_add(self.records.len() as u64)
    }
}

/// Where every durable record is.
#[derive(Debug)]
pub(super) struct Index<F> {
    /// Ascending, without gaps.
    pub sealed: Vec<Sealed>,
    pub active: Active<F>,
}

/// The segment being appended to: the only one whose offsets are in memory.
#[derive(Debug)]
pub(super) struct Active<F> {
    pub first_position: u64,
    pub file: Arc<F>,
    pub offsets: Vec<u32>,
    /// Offset after the last durable frame.
    pub end: u64,
}

impl<F> Index<F> {
    fn committed(&self) -> u64 {
        self.active
            .first_position
            .saturating_add(self.active.offsets.len() as u64)
    }
}

/// What the writer and its readers share.
#[derive(Debug)]
pub(super) struct Shared<S: Storage> {
    pub storage: S,
    index: RwLock<Index<S::File>>,
    open: Mutex<VecDeque<(u64, Arc<S::File>)>>,
}

impl<S: Storage> Shared<S> {
    pub fn new(storage: S, index: Index<S::File>) -> Arc<Self> {
        Arc::new(Self {
            storage,
            index: RwLock::new(index),
            open: Mutex::default(),
        })
    }

    /// Publishes a durable batch.
    pub fn extend_active(&self, offsets: &[u32], end: u64) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.active.offsets.extend_from_slice(offsets);
        index.active.end = end;
    }

    /// Publishes a durable roll-over.
    pub fn roll(&self, sealed: Sealed, active: Active<S::File>) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.sealed.push(sealed);
        index.active = active;
    }

    pub fn with_index<T>(&self, look: impl FnOnce(&Index<S::File>) -> T) -> T {
        look(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the oldest sealed segment out of what is read; returns its first
    /// position.
    pub fn forget_oldest(&self) -> Option<u64> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if index.sealed.is_empty() {
            return None;
        }
        let first = index.sealed.remove(0).first_position;
        drop(index);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(position, _)| *position != first);
        Some(first)
    }

    fn sealed_file(&self, first: u64) -> Result<Arc<S::File>, JournalError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = open.iter().find(|(position, _)| *position == first) {
            return Ok(Arc::clone(file));
        }
        let name = segment::name(first);
        let file = Arc::new(
            self.storage
                .open(&name)
                .map_err(JournalError::io("open", &name))?,
        );
        if open.len() >= MAX_OPEN_SEGMENTS {
            open.pop_front();
        }
        open.push_back((first, Arc::clone(&file)));
        Ok(file)
    }
}

/// Reads committed records. Cheap to clone; clones share open files.
#[derive(Debug)]
pub struct Reader<S: Storage> {
    shared: Arc<Shared<S>>,
}

impl<S: Storage> Clone for Reader<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: Storage> Reader<S> {
    pub(super) fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }

    /// Number of durable records: positions below it can be read.
    pub fn committed(&self) -> u64 {
        self.shared.with_index(Index::committed)
    }

    /// The first position that can be read: 0, but of a journal that forgets.
    pub fn first(&self) -> u64 {
        self.shared.with_index(|index| {
            let sealed = index.sealed.first();
            sealed.map_or(index.active.first_position, |sealed| sealed.first_position)
        })
    }

    /// The body of the record at a position; `None` if it is not committed.
    ///
    /// # Errors
    /// [`JournalError::Rot`] if its bytes are damaged.
    pub fn record(&self, position: u64) -> Result<Option<Bytes>, JournalError> {
        Ok(self.find(position)?.map(|found| found.frame.body))
    }

    /// The batch that holds a position; `None` if it is not committed.
    ///
    /// # Errors
    /// [`JournalError::Rot`] if its bytes are damaged.
    pub fn batch(&self, position: u64) -> Result<Option<StoredBatch>, JournalError> {
        let Some(found) = self.find(position)? else {
            return Ok(None);
        };
        let (segment, offset) = (found.segment, found.offset);
        let mut walker = found.batch_walker(RECORD_READ_AHEAD);
        match walker.step().map_err(|fault| read_error(segment, fault))? {
            Step::Batch { batch, .. } if batch.end_position() > position => Ok(Some(batch)),
            _ => Err(misplaced(segment, offset, position)),
        }
    }

    /// Every committed byte again, strictly, while the writer appends: what is
    /// committed when this is called, past the page cache as far as the system
    /// grants it.
    pub fn scan_committed(&self) -> Scan<'_, S> {
        let (firsts, end) = self.shared.with_index(|index| {
            let sealed = index.sealed.iter().map(|sealed| sealed.first_position);
            let firsts = sealed.chain([index.active.first_position]).collect();
            (firsts, index.active.end)
        });
        Scan::committed(&self.shared.storage, firsts, end)
    }

    /// How many bytes that is.
    pub fn committed_bytes(&self) -> u64 {
        self.shared.with_index(|index| {
            let sealed = index.sealed.iter().map(|sealed| {
                let table = segment::table_frame_bytes(u64::from(sealed.count));
                sealed.table_offset.saturating_add(table)
            });
            sealed.fold(index.active.end, u64::saturating_add)
        })
    }

    /// Bytes that may still be written where the journal is.
    pub fn free_bytes(&self) -> Result<u64, JournalError> {
        let free = self.shared.storage.free_bytes();
        free.map_err(JournalError::io("look for room in", "the folder"))
    }

    /// Batches in order, from the one that holds `from`. Ends where the
    /// journal ends now; asked again later, it goes on with what has been
    /// committed since.
    pub fn batches(&self, from: u64) -> Batches<S> {
        Batches {
            reader: self.clone(),
            next: from,
            current: None,
        }
    }

    fn stretch(&self, position: u64) -> Result<Option<Stretch<S::File>>, JournalError> {
        let found = self.shared.with_index(|index| {
            if let Some(into) = position.checked_sub(index.active.first_position) {
                let offset = usize::try_from(into)
                    .ok()
                    .and_then(|into| index.active.offsets.get(into))?;
                return Some(Ok(Stretch {
                    segment: index.active.first_position,
                    file: Arc::clone(&index.active.file),
                    limit: index.active.end,
                    at: Whereabouts::Offset(*offset),
                }));
            }
            let after = index
                .sealed
                .partition_point(|sealed| sealed.first_position <= position);
            index.sealed.get(after.checked_sub(1)?).cloned().map(Err)
        });
        match found {
            None => Ok(None),
            Some(Ok(active)) => Ok(Some(active)),
            Some(Err(sealed)) => {
                let into = position.saturating_sub(sealed.first_position);
                let entry = sealed
                    .table_offset
                    .saturating_add(FRAME_HEADER_BYTES as u64)
                    .saturating_add(into.saturating_mul(ENTRY_BYTES as u64));
                Ok(Some(Stretch {
                    segment: sealed.first_position,
                    file: self.shared.sealed_file(sealed.first_position)?,
                    limit: sealed.table_offset,
                    at: Whereabouts::Sealed {
                        index: into,
                        landmarks: sealed.landmarks,
                        entry,
                    },
                }))
            }
        }
    }

    fn find(&self, position: u64) -> Result<Option<Found<S::File>>, JournalError> {
        let stretch = self.stretch(position)?;
        stretch.map(|stretch| stretch.find(position)).transpose()
    }
}

/// Batches in order; see [`Reader::batches`].
#[derive(Debug)]
pub struct Batches<S: Storage> {
    reader: Reader<S>,
    /// The position looked for, then the one after the last batch.
    next: u64,
    current: Option<(u64, Walker<S::File>)>,
}

impl<S: Storage> Batches<S> {
    fn advance(&mut self) -> Result<Option<StoredBatch>, JournalError> {
        let Some(stretch) = self.reader.stretch(self.next)? else {
            return Ok(None);
        };
        let segment = stretch.segment;
        let mut walker = match self.current.take() {
            Some((current, walker)) if current == segment => walker,
            Some(_) => {
                let window = Window::new(PIECE_BYTES);
                Walker::new(
                    stretch.file,
                    window,
                    HEADER_BYTES as u64,
                    stretch.limit,
                    segment,
                )
            }
            None => match self.reader.find(self.next)? {
                Some(found) => found.batch_walker(PIECE_BYTES),
                None => return Ok(None),
            },
        };
        // Further by what has been committed since.
        walker.limit = stretch.limit;
        loop {
            match walker.step().map_err(|fault| read_error(segment, fault))? {
                Step::Seal { .. } => {}
                Step::Batch { batch, .. } if batch.end_position() > self.next => {
                    self.next = batch.end_position();
                    self.current = Some((segment, walker));
                    return Ok(Some(batch));
                }
                _ => return Err(misplaced(segment, walker.offset, self.next)),
            }
        }
    }
}

impl<S: Storage> Iterator for Batches<S> {
    type Item = Result<StoredBatch, JournalError>;

    /// After an error there is no more.
    fn next(&mut self) -> Option<Self::Item> {
        let item = self.advance().transpose();
        if matches!(item, Some(Err(_))) {
            self.next = u64::MAX;
        }
        item
    }
}
