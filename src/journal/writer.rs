//! The single writer, and the journal's durability point: [`Journal::append`].
//!
//! Not here: reading (`reader`), and what opening does (`recovery`).

use std::io;
use std::sync::Arc;

use super::frame::{Kind, Mark, encode};
use super::landmark::Landmarks;
use super::reader::{Active, Index, Shared};
use super::recovery::{self, publish};
use super::segment::{self, HEADER_BYTES, Listing, encode_table, table_frame_bytes};
use super::survey::{BEGINNING, Ending, Link, Sealed};
use super::{Batch, FRAME_HEADER_BYTES, Header, JournalError, JournalOptions};
use super::{Reader, Recovery, Storage, StorageFile};

/// The journal, open for appending. There must be only one on a folder; its
/// owner holds the lock that sees to that.
///
/// Dropping it without [`close`](Self::close) is an unclean stop: nothing is
/// lost, but the next open rewrites the last segment.
#[derive(Debug)]
pub struct Journal<S: Storage> {
    pub(super) shared: Arc<Shared<S>>,
    origin: [u8; 32],
    options: JournalOptions,
    file: Arc<S::File>,
    name: String,
    first_position: u64,
    next_position: u64,
    last_head: [u8; 32],
    /// Offset after what is durable in the last segment.
    end: u64,
    /// Length the file has been given.
    allocated: u64,
    /// Where the seal of a clean stop stands, until something follows it.
    seal_offset: Option<u64>,
    poisoned: bool,
    scratch: Vec<u8>,
}

impl<S: Storage> Journal<S> {
    /// Creates an empty journal for the ledger `origin` names, durably.
    ///
    /// # Errors
    /// [`JournalError::Exists`] if the folder holds a segment already.
    pub fn create(
        storage: S,
        origin: [u8; 32],
        options: JournalOptions,
    ) -> Result<Self, JournalError> {
        Self::create_at(storage, origin, BEGINNING, options)
    }

    /// The same, going on from records that are elsewhere or gone.
    pub(super) fn create_at(
        storage: S,
        origin: [u8; 32],
        after: Link,
        options: JournalOptions,
    ) -> Result<Self, JournalError> {
        let options = options.check()?;
        let listing = Listing::of(
            storage
                .list()
                .map_err(JournalError::io("list", "the folder"))?,
        );
        if let Some(first) = listing.segments.first() {
            return Err(JournalError::Exists {
                name: segment::name(*first),
            });
        }
        for name in &listing.unfinished {
            storage
                .remove(name)
                .map_err(JournalError::io("remove", name))?;
        }
        let Link {
            position: first_position,
            last_head,
        } = after;
        let header = Header {
            origin,
            first_position,
            previous_head: last_head,
        };
        let length = u64::from(options.segment_bytes);
        let file = Arc::new(create_segment(&storage, &header, length)?);
        let active = Active {
            first_position,
            file: Arc::clone(&file),
            offsets: Vec::new(),
            end: HEADER_BYTES as u64,
        };
        Ok(Self {
            shared: Shared::new(
                storage,
                Index {
                    sealed: Vec::new(),
                    active,
                },
            ),
            origin,
            options,
            file,
            name: segment::name(first_position),
            first_position,
            next_position: first_position,
            last_head,
            end: HEADER_BYTES as u64,
            allocated: length,
            seal_offset: None,
            poisoned: false,
            scratch: Vec::new(),
        })
    }

    /// Opens the journal in a folder, after any kind of stop.
    ///
    /// `origin`: the ledger it must belong to; `None` accepts any and reports
    /// it. `synced_floor`: how many records are known from elsewhere to have
    /// been durable; 0 if nothing is known.
    ///
    /// # Errors
    /// [`JournalError::Rot`], [`JournalError::Missing`] and
    /// [`JournalError::Lost`] mean that durable bytes are damaged or gone;
    /// nothing has been changed then.
    pub fn open(
        storage: S,
        origin: Option<[u8; 32]>,
        synced_floor: u64,
        options: JournalOptions,
    ) -> Result<(Self, Recovery), JournalError> {
        Self::open_at(storage, Some(BEGINNING), origin, synced_floor, options)
    }

    /// The same; `begins` is what its first segment must take up from, if that
    /// is known.
    pub(super) fn open_at(
        storage: S,
        begins: Option<Link>,
        origin: Option<[u8; 32]>,
        synced_floor: u64,
        options: JournalOptions,
    ) -> Result<(Self, Recovery), JournalError> {
        let options = options.check()?;
        let recovery::Opened {
            sealed,
            tail,
            report,
        } = recovery::open(&storage, begins, origin, synced_floor)?;
        let first_position = tail.header.first_position;
        let active = Active {
            first_position,
            file: Arc::clone(&tail.file),
            offsets: tail.offsets,
            end: tail.end,
        };
        let journal = Self {
            shared: Shared::new(storage, Index { sealed, active }),
            origin: tail.header.origin,
            options,
            file: tail.file,
            name: segment::name(first_position),
            first_position,
            next_position: tail.position,
            last_head: tail.last_head,
            end: tail.end,
            allocated: tail.file_length,
            seal_offset: match tail.ending {
                Ending::Clean { seal_offset } => Some(seal_offset),
                Ending::Unclean | Ending::Torn { .. } => None,
            },
            poisoned: false,
            scratch: Vec::new(),
        };
        Ok((journal, report))
    }

