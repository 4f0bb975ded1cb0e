//! A journal's folder opened for reading alone: an audit works on a copy that
//! may not be written to, and can change nothing by mistake.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::journal::{Storage, open_to_read};

/// A folder of segments, read only; whatever would change it is refused.
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

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(
        io::ErrorKind::ReadOnlyFilesystem,
        "an audit writes nothing",
    ))
}

impl Storage for ReadOnlyFolder {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            // A name that is not UTF-8 is none of the journal's.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn create(&self, _: &str) -> io::Result<File> {
        refused()
    }

    fn open(&self, name: &str) -> io::Result<File> {
        open_to_read(&self.folder.join(name))
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
