//! The file that a verification is saved in, whole or not at all: written
//! beside its place, synced, and put there. What is in it, and what is checked
//! of it, is in [`proof`](crate::proof).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::proof::{Expect, Verifier};

/// What a file that is being written is called, after its own name.
const UNFINISHED: &str = ".unfinished";

/// Takes up the verification in a file; `None` if there is no file.
///
/// # Errors
/// Why it is of no use: then everything is to be verified.
pub fn read_saved(path: &Path, expect: &Expect) -> Result<Option<Verifier>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    let restored = Verifier::restore(&mut BufReader::new(file), expect.clone());
    restored.map(Some).map_err(|bad| bad.to_string())
}

/// Saves a verification in a file, in the place of what is there.
///
/// # Errors
/// What the operating system says; the file is as it was then.
pub fn write_saved(path: &Path, verifier: &Verifier) -> io::Result<()> {
    replace(path, |file| {
        let mut out = BufWriter::new(file);
        verifier.save(&mut out)?;
        out.flush()
    })
}

/// Writes a file anew: whoever reads it finds the old one or the new one.
pub fn replace(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let beside = beside(path);
    let file = File::create(&beside)?;
    write(&file)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(UNFINISHED);
    PathBuf::from(name)
}
