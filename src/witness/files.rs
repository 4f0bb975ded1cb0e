//! A witness' folder: `WITNESS` says whose it is, `LOCK` that it is in use,
//! `HASH.checkpoint` what was signed last of the log whose origin has that
//! SHA-256, `HASH.fork` the proof that a log has shown two trees.
//!
//! A file is replaced as a whole: after a crash the old one is there or the new
//! one. The folder is the witness' memory, and all that keeps it from signing two trees. So it is
//! never made by mistake, and must never be set back from a backup: a witness
//! that has lost its folder begins again with a new key.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::proof::VerifierKey;
use crate::storage::{NotReplaced, replace_file};

/// Version of the folder's layout, and the only one read.
pub const FORMAT_VERSION: u32 = 1;

/// Bytes of a file, at most: a note that was let in, and our own signature.
const MAX_FILE: u64 = 256 * 1024;

const MARKER: &str = "WITNESS";
const LOCK: &str = "LOCK";

/// Why a witness' folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The operating system said no.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// Not one yet.
    #[error(
        "{} is no witness' folder: there is no {MARKER} file in it; check the path, or make a new \
         witness with --new. A witness that has lost its folder must not begin again with its old key",
        .0.display()
    )]
    NotAWitness(PathBuf),
    /// `--new` where something is.
    #[error("{} is not empty; a new witness begins in a folder of its own", .0.display())]
    NotEmpty(PathBuf),
    /// Another process has it.
    #[error("{} is in use by another process; stop that one first", .0.display())]
    InUse(PathBuf),
    /// The marker says something else.
    #[error("{}: {what}", path.display())]
    Marker {
        /// The marker.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// A file of it cannot be what this witness wrote.
    #[error(
        "{}: {what}; do not go on with this folder: a witness that has lost what it signed begins \
         again with a new key",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl FolderError {
    fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> FolderError {
        let path = path.into();
        move |source| FolderError::Io {
            action,
            path,
            source,
        }
    }
}

/// Where a witness keeps its files. Tests bring a disk that fails.
pub trait Files: Send + Sync {
    /// A file's text; `None` if there is none.
    fn read(&self, name: &str) -> io::Result<Option<String>>;

    /// Replaces a file. When this returns `Ok`, the new one outlives a crash.
    fn replace(&self, name: &str, text: &str) -> Result<(), NotReplaced>;
}

/// A folder, locked for as long as this lives.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes a new witness' folder: absent or empty.
    pub fn create(dir: &Path, key: &VerifierKey) -> Result<Folder, FolderError> {
        fs::create_dir_all(dir).map_err(FolderError::io("create", dir))?;
        let mut entries = fs::read_dir(dir).map_err(FolderError::io("read", dir))?;
        if entries.next().is_some() {
            return Err(FolderError::NotEmpty(dir.to_owned()));
        }
        let folder = Folder {
            dir: dir.to_owned(),
            _lock: take_lock(dir)?,
        };
        let text = format!("hazledger witness\nversion = {FORMAT_VERSION}\nkey = {key}\n");
        let failed = FolderError::io("write", dir.join(MARKER));
        let replaced = folder.replace(MARKER, &text);
        replaced.map_err(|why| failed(why.into()))?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            let synced = File::open(parent).and_then(|folder| folder.sync_all());
            synced.map_err(FolderError::io("sync", parent))?;
        }
        Ok(folder)
    }

    /// Opens the folder of this witness and no other.
    pub fn open(dir: &Path, key: &VerifierKey) -> Result<Folder, FolderError> {
        let marker = dir.join(MARKER);
        let text = match read(&marker) {
            Ok(Some(text)) => text,
            Ok(None) => return Err(FolderError::NotAWitness(dir.to_owned())),
            Err(error) => return Err(FolderError::io("read", marker)(error)),
        };
        check_marker(&text, key).map_err(|what| FolderError::Marker { path: marker, what })?;
        Ok(Folder {
            dir: dir.to_owned(),
            _lock: take_lock(dir)?,
        })
    }

    /// The file of that name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Files for Folder {
    fn read(&self, name: &str) -> io::Result<Option<String>> {
        read(&self.path(name))
    }

    fn replace(&self, name: &str, text: &str) -> Result<(), NotReplaced> {
        replace_file(&self.path(name), |mut file| file.write_all(text.as_bytes()))
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    let length = file.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if length as u64 > MAX_FILE {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is longer than any file of a witness",
        ));
    }
    Ok(Some(text))
}

fn check_marker(text: &str, key: &VerifierKey) -> Result<(), String> {
    let mut lines = text.lines();
    if lines.next() != Some("hazledger witness") {
        return Err("its first line is not `hazledger witness`".to_owned());
    }
    let mut field = |name: &str| {
        let line = lines.next().and_then(|line| line.split_once(" = "));
        line.filter(|(field, _)| *field == name)
            .map(|(_, value)| value)
            .ok_or_else(|| format!("`{name} = …` is missing"))
    };
    let version = field("version")?;
    if version != FORMAT_VERSION.to_string() {
        return Err(format!(
            "it has version {version}, this program reads {FORMAT_VERSION}; use the one that wrote it"
        ));
    }
    let of = field("key")?;
    if of != key.to_string() {
        return Err(format!(
            "the folder is of the witness {of}, not of {key}: give the key and the name it was made with"
        ));
    }
    Ok(())
}

fn take_lock(dir: &Path) -> Result<File, FolderError> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(FolderError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(FolderError::io("lock", path)(error)),
    }
}