    /// The ledger the journal belongs to.
    pub fn origin(&self) -> [u8; 32] {
        self.origin
    }

    /// The position the next batch must start at: the number of records.
    pub fn next_position(&self) -> u64 {
        self.next_position
    }

    /// Head hash of the last record; zeros if there is none.
    pub fn last_head(&self) -> [u8; 32] {
        self.last_head
    }

    /// A reader of what is durable, now and from now on.
    pub fn reader(&self) -> Reader<S> {
        Reader::new(Arc::clone(&self.shared))
    }

    /// Makes a batch durable. When this returns `Ok`, every record of it will
    /// be there after any crash; only then may anyone be told.
    ///
    /// # Errors
    /// [`JournalError::Refused`] wrote nothing, and the journal goes on. After
    /// [`JournalError::Io`] it is unknown whether the batch is durable, and
    /// every later append answers [`JournalError::Poisoned`]: a sync that
    /// failed is never tried again, because the kernel may have dropped the
    /// pages it could not write and would then report success.
    pub fn append(&mut self, batch: &Batch) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        batch.check(self.next_position)?;
        self.poisoned = true;
        self.commit(batch)?;
        self.poisoned = false;
        Ok(())
    }

    /// What a crash means after each step:
    fn commit(&mut self, batch: &Batch) -> Result<(), JournalError> {
        self.renew_seal()?;
        let bytes = batch.encoded_bytes() as u64;
        let records_here = self.next_position.saturating_sub(self.first_position);
        let added = batch.records.len() as u64;
        let needed = |end: u64, records: u64| {
            end.saturating_add(bytes)
                .saturating_add(table_frame_bytes(records.saturating_add(added)))
        };
        // An empty segment takes any batch: rolling over would make another like it.
        if records_here > 0
            && needed(self.end, records_here) > u64::from(self.options.segment_bytes)
        {
            self.roll(needed(HEADER_BYTES as u64, 0))?;
        }
        let records_here = self.next_position.saturating_sub(self.first_position);
        self.make_room(needed(self.end, records_here))?;
        // … nothing of the batch is anywhere.
        let offsets = self.encode_batch(batch)?;
        self.file
            .write_all_at(&self.scratch, self.end)
            .map_err(JournalError::io("write", &self.name))?;
        // … any part of the batch may be on disk: a torn tail, or by luck all of it.
        self.file
            .sync_data()
            .map_err(JournalError::io("sync", &self.name))?;
        // … all of the batch is on disk.
        self.end = self.end.saturating_add(self.scratch.len() as u64);
        self.next_position = self.next_position.saturating_add(added);
        self.last_head = batch.last_head;
        self.shared.extend_active(&offsets, self.end);
        Ok(())
    }

    /// Encodes a batch into `scratch`; returns where its records will stand.
    fn encode_batch(&mut self, batch: &Batch) -> Result<Vec<u32>, JournalError> {
        let mark = self.mark()?;
        let mut offsets = Vec::with_capacity(batch.records.len());
        self.scratch.clear();
        for record in &batch.records {
            let offset = self.end.saturating_add(self.scratch.len() as u64);
            offsets.push(self.offset(offset)?);
            encode(&mut self.scratch, Kind::Record, mark, &[record])
                .map_err(|_| self.too_large())?;
        }
        let count = u32::try_from(batch.records.len()).map_err(|_| self.too_large())?;
        let parts: [&[u8]; 3] = [&count.to_le_bytes(), &batch.last_head, &batch.commit];
        encode(&mut self.scratch, Kind::Commit, mark, &parts).map_err(|_| self.too_large())?;
        Ok(offsets)
    }

    /// Writes the seal of a clean stop again before anything follows it. It was
    /// read, perhaps from the page cache of a close whose sync failed, and
    /// what follows it says that it is durable.
    fn renew_seal(&mut self) -> Result<(), JournalError> {
        let Some(offset) = self.seal_offset else {
            return Ok(());
        };
        let writing = JournalError::io("write", &self.name);
        let seal = seal(mark_at(offset, self.next_position, &self.name)?).map_err(&writing)?;
        self.file.write_all_at(&seal, offset).map_err(&writing)?;
        self.file
            .sync_data()
            .map_err(JournalError::io("sync", &self.name))?;
        self.seal_offset = None;
        Ok(())
    }

    /// Sees that the file is allocated up to `length`, or a whole segment.
    fn make_room(&mut self, length: u64) -> Result<(), JournalError> {
        if length <= self.allocated {
            return Ok(());
        }
        let length = length.max(u64::from(self.options.segment_bytes));
        self.file
            .allocate(length)
            .map_err(JournalError::io("write", &self.name))?;
        self.allocated = length;
        Ok(())
    }

    /// Ends the segment and starts another with room for `needed` bytes.
    fn roll(&mut self, needed: u64) -> Result<(), JournalError> {
        let table = self
            .shared
            .with_index(|index| {
                self.mark()
                    .map(|mark| encode_table(mark, &index.active.offsets, &self.last_head))
            })?
            .ok_or_else(|| self.too_large())?;
        let length = self.end.saturating_add(table.len() as u64);
        self.file
            .write_all_at(&table, self.end)
            .map_err(JournalError::io("write", &self.name))?;
        self.file
            .set_len(length)
            .map_err(JournalError::io("shorten", &self.name))?;
        // … a table or a part of it ends the journal; opening drops it.
        self.file
            .sync_data()
            .map_err(JournalError::io("sync", &self.name))?;
        // … the segment is sealed and the last; opening drops the table.
        let header = Header {
            origin: self.origin,
            first_position: self.next_position,
            previous_head: self.last_head,
        };
        let allocated = needed.max(u64::from(self.options.segment_bytes));
        let file = Arc::new(create_segment(&self.shared.storage, &header, allocated)?);
        // … the new segment is the last and empty; opening rewrites it.
        let count = u32::try_from(self.next_position.saturating_sub(self.first_position))
            .map_err(|_| self.too_large())?;
        let landmarks = self
            .shared
            .with_index(|index| Landmarks::of(index.active.offsets.iter().copied()));
        let sealed = Sealed {
            first_position: self.first_position,
            count,
            table_offset: self.end,
            landmarks,
        };
        self.name = segment::name(self.next_position);
        self.first_position = self.next_position;
        self.end = HEADER_BYTES as u64;
        self.allocated = allocated;
        self.file = Arc::clone(&file);
        self.shared.roll(
            sealed,
            Active {
                first_position: self.first_position,
                file,
                offsets: Vec::new(),
                end: self.end,
            },
        );
        Ok(())
    }

    /// Ends the journal with a seal, so that the next open need not rewrite
    /// anything and damage anywhere before the seal is known for rot.
    ///
    /// # Errors
    /// [`JournalError::Poisoned`] after an earlier failure; the seal would lie.
    pub fn close(self) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        if self.seal_offset.is_some() {
            return Ok(());
        }
        let writing = JournalError::io("write", &self.name);
        let seal = seal(self.mark()?).map_err(&writing)?;
        self.file.write_all_at(&seal, self.end).map_err(&writing)?;
        self.file
            .set_len(self.end.saturating_add(seal.len() as u64))
            .map_err(JournalError::io("shorten", &self.name))?;
        self.file
            .sync_data()
            .map_err(JournalError::io("sync", &self.name))?;
        self.shared
            .storage
            .sync_dir()
            .map_err(JournalError::io("sync", "the folder"))
    }

    fn mark(&self) -> Result<Mark, JournalError> {
        mark_at(self.end, self.next_position, &self.name)
    }

    fn offset(&self, offset: u64) -> Result<u32, JournalError> {
        u32::try_from(offset).map_err(|_| self.too_large())
    }

    /// Cannot happen while the bounds on segments and batches hold.
    fn too_large(&self) -> JournalError {
        too_large(&self.name)
    }
}

fn mark_at(offset: u64, position: u64, name: &str) -> Result<Mark, JournalError> {
    let synced_bytes = u32::try_from(offset).map_err(|_| too_large(name))?;
    Ok(Mark {
        synced_bytes,
        synced_through: position,
    })
}

fn too_large(name: &str) -> JournalError {
    JournalError::io("write", name)(io::ErrorKind::FileTooLarge.into())
}

fn seal(mark: Mark) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(FRAME_HEADER_BYTES);
    encode(&mut out, Kind::Seal, mark, &[]).map_err(|_| io::ErrorKind::FileTooLarge)?;
    Ok(out)
}

/// Creates a segment that has only its header, durably, or not at all.
fn create_segment<S: Storage>(
    storage: &S,
    header: &Header,
    length: u64,
) -> Result<S::File, JournalError> {
    let name = segment::name(header.first_position);
    let unfinished = segment::unfinished(&name);
    let writing = JournalError::io("write", &unfinished);
    let file = storage
        .create(&unfinished)
        .map_err(JournalError::io("create", &unfinished))?;
    file.write_all_at(&header.encode(), 0).map_err(&writing)?;
    file.allocate(length).map_err(&writing)?;
    publish(storage, &file, &name)?;
    Ok(file)
}
