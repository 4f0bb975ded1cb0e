//! Folders opened for reading alone: whoever looks at a copy that may not be
//! written to can change nothing by mistake.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Storage, StorageFile, open_to_read};

/// What is only read. It is a [`Storage`] all the same, for code that reads
/// one; whatever would change it is refused.
pub trait ReadOnly: fmt::Debug + Send + Sync + 'static {
    /// An open file.
    type File: StorageFile;

    /// The names of its files, in any order.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Opens a file, to be read.
    fn file(&self, name: &str) -> io::Result<Self::File>;
}

impl<R: ReadOnly> Storage for R {
    type File = R::File;

    fn list(&self) -> io::Result<Vec<String>> {
        self.names()
    }

    fn create(&self, _: &str) -> io::Result<R::File> {
        refused()
    }

    fn open(&self, name: &str) -> io::Result<R::File> {
        self.file(name)
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        refused()
    }

    fn link(&self, _: &str, _: &str) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self) -> io::Result<()> {
        refused()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        refused()
    }
}

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(
        io::ErrorKind::ReadOnlyFilesystem,
        "it is opened to be read only",
    ))
}

/// A real folder, read only.
#[derive(Clone, Debug)]
pub struct ReadOnlyFolder {
    folder: PathBuf,
}

impl ReadOnlyFolder {
    /// Uses a folder that is there.
    pub fn new(folder: impl Into<PathBuf>) -> ReadOnlyFolder {
        ReadOnlyFolder {
            folder: folder.into(),
        }
    }
}

impl ReadOnly for ReadOnlyFolder {
    type File = File;

    fn names(&self) -> io::Result<Vec<String>> {
        super::folder::names(&self.folder)
    }

    fn file(&self, name: &str) -> io::Result<File> {
        open_to_read(&self.folder.join(name))
    }
}

/// Some files of a storage, under other names than they have there; read only.
#[derive(Clone, Debug)]
pub struct View<S> {
    storage: S,
    /// Names in the storage, by name here.
    stored: Arc<BTreeMap<String, String>>,
}

impl<S: Storage> View<S> {
    /// Files by their names here, each with its name in the storage.
    pub fn new(storage: S, files: impl IntoIterator<Item = (String, String)>) -> View<S> {
        View {
            storage,
            stored: Arc::new(files.into_iter().collect()),
        }
    }

    /// One file.
    pub fn of_one(storage: S, name: String, stored: String) -> View<S> {
        View::new(storage, [(name, stored)])
    }
}

impl<S: Storage> ReadOnly for View<S> {
    type File = S::File;

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.stored.keys().cloned().collect())
    }

    fn file(&self, name: &str) -> io::Result<S::File> {
        let stored = self.stored.get(name);
        self.storage.open(stored.ok_or(io::ErrorKind::NotFound)?)
    }
}
