//! Reading every byte of every segment, strictly, repairing nothing: what
//! `verify` is built on.
//!
//! A whole journal ([`scan`]), one segment of it ([`scan_segment`]), or what a
//! writer has committed so far
//! ([`Reader::scan_committed`](super::Reader::scan_committed)). Not here: what
//! the bodies say; the caller compares hashes, signatures and the headers'
//! previous hash.

use std::fmt;
use std::sync::Arc;

use super::segment::{self, HEADER_BYTES, Listing};
use super::survey::{BEGINNING, Link, read_header};
use super::walk::{Fault, PIECE_BYTES, Step, Walker, Window, data_end};
use super::{Header, Storage, StorageFile, StoredBatch};

/// One thing the scan read and found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// The header of a segment. Its `previous_head` agrees with the commit
    /// frame before it; whether that agrees with the records is the caller's
    /// to check, and so are the first segment's origin and each `last_head`.
    Segment {
        /// Its file name.
        segment: String,
        /// What the header says.
        header: Header,
    },
    /// A complete batch.
    Batch {
        /// File name of its segment.
        segment: String,
        /// Byte offset of its first frame.
        offset: u64,
        /// What it holds.
        batch: StoredBatch,
    },
    /// A clean stop.
    Seal {
        /// File name of its segment.
        segment: String,
        /// Records before it.
        position: u64,
    },
    /// The offset table that ends a segment, compared with the frames.
    OffsetTable {
        /// File name of its segment.
        segment: String,
        /// Records of the segment.
        count: u64,
    },
    /// The end, also after damage.
    End {
        /// Position after the last record read.
        records: u64,
        /// Whether the last thing in the journal is a seal: it was closed,
        /// and has not been written to since.
        sealed: bool,
        /// Bytes of all segments.
        bytes: u64,
    },
}

/// Bytes that are not what the format allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// File name of the segment.
    pub segment: String,
    /// Byte offset in it.
    pub offset: u64,
    /// First position of the batch that stands, or would stand, there.
    pub batch_position: u64,
    /// Position of the record that stands, or would stand, there.
    pub position: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} at byte {}, record {}",
            self.segment, self.offset, self.position
        )?;
        if self.batch_position < self.position {
            write!(out, " (in the batch from {})", self.batch_position)?;
        }
        write!(out, ": {}", self.what)
    }
}

impl std::error::Error for Damage {}

/// Scans a journal. After damage it goes on with the next segment, so that one
/// run tells all segments that are hurt; it always ends with [`Scanned::End`].
pub fn scan<S: Storage>(storage: &S) -> Scan<'_, S> {
    Scan {
        link: Some(BEGINNING),
        ..scan_anywhere(storage)
    }
}

/// The same of a journal that may have forgotten its beginning
/// ([`Journal::forget_oldest`](super::Journal::forget_oldest)).
pub fn scan_anywhere<S: Storage>(storage: &S) -> Scan<'_, S> {
    let (firsts, trouble) = match storage.list() {
        Ok(names) => (Listing::of(names).segments, None),
        Err(error) => (
            Vec::new(),
            Some(format!("the folder cannot be listed: {error}")),
        ),
    };
    let trouble = trouble.or_else(|| firsts.is_empty().then(|| "there is no segment".into()));
    Scan {
        trouble,
        ..Scan::over(storage, firsts)
    }
}

/// Scans the one segment that starts at a position, as if it were the last,
/// whatever stands before and after it.
pub fn scan_segment<S: Storage>(storage: &S, first: u64) -> Scan<'_, S> {
    Scan::over(storage, vec![first])
}

/// A scan under way; see [`scan`].
#[derive(Debug)]
pub struct Scan<'a, S: Storage> {
    storage: &'a S,
    segments: std::vec::IntoIter<u64>,
    current: Option<Current<S::File>>,
    /// What the next segment must take up from; `None` after damage.
    link: Option<Link>,
    origin: Option<[u8; 32]>,
    records: u64,
    bytes: u64,
    sealed: bool,
    trouble: Option<String>,
    ended: bool,
    /// The name of the file that holds a segment.
    named: fn(u64) -> String,
    /// The segment that is being written, and the offset after what of it is
    /// durable: nothing beyond is looked at.
    active: Option<(u64, u64)>,
}

