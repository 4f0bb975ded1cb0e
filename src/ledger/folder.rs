//! The data directory: `LEDGER` says whose it is, `LOCK` that it is in use,
//! `journal/` is the ledger, `projection/` can be rebuilt, `refusals/` holds
//! what was refused, `checkpoints/` what was signed last.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::OpenError;
use crate::event::Hash;
use crate::event::digest::to_hex;
use crate::storage::{make_folder, replace_file};

/// Version of the folder's layout, and the only one read.
pub const FORMAT_VERSION: u32 = 1;

/// As the process makes them.
const FOLDER_MODE: u32 = 0o777;

const MARKER: &str = "LEDGER";
const LOCK: &str = "LOCK";
const JOURNAL: &str = "journal";
const PROJECTION: &str = "projection";
const REFUSALS: &str = "refusals";
const CHECKPOINTS: &str = "checkpoints";
/// Copies that were set aside, at most: someone should look at them.
const MAX_SET_ASIDE: u32 = 100;
/// How often to try for the lock, and how long to wait in between: a program
/// that is just being started by whoever held it holds it for a moment too.
const LOCK_TRIES: usize = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A ledger's folder, locked for as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    /// Head hash of record 0, as the marker says.
    pub(super) genesis_hash: Hash,
    lock: File,
}

impl Folder {
    /// Makes sure that a ledger may be created here, and takes the lock.
    pub(super) fn prepare(dir: &Path) -> Result<File, OpenError> {
        make_folder(dir, FOLDER_MODE).map_err(OpenError::io("create", dir))?;
        let mut entries = fs::read_dir(dir).map_err(OpenError::io("read", dir))?;
        if entries.next().is_some() {
            return Err(OpenError::NotEmpty(dir.to_owned()));
        }
        take_lock(dir)
    }

    /// The last step of creation: from here on there is a ledger.
    pub(super) fn publish(dir: &Path, name: &str, genesis_hash: Hash) -> Result<(), OpenError> {
        let text = format!(
            "hazledger\nversion = {FORMAT_VERSION}\norigin = {name}\ngenesis = {genesis_hash}\n"
        );
        let marker = dir.join(MARKER);
        let written = replace_file(&marker, |mut file| file.write_all(text.as_bytes()));
        written.map_err(|why| OpenError::io("write", &marker)(why.into()))?;
        match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => sync_dir(parent),
            None => Ok(()),
        }
    }

    /// Opens the folder of a ledger and takes its lock.
    pub(super) fn open(dir: &Path) -> Result<Folder, OpenError> {
        Ok(Folder {
            dir: dir.to_owned(),
            genesis_hash: genesis_hash(dir)?,
            lock: take_lock(dir)?,
        })
    }

    pub(super) fn journal(dir: &Path) -> PathBuf {
        dir.join(JOURNAL)
    }

    pub(super) fn projection(dir: &Path) -> PathBuf {
        dir.join(PROJECTION)
    }

    pub(super) fn refusals(dir: &Path) -> PathBuf {
        dir.join(REFUSALS)
    }

    pub(super) fn checkpoints(dir: &Path) -> PathBuf {
        dir.join(CHECKPOINTS)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The lock, to be held by whoever uses the folder.
    pub(super) fn into_lock(self) -> File {
        self.lock
    }
}

/// The head hash of record 0, as the marker of a ledger's folder says.
pub fn genesis_hash(dir: &Path) -> Result<Hash, OpenError> {
    let marker = dir.join(MARKER);
    let text = match fs::read_to_string(&marker) {
        Ok(text) => text,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Err(OpenError::NotALedger(dir.to_owned()));
        }
        Err(error) => return Err(OpenError::io("read", marker)(error)),
    };
    read_marker(&marker, &text)
}

fn read_marker(path: &Path, text: &str) -> Result<Hash, OpenError> {
    let bad = |what: &str| OpenError::Marker {
        path: path.to_owned(),
        what: what.into(),
    };
    let mut lines = text.lines();
    if lines.next() != Some("hazledger") {
        return Err(bad("its first line is not `hazledger`"));
    }
    let mut field = |name: &str| {
        let line = lines.next().and_then(|line| line.split_once(" = "));
        line.filter(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
            .ok_or_else(|| bad(&format!("`{name} = …` is missing")))
    };
    let version = field("version")?;
    if version != FORMAT_VERSION.to_string() {
        return Err(OpenError::Version {
            path: path.to_owned(),
            found: version,
            supported: FORMAT_VERSION,
        });
    }
    field("origin")?;
    let genesis = field("genesis")?;
    parse_hash(&genesis).ok_or_else(|| bad("the genesis hash is not 64 hexadecimal digits"))
}

fn parse_hash(text: &str) -> Option<Hash> {
    let (high, low) = text.split_at_checked(32)?;
    let half = |digits: &str| {
        let bytes = u128::from_str_radix(digits, 16).ok()?.to_be_bytes();
        (digits == to_hex(&bytes)).then_some(bytes)
    };
    let bytes = [half(high)?, half(low)?].concat();
    Hash::from_slice(&bytes)
}

fn take_lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(OpenError::io(
            "open (a ledger must be able to write)",
            &path,
        ))?;
    for _ in 1..LOCK_TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(OpenError::io("lock", path)(error)),
            Ok(()) => return Ok(file),
        }
    }
    Err(OpenError::InUse(dir.to_owned()))
}

fn sync_dir(dir: &Path) -> Result<(), OpenError> {
    let synced = File::open(dir).and_then(|folder| folder.sync_all());
    synced.map_err(OpenError::io("sync", dir))
}

/// Keeps a projection that is of no use under another name; returns that.
pub(super) fn set_aside(projection: &Path) -> Result<PathBuf, OpenError> {
    for number in 1..=MAX_SET_ASIDE {
        let mut name = projection.as_os_str().to_owned();
        name.push(format!(".set-aside-{number}"));
        let aside = PathBuf::from(name);
        if !aside
            .try_exists()
            .map_err(OpenError::io("look for", &aside))?
        {
            fs::rename(projection, &aside).map_err(OpenError::io("set aside", projection))?;
            return Ok(aside);
        }
    }
    Err(OpenError::SetAside(projection.to_owned()))
}
