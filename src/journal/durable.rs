//! What of a journal that somebody else may be writing is known to be durable,
//! from its files alone: what a backup of a running ledger is built on.
//! Changes nothing.
//!
//! Not here: whether the records are the ledger's word.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::segment::{self, HEADER_BYTES};
use super::survey::{header_error, later_write, read_header, read_table, rot};
use super::walk::{Fault, PIECE_BYTES, Step, Walker, Window, data_end};
use super::{Header, JournalError, Storage, StorageFile};

/// How often the reading of a segment is begun again where its writer was
/// quicker than the reader, at most.
const MAX_CAUGHT_UP: u32 = 1000;

/// How far a segment that is being written is known to be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurableEnd {
    /// Byte offset after the last such batch; after the header if there is none.
    pub bytes: u64,
    /// Position after its last record.
    pub records: u64,
    /// Head hash of the record before that.
    pub last_head: [u8; 32],
    /// Records of a whole batch that follows and that nothing vouches for.
    pub left_out: u64,
}

/// Reads the segment that starts at `first` as far as it is durable, while its
/// writer may be at work. A frame says by its marks that all before it was
/// durable when it was written. `floor`: how many records of the journal are
/// known from elsewhere to have been durable; a batch is durable whole.
///
/// # Errors
/// [`JournalError::Rot`] if bytes that were durable are damaged.
pub fn durable_end<S: Storage>(
    storage: &S,
    first: u64,
    floor: u64,
) -> Result<DurableEnd, JournalError> {
    let name = segment::name(first);
    let reading = JournalError::io("read", &name);
    let file = Arc::new(
        storage
            .open(&name)
            .map_err(JournalError::io("open", &name))?,
    );
    let length = file.len().map_err(&reading)?;
    let header = read_header(&*file, length)
        .map_err(&reading)?
        .map_err(|fault| header_error(&name, first, &fault))?;
    let begin = DurableEnd {
        bytes: HEADER_BYTES as u64,
        records: first,
        last_head: header.previous_head,
        left_out: 0,
    };
    let mut reading_on = ReadingOn {
        file,
        floor,
        vouched: begin,
        read: begin,
    };
    let mut stopped_at = None;
    for _ in 0..MAX_CAUGHT_UP {
        match reading_on.pass(&name)? {
            Pass::Done => return Ok(reading_on.end()),
            // What is after it has been durable. If the writer was quicker, it
            // can be read by now; if it cannot be read twice, it is damaged.
            Pass::Stopped { offset, what } if stopped_at == Some(offset) => {
                return Err(rot(&name, offset, reading_on.read.records, what));
            }
            Pass::Stopped { offset, .. } => stopped_at = Some(offset),
            Pass::Shorter => {}
        }
    }
    // So far is durable all the same.
    Ok(reading_on.end())
}

/// How one pass over what has been written meanwhile came out.
enum Pass {
    /// Nothing more is known to be durable.
    Done,
    /// Bytes that cannot be read, though what follows says they were durable.
    Stopped { offset: u64, what: String },
    /// The file was cut to its length under the reader.
    Shorter,
}

struct ReadingOn<F> {
    file: Arc<F>,
    floor: u64,
    /// Up to here something vouches.
    vouched: DurableEnd,
    /// Up to here there are whole batches.
    read: DurableEnd,
}

impl<F: StorageFile> ReadingOn<F> {
    fn end(&self) -> DurableEnd {
        DurableEnd {
            left_out: self.read.records.saturating_sub(self.vouched.records),
            ..self.vouched
        }
    }

    fn pass(&mut self, name: &str) -> Result<Pass, JournalError> {
        let reading = JournalError::io("read", name);
        let length = self.file.len().map_err(&reading)?;
        let mut walker = Walker::new(
            Arc::clone(&self.file),
            Window::new(PIECE_BYTES),
            self.read.bytes,
            length,
            self.read.records,
        );
        walker.last_head = self.read.last_head;
        loop {
            // Whatever stands next says that all before it was durable.
            let (offset, what) = match walker.step() {
                Ok(Step::Batch { .. } | Step::Seal { .. }) => {
                    let is_known = self.read.records < self.floor;
                    self.vouched = self.read;
                    self.read = DurableEnd {
                        bytes: walker.offset,
                        records: walker.position,
                        last_head: walker.last_head,
                        left_out: 0,
                    };
                    if is_known {
                        self.vouched = self.read;
                    }
                    continue;
                }
                Ok(Step::Table { .. }) => {
                    self.vouched = self.read;
                    return Ok(Pass::Done);
                }
                Ok(Step::End) => (
                    walker.offset,
                    "there are zeros where frames were".to_owned(),
                ),
                Err(Fault::Damage { offset, what, .. }) => (offset, what),
                Err(Fault::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(Pass::Shorter);
                }
                Err(Fault::Io(error)) => return Err(reading(error)),
            };
            if matches!(walker.frame(walker.offset, 0), Ok(Some(frame)) if frame.says(&walker)) {
                self.vouched = self.read;
            }
            return self.look_beyond(offset, length, what).map_err(reading);
        }
    }

    /// Whether something after `offset` says that what stands there was durable.
    fn look_beyond(&self, offset: u64, length: u64, what: String) -> io::Result<Pass> {
        let look = || -> io::Result<bool> {
            Ok(data_end(&*self.file, offset, length)?.is_some()
                && later_write(&*self.file, offset, length)?.is_some())
        };
        match look() {
            Ok(true) => Ok(Pass::Stopped { offset, what }),
            Ok(false) => Ok(Pass::Done),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Pass::Shorter),
            Err(error) => Err(error),
        }
    }
}

/// What the first and the last bytes of a sealed segment say: its header, and
/// its offset table with the head hash that it ends with. Two segments of one
/// ledger with the same ends hold the same heads in the same places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEnds {
    /// Its header.
    pub header: Header,
    /// Bytes of the file.
    pub length: u64,
    /// Position after its last record.
    pub end: u64,
    /// Head hash of that record.
    pub last_head: [u8; 32],
    /// The offset table, its frame included.
    pub table: Bytes,
}

/// Reads the ends of the sealed segment that starts at a position.
///
/// # Errors
/// [`JournalError::Rot`] if there is no sound header or table.
pub fn sealed_ends<S: Storage>(storage: &S, first: u64) -> Result<SealedEnds, JournalError> {
    let name = segment::name(first);
    let reading = JournalError::io("read", &name);
    let file = storage
        .open(&name)
        .map_err(JournalError::io("open", &name))?;
    let length = file.len().map_err(&reading)?;
    let header = read_header(&file, length)
        .map_err(&reading)?
        .map_err(|fault| header_error(&name, first, &fault))?;
    if header.first_position != first {
        let what = "the segment header says another first position than its name";
        return Err(rot(&name, 0, first, what));
    }
    let found = read_table(&file, length, &header).map_err(&reading)?;
    let Some((sealed, last_head)) = found else {
        let what = "the offset table at its end is missing or damaged";
        return Err(rot(&name, length, first, what));
    };
    let bytes = usize::try_from(length.saturating_sub(sealed.table_offset)).unwrap_or(0);
    let mut table = vec![0; bytes];
    file.read_exact_at(&mut table, sealed.table_offset)
        .map_err(&reading)?;
    Ok(SealedEnds {
        header,
        length,
        end: sealed.end_position(),
        last_head,
        table: table.into(),
    })
}
