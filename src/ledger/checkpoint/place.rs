//! Where a ledger keeps its checkpoints: a few small texts, each replaced as a
//! whole and durably. On any storage, so that tests can let the power go at
//! each step; or in memory, for a ledger without a folder.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use crate::storage::{Storage, StorageFile as _, replace};

/// Bytes of a text, at most: as many as a note may have; a checkpoint with its
/// cosignatures is far smaller.
const MAX_BYTES: u64 = 256 * 1024;

/// See the module.
pub(in crate::ledger) trait Place: Send + Sync {
    /// The text of that name; `None` if there is none.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Puts a text in the place of the one before. When it returns `Ok` it is
    /// there after any crash; before that, one of the two is, and whole. After
    /// an error it is not known which.
    fn keep(&self, name: &str, text: &[u8]) -> io::Result<()>;

    /// Removes a text, durably, if it is there.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// A folder of them.
pub(in crate::ledger) struct Folder<S>(pub(in crate::ledger) S);

impl<S: Storage> Place for Folder<S> {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match self.0.open(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.len()?;
        if length > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(Some(bytes))
    }

    fn keep(&self, name: &str, text: &[u8]) -> io::Result<()> {
        Ok(replace(&self.0, name, |file| file.write_all_at(text, 0))?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match self.0.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.0.sync_dir(),
        }
    }
}

/// For a ledger without a folder: it promises nothing beyond its own end.
#[derive(Default)]
pub(in crate::ledger) struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl Place for Memory {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(texts.get(name).cloned())
    }

    fn keep(&self, name: &str, text: &[u8]) -> io::Result<()> {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.insert(name.to_owned(), text.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.remove(name);
        Ok(())
    }
}