#[derive(Debug)]
struct Current<F> {
    name: String,
    first_position: u64,
    file: Arc<F>,
    length: u64,
    walker: Walker<F>,
    /// Whether its offset table has been read.
    table: bool,
}

impl<S: Storage> Iterator for Scan<'_, S> {
    type Item = Result<Scanned, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(what) = self.trouble.take() {
            return Some(Err(damage(&segment::name(0), 0, 0, what)));
        }
        loop {
            let item = match self.current.take() {
                Some(current) => self.step(current),
                None => match self.segments.next() {
                    Some(first) => self.start(first).map(Some),
                    None if self.ended => return None,
                    None => {
                        self.ended = true;
                        Ok(Some(Scanned::End {
                            records: self.records,
                            sealed: self.sealed,
                            bytes: self.bytes,
                        }))
                    }
                },
            };
            match item {
                Ok(Some(scanned)) => return Some(Ok(scanned)),
                Ok(None) => {}
                Err(damage) => {
                    self.link = None;
                    self.sealed = false;
                    return Some(Err(damage));
                }
            }
        }
    }
}

impl<'a, S: Storage> Scan<'a, S> {
    fn over(storage: &'a S, firsts: Vec<u64>) -> Self {
        Scan {
            storage,
            segments: firsts.into_iter(),
            current: None,
            link: None,
            origin: None,
            records: 0,
            bytes: 0,
            sealed: false,
            trouble: None,
            ended: false,
            named: segment::name,
            active: None,
        }
    }

    /// What a writer has committed: these segments, the last only up to an
    /// offset, since what follows is being written. Past the page cache, as
    /// far as the system grants it.
    pub(super) fn committed(storage: &'a S, firsts: Vec<u64>, end: u64) -> Self {
        Scan {
            active: firsts.last().map(|last| (*last, end)),
            link: Some(BEGINNING),
            ..Scan::over(storage, firsts)
        }
    }

    /// The same segment while it is being made, under its unfinished name.
    pub(super) fn unfinished(self) -> Self {
        let named = |first| segment::unfinished(&segment::name(first));
        Scan { named, ..self }
    }

    /// Refuses segments that do not belong to this ledger.
    #[must_use]
    pub fn of_origin(self, origin: [u8; 32]) -> Self {
        let origin = Some(origin);
        Scan { origin, ..self }
    }

    /// Bytes read so far; what damage hides of a segment counts as read. After
    /// a batch it grows by no more than that batch.
    pub fn read_bytes(&self) -> u64 {
        let ahead =
            |current: &Current<S::File>| current.length.saturating_sub(current.walker.offset);
        self.bytes
            .saturating_sub(self.current.as_ref().map_or(0, ahead))
    }

    /// Whether nothing of the segment being read is left.
    pub fn is_at_end(&self) -> bool {
        self.current
            .as_ref()
            .is_none_or(|current| current.walker.offset == current.length)
    }

    /// Byte offset in the segment being read after the last batch, seal or table.
    pub fn offset(&self) -> u64 {
        self.current
            .as_ref()
            .map_or(0, |current| current.walker.offset)
    }

    /// Opens a segment; with the length that is to be read of it.
    fn file(&self, name: &str, first: u64) -> Result<(Arc<S::File>, u64), Damage> {
        let unreadable = |error| damage(name, 0, first, format!("it cannot be read: {error}"));
        let file = Arc::new(self.storage.open(name).map_err(unreadable)?);
        let length = file.len().map_err(unreadable)?;
        if self.active.is_some() {
            file.forget_cached();
        }
        match self.active {
            Some((active, end)) if active == first => {
                if length < end {
                    let what = format!("the file ends at byte {length}, but {end} were durable");
                    return Err(damage(name, length, first, what));
                }
                Ok((file, end))
            }
            _ => Ok((file, length)),
        }
    }

