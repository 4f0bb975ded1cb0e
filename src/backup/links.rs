//! A journal's folder in which a segment's name may be a link to a file of an
//! archive: what moves segments there and back changes. On any storage, so that
//! tests can let the power go at each step. Not here: the order of the steps
//! (`archive`, and `retain`).

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::manifest::LOCK;
use crate::storage::{DirStorage, ReadOnlyFolder, Storage};

/// What is said of a file whose store cannot be seen.
const NO_STORE: &str = "its store is not there; mount it, or, if it is gone for good, remove the \
                        link to the file, in the journal's folder";

/// See the module. Opening a link opens the file that it leads to.
pub trait Links: Storage {
    /// Where the link under a name leads; `None` if it is no link.
    fn place(&self, name: &str) -> io::Result<Option<PathBuf>>;

    /// Puts a link under a name that is free. Durable only after
    /// [`sync_dir`](Storage::sync_dir).
    fn link_to(&self, place: &Path, name: &str) -> io::Result<()>;

    /// Removes a file of an archive, if it is there, durably.
    fn remove_archived(&self, place: &Path) -> io::Result<()>;
}

/// The real folder. Files are opened to be read.
#[derive(Clone, Debug)]
pub struct JournalFolder {
    path: PathBuf,
    written: DirStorage,
    read: ReadOnlyFolder,
}

impl JournalFolder {
    /// Uses a folder that is there.
    pub fn new(path: &Path) -> JournalFolder {
        JournalFolder {
            path: path.to_owned(),
            written: DirStorage::new(path),
            read: ReadOnlyFolder::new(path),
        }
    }
}

impl Links for JournalFolder {
    fn place(&self, name: &str) -> io::Result<Option<PathBuf>> {
        let path = self.path.join(name);
        if fs::symlink_metadata(&path)?.is_symlink() {
            return fs::read_link(&path).map(Some);
        }
        Ok(None)
    }

    fn link_to(&self, place: &Path, name: &str) -> io::Result<()> {
        symlink(place, self.path.join(name))
    }

    fn remove_archived(&self, place: &Path) -> io::Result<()> {
        match fs::remove_file(place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Gone by a run that was cut short here, or out of sight.
                if !place.with_file_name(LOCK).exists() {
                    return Err(io::Error::new(error.kind(), NO_STORE));
                }
            }
            removed => removed?,
        }
        match place.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl Storage for JournalFolder {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        self.read.list()
    }

    fn create(&self, name: &str) -> io::Result<File> {
        self.written.create(name)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        self.read.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.written.rename(from, to)
    }

    fn link(&self, name: &str, second: &str) -> io::Result<()> {
        self.written.link(name, second)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.written.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.written.sync_dir()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.written.free_bytes()
    }
}
