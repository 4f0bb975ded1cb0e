//! A backup read as what it is a backup of: the files of one folder of the
//! data directory, under the names that they have there. Read only.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::manifest::Manifest;
use crate::journal::Storage;

/// One folder of a data directory, as a backup holds it. Whatever would
/// change it is refused.
#[derive(Clone, Debug)]
pub struct View<S> {
    backup: S,
    /// Names in the backup, by name in the data directory's folder.
    stored: Arc<BTreeMap<String, String>>,
}

impl<S: Storage> View<S> {
    /// The files of `prefix`, such as `journal/`.
    pub(super) fn new(backup: S, manifest: &Manifest, prefix: &str) -> View<S> {
        let files = manifest.folder(prefix).filter_map(|file| {
            let name = file.name.strip_prefix(prefix)?;
            Some((name.to_owned(), file.stored.clone()))
        });
        View {
            backup,
            stored: Arc::new(files.collect()),
        }
    }

    /// One file, under a name of its own.
    pub(super) fn of_one(backup: S, name: String, stored: String) -> View<S> {
        View {
            backup,
            stored: Arc::new(BTreeMap::from([(name, stored)])),
        }
    }
}

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(
        io::ErrorKind::ReadOnlyFilesystem,
        "a backup that is read is not written to",
    ))
}

impl<S: Storage> Storage for View<S> {
    type File = S::File;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.stored.keys().cloned().collect())
    }

    fn create(&self, _: &str) -> io::Result<S::File> {
        refused()
    }

    fn open(&self, name: &str) -> io::Result<S::File> {
        let stored = self.stored.get(name);
        self.backup.open(stored.ok_or(io::ErrorKind::NotFound)?)
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
