//! Strict reading of one segment, frame after frame, batch after batch.
//!
//! The one place that knows which frames may follow which. Opening, reading
//! and verifying all walk; they differ in what they do with a fault. Not here:
//! headers (`segment`), and whether a fault is a torn tail or rot (`survey`).

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::frame::{Commit, FRAME_HEADER_BYTES, Kind, Mark, Unchecked, decode};
use super::segment::OffsetTable;
use super::{MAX_BATCH_BYTES, StorageFile, StoredBatch};

/// A stretch of a file, read ahead. Bodies are slices of it, not copies.
#[derive(Debug)]
pub(super) struct Window {
    read_ahead: usize,
    start: u64,
    bytes: Bytes,
}

impl Window {
    /// Reads `read_ahead` bytes at a time, more if one frame is longer.
    pub fn new(read_ahead: usize) -> Self {
        Self {
            read_ahead,
            start: 0,
            bytes: Bytes::new(),
        }
    }

    /// The `count` bytes at `offset`; `None` if they pass `limit`.
    pub fn at(
        &mut self,
        file: &impl StorageFile,
        offset: u64,
        count: usize,
        limit: u64,
    ) -> io::Result<Option<Bytes>> {
        let left = usize::try_from(limit.saturating_sub(offset)).unwrap_or(usize::MAX);
        if left < count {
            return Ok(None);
        }
        if let Some(bytes) = self.held(offset, count) {
            return Ok(Some(bytes));
        }
        let mut buffer = vec![0; left.min(self.read_ahead.max(count))];
        file.read_exact_at(&mut buffer, offset)?;
        self.start = offset;
        self.bytes = buffer.into();
        Ok(self.held(offset, count))
    }

    fn held(&self, offset: u64, count: usize) -> Option<Bytes> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let to = from.checked_add(count)?;
        (to <= self.bytes.len()).then(|| self.bytes.slice(from..to))
    }
}

/// A frame as it stands in a file.
#[derive(Debug)]
pub(super) struct Placed {
    pub kind: Kind,
    pub mark: Mark,
    pub body: Bytes,
    /// Offset of the byte after it.
    pub end: u64,
}

impl Placed {
    /// Whether its marks are those of a frame that is written next.
    pub fn says<F>(&self, walker: &Walker<F>) -> bool {
        u64::from(self.mark.synced_bytes) == walker.offset
            && self.mark.synced_through == walker.position
    }
}

/// Why walking stopped.
#[derive(Debug)]
pub(super) enum Fault {
    /// The file could not be read.
    Io(io::Error),
    /// What was read is not what the format allows.
    Damage {
        offset: u64,
        /// The record that stands, or would stand, there.
        position: u64,
        what: String,
    },
}

/// What stands next in a segment.
#[derive(Debug)]
pub(super) enum Step {
    /// A complete batch.
    Batch { offset: u64, batch: StoredBatch },
    /// A clean stop.
    Seal { offset: u64 },
    /// The end of a sealed segment.
    Table { offset: u64 },
    /// No more frames. Whether the rest is zeros is for the caller to look.
    End,
}

/// Walks a segment from one batch to the next.
#[derive(Debug)]
pub(super) struct Walker<F> {
    file: Arc<F>,
    window: Window,
    /// Offset after the last complete batch, seal or table.
    pub offset: u64,
    /// Bytes beyond this are not looked at.
    pub limit: u64,
    /// Position after the last complete batch.
    pub position: u64,
    /// Head hash of the record before that.
    pub last_head: [u8; 32],
    offsets: Option<Vec<u32>>,
}

impl<F: StorageFile> Walker<F> {
    /// Starts at `offset`, where a batch, seal or table with `position` as its
    /// mark is expected.
    pub fn new(file: Arc<F>, window: Window, offset: u64, limit: u64, position: u64) -> Self {
        Self {
            file,
            window,
            offset,
            limit,
            position,
            last_head: [0; 32],
            offsets: None,
        }
    }

    /// Keeps each record's offset, to check an offset table against, or to
    /// go on appending. Only for a walk that starts at a segment's first frame.
    pub fn collecting(mut self, previous_head: [u8; 32]) -> Self {
        self.last_head = previous_head;
        self.offsets = Some(Vec::new());
        self
    }

    /// The offsets of all complete batches' records.
    pub fn into_offsets(self) -> Vec<u32> {
        self.offsets.unwrap_or_default()
    }

    /// Reads what comes next. After a fault the walker stands where it stood.
    pub fn step(&mut self) -> Result<Step, Fault> {
        let start = self.offset;
        let synced_bytes = u32::try_from(start)
            .map_err(|_| self.damage(start, 0, "the segment is longer than a segment may be"))?;
        let expected = Mark {
            synced_bytes,
            synced_through: self.position,
        };
        let mut records = Vec::new();
        let mut offsets = Vec::new();
        let mut at = start;
        loop {
            let done = records.len() as u64;
            let Some(frame) = self.frame(at, done)? else {
                return if records.is_empty() {
                    Ok(Step::End)
                } else {
                    Err(self.damage(at, done, "the batch has no commit frame"))
                };
            };
            if frame.mark != expected {
                let what = format!(
                    "the frame says {} bytes and {} records were durable before it, but it stands after {start} and {}",
                    frame.mark.synced_bytes, frame.mark.synced_through, self.position
                );
                return Err(self.damage(at, done, what));
            }
            if frame.end.saturating_sub(start) > MAX_BATCH_BYTES as u64
                && frame.kind != Kind::OffsetTable
            {
                return Err(self.damage(at, done, "the batch is longer than a batch may be"));
            }
            match frame.kind {
                Kind::Record => {
                    offsets.push(u32::try_from(at).unwrap_or(u32::MAX));
                    records.push(frame.body);
                    at = frame.end;
                }
                Kind::Commit => return self.complete(at, &frame, records, &offsets),
                Kind::Seal | Kind::OffsetTable if !records.is_empty() => {
                    return Err(self.damage(at, done, "the batch has no commit frame"));
                }
                Kind::Seal if !frame.body.is_empty() => {
                    return Err(self.damage(at, done, "the seal is not empty"));
                }
                Kind::Seal => {
                    self.offset = frame.end;
                    return Ok(Step::Seal { offset: start });
                }
                Kind::OffsetTable => {
                    self.check_table(&frame.body)
                        .map_err(|what| self.damage(at, done, what))?;
                    self.offset = frame.end;
                    return Ok(Step::Table { offset: start });
                }
            }
        }
    }

