//! One increment: a file that is written once and read from its beginning.
//!
//! Header: magic, the position it begins at (u64 BE), the standing it ends at,
//! and how much of the files of ids counts then: how many days (u32 BE), for
//! each its number (i64 BE) and its bytes (u64 BE). Rows in order of key: kind (i32 BE), id length (u16 BE), id, fate (u8),
//! position of the latest record (u64 BE), item length (u32 BE), item. At the
//! end the BLAKE3 of all before, so that damage shows.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Fate, Row, StoreError};
use crate::custody::Key;
use crate::projection::standing::{self, Standing};
use crate::projection::statements::Lengths;

const MAGIC: &[u8; 8] = b"HZLITEMS";
const HASH: usize = 32;

/// Bytes that are read, written and hashed at a time.
const CHUNK: usize = 256 * 1024;

/// What an increment begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// The position it begins at.
    pub(super) from: u64,
    /// Where it ends.
    pub(super) standing: Standing,
    /// How much of the files of ids counts there.
    pub(super) ids: Lengths,
}

/// Writes one.
pub(super) struct Writer {
    file: File,
    path: PathBuf,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    written: u64,
}

impl Writer {
    /// Begins one at `path`, in the place of what is there.
    pub(super) fn create(path: &Path, header: &Header) -> Result<Writer, StoreError> {
        let file = File::create(path).map_err(StoreError::io("write", path))?;
        let mut buffer = Vec::with_capacity(CHUNK);
        buffer.extend_from_slice(MAGIC);
        buffer.extend_from_slice(&header.from.to_be_bytes());
        buffer.extend_from_slice(&header.standing.encode());
        let days = u32::try_from(header.ids.len()).unwrap_or(u32::MAX);
        buffer.extend_from_slice(&days.to_be_bytes());
        for (day, bytes) in &header.ids {
            buffer.extend_from_slice(&day.to_be_bytes());
            buffer.extend_from_slice(&bytes.to_be_bytes());
        }
        Ok(Writer {
            file,
            path: path.to_owned(),
            hasher: blake3::Hasher::new(),
            buffer,
            written: 0,
        })
    }

    /// The next row; keys come in order, none twice.
    pub(super) fn put(&mut self, key: &Key, row: &Row) -> Result<(), StoreError> {
        let too_long = |_| StoreError::damaged(&self.path, "an item is too long for it");
        let id = u16::try_from(key.id().len()).map_err(too_long)?;
        let length = u32::try_from(row.bytes.len()).map_err(too_long)?;
        self.buffer.extend_from_slice(&key.kind().to_be_bytes());
        self.buffer.extend_from_slice(&id.to_be_bytes());
        self.buffer.extend_from_slice(key.id());
        self.buffer.push(row.fate as u8);
        self.buffer.extend_from_slice(&row.last.to_be_bytes());
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(&row.bytes);
        if self.buffer.len() >= CHUNK {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        self.hasher.update(&self.buffer);
        let written = self.file.write_all(&self.buffer);
        written.map_err(StoreError::io("write", &self.path))?;
        let count = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        self.written = self.written.saturating_add(count);
        self.buffer.clear();
        Ok(())
    }

    /// Ends it, durably. Returns its bytes.
    pub(super) fn finish(mut self) -> Result<u64, StoreError> {
        self.write()?;
        let hash = self.hasher.finalize();
        self.buffer.extend_from_slice(hash.as_bytes());
        self.write()?;
        let synced = self.file.sync_all();
        synced.map_err(StoreError::io("sync", &self.path))?;
        Ok(self.written)
    }
}

/// Reads one from its beginning.
pub(super) struct Reader {
    file: File,
    path: PathBuf,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    /// Bytes of the buffer that have been taken.
    at: usize,
    /// Bytes before the hash that are not in the buffer yet.
    rest: u64,
    /// Bytes of the file.
    pub(super) bytes: u64,
    pub(super) header: Header,
}

impl Reader {
    /// Opens one and reads its header.
    pub(super) fn open(path: &Path) -> Result<Reader, StoreError> {
        let file = File::open(path).map_err(StoreError::io("open", path))?;
        let bytes = file.metadata().map_err(StoreError::io("read", path))?.len();
        let rest = bytes.saturating_sub(HASH as u64);
        let mut reader = Reader {
            file,
            path: path.to_owned(),
            hasher: blake3::Hasher::new(),
            buffer: Vec::new(),
            at: 0,
            rest,
            bytes,
            header: Header::default(),
        };
        if reader.array()? != *MAGIC {
            return Err(reader.damaged("it does not begin as one"));
        }
        reader.header.from = u64::from_be_bytes(reader.array()?);
        reader.header.standing = Standing::decode(reader.take(standing::ENCODED)?)?;
        for _ in 0..u32::from_be_bytes(reader.array()?) {
            let day = i64::from_be_bytes(reader.array()?);
            let bytes = u64::from_be_bytes(reader.array()?);
            reader.header.ids.insert(day, bytes);
        }
        Ok(reader)
    }

    /// The next row; `None` after the last, when the hash has been found right.
    pub(super) fn next(&mut self) -> Result<Option<(Key, Row)>, StoreError> {
        if self.at == self.buffer.len() && self.rest == 0 {
            return self.check_hash().map(|()| None);
        }
        let kind = i32::from_be_bytes(self.array()?);
        let id = u16::from_be_bytes(self.array()?);
        let key = Key::new(kind, self.take(usize::from(id))?);
        let [fate] = self.array()?;
        let last = u64::from_be_bytes(self.array()?);
        let length = u32::from_be_bytes(self.array()?);
        let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        let bytes = bytes.into();
        let fate = [Fate::Open, Fate::Closed, Fate::Gone]
            .into_iter()
            .find(|known| *known as u8 == fate)
            .ok_or_else(|| self.damaged("a row of it is none"))?;
        Ok(Some((key, Row { fate, last, bytes })))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The next bytes. What there is bounds what is read for them.
    fn take(&mut self, count: usize) -> Result<&[u8], StoreError> {
        let end = loop {
            let end = self.at.saturating_add(count);
            if end <= self.buffer.len() {
                break end;
            }
            if self.rest == 0 {
                return Err(self.damaged("it ends within a row"));
            }
            self.refill()?;
        };
        let taken = self.buffer.get(self.at..end).unwrap_or_default();
        self.at = end;
        Ok(taken)
    }

    fn refill(&mut self) -> Result<(), StoreError> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let kept = self.buffer.len();
        let more = self.rest.min(CHUNK as u64);
        let read = (&self.file).take(more).read_to_end(&mut self.buffer);
        read.map_err(StoreError::io("read", &self.path))?;
        let new = self.buffer.get(kept..).unwrap_or_default();
        if new.len() as u64 != more {
            return Err(self.damaged("it has become shorter"));
        }
        self.hasher.update(new);
        self.rest = self.rest.saturating_sub(more);
        Ok(())
    }

    fn check_hash(&mut self) -> Result<(), StoreError> {
        let mut hash = [0; HASH];
        let read = self.file.read_exact(&mut hash);
        read.map_err(StoreError::io("read", &self.path))?;
        if *self.hasher.finalize().as_bytes() == hash {
            Ok(())
        } else {
            Err(self.damaged("its hash is another"))
        }
    }
    fn damaged(&self, what: &'static str) -> StoreError {
        StoreError::damaged(&self.path, what)
    }
}