    fn start(&mut self, first: u64) -> Result<Scanned, Damage> {
        let name = (self.named)(first);
        let unreadable = |error| damage(&name, 0, first, format!("it cannot be read: {error}"));
        self.sealed = false;
        let link = self.link.take();
        self.records = first;
        let (file, length) = self.file(&name, first)?;
        self.bytes = self.bytes.saturating_add(length);
        let header = read_header(&*file, length)
            .map_err(unreadable)?
            .map_err(|fault| damage(&name, 0, first, fault.to_string()))?;
        if header.first_position != first {
            return Err(damage(
                &name,
                0,
                first,
                "the segment header says another first position than its name",
            ));
        }
        if *self.origin.get_or_insert(header.origin) != header.origin {
            return Err(damage(
                &name,
                0,
                first,
                "the segment belongs to another ledger",
            ));
        }
        let walker = Walker::new(
            Arc::clone(&file),
            Window::new(PIECE_BYTES),
            HEADER_BYTES as u64,
            length,
            first,
        )
        .collecting(header.previous_head);
        self.current = Some(Current {
            name: name.clone(),
            first_position: first,
            file,
            length,
            walker,
            table: false,
        });
        // The walk goes on whatever the link says: a missing segment does not hide the state of this one.
        if let Some(link) = link {
            if link.position != first {
                let what = format!(
                    "records {} to {first} have no segment, or two",
                    link.position
                );
                return Err(damage(
                    &segment::name(link.position),
                    0,
                    link.position,
                    what,
                ));
            }
            if let Some(what) = link.contradiction(&header) {
                return Err(damage(&name, 0, first, what));
            }
        }
        Ok(Scanned::Segment {
            segment: name,
            header,
        })
    }

    fn step(&mut self, mut current: Current<S::File>) -> Result<Option<Scanned>, Damage> {
        let step = if current.table {
            Ok(Step::End)
        } else {
            current.walker.step()
        };
        let batch_position = current.walker.position;
        let step = step.map_err(|fault| match fault {
            Fault::Io(error) => damage(
                &current.name,
                current.walker.offset,
                batch_position,
                format!("it cannot be read: {error}"),
            ),
            Fault::Damage {
                offset,
                position,
                what,
            } => Damage {
                segment: current.name.clone(),
                offset,
                batch_position,
                position,
                what,
            },
        })?;
        self.records = batch_position;
        let segment = current.name.clone();
        let scanned = match step {
            Step::Batch { offset, batch } => {
                self.sealed = false;
                self.records = batch.end_position();
                Scanned::Batch {
                    segment,
                    offset,
                    batch,
                }
            }
            Step::Seal { .. } => {
                self.sealed = true;
                Scanned::Seal {
                    segment,
                    position: batch_position,
                }
            }
            Step::Table { .. } => {
                self.sealed = false;
                current.table = true;
                Scanned::OffsetTable {
                    segment,
                    count: batch_position.saturating_sub(current.first_position),
                }
            }
            Step::End => return self.finish(&current).map(|()| None),
        };
        self.current = Some(current);
        Ok(Some(scanned))
    }

    /// Looks at what is after the last frame of a segment.
    fn finish(&mut self, current: &Current<S::File>) -> Result<(), Damage> {
        let (name, walker) = (&current.name, &current.walker);
        let rest = data_end(&*current.file, walker.offset, current.length).map_err(|error| {
            damage(
                name,
                walker.offset,
                walker.position,
                format!("it cannot be read: {error}"),
            )
        })?;
        if rest.is_some() {
            return Err(damage(
                name,
                walker.offset,
                walker.position,
                "there are bytes after its end",
            ));
        }
        let last = self.segments.as_slice().is_empty();
        if !last && !current.table {
            return Err(damage(
                name,
                walker.offset,
                walker.position,
                "the offset table at its end is missing",
            ));
        }
        if !last && walker.offset != current.length {
            return Err(damage(
                name,
                walker.offset,
                walker.position,
                "there are zeros after its offset table",
            ));
        }
        self.link = Some(Link {
            position: walker.position,
            last_head: walker.last_head,
        });
        Ok(())
    }
}

fn damage(segment: &str, offset: u64, position: u64, what: impl Into<String>) -> Damage {
    Damage {
        segment: segment.to_owned(),
        offset,
        batch_position: position,
        position,
        what: what.into(),
    }
}