    /// The frame at `offset`, with `done` records of its batch before it.
    /// `None` where the frames end.
    pub fn frame(&mut self, offset: u64, done: u64) -> Result<Option<Placed>, Fault> {
        let fault = |error: super::frame::FrameFault| Fault::Damage {
            offset,
            position: self.position.saturating_add(done),
            what: error.to_string(),
        };
        let Some(head) = self
            .window
            .at(&*self.file, offset, FRAME_HEADER_BYTES, self.limit)
            .map_err(Fault::Io)?
            .and_then(|bytes| Unchecked::read(&bytes))
            .filter(|head| head.length != 0)
        else {
            return Ok(None);
        };
        let length = head.frame_bytes().map_err(fault)?;
        let whole = self
            .window
            .at(&*self.file, offset, length, self.limit)
            .map_err(Fault::Io)?;
        let whole = whole
            .ok_or(super::frame::FrameFault::Short)
            .map_err(fault)?;
        let frame = decode(&whole).map_err(fault)?;
        Ok(Some(Placed {
            kind: frame.kind,
            mark: frame.mark,
            body: whole.slice_ref(frame.body),
            end: offset.saturating_add(length as u64),
        }))
    }

    fn complete(
        &mut self,
        at: u64,
        frame: &Placed,
        records: Vec<Bytes>,
        offsets: &[u32],
    ) -> Result<Step, Fault> {
        let done = records.len() as u64;
        let Some(commit) = Commit::read(&frame.body) else {
            return Err(self.damage(at, done, "the commit frame is cut short"));
        };
        if records.is_empty() || u64::from(commit.count) != done {
            let what = format!(
                "the commit frame counts {} records, {done} stand before it",
                commit.count
            );
            return Err(self.damage(at, done, what));
        }
        let Some(next) = self.position.checked_add(done) else {
            return Err(self.damage(at, done, "positions end here"));
        };
        let batch = StoredBatch {
            first_position: self.position,
            records,
            commit: frame.body.slice_ref(commit.body),
            last_head: commit.last_head,
        };
        if let Some(all) = &mut self.offsets {
            all.extend_from_slice(offsets);
        }
        let offset = std::mem::replace(&mut self.offset, frame.end);
        self.position = next;
        self.last_head = commit.last_head;
        Ok(Step::Batch { offset, batch })
    }

    fn check_table(&self, body: &[u8]) -> Result<(), &'static str> {
        let table = OffsetTable::read(body).ok_or("the offset table contradicts itself")?;
        if table.last_head != self.last_head {
            return Err("the offset table names another head hash than the last commit");
        }
        match &self.offsets {
            Some(offsets) if !table.offsets().eq(offsets.iter().copied()) => {
                Err("the offset table does not say where the records stand")
            }
            _ => Ok(()),
        }
    }

    fn damage(&self, offset: u64, done: u64, what: impl Into<String>) -> Fault {
        Fault::Damage {
            offset,
            position: self.position.saturating_add(done),
            what: what.into(),
        }
    }
}

/// Offset after the last byte in `from..to` that is not zero.
pub(super) fn data_end(file: &impl StorageFile, from: u64, to: u64) -> io::Result<Option<u64>> {
    let mut end = None;
    in_pieces(from, to, |offset, piece| {
        file.read_exact_at(piece, offset)?;
        if let Some(last) = piece.iter().rposition(|byte| *byte != 0) {
            end = Some(offset.saturating_add(last as u64).saturating_add(1));
        }
        Ok(())
    })?;
    Ok(end)
}

/// Copies `from..to` of one file to the same place in another.
pub(super) fn copy(
    source: &impl StorageFile,
    target: &impl StorageFile,
    from: u64,
    to: u64,
) -> io::Result<()> {
    in_pieces(from, to, |offset, piece| {
        source.read_exact_at(piece, offset)?;
        target.write_all_at(piece, offset)
    })
}

/// Bytes handled at a time when a file is read through.
pub(super) const PIECE_BYTES: usize = 256 * 1024;

fn in_pieces(
    from: u64,
    to: u64,
    mut each: impl FnMut(u64, &mut [u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_BYTES];
    let mut at = from;
    while let Some(left) = to.checked_sub(at).filter(|left| *left > 0) {
        let count = usize::try_from(left)
            .unwrap_or(PIECE_BYTES)
            .min(PIECE_BYTES);
        let piece = buffer.get_mut(..count).ok_or(io::ErrorKind::InvalidInput)?;
        each(at, piece)?;
        at = at.saturating_add(count as u64);
    }
    Ok(())
}
