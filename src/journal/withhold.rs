//! A sealed segment written again with some of its bodies replaced by shorter
//! ones: what retention is built on. Positions, commits and head hashes stay;
//! marks and the offset table follow from where things stand now.
//!
//! Not here: which bodies may be replaced, and that a replaced one still has
//! its head; the caller reads the candidate
//! ([`scan_candidate`](super::scan_candidate)) before it is put in place.

use std::sync::Arc;

use bytes::Bytes;

use super::frame::{Kind, Mark, encode};
use super::recovery::publish;
use super::segment::{self, HEADER_BYTES, encode_table};
use super::survey::{header_error, read_header, rot};
use super::walk::{Fault, PIECE_BYTES, Step, Walker, Window};
use super::{JournalError, Storage, StorageFile, StoredBatch};

/// Writes a candidate for the sealed segment that starts at `first`, durably,
/// under its unfinished name. `replace` is asked for another body of each record,
/// no longer than its own; `None` keeps it.
///
/// # Errors
/// [`JournalError::Rot`] if the segment is damaged or not sealed.
pub fn make_withheld<S: Storage>(
    storage: &S,
    first: u64,
    replace: &mut dyn FnMut(u64, &Bytes) -> Option<Bytes>,
) -> Result<(), JournalError> {
    let name = segment::name(first);
    let unfinished = segment::unfinished(&name);
    let reading = JournalError::io("read", &name);
    let file = storage
        .open(&name)
        .map_err(JournalError::io("open", &name))?;
    let length = file.len().map_err(&reading)?;
    let header = read_header(&file, length)
        .map_err(&reading)?
        .map_err(|fault| header_error(&name, first, &fault))?;
    let mut walker = Walker::new(
        Arc::new(file),
        Window::new(PIECE_BYTES),
        HEADER_BYTES as u64,
        length,
        first,
    )
    .collecting(header.previous_head);
    let target = storage
        .create(&unfinished)
        .map_err(JournalError::io("create", &unfinished))?;
    let writing = JournalError::io("write", &unfinished);
    target.write_all_at(&header.encode(), 0).map_err(&writing)?;
    let mut out = Rewriting {
        end: HEADER_BYTES as u64,
        offsets: Vec::new(),
        scratch: Vec::new(),
    };
    loop {
        let position = walker.position;
        let step = walker.step().map_err(|fault| match fault {
            Fault::Io(error) => reading(error),
            Fault::Damage {
                offset,
                position,
                what,
            } => rot(&name, offset, position, what),
        })?;
        out.scratch.clear();
        let is_last = matches!(step, Step::Table { .. });
        let encoded = match step {
            Step::Batch { batch, .. } => out.batch(&batch, replace),
            Step::Seal { .. } => out.seal(position),
            Step::Table { .. } => out.table(position, &walker.last_head),
            Step::End => {
                let what = "the offset table at its end is missing";
                return Err(rot(&name, walker.offset, walker.position, what));
            }
        };
        // A segment that has become shorter has room for each of its frames.
        encoded.ok_or_else(|| writing(std::io::ErrorKind::FileTooLarge.into()))?;
        target
            .write_all_at(&out.scratch, out.end)
            .map_err(&writing)?;
        out.end = out.end.saturating_add(out.scratch.len() as u64);
        if is_last {
            break;
        }
    }
    target
        .sync_data()
        .map_err(JournalError::io("sync", &unfinished))
}

/// Puts the candidate in the segment's place, which is gone then. A crash
/// before the rename leaves what was there, after it the candidate.
pub fn put_withheld<S: Storage>(storage: &S, first: u64) -> Result<(), JournalError> {
    let name = segment::name(first);
    let unfinished = segment::unfinished(&name);
    let candidate = storage
        .open(&unfinished)
        .map_err(JournalError::io("open", &unfinished))?;
    publish(storage, &candidate, &name)
}

/// Removes candidates that were left over.
pub fn drop_unfinished<S: Storage>(storage: &S) -> Result<(), JournalError> {
    let names = storage.list();
    let names = names.map_err(JournalError::io("list", "the folder"))?;
    for name in segment::Listing::of(names).unfinished {
        storage
            .remove(&name)
            .map_err(JournalError::io("remove", &name))?;
    }
    Ok(())
}

struct Rewriting {
    end: u64,
    offsets: Vec<u32>,
    scratch: Vec<u8>,
}

impl Rewriting {
    fn mark(&self, position: u64) -> Option<Mark> {
        Some(Mark {
            synced_bytes: u32::try_from(self.end).ok()?,
            synced_through: position,
        })
    }

    fn batch(
        &mut self,
        batch: &StoredBatch,
        replace: &mut dyn FnMut(u64, &Bytes) -> Option<Bytes>,
    ) -> Option<()> {
        let mark = self.mark(batch.first_position)?;
        for (position, body) in (batch.first_position..).zip(&batch.records) {
            let offset = self.end.saturating_add(self.scratch.len() as u64);
            self.offsets.push(u32::try_from(offset).ok()?);
            let replaced = replace(position, body);
            let body = replaced.as_ref().unwrap_or(body);
            encode(&mut self.scratch, Kind::Record, mark, &[body]).ok()?;
        }
        let count = u32::try_from(batch.records.len()).ok()?.to_le_bytes();
        let parts: [&[u8]; 3] = [&count, &batch.last_head, &batch.commit];
        encode(&mut self.scratch, Kind::Commit, mark, &parts).ok()
    }

    fn seal(&mut self, position: u64) -> Option<()> {
        let mark = self.mark(position)?;
        encode(&mut self.scratch, Kind::Seal, mark, &[]).ok()
    }

    fn table(&mut self, position: u64, last_head: &[u8; 32]) -> Option<()> {
        let mark = self.mark(position)?;
        self.scratch = encode_table(mark, &self.offsets, last_head)?;
        Some(())
    }
}
